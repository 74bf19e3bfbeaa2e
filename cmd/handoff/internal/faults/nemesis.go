package faults

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/system"
)

// Nemesis strikes one process after another. Not safe for concurrent use.
type Nemesis struct {
	Strikes map[string]int // by whom
	Slowest time.Duration  // until a struck process was ready again
	Died    int            // programs that ended by themselves, and were started again

	system *system.System
	random *rand.Rand
	out    io.Writer
}

// NewNemesis returns one whose choices follow from seed. It tells out what it does.
func NewNemesis(s *system.System, seed uint64, out io.Writer) *Nemesis {
	return &Nemesis{Strikes: map[string]int{}, system: s, random: rand.New(rand.NewPCG(seed, 0)), out: out}
}

// strike is one thing to do to one part; it returns when the part is as it was before.
type strike struct {
	whom string
	do   func(context.Context) error
}

// between two strikes: from almost nothing, so that a part is struck while it recovers from the
// death of another, to long enough for leases to be taken over.
const leastWait, mostWait = 200 * time.Millisecond, 3 * time.Second

// Rage strikes until the time is up. An error is of a part that did not come back.
func (n *Nemesis) Rage(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	began := time.Now()
	// Everybody in turn, in an order of its own each round: a short rage leaves nobody out.
	for {
		round := n.strikes()
		n.random.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		for _, s := range round {
			if time.Now().After(end) {
				return nil
			}
			start := time.Now()
			if err := s.do(ctx); err != nil {
				return fmt.Errorf("%s did not come back: %w", s.whom, err)
			}
			took := time.Since(start)
			n.Strikes[s.whom]++
			n.Slowest = max(n.Slowest, took)
			fmt.Fprintf(n.out, "%7.2fs %s was killed and is back after %s\n", start.Sub(began).Seconds(), s.whom, took.Round(time.Millisecond))
			if err := n.supervise(); err != nil {
				return err
			}
			if err := wait(ctx, leastWait+time.Duration(n.random.Int64N(int64(mostWait-leastWait)))); err != nil {
				return err
			}
		}
	}
}

// strikes are all that can be done to the system once.
func (n *Nemesis) strikes() []strike {
	var list []strike
	for _, p := range n.system.Processes {
		list = append(list, strike{p.Name, n.restart(p)})
	}
	if n.system.NATS != nil {
		list = append(list, strike{"nats", n.restart(n.system.NATS)}, strike{"postgres", func(ctx context.Context) error {
			n.system.KillPostgres()
			if err := wait(ctx, n.pause()); err != nil {
				return err
			}
			return n.system.StartPostgres(ctx)
		}})
	}
	return list
}

// supervise starts programs again that ended by themselves, as systemd or Kubernetes would.
func (n *Nemesis) supervise() error {
	for _, p := range n.system.Processes {
		if how, died := p.Died(); died {
			n.Died++
			fmt.Fprintf(n.out, "         %s had ended by itself (%s)\n", p.Name, how)
			if err := p.Launch(); err != nil {
				return err
			}
		}
	}
	return nil
}

// restart kills a process, leaves it dead for a while and starts it again.
func (n *Nemesis) restart(p *system.Process) func(context.Context) error {
	return func(ctx context.Context) error {
		p.Kill()
		if err := wait(ctx, n.pause()); err != nil {
			return err
		}
		return p.Start(ctx)
	}
}

// pause is how long the struck part stays dead.
func (n *Nemesis) pause() time.Duration { return time.Duration(n.random.Int64N(int64(time.Second))) }

// Heal starts whatever does not run and returns when all of it is ready.
func (n *Nemesis) Heal(ctx context.Context) error { return n.system.Start(ctx) }

// Figures are the strikes in words.
func (n *Nemesis) Figures() string {
	var parts []string
	total := 0
	for _, whom := range slices.Sorted(maps.Keys(n.Strikes)) {
		parts = append(parts, fmt.Sprintf("%s %d", whom, n.Strikes[whom]))
		total += n.Strikes[whom]
	}
	return fmt.Sprintf("%d strikes (%s); %d programs ended by themselves", total, strings.Join(parts, ", "), n.Died)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
