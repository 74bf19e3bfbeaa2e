package clock

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/calendar"
)

func table(t testing.TB) *Table {
	t.Helper()
	tab, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

func newYork(t testing.TB) Where {
	t.Helper()
	zone, err := calendar.Zone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return Where{zone, calendar.USFederal()}
}

func rule(t testing.TB, tab *Table, id string, at time.Time) Rule {
	t.Helper()
	r, ok := tab.Rule(id, calendar.DateOf(at, time.UTC))
	if !ok {
		t.Fatalf("no rule %s on %s", id, at)
	}
	return r
}

func localAt(t testing.TB, w Where, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", s, w.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The vectors of the packs come true, or [Shipped] would have failed; here they do so
// for every hour of the trigger's day as well.
func TestShippedDayRulesMeetTheirVectorsAtEveryHour(t *testing.T) {
	tab, seen := table(t), 0
	for _, p := range tab.Packs() {
		for _, v := range p.Vectors {
			where, err := v.where()
			if err != nil {
				t.Fatal(err)
			}
			if len(v.Pauses) > 0 || v.Ends != "" {
				continue
			}
			for _, hour := range []string{"00:00", "14:02", "23:59"} {
				at := localAt(t, where, v.At[:10]+" "+hour)
				for ref, want := range v.Due {
					r, err := tab.named(ref, calendar.DateOf(at, where.Zone))
					if err != nil {
						t.Fatal(err)
					}
					if r.Unit == Hours || r.Unit == Midnights {
						continue
					}
					seen++
					due := r.Bent(at, where, Bends{Extended: v.Extended}).Due
					if got := calendar.DateOf(due.Add(-1), where.Zone).String(); got != want {
						t.Errorf("%s at %s %s: last day %s, want %s", ref, v.At[:10], hour, got, want)
					}
					if clock := due.In(where.Zone).Format("15:04:05.999"); clock != "00:00:00" {
						t.Errorf("%s: due at %s, want local midnight", ref, clock)
					}
				}
			}
		}
	}
	if seen < 3*9*8 {
		t.Errorf("only %d vectors of rules counted in days", seen)
	}
}

// The packs cover the programmes of the rule tables.
func TestEveryProgrammeIsShippedWithItsVectors(t *testing.T) {
	have := map[string]Pack{}
	for _, p := range table(t).Packs() {
		have[p.Pack] = p
	}
	for _, name := range []string{
		"tcm", "hedis-trc", "fmc", "fuh", "fum-fua", "pcr", "notices", "snf", "home-health", "prior-authorization",
		"grievance", "records", "handoff", "outreach", "conditions", "maternity", "hanging",
	} {
		p, ok := have[name]
		if !ok {
			t.Errorf("no pack %s", name)
			continue
		}
		tested := map[string]bool{}
		for _, v := range p.Vectors {
			for ref := range v.Due {
				id, _, _ := strings.Cut(ref, "@")
				tested[id] = true
			}
		}
		for _, e := range p.Entries {
			if !tested[e.ID] {
				t.Errorf("pack %s: no vector for %s", name, e.ID)
			}
		}
	}
}

func TestHoursAreElapsedTimeAcrossChangesOfClocks(t *testing.T) {
	tab, where := table(t), newYork(t)
	for _, c := range []struct{ name, at, want string }{
		{"an ordinary week", "2026-10-13 14:02", "2026-10-15 14:02"},
		{"into summer time", "2026-03-07 14:00", "2026-03-09 15:00"},
		{"out of summer time", "2026-10-31 14:00", "2026-11-02 13:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := localAt(t, where, c.at)
			due := rule(t, tab, "hh-start", at).Due(at, where).Due
			if got := due.In(where.Zone).Format("2006-01-02 15:04"); got != c.want {
				t.Errorf("due %s, want %s", got, c.want)
			}
		})
	}
}

func TestDayRulesEndAtLocalMidnightAcrossChangesOfClocks(t *testing.T) {
	tab, where := table(t), newYork(t)
	at := localAt(t, where, "2026-10-25 09:00")
	due := rule(t, tab, "tcm-visit-7", at).Due(at, where).Due
	if got, want := due.Format(time.RFC3339), "2026-11-02T05:00:00Z"; got != want {
		t.Errorf("due %s, want %s", got, want)
	}
}

func TestRemindersComeByDay(t *testing.T) {
	tab, where := table(t), newYork(t)
	at := localAt(t, where, "2026-10-16 14:02")
	for id, want := range map[string]string{
		"tcm-contact":    "2026-10-20 08:00", // the last day's morning
		"handoff-report": "2026-10-16 17:02", // three of four hours
	} {
		if got := rule(t, tab, id, at).Due(at, where).Warn.In(where.Zone).Format("2006-01-02 15:04"); got != want {
			t.Errorf("%s: reminder at %s, want %s", id, got, want)
		}
	}
}

func TestTraceReadsLikeAnExplanation(t *testing.T) {
	where := newYork(t)
	at := localAt(t, where, "2026-11-25 14:02")
	got := rule(t, table(t), "tcm-contact", at).Due(at, where).Steps
	want := []string{
		"Discharged Wed 25 Nov 2026 14:02 EST: that day is day 0; counting starts the day after",
		"Thu 26 Nov 2026 does not count: closed for Thanksgiving Day",
		"Sat 28 Nov 2026 does not count: a Saturday",
		"Sun 29 Nov 2026 does not count: a Sunday",
		"Business day 2 is Mon 30 Nov 2026",
		"Due by the end of that day: before Tue 1 Dec 2026 00:00 EST",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestVersionInForceOnTheDayOfTheTrigger(t *testing.T) {
	tab := table(t)
	for _, c := range []struct {
		on, version string
		days        int
	}{{"2019-12-31", "MY2019", 1}, {"2020-01-01", "MY2020", 2}, {"1999-05-05", "MY2019", 1}} {
		on, err := calendar.ParseDate(c.on)
		if err != nil {
			t.Fatal(err)
		}
		r, ok := tab.Rule("trc-rdi", on)
		if !ok || r.Version != c.version || r.Count != c.days {
			t.Errorf("%s: version %s of %d days, want %s of %d", c.on, r.Version, r.Count, c.version, c.days)
		}
	}
}

func TestEveryTraceChecksAfterATripThroughJSON(t *testing.T) {
	tab, cal := table(t), calendar.USFederal()
	zones := []string{"America/New_York", "America/Phoenix", "Pacific/Honolulu", "America/Anchorage", "America/Havana"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := calendar.Zone(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1_600_000_000, 2_000_000_000).Draw(t, "at"), 0)
		id := rapid.SampledFrom(tab.IDs()).Draw(t, "rule")
		r, ok := tab.Rule(id, calendar.DateOf(at, zone))
		if !ok {
			t.Fatalf("no rule %s", id)
		}
		text, err := json.Marshal(r.Due(at, Where{zone, cal}))
		if err != nil {
			t.Fatal(err)
		}
		var back Trace
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if err := back.Check(cal); err != nil {
			t.Fatal(err)
		}
		if alone := r.At(at, Where{zone, cal}); !alone.Equal(back.Due) {
			t.Fatalf("%s: At gives %s, Due %s", id, alone, back.Due)
		}
		again, err := tab.Explain(r.Ref(), at, zone.String(), cal.ID())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(back, again); diff != "" {
			t.Fatalf("explained again: %s", diff)
		}
		if !back.Warn.Before(back.Due) || r.Count >= 0 && back.Warn.Before(at) {
			t.Fatalf("%s: the reminder at %s is not between %s and %s", id, back.Warn, at, back.Due)
		}
		if back.Due.After(at) != (r.Count >= 0) {
			t.Fatalf("%s is due at %s, not after its trigger %s", id, back.Due, at)
		}
		back.Due = back.Due.Add(time.Second)
		if back.Check(cal) == nil {
			t.Fatal("a due instant one second off passed the check")
		}
	})
}

func TestParseRefusesWhatItCannotKeepTrue(t *testing.T) {
	const good = "rules:\n- {id: a, version: '1', from: 2020-01-01, trigger: discharge, hours: 4, title: T, source: S, standing: house}\n"
	if _, err := Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"no source":         {"source: S", "source: ''", "source"},
		"two lengths":       {"hours: 4", "hours: 4, calendar_days: 1", "2 lengths"},
		"no length":         {"hours: 4, ", "", "0 lengths"},
		"an unknown key":    {"hours: 4", "hour: 4", "hour"},
		"an odd trigger":    {"trigger: discharge", "trigger: transfer", "trigger"},
		"no date":           {"2020-01-01", "soon", "soon"},
		"no standing":       {"standing: house", "standing: sure", "standing"},
		"an end, no sequel": {"from: 2020-01-01", "from: 2020-01-01, until: 2021-01-01", "nothing follows"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(strings.Replace(good, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want one about %q", err, c.want)
			}
		})
	}
	for name, more := range map[string]string{
		"a vector that does not come true":       "vectors:\n- {at: 2026-10-13 14:02, due: {a: 2026-10-13 18:03}}\n",
		"a vector of no rule":                    "vectors:\n- {at: 2026-10-13 14:02, due: {b: 2026-10-13 18:02}}\n",
		"an outcome that does not come true":     "outcomes:\n- {contact: met, visit_day: 7, mdm: high, medrec_day: 7, code: none}\n",
		"a stay that does not come true":         "stays:\n- {spells: [[2026-10-12 23:50, 2026-10-15 00:10]], days: 2, qualifies: false}\n",
		"a case of a rule that runs no clock":    "cases:\n- {rule: a, class: inpatient, applies: true}\n",
		"a clock of what no stay says the start": strings.Replace(strings.Replace(strings.TrimPrefix(good, "rules:\n"), "id: a", "id: b", 1), "trigger: discharge", "trigger: request, applies: {class: [inpatient]}", 1),
	} {
		if _, err := Parse([]byte(good + more)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := Parse([]byte(good + "vectors:\n- {at: 2026-10-13 14:02, due: {a: 2026-10-13 18:02}}\n")); err != nil {
		t.Error(err)
	}
	overlap := good + strings.TrimPrefix(strings.ReplaceAll(strings.ReplaceAll(good, "'1'", "'2'"), "2020-01-01", "2022-01-01"), "rules:\n")
	if _, err := Parse([]byte(overlap)); err == nil || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("err = %v, want one about the overlap", err)
	}
}

func BenchmarkDue(b *testing.B) {
	tab, where := table(b), newYork(b)
	at := localAt(b, where, "2026-11-25 14:02")
	r := rule(b, tab, "tcm-contact", at)
	b.ReportAllocs()
	for b.Loop() {
		r.Due(at, where)
	}
}
