package notification

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
)

// A request that was not answered in time is told, as nobody's task tells of it; clocks of the stay are not,
// since their tasks are. What proves to have been answered is corrected on the same thread.
func TestARequestThatWasNotAnsweredIsTold(t *testing.T) {
	b := newBench(t, run.Config{})
	tr := stay("one")
	of := func(rule string, request int, was string) events.Ran {
		r := events.Ran{Clock: events.Clock{Encounter: tr.Encounter, Transition: tr.ID, Patient: tr.Patient, Facility: tr.Facility, Rule: rule, Request: request}}
		if was != "" {
			r.Previous = map[string]string{"state": was}
		}
		return r
	}
	b.told(opened(tr), events.ClockMissed{Ran: of("tcm-contact", 0, "")}, events.ClockMet{Ran: of("pa-standard", 2, "")})
	if got := b.alerts("?kind=clock-missed"); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
	b.told(events.ClockMissed{Ran: of("pa-standard", 1, "")}, events.ClockMissed{Ran: of("grievance-hospital", 3, "")})
	got := b.alerts("?kind=clock-missed")
	if len(got) != 1 || got[0].State != "raised" || got[0].Severity != "urgent" {
		t.Fatalf("%+v", got)
	}
	b.told(events.ClockMet{Ran: of("pa-standard", 1, "missed")}, events.ClockWithdrawn{Ran: of("grievance-hospital", 3, "missed")})
	if got := b.alerts("?kind=clock-missed"); len(got) != 1 || got[0].State != "resolved" {
		t.Errorf("%+v", got)
	}
	want := []string{"clock-missed role:liaison console answered in time", "clock-missed role:liaison console corrected"}
	if diff := cmp.Diff(want, b.owed(tr)); diff != "" {
		t.Error(diff)
	}
	b.balanced()
}
