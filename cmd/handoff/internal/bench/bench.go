// Package bench measures handoff beside its floor (package floor): both run as processes of their
// own on the same machine with fsync on, and take the same load in turns within one run, because
// machines drift; only the ratios count.
package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/load"
)

// Options of Run.
type Options struct {
	Dir         string        // scratch; emptied by nobody
	Connections []int         // runs as fast as acknowledgements allow
	Rates       []int         // runs at a fixed rate, messages/s
	For         time.Duration // of each run
	Rounds      int           // how often each pair is taken
	Only        string        // "floor" or "handoff": no pairs
}

// figures of one run of one program.
type figures struct {
	load.Result
	handled time.Duration // from the first message until everything was at rest
	drain   time.Duration // from the last acknowledgement until everything was at rest
	screen  quantiles     // discharge received -> task committed (floor), alert on the stream (handoff)
	cpu     map[string]float64
	rss     map[string]int64
}

func (f figures) handledPerSecond() float64 { return float64(f.Sent) / f.handled.Seconds() }

func (f figures) cpuPerThousand() (sum float64) {
	for _, s := range f.cpu {
		sum += s / float64(f.Sent) * 1000
	}
	return sum
}

// target is a program under load.
type target interface {
	name() string
	mllp() string
	begin(ctx context.Context) error
	rest(ctx context.Context) error // returns when everything is at rest
	latency() quantiles
	processes() map[string][]int
	stop() error
}

// Run takes all runs and prints figures as they come, then the table of ratios.
func Run(ctx context.Context, o Options, out io.Writer) error {
	fl, err := startFloor(ctx, filepath.Join(o.Dir, "floor"))
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	defer fl.stop()
	sys, err := startSystem(ctx, filepath.Join(o.Dir, "handoff"))
	if err != nil {
		return fmt.Errorf("handoff: %w", err)
	}
	defer sys.stop()
	var pairs []pair
	for range o.Rounds {
		for _, n := range o.Connections {
			pairs = append(pairs, pair{label: fmt.Sprintf("%d connections", n), plan: load.Plan{Connections: n, For: o.For}})
		}
		for _, r := range o.Rates {
			pairs = append(pairs, pair{label: fmt.Sprintf("%d msg/s", r), plan: load.Plan{Connections: 8, Rate: float64(r), For: o.For}})
		}
	}
	for i := range pairs {
		p := &pairs[i]
		p.plan.Run = fmt.Sprintf("r%dx%d", os.Getpid(), i) // new patients each time: the same ones again would be corrections
		for _, t := range []target{fl, sys} {
			if o.Only != "" && o.Only != t.name() {
				continue
			}
			f, err := once(ctx, t, p.plan)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", t.name(), p.label, err)
			}
			report(out, t.name(), p.label, f)
			if t == target(fl) {
				p.floor = f
			} else {
				p.system = f
			}
		}
	}
	if o.Only == "" {
		ratios(out, pairs)
	}
	return nil
}

type pair struct {
	label         string
	plan          load.Plan
	floor, system figures
}

func once(ctx context.Context, t target, p load.Plan) (figures, error) {
	if err := t.begin(ctx); err != nil {
		return figures{}, err
	}
	p.Addr = t.mllp()
	before := cpuOf(t.processes())
	start := time.Now()
	f := figures{Result: load.Do(ctx, p)}
	if f.Err != nil {
		return f, f.Err
	}
	sent := time.Now()
	if err := t.rest(ctx); err != nil {
		return f, err
	}
	f.handled, f.drain, f.screen = time.Since(start), time.Since(sent), t.latency()
	f.cpu, f.rss = map[string]float64{}, rssOf(t.processes())
	for name, s := range cpuOf(t.processes()) {
		f.cpu[name] = s - before[name]
	}
	return f, nil
}

func report(out io.Writer, name, label string, f figures) {
	fmt.Fprintf(out, "%-8s %-15s accepted %7.0f/s  handled %7.0f/s  drain %6.2fs  ACK p50 %6.2f p99 %7.2f ms  frame to %s p50 %6.2f p99 %7.2f ms (%d)  CPU %.2f s/1000",
		name, label, f.PerSecond(), f.handledPerSecond(), f.drain.Seconds(), ms(f.AckP50), ms(f.AckP99), goal(name), ms(f.screen.p50), ms(f.screen.p99), f.screen.n, f.cpuPerThousand())
	for _, p := range sorted(f.cpu) {
		fmt.Fprintf(out, "  %s %.2f", p, f.cpu[p]/float64(f.Sent)*1000)
	}
	for _, p := range sorted(f.rss) {
		fmt.Fprintf(out, "  %s %d MB", p, f.rss[p]>>20)
	}
	fmt.Fprintln(out)
}

func goal(name string) string {
	if name == "floor" {
		return "task "
	}
	return "alert"
}

func ratios(out io.Writer, pairs []pair) {
	w := tabwriter.NewWriter(out, 2, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nhandoff : floor\thandled/s\tof the floor\tACK p99\ttimes the floor\talert p99 : task p99\ttimes\tCPU\ttimes")
	for _, p := range pairs {
		s, f := p.system, p.floor
		fmt.Fprintf(w, "%s\t%.0f : %.0f\t%.2f\t%.1f : %.1f ms\t%.1f\t%.1f : %.1f ms\t%.1f\t%.2f : %.2f\t%.1f\n", p.label,
			s.handledPerSecond(), f.handledPerSecond(), s.handledPerSecond()/f.handledPerSecond(), ms(s.AckP99), ms(f.AckP99), float64(s.AckP99)/float64(f.AckP99),
			ms(s.screen.p99), ms(f.screen.p99), float64(s.screen.p99)/float64(f.screen.p99), s.cpuPerThousand(), f.cpuPerThousand(), s.cpuPerThousand()/f.cpuPerThousand())
	}
	_ = w.Flush()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
