package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// services are asked for their figures, in the order of a discharge.
var services = []string{"admission", "discharge", "referral", "notification", "console"}

// figures asks every service at once; one that does not answer is shown as such.
func (c *Console) figures(ctx context.Context) page.Operations {
	o := page.Operations{Services: make([]page.Figures, len(services))}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	var wait sync.WaitGroup
	for i, name := range services {
		wait.Go(func() { o.Services[i] = c.figuresOf(ctx, name) })
	}
	wait.Wait()
	o.Tiles = c.tiles(ctx, o.Services)
	return o
}

func (c *Console) figuresOf(ctx context.Context, name string) page.Figures {
	f := page.Figures{Name: name, Handled: "–", Lag: "–", OutboxAge: "–"}
	var laws struct{ Laws []web.Law }
	if err := c.call(ctx, http.MethodGet, name, "/reconcile", nil, &laws); err != nil {
		f.Missing = say(ctx, "No figures: %s.", public(ctx, err))
		return f
	}
	f.Laws = laws.Laws
	if web.Allow(web.From(ctx), web.ParkedRead) {
		var list web.List[page.Parked]
		if err := c.call(ctx, http.MethodGet, name, "/parked?limit=200", nil, &list); err == nil {
			f.Parked = list.Items
		}
	}
	var own struct{ Figures map[string]float64 }
	if err := c.call(ctx, http.MethodGet, name, "/figures", nil, &own); err == nil {
		f.All = own.Figures
		f.Handled = page.Number(f.Sum("handoff_consumer_events_total"))
		f.Lag = page.Number(f.Sum("handoff_consumer_lag"))
		f.OutboxAge = seconds(ctx, f.Sum("handoff_outbox_oldest_seconds"))
	}
	return f
}

// highest is a metric's highest value over all services and labels.
func highest(all []page.Figures, name string) (most float64, ok bool) {
	for _, f := range all {
		for key, v := range f.All {
			if key == name || strings.HasPrefix(key, name+"{") {
				most, ok = max(most, v), true
			}
		}
	}
	return most, ok
}

func (c *Console) tiles(ctx context.Context, all []page.Figures) []page.Tile {
	var lag, age, off float64
	parkedKeys := 0
	for _, f := range all {
		lag += f.Sum("handoff_consumer_lag")
		age = max(age, f.Sum("handoff_outbox_oldest_seconds"))
		parkedKeys += len(f.Parked)
		for _, l := range f.Laws {
			off += float64(max(l.Difference, -l.Difference))
		}
	}
	perMinute := c.lastMinute(ctx)
	p50, p99, n := c.recent.quantiles()
	tiles := []page.Tile{
		tile("Admissions and discharges", page.Number(perMinute), "in the last full minute", ""),
		tile("Waiting to be handled", page.Number(lag), "events, all services", toneAbove(lag, 1000, 100_000)),
		tile("Oldest event not sent on", seconds(ctx, age), "of all services", toneAbove(age, 5, 60)),
	}
	if v, ok := highest(all, "handoff_admission_ack_seconds_p99"); ok {
		tiles = append(tiles, tile("Answered, 99 of 100 within", seconds(ctx, v), "from the message to its answer", toneAbove(v, 1, 5)))
	}
	screen := tile("Message to screen", "–", "no screen was pushed to yet", "")
	if n > 0 {
		screen = tile("Message to screen", seconds(ctx, p50), text.Message(say(ctx, "half of the last %d; 99 of 100 within %s", n, seconds(ctx, p99))), toneAbove(p99, 5, 60))
	}
	return append(tiles, screen,
		tile("Conservation", balance(ctx, off), "sum of all differences", toneAbove(off, 0, 0)),
		tile("Parked keys", strconv.Itoa(parkedKeys), "set aside until replayed", toneAbove(float64(parkedKeys), 0, 10)))
}

func tile(name text.Message, value string, note text.Message, tone string) page.Tile {
	return page.Tile{Name: name, Value: value, Note: note, Tone: tone}
}

