package run

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/handoff-care/handoff/pkg/web"
)

// sampled are the figures that are kept over time, by what is kept of them: of counters what they grew by a
// second, of gauges what they were, of histograms the median and the 99th of 100 of what was observed since
// the sample before.
var sampled = map[string]bool{
	"handoff_admission_frames_total":   true,
	"handoff_admission_messages_total": true,
	"handoff_admission_ack_seconds":    true,
	"handoff_consumer_events_total":    true,
	"handoff_consumer_lag":             true,
	"handoff_outbox_published_total":   true,
	"handoff_outbox_oldest_seconds":    true,
	"handoff_received_to_task_seconds": true,
	"handoff_event_to_screen_seconds":  true,
	"handoff_event_to_human_seconds":   true,
}

// spans are what is remembered: the last hour finely, the last day coarsely. In memory: a restart forgets
// it, and what has to outlive one is in Prometheus.
var spans = map[string]struct {
	every time.Duration
	size  int
}{"hour": {10 * time.Second, 360}, "day": {2 * time.Minute, 720}}

// sampler keeps the figures of the services of a process over time.
type sampler struct {
	registry *prometheus.Registry
	mu       sync.Mutex
	rings    map[string]map[string]*ring // by service and span
}

func newSampler(registry *prometheus.Registry) *sampler {
	return &sampler{registry: registry, rings: map[string]map[string]*ring{}}
}

// Run samples until ctx is done.
func (s *sampler) Run(ctx context.Context) error {
	tick := time.NewTicker(spans["hour"].every)
	defer tick.Stop()
	for {
		s.sample(time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sample takes all figures at once, each service's own to its rings.
func (s *sampler) sample(now time.Time) {
	families, err := s.registry.Gather()
	if err != nil {
		return // what could not be gathered is a gap
	}
	by := map[string]figuresAt{}
	for _, f := range families {
		if !sampled[f.GetName()] {
			continue
		}
		for _, m := range f.GetMetric() {
			service, suffix := labelled(m)
			if by[service] == nil {
				by[service] = figuresAt{}
			}
			by[service][f.GetName()+suffix] = m
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for service, figures := range by {
		if s.rings[service] == nil {
			s.rings[service] = map[string]*ring{}
			for name, span := range spans {
				s.rings[service][name] = &ring{every: span.every, size: span.size, columns: map[string][]float64{}}
			}
		}
		for _, r := range s.rings[service] {
			r.add(now, figures)
		}
	}
}

// labelled separates a metric's service from its other labels, written {a=b,c=d}.
func labelled(m *dto.Metric) (service, suffix string) {
	for _, l := range m.GetLabel() {
		if l.GetName() == "service" {
			service = l.GetValue()
			continue
		}
		suffix += "," + l.GetName() + "=" + l.GetValue()
	}
	if suffix != "" {
		suffix = "{" + suffix[1:] + "}"
	}
	return service, suffix
}

// figuresAt are figures at one time, by name{labels}.
type figuresAt map[string]*dto.Metric

// ring holds the newest samples, oldest first.
type ring struct {
	every   time.Duration
	size    int
	at      []int64
	columns map[string][]float64 // NaN: nothing to say
	last    time.Time
	before  figuresAt
}

// add takes a sample where the time for one has come.
func (r *ring) add(now time.Time, figures figuresAt) {
	if now.Sub(r.last) < r.every-time.Second {
		return
	}
	seconds := now.Sub(r.last).Seconds()
	before := r.before
	r.last, r.before = now, figures
	if before == nil {
		return // what grew is not known yet
	}
	point := map[string]float64{}
	for key, m := range figures {
		name, labels, _ := strings.Cut(key, "{")
		if labels != "" {
			labels = "{" + labels
		}
		switch {
		case m.GetHistogram() != nil:
			if h := grown(m.GetHistogram(), before[key].GetHistogram()); h.GetSampleCount() > 0 {
				point[name+"_p50"+labels], point[name+"_p99"+labels] = quantile(h, .5), quantile(h, .99)
			} else {
				point[name+"_p50"+labels], point[name+"_p99"+labels] = math.NaN(), math.NaN()
			}
		case m.GetCounter() != nil:
			point[key] = max(0, m.GetCounter().GetValue()-before[key].GetCounter().GetValue()) / seconds
		case m.GetGauge() != nil:
			point[key] = m.GetGauge().GetValue()
		}
	}
	r.put(now.Unix(), point)
}

// put appends a point; a figure that is new was nothing before.
func (r *ring) put(at int64, point map[string]float64) {
	r.at = append(r.at, at)
	for key := range point {
		if r.columns[key] == nil {
			r.columns[key] = make([]float64, len(r.at)-1)
			for i := range r.columns[key] {
				r.columns[key][i] = math.NaN()
			}
		}
	}
	for key, column := range r.columns {
		v, ok := point[key]
		if !ok {
			v = math.NaN()
		}
		r.columns[key] = append(column, v)
	}
	if over := len(r.at) - r.size; over > 0 {
		r.at = append(r.at[:0], r.at[over:]...)
		for key, column := range r.columns {
			r.columns[key] = append(column[:0], column[over:]...)
		}
	}
}

// grown is a histogram of what was observed after another one of the same.
func grown(now, before *dto.Histogram) *dto.Histogram {
	count := now.GetSampleCount() - min(before.GetSampleCount(), now.GetSampleCount())
	out := &dto.Histogram{SampleCount: &count}
	for i, b := range now.GetBucket() {
		n, upper := b.GetCumulativeCount(), b.GetUpperBound()
		if i < len(before.GetBucket()) {
			n -= min(n, before.GetBucket()[i].GetCumulativeCount())
		}
		out.Bucket = append(out.Bucket, &dto.Bucket{CumulativeCount: &n, UpperBound: &upper})
	}
	return out
}

// answer is a span of a service's figures: times, and a value or nothing for each of them.
type series struct {
	At      []int64               `json:"at"`
	Figures map[string][]*float64 `json:"figures"`
}

func (s *sampler) series(service, span string) series {
	out := series{At: []int64{}, Figures: map[string][]*float64{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rings[service][span]
	if r == nil {
		return out
	}
	out.At = append(out.At, r.at...)
	for key, column := range r.columns {
		list := make([]*float64, len(column))
		for i, v := range column {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				list[i] = &v
			}
		}
		out.Figures[key] = list
	}
	return out
}

// serve answers the figures of a service over the last hour or, with ?span=day, the last day.
func (s *sampler) serve(service string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		span := r.URL.Query().Get("span")
		if span != "day" {
			span = "hour"
		}
		body, err := json.Marshal(map[string]any{"service": service, "span": span, "series": s.series(service, span)})
		if err != nil {
			web.WriteProblem(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}
}
