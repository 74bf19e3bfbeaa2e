package risk

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func table(t testing.TB) *Comorbidities {
	t.Helper()
	c, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// codesFor are diagnoses whose comorbidity sum is as asked, so that the vectors
// run through the table and not around it.
var codesFor = map[int][]string{
	0:  {"R079"},
	2:  {"I509"},
	3:  {"G309"},
	4:  {"B20"},
	5:  {"G309", "J449"},
	12: {"C787", "N186", "I509"},
}

func TestVectors(t *testing.T) {
	for _, v := range []struct{ los, acute, c, ed, want int }{
		{0, 0, 0, 0, 0}, {1, 1, 0, 0, 4}, {2, 0, 0, 0, 2}, {3, 1, 3, 0, 9}, {4, 0, 4, 4, 13}, {5, 1, 5, 2, 14},
		{6, 1, 4, 1, 13}, {7, 1, 2, 3, 13}, {13, 1, 3, 4, 15}, {14, 1, 4, 4, 19}, {30, 1, 12, 9, 19},
	} {
		t.Run(fmt.Sprint(v.los, v.acute, v.c, v.ed), func(t *testing.T) {
			c := table(t)
			codes := codesFor[v.c]
			if sum, groups := c.Sum(codes); sum != v.c {
				t.Fatalf("the sum of %v is %d %v, want %d", codes, sum, groups, v.c)
			}
			acute := v.acute == 1
			s := c.LACE(Inputs{LengthOfStay: &v.los, Acute: &acute, Diagnoses: codes, EDVisits: &v.ed})
			if s.Min != v.want || s.Max != v.want || len(s.Missing) != 0 {
				t.Errorf("[%d,%d] missing %v, want exactly %d: %v", s.Min, s.Max, s.Missing, v.want, s.Reasons)
			}
		})
	}
}

func TestWeightsAreLACEsOwn(t *testing.T) {
	for _, c := range []struct {
		name   string
		codes  []string
		points int
	}{
		{"previous MI", []string{"I252"}, 1},
		{"stroke", []string{"I639"}, 1},
		{"peripheral vascular", []string{"I739"}, 1},
		{"diabetes alone", []string{"E119"}, 1},
		{"heart failure", []string{"I5022"}, 2},
		{"diabetes with retinopathy", []string{"E11319"}, 2},
		{"COPD", []string{"J449"}, 2},
		{"mild renal", []string{"N182"}, 2},
		{"mild liver", []string{"K7030"}, 2},
		{"lymphoma", []string{"C8330"}, 2},
		{"dementia", []string{"F0390"}, 3},
		{"lupus", []string{"M329"}, 3},
		{"AIDS", []string{"B20"}, 4},
		{"end-stage renal", []string{"N186"}, 4},
		{"metastases", []string{"C7951"}, 6},
		{"diabetes with and without complications is one diabetes", []string{"E119", "E1122"}, 2},
		{"mild and severe renal is one disease", []string{"N182", "Z992"}, 4},
		{"a tumour and its metastases", []string{"C509", "C787"}, 6},
		{"nothing that counts", []string{"R079", "I10", "Z0000"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, groups := table(t).Sum(c.codes); got != c.points {
				t.Errorf("sum %d %v, want %d", got, groups, c.points)
			}
		})
	}
}

func TestUnknownInputsWidenTheIntervalAndAreNamed(t *testing.T) {
	c := table(t)
	s := c.LACE(Inputs{})
	if s.Min != 0 || s.Max != 19 {
		t.Errorf("[%d,%d] with nothing known, want [0,19]", s.Min, s.Max)
	}
	want := []string{"length-of-stay", "acuity", "diagnoses", "ed-visits"}
	if diff := cmp.Diff(want, s.Missing); diff != "" {
		t.Error(diff)
	}
	days := 5
	s = c.LACE(Inputs{LengthOfStay: &days, Diagnoses: []string{"84114007"}})
	if s.Min != 4 || s.Max != 16 || !contains(s.Missing, "diagnoses") {
		t.Errorf("[%d,%d] missing %v: a SNOMED code says nothing to this table", s.Min, s.Max, s.Missing)
	}
	if s.Variant == "" || !strings.Contains(s.Version, "@") {
		t.Errorf("variant %q, version %q: both are part of a score", s.Variant, s.Version)
	}
}

func TestKnowingMoreOnlyNarrowsTheInterval(t *testing.T) {
	c := table(t)
	codes := []string{"I509", "E119", "J449", "R079", "C787", "F0390"}
	rapid.Check(t, func(t *rapid.T) {
		los, acute, ed := rapid.IntRange(0, 40).Draw(t, "los"), rapid.Bool().Draw(t, "acute"), rapid.IntRange(0, 9).Draw(t, "ed")
		dx := rapid.SliceOfN(rapid.SampledFrom(codes), 1, 4).Draw(t, "dx")
		full := c.LACE(Inputs{&los, &acute, dx, &ed})
		if full.Min != full.Max || full.Max > 19 {
			t.Fatalf("[%d,%d] with everything known", full.Min, full.Max)
		}
		var some Inputs
		if rapid.Bool().Draw(t, "knows los") {
			some.LengthOfStay = &los
		}
		if rapid.Bool().Draw(t, "knows acuity") {
			some.Acute = &acute
		}
		if rapid.Bool().Draw(t, "knows dx") {
			some.Diagnoses = dx
		}
		if part := c.LACE(some); part.Min > full.Min || part.Max < full.Max {
			t.Fatalf("[%d,%d] does not hold %d", part.Min, part.Max, full.Min)
		}
	})
}

func TestBandsAreThoseOfWhatIsCertain(t *testing.T) {
	for score, want := range map[int]string{0: "low", 4: "low", 5: "moderate", 9: "moderate", 10: "high", 19: "high"} {
		if got := (Score{Min: score, Max: 19}).Band(); got != want {
			t.Errorf("%d is %s, want %s", score, got, want)
		}
	}
}

func BenchmarkLACE(b *testing.B) {
	c := table(b)
	days, acute, ed := 5, true, 2
	in := Inputs{&days, &acute, []string{"I509", "E119", "J449", "R079"}, &ed}
	b.ReportAllocs()
	for b.Loop() {
		c.LACE(in)
	}
}
