package discharge

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
)

func TestClocksOfAStayFollowItsLife(t *testing.T) {
	h := newHospital(t)
	in := stay(1, "inpatient", "in-progress")
	h.hear(admitted(in))
	if got := statesOf(h.clocks(1, "")); len(got) != 0 {
		t.Errorf("without a payer: %v", got)
	}
	medicare(&in)
	h.hear(updated(in)) // the insurance comes later, as it does
	want := map[string]string{"im-first": "missed", "trc-nia": "missed", "snf-3-day": "met"}
	if diff := cmp.Diff(want, statesOf(h.clocks(1, ""))); diff != "" {
		t.Error(diff)
	}
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	for rule, c := range h.clocks(1, "") {
		steps, _ := c["trace"].(map[string]any)
		if c["state"] == "not-applicable" && c["reason"] == nil || c["state"] != "not-applicable" && steps == nil {
			t.Errorf("%s: neither a reason nor a trace", rule)
		}
	}
	want = map[string]string{
		"im-first": "missed", "im-copy": "missed", "trc-nia": "missed", "snf-3-day": "met", "snf-admit-30": "due", "pcr-30": "due",
		"tcm-contact": "due", "tcm-visit-7": "due", "tcm-visit-14": "due", "tcm-medrec-14": "due", "tcm-period": "due",
		"trc-rdi": "due", "trc-engagement": "due", "mrp": "due",
	}
	if diff := cmp.Diff(want, statesOf(h.clocks(1, ""))); diff != "" {
		t.Error(diff)
	}
	if got := h.toldOfClocks(); len(got) > 0 {
		t.Errorf("told %v of clocks nobody was asked to see to", got)
	}
}

func TestAMissedClockIsToldOnceWhenItsTimeHasPassed(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	h.tick(h.at("2026-10-18 23:59"))
	if got := h.toldOfClocks(); len(got) > 0 {
		t.Errorf("told %v before its time", got)
	}
	due := h.at("2026-10-19 00:00") // the discharge information
	h.tick(due)
	h.tick(due.Add(time.Minute))
	if diff := cmp.Diff([]string{"missed"}, h.toldOfClocks()); diff != "" {
		t.Error(diff)
	}
	if got := h.clocks(1, "&state=missed"); got["trc-rdi"] == nil {
		t.Errorf("missed: %v", statesOf(got))
	}
	// The discharge turns out to have been two days later: it is due again.
	later := left.AddDate(0, 0, 2)
	h.hear(updated(stay(1, "inpatient", "finished", medicare, func(s *events.Encounter) { s.DischargedAt, s.FoldVersion = &later, 2 })))
	if diff := cmp.Diff([]string{"missed", "withdrawn"}, h.toldOfClocks()); diff != "" {
		t.Error(diff)
	}
	if got := h.clocks(1, "")["trc-rdi"]; got["state"] != "due" {
		t.Errorf("after the correction: %v", got)
	}
}

// The clock outlives its task: with every task done, the timer still wakes it.
func TestAClockWakesWithoutAnyOpenTask(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", disposition("50")))) // hospice
	for _, k := range h.tasks(1, "open") {
		action, body := "complete", map[string]any{}
		if k["code"] == "hospice-start" {
			body["outcome"] = "failed"
		}
		h.do(1, k["code"].(string), action, body)
	}
	due := left.Add(48 * time.Hour)
	if diff := cmp.Diff([]time.Time{due}, h.wakeUps()); diff != "" {
		t.Error(diff)
	}
	h.s.clock = func() time.Time { return due }
	h.tick(due)
	if diff := cmp.Diff([]string{"missed"}, h.toldOfClocks()); diff != "" {
		t.Error(diff)
	}
	if got := h.wakeUps(); len(got) > 0 {
		t.Errorf("timers are left: %v", got)
	}
}

