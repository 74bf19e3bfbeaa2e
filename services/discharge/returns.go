package discharge

import (
	"context"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// returns settles what the batch's stays mean for other stays of the same persons: a
// return after a discharge, one that was none, an earlier stay that says something of
// a later one. What is not loaded yet is loaded only if a stay near it changed.
func (w *work) returns(ctx context.Context, deaths *deaths) error {
	concerned := w.people.concerned()
	var encounters, patients []events.ID
	for encounter := range concerned {
		if !w.people.whole[encounter] {
			encounters = append(encounters, encounter)
			patients = append(patients, w.people.visits[encounter].Patient)
		}
	}
	if err := w.loadNear(ctx, deaths, encounters, unique(patients)); err != nil {
		return err
	}
	for encounter, cause := range concerned {
		c := w.cares[encounter]
		if c == nil || c.Transition == nil || c.stay == nil {
			continue
		}
		if err := w.decide(c, *c.stay, deaths.dead(c.stay.Patient), cause); err != nil {
			return err
		}
	}
	w.out.Kin, w.out.Visits = w.people.changed()
	return nil
}

// loadNear loads transitions of stays that the batch did not tell of, with all that
// surrounds them.
func (w *work) loadNear(ctx context.Context, deaths *deaths, encounters, patients []events.ID) error {
	if len(encounters) == 0 {
		return nil
	}
	found, err := store.Load(ctx, w.tx, store.Wanted{
		Encounters: encounters, Patients: patients, Visits: store.WantedVisits{Patients: patients, ReachDays: w.s.rules.Readmission.Reach()},
	})
	if err != nil {
		return err
	}
	w.add(found.Cares)
	w.people.take(found.People)
	deaths.add(found.Deaths)
	stays, err := store.Stays(ctx, w.tx, encounters)
	if err != nil {
		return err
	}
	var facilities []events.ID
	for encounter, stay := range stays {
		w.people.whole[encounter] = true
		if c := w.cares[encounter]; c.stay == nil {
			c.stay = &stay
		}
		if _, known := w.facilities[stay.FacilityID]; !known {
			facilities = append(facilities, stay.FacilityID)
		}
	}
	if len(facilities) == 0 {
		return nil
	}
	more, err := store.Load(ctx, w.tx, store.Wanted{Facilities: unique(facilities)})
	if err != nil {
		return err
	}
	for _, f := range more.Facilities {
		w.facilities[f.ID] = f
	}
	return nil
}
