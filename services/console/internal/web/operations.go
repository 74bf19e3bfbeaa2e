package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// services are asked for their figures, in the order of a discharge.
var services = []string{"admission", "discharge", "referral", "notification", "console"}

// Operations is how the system is doing.
type Operations struct {
	Tiles    []Tile
	Services []Figures
}

// Tile is one figure that matters.
type Tile struct{ Name, Value, Note, Tone string }

// Figures are one service's own.
type Figures struct {
	Name                    string
	Missing                 string // why there are none
	Laws                    []web.Law
	Parked                  []parked
	Handled, Lag, OutboxAge string
	all                     map[string]float64
}

// parked is a key that is set aside.
type parked struct {
	Stream string    `json:"stream"`
	Key    events.ID `json:"key"`
	Error  string    `json:"reason"`
	Events int       `json:"events"`
	Since  time.Time `json:"parked_at"`
}

func (o Operations) parkedCount() (n int) {
	for _, s := range o.Services {
		n += len(s.Parked)
	}
	return n
}

// figures asks every service at once; one that does not answer is shown as such.
func (c *Console) figures(ctx context.Context) Operations {
	o := Operations{Services: make([]Figures, len(services))}
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

func (c *Console) figuresOf(ctx context.Context, name string) Figures {
	f := Figures{Name: name, Handled: "–", Lag: "–", OutboxAge: "–"}
	var laws struct{ Laws []web.Law }
	if err := c.call(ctx, http.MethodGet, name, "/reconcile", nil, &laws); err != nil {
		f.Missing = "No figures: " + fault.Public(err) + "."
		return f
	}
	f.Laws = laws.Laws
	if web.Allow(web.From(ctx), web.ParkedRead) {
		var list web.List[parked]
		if err := c.call(ctx, http.MethodGet, name, "/parked?limit=200", nil, &list); err == nil {
			f.Parked = list.Items
		}
	}
	var own struct{ Figures map[string]float64 }
	if err := c.call(ctx, http.MethodGet, name, "/figures", nil, &own); err == nil {
		f.all = own.Figures
		f.Handled = number(f.sum("handoff_consumer_events_total"))
		f.Lag = number(f.sum("handoff_consumer_lag"))
		f.OutboxAge = seconds(f.sum("handoff_outbox_oldest_seconds"))
	}
	return f
}

// sum adds a metric over its labels.
func (f Figures) sum(name string) (total float64) {
	for key, v := range f.all {
		if key == name || strings.HasPrefix(key, name+"{") {
			total += v
		}
	}
	return total
}

// highest is a metric's highest value over all services and labels.
func highest(all []Figures, name string) (most float64, ok bool) {
	for _, f := range all {
		for key, v := range f.all {
			if key == name || strings.HasPrefix(key, name+"{") {
				most, ok = max(most, v), true
			}
		}
	}
	return most, ok
}

func (c *Console) tiles(ctx context.Context, all []Figures) []Tile {
	var lag, age, off float64
	parkedKeys := 0
	for _, f := range all {
		lag += f.sum("handoff_consumer_lag")
		age = max(age, f.sum("handoff_outbox_oldest_seconds"))
		parkedKeys += len(f.Parked)
		for _, l := range f.Laws {
			off += float64(max(l.Difference, -l.Difference))
		}
	}
	perMinute := c.lastMinute(ctx)
	p50, p99, n := c.recent.quantiles()
	tiles := []Tile{
		{"Admissions and discharges", number(perMinute), "in the last full minute", ""},
		{"Waiting to be handled", number(lag), "events, all services", toneAbove(lag, 1000, 100_000)},
		{"Oldest unpublished event", seconds(age), "", toneAbove(age, 5, 60)},
	}
	if v, ok := highest(all, "handoff_admission_ack_seconds_p99"); ok {
		tiles = append(tiles, Tile{"ACK, 99 of 100", seconds(v), "frame received to reply", toneAbove(v, 1, 5)})
	}
	screen := Tile{"Frame to screen", "–", "no screen was pushed to yet", ""}
	if n > 0 {
		screen = Tile{"Frame to screen", seconds(p50), "half of the last " + strconv.Itoa(n) + "; 99 of 100 within " + seconds(p99), toneAbove(p99, 5, 60)}
	}
	return append(tiles, screen,
		Tile{"Conservation", balance(off), "sum of all differences", toneAbove(off, 0, 0)},
		Tile{"Parked keys", strconv.Itoa(parkedKeys), "", toneAbove(float64(parkedKeys), 0, 10)})
}

func balance(off float64) string {
	if off == 0 {
		return "Balances"
	}
	return "Off by " + number(off)
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

func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func seconds(v float64) string {
	switch {
	case v == 0:
		return "0 s"
	case v < 1:
		return fmt.Sprintf("%.0f ms", v*1000)
	case v < 100:
		return fmt.Sprintf("%.1f s", v)
	}
	return board.Ago(time.Now().Add(-time.Duration(v)*time.Second), time.Now())
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
	c.render(w, r, http.StatusOK, operationsPage(c.page(r, "Operations"), c.figures(r.Context())))
	return nil
}

func (c *Console) operationsFigures(w http.ResponseWriter, r *http.Request) error {
	c.render(w, r, http.StatusOK, operationsBody(c.page(r, ""), c.figures(r.Context())))
	return nil
}

// chart is what uPlot draws: first the times, then one row of values per name.
type chart struct {
	Names []string     `json:"names"`
	Data  [][]*float64 `json:"data"`
}

func (c *Console) operationsSeries(w http.ResponseWriter, r *http.Request) error {
	list, err := c.Store.Minutes(r.Context(), web.From(r.Context()).Org, time.Hour)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]chart{
		"throughput": throughput(list, time.Now()), "screen": c.recent.chart(),
	})
}

