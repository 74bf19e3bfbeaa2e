package match

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

func home(change func(*Provider)) Provider {
	p := Provider{ID: events.NewID(), Needs: []string{"snf"}, ZIP3: "606", Areas: []string{"606", "607"}, Payers: []string{"medicare"},
		Languages: []string{"en", "es"}, Rating: 4, Active: true}
	change(&p)
	return p
}

var maria = Patient{Age: ptr(81), Sex: "F", ZIP3: "606", Language: "en", Payer: "medicare"}

func TestEachHardFilterExcludesWithItsReason(t *testing.T) {
	for _, c := range []struct {
		name     string
		provider func(*Provider)
		patient  func(*Patient)
		want     []string // none: a candidate
	}{
		{"fits", func(*Provider) {}, nil, nil},
		{"inactive", func(p *Provider) { p.Active = false }, nil, []string{"directory: takes no referrals now"}},
		{"another licence", func(p *Provider) { p.Needs = []string{"hospice", "irf"} }, nil, []string{"licence: not licensed for snf"}},
		{"another area", func(p *Provider) { p.Areas = []string{"600"} }, nil, []string{"area: does not serve 606"}},
		{"no areas stated: its own", func(p *Provider) { p.Areas, p.ZIP3 = nil, "600" }, nil, []string{"area: does not serve 606"}},
		{"everywhere", func(p *Provider) { p.Areas = []string{"*"} }, func(p *Patient) { p.ZIP3 = "995" }, nil},
		{"area of the patient unknown", func(p *Provider) { p.Areas = []string{"600"} }, func(p *Patient) { p.ZIP3 = "" }, nil},
		{"another network", func(*Provider) {}, func(p *Patient) { p.Payer = "medicaid" }, []string{"network: does not take medicaid"}},
		{"network not stated", func(p *Provider) { p.Payers = nil }, func(p *Patient) { p.Payer = "medicaid" }, nil},
		{"pays self", func(*Provider) {}, func(p *Patient) { p.Payer = "self-pay" }, nil},
		{"payer unknown", func(*Provider) {}, func(p *Patient) { p.Payer = "other" }, nil},
		{"language spoken", func(*Provider) {}, func(p *Patient) { p.Language = "es" }, nil},
		{"language not spoken", func(*Provider) {}, func(p *Patient) { p.Language = "pl" }, []string{"language: nobody speaks pl, no interpreter"}},
		{"interpreter", func(p *Provider) { p.Interpreter = true }, func(p *Patient) { p.Language = "pl" }, nil},
		{"languages not stated", func(p *Provider) { p.Languages = nil }, func(p *Patient) { p.Language = "pl" }, nil},
		{"another sex", func(p *Provider) { p.Sexes = []string{"M"} }, nil, []string{"sex: does not take F"}},
		{"sex unknown", func(p *Provider) { p.Sexes = []string{"M"} }, func(p *Patient) { p.Sex = "U" }, nil},
		{"too old", func(p *Provider) { p.MaxAge = ptr(80) }, nil, []string{"age: does not take age 81"}},
		{"too young", func(p *Provider) { p.MinAge = ptr(82) }, nil, []string{"age: does not take age 81"}},
		{"just old enough", func(p *Provider) { p.MinAge, p.MaxAge = ptr(81), ptr(81) }, nil, nil},
		{"age unknown", func(p *Provider) { p.MinAge = ptr(82) }, func(p *Patient) { p.Age = nil }, nil},
		{"cannot isolate or dialyse", func(p *Provider) { p.Capabilities = []string{"bariatric"} },
			func(p *Patient) { p.Requires = []string{"isolation", "bariatric", "dialysis"} },
			[]string{"capability: no isolation", "capability: no dialysis"}},
		{"full an hour ago", func(p *Provider) { p.Open, p.CapacityAt = ptr(0), ptr(noon.Add(-time.Hour)) }, nil, []string{"capacity: reported full within 24 hours"}},
		{"full a day ago", func(p *Provider) { p.Open, p.CapacityAt = ptr(0), ptr(noon.Add(-24*time.Hour)) }, nil, nil},
		{"agreement begins tomorrow", func(p *Provider) { p.AgreementFrom = ptr(noon.Add(12 * time.Hour)) }, nil, []string{"agreement: has not begun"}},
		{"agreement's last day", func(p *Provider) { p.AgreementUntil = ptr(noon.Add(-12 * time.Hour)) }, nil, nil},
		{"agreement ended yesterday", func(p *Provider) { p.AgreementUntil = ptr(noon.Add(-36 * time.Hour)) }, nil, []string{"agreement: has ended"}},
		{"all reasons are told", func(p *Provider) { p.Areas, p.Sexes = []string{"600"}, []string{"M"} }, nil, []string{"area: does not serve 606", "sex: does not take F"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			who := maria
			if c.patient != nil {
				c.patient(&who)
			}
			r := NewDirectory(1, []Provider{home(c.provider)}).Rank("snf", who, noon, events.NewID())
			var got []string
			for _, x := range r.Excluded {
				got = x.Why.Explain("snf", who)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || len(r.Candidates)+len(r.Excluded) != 1 {
				t.Errorf("%d candidates: %s", len(r.Candidates), diff)
			}
		})
	}
}

func TestCandidatesAreOrderedAsDocumented(t *testing.T) {
	who := maria
	who.Language = "pl"
	in := []Provider{
		home(func(p *Provider) { p.ZIP3, p.Languages, p.Rating = "600", []string{"pl"}, 5 }),
		home(func(p *Provider) { p.Interpreter, p.Rating = true, 2 }),
		home(func(p *Provider) { p.Interpreter, p.Rating = true, 0 }),
		home(func(p *Provider) { p.Interpreter, p.Rating = true, 3 }),
		home(func(p *Provider) { p.Interpreter, p.Rating, p.Open, p.CapacityAt = true, 1, ptr(2), ptr(noon) }),
		home(func(p *Provider) { p.Languages, p.Rating = []string{"pl"}, 1 }),
	}
	r := NewDirectory(1, in).Rank("snf", who, noon, events.NewID())
	var got []int
	for _, c := range r.Candidates {
		got = append(got, slices.IndexFunc(in, func(p Provider) bool { return p.ID == c.Provider }))
	}
	if diff := cmp.Diff([]int{5, 4, 3, 2, 1, 0}, got); diff != "" {
		t.Error(diff)
	}
	want := []string{"area: in the home area 606", "network: takes medicare", "language: interpreter for pl",
		"capacity: reported places free within 24 hours", "quality: rated 1 of 5"}
	if diff := cmp.Diff(want, r.Candidates[1].Why.Explain("snf", who)); diff != "" {
		t.Error(diff)
	}
}

// Over many referrals each of several equals comes first about equally often, and for one referral
// always the same.
func TestEqualsTakeTurns(t *testing.T) {
	var in []Provider
	for range 5 {
		in = append(in, home(func(*Provider) {}))
	}
	in[0].AgreementFrom = ptr(noon.Add(-time.Hour)) // a contract gives no place
	d := NewDirectory(1, in)
	first := map[events.ID]int{}
	for range 5000 {
		seed := events.NewID()
		r := d.Rank("snf", maria, noon, seed)
		if r.Sum() != d.Rank("snf", maria, noon, seed).Sum() {
			t.Fatal("the same referral was ranked in two ways")
		}
		first[r.Candidates[0].Provider]++
	}
	for id, n := range first {
		if n < 850 || n > 1150 { // five standard deviations about 1,000
			t.Errorf("%s came first %d times in 5,000", id, n)
		}
	}
}

func TestOfANationalDirectoryTheNearAreNamedAndTheFarCounted(t *testing.T) {
	var in []Provider
	for i := range 2000 {
		in = append(in, home(func(p *Provider) {
			switch i % 4 {
			case 0:
				p.Areas = []string{"100"}
			case 1:
				p.Needs = []string{"irf"}
			case 2:
				p.Sexes = []string{"M"}
			}
		}))
	}
	r := NewDirectory(1, in).Rank("snf", maria, noon, events.NewID())
	if len(r.Candidates) != 500 || len(r.Excluded) != 1000 || r.Elsewhere != 500 {
		t.Errorf("%d candidates, %d excluded, %d elsewhere", len(r.Candidates), len(r.Excluded), r.Elsewhere)
	}
}

func TestDiagnosesThatRequireACapability(t *testing.T) {
	got := Requires([]string{"I5023", "Z992", "A0472", "Z6841"})
	if diff := cmp.Diff([]string{"isolation", "bariatric", "dialysis"}, got); diff != "" {
		t.Error(diff)
	}
	if got := Requires([]string{"Z6839", "N185"}); got != nil {
		t.Errorf("%v", got)
	}
}

func anyProviders(t *rapid.T) []Provider {
	some := func(label string, of []string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(of), 0, 3).Draw(t, label)
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Provider {
		return Provider{
			ID: events.NewID(), Active: rapid.Bool().Draw(t, "active"), ZIP3: rapid.SampledFrom([]string{"", "606", "600", "x"}).Draw(t, "zip"),
			Rating: rapid.Float32Range(0, 5).Draw(t, "rating"), Interpreter: rapid.Bool().Draw(t, "interpreter"),
			Needs: some("needs", Needs), Areas: some("areas", []string{"606", "600", "*", "bad"}), Payers: some("payers", Payers),
			Languages: some("languages", []string{"en", "es", "xx1"}), Sexes: some("sexes", sexes), Capabilities: some("capabilities", Capabilities),
		}
	}), 0, 12).Draw(t, "providers")
}

