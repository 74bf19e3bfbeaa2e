// Package live tells open browsers that something they may show has changed.
//
// Guarantee: a subscriber hears of every encounter of its organization that a committed batch touched,
// at most Every after the commit in every replica of the console (they follow the table, not a
// memory), several touches folded into one waking. A touch may be missed only when a batch's
// transaction stays open for longer than Margin; pages therefore also look anew by themselves.
// Without subscribers it asks the database nothing.
package live

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

const (
	// Every is how often the table is looked at while somebody is there to be told.
	Every = 100 * time.Millisecond
	// Margin is how long a number stays open: a transaction may commit after one with a higher number.
	Margin = 10 * time.Second
)

// quick is when to look after a bell: the batch that rang it is about to commit.
var quick = []time.Duration{time.Millisecond, 3 * time.Millisecond, 6 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond}

// Hub is one process's follower. Make it with New, run it once. Safe for concurrent use.
type Hub struct {
	store *store.Store
	log   *slog.Logger
	bell  chan struct{}
	mu    sync.Mutex
	subs  map[*Subscription]bool
	come  chan struct{} // a first subscriber
}

// New returns a hub that does nothing until Run.
func New(s *store.Store, log *slog.Logger) *Hub {
	return &Hub{store: s, log: log, bell: make(chan struct{}, 1), subs: map[*Subscription]bool{}, come: make(chan struct{}, 1)}
}

// Ring says that a batch is about to commit. Lossy on purpose.
func (h *Hub) Ring() { ring(h.bell) }

func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// News is what became of a touched stay.
type News struct {
	Received time.Time // when the oldest frame behind it was received
	Told     time.Time // when the hub told of it
	Due      time.Time // the earliest due time of its open tasks, the zero time where it has none
}

// Subscription collects what was touched until it is taken.
type Subscription struct {
	C       chan struct{} // one waking, however much there is to take
	hub     *Hub
	org     events.ID
	mu      sync.Mutex
	pending map[events.ID]News
}

// Subscribe listens to an organization. The caller calls Close.
func (h *Hub) Subscribe(org events.ID) *Subscription {
	s := &Subscription{C: make(chan struct{}, 1), hub: h, org: org, pending: map[events.ID]News{}}
	h.mu.Lock()
	h.subs[s] = true
	h.mu.Unlock()
	ring(h.come)
	return s
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subs, s)
}

// Take returns the encounters touched since the last Take.
func (s *Subscription) Take() map[events.ID]News {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.pending
	s.pending = map[events.ID]News{}
	return out
}

func (s *Subscription) add(t store.Touch, told, due time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := News{t.Received, told, due}
	if old, ok := s.pending[t.Encounter]; ok && old.Received.Before(n.Received) {
		n.Received = old.Received
	}
	s.pending[t.Encounter] = n
}

// Run follows until ctx is done. A database that does not answer is asked again.
func (h *Hub) Run(ctx context.Context) error {
	sweep := time.NewTicker(time.Minute)
	defer sweep.Stop()
	var f *follower
	tick := time.NewTimer(Every)
	defer tick.Stop()
	step := len(quick)
	for {
		if h.idle() {
			f = nil
			select {
			case <-ctx.Done():
				return nil
			case <-sweep.C:
				h.sweep(ctx)
				continue
			case <-h.come:
			}
		}
		if err := h.look(ctx, &f); err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "cannot follow the read model; trying again", "error", err)
		}
		wait := Every
		if step < len(quick) {
			wait = quick[step]
			step++
		}
		tick.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-h.bell:
			step = 0
		case <-sweep.C:
			h.sweep(ctx)
		case <-tick.C:
		}
	}
}

func (h *Hub) idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs) == 0
}

func (h *Hub) sweep(ctx context.Context) {
	if err := h.store.Sweep(ctx); err != nil && ctx.Err() == nil {
		h.log.WarnContext(ctx, "cannot sweep; trying again in a minute", "error", err)
	}
}

// follower remembers which numbers it has told of.
type follower struct {
	floor int64               // everything up to here is settled
	told  map[int64]time.Time // numbers above floor, and when they were seen
}

func (h *Hub) look(ctx context.Context, f **follower) error {
	if *f == nil {
		last, err := h.store.LastTouch(ctx)
		if err != nil {
			return err
		}
		*f = &follower{floor: last, told: map[int64]time.Time{}}
		h.wakeAll() // whoever came before this moment looks once
		return nil
	}
	list, err := h.store.TouchedSince(ctx, (*f).floor, (*f).known())
	if err != nil {
		return err
	}
	touches := (*f).news(list, time.Now())
	if len(touches) == 0 {
		return nil
	}
	encounters := make([]events.ID, len(touches))
	for i, t := range touches {
		encounters[i] = t.Encounter
	}
	due, err := h.store.FirstDue(ctx, encounters)
	if err != nil {
		(*f).forget(list) // they are news again the next time
		return err
	}
	h.tell(touches, due)
	return nil
}

// forget takes back that a list was told.
func (f *follower) forget(list []store.Touched) {
	for _, t := range list {
		delete(f.told, t.Seq)
	}
}

// known lists the numbers above the floor.
func (f *follower) known() []int64 {
	return slices.AppendSeq(make([]int64, 0, len(f.told)), maps.Keys(f.told)) // never nil: that would be NULL
}

// news notes a list and returns what is in it, then settles numbers that have been open for Margin.
func (f *follower) news(list []store.Touched, now time.Time) []store.Touch {
	var fresh []store.Touch
	for _, t := range list {
		f.told[t.Seq] = now
		fresh = append(fresh, t.Items...)
	}
	for _, seq := range slices.Sorted(maps.Keys(f.told)) {
		if now.Sub(f.told[seq]) < Margin {
			break
		}
		f.floor = seq
		delete(f.told, seq)
	}
	return fresh
}

func (h *Hub) tell(touches []store.Touch, due map[events.ID]time.Time) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		any := false
		for _, t := range touches {
			if t.Org == s.org {
				s.add(t, now, due[t.Encounter])
				any = true
			}
		}
		if any {
			ring(s.C)
		}
	}
}

func (h *Hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		ring(s.C)
	}
}