// throughput lays minutes out for a chart: every minute of the last hour, also the quiet ones.
func throughput(list []store.Minute, now time.Time) chart {
	kinds := []string{"admissions", "discharges", "tasks", "alerts"}
	out := chart{Names: []string{"Admissions", "Discharges", "Tasks", "Alerts"}, Data: make([][]*float64, len(kinds)+1)}
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

// chart lays the latencies out in the last hour's minutes: median and 99th of 100.
func (l *latencies) chart() chart {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := chart{Names: []string{"Half within", "99 of 100 within"}, Data: [][]*float64{{}, {}, {}}}
	n := min(l.n, len(l.ring))
	for at := 0; at < n; {
		minute, values := l.at[(l.n-n+at)%len(l.ring)].Truncate(time.Minute), []float64{}
		for at < n && l.at[(l.n-n+at)%len(l.ring)].Truncate(time.Minute).Equal(minute) {
			values = append(values, l.ring[(l.n-n+at)%len(l.ring)])
			at++
		}
		slices.Sort(values)
		x, p50, p99 := float64(minute.Unix()), values[len(values)/2], values[min(len(values)-1, len(values)*99/100)]
		out.Data[0], out.Data[1], out.Data[2] = append(out.Data[0], &x), append(out.Data[1], &p50), append(out.Data[2], &p99)
	}
	return out
}

func replayPath(service string, k parked) string {
	return "/operations/parked/" + service + "/" + k.Stream + "/" + k.Key.String() + "/replay"
}

func (c *Console) replay(w http.ResponseWriter, r *http.Request) error {
	key, err := pathID(r, "key")
	if err != nil {
		return err
	}
	service, stream := r.PathValue("service"), r.PathValue("stream")
	if !slices.Contains(services, service) || !slices.Contains(services, stream) {
		return fault.New(fault.Unknown, "There is no such service.")
	}
	var done struct {
		Events int `json:"events"`
	}
	if err := c.call(r.Context(), http.MethodPost, service, "/parked/"+stream+"/"+key.String()+"/replay", struct{}{}, &done); err != nil {
		return err
	}
	if !fragment(r) {
		http.Redirect(w, r, "/operations", http.StatusSeeOther)
		return nil
	}
	c.render(w, r, http.StatusOK, toastPart(Toast{Text: "Replayed: " + plural(done.Events, "event", "events") + " in order."}))
	return nil
}

// mail is a message in development's sink.
type mail struct {
	To      []string  `json:"to"`
	Subject string    `json:"subject"`
	Body    string    `json:"body"`
	At      time.Time `json:"at"`
}

func (c *Console) outbox(w http.ResponseWriter, r *http.Request) error {
	if !c.Dev {
		return fault.New(fault.Unknown, "There is no page at this address.")
	}
	var list web.List[mail]
	problem := ""
	if err := c.call(r.Context(), http.MethodGet, "notification", "/outbox", nil, &list); err != nil {
		problem = "The outbox cannot be read now: " + fault.Public(err) + "."
	}
	c.render(w, r, http.StatusOK, outboxPage(c.page(r, "Outbox"), list.Items, problem))
	return nil
}
