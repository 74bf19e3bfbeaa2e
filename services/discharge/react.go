package discharge

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// hear applies a batch of admission's facts: load what they touch, decide in the
// order they came, save, announce.
func (s *service) hear(ctx context.Context, tx pgx.Tx, batch []events.Event) error {
	if err := s.shelf.fresh(ctx); err != nil {
		return err
	}
	w := s.begin(tx)
	deaths, err := w.load(ctx, batch)
	if err != nil {
		return err
	}
	for _, e := range batch {
		switch f := e.Fact.(type) {
		case events.EncounterFact:
			err = w.stay(f.Snapshot(), deaths, e)
		case events.PatientRegistered:
			deaths.demographics(f.Patient.ID, f.Patient.Deceased, e)
			w.people.links(f.Patient, e)
		case events.PatientUpdated:
			deaths.demographics(f.Patient.ID, f.Patient.Deceased, e)
			w.people.links(f.Patient, e)
		case events.PatientLinked:
			w.people.links(f.Patient, e)
		case events.PatientUnlinked:
			w.people.links(f.Patient, e)
		case events.FacilityChanged:
			err = w.facility(ctx, f, e)
		}
		if err != nil {
			return err
		}
	}
	if err := w.spread(ctx, deaths); err != nil {
		return err
	}
	if err := w.returns(ctx, deaths); err != nil {
		return err
	}
	w.out.Deaths = deaths.changed()
	return w.save(ctx)
}

// load finds everything a batch touches, in one round trip.
func (w *work) load(ctx context.Context, batch []events.Event) (*deaths, error) {
	var want store.Wanted
	for _, e := range batch {
		switch f := e.Fact.(type) {
		case events.EncounterFact:
			s := f.Snapshot()
			want.Encounters = append(want.Encounters, s.ID)
			want.Patients = append(want.Patients, s.Patient)
			want.Facilities = append(want.Facilities, s.FacilityID)
		case events.PatientRegistered:
			want.Patients = append(want.Patients, f.Patient.ID)
		case events.PatientUpdated:
			want.Patients = append(want.Patients, f.Patient.ID)
		case events.FacilityChanged:
			want.Facilities = append(want.Facilities, f.ID)
		}
	}
	want.Encounters, want.Patients = unique(want.Encounters), unique(want.Patients)
	want.Facilities = unique(want.Facilities)
	w.people = newPeople(w.s.rules.Readmission)
	want.Visits = w.people.wanted(batch)
	found, err := store.Load(ctx, w.tx, want)
	if err != nil {
		return nil, err
	}
	w.add(found.Cares)
	for _, f := range found.Facilities {
		w.facilities[f.ID] = f
	}
	w.people.take(found.People)
	return newDeaths(found.Deaths), nil
}

// stay applies one snapshot of an encounter.
func (w *work) stay(stay events.Encounter, deaths *deaths, e events.Event) error {
	deaths.movedFrom(stay, e)
	byDisposition := stay.State == "finished" && transition.Dead(stay.Disposition)
	deaths.says(stay.Patient, stay.ID, byDisposition, e)
	if !transition.Dead(stay.Disposition) { // else the flag may stand for either
		deaths.demographics(stay.Patient, stay.Deceased, e)
	}
	w.people.hears(stay, w.facilities[stay.FacilityID].Kind, e)
	return w.decide(w.care(stay.ID), stay, deaths.dead(stay.Patient), e)
}

// spread carries a death, or its correction, to the patient's other transitions.
func (w *work) spread(ctx context.Context, d *deaths) error {
	patients := d.turned()
	if len(patients) == 0 {
		return nil
	}
	found, err := store.LoadPatients(ctx, w.tx, patients)
	if err != nil {
		return err
	}
	w.add(found)
	var unheard []events.ID
	for encounter, c := range w.cares {
		if c.Transition != nil && c.stay == nil {
			unheard = append(unheard, encounter)
		}
	}
	stays, err := store.Stays(ctx, w.tx, unheard)
	if err != nil {
		return err
	}
	for encounter, c := range w.cares {
		if c.Transition == nil || !slices.Contains(patients, c.Transition.Patient) {
			continue
		}
		stay := stays[encounter]
		if c.stay != nil {
			stay = *c.stay
		}
		cause := d.cause[c.Transition.Patient]
		cause.Received = received(c.Transition, cause)
		if err := w.decide(c, stay, d.dead(c.Transition.Patient), cause); err != nil {
			return err
		}
	}
	return nil
}

