package risk

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func hospital(t testing.TB) *Hospital {
	t.Helper()
	h, err := ShippedHospital(table(t))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// of finds the score of a variant.
func of(t testing.TB, scores []Score, variant string) Score {
	t.Helper()
	i := slices.IndexFunc(scores, func(s Score) bool { return s.Variant == variant })
	if i < 0 {
		t.Fatalf("no variant %q", variant)
	}
	return scores[i]
}

// The vectors of the rule tables: haemoglobin, oncology, sodium, procedure, urgent, admissions in 12
// months, length of stay -> variants A and B.
func TestHospitalVectors(t *testing.T) {
	h := hospital(t)
	for _, v := range []struct {
		hb            float64
		oncology      bool
		na            float64
		procedures    int
		urgent        bool
		admitted, los int
		a, b          int
		bandA         string
	}{
		{12.0, false, 135, 0, false, 0, 4, 0, 0, "low"},
		{11.9, false, 134, 0, true, 1, 5, 7, 5, "high"},
		{13, false, 140, 1, true, 2, 3, 4, 4, "low"},
		{10, false, 130, 0, true, 5, 7, 7, 7, "high"},
		{11.9, true, 134, 1, true, 6, 5, 13, 13, "high"},
	} {
		t.Run(fmt.Sprint(v.hb, v.oncology, v.na, v.procedures, v.urgent, v.admitted, v.los), func(t *testing.T) {
			service := "MED"
			if v.oncology {
				service = "Hem/Onc"
			}
			scores := h.Scores(Admission{
				Haemoglobin: &v.hb, Sodium: &v.na, Service: service, Procedures: &v.procedures, Urgent: &v.urgent,
				Admissions: &v.admitted, LengthOfStay: &v.los, Diagnoses: []string{"R079"},
			})
			a, b := of(t, scores, "A"), of(t, scores, "B")
			if a.Min != v.a || a.Max != v.a || b.Min != v.b || b.Max != v.b || len(a.Missing)+len(b.Missing) > 0 {
				t.Errorf("A [%d,%d], B [%d,%d], want %d and %d: %v %v", a.Min, a.Max, b.Min, b.Max, v.a, v.b, a.Reasons, b.Reasons)
			}
			if a.Band() != v.bandA {
				t.Errorf("band %s, want %s", a.Band(), v.bandA)
			}
		})
	}
}

func TestTheVariantsCountEarlierAdmissionsApart(t *testing.T) {
	h := hospital(t)
	want := map[string][]int{ // points of 0, 1, 2, 5, 6 and 9 admissions
		"A": {0, 2, 2, 2, 5, 5}, "B": {0, 0, 2, 2, 5, 5}, "simplified": {0, 0, 2, 2, 5, 5},
	}
	for variant, points := range want {
		for i, n := range []int{0, 1, 2, 5, 6, 9} {
			base, more := of(t, h.Scores(Admission{Admissions: new(int)}), variant), of(t, h.Scores(Admission{Admissions: &n}), variant)
			if got := more.Min - base.Min; got != points[i] {
				t.Errorf("%s: %d admissions give %d, want %d", variant, n, got, points[i])
			}
		}
	}
}

func TestTheSimplifiedVariantAsksForCancerAndNotForProcedures(t *testing.T) {
	h := hospital(t)
	one := 1
	with := of(t, h.Scores(Admission{Diagnoses: []string{"I509", "C509"}, Procedures: &one, Service: "ONC"}), "simplified")
	without := of(t, h.Scores(Admission{Diagnoses: []string{"I509"}, Procedures: &one, Service: "ONC"}), "simplified")
	if with.Min-without.Min != 2 || with.Min != 2 {
		t.Errorf("%d with cancer, %d without: %v", with.Min, without.Min, with.Reasons)
	}
	if slices.Contains(with.Missing, "procedures") || slices.Contains(with.Missing, "service") {
		t.Errorf("it does not ask for %v", with.Missing)
	}
	if all := of(t, h.Scores(Admission{}), "simplified"); all.Min != 0 || all.Max != 12 {
		t.Errorf("its range is 0-12, not %d-%d", all.Min, all.Max)
	}
}

func TestWhatADTDoesNotCarryIsNamedAndWidensTheInterval(t *testing.T) {
	h := hospital(t)
	none, urgent, days := 0, true, 6
	s := of(t, h.Scores(Admission{Service: "MED", Procedures: &none, Urgent: &urgent, Admissions: &none, LengthOfStay: &days}), "A")
	if s.Min != 3 || s.Max != 5 {
		t.Errorf("[%d,%d], want [3,5]: %v", s.Min, s.Max, s.Reasons)
	}
	if diff := cmp.Diff([]string{"haemoglobin", "sodium"}, s.Missing); diff != "" {
		t.Error(diff)
	}
	all := of(t, h.Scores(Admission{}), "A")
	if all.Min != 0 || all.Max != 13 {
		t.Errorf("[%d,%d] with nothing known, want [0,13]", all.Min, all.Max)
	}
	want := []string{"haemoglobin", "service", "sodium", "procedures", "acuity", "admissions", "length-of-stay"}
	if diff := cmp.Diff(want, all.Missing); diff != "" {
		t.Error(diff)
	}
	if all.Name != "HOSPITAL" || !strings.Contains(all.Version, "@") {
		t.Errorf("%+v does not say what it is", all)
	}
}

func TestServicesThatAreOncology(t *testing.T) {
	h := hospital(t)
	for code, want := range map[string]int{"ONC": 2, "Hem-Onc": 2, "oncology": 2, "MED": 0, "CONCUSSION": 0} {
		if got := of(t, h.Scores(Admission{Service: code}), "A").Min; got != want {
			t.Errorf("%s gives %d, want %d", code, got, want)
		}
	}
}

func TestKnowingMoreOnlyNarrowsHospital(t *testing.T) {
	h := hospital(t)
	rapid.Check(t, func(t *rapid.T) {
		hb, na := rapid.Float64Range(5, 18).Draw(t, "hb"), rapid.Float64Range(110, 160).Draw(t, "na")
		procedures, admissions, los := rapid.IntRange(0, 3).Draw(t, "p"), rapid.IntRange(0, 9).Draw(t, "a"), rapid.IntRange(0, 30).Draw(t, "los")
		urgent := rapid.Bool().Draw(t, "urgent")
		full := Admission{
			Haemoglobin: &hb, Sodium: &na, Procedures: &procedures, Admissions: &admissions, LengthOfStay: &los, Urgent: &urgent,
			Service:   rapid.SampledFrom([]string{"ONC", "MED"}).Draw(t, "service"),
			Diagnoses: rapid.SampledFrom([][]string{{"C509"}, {"I509"}}).Draw(t, "dx"),
		}
		part := full
		for name, forget := range map[string]func(){
			"hb": func() { part.Haemoglobin = nil }, "na": func() { part.Sodium = nil }, "p": func() { part.Procedures = nil },
			"a": func() { part.Admissions = nil }, "los": func() { part.LengthOfStay = nil }, "urgent": func() { part.Urgent = nil },
			"service": func() { part.Service = "" }, "dx": func() { part.Diagnoses = nil },
		} {
			if rapid.Bool().Draw(t, "forget "+name) {
				forget()
			}
		}
		for i, s := range h.Scores(full) {
			p := h.Scores(part)[i]
			if s.Min != s.Max || p.Min > s.Min || p.Max < s.Max {
				t.Fatalf("%s: [%d,%d] of all, [%d,%d] of a part", s.Variant, s.Min, s.Max, p.Min, p.Max)
			}
			if (len(p.Missing) == 0) != (p.Min == p.Max) {
				t.Fatalf("%s: [%d,%d] with %v missing", s.Variant, p.Min, p.Max, p.Missing)
			}
		}
	})
}

func TestTablesThatMakeNoSenseAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key":   "version: x\ncancers: []",
		"unknown group": "cancer: [warts]",
		"no source":     "variants: [{id: A, bands: [{from: 0, name: low}]}]",
		"no band":       "variants: [{id: A, source: x}]",
		"steps":         "variants: [{id: A, source: x, bands: [{from: 0, name: low}], items: {stay: [{from: 5, points: 1}, {from: 2, points: 2}]}}]",
		"twice":         "variants: [{id: A, source: x, bands: [{from: 0, name: low}]}, {id: A, source: x, bands: [{from: 0, name: low}]}]",
	} {
		if _, err := ParseHospital([]byte(text), table(t)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func BenchmarkHospital(b *testing.B) {
	h := hospital(b)
	days, urgent, n := 5, true, 2
	in := Admission{Service: "MED", Urgent: &urgent, Admissions: &n, LengthOfStay: &days, Diagnoses: []string{"I509", "E119"}}
	b.ReportAllocs()
	for b.Loop() {
		h.Scores(in)
	}
}
