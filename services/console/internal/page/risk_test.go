package page

import "testing"

func TestAScoreIsToldInPointsAndWords(t *testing.T) {
	for reason, want := range map[string]string{
		"L 4: a stay of 5 days":                                    "4 points: a stay of 5 days",
		"C 1: comorbidity sum 1 (previous-infarction)":             "1 point: other illnesses (previous infarction)",
		"C 5: comorbidity sum 6 (mild-a-or-b, dementia)":           "5 points: other illnesses (mild a or b, dementia)",
		"C 0: no comorbidity that counts among 2 coded diagnoses":  "0 points: no other illness that counts, with 2 diagnoses",
		"C 0: no comorbidity that counts among 1 coded diagnosis":  "0 points: no other illness that counts, with 1 diagnosis",
		"E 0-4: earlier emergency visits are not known":            "0 to 4 points: earlier emergency visits are not known",
		"Whatever an organization's own score says about somebody": "Whatever an organization's own score says about somebody",
	} {
		if got := scored(t.Context(), reason); got != want {
			t.Errorf("%q is said as %q, want %q", reason, got, want)
		}
	}
	if got := unknowns(t.Context(), []string{"ed-visits", "shoe-size"}); got != "earlier emergency visits, shoe size" {
		t.Errorf("not known: %q", got)
	}
}
