package readmission

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
)

var (
	noon    = time.Date(2026, 2, 5, 17, 0, 0, 0, time.UTC) // in New York
	newYork = mustZone("America/New_York")
)

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

func rules(t testing.TB) *Rules {
	t.Helper()
	r, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// day is noon so many days after the discharge of most tests.
func day(n float64) *time.Time { return new(noon.Add(time.Duration(n * 24 * float64(time.Hour)))) }

func id(name string) events.ID { return events.Derive("test", name) }

// visit is a stay at a facility, that ended if to is given.
func visit(name, class, facility string, from, to *time.Time, disposition string, change ...func(*Visit)) Visit {
	v := Visit{
		Encounter: id(name), Patient: id("patient"), Facility: facility, FacilityID: id(facility), Class: class, State: "in-progress",
		AdmittedAt: from, DischargedAt: to, Disposition: disposition,
	}
	if to != nil {
		v.State = "finished"
	}
	for _, f := range change {
		f(&v)
	}
	return v
}

func state(s string) func(*Visit)      { return func(v *Visit) { v.State = s } }
func admitType(s string) func(*Visit)  { return func(v *Visit) { v.AdmitType = s } }
func principal(s string) func(*Visit)  { return func(v *Visit) { v.Principal = s } }
func episode(from string) func(*Visit) { return func(v *Visit) { v.Episode = id(from) } }

// told are returns as text.
func told(list []events.Readmission) []string {
	out := []string{}
	for _, r := range list {
		line := fmt.Sprintf("day %d %s %q", r.Days, r.Arrival.Class, r.Outcome)
		if r.Planned {
			line += " planned"
		}
		out = append(out, line)
	}
	return out
}

func TestWhatIsAReturn(t *testing.T) {
	index := func(disposition string) Visit {
		return visit("index", "inpatient", "MERCY", day(-4), day(0), disposition)
	}
	for _, c := range []struct {
		name   string
		index  Visit
		others []Visit
		want   []string
		why    string // of the first other stay
	}{
		{"an emergency visit, from its arrival", index("01"), []Visit{visit("a", "emergency", "MERCY", day(3), nil, "")}, []string{`day 3 emergency ""`}, ""},
		{"at another facility", index("01"), []Visit{visit("a", "emergency", "LAKE", day(3), day(3.2), "01")}, []string{`day 3 emergency "treated-and-released"`}, ""},
		{"a direct admission", index("01"), []Visit{visit("a", "inpatient", "LAKE", day(9), nil, "")}, []string{`day 9 inpatient "admitted"`}, ""},
		{"observation", index("01"), []Visit{visit("a", "observation", "LAKE", day(9), nil, "")}, []string{`day 9 observation "observation"`}, ""},
		{"died in the emergency department", index("01"), []Visit{visit("a", "emergency", "LAKE", day(9), day(9.1), "20")}, []string{`day 9 emergency "died"`}, ""},
		{"left against advice", index("01"), []Visit{visit("a", "emergency", "LAKE", day(9), day(9.1), "07")}, []string{`day 9 emergency "left"`}, ""},
		{"on the thirtieth day, late in the evening", index("01"), []Visit{visit("a", "emergency", "MERCY", day(30.4), nil, "")}, []string{`day 30 emergency ""`}, ""},
		{"on the thirty-first day", index("01"), []Visit{visit("a", "emergency", "MERCY", day(30.5), nil, "")}, nil, WhyWindow},
		{"before the discharge", index("01"), []Visit{visit("a", "emergency", "MERCY", day(-5), day(-4), "09")}, nil, WhyWindow},
		{"an outpatient visit", index("01"), []Visit{visit("a", "outpatient", "MERCY", day(3), nil, "")}, nil, WhyClass},
		{"a registration that was cancelled", index("01"), []Visit{visit("a", "emergency", "MERCY", day(3), nil, "", state("cancelled"))}, nil, WhyCancelled},
		{"a visit that was deleted", index("01"), []Visit{visit("a", "emergency", "MERCY", day(3), nil, "", state("entered-in-error"))}, nil, WhyError},
		{"after a death", index("20"), []Visit{visit("a", "emergency", "MERCY", day(3), nil, "")}, nil, WhyDischarge},
		{"while the stay goes on", visit("index", "inpatient", "MERCY", day(-4), nil, ""), []Visit{visit("a", "emergency", "MERCY", day(3), nil, "")}, nil, WhyDischarge},
		{"a transfer to another hospital", index("02"), []Visit{visit("a", "inpatient", "LAKE", day(0.1), nil, "")}, nil, WhyTransfer},
		{"what follows a transfer is the other hospital's", index("02"), []Visit{visit("b", "emergency", "MERCY", day(9), nil, ""), visit("a", "inpatient", "LAKE", day(0.1), day(4), "01")}, nil, WhyTransfer},
		{"sent to another hospital and back the same day", index("02"), []Visit{visit("a", "emergency", "MERCY", day(0.2), nil, "")}, []string{`day 0 emergency ""`}, ""},
		{"two days after a transfer that never arrived", index("02"), []Visit{visit("a", "inpatient", "LAKE", day(2), nil, "")}, []string{`day 2 inpatient "admitted"`}, ""},
		{"the nursing facility's own admission", index("03"), []Visit{visit("a", "inpatient", "WILLOW", day(0.1), nil, "")}, nil, WhyTransfer},
		{"from the nursing facility to an emergency department", index("03"), []Visit{visit("a", "emergency", "LAKE", day(0.5), nil, "")}, []string{`day 1 emergency ""`}, ""},
		{"home, and back the next day", index("01"), []Visit{visit("a", "inpatient", "LAKE", day(1), nil, "")}, []string{`day 1 inpatient "admitted"`}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rules(t)
			all := append([]Visit{c.index}, c.others...)
			a := r.Around(c.index, all, newYork)
			want := c.want
			if want == nil {
				want = []string{}
			}
			if diff := cmp.Diff(want, told(a.Returns)); diff != "" {
				t.Error(diff)
			}
			if c.why != "" {
				if got := r.Why(a, c.others[0].Encounter, all); got != c.why {
					t.Errorf("why not: %s, want %s", got, c.why)
				}
			}
		})
	}
	r := rules(t)
	if got := r.Why(Around{}, id("gone"), nil); got != WhyPerson {
		t.Errorf("a stay of somebody else: %s", got)
	}
}

func TestPlannedReturnsAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		disposition string
		came        Visit
		want        bool
	}{
		"nothing says so":                     {"01", visit("a", "inpatient", "MERCY", day(7), nil, "", admitType("urgent")), false},
		"an elective admission":               {"01", visit("a", "inpatient", "MERCY", day(7), nil, "", admitType("elective")), true},
		"an elective emergency is none":       {"01", visit("a", "emergency", "MERCY", day(7), nil, "", admitType("elective")), false},
		"announced at discharge":              {"81", visit("a", "inpatient", "MERCY", day(7), nil, "", admitType("urgent")), true},
		"announced, and came as an emergency": {"95", visit("a", "emergency", "MERCY", day(7), nil, "", admitType("emergency")), true},
		"chemotherapy":                        {"01", visit("a", "inpatient", "MERCY", day(7), nil, "", principal("Z5111")), true},
	} {
		t.Run(name, func(t *testing.T) {
			index := visit("index", "inpatient", "MERCY", day(-4), day(0), c.disposition)
			got := rules(t).Around(index, []Visit{index, c.came}, newYork).Returns
			if len(got) != 1 || got[0].Planned != c.want || len(got[0].Reasons) == 0 {
				t.Fatalf("%+v", got)
			}
			if m := got[0].Measures[0]; c.want && m.Counts {
				t.Errorf("a planned return counts in %s", m.ID)
			}
		})
	}
}

