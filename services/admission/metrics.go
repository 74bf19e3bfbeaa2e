package admission

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// metrics are those of handling messages.
type metrics struct {
	messages    *prometheus.CounterVec
	quarantined *prometheus.CounterVec
	facts       *prometheus.CounterVec
	lag         prometheus.Histogram
	waiting     prometheus.Gauge
	oldest      prometheus.Gauge
	uncompared  prometheus.Gauge
	unlinked    prometheus.Gauge
	pairs       *prometheus.CounterVec
	comparing   prometheus.Histogram
	clear       prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_admission_messages_total", Help: "Messages handled, by what became of them.",
		}, []string{"state"}),
		quarantined: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_admission_quarantined_total", Help: "Messages that were kept and could not be used, by reason.",
		}, []string{"reason"}),
		facts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_admission_facts_total", Help: "Facts announced, by type.",
		}, []string{"type"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "handoff_admission_apply_seconds", Help: "Time from a frame to its facts being committed.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 5, 30, 300},
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "handoff_admission_messages_kept", Help: "Messages kept and not handled yet, by all processes.",
		}),
		oldest: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "handoff_admission_oldest_kept_seconds", Help: "How long the oldest of them has waited.",
		}),
	}
	m.uncompared = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "handoff_admission_identity_waiting", Help: "Patients, and changes of them, not yet compared with others, by all processes.",
	})
	m.unlinked = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "handoff_admission_identity_oldest_waiting_seconds", Help: "How long the oldest of them has waited to be compared.",
	})
	m.pairs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "handoff_admission_identity_pairs_total", Help: "Pairs of patients compared, by what their score says.",
	}, []string{"verdict"})
	m.comparing = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "handoff_admission_identity_patient_seconds", Help: "Time to compare a patient with all others, by batch.",
		Buckets: []float64{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, 1},
	})
	m.clear = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "handoff_admission_messages_in_the_clear", Help: "Messages whose bytes an older version kept and that are not sealed yet, of all organizations.",
	})
	r.MustRegister(m.messages, m.quarantined, m.facts, m.lag, m.waiting, m.oldest, m.uncompared, m.unlinked, m.pairs, m.comparing, m.clear)
	return m
}

// handled counts a batch that was committed.
func (m *metrics) handled(items []*item, w *work) {
	now := time.Now()
	for _, it := range items {
		if !w.Mine[it.in.ID] {
			continue
		}
		state := it.verdict.State
		if state == "" {
			state = adt.Applied
		}
		m.messages.WithLabelValues(state).Inc()
		if state == adt.Quarantined {
			m.quarantined.WithLabelValues(it.verdict.Reason).Inc()
		}
		m.lag.Observe(now.Sub(it.in.Received).Seconds())
	}
	for _, e := range w.announce {
		m.facts.WithLabelValues(e.Fact.Type()).Inc()
	}
}

// compared counts a batch of the linker.
func (m *metrics) compared(r *round, took time.Duration) {
	if r == nil || len(r.due) == 0 {
		return
	}
	for verdict, n := range r.scored {
		m.pairs.WithLabelValues(string(verdict)).Add(float64(n))
	}
	m.comparing.Observe(took.Seconds() / float64(len(r.due)))
}

// backlog reads what waits.
func (m *metrics) backlog(ctx context.Context, s *store.Store) {
	n, oldest, err := s.Backlog(ctx)
	if err != nil {
		return
	}
	m.waiting.Set(float64(n))
	m.oldest.Set(0)
	if oldest != nil {
		m.oldest.Set(time.Since(*oldest).Seconds())
	}
	if n, oldest, err = s.Uncompared(ctx); err != nil {
		return
	}
	m.uncompared.Set(float64(n))
	m.unlinked.Set(0)
	if oldest != nil {
		m.unlinked.Set(max(0, time.Since(*oldest).Seconds()))
	}
}
