package faults

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/audit"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/ledger"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/mailbox"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/system"
)

func TestMain(m *testing.M) {
	if _, err := system.Build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// How long the nemesis rages when nobody says: the whole of both modes is to stay under 90 s.
var short = map[system.Mode]time.Duration{system.OneProcess: 8 * time.Second, system.Apart: 20 * time.Second}

func TestFaults(t *testing.T) {
	seed, err := strconv.ParseUint(or(os.Getenv("FAULTS_SEED"), "1"), 10, 64)
	if err != nil {
		t.Fatalf("FAULTS_SEED: %v", err)
	}
	for _, mode := range system.Modes {
		rage := short[mode]
		if text := os.Getenv("FAULTS_FOR"); text != "" {
			if rage, err = time.ParseDuration(text); err != nil {
				t.Fatalf("FAULTS_FOR: %v", err)
			}
		}
		t.Run(strings.ReplaceAll(string(mode), " ", "-"), func(t *testing.T) { faults(t, mode, rage, seed) })
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

const facility = "CHAOS"

// run is one system under load with somebody who writes down and somebody who watches.
type run struct {
	*testing.T
	sys    *system.System
	audit  *audit.Audit
	screen *api.Screen
	load   *ledger.Load
	enough atomic.Bool
	done   chan error
}

// begin starts a system, rehearses and puts it under load.
func begin(t *testing.T, ctx context.Context, o system.Options, seed uint64, rate float64) *run {
	t.Helper()
	box, err := mailbox.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	o.Flags = append(o.Flags, "--smtp-url", box.URL())
	sys, err := system.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		sys.Destroy()
		if t.Failed() {
			var logs strings.Builder
			sys.WriteLogs(&logs, 30)
			t.Log(logs.String())
		}
	})
	if err := sys.Start(ctx); err != nil {
		t.Fatal(err)
	}
	base := time.Now().Add(-time.Hour).Truncate(time.Second)
	r := &run{T: t, sys: sys, audit: audit.New(sys, facility, &ledger.Ledger{}), done: make(chan error, 1)}
	r.screen, err = api.New(sys, "auditor").Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.screen.Close)
	r.audit.Screen = r.screen
	if err := r.audit.Reader(ctx, sys, box); err != nil {
		t.Fatal(err)
	}
	if err := r.audit.Rehearse(ctx, sys.MLLP(), "R", base); err != nil {
		t.Fatal(err)
	}
	r.load = &ledger.Load{
		Addrs: sys.MLLP(), Facility: facility, ID: "L", Shapes: stays.Shapes, Base: base,
		Connections: 4, Rate: rate, Seed: seed, Lost: 3, Repeated: 3, Shuffled: 20,
	}
	go func() { r.done <- r.load.Run(ctx, r.audit.Ledger, func() bool { return !r.enough.Load() }) }()
	return r
}

// finish lets the stays under way end, so that every one is whole.
func (r *run) finish() {
	r.Helper()
	r.enough.Store(true)
	if err := <-r.done; err != nil {
		r.Fatal(err)
	}
}

// settle waits until everything is as the ledger says.
func (r *run) settle(ctx context.Context, within time.Duration) time.Duration {
	r.Helper()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	findings, took, err := r.audit.Settle(ctx)
	if err != nil || len(findings) > 0 {
		r.Fatalf("%d findings after %s (%v):\n%s", len(findings), within, err, strings.Join(findings[:min(len(findings), 40)], "\n"))
	}
	return took
}

func (r *run) figures() string {
	f := r.audit.Ledger.Figures()
	shown := 0
	for _, n := range r.screen.Seen() {
		if n.Event == "alert" {
			shown++
		}
	}
	return fmt.Sprintf("%d stays, %d messages, %d accepted, %d refused, %d in doubt for good; sent %d times, %d without a reply; %d alerts shown, each once, on a screen whose connection ended %d times; %s",
		f.Stays, f.Messages, f.Accepted, f.Refused, f.InDoubt, f.Sends, f.Doubts, shown, r.screen.Breaks(), r.audit.Mails())
}

func faults(t *testing.T, mode system.Mode, rage time.Duration, seed uint64) {
	ctx, cancel := context.WithTimeout(t.Context(), rage+3*time.Minute)
	defer cancel()
	r := begin(t, ctx, system.Options{Mode: mode, Dir: system.TempDir(t), Replicas: 2}, seed, 30)
	nemesis := NewNemesis(r.sys, seed, writer{t})
	if err := nemesis.Rage(ctx, rage); err != nil {
		t.Fatal(err)
	}
	healed := time.Now()
	r.finish()
	finished := time.Now()
	r.settle(ctx, time.Minute)
	recovered := time.Now()
	t.Logf("seed %d, %s of %s", seed, rage, nemesis.Figures())
	t.Log(r.figures())
	t.Logf("after all was back: all stays told after %s, everything at rest and as the ledger says after %s",
		finished.Sub(healed).Round(time.Millisecond), recovered.Sub(healed).Round(time.Millisecond))
	// A rage that hit nobody would prove nothing.
	least := map[string]int{"handoff": 2}
	if mode == system.Apart {
		least = map[string]int{"nats": 1, "postgres": 1, "pause": 1, "": 8}
	}
	for whom, times := range least {
		if n := nemesis.Strikes(whom); n < times {
			t.Errorf("the nemesis struck %q %d times, want at least %d", whom, n, times)
		}
	}
}

// writer logs lines to a test.
type writer struct{ t testing.TB }

// Write implements io.Writer.
func (w writer) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
