package run

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestFiguresAreKeptOverTime(t *testing.T) {
	registry := prometheus.NewRegistry()
	r := prometheus.WrapRegistererWith(prometheus.Labels{"service": "alpha"}, registry)
	lag := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "handoff_consumer_lag"}, []string{"stream"})
	handled := prometheus.NewCounter(prometheus.CounterOpts{Name: "handoff_outbox_published_total"})
	took := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "handoff_event_to_screen_seconds", Buckets: []float64{.1, 1, 10}})
	r.MustRegister(lag, handled, took)
	s := newSampler(registry)
	now := time.Unix(1_800_000_000, 0)
	at := func(i int) time.Time { return now.Add(time.Duration(i) * 10 * time.Second) }
	lag.WithLabelValues("beta").Set(1)
	took.Observe(5)
	s.sample(at(0))
	for i := 1; i <= 400; i++ {
		handled.Add(20)
		lag.WithLabelValues("beta").Set(float64(i))
		if i == 400 {
			took.Observe(.05)
		}
		s.sample(at(i))
	}
	hour := s.series("alpha", "hour")
	if len(hour.At) != 360 || hour.At[359] != at(400).Unix() || hour.At[0] != at(41).Unix() {
		t.Fatalf("%d samples from %d to %d", len(hour.At), hour.At[0], hour.At[len(hour.At)-1])
	}
	if v := hour.Figures["handoff_outbox_published_total"][10]; v == nil || *v != 2 {
		t.Errorf("published a second: %v", v)
	}
	if v := hour.Figures["handoff_consumer_lag{stream=beta}"][359]; v == nil || *v != 400 {
		t.Errorf("lag: %v", v)
	}
	p99 := hour.Figures["handoff_event_to_screen_seconds_p99"]
	if p99[0] != nil || p99[359] == nil || *p99[359] > .1 {
		t.Errorf("what was observed since the sample before: %v then %v", p99[0], p99[359])
	}
	if day := s.series("alpha", "day"); len(day.At) != 33 || *day.Figures["handoff_outbox_published_total"][0] != 2 {
		t.Errorf("the day has %d samples", len(day.At))
	}
	if len(s.series("nobody", "hour").At) != 0 {
		t.Error("somebody else's figures")
	}
}
