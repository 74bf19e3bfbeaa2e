package linkage

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/phi"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/linkage/population"
)

// patient is a record of values as hospitals send them: name, birth, sex, street, zip, phone, ssn and
// "order", in "key=value" words separated by semicolons.
func patient(t testing.TB, text string) Profile {
	t.Helper()
	var r identity.Record
	var n identity.PersonName
	var a identity.PostalAddress
	for _, w := range strings.Split(text, ";") {
		key, v, ok := strings.Cut(strings.TrimSpace(w), "=")
		switch key {
		case "name":
			parts := strings.Split(v+"^^^", "^")
			n = identity.PersonName{Family: parts[0], Given: parts[1], Middle: parts[2], Suffix: parts[3]}
		case "birth":
			r.Values[identity.Birth] = phi.Of(v)
		case "sex":
			r.Values[identity.Sex] = phi.Of(v)
		case "street":
			a.Street = v
		case "zip":
			a.Zip = v
		case "phone":
			r.Values[identity.Phones] = identity.Encode([]identity.Telecom{{Number: v}})
		case "ssn":
			r.Values[identity.SSN4] = phi.Of(v)
		case "card":
			r.Values[identity.Medicare] = phi.Of(v)
		case "order":
			r.Values[identity.Multiple] = phi.Of("Y " + v)
		default:
			t.Fatalf("%q %v", w, ok)
		}
	}
	r.Values[identity.Name] = identity.Encode(n)
	if a != (identity.PostalAddress{}) {
		r.Values[identity.Address] = identity.Encode([]identity.PostalAddress{a})
	}
	return Read(&r)
}

// city is the statistics of an organization in which these values are common.
func city() *Stats {
	s := &Stats{Patients: 100_000, Counts: map[Term]int{}}
	for name, n := range map[string]int{"smith": 900, "garcia": 500, "williams": 700} {
		s.Counts[Term{FamilyTerm, name}] = n
	}
	for name, n := range map[string]int{"19500101": 60, "19500102": 9, "19440511": 4} {
		s.Counts[Term{BirthTerm, name}] = n
	}
	for name, n := range map[string]int{"maria": 800, "john": 1500, "james": 1600, "robert": 1400, "jayden": 200, "kayden": 150, "anna": 300, "diane": 200, "diana": 150} {
		s.Counts[Term{GivenTerm, name}], s.Counts[Term{RootTerm, name}] = n, 2*n
	}
	return s
}

const margaret = "name=Okonkwo^Margaret^Rose; birth=1944-05-11; sex=F; street=1482 Walnut Street; zip=62701; phone=(217)222-3434; ssn=a1"