func TestClocksOfTransitionsThatEndAreGoneAndComeBack(t *testing.T) {
	h := newHospital(t)
	out := stay(1, "inpatient", "finished", medicare)
	h.hear(discharged(out))
	before := statesOf(h.clocks(1, ""))
	again := stay(1, "inpatient", "in-progress", medicare, func(s *events.Encounter) { s.FoldVersion = 2 })
	h.hear(events.EncounterDischargeCancelled{About: about(again)})
	if got := slices.Sorted(maps.Keys(statesOf(h.clocks(1, "")))); !slices.Equal(got, []string{"im-first", "snf-3-day", "trc-nia"}) {
		t.Errorf("planning again: %v", got)
	}
	out.FoldVersion = 3
	h.hear(discharged(out))
	if diff := cmp.Diff(before, statesOf(h.clocks(1, ""))); diff != "" {
		t.Error(diff)
	}
	out.FoldVersion, out.Deceased = 4, true
	h.hear(updated(out))
	for rule, c := range h.clocks(1, "") {
		if c["state"] != "not-applicable" || c["reason"] != "the transition is expired" {
			t.Errorf("%s after a death: %v (%v)", rule, c["state"], c["reason"])
		}
	}
}

func TestLateArrivalsClocksAreNoNews(t *testing.T) {
	h := newHospital(t)
	h.at("2026-10-25 09:00")
	e := h.event(discharged(stay(1, "inpatient", "finished", medicare)))
	e.Received = h.s.clock()
	h.handle(e)
	if got := h.clocks(1, ""); got["tcm-contact"]["state"] != "missed" || got["tcm-visit-14"]["state"] != "due" {
		t.Errorf("%v", statesOf(got))
	}
	h.tick(h.at("2026-10-25 09:01"))
	if got := h.toldOfClocks(); len(got) > 0 {
		t.Errorf("told %v", got)
	}
	h.tick(h.at("2026-10-31 00:00"))
	if got := h.toldOfClocks(); len(got) != 2 { // the visit and the medicines, by day 14
		t.Errorf("told %v", got)
	}
}

func TestLocalClosuresMoveClocks(t *testing.T) {
	h := newHospital(t)
	h.hear(events.FacilityChanged{ID: facility, Code: "MERCY", Zone: "America/New_York"})
	h.hear(discharged(stay(1, "inpatient", "finished")))
	if got := h.clocks(1, "")["tcm-contact"]["due_at"]; got != "2026-10-21T04:00:00Z" {
		t.Errorf("due %v", got)
	}
	h.hear(events.FacilityChanged{ID: facility, Code: "MERCY", Zone: "America/Chicago", Closures: []string{"2026-10-19"}})
	h.tick(h.s.clock())
	if got := h.clocks(1, "")["tcm-contact"]["due_at"]; got != "2026-10-22T05:00:00Z" {
		t.Errorf("with a closure, in Chicago: due %v", got)
	}
}

// Whatever was heard first, the facility's days or the stay, and however often: the
// clocks are kept alike, to the byte.
func TestClocksDoNotDependOnTheOrderOfFacts(t *testing.T) {
	place := events.FacilityChanged{ID: facility, Code: "MERCY", Zone: "America/Chicago", Closures: []string{"2026-10-19"}}
	in := stay(1, "inpatient", "in-progress", fold(1))
	insured := stay(1, "inpatient", "in-progress", fold(2), medicare)
	first := stay(1, "inpatient", "finished", fold(3), medicare, disposition("06"))
	last := stay(1, "inpatient", "finished", fold(4), medicare)
	var want string
	for i, order := range [][]events.Fact{
		{place, admitted(in), updated(insured), discharged(first), updated(last)},
		{admitted(in), updated(insured), place, discharged(first), updated(last)},
		{admitted(in), updated(insured), discharged(first), updated(last), place, updated(last)},
		{updated(last), place},
	} {
		for _, together := range []bool{true, false} {
			h := newHospital(t)
			if together {
				h.hear(order...)
			} else {
				for _, f := range order {
					h.hear(f)
				}
			}
			h.tick(h.s.clock())
			got := h.kept(1)
			if want == "" {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("order %d, together: %v: %s", i, together, diff)
			}
		}
	}
}

func TestAReadmissionEndsTheClocksOfTheEpisode(t *testing.T) {
	h := newReturns(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)), linked(2, 1))
	h.hear(admitted(stay(2, "inpatient", "in-progress", lake(onDay(5), nil), medicare)))
	got := h.clocks(1, "")
	for rule, want := range map[string]string{
		"pcr-30": "missed", "mrp": "not-applicable", "trc-engagement": "not-applicable", "snf-admit-30": "not-applicable", "tcm-visit-14": "due",
	} {
		if got[rule]["state"] != want {
			t.Errorf("%s: %v (%v), want %s", rule, got[rule]["state"], got[rule]["reason"], want)
		}
	}
}
