package ledger

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
)

// Load is a hospital's day, run again and again on several connections.
type Load struct {
	Addrs       []string
	Facility    string
	ID          string // distinguishes the ids of loads
	Shapes      []stays.Shape
	Base        time.Time // base time of every stay
	Connections int
	Rate        float64 // messages/s over all connections; 0: as fast as they are answered
	Seed        uint64

	// Of a hundred messages, how many are ...
	Lost     int // sent without reading the reply, then again
	Repeated int // sent again after they were accepted
	// Of a hundred stays, how many have their messages sent in any order.
	Shuffled int

	count atomic.Int64
}

// open is how many stays a connection has under way at a time.
const open = 4

// Run sends until more says no, then finishes the stays under way, so that every case is whole. ctx
// ends it before that; then an error says what was left.
func (d *Load) Run(ctx context.Context, into *Ledger, more func() bool) error {
	var wg sync.WaitGroup
	errs := make([]error, d.Connections)
	start := time.Now()
	for i := range d.Connections {
		wg.Go(func() { errs[i] = d.line(ctx, into, i, start, more) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (d *Load) line(ctx context.Context, into *Ledger, at int, start time.Time, more func() bool) error {
	random := rand.New(rand.NewPCG(d.Seed, uint64(at)))
	line := NewLine(d.Addrs, at)
	defer line.Close()
	type underWay struct {
		*Case
		next int
	}
	var ward []*underWay
	for n := 0; ; n++ {
		for len(ward) < open && more() {
			ward = append(ward, &underWay{Case: d.admit(into, random)})
		}
		if len(ward) == 0 {
			return nil
		}
		if d.Rate > 0 {
			turn := float64(n*d.Connections+at) / d.Rate
			if err := until(ctx, start.Add(time.Duration(turn*float64(time.Second)))); err != nil {
				return err
			}
		}
		i := random.IntN(len(ward))
		c := ward[i]
		if err := d.send(ctx, line, c.Entries[c.next], random); err != nil {
			return err
		}
		if c.next++; c.next == len(c.Entries) {
			ward = append(ward[:i], ward[i+1:]...)
		}
	}
}

// admit begins the next stay.
func (d *Load) admit(into *Ledger, random *rand.Rand) *Case {
	n := int(d.count.Add(1))
	shape := &d.Shapes[n%len(d.Shapes)]
	stay := stays.NewStay(shape, d.Facility, d.ID, n, d.Base)
	var order []int
	if random.IntN(100) < d.Shuffled {
		order = random.Perm(len(shape.Steps))
	}
	return into.Open(stay, order)
}

func (d *Load) send(ctx context.Context, line *Line, e *Entry, random *rand.Rand) error {
	lose, repeat := random.IntN(100) < d.Lost, random.IntN(100) < d.Repeated
	if err := line.Send(ctx, e, lose); err != nil {
		return err
	}
	if repeat {
		return line.Send(ctx, e, false)
	}
	return nil
}

func until(ctx context.Context, t time.Time) error {
	wait := time.NewTimer(time.Until(t))
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return nil
	}
}
