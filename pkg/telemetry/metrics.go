package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Latency buckets in seconds, from a tenth of a millisecond to ten seconds.
var Latency = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// ToHuman is the metric of the time until the first person takes something on: an alert, or a task.
var ToHuman = prometheus.HistogramOpts{
	Name: "handoff_event_to_human_seconds", Help: "Time from the receipt of a frame until the first person takes on what it led to.",
	Buckets: []float64{1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 86400, 259200},
}

// Registry returns a registry of a program, with Go and process metrics.
func Registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Backbone are the metrics that every service has.
type Backbone struct {
	Requests   *prometheus.HistogramVec // route, method, code
	Published  prometheus.Counter
	OutboxRows prometheus.Gauge
	OutboxAge  prometheus.Gauge
	StreamFull prometheus.Gauge
	Handled    *prometheus.CounterVec   // stream
	Repeated   *prometheus.CounterVec   // stream
	BatchTime  *prometheus.HistogramVec // stream
	BatchSize  *prometheus.HistogramVec // stream
	Lag        *prometheus.GaugeVec     // stream
	Parked     *prometheus.GaugeVec     // stream
	ParkedAge  prometheus.Gauge
	TimerLate  prometheus.Histogram
}

// NewBackbone registers them.
func NewBackbone(r prometheus.Registerer) *Backbone {
	h := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		r.MustRegister(v)
		return v
	}
	c := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	g := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	return &Backbone{
		Requests:   h("handoff_http_request_seconds", "Time to answer an API request.", Latency, "route", "method", "code"),
		Published:  c("handoff_outbox_published_total", "Events put on the stream.").WithLabelValues(),
		OutboxRows: g("handoff_outbox_rows", "Committed events that may not be on the stream yet.").WithLabelValues(),
		OutboxAge:  g("handoff_outbox_oldest_seconds", "Age of the oldest of them.").WithLabelValues(),
		StreamFull: g("handoff_stream_full_ratio", "How full the service's stream is; at 0.7 handled events are purged.").WithLabelValues(),
		Handled:    c("handoff_consumer_events_total", "Events handled.", "stream"),
		Repeated:   c("handoff_consumer_repeats_total", "Deliveries of events that were handled before.", "stream"),
		BatchTime:  h("handoff_consumer_batch_seconds", "Time to handle a batch.", Latency, "stream"),
		BatchSize:  h("handoff_consumer_batch_events", "Events in a batch.", []float64{1, 2, 5, 10, 20, 50, 100, 200, 500}, "stream"),
		Lag:        g("handoff_consumer_lag", "Events on the stream that are not handled yet.", "stream"),
		Parked:     g("handoff_parked_keys", "Keys whose events could not be handled.", "stream"),
		ParkedAge:  g("handoff_parked_oldest_seconds", "Age of the oldest of them.").WithLabelValues(),
		TimerLate:  h("handoff_timer_late_seconds", "How late a timer fired.", []float64{.1, .5, 1, 2, 5, 10, 60}).WithLabelValues().(prometheus.Histogram),
	}
}
