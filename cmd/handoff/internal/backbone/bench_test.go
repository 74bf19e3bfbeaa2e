package backbone

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
)

// BenchmarkFactToHandled commits facts in transactions of 64 and waits until all are handled.
func BenchmarkFactToHandled(b *testing.B) {
	w := newBench(b)
	fact := events.EncounterUpdated{About: events.About{Encounter: events.Encounter{
		Facility: "MERCY", Zone: "America/Chicago", Unit: "3WEST", Class: "inpatient", State: "in-progress",
		Diagnoses: []string{"I509", "E119"}, Payer: "medicare", Sex: "F", ZIP3: "606"}}}
	stays := keys(1000)
	b.ResetTimer()
	for n := 0; n < b.N; {
		list := make([]events.Event, 0, 64)
		for ; len(list) < 64 && n < b.N; n++ {
			fact.Encounter.ID = stays[n%len(stays)]
			list = append(list, events.Event{Org: org, Occurred: time.Now(), Received: time.Now(), Fact: fact})
		}
		if err := w.alpha.Outbox.Tx(b.Context(), org, func(tx pgx.Tx) error { return w.alpha.Outbox.Announce(b.Context(), tx, list...) }); err != nil {
			b.Fatal(err)
		}
	}
	w.awaitCount(b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func (b *bench) counts() []bus.Subscription {
	return []bus.Subscription{{Stream: "alpha", Types: []events.Fact{events.EncounterUpdated{}}, Handle: func(_ context.Context, _ pgx.Tx, batch []events.Event) error {
		b.counted.Add(int64(len(batch)))
		select {
		case b.counting <- struct{}{}:
		default: // somebody has yet to look
		}
		return nil
	}}}
}

func (b *bench) awaitCount(n int) {
	late := time.After(time.Minute)
	for b.counted.Load() < int64(n) {
		select {
		case <-b.counting:
		case <-late:
			b.t.Fatalf("handled %d of %d", b.counted.Load(), n)
		}
	}
	if got := b.counted.Load(); got != int64(n) {
		b.t.Fatalf("handled %d of %d", got, n)
	}
}
