package discharge

import (
	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/preview"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// aside keeps what is of no consequence to the patient and known only now: emergency
// visits that open nothing, for previews; and what the set that is tried beside the one
// in force would have planned.
func (w *work) aside(c *care, dead bool, cal *calendar.Calendar, change transition.Change, cause events.Event) error {
	stay := *c.stay
	if c.Transition != nil && c.Transition.Stay.FoldVersion > stay.FoldVersion {
		return nil // older than what was decided on
	}
	if stay.Class == "emergency" {
		w.unopened(c, stay, change, cause)
	}
	set, act := w.books.book(cause.Org).Shadow(stay.Facility)
	if set == nil {
		return nil
	}
	if stay.DischargedAt == nil {
		w.beside.Forget(cause.Org, act.Version, stay.ID)
		return nil
	}
	zone, err := calendar.Zone(stay.Zone)
	if err != nil {
		return err
	}
	live := w.books.book(cause.Org).At(stay.Facility, *stay.DischargedAt)
	plans, err := w.rules(cause.Org).Compare(stay, dead, clock.Where{Zone: zone, Calendar: cal}, live, set)
	if err != nil {
		return err
	}
	if len(plans[0].Tasks)+len(plans[1].Tasks) == 0 {
		w.beside.Forget(cause.Org, act.Version, stay.ID)
		return nil
	}
	w.beside.Try(store.Shadow{
		Org: cause.Org, Act: act.Version, Encounter: stay.ID, Patient: stay.Patient, Facility: stay.Facility,
		DischargedAt: *stay.DischargedAt, Tasks: preview.Diff(plans[0], plans[1]),
	})
	return nil
}

// unopened keeps an emergency visit that ended and opened no transition. Only a message
// that takes the end back makes one forgotten: the others come by the thousand.
func (w *work) unopened(c *care, stay events.Encounter, change transition.Change, cause events.Event) {
	switch {
	case c.Transition != nil || change.Transition != nil:
		w.beside.Left(stay.ID)
	case stay.State == "finished" && stay.DischargedAt != nil:
		w.beside.Keep(store.Unopened{Org: cause.Org, Stay: stay})
	default:
		switch cause.Fact.(type) {
		case events.EncounterDischargeCancelled, events.EncounterAdmissionCancelled:
			w.beside.Left(stay.ID)
		}
	}
}
