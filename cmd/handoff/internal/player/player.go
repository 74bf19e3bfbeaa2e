package player

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/hospital"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// Options of Play.
type Options struct {
	To       string      // host:port
	TLS      *tls.Config // nil: plain
	Config   hospital.Config
	File     string       // where the play is remembered; "": nowhere
	Count    int          // stop after so many replies; 0: never
	Progress io.Writer    // a terminal to show progress on; nil: none
	Log      *slog.Logger // nil discards
}

// Result counts replies.
type Result struct {
	Sent     int
	Codes    map[hl7.Code]int
	Duration time.Duration
}

const (
	waiting  = 64 // messages that a facility may be behind before the play waits for it
	mostWait = 5 * time.Second
)

type player struct {
	Options
	memory *memory
	show   progress
	cancel context.CancelFunc
	mu     sync.Mutex
	result Result
}

// Play plays until ctx is done or Count is reached. It returns an error only if the play cannot be
// remembered.
func Play(ctx context.Context, o Options) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	began := time.Now()
	memory, err := remember(o.File, o.Config, began)
	if err != nil {
		return Result{}, fmt.Errorf("simulated hospital: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	world := hospital.New(memory.page.Config, memory.page.Spans)
	p := &player{Options: o, memory: memory, cancel: cancel, result: Result{Codes: map[hl7.Code]int{}}}
	p.show = newProgress(o.Progress, o.Count)
	err = p.play(ctx, world)
	p.show.end()
	if saved := memory.save(); err == nil {
		err = saved
	}
	p.result.Duration = time.Since(began)
	return p.result, err
}

func (o *Options) check() error {
	if o.Config.Rate <= 0 || o.Config.Speed < 1 || o.Config.Speed > 2000 {
		return fmt.Errorf("simulated hospital: the rate must be above 0 and the speed between 1 and 2000, not %g and %g", o.Config.Rate, o.Config.Speed)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// play hands messages to their facilities when they are due.
func (p *player) play(ctx context.Context, world *hospital.World) (err error) {
	var wg sync.WaitGroup
	lines := map[string]chan hospital.Message{}
	for _, code := range world.Facilities() {
		line := make(chan hospital.Message, waiting)
		lines[code] = line
		wg.Go(func() { p.send(ctx, code, line) })
	}
	defer wg.Wait()
	defer func() {
		for line := range maps.Values(lines) {
			close(line)
		}
	}()
	wg.Go(func() { p.keep(ctx) })
	skip := p.memory.sent()
	last := p.memory.page.Spans[len(p.memory.page.Spans)-1]
	for ctx.Err() == nil {
		m := world.Next(skip)
		if m.Bytes == nil {
			continue
		}
		if !wait(ctx, time.Until(last.Wall.Add(m.Due-last.From))) {
			break
		}
		if err := p.memory.reach(m.Due); err != nil {
			p.cancel()
			return err
		}
		select {
		case lines[m.Facility] <- m:
		case <-ctx.Done():
		}
	}
	return nil
}

// send sends a facility's messages, each until it has a reply.
func (p *player) send(ctx context.Context, facility string, line <-chan hospital.Message) {
	client := mllp.NewClient(p.To, mllp.ClientOptions{TLS: p.TLS, Attempts: 1, Dial: 5 * time.Second})
	defer client.Close()
	for m := range line {
		pause := 100 * time.Millisecond
		for ctx.Err() == nil {
			reply, err := client.Send(ctx, m.Bytes)
			if err == nil {
				p.replied(m, reply)
				break
			}
			if pause == 100*time.Millisecond && ctx.Err() == nil {
				p.Log.Warn("simulated hospital: no reply; sending again until there is one", "facility", facility, "to", p.To, "error", err)
			}
			wait(ctx, pause)
			pause = min(2*pause, mostWait)
		}
	}
}

func (p *player) replied(m hospital.Message, r mllp.Reply) {
	p.memory.replied(m)
	if !r.Code.Positive() {
		p.Log.Warn("simulated hospital: a message was refused", "facility", m.Facility, "trigger", m.Trigger, "code", r.Code, "text", r.Text)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.result.Sent++
	p.result.Codes[r.Code]++
	p.show.sent(m.Facility, r.Code.Positive())
	if p.Count > 0 && p.result.Sent >= p.Count {
		p.cancel()
	}
}

// keep saves what has replies once a second.
func (p *player) keep(ctx context.Context) {
	for wait(ctx, time.Second) {
		if err := p.memory.save(); err != nil {
			p.Log.Warn("simulated hospital: the play cannot be remembered", "error", err)
		}
	}
}

// wait reports whether d has passed; false: ctx was done first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
