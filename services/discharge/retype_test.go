package discharge

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
)

// An A01 of a nursing facility after a hospital's discharge is an arrival there. Where nobody has said what
// the facility is it looks like a readmission, and is taken back as soon as somebody does; and the other way round.
func TestANursingFacilitysOwnAdmissionIsNoReadmission(t *testing.T) {
	h := newHospital(t)
	place := func(kind string) events.Fact {
		return events.FacilityChanged{ID: events.Derive("test", "LAKE"), Code: "LAKE", Zone: "America/New_York", Kind: kind}
	}
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)), linked(2, 1))
	open := h.open(1)
	h.hear(admitted(stay(2, "inpatient", "in-progress", lake(onDay(3), nil))))
	if diff := cmp.Diff([]string{"readmitted readmitted", "LAKE inpatient 3 admitted <nil>"}, h.standing(1)); diff != "" {
		t.Fatal(diff)
	}
	h.hear(place("skilled-nursing"))
	h.tick(time.Now().Add(time.Minute))
	if diff := cmp.Diff([]string{"active "}, h.standing(1)); diff != "" {
		t.Error(diff)
	}
	if got := h.open(1); got != open {
		t.Errorf("%d tasks are open again, there were %d", got, open)
	}
	h.hear(place("hospital"))
	h.tick(time.Now().Add(time.Minute))
	if diff := cmp.Diff([]string{"readmitted readmitted", "LAKE inpatient 3 admitted <nil>"}, h.standing(1)); diff != "" {
		t.Error(diff)
	}
	want := []string{"detected LAKE inpatient admitted", "withdrawn LAKE inpatient admitted not-acute-care", "detected LAKE inpatient admitted"}
	if diff := cmp.Diff(want, h.returns()); diff != "" {
		t.Error(diff)
	}
	h.balanced()
}

// Set up before the first patient comes: nothing is detected, and who comes back to the hospital from there
// has been in a nursing facility, and is back.
func TestAReturnFromANursingFacilityIsOneAndSaysSo(t *testing.T) {
	h := newHospital(t)
	h.hear(events.FacilityChanged{ID: events.Derive("test", "LAKE"), Code: "LAKE", Zone: "America/New_York", Kind: "skilled-nursing"})
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)), linked(2, 1), linked(3, 1))
	h.hear(admitted(stay(2, "inpatient", "in-progress", lake(onDay(3), nil))))
	if got := h.returns(); len(got) > 0 {
		t.Errorf("%v", got)
	}
	back := stay(3, "inpatient", "in-progress", func(s *events.Encounter) { s.AdmittedAt = onDay(9) })
	h.hear(admitted(back))
	if diff := cmp.Diff([]string{"detected MERCY inpatient admitted"}, h.returns()); diff != "" {
		t.Error(diff)
	}
	flags := h.shown(3)["patient_flags"].([]any)
	if len(flags) == 0 || flags[0].(map[string]any)["code"] != "recent-snf" {
		t.Errorf("%v", flags)
	}
	h.balanced()
}