func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		why  string
		a, b string
		want Verdict
	}{
		{"the same twice", margaret, margaret, Link},
		{"a nickname and an initial", margaret, "name=OKONKWO^Peggy^R; birth=1944-05-11; sex=F; street=1482 Walnut St Apt 3; zip=62701-2210; phone=2172223434", Link},
		{"day and month swapped", margaret, "name=Okonkwo^Margaret; birth=1944-11-05; sex=F; street=1482 Walnut St; zip=62701", Link},
		{"one digit of the birth date", margaret, "name=Okonkwo^Margaret; birth=1944-05-17; sex=F; phone=2172223434", Link},
		{"names swapped", margaret, "name=Margaret^Okonkwo; birth=1944-05-11; sex=F; zip=62701", Link},
		{"married, and moved", margaret, "name=Fitzwilliam^Margaret^R; birth=1944-05-11; sex=F; street=9 Elm Rd; zip=60601; phone=2172223434; ssn=a1", Link},
		{"mistyped, with accents and a hyphen", "name=Núñez-Ibarra^José; birth=1980-02-03; sex=M; zip=62701; ssn=b", "name=Nunez^Jose; birth=1980-02-03; sex=M; zip=62701; ssn=b", Link},

		{"a stranger of the same common name", "name=Smith^John; birth=1950-01-02; sex=M; street=1 Oak St; zip=62701", "name=Smith^John; birth=1961-07-09; sex=M; street=88 Elm St; zip=62999", Ignore},
		{"husband and wife", "name=Okonkwo^Margaret; birth=1944-05-11; sex=F; street=1482 Walnut Street; zip=62701; phone=2172223434", "name=Okonkwo^Samuel; birth=1941-09-30; sex=M; street=1482 Walnut Street; zip=62701; phone=2172223434", Ignore},
		{"twins, called unlike", "name=Okonkwo^Ada; birth=2019-05-11; sex=F; street=1482 Walnut Street; zip=62701; phone=2172223434", "name=Okonkwo^Chidi; birth=2019-05-11; sex=M; street=1482 Walnut Street; zip=62701; phone=2172223434", Ignore},
		{"twins of one sex, called unlike", "name=Okonkwo^Ada; birth=2019-05-11; sex=F; street=1482 Walnut Street; zip=62701", "name=Okonkwo^Ngozi; birth=2019-05-11; sex=F; street=1482 Walnut Street; zip=62701", Ignore},
		{"newborn twins without names", "name=Okonkwo^Baby Boy A; birth=2026-01-11; sex=M; zip=62701; phone=2172223434", "name=Okonkwo^Baby Boy B; birth=2026-01-11; sex=M; zip=62701; phone=2172223434", Ignore},
		{"newborn twins told apart by birth order", "name=Okonkwo^Babyboy; birth=2026-01-11; sex=M; phone=2172223434; order=1", "name=Okonkwo^Babyboy; birth=2026-01-11; sex=M; phone=2172223434; order=2", Ignore},
		{"mother and newborn", margaret, "name=Okonkwo^BABYGIRL MARGARET; birth=2026-01-11; sex=F; street=1482 Walnut Street; zip=62701; phone=2172223434", Ignore},
		{"father and son", "name=Okonkwo^Samuel^^Sr; birth=1941-09-30; sex=M; street=1482 Walnut Street; zip=62701; phone=2172223434", "name=Okonkwo^Samuel^^Jr; birth=1971-03-02; sex=M; street=1482 Walnut Street; zip=62701; phone=2172223434", Ignore},
		{"father and son, whose suffix nobody wrote", "name=Okonkwo^Samuel; birth=1941-09-30; sex=M; street=1482 Walnut Street; zip=62701; phone=2172223434", "name=Okonkwo^Samuel; birth=1971-03-02; sex=M; street=1482 Walnut Street; zip=62701; phone=2172223434", Ignore},
		{"nothing but a birth date", "birth=1944-05-11", "birth=1944-05-11", Ignore},
		{"John Doe twice", "name=Doe^John; sex=M", "name=Doe^John; sex=M", Ignore},
	} {
		a, b := patient(t, tt.a), patient(t, tt.b)
		if got := Shipped().Score(&a, &b, city()); got.Verdict != tt.want {
			t.Errorf("%s: %s at %.1f, not %s (veto %q, hold %q, %v)", tt.why, got.Verdict, got.Score, tt.want, got.Veto, got.Hold, got.Weights)
		}
	}
}

func TestNeverLinkedWithoutALook(t *testing.T) {
	for why, pair := range map[string][2]string{
		"twins called almost alike":     {"name=Okonkwo^Jayden; birth=2019-05-11; sex=M; street=1482 Walnut Street; zip=62701; phone=2172223434", "name=Okonkwo^Kayden; birth=2019-05-11; sex=M; street=1482 Walnut Street; zip=62701; phone=2172223434"},
		"twins called by two variants":  {"name=Okonkwo^Diane; birth=2019-05-11; sex=F; street=1482 Walnut Street; zip=62701", "name=Okonkwo^Diana; birth=2019-05-11; sex=F; street=1482 Walnut Street; zip=62701"},
		"one of a multiple birth":       {"name=Okonkwo^Bob; birth=2019-05-11; sex=M; street=1482 Walnut Street; zip=62701; order=1", "name=Okonkwo^Robert; birth=2019-05-11; sex=M; street=1482 Walnut Street; zip=62701"},
		"a newborn and a named child":   {"name=Okonkwo^Baby Boy; birth=2026-01-11; sex=M; street=1482 Walnut Street; zip=62701; phone=2172223434", "name=Okonkwo^Obi; birth=2026-01-11; sex=M; street=1482 Walnut Street; zip=62701; phone=2172223434"},
		"each with a Medicare number":   {"name=Okonkwo^Margaret^Rose; birth=1944-05-11; sex=F; street=1482 Walnut Street; zip=62701; phone=2172223434; card=1", "name=Okonkwo^Margaret^Rose; birth=1944-05-11; sex=F; street=1482 Walnut Street; zip=62701; phone=2172223434; card=2"},
		"no birth date on one side":     {margaret, "name=Okonkwo^Margaret^Rose; sex=F; street=1482 Walnut Street; zip=62701; phone=2172223434"},
		"a common name and a birthday":  {"name=Smith^John; birth=1950-01-01; sex=M; street=1 Oak St; zip=62701; phone=2172223434", "name=Smith^John; birth=1950-01-01; sex=M; street=88 Elm St; zip=62999; phone=2173334444"},
		"a shelter's address and phone": {"name=Smith^John; birth=1950-01-02; sex=M; street=1 Shelter St; zip=62701; phone=2172223434", "name=Smith^James; birth=1950-11-22; sex=M; street=1 Shelter St; zip=62701; phone=2172223434"},
	} {
		a, b := patient(t, pair[0]), patient(t, pair[1])
		if got := Shipped().Score(&a, &b, city()); got.Verdict == Link {
			t.Errorf("%s: linked at %.1f (%v)", why, got.Score, got.Weights)
		}
	}
}