func TestEveryProviderIsEitherACandidateOrExcludedAndAlwaysWithReasons(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := anyProviders(t)
		who := Patient{
			Age: ptr(rapid.IntRange(0, 110).Draw(t, "age")), Sex: rapid.SampledFrom([]string{"F", "M", "U", ""}).Draw(t, "sex"),
			ZIP3: rapid.SampledFrom([]string{"606", "600", ""}).Draw(t, "zip3"), Language: rapid.SampledFrom([]string{"en", "es", ""}).Draw(t, "language"),
			Payer: rapid.SampledFrom(append(slices.Clone(Payers), "")).Draw(t, "payer"), Requires: []string{"dialysis"}[:rapid.IntRange(0, 1).Draw(t, "requires")],
		}
		need := rapid.SampledFrom(append(slices.Clone(Needs), "unheard-of")).Draw(t, "need")
		r := NewDirectory(1, in).Rank(need, who, noon, events.NewID())
		seen := map[events.ID]int{}
		for _, c := range append(slices.Clone(r.Candidates), r.Excluded...) {
			seen[c.Provider]++
			if len(c.Why.Explain(need, who)) == 0 {
				t.Fatalf("%s without a reason", c.Provider)
			}
		}
		for _, p := range in {
			if seen[p.ID] != 1 {
				t.Fatalf("%s is in the answer %d times", p.ID, seen[p.ID])
			}
		}
		b, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var back Ranking
		if err := json.Unmarshal(b, &back); err != nil || back.Sum() != r.Sum() {
			t.Fatalf("%s came back as another ranking: %v", b, err)
		}
	})
}

func BenchmarkRank500(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(of []string) []string { return of[rng.IntN(len(of)):] }
	var in []Provider
	for range 500 {
		in = append(in, Provider{ID: events.NewID(), Active: true, Needs: pick(Needs), ZIP3: fmt.Sprint(600 + rng.IntN(9)),
			Areas: []string{fmt.Sprint(600 + rng.IntN(9)), "606"}, Payers: []string{"medicare", "medicaid"}, Rating: float32(rng.IntN(6)), Interpreter: true,
			Languages: []string{"en", "es"}})
	}
	d := NewDirectory(1, in)
	who := maria
	who.Language = "es"
	b.ReportAllocs()
	for b.Loop() {
		d.Rank("dialysis", who, noon, events.ID{1})
	}
}