func balance(ctx context.Context, off float64) string {
	if off == 0 {
		return say(ctx, "Balances")
	}
	return say(ctx, "Off by %s", page.Number(off))
}

func toneAbove(v, warn, bad float64) string {
	switch {
	case v > bad:
		return "bad"
	case v > warn:
		return "warn"
	}
	return ""
}

func seconds(ctx context.Context, v float64) string {
	switch {
	case v == 0:
		return "0 s"
	case v < 1:
		return fmt.Sprintf("%.0f ms", v*1000)
	case v < 100:
		return fmt.Sprintf("%.1f s", v)
	}
	return board.Length(ctx, time.Duration(v*float64(time.Second)))
}

// quantiles are the median and the 99th of 100 of the last latencies.
func (l *latencies) quantiles() (p50, p99 float64, n int) {
	l.mu.Lock()
	n = min(l.n, len(l.ring))
	sorted := slices.Clone(l.ring[:n])
	l.mu.Unlock()
	if n == 0 {
		return 0, 0, 0
	}
	slices.Sort(sorted)
	return sorted[n/2], sorted[min(n-1, n*99/100)], n
}

func (c *Console) lastMinute(ctx context.Context) (n float64) {
	list, err := c.Store.Minutes(ctx, web.From(ctx).Org, 3*time.Minute)
	if err != nil {
		return 0
	}
	full := time.Now().UTC().Truncate(time.Minute).Add(-time.Minute)
	for _, m := range list {
		if m.At.Equal(full) && (m.Kind == "admissions" || m.Kind == "discharges") {
			n += float64(m.N)
		}
	}
	return n
}

func (c *Console) operations(w http.ResponseWriter, r *http.Request) error {
	o, span := c.figures(r.Context()), overOf(r.URL.Query().Get("span"))
	o.Span, o.Tables = span.name, tables(r.Context(), c.charts(r.Context(), span), span)
	c.render(w, r, http.StatusOK, page.OperationsPage(c.page(r, "Operations"), o))
	return nil
}

func (c *Console) operationsFigures(w http.ResponseWriter, r *http.Request) error {
	c.render(w, r, http.StatusOK, page.OperationsPush(c.page(r, ""), c.figures(r.Context())))
	return nil
}

// throughput lays minutes out for a chart: every minute of the last hour, also the quiet ones.
func throughput(ctx context.Context, list []store.Minute, now time.Time) chart {
	kinds := []string{"admissions", "discharges", "tasks", "alerts"}
	out := chart{Names: []string{say(ctx, "Admissions"), say(ctx, "Discharges"), say(ctx, "Tasks"), say(ctx, "Alerts")}, Data: make([][]*float64, len(kinds)+1)}
	end := now.UTC().Truncate(time.Minute)
	start := end.Add(-59 * time.Minute)
	for i := range out.Data {
		out.Data[i] = make([]*float64, 60)
		for m := range out.Data[i] {
			v := 0.0
			if i == 0 {
				v = float64(start.Add(time.Duration(m) * time.Minute).Unix())
			}
			out.Data[i][m] = &v
		}
	}
	for _, m := range list {
		at, kind := int(m.At.Sub(start)/time.Minute), slices.Index(kinds, m.Kind)
		if kind >= 0 && at >= 0 && at < 60 {
			*out.Data[kind+1][at] = float64(m.N)
		}
	}
	return out
}

func (c *Console) outbox(w http.ResponseWriter, r *http.Request) error {
	if !c.Dev {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	var list web.List[page.Mail]
	problem := ""
	if err := c.call(r.Context(), http.MethodGet, "notification", "/outbox", nil, &list); err != nil {
		problem = say(r.Context(), "The outbox cannot be read now: %s.", public(r.Context(), err))
	}
	c.render(w, r, http.StatusOK, page.Outbox(c.page(r, "Outbox"), list.Items, problem))
	return nil
}
