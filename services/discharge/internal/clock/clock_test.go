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

func local(t testing.TB, w Where, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", s, w.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The vectors of the rule tables, through the rules as shipped: the last day of
// each window, as the local day before the exclusive due instant.
func TestShippedRulesMeetTheVectors(t *testing.T) {
	vectors := []struct{ discharge, contact, d7, d14, period, d30, rdi string }{
		{"2026-10-13", "2026-10-15", "2026-10-20", "2026-10-27", "2026-11-11", "2026-11-12", "2026-10-15"},
		{"2026-10-16", "2026-10-20", "2026-10-23", "2026-10-30", "2026-11-14", "2026-11-15", "2026-10-18"},
		{"2026-10-17", "2026-10-20", "2026-10-24", "2026-10-31", "2026-11-15", "2026-11-16", "2026-10-19"},
		{"2026-10-18", "2026-10-20", "2026-10-25", "2026-11-01", "2026-11-16", "2026-11-17", "2026-10-20"},
		{"2026-10-10", "2026-10-14", "2026-10-17", "2026-10-24", "2026-11-08", "2026-11-09", "2026-10-12"},
		{"2026-07-02", "2026-07-07", "2026-07-09", "2026-07-16", "2026-07-31", "2026-08-01", "2026-07-04"},
		{"2026-11-25", "2026-11-30", "2026-12-02", "2026-12-09", "2026-12-24", "2026-12-25", "2026-11-27"},
		{"2026-12-24", "2026-12-29", "2026-12-31", "2027-01-07", "2027-01-22", "2027-01-23", "2026-12-26"},
		{"2026-12-31", "2027-01-05", "2027-01-07", "2027-01-14", "2027-01-29", "2027-01-30", "2027-01-02"},
	}
	tab, where := table(t), newYork(t)
	for _, v := range vectors {
		for _, hour := range []string{"00:00", "14:02", "23:59"} {
			t.Run(v.discharge+" "+hour, func(t *testing.T) {
				at := local(t, where, v.discharge+" "+hour)
				for id, want := range map[string]string{
					"tcm-contact": v.contact, "tcm-visit-7": v.d7, "tcm-visit-14": v.d14,
					"tcm-period": v.period, "mrp": v.d30, "trc-rdi": v.rdi,
				} {
					due := rule(t, tab, id, at).Due(at, where).Due
					if got := calendar.DateOf(due.Add(-1), where.Zone).String(); got != want {
						t.Errorf("%s: last day %s, want %s", id, got, want)
					}
					if clock := due.In(where.Zone).Format("15:04:05.999"); clock != "00:00:00" {
						t.Errorf("%s: due at %s, want local midnight", id, clock)
					}
				}
			})
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
			at := local(t, where, c.at)
			due := rule(t, tab, "hh-start", at).Due(at, where).Due
			if got := due.In(where.Zone).Format("2006-01-02 15:04"); got != c.want {
				t.Errorf("due %s, want %s", got, c.want)
			}
		})
	}
}

func TestDayRulesEndAtLocalMidnightAcrossChangesOfClocks(t *testing.T) {
	tab, where := table(t), newYork(t)
	at := local(t, where, "2026-10-25 09:00")
	due := rule(t, tab, "tcm-visit-7", at).Due(at, where).Due
	if got, want := due.Format(time.RFC3339), "2026-11-02T05:00:00Z"; got != want {
		t.Errorf("due %s, want %s", got, want)
	}
}

func TestRemindersComeByDay(t *testing.T) {
	tab, where := table(t), newYork(t)
	at := local(t, where, "2026-10-16 14:02")
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
	at := local(t, where, "2026-11-25 14:02")
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
		if back.Warn.Before(at) || !back.Warn.Before(back.Due) {
			t.Fatalf("%s: the reminder at %s is not between %s and %s", id, back.Warn, at, back.Due)
		}
		if !back.Due.After(at) {
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
	overlap := good + strings.TrimPrefix(strings.ReplaceAll(strings.ReplaceAll(good, "'1'", "'2'"), "2020-01-01", "2022-01-01"), "rules:\n")
	if _, err := Parse([]byte(overlap)); err == nil || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("err = %v, want one about the overlap", err)
	}
}

func BenchmarkDue(b *testing.B) {
	tab, where := table(b), newYork(b)
	at := local(b, where, "2026-11-25 14:02")
	r := rule(b, tab, "tcm-contact", at)
	b.ReportAllocs()
	for b.Loop() {
		r.Due(at, where)
	}
}
