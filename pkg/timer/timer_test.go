package timer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
)

var org = events.Derive("org")

type clockwork struct {
	t     *testing.T
	out   *outbox.Outbox
	loop  Loop
	mu    sync.Mutex
	fired map[events.ID]int
	early bool
	bad   events.ID
}

func newClockwork(t *testing.T) *clockwork {
	c := &clockwork{t: t, fired: map[events.ID]int{}}
	c.out = outbox.New(pgtest.DB(t, "clockwork", outbox.Migrations(), Migrations()), "clockwork")
	c.loop = Loop{Outbox: c.out, Log: slog.New(slog.DiscardHandler), Handlers: map[string]Handler{"ring": c.ring}}
	return c
}

func (c *clockwork) ring(_ context.Context, _ pgx.Tx, now time.Time, due []Timer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range due {
		if d.Key == c.bad {
			return errors.New("cannot ring")
		}
	}
	for _, d := range due {
		c.fired[d.Key]++
		c.early = c.early || now.Before(d.Due)
	}
	return nil
}

func (c *clockwork) do(fn func(tx pgx.Tx) error) {
	c.t.Helper()
	if err := c.out.SystemTx(c.t.Context(), fn); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clockwork) set(key events.ID, due time.Time) {
	c.do(func(tx pgx.Tx) error {
		return Set(c.t.Context(), tx, Timer{Name: "ring", Key: key, Org: org, Due: due})
	})
}

func (c *clockwork) runOnce() {
	c.t.Helper()
	if _, err := c.loop.runOnce(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

func TestTimersFireOnceAndNeverEarly(t *testing.T) {
	c := newClockwork(t)
	due, later, moved, gone := events.NewID(), events.NewID(), events.NewID(), events.NewID()
	past, future := time.Now().Add(-time.Second), time.Now().Add(time.Hour)
	c.set(due, past)
	c.set(later, future)
	c.set(moved, past)
	c.set(moved, future) // set again: moved
	c.set(gone, past)
	c.do(func(tx pgx.Tx) error { return Cancel(t.Context(), tx, "ring", gone) })
	c.runOnce()
	c.runOnce()
	if c.fired[due] != 1 || len(c.fired) != 1 || c.early {
		t.Fatalf("fired %v, early %v", c.fired, c.early)
	}
	c.set(moved, past)
	c.runOnce()
	if c.fired[moved] != 1 {
		t.Fatal("a timer that came due did not fire")
	}
}

func TestTwoReplicasFireEachTimerOnce(t *testing.T) {
	c := newClockwork(t)
	for range 500 {
		c.set(events.NewID(), time.Now().Add(-time.Second))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := 1; n > 0; {
				var err error
				if n, err = c.loop.runOnce(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	c.runOnce()
	if len(c.fired) != 500 {
		t.Fatalf("%d timers fired", len(c.fired))
	}
	for key, n := range c.fired {
		if n != 1 {
			t.Fatalf("%s fired %d times", key, n)
		}
	}
}

func TestATimerThatFailsIsPutOffAndStopsNobody(t *testing.T) {
	c := newClockwork(t)
	good := events.NewID()
	c.bad = events.NewID()
	c.set(c.bad, time.Now().Add(-2*time.Second))
	c.set(good, time.Now().Add(-time.Second))
	if _, err := c.loop.runOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.fired[good] != 1 || c.fired[c.bad] != 0 {
		t.Fatalf("fired %v", c.fired)
	}
	c.bad = events.ID{}
	c.runOnce() // put off, so not yet
	if len(c.fired) != 1 {
		t.Fatal("a failed timer fired again at once")
	}
}
