package web

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// chart is what uPlot draws: first the times, then one row of values per name.
type chart struct {
	Names []string     `json:"names"`
	Data  [][]*float64 `json:"data"`
	Log   bool         `json:"log,omitempty"` // the values differ by powers of ten
}

// over is a time that charts show: so many steps of so many seconds, and how many of them a line of the
// table beside the chart sums up.
type over struct {
	name        string
	step, steps int
	line        int
}

// overOf reads which time a person wants to see; the last hour without a word.
func overOf(name string) over {
	if name == "day" {
		return over{"day", 120, 720, 60}
	}
	return over{"hour", 10, 360, 30}
}

// remembered are a service's figures over time, as it answers.
type remembered struct {
	Series struct {
		At      []int64               `json:"at"`
		Figures map[string][]*float64 `json:"figures"`
	} `json:"series"`
}

// grid is a time as steps that the figures of all services are laid on.
type grid struct {
	over
	start int64
}

func (o over) grid(now time.Time) grid {
	end := now.Unix() / int64(o.step) * int64(o.step)
	return grid{o, end - int64((o.steps-1)*o.step)}
}

// lay puts the sum of the figures that fit on the grid.
func (g grid) lay(r remembered, fit func(key string) bool) []*float64 {
	out := make([]*float64, g.steps)
	for key, values := range r.Series.Figures {
		if !fit(key) {
			continue
		}
		for i, v := range values {
			at := (r.Series.At[i] - g.start + int64(g.step)/2) / int64(g.step)
			if v == nil || r.Series.At[i] < g.start || at >= int64(g.steps) {
				continue
			}
			sum := *v
			if out[at] != nil {
				sum += *out[at]
			}
			out[at] = &sum
		}
	}
	return out
}

func (g grid) times() []*float64 {
	out := make([]*float64, g.steps)
	for i := range out {
		v := float64(g.start + int64(i*g.step))
		out[i] = &v
	}
	return out
}

// named fits one figure with any labels that contain one of some texts, or any at all.
func named(name string, labels ...string) func(string) bool {
	return func(key string) bool {
		own, rest, _ := strings.Cut(key, "{")
		return own == name && (len(labels) == 0 || slices.ContainsFunc(labels, func(l string) bool { return strings.Contains(rest, l) }))
	}
}

// add draws a line unless nothing is known of it.
func (c *chart) add(name string, values []*float64) {
	if slices.ContainsFunc(values, func(v *float64) bool { return v != nil }) {
		c.Names, c.Data = append(c.Names, name), append(c.Data, values)
	}
}

// charts asks every service for its figures over a time, and draws them.
func (c *Console) charts(ctx context.Context, o over) map[string]chart {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	of := make([]remembered, len(services))
	each(len(services), func(i int) {
		// one that does not answer has no line
		_ = c.call(ctx, http.MethodGet, services[i], "/figures/series?span="+o.name, nil, &of[i])
	})
	by := map[string]remembered{}
	for i, name := range services {
		by[name] = of[i]
	}
	return draw(ctx, by, o.grid(time.Now()))
}

// draw lays figures out as charts. Pure.
func draw(ctx context.Context, by map[string]remembered, g grid) map[string]chart {
	fresh := func() chart { return chart{Data: [][]*float64{g.times()}} }
	messages, lag, outbox, latency, latest := fresh(), fresh(), fresh(), fresh(), fresh()
	messages.add(say(ctx, "Accepted"), g.lay(by["admission"], named("handoff_admission_frames_total", "code=AA", "code=CA")))
	messages.add(say(ctx, "Handled"), g.lay(by["admission"], named("handoff_admission_messages_total")))
	for _, service := range services {
		for _, stream := range services {
			lag.add(say(ctx, "%s of %s", board.Plain(ctx, service), stream), g.lay(by[service], named("handoff_consumer_lag", "stream="+stream)))
		}
		outbox.add(board.Plain(ctx, service), g.lay(by[service], named("handoff_outbox_oldest_seconds")))
	}
	for _, l := range []struct {
		name   text.Message
		metric string
	}{
		{"Acknowledged", "handoff_admission_ack_seconds"}, {"Task made", "handoff_received_to_task_seconds"},
		{"On a screen", "handoff_event_to_screen_seconds"}, {"Taken on by a person", "handoff_event_to_human_seconds"},
	} {
		for _, service := range services {
			latency.add(say(ctx, l.name), g.lay(by[service], named(l.metric+"_p50")))
			latest.add(say(ctx, l.name), g.lay(by[service], named(l.metric+"_p99")))
		}
	}
	latency.Log, latest.Log = true, true
	return map[string]chart{"messages": messages, "lag": lag, "outbox": outbox, "latency": latency, "latest": latest}
}

// table is a chart as lines to read: what each name was on average, or at most, in a stretch of time.
func (c chart) table(o over, write func(float64) string, most bool) page.ChartTable {
	t := page.ChartTable{Names: c.Names}
	for from := 0; len(c.Data) > 1 && from < len(c.Data[0]); from += o.line {
		to := min(from+o.line, len(c.Data[0]))
		row := page.ChartLine{At: time.Unix(int64(*c.Data[0][from]), 0)}
		known := false
		for _, values := range c.Data[1:] {
			v, ok := together(values[from:to], most)
			text := "–"
			if ok {
				text, known = write(v), true
			}
			row.Values = append(row.Values, text)
		}
		if known {
			t.Lines = append(t.Lines, row)
		}
	}
	slices.Reverse(t.Lines) // the newest first
	return t
}

// together is the mean or the highest of what is known.
func together(values []*float64, most bool) (float64, bool) {
	var sum, n float64
	highest := math.Inf(-1)
	for _, v := range values {
		if v != nil {
			sum, n, highest = sum+*v, n+1, max(highest, *v)
		}
	}
	if n == 0 {
		return 0, false
	}
	if most {
		return highest, true
	}
	return sum / n, true
}

// rate writes how many a second.
func rate(v float64) string {
	if v > 0 && v < 10 {
		return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".")
	}
	return page.Number(v)
}

// tables are the charts to be read.
func tables(ctx context.Context, charts map[string]chart, o over) map[string]page.ChartTable {
	long := func(v float64) string { return seconds(ctx, v) }
	return map[string]page.ChartTable{
		"messages": charts["messages"].table(o, rate, false), "lag": charts["lag"].table(o, page.Number, true),
		"outbox": charts["outbox"].table(o, long, true), "latency": charts["latency"].table(o, long, false),
		"latest": charts["latest"].table(o, long, true),
	}
}

func (c *Console) operationsSeries(w http.ResponseWriter, r *http.Request) error {
	out := c.charts(r.Context(), overOf(r.URL.Query().Get("span")))
	list, err := c.Store.Minutes(r.Context(), web.From(r.Context()).Org, time.Hour)
	if err != nil {
		return err
	}
	out["throughput"] = throughput(r.Context(), list, time.Now())
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(out)
}

// operationsTables renews the charts' tables.
func (c *Console) operationsTables(w http.ResponseWriter, r *http.Request) error {
	o := overOf(r.URL.Query().Get("span"))
	c.render(w, r, http.StatusOK, page.ChartTablesPush(tables(r.Context(), c.charts(r.Context(), o), o)))
	return nil
}
