package board

import (
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

// A correction says on the timeline what it did, why, and what was before; ids say nothing to anybody.
func TestACorrectionIsToldInWords(t *testing.T) {
	for _, c := range []struct {
		h    Happening
		want string
	}{
		{Happening{Type: (events.TaskCancelled{}).Type(), Title: "Call", Reason: "discharge-cancelled", Previous: map[string]string{"state": "requested"}},
			"because the discharge was cancelled"},
		{Happening{Type: (events.TaskRescheduled{}).Type(), Title: "Call", Reason: "discharge-time-changed",
			Previous: map[string]string{"due_at": "2026-10-21T04:00:00Z", "trigger_at": "2026-10-16T18:02:00Z"}},
			"because the time of the discharge was corrected, the due time was Wed, Oct 21, 4:00 AM"},
		{Happening{Type: (events.TaskRescheduled{}).Type(), Title: "Call", Reason: "patient-changed",
			Previous: map[string]string{"patient_id": events.Derive("p").String()}},
			"because the stay belongs to another patient’s record, another patient’s record before"},
		{Happening{Type: (events.ReferralUpdated{}).Type(), Code: "snf", Reason: "stay-corrected", Previous: map[string]string{"discharged_at": ""}},
			"Skilled nursing facility, because the stay was corrected"},
		{Happening{Type: (events.AlertCorrected{}).Type(), Code: "transition-opened", Reason: "disposition-changed", To: []string{"role:lead"}},
			"A patient left: follow-up is needed, to every liaison lead, because the destination was corrected"},
	} {
		if got := Tell(t.Context(), c.h, nil, time.UTC).Aside; got != c.want {
			t.Errorf("%s: %q, want %q", c.h.Type, got, c.want)
		}
	}
}

// What was done before a merge is shown with the patient whose stay it is now.
func TestWorkDoneFollowsItsEpisodeToAnotherPatient(t *testing.T) {
	before, now := events.Derive("before"), events.Derive("now")
	w := Work{Task: events.Task{Patient: before, State: "completed"}, Episode: events.Transition{Patient: now}, ChangedAt: time.Now()}
	if got := RowOf(w, web.Principal{}).Patient; got != now {
		t.Errorf("of %s", got)
	}
	w.Episode = events.Transition{}
	if got := RowOf(w, web.Principal{}).Patient; got != before {
		t.Errorf("without an episode: of %s", got)
	}
}
