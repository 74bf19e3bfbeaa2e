package notification

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/telemetry"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// meters are the service's figures.
type meters struct {
	reg           prometheus.Registerer
	alerts        *prometheus.CounterVec   // by kind
	deliveries    *prometheus.CounterVec   // by channel and state; pending counts tries that come again
	escalations   *prometheus.CounterVec   // by target
	frameToAlert  *prometheus.HistogramVec // by point: raised, pushed
	oldestPending *prometheus.GaugeVec     // by channel
	sealed        prometheus.Counter
	toHuman       prometheus.Histogram
}

func newMeters(reg prometheus.Registerer) *meters {
	m := &meters{
		reg: reg,
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_alerts_raised_total", Help: "Alerts raised, by kind."}, []string{"kind"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_deliveries_total", Help: "Deliveries made or tried, by channel and what became of them."}, []string{"channel", "state"}),
		escalations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "handoff_escalations_total", Help: "Escalation steps taken, by target."}, []string{"target"}),
		frameToAlert: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "handoff_frame_to_alert_seconds", Help: "From the frame's reception to the alert being raised, and pushed to open streams.",
			Buckets: []float64{.001, .0025, .005, .01, .015, .02, .03, .05, .075, .1, .25, .5, 1, 2.5, 5, 15, 60}}, []string{"point"}),
		oldestPending: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "handoff_delivery_oldest_pending_seconds", Help: "Age of the oldest delivery that waits, by channel."}, []string{"channel"}),
		sealed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "handoff_ledger_rows_sealed_total", Help: "Ledger rows covered by the hash chains."}),
		toHuman: prometheus.NewHistogram(telemetry.ToHuman),
	}
	if reg != nil {
		reg.MustRegister(m.alerts, m.deliveries, m.escalations, m.frameToAlert, m.oldestPending, m.sealed, m.toHuman)
	}
	return m
}

// openStreams exports how many streams are open.
func (m *meters) openStreams(open func() int64) {
	if m.reg != nil {
		m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "handoff_streams_open", Help: "Open alert streams."}, func() float64 { return float64(open()) }))
	}
}

// pushed counts how long an alert took from the frame to the open streams, and ends its trace there.
func (s *service) pushed(took time.Duration, traceparent string) {
	s.meters.frameToAlert.WithLabelValues("pushed").Observe(took.Seconds())
	if traceparent == "" {
		return
	}
	_, span := telemetry.Tracer(Name).Start(telemetry.Extract(context.Background(), traceparent), "notification pushes alert",
		trace.WithSpanKind(trace.SpanKindProducer))
	span.End()
}

const (
	chainEvery  = time.Second
	chainAtOnce = 5000
	anchorEvery = time.Hour
)

// chain seals ledger rows until ctx is done. The heads go to the log once an hour and at the start:
// that is the anchor outside of the database.
func (s *service) chain(ctx context.Context) error {
	tick := time.NewTicker(chainEvery)
	defer tick.Stop()
	var anchored time.Time
	for {
		anchor := time.Since(anchored) >= anchorEvery
		links, n, err := s.seal(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "the ledger cannot be sealed", "error", err)
		}
		if anchor && len(links) > 0 {
			anchored = time.Now()
			for _, l := range links {
				s.log.InfoContext(ctx, "ledger head", "organization", l.Org, "link", l.Number, "hash", hex.EncodeToString(l.Hash[:]))
			}
		}
		if n == chainAtOnce {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// seal chains one batch of ledger rows.
func (s *service) seal(ctx context.Context) (links []ledger.Link, n int, err error) {
	err = s.db.SystemTx(ctx, func(tx pgx.Tx) error {
		links, n, err = store.Chain(ctx, tx, chainAtOnce, moment())
		return err
	})
	s.meters.sealed.Add(float64(n))
	return links, n, err
}

// streamKept is how long the stream can be resumed; who was away longer reads the lists.
const streamKept = 48 * time.Hour

// housekeeping keeps the gauges that only the database knows, and forgets old stream events.
func (s *service) housekeeping(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := s.watch(ctx, n%900 == 0); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "housekeeping failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *service) watch(ctx context.Context, prune bool) error {
	ages, err := store.OldestPending(ctx, s.db.System)
	if err != nil {
		return err
	}
	for _, channel := range []string{routing.Email, routing.Webhook, routing.Push} {
		s.meters.oldestPending.WithLabelValues(channel).Set(ages[channel].Seconds())
	}
	if !prune {
		return nil
	}
	return s.db.SystemTx(ctx, func(tx pgx.Tx) error {
		if err := store.PruneDevices(ctx, tx); err != nil {
			return err
		}
		_, err := store.PruneStream(ctx, tx, moment().Add(-streamKept))
		return err
	})
}
