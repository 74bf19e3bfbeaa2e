package stays

import (
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
)

func TestMessagesSayWhatTheirStepSays(t *testing.T) {
	base := time.Date(2026, 3, 2, 10, 0, 0, 0, time.FixedZone("", -5*3600))
	seen := map[string]bool{}
	for i := range Shapes {
		s := NewStay(&Shapes[i], "FAC", "T", i, base)
		for n, m := range s.Messages() {
			parsed, err := hl7.Parse(m.Body)
			if err != nil {
				t.Fatalf("%s: %v", s.Shape.Name, err)
			}
			if seen[m.ControlID] {
				t.Fatalf("control id %s twice", m.ControlID)
			}
			seen[m.ControlID] = true
			step := s.Shape.Steps[n]
			for path, want := range map[string]string{
				"MSH-4": "FAC", "MSH-9.2": step.Trigger, "MSH-10": m.ControlID, "PID-3.1": s.Person.MRN, "PV1-19.1": s.Visit,
				"PV1-36": step.Disposition, "EVN-2": base.Add(step.After).Format("20060102150405-0700"),
			} {
				if got := parsed.Get(path).String(); got != want {
					t.Errorf("%s, step %d: %s is %q, want %q\n%q", s.Shape.Name, n+1, path, got, want, m.Body)
				}
			}
			if ends := step.Trigger == "A03" || step.Discharged != 0; (parsed.Get("PV1-45").String() != "") != ends {
				t.Errorf("%s, step %d: PV1-45 is %q", s.Shape.Name, n+1, parsed.Get("PV1-45").String())
			}
		}
	}
}