func TestWhoOnlySharesANumber(t *testing.T) {
	for _, tt := range []struct {
		why  string
		a, b string
		want bool
	}{
		{"a newborn under its mother's number", margaret, "name=Okonkwo^Baby Girl; birth=2026-01-11; sex=F", true},
		{"husband and wife", "name=Okonkwo^Margaret; birth=1944-05-11; sex=F", "name=Okonkwo^Samuel; birth=1941-09-30; sex=M", true},
		{"twins under one number", "name=Okonkwo^Ada; birth=2019-05-11; sex=F", "name=Okonkwo^Chidi; birth=2019-05-11; sex=M", true},
		{"a name changed", margaret, "name=Fitzwilliam^Peggy; birth=1944-05-11; sex=F", false},
		{"another given name on one day", margaret, "name=Okonkwo^Rosamund; birth=1944-05-11; sex=F", false},
		{"a birth date mistyped badly", margaret, "name=Okonkwo^Margaret; birth=1914-12-30; sex=F", false},
		{"nothing else known", margaret, "name=Okonkwo^M", false},
		{"nothing known at all", "sex=M", "sex=F", false},
	} {
		a, b := patient(t, tt.a), patient(t, tt.b)
		if got := Contradicts(&a, &b); got != tt.want || got != Contradicts(&b, &a) {
			t.Errorf("%s: %v", tt.why, got)
		}
	}
}

func TestCommonValuesWeighLess(t *testing.T) {
	s := city()
	s.Counts[Term{PhoneTerm, "2172223434"}] = 400
	weight := func(f Field, level Level, term Term) float64 {
		c := Shipped().bits(f, agreement{level, term}, s)
		return c[OnePerson] - c[Strangers]
	}
	for _, tt := range []struct {
		f            Field
		level        Level
		rare, common Term
	}{
		{Family, Exact, Term{FamilyTerm, "szczepanski"}, Term{FamilyTerm, "smith"}},
		{Given, Exact, Term{GivenTerm, "zbigniew"}, Term{GivenTerm, "john"}},
		{Phone, Same, Term{PhoneTerm, "2172223435"}, Term{PhoneTerm, "2172223434"}},
	} {
		if r, c := weight(tt.f, tt.level, tt.rare), weight(tt.f, tt.level, tt.common); r < c+2 {
			t.Errorf("%s: %.1f bits for a rare value, %.1f for a common one", tt.f, r, c)
		}
	}
}

// TestScoreIsItsExplanation: symmetric, the sum of its parts, and the same after being stored.
func TestScoreIsItsExplanation(t *testing.T) {
	p := population.Make(population.Options{Records: 400, Seed: 3, Mess: 3})
	stats := &Stats{Counts: map[Term]int{}}
	profiles := make([]Profile, len(p.Records))
	for i := range p.Records {
		profiles[i] = Read(&p.Records[i])
		stats.Patients++
		for _, term := range profiles[i].Terms() {
			stats.Counts[term]++
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		i, j := rapid.IntRange(0, len(profiles)-1).Draw(t, "a"), rapid.IntRange(0, len(profiles)-1).Draw(t, "b")
		a, b := profiles[i], Decode(profiles[j].Encode())
		if diff := cmp.Diff(profiles[j].Encode(), b.Encode()); diff != "" {
			t.Fatalf("stored and read: %s", diff)
		}
		e, back := Shipped().Score(&a, &b, stats), Shipped().Score(&b, &a, stats)
		if math.Abs(e.Score-back.Score) > 1e-9 || e.Verdict != back.Verdict || e.Veto != back.Veto || e.Hold != back.Hold {
			t.Fatalf("%.6f %s one way, %.6f %s the other", e.Score, e.Verdict, back.Score, back.Verdict)
		}
		sum := e.Prior + e.Rest
		for _, w := range e.Weights {
			if w.Level == Missing && w.Bits != 0 {
				t.Fatalf("%s is missing and weighs %f", w.Field, w.Bits)
			}
			sum += w.Bits
		}
		if math.Abs(sum-e.Score) > 1e-9 || e.Rest > 0 {
			t.Fatalf("the parts of %f sum to %f; rest %f", e.Score, sum, e.Rest)
		}
		if e.Verdict == Link && (e.Veto != "" || e.Hold != "" || e.Score < Shipped().Link) {
			t.Fatalf("linked at %f against veto %q or hold %q", e.Score, e.Veto, e.Hold)
		}
	})
}

