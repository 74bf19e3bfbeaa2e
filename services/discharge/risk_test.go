package discharge

import (
	"slices"
	"testing"

	"github.com/handoff-care/handoff/pkg/events"
)

func TestTheScoresOfATransitionAreKeptAndShown(t *testing.T) {
	h := newHospital(t)
	two, none := 2, 0
	s := stay(1, "inpatient", "finished", func(s *events.Encounter) {
		s.AdmitType, s.Service, s.PriorAdmissions12m, s.Procedures, s.Diagnoses = "urgent", "ONC", &two, &none, []string{"C509"}
	})
	h.hear(discharged(s))
	shown := h.must("ada:auditor", "GET", "/transitions?encounter="+s.ID.String(), nil).items()[0]
	if lace := shown["risk"].(map[string]any); lace["score"] != "LACE" {
		t.Errorf("risk %v", lace)
	}
	var variants []string
	for _, r := range shown["risks"].([]any) {
		score := r.(map[string]any)
		variants = append(variants, score["variant"].(string))
		if score["score"] != "HOSPITAL" || score["version"] == "" || score["min"].(float64) != 7 || score["max"].(float64) != 9 {
			t.Errorf("%v", score)
		}
		if missing := score["missing"].([]any); !slices.Contains(missing, any("haemoglobin")) || !slices.Contains(missing, any("sodium")) {
			t.Errorf("missing %v", missing)
		}
	}
	if !slices.Equal(variants, []string{"A", "B", "simplified"}) {
		t.Errorf("variants %v", variants)
	}
	h.hear(updated(s))
	if again := h.must("ada:auditor", "GET", "/transitions?encounter="+s.ID.String(), nil).items()[0]; again["version"] != shown["version"] {
		t.Errorf("the same stay again made version %v of %v", again["version"], shown["version"])
	}
}