// The examples of the measure's own publications.
func TestPlanAllCauseReadmissions(t *testing.T) {
	adult := func(v *Visit) { v.Age = new(70) }
	for _, c := range []struct {
		name        string
		index, came Visit
		counts      bool
	}{
		{"acute 1-5, nursing facility 6-9, acute 10-14", visit("index", "inpatient", "MERCY", day(-4), day(0), "03", adult), visit("a", "inpatient", "MERCY", day(5), nil, ""), true},
		{"observation counts on both sides", visit("index", "observation", "MERCY", day(-1), day(0), "01", adult), visit("a", "observation", "MERCY", day(5), nil, ""), true},
		{"one day apart is one stay", visit("index", "inpatient", "MERCY", day(-4), day(0), "01", adult), visit("a", "inpatient", "LAKE", day(1), nil, ""), false},
		{"two days apart are two", visit("index", "inpatient", "MERCY", day(-4), day(0), "01", adult), visit("a", "inpatient", "LAKE", day(2), nil, ""), true},
		{"a stay of one day is no index", visit("index", "inpatient", "MERCY", day(-0.1), day(0), "01", adult), visit("a", "inpatient", "LAKE", day(9), nil, ""), false},
		{"an emergency visit is no readmission", visit("index", "inpatient", "MERCY", day(-4), day(0), "01", adult), visit("a", "emergency", "LAKE", day(9), nil, ""), false},
		{"a birth is no index", visit("index", "inpatient", "MERCY", day(-4), day(0), "01", adult, principal("O80")), visit("a", "inpatient", "LAKE", day(9), nil, ""), false},
		{"a child is not a member", visit("index", "inpatient", "MERCY", day(-4), day(0), "01", func(v *Visit) { v.Age = new(17) }), visit("a", "inpatient", "LAKE", day(9), nil, ""), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := rules(t).Around(c.index, []Visit{c.index, c.came}, newYork).Returns
			if len(got) != 1 {
				t.Fatalf("%d returns", len(got))
			}
			if m := got[0].Measures[0]; m.Counts != c.counts || m.Counts != (len(m.Reasons) == 0) {
				t.Errorf("%+v, want %v", m, c.counts)
			}
		})
	}
}

func TestAnEmergencyVisitAndItsAdmissionAreOneReturn(t *testing.T) {
	index := visit("index", "inpatient", "MERCY", day(-4), day(0), "01")
	for name, c := range map[string]struct {
		others []Visit
		want   []string
	}{
		"by its disposition":                          {[]Visit{visit("e", "emergency", "LAKE", day(3), day(3.2), "09"), visit("i", "inpatient", "LAKE", day(3.2), nil, "")}, []string{`day 3 inpatient "admitted"`}},
		"while it is open":                            {[]Visit{visit("e", "emergency", "LAKE", day(3), nil, ""), visit("i", "observation", "LAKE", day(3.2), nil, "")}, []string{`day 3 observation "observation"`}},
		"as admission says":                           {[]Visit{visit("e", "emergency", "LAKE", day(3), day(3.2), "01"), visit("i", "inpatient", "LAKE", day(4.5), nil, "", episode("e"))}, []string{`day 3 inpatient "admitted"`}},
		"not elsewhere":                               {[]Visit{visit("e", "emergency", "LAKE", day(3), day(3.2), "09"), visit("i", "inpatient", "MERCY", day(3.2), nil, "")}, []string{`day 3 emergency "admitted"`, `day 3 inpatient "admitted"`}},
		"released, and back":                          {[]Visit{visit("e", "emergency", "LAKE", day(3), day(3.2), "01"), visit("i", "inpatient", "LAKE", day(3.8), nil, "")}, []string{`day 3 emergency "treated-and-released"`, `day 4 inpatient "admitted"`}},
		"after an admission there is a new discharge": {[]Visit{visit("i", "inpatient", "LAKE", day(3), day(5), "01"), visit("e", "emergency", "LAKE", day(9), nil, "")}, []string{`day 3 inpatient "admitted"`}},
	} {
		t.Run(name, func(t *testing.T) {
			got := rules(t).Around(index, append([]Visit{index}, c.others...), newYork)
			if diff := cmp.Diff(c.want, told(got.Returns)); diff != "" {
				t.Error(diff)
			}
			if c.others[0].Class == "emergency" && got.Returns[0].Arrival.Encounter != c.others[0].Encounter {
				t.Error("the arrival is the emergency visit's")
			}
		})
	}
}

