package admission

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/hanging"
)

// watch keeps what was told of a stay that hangs, if it still does for the same reason; else it is when
// to look at the stay again.
func watch(was, now *encounter.Known, s encounter.Stay) *time.Time {
	rule, at, ok := hanging.Shipped.Due(&s)
	if !ok {
		return nil
	}
	at = at.UTC()
	if was.HangingSince != nil && was.HangingSince.Equal(at) && was.HangingRule == rule {
		now.HangingSince, now.HangingRule = &at, rule
		return nil
	}
	return &at
}

// watchEvery is how often stays are looked at that may hang.
const watchEvery = 30 * time.Second

// keepWatch tells of stays that nobody ended.
func (s *service) keepWatch(ctx context.Context) error {
	return every(ctx, watchEvery, func() {
		if err := s.store.PruneSlots(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "old figures of feeds were not forgotten", "error", err)
		}
		for {
			n, err := s.lookForHanging(ctx)
			if err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "stays that may hang were not looked at", "error", err)
			}
			if n < hangingBatch || err != nil {
				return
			}
		}
	})
}

const hangingBatch = 200

// lookForHanging marks the stays whose time has come by the database's clock, and tells of them.
// Nothing is ever ended here: what a stay is, its hospital says.
func (s *service) lookForHanging(ctx context.Context) (n int, err error) {
	err = s.outbox.SystemTx(ctx, func(tx pgx.Tx) error {
		list, now, err := s.store.Overdue(ctx, tx, hangingBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		var told []events.Event
		for _, e := range list {
			facts := e.Facts.Fold()
			rule, at, ok := hanging.Shipped.Due(&facts)
			if !ok || at.After(now) {
				continue // cannot be: check_at is of the newest facts
			}
			known := e.Known
			at = at.UTC()
			known.HangingSince, known.HangingRule = &at, rule
			for _, f := range encounter.Changes(&e.Known, &known, false) {
				told = append(told, events.Event{Org: e.Org, Occurred: at, Received: now, Fact: f})
			}
			e.Known = known
		}
		n = len(list)
		if err := s.store.SaveWatched(ctx, tx, list); err != nil {
			return err
		}
		return s.outbox.Announce(ctx, tx, told...)
	})
	return n, err
}
