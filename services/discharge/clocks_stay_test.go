package discharge

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// since says when a stay became an inpatient one.
func since(at time.Time) func(*events.Encounter) {
	return func(s *events.Encounter) { s.InpatientAt = &at }
}

// starts are the instants that the kept clocks of an encounter start from.
func (h *hospital) starts(number int) (out map[string]time.Time) {
	h.t.Helper()
	var record struct {
		Starts map[string]time.Time `json:"starts"`
	}
	if err := json.Unmarshal([]byte(h.kept(number)), &record); err != nil {
		h.t.Fatal(err)
	}
	return record.Starts
}

// A stay is first heard of by its discharge; then that it had been an inpatient one for days, and then
// that it was not for so long. Clocks start from what is known last, also when there is nothing else new.
func TestClocksStartFromTheNewestWordOfTheStay(t *testing.T) {
	h := newHospital(t)
	at := left
	for i, days := range []int{0, -3, -1, -4} {
		at = left.AddDate(0, 0, days)
		s := stay(1, "inpatient", "finished", medicare, fold(int64(i+1)), since(at))
		if i == 0 {
			h.hear(discharged(s))
		} else {
			h.hear(updated(s))
		}
		if got := h.starts(1)["inpatient"]; !got.Equal(at) {
			t.Errorf("after %d corrections clocks start from %s, want %s", i, got, at)
		}
	}
	// What is older, and heard later, is old.
	h.hear(updated(stay(1, "inpatient", "finished", medicare, fold(2), since(left.AddDate(0, 0, -9)))))
	if got := h.starts(1)["inpatient"]; !got.Equal(at) {
		t.Errorf("after an older word clocks start from %s, want %s", got, at)
	}
}

// Whoever decides next without news of the stay - because the facility's days changed, the patient died or
// was linked, somebody did a task, or time passed - goes by the stay that the clocks went by.
func TestClocksKeepTheStayTheyWentBy(t *testing.T) {
	place := events.FacilityChanged{ID: facility, Code: "MERCY", Zone: "America/Chicago", Closures: []string{"2026-10-19"}}
	deceased := func(dead bool) events.Fact {
		return events.PatientUpdated{Patient: events.Patient{ID: stay(1, "", "").Patient, Deceased: dead}}
	}
	for _, c := range []struct {
		name string
		then func(h *hospital)
	}{
		{"the facility's days", func(h *hospital) { h.hear(place) }},
		{"a death that was none", func(h *hospital) { h.hear(deceased(true)); h.hear(deceased(false)) }},
		{"a link", func(h *hospital) { h.hear(linked(1, 2)); h.hear(unlinked(1, 2)) }},
		{"work", func(h *hospital) { h.complete(1, "tcm-contact") }},
		{"time", func(h *hospital) { h.tick(left.AddDate(0, 0, 40)) }},
	} {
		for _, last := range []int{-1, -4} { // from later, or earlier, than was thought
			t.Run(fmt.Sprintf("%s, %d days", c.name, -last), func(t *testing.T) {
				h := newHospital(t)
				want := left.AddDate(0, 0, last)
				h.hear(admitted(stay(1, "inpatient", "in-progress", medicare, fold(1), since(left.AddDate(0, 0, -3)))))
				h.hear( // in one batch: the first changes the plan, the second what the clocks go by, and no more
					discharged(stay(1, "inpatient", "finished", medicare, fold(2), since(left.AddDate(0, 0, -3)))),
					updated(stay(1, "inpatient", "finished", medicare, fold(3), since(want))))
				if got := h.starts(1)["inpatient"]; !got.Equal(want) {
					t.Fatalf("clocks start from %s, want %s", got, want)
				}
				c.then(h)
				if got := h.starts(1)["inpatient"]; !got.Equal(want) {
					t.Errorf("after it clocks start from %s, want %s", got, want)
				}
				h.balanced()
			})
		}
	}
}
