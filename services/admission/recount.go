package admission

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// recount tells again of the stays of persons who are others now: earlier visits and admissions are
// counted over all records of a person.
func (r *round) recount(ctx context.Context, tx pgx.Tx, g *groups) error {
	var m store.More
	for _, p := range g.members {
		m.Known = append(m.Known, p.ID)
	}
	w := newWork(store.NewLoaded(), r.directory.Setup().Facilities)
	if err := r.complete(ctx, tx, w, nil, m); err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	for _, p := range w.Patients {
		if w.facilities[p.Facility] != nil {
			w.stir(r.asked(ctx, w, p, now), p.Person, time.Time{}, events.ID{})
		}
	}
	if err := r.settleLater(ctx, tx, w, nil); err != nil {
		return err
	}
	r.steps = append(r.steps, w.announce...)
	return r.store.Save(ctx, tx, w.changes)
}
