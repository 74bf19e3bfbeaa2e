package faults

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/system"
)

// Nemesis strikes with three hands at once: one kills services, one kills what they stand on, and one
// holds services still for longer than they may be silent, so that they wake up to find that another
// has taken over. So the one dies while the other recovers.
type Nemesis struct {
	system *system.System
	seed   uint64
	out    io.Writer
	began  time.Time

	mu      sync.Mutex     // guards what follows
	strikes map[string]int // by whom
	slowest time.Duration  // until a struck process was ready again
	died    int            // programs that ended by themselves, most while starting, and were started again
}

// NewNemesis returns one whose choices follow from seed. It tells out what it does.
func NewNemesis(s *system.System, seed uint64, out io.Writer) *Nemesis {
	return &Nemesis{system: s, seed: seed, out: out, strikes: map[string]int{}}
}

// strike is one thing to do to one part; it returns when the part is as it was before.
type strike struct {
	whom string
	do   func(context.Context, *rand.Rand) error
}

// hand strikes one after another of its victims, all of them in each round.
type hand struct {
	victims     []strike
	least, most time.Duration // between two strikes
}

// hands of a system. The waits go from almost nothing, so that a part is struck while it recovers, to
// long enough for something to be done.
func (n *Nemesis) hands() []hand {
	services := hand{least: 100 * time.Millisecond, most: 1500 * time.Millisecond}
	for _, p := range n.system.Processes {
		services.victims = append(services.victims, strike{p.Name, n.kill(p)})
	}
	if n.system.NATS == nil {
		return []hand{services}
	}
	ground := hand{least: 500 * time.Millisecond, most: 4 * time.Second, victims: []strike{
		{"nats", n.kill(n.system.NATS)}, {"postgres", n.killPostgres},
	}}
	still := hand{least: 500 * time.Millisecond, most: 2 * time.Second}
	for _, p := range n.system.Processes {
		still.victims = append(still.victims, strike{"pause of " + p.Name, pause(p)})
	}
	return []hand{services, ground, still}
}

// Rage strikes until the time is up, and heals. An error is of a part that did not come back.
func (n *Nemesis) Rage(ctx context.Context, d time.Duration) error {
	n.began = time.Now()
	errs := make(chan error)
	hands := n.hands()
	for i, h := range hands {
		go func() { errs <- n.use(ctx, h, rand.New(rand.NewPCG(n.seed, uint64(i))), n.began.Add(d)) }()
	}
	var first error
	for range hands {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	if first != nil {
		return first
	}
	return n.heal(ctx)
}

func (n *Nemesis) use(ctx context.Context, h hand, random *rand.Rand, end time.Time) error {
	for {
		// Everybody in turn, in another order each round: a short rage leaves nobody out for long.
		random.Shuffle(len(h.victims), func(i, j int) { h.victims[i], h.victims[j] = h.victims[j], h.victims[i] })
		for _, s := range h.victims {
			if err := wait(ctx, between(random, h.least, h.most)); err != nil {
				return err
			}
			start := time.Now()
			if start.After(end) {
				return nil
			}
			if err := s.do(ctx, random); err != nil {
				return fmt.Errorf("%s did not come back: %w", s.whom, err)
			}
			n.struck(s.whom, start)
		}
	}
}

func (n *Nemesis) struck(whom string, start time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	took := time.Since(start)
	n.strikes[whom]++
	if !strings.HasPrefix(whom, "pause") {
		n.slowest = max(n.slowest, took)
	}
	fmt.Fprintf(n.out, "%7.2fs %s: back after %s\n", start.Sub(n.began).Seconds(), whom, took.Round(time.Millisecond))
}

// longest time that a struck part stays dead.
const dead = 700 * time.Millisecond

// kill kills a process, leaves it dead for a while and starts it again.
func (n *Nemesis) kill(p *system.Process) func(context.Context, *rand.Rand) error {
	return func(ctx context.Context, random *rand.Rand) error {
		p.Kill()
		if err := wait(ctx, between(random, 0, dead)); err != nil {
			return err
		}
		return n.revive(ctx, p)
	}
}

// A lease is 6 s: the pauses end about when, and after, another has taken it.
const leastPause, mostPause = 5 * time.Second, 9 * time.Second

// pause stops a process and lets it go on as if no time had passed.
func pause(p *system.Process) func(context.Context, *rand.Rand) error {
	return func(ctx context.Context, random *rand.Rand) error {
		_ = p.Signal(syscall.SIGSTOP) // an error means that it has just been killed
		if err := wait(ctx, between(random, leastPause, mostPause)); err != nil {
			return err
		}
		_ = p.Signal(syscall.SIGCONT)
		return nil
	}
}

func (n *Nemesis) killPostgres(ctx context.Context, random *rand.Rand) error {
	n.system.KillPostgres()
	if err := wait(ctx, between(random, 0, dead)); err != nil {
		return err
	}
	return n.system.StartPostgres(ctx)
}

// back is how long a part may take to be ready again, whatever else is down meanwhile.
const back = 45 * time.Second

// revive starts a process until it is ready. One that ends by itself, because what it stands on is
// away, is started again, as systemd or Kubernetes would.
func (n *Nemesis) revive(ctx context.Context, p *system.Process) error {
	ctx, cancel := context.WithTimeout(ctx, back)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := p.Start(ctx)
		if err == nil {
			return nil
		}
		if _, died := p.Died(); !died {
			return err
		}
		n.mu.Lock()
		n.died++
		if attempt == 1 {
			fmt.Fprintf(n.out, "         %s cannot start yet: %s\n", p.Name, p.Tail(1))
		}
		n.mu.Unlock()
		if wait(ctx, 100*time.Millisecond) != nil {
			return err
		}
	}
}

// heal brings back whatever does not run, and returns when all of it is ready.
func (n *Nemesis) heal(ctx context.Context) error {
	parts := slices.Clone(n.system.Processes)
	if n.system.NATS != nil {
		if err := n.system.StartPostgres(ctx); err != nil {
			return err
		}
		parts = slices.Insert(parts, 0, n.system.NATS)
	}
	for _, p := range parts {
		if how, died := p.Died(); died {
			fmt.Fprintf(n.out, "%s had ended by itself: %s; its log ends:\n%s\n", p.Name, how, p.Tail(5))
			n.died++
		}
		if err := n.revive(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// Strikes are how often anybody was struck whose name begins so.
func (n *Nemesis) Strikes(prefix string) (sum int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for whom, times := range n.strikes {
		if strings.HasPrefix(whom, prefix) {
			sum += times
		}
	}
	return sum
}

// Figures are what was done, in words.
func (n *Nemesis) Figures() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var parts []string
	total := 0
	for _, whom := range slices.Sorted(maps.Keys(n.strikes)) {
		parts = append(parts, fmt.Sprintf("%s %d", whom, n.strikes[whom]))
		total += n.strikes[whom]
	}
	return fmt.Sprintf("%d strikes (%s); slowest return %s; %d starts failed or programs ended by themselves, and were repeated",
		total, strings.Join(parts, ", "), n.slowest.Round(time.Millisecond), n.died)
}

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)))
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
