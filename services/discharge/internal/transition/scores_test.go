package transition

import (
	"slices"
	"testing"

	"github.com/handoff-care/handoff/pkg/events"
)

func TestAFinishedStayIsScoredInEveryVariant(t *testing.T) {
	w := &world{rules: shippedRules(t)}
	one, none := 1, 0
	s := stay("inpatient", "finished", diagnoses("I509"), func(s *events.Encounter) {
		s.AdmitType, s.Service, s.PriorAdmissions12m, s.Procedures = "emergency", "MED", &one, &none
	})
	w.see(t, s)
	if w.cur.Risk == nil || w.cur.Risk.Score != "LACE" || w.cur.Risk.Version == "" {
		t.Fatalf("LACE: %+v", w.cur.Risk)
	}
	want := map[string][2]int{"A": {5, 7}, "B": {3, 5}, "simplified": {3, 5}}
	for _, r := range w.cur.Risks {
		if r.Score != "HOSPITAL" || r.Version == "" || [2]int{r.Min, r.Max} != want[r.Variant] {
			t.Errorf("%s %s: [%d,%d], want %v: %v", r.Score, r.Variant, r.Min, r.Max, want[r.Variant], r.Reasons)
		}
		if !slices.Contains(r.Missing, "haemoglobin") || !slices.Contains(r.Missing, "sodium") {
			t.Errorf("%s does not say what ADT cannot tell: %v", r.Variant, r.Missing)
		}
	}
	if len(w.cur.Risks) != 3 {
		t.Errorf("%d scores", len(w.cur.Risks))
	}
}

func TestAScoreIsComputedAgainWhenAnInputChanges(t *testing.T) {
	w := &world{rules: shippedRules(t)}
	s := stay("inpatient", "finished")
	w.see(t, s)
	version := w.cur.Version
	six := 6
	s.PriorAdmissions12m, s.FoldVersion = &six, s.FoldVersion+1
	c := w.see(t, s)
	if w.cur.Version != version+1 || w.cur.Risks[0].Min != 7 || c.Previous["risks"] == "" {
		t.Errorf("version %d, %+v, previous %v", w.cur.Version, w.cur.Risks[0], c.Previous)
	}
	if c := w.see(t, s); !c.Empty() {
		t.Errorf("the same again changed %v", c.Facts)
	}
}

func TestAnEmergencyVisitHasNoScore(t *testing.T) {
	w := &world{rules: shippedRules(t)}
	w.see(t, stay("emergency", "finished", disposition("07")))
	if w.cur.Risk != nil || len(w.cur.Risks) > 0 {
		t.Errorf("%+v %+v", w.cur.Risk, w.cur.Risks)
	}
}
