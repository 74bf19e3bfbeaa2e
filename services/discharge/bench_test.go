package discharge

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// BenchmarkHear measures what a message costs this service, PostgreSQL's own work
// excluded from the allocations but not from the time: batches of 250 facts, of which
// a fifth are discharges, as the load of `make bench` has it.
func BenchmarkHear(b *testing.B) {
	h := newHospital(b)
	h.s.clock = time.Now
	now := time.Now().UTC()
	const stays = 50
	round := 0
	b.ReportAllocs()
	for b.Loop() {
		round++
		b.StopTimer()
		var batch []events.Event
		add := func(f events.Fact) {
			e := h.event(f)
			e.Received = now
			batch = append(batch, e)
		}
		for i := range stays {
			n := round*stays + i
			in := stay(n, "inpatient", "in-progress", func(s *events.Encounter) { s.Diagnoses = []string{"I509", "E119"} })
			out := in
			out.State, out.Disposition, out.DischargedAt = "finished", "01", &now
			add(admitted(in))
			add(events.EncounterTransferred{About: about(in)})
			add(updated(in))
			add(updated(in))
			add(discharged(out))
		}
		b.StartTimer()
		err := h.out.SystemTx(context.Background(), func(tx pgx.Tx) error { return h.s.hear(context.Background(), tx, batch) })
		if err != nil {
			b.Fatal(fmt.Errorf("round %d: %w", round, err))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(round*stays*5), "us/message")
}
