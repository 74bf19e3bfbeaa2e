package discharge

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
)

// Observation that becomes an inpatient stay after 30 hours: the notice was owed within 36 hours of its
// beginning, and sooner, by the admission. Whichever is heard of first, it ends alike.
func TestTheObservationNoticeIsStillOwedOnceTheStayIsInpatient(t *testing.T) {
	began := left.AddDate(0, 0, -5)
	inpatient := began.Add(30 * time.Hour)
	observed := stay(1, "observation", "in-progress", medicare, func(s *events.Encounter) { s.ObservationAt, s.FoldVersion = &began, 1 })
	admitted := stay(1, "inpatient", "in-progress", medicare, func(s *events.Encounter) {
		s.ObservationAt, s.InpatientAt, s.FoldVersion = &began, &inpatient, 2
	})
	moon := func(h *hospital) []any {
		c := h.clocks(1, "")["moon"]
		return []any{c["state"], c["due_at"], c["reason"]}
	}
	h := newHospital(t)
	h.s.clock = func() time.Time { return began.Add(26 * time.Hour) }
	h.hear(events.EncounterAdmitted{About: about(observed)})
	if diff := cmp.Diff([]any{"due", began.Add(36 * time.Hour).UTC().Format(time.RFC3339), nil}, moon(h)); diff != "" {
		t.Error(diff)
	}
	h.must("nora:liaison", "POST", "/encounters/"+observed.ID.String()+"/clocks/moon/record", map[string]any{"kind": "met", "at": began.Add(25 * time.Hour)})
	h.s.clock = func() time.Time { return began.Add(31 * time.Hour) }
	h.hear(events.EncounterClassChanged{About: about(admitted)})
	want := []any{"met", inpatient.UTC().Format(time.RFC3339), nil}
	if diff := cmp.Diff(want, moon(h)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("missed", h.clocks(1, "")["im-first"]["state"]); diff == "" {
		t.Error("the Important Message counts from when the patient became an inpatient")
	}
	// Heard of as an inpatient stay from the start, and corrected: less than a day of observation owes nothing.
	again := newHospital(t)
	soon := began.Add(20 * time.Hour)
	admitted.InpatientAt = &soon
	again.hear(events.EncounterAdmitted{About: about(admitted)})
	if got := moon(again); got[0] != "not-applicable" || got[2] != "observation lasted no more than 24 hours" {
		t.Errorf("%v", got)
	}
	admitted.InpatientAt, admitted.FoldVersion = &inpatient, 3
	again.hear(updated(admitted))
	if diff := cmp.Diff([]any{"missed", inpatient.UTC().Format(time.RFC3339), nil}, moon(again)); diff != "" {
		t.Error(diff)
	}
}
