package referral

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/services/referral/internal/match"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// metrics measure the work done; what there is, is counted by census.
type metrics struct {
	matchSeconds prometheus.Histogram
	candidates   prometheus.Histogram
	importLines  *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		matchSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "handoff_referral_match_seconds", Help: "Time to rank one directory for one need.",
			Buckets: []float64{5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2},
		}),
		candidates: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "handoff_referral_match_candidates", Help: "Candidates found by a match; none is a need nobody can meet.",
			Buckets: []float64{0, 1, 2, 5, 10, 20, 50, 100, 500},
		}),
		importLines: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_referral_import_lines_total", Help: "Lines of provider files imported, by outcome.",
		}, []string{"outcome"}),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.matchSeconds, m.candidates, m.importLines}
}

func (m *metrics) matched(d time.Duration, r *match.Ranking) {
	m.matchSeconds.Observe(d.Seconds())
	m.candidates.Observe(float64(len(r.Candidates)))
}

// census counts referrals by state when it is asked.
type census struct{ db *postgres.DB }

var censusDesc = prometheus.NewDesc("handoff_referral_referrals", "Referrals there are, by state.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (c census) Describe(to chan<- *prometheus.Desc) { to <- censusDesc }

// Collect implements prometheus.Collector. Without the database there is no figure, rather than a wrong one.
func (c census) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var counts map[string]int64
	err := c.db.SystemTx(ctx, func(tx pgx.Tx) (err error) {
		counts, err = store.CountByState(ctx, tx, "")
		return err
	})
	if err != nil {
		to <- prometheus.NewInvalidMetric(censusDesc, err)
		return
	}
	for _, state := range referral.States {
		to <- prometheus.MustNewConstMetric(censusDesc, prometheus.GaugeValue, float64(counts[state]), state)
	}
}
