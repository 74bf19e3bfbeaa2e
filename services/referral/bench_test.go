package referral

import (
	"testing"

	"github.com/handoff-care/handoff/pkg/events"
)

// batchSize is how many facts a benchmark hands over at once: about what the bus fetches under load.
const batchSize = 200

// BenchmarkStaysThatNeedACaregiver drafts one referral from the demonstration directory per operation.
func BenchmarkStaysThatNeedACaregiver(b *testing.B) {
	benchmark(b, func(w *world, facts []events.Fact) { w.discharge(facts...) },
		func() events.Fact { return goingTo("snf").opened() })
}

// BenchmarkStaysThatNeedNone hears of one discharge home per operation.
func BenchmarkStaysThatNeedNone(b *testing.B) {
	benchmark(b, func(w *world, facts []events.Fact) { w.discharge(facts...) },
		func() events.Fact { return goingTo().opened() })
}

// BenchmarkAdmissionsElsewhere hears of one admission at a facility of no provider per operation.
func BenchmarkAdmissionsElsewhere(b *testing.B) {
	benchmark(b, func(w *world, facts []events.Fact) { w.admission(facts...) },
		func() events.Fact { return admission(admitted(events.NewID(), "MERCY", noon)) })
}

func benchmark(b *testing.B, hear func(*world, []events.Fact), fact func() events.Fact) {
	w := newWorld(b)
	for b.Loop() {
		b.StopTimer()
		facts := make([]events.Fact, batchSize)
		for i := range facts {
			facts[i] = fact()
		}
		b.StartTimer()
		hear(w, facts)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*batchSize), "µs/fact")
}
