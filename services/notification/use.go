package notification

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/services/notification/internal/desk"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// directories keeps each organization's directory in memory until its version changes.
type directories struct {
	mu sync.Mutex
	by map[events.ID]*routing.Directory
}

// get returns the directory of an organization at a version, reading it where the one in memory is
// another.
func (d *directories) get(ctx context.Context, tx pgx.Tx, org events.ID, version int64) (*routing.Directory, error) {
	d.mu.Lock()
	dir := d.by[org]
	d.mu.Unlock()
	if dir != nil && dir.Version == version {
		return dir, nil
	}
	data, err := store.Directory(ctx, tx, org)
	if err != nil {
		return nil, fmt.Errorf("read the directory: %w", err)
	}
	dir = routing.NewDirectory(data)
	d.mu.Lock()
	d.by[org] = dir
	d.mu.Unlock()
	return dir, nil
}

// settle makes of a book what it means: who is told, what is recorded, announced and woken.
func (s *service) settle(ctx context.Context, tx pgx.Tx, book *notice.Book, loaded store.Loaded, now time.Time) error {
	return s.settleWith(ctx, tx, book, loaded, now, nil, nil)
}

// settleWith is settle with further ledger rows and facts of the same transaction.
func (s *service) settleWith(ctx context.Context, tx pgx.Tx, book *notice.Book, loaded store.Loaded, now time.Time, rows []ledger.Row, facts []events.Event) error {
	book.Finish()
	d := desk.New(now)
	d.Facts, d.Work.Ledger = slices.Grow(facts, len(book.Changes)), rows
	d.Work.Lines = make([]store.Line, 0, len(book.Changes)+len(book.Signals))
	if err := s.loadTold(ctx, tx, d, book, loaded); err != nil {
		return err
	}
	for i := range book.Changes {
		c := &book.Changes[i]
		dir, err := s.dirs.get(ctx, tx, c.Alert.Org, loaded.Versions[c.Alert.Org])
		if err != nil {
			return err
		}
		d.Change(dir, c)
	}
	for i := range book.Skips {
		d.Skip(&book.Skips[i])
	}
	for i := range book.Signals {
		d.Signal(&book.Signals[i])
	}
	d.Work.Fresh, d.Work.Changed = book.Fresh(), book.Changed()
	if err := timer.Set(ctx, tx, d.Timers()...); err != nil {
		return err
	}
	if err := store.Save(ctx, tx, &d.Work, now); err != nil {
		return err
	}
	if err := s.outbox.Announce(ctx, tx, d.Facts...); err != nil {
		return err
	}
	s.observe(book, d, now)
	return nil
}

// loadTold reads who was told of the alerts that were there before, if any of them changed.
func (s *service) loadTold(ctx context.Context, tx pgx.Tx, d *desk.Desk, book *notice.Book, loaded store.Loaded) error {
	if len(loaded.Alerts) == 0 || len(book.Changes) == 0 {
		return nil
	}
	ids := map[events.ID]bool{}
	for _, a := range loaded.Alerts {
		ids[a.ID] = true
	}
	told, err := store.Deliveries(ctx, tx, keys(ids))
	d.Told(told)
	return err
}

// observe counts, and wakes whoever waits for what is about to be committed.
func (s *service) observe(book *notice.Book, d *desk.Desk, now time.Time) {
	for i := range book.Changes {
		if c := &book.Changes[i]; c.Act == notice.Raise {
			s.meters.alerts.WithLabelValues(c.Alert.Kind).Inc()
			s.meters.frameToAlert.WithLabelValues("raised").Observe(now.Sub(c.Alert.ReceivedAt).Seconds())
		}
	}
	for i := range d.Work.Deliveries {
		v := &d.Work.Deliveries[i]
		s.meters.deliveries.WithLabelValues(v.Channel, v.State).Inc()
		if p := s.posts[v.Channel]; p != nil {
			p.Ring()
		}
	}
	s.hub.Ring()
}
