package discharge

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// timerProtocols plans transitions again after a decision on protocols whose time had
// passed when it was taken; keyed by the work ([store.Replan]).
const timerProtocols = "protocols"

// replanAtOnce is how many transitions one firing plans again.
const replanAtOnce = 500

// startReplan has the stays that a decision reaches back to planned again, once every
// replica knows of it.
func startReplan(ctx context.Context, tx pgx.Tx, act store.ProtocolAct, now time.Time) error {
	id := events.Derive("protocol-replan", act.Org.String(), strconv.FormatInt(act.Version, 10))
	r := store.Replan{ID: id, Org: act.Org, Act: act.Version, Facility: act.Facility, Place: store.PlaceAt(act.From)}
	if err := store.AddReplan(ctx, tx, r); err != nil {
		return err
	}
	return timer.Set(ctx, tx, timer.Timer{Name: timerProtocols, Key: id, Org: act.Org, Due: now.Add(bookLead)})
}

// replanDue does one part of each work that is due.
func (s *service) replanDue(ctx context.Context, tx pgx.Tx, now time.Time, due []timer.Timer) error {
	if err := s.shelf.refresh(ctx); err != nil {
		return err
	}
	for _, t := range due {
		left, err := s.replan(ctx, tx, now, t.Key)
		if err != nil {
			return err
		}
		if left {
			t.Due = now
			if err := timer.Set(ctx, tx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// replan does one part and reports whether some is left.
func (s *service) replan(ctx context.Context, tx pgx.Tx, now time.Time, id events.ID) (left bool, err error) {
	r, err := store.LockReplan(ctx, tx, id)
	if err != nil || r.Done {
		return false, err
	}
	reached, next, err := store.ReplanNext(ctx, tx, r, replanAtOnce)
	if err != nil {
		return false, err
	}
	want := store.Wanted{}
	for encounter, patient := range reached {
		want.Encounters, want.Patients = append(want.Encounters, encounter), append(want.Patients, patient)
	}
	w := s.begin(tx)
	w.at = now
	if len(reached) > 0 {
		if err := w.replan(ctx, want); err != nil {
			return false, err
		}
	}
	r.Place, r.Looked, r.Done = next, r.Looked+len(reached), len(reached) < replanAtOnce
	for _, c := range w.cares {
		if c.moved {
			r.Changed++
		}
	}
	if err := store.SaveReplan(ctx, tx, r, now); err != nil {
		return false, err
	}
	return !r.Done, w.save(ctx)
}

// replan decides on stays as they are, by the books as they are.
func (w *work) replan(ctx context.Context, want store.Wanted) error {
	want.Patients = unique(want.Patients)
	found, err := store.Load(ctx, w.tx, want)
	if err != nil {
		return err
	}
	w.add(found.Cares)
	dead := newDeaths(found.Deaths)
	stays, err := store.Stays(ctx, w.tx, slices.Collect(maps.Keys(w.cares)))
	if err != nil {
		return err
	}
	var places []events.ID
	for _, stay := range stays {
		places = append(places, stay.FacilityID)
	}
	known, err := store.Load(ctx, w.tx, store.Wanted{Facilities: unique(places)})
	if err != nil {
		return err
	}
	for _, f := range known.Facilities {
		w.facilities[f.ID] = f
	}
	for encounter, c := range w.cares {
		cause := events.Event{Org: c.Transition.Org, Occurred: w.at, Received: w.at}
		cause.Received = received(c.Transition, cause)
		if err := w.decide(c, stays[encounter], dead.dead(c.Transition.Patient), cause); err != nil {
			return err
		}
	}
	return nil
}

// replanView is how far the planning again after a decision is.
type replanView struct {
	Act      int64      `json:"act" doc:"version of the decision"`
	Facility string     `json:"facility"`
	Looked   int        `json:"looked" doc:"transitions that were planned again"`
	Changed  int        `json:"changed" doc:"those whose plan is another now"`
	DoneAt   *time.Time `json:"done_at"`
}

func (a *api) listReplans(ctx context.Context, _ *struct{}) (*web.Listed[replanView], error) {
	var list []replanView
	err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		found, err := store.Replans(ctx, tx, web.From(ctx).Org)
		for _, r := range found {
			list = append(list, replanView{r.Act, r.Facility, r.Looked, r.Changed, utc(r.DoneAt)})
		}
		return err
	})
	return web.Page(list, len(list), nil), err
}
