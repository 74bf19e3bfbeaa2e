package admission

import (
	"fmt"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// BenchmarkDecide is what a batch costs without its tables: forty stays of five messages, read and decided.
func BenchmarkDecide(b *testing.B) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		b.Fatal(err)
	}
	org := events.Derive("org")
	fac := &adt.Facility{ID: events.Derive("facility"), Org: org, Code: "GENERAL", Zone: "America/Chicago", Location: chicago}
	feed := &adt.Feed{ID: events.Derive("feed"), Org: org, Name: "general", Facilities: []*adt.Facility{fac}}
	var batch []*adt.Inbound
	for i, raw := range load(0, 40) {
		in := adt.Again(events.Derive("message", fmt.Sprint(i)), feed, fac, raw, "", time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC))
		if in.Message, err = hl7.Parse(raw); err != nil {
			b.Fatal(err)
		}
		batch = append(batch, in)
	}
	b.ReportAllocs()
	for b.Loop() {
		w := newWork(&store.Loaded{Patients: map[events.ID]*store.Patient{}, Encounters: map[events.ID]*store.Encounter{}}, nil)
		for _, it := range translate(batch) {
			w.decide(it)
		}
		if len(w.changes.Encounters) != 40 || len(w.announce) < 160 {
			b.Fatal(len(w.changes.Encounters), len(w.announce))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch)), "ns/message")
}