func TestWhatAnEmergencyVisitLedToIsNoReturnAfterIt(t *testing.T) {
	e := visit("e", "emergency", "LAKE", day(-0.3), day(0), "01")
	i := visit("i", "inpatient", "LAKE", day(0.2), nil, "", episode("e"))
	if got := rules(t).Around(e, []Visit{e, i}, newYork).Returns; len(got) > 0 {
		t.Errorf("%v", told(got))
	}
}

// Whatever order a person's stays come in, what they mean is the same; and each is a
// return after any discharge at most once.
func TestTheOrderOfStaysDoesNotMatter(t *testing.T) {
	r := rules(t)
	rapid.Check(t, func(t *rapid.T) {
		var all []Visit
		for i := range rapid.IntRange(1, 7).Draw(t, "stays") {
			from := rapid.IntRange(0, 60*8).Draw(t, "from")
			v := visit(fmt.Sprint(i), rapid.SampledFrom([]string{"emergency", "inpatient", "observation", "obstetrics", "outpatient"}).Draw(t, "class"),
				rapid.SampledFrom([]string{"MERCY", "LAKE"}).Draw(t, "facility"), day(float64(from)/8), nil, "")
			v.State = rapid.SampledFrom([]string{"in-progress", "finished", "finished", "finished", "cancelled"}).Draw(t, "state")
			if v.State == "finished" {
				v.DischargedAt = day(float64(from+rapid.IntRange(0, 40).Draw(t, "for")) / 8)
				v.Disposition = rapid.SampledFrom([]string{"01", "02", "03", "09", "20", "81"}).Draw(t, "disposition")
			}
			all = append(all, v)
		}
		for _, v := range all {
			want := r.Around(v, all, newYork)
			shuffled := append([]Visit{}, all...)
			rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if diff := cmp.Diff(want, r.Around(v, shuffled, newYork)); diff != "" {
				t.Fatal(diff)
			}
			checkReturns(t, r, v, all, want)
		}
	})
}

func checkReturns(t *rapid.T, r *Rules, index Visit, all []Visit, a Around) {
	seen := map[events.ID]bool{}
	for i, back := range a.Returns {
		if seen[back.ID] || back.Arrival.Encounter == index.Encounter || a.Not[back.Arrival.Encounter] != "" {
			t.Fatalf("%+v is there twice, is the discharge itself, or is none", back)
		}
		seen[back.ID] = true
		if back.Days < 0 || back.Days > r.Window || back.Arrival.ArrivedAt.Before(*index.DischargedAt) {
			t.Fatalf("%d days", back.Days)
		}
		if by := r.Ends(a.Returns[:i+1]); by != nil && i < len(a.Returns)-1 {
			t.Fatalf("%d returns after the admission that ended it", len(a.Returns)-i-1)
		}
		near := false
		for _, v := range all {
			near = near || v.Encounter == back.Arrival.Encounter && r.Near(index, v)
		}
		if !near {
			t.Fatal("a return that is not near its discharge would be missed")
		}
	}
}

