package notification

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
)

// BenchmarkOpenings raises alerts for batches of openings as they come under load, from the handler's
// first statement to its commit; µs/opening is what one of them takes.
func BenchmarkOpenings(b *testing.B) {
	for _, size := range []int{1, 10, 100, 500} {
		b.Run(fmt.Sprint("batch ", size), func(b *testing.B) {
			db := pgtest.DB(b, Name, migrations()...)
			s, err := build(b.Context(), run.Env{Config: run.Config{Dev: true}, DB: db, Outbox: outbox.New(db, Name),
				Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), URL: "http://console.test"})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.demo(b.Context()); err != nil {
				b.Fatal(err)
			}
			org := events.Derive("org", "demo")
			for n := 0; b.Loop(); {
				b.StopTimer()
				batch := make([]events.Event, size)
				for i := range batch {
					n++
					now := time.Now().UTC()
					batch[i] = events.Event{ID: events.NewID(), Org: org, Occurred: now, Received: now, Fact: opened(stay(fmt.Sprint(n)))}
				}
				b.StartTimer()
				if err := db.SystemTx(b.Context(), func(tx pgx.Tx) error { return s.hear(b.Context(), tx, batch) }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "µs/opening")
		})
	}
}