// TestTruth is BenchmarkTruth, small enough to be run always.
func TestTruth(t *testing.T) {
	p := population.Make(population.Options{Records: 4000, Seed: 11})
	r := measure(p, Shipped(), 0)
	precision, recall := float64(r.closedRight)/float64(r.closed), float64(r.closedRight)/float64(p.Pairs())
	if precision < 0.999 || recall < 0.96 {
		t.Errorf("precision %.4f, recall %.4f", precision, recall)
	}
	if found := float64(r.found) / float64(p.Pairs()); found < 0.99 {
		t.Errorf("only %.4f of the true pairs share a key", found)
	}
	if r.compared > 3*p.Pairs() {
		t.Errorf("%d pairs compared for %d true ones", r.compared, p.Pairs())
	}
}

func TestProfilesDoNotPrint(t *testing.T) {
	p := patient(t, margaret)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, p); s != "[phi]" {
			t.Errorf("%s prints %s", verb, s)
		}
		if s := fmt.Sprintf(verb, &p); strings.Contains(strings.ToLower(s), "okonkwo") {
			t.Errorf("%s of a pointer prints %s", verb, s)
		}
	}
}

func TestKeysStayWithinTheirScope(t *testing.T) {
	p := patient(t, margaret)
	d := NewDigester([]byte("key"))
	mine, other := p.Keys(d, "org a"), p.Keys(d, "org b")
	foreign := p.Keys(NewDigester([]byte("another key")), "org a")
	for _, k := range mine {
		for _, list := range [][]int64{other, foreign} {
			for _, x := range list {
				if k == x {
					t.Error("a key is shared with another organization, or another secret")
				}
			}
		}
	}
	if diff := cmp.Diff(mine, p.Keys(d, "org a")); diff != "" {
		t.Error(diff)
	}
}

func TestWords(t *testing.T) {
	for _, tt := range []struct{ a, b string }{
		{"knight", "night"}, {"philips", "filips"}, {"macdonald", "mcdonald"}, {"schmidt", "schmid"}, {"catherine", "katherine"},
	} {
		if sound(tt.a) != sound(tt.b) {
			t.Errorf("%s sounds %s, %s sounds %s", tt.a, sound(tt.a), tt.b, sound(tt.b))
		}
	}
	for a, b := range map[string]string{"martha": "marhta", "jones": "jonse", "walker": "walkr", "smith": "smyth"} {
		if !oneSlip(a, b) || !alike(a, b) || oneSlip(a, a) {
			t.Errorf("%s and %s are one slip apart", a, b)
		}
	}
	if alike("john", "joan") != oneSlip("john", "joan") || oneSlip("walker", "wlkre") {
		t.Error("two slips are one")
	}
	if got := jaroWinkler("dwayne", "duane"); math.Abs(got-0.84) > 0.005 {
		t.Errorf("Jaro-Winkler of DWAYNE and DUANE is %.3f", got)
	}
	if got := letters("  Núñez-O'Brien  JR. "); got != "nunez obrien jr" {
		t.Errorf("%q", got)
	}
	for text, want := range map[string]string{"(217) 222-3434": "2172223434", "+1 217 222 3434 x12": "2172223434", "000-000-0000": "", "555": "", "217-555-5555": ""} {
		if got := phone(text); got != want {
			t.Errorf("%s is %q, not %q", text, got, want)
		}
	}
}

func TestModelsThatMakeNoSense(t *testing.T) {
	for why, text := range map[string]string{
		"chances above one": strings.Replace(string(modelText), `"near":      [0.004`, `"near":      [0.4`, 1),
		"thresholds turned": strings.Replace(string(modelText), `"review": 0`, `"review": 99`, 1),
		"a story forgotten": strings.Replace(string(modelText), `"twins": 0.015, `, ``, 1),
	} {
		if text == string(modelText) {
			t.Fatalf("%s: nothing was changed", why)
		}
		if _, err := NewModel([]byte(text)); err == nil {
			t.Errorf("%s: accepted", why)
		}
	}
}
