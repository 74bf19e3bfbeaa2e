package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/readmission"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// An outlook is written as its fields' tags say, whichever of its parts are there, and read again.
func TestAnOutlookIsWrittenAsItsTagsSay(t *testing.T) {
	at := time.Date(2026, 11, 22, 14, 2, 3, 4000, time.UTC)
	whole := outlook{
		Risks:   []events.Risk{{Score: "HOSPITAL", Variant: "A", Max: 7, Missing: []string{"sodium"}, Reasons: []string{`O 0: "MED" & others`}}, {Score: "LACE"}},
		Flags:   []events.Flag{{Code: "frequent", Rules: []string{"x@1"}}, {Code: "recent"}},
		Returns: []events.Readmission{{ID: events.NewID(), State: "detected", Arrival: events.Arrival{ArrivedAt: &at}}},
		Before:  []readmission.Before{{}, {}},
	}
	var w writer // one for all of them, as in a batch
	for parts := range 16 {
		o := whole
		if parts&1 == 0 {
			o.Risks = nil
		}
		if parts&2 == 0 {
			o.Flags = nil
		}
		if parts&4 == 0 {
			o.Returns = nil
		}
		if parts&8 == 0 {
			o.Before = nil
		}
		var of transition.Transition
		of.Risks, of.PatientFlags, of.Returns, of.Before = o.Risks, o.Flags, o.Returns, o.Before
		text, err := w.outlook(&of)
		if err != nil {
			t.Fatal(err)
		}
		if parts == 0 {
			if text != nil {
				t.Fatalf("of nothing: %s", *text)
			}
			continue
		}
		want, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), *text); diff != "" {
			t.Fatal(diff)
		}
		var back transition.Transition
		if err := readOutlook(text, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(of, back); diff != "" {
			t.Fatal(diff)
		}
	}
}
