package referral

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// nextWave lets those go who said nothing until their deadline, and asks whoever comes next. A timer that is
// not needed any more finds nothing to do.
func (s *service) nextWave(ctx context.Context, tx pgx.Tx, at time.Time, due []timer.Timer) error {
	ids, orgs := make([]events.ID, len(due)), make([]events.ID, len(due))
	for i, t := range due {
		ids[i], orgs[i] = t.Key, t.Org
	}
	list, err := store.ByIDs(ctx, tx, ids)
	if err != nil {
		return err
	}
	directories, err := s.directories.of(ctx, tx, orgs...)
	if err != nil {
		return err
	}
	at = at.UTC().Truncate(time.Microsecond)
	w := newWork(at, byItself(at))
	var again []timer.Timer
	for _, r := range list {
		act := referral.Act{At: at}
		directories[r.Org].help(&act, r)
		if r.LetSilenceGo(act) {
			w.take(r)
		}
		if next := r.Deadline(); next != nil && !asks(r) {
			again = append(again, timer.Timer{Name: waveTimer, Key: r.ID, Org: r.Org, Due: *next})
		}
	}
	if err := timer.Set(ctx, tx, again...); err != nil {
		return err
	}
	return s.finish(ctx, tx, w)
}
