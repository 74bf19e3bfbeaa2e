package discharge

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// retype carries what a facility is now to the stays there that were heard of before, a
// part at a time: an arrival at what proves to be a nursing facility was no return. It
// reports whether some are left.
func (s *service) retype(ctx context.Context, tx pgx.Tx, now time.Time, f store.Facility) (left bool, err error) {
	patients, left, err := store.RetypeVisits(ctx, tx, f, recomputed)
	if err != nil || len(patients) == 0 {
		return left, err
	}
	w := s.begin(tx)
	w.at, w.facilities[f.ID] = now, f
	w.people = newPeople(s.rules.Readmission)
	found, err := store.LoadPeople(ctx, tx, store.WantedVisits{Patients: patients})
	if err != nil {
		return false, err
	}
	w.people.take(found)
	for _, id := range patients {
		w.people.touch(w.people.person(id), events.Event{Org: f.Org, Occurred: now, Received: now})
	}
	if err := w.returns(ctx, newDeaths(nil)); err != nil {
		return false, err
	}
	return left, w.save(ctx)
}