// received is when the discharge behind a transition was heard of: a transition that
// comes back to life is no later than it was.
func received(t *transition.Transition, cause events.Event) time.Time {
	if t.Received.IsZero() {
		return cause.Received
	}
	return t.Received
}

// facility keeps what a facility says of itself. Where its days have changed, or what it
// is, a timer lets what follows from it be computed again: there may be thousands.
func (w *work) facility(ctx context.Context, f events.FacilityChanged, e events.Event) error {
	was, known := w.facilities[f.ID]
	is := store.Facility{ID: f.ID, Org: e.Org, Code: f.Code, Zone: f.Zone, Closures: f.Closures, Kind: f.Kind}
	w.facilities[f.ID] = is
	w.out.Facilities = append(w.out.Facilities, is)
	if known && was.Zone == is.Zone && slices.Equal(was.Closures, is.Closures) && was.Kind == is.Kind {
		return nil
	}
	return timer.Set(ctx, w.tx, timer.Timer{Name: timerFacility, Key: f.ID, Org: e.Org, Due: w.at})
}

// again is when a timer looks at what somebody else held just now. Waiting for it
// instead could wait for ever: whoever holds a transition may want to set its timer,
// which is locked here.
const again = time.Second

// tasksDue tells of tasks whose reminder or due time has come.
func (s *service) tasksDue(ctx context.Context, tx pgx.Tx, now time.Time, due []timer.Timer) error {
	w := s.begin(tx)
	w.at = now
	want := store.Wanted{SkipLocked: true}
	for _, t := range due {
		want.Encounters = append(want.Encounters, t.Key)
	}
	found, err := store.Load(ctx, tx, want)
	if err != nil {
		return err
	}
	w.add(found.Cares)
	var set []timer.Timer
	for _, t := range due {
		c := w.cares[t.Key]
		if c == nil {
			t.Due = now.Add(again)
			set = append(set, t)
			continue
		}
		changed, facts, _ := transition.Tick(c.Tasks, now)
		change := transition.Change{Tasks: changed, Facts: facts}
		c.ticked = true // save judges its clocks, and sets the timer again if what was due has moved
		w.apply(c, change, events.Event{Org: c.Transition.Org, Occurred: now, Received: now})
	}
	if err := timer.Set(ctx, tx, set...); err != nil {
		return err
	}
	return w.save(ctx)
}

// recomputed is how many transitions one firing of a facility's timer computes again.
const recomputed = 500

// facilityChanged computes the due times of a facility's open transitions again, in
// its zone and calendar of now, a part at a time.
func (s *service) facilityChanged(ctx context.Context, tx pgx.Tx, now time.Time, due []timer.Timer) error {
	for _, t := range due {
		left, err := s.recompute(ctx, tx, now, t.Key)
		if err != nil {
			return err
		}
		if left {
			if err := timer.Set(ctx, tx, timer.Timer{Name: timerFacility, Key: t.Key, Org: t.Org, Due: now.Add(again)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// recompute does one part of a facility's transitions and reports whether some are left.
func (s *service) recompute(ctx context.Context, tx pgx.Tx, now time.Time, facility events.ID) (left bool, err error) {
	known, err := store.Load(ctx, tx, store.Wanted{Facilities: []events.ID{facility}})
	if err != nil || len(known.Facilities) == 0 {
		return false, err
	}
	f := known.Facilities[0]
	if left, err := s.retype(ctx, tx, now, f); err != nil || left {
		return left, err
	}
	stale, left, err := store.LoadStale(ctx, tx, f.ID, f.Zone, s.calendar(f.Closures).ID(), recomputed)
	if err != nil {
		return false, err
	}
	w := s.begin(tx)
	w.at, w.facilities[f.ID] = now, f
	w.add(stale)
	stays, err := store.Stays(ctx, tx, slices.Collect(maps.Keys(w.cares)))
	if err != nil {
		return false, err
	}
	for encounter, c := range w.cares {
		stay := stays[encounter]
		cause := events.Event{Org: f.Org, Occurred: now, Received: now}
		cause.Received = received(c.Transition, cause)
		if err := w.decide(c, stay, false, cause); err != nil {
			return false, err
		}
		if !c.moved { // nothing was computed in planning: only the place is noted
			c.Transition.Zone, c.Transition.Calendar, c.Transition.Stay, c.moved = c.stay.Zone, s.calendar(f.Closures).ID(), *c.stay, true
		}
	}
	return left, w.save(ctx)
}

func unique(ids []events.ID) []events.ID {
	slices.SortFunc(ids, func(a, b events.ID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}