func TestFlagsSayWhyAndByWhichRule(t *testing.T) {
	r := rules(t)
	stay := events.Encounter{PriorED12m: new(6), PriorED60d: new(3), AdmitSource: "5"}
	got := r.Judge(stay, []Before{{Class: "inpatient", Disposition: "03", Days: 12}})
	want := []events.Flag{
		{Code: "high-utilizer", Reasons: []string{"6 emergency visits in the 12 months before", "3 emergency visits in the 60 days before"}, Rules: []string{"collective-ed@1", "bamboo-ed@1"}},
		{Code: "recent-snf", Reasons: []string{"came from a skilled nursing facility", "discharged to a skilled nursing facility in the 30 days before: 12 days"}, Rules: []string{"admit-source@1", "bamboo-snf@1"}},
		{Code: "recent-inpatient", Reasons: []string{"was an inpatient in the 30 days before: 12 days"}, Rules: []string{"bamboo-inpatient@2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, s := range map[string]events.Encounter{
		"nothing known": {}, "five in a year, two in 60 days": {PriorED12m: new(5), PriorED60d: new(2), AdmitSource: "1"},
	} {
		if got := r.Judge(s, []Before{{Class: "inpatient", Disposition: "03", Days: 31}}); len(got) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestRulesThatMakeNoSenseAreRefused(t *testing.T) {
	const head = "version: x@1\nsource: y\nwindow_days: 30\narrivals: [emergency]\n"
	if _, err := Parse([]byte(head)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"no window":          "version: x@1\nsource: y\narrivals: [emergency]",
		"unknown key":        head + "windows: 3",
		"all planned":        head + "planned: [{id: p, source: z}]",
		"all transfers":      head + "transfers: [{id: t, source: z}]",
		"unversioned":        head + "measures: [{id: m, source: z, window_days: 30}]",
		"everybody flagged":  head + "flags: [{code: f, rule: f@1, source: z}]",
		"flag without proof": head + "flags: [{code: f, rule: f@1, ed_12m_over: 5}]",
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// NCQA's own example: acute 1 to 5, nursing facility 6 to 9, acute 10 to 14 is a readmission; the stay in
// between is none, whether or not the discharge named the nursing facility.
func TestAStayWithoutAcuteCareIsNoReturn(t *testing.T) {
	r := rules(t)
	for _, disposition := range []string{"03", "01"} {
		index := visit("index", "inpatient", "MERCY", day(1), day(5), disposition)
		nursing := visit("nursing", "inpatient", "LAKE", day(6), day(9), "01")
		again := visit("again", "inpatient", "MERCY", day(10), day(14), "01")
		nursing.Kind = "skilled-nursing"
		all := []Visit{index, nursing, again}
		got := r.Around(index, all, newYork)
		if len(got.Returns) != 1 || got.Returns[0].Arrival.Encounter != again.Encounter || got.Not[nursing.Encounter] != WhyNotAcute {
			t.Errorf("%s: %+v", disposition, got)
		}
		flags := r.Judge(events.Encounter{}, r.Around(again, all, newYork).Before)
		if !slices.ContainsFunc(flags, func(f events.Flag) bool { return f.Code == "recent-snf" && slices.Contains(f.Rules, "snf-stay@1") }) {
			t.Errorf("%s: %+v", disposition, flags)
		}
		if slices.ContainsFunc(flags, func(f events.Flag) bool {
			return f.Code == "recent-inpatient" && len(f.Reasons) > 0 && strings.Contains(f.Reasons[0], ": 1 days")
		}) {
			t.Errorf("%s: a nursing facility is taken for a hospital: %+v", disposition, flags)
		}
		nursing.Kind = ""
		if got := r.Around(index, []Visit{index, nursing, again}, newYork); disposition == "03" && len(got.Returns) != 1 {
			t.Errorf("of no stated type, %s: %+v", disposition, got)
		}
	}
	// A nursing facility keeps the place: the person comes from there though that stay goes on.
	home := visit("home", "inpatient", "LAKE", day(-60), nil, "")
	home.Kind, home.State = "skilled-nursing", "in-progress"
	hospital := visit("hospital", "inpatient", "MERCY", day(1), day(5), "03")
	flags := r.Judge(events.Encounter{}, r.Around(hospital, []Visit{home, hospital}, newYork).Before)
	if len(flags) != 1 || flags[0].Code != "recent-snf" {
		t.Errorf("%+v", flags)
	}
	if got := r.Around(home, []Visit{home, hospital}, newYork); len(got.Before) > 0 {
		t.Errorf("%+v", got.Before)
	}
}
