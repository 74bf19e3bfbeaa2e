package clock

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// An independent implementation of due rules, as slow as it is plain: it walks through
// time a quarter of an hour at a step, looks at the local date, and keeps its own list
// of holidays. It shares no code with the package but the rule's fields.

const quarter = 15 * time.Minute

type slowDay struct{ y, m, d int }

func dayAt(t time.Time, zone *time.Location) slowDay {
	y, m, d := t.In(zone).Date()
	return slowDay{y, int(m), d}
}

func (a slowDay) after(b slowDay) bool {
	if a.y != b.y {
		return a.y > b.y
	}
	if a.m != b.m {
		return a.m > b.m
	}
	return a.d > b.d
}

// nextDay walks to the first instant of the next local day. Changes of clocks happen
// at whole quarters.
func nextDay(t time.Time, zone *time.Location) time.Time {
	today := dayAt(t, zone)
	for t = t.Truncate(quarter).Add(quarter); !dayAt(t, zone).after(today); t = t.Add(quarter) {
	}
	return t
}

func slowDue(r Rule, trigger time.Time, zone *time.Location, closed map[slowDay]bool, b Bends) time.Time {
	if r.Unit == Hours {
		return slowHours(r, trigger, zone, b)
	}
	t, n := trigger, 0
	for n < r.Count {
		t = nextDay(t, zone)
		if !slowSkipped(r, t, zone, closed, b) {
			n++
		}
	}
	if r.Unit == Midnights {
		return t
	}
	if b.Extended {
		for range r.ExtensionDays {
			t = nextDay(t, zone)
		}
	}
	return nextDay(t, zone)
}

func slowSkipped(r Rule, t time.Time, zone *time.Location, closed map[slowDay]bool, b Bends) bool {
	for _, p := range b.Pauses {
		if !t.Before(p.From) && t.Before(*p.Until) {
			return true
		}
	}
	if r.Unit != BusinessDays {
		return false
	}
	d := dayAt(t, zone)
	noon := time.Date(d.y, time.Month(d.m), d.d, 12, 0, 0, 0, time.UTC)
	weekend := noon.Weekday() == time.Saturday || noon.Weekday() == time.Sunday
	return weekend || closed[d] || slowHoliday(noon)
}

func slowHours(r Rule, trigger time.Time, zone *time.Location, b Bends) time.Time {
	due := trigger
	if r.Count < 0 {
		return trigger.Add(time.Duration(r.Count) * time.Hour)
	}
	// second by second would be the plainest; minutes that are not paused are counted instead
	for left := r.Count * 60; left > 0; due = due.Add(time.Minute) {
		running := true
		for _, p := range b.Pauses {
			if !due.Before(p.From) && due.Before(*p.Until) {
				running = false
			}
		}
		if running {
			left--
		}
	}
	if b.Extended && r.ExtensionDays > 0 {
		y, m, d := due.In(zone).Date()
		h, min, s := due.In(zone).Clock()
		due = time.Date(y, m, d+r.ExtensionDays, h, min, s, due.Nanosecond(), zone)
	}
	return due
}

// slowHoliday is 5 U.S.C. 6103 in the plainest words, for the day a noon is on.
func slowHoliday(noon time.Time) bool {
	for _, shift := range []int{0, 1, -1} { // kept on Friday for a Saturday, on Monday for a Sunday
		d := noon.AddDate(0, 0, shift)
		if shift == 1 && d.Weekday() != time.Saturday || shift == -1 && d.Weekday() != time.Sunday {
			continue
		}
		_, m, day := d.Date()
		switch {
		case m == time.January && day == 1, m == time.July && day == 4, m == time.November && day == 11, m == time.December && day == 25,
			m == time.June && day == 19 && d.Year() >= 2021:
			return true
		}
	}
	_, m, day := noon.Date()
	week := (day + 6) / 7
	switch wd := noon.Weekday(); {
	case wd == time.Monday && m == time.January && week == 3, wd == time.Monday && m == time.February && week == 3,
		wd == time.Monday && m == time.May && day > 24, wd == time.Monday && m == time.September && week == 1,
		wd == time.Monday && m == time.October && week == 2, wd == time.Thursday && m == time.November && week == 4:
		return true
	}
	return false
}

var slowZones = []string{
	"America/New_York", "America/Chicago", "America/Phoenix", "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu",
	"America/Puerto_Rico", "America/Havana", "Pacific/Guam", "Australia/Lord_Howe",
}

// drawBends draws what a rule lets a due time be bent by.
func drawBends(t *rapid.T, r Rule, trigger time.Time) Bends {
	var b Bends
	from := trigger
	for range rapid.IntRange(0, 2).Draw(t, "pauses") {
		if !r.Pausable && (r.Unit == Hours && r.Count < 0 || !rapid.Bool().Draw(t, "paused all the same")) {
			break
		}
		from = from.Add(time.Duration(rapid.IntRange(1, 60*60).Draw(t, "from")) * time.Minute)
		until := from.Add(time.Duration(rapid.IntRange(1, 100*60).Draw(t, "for")) * time.Minute)
		b.Pauses = append(b.Pauses, Pause{From: from, Until: &until})
		from = until
	}
	b.Extended = r.ExtensionDays > 0 && rapid.Bool().Draw(t, "extended")
	return b
}

// Every rule, in every zone, over changes of clocks, with closures and pauses: the due
// instant is the slow implementation's, and its trace checks after a trip through JSON.
func TestDueInstantsAreTheSlowWalks(t *testing.T) {
	tab := table(t)
	var all []Rule
	for _, id := range tab.IDs() {
		all = append(all, tab.Versions(id)...)
	}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := calendar.Zone(rapid.SampledFrom(slowZones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		r := rapid.SampledFrom(all).Draw(t, "rule")
		at := time.Unix(rapid.Int64Range(1_600_000_000, 2_000_000_000).Draw(t, "at")/60*60, 0).UTC()
		closed, closures := map[slowDay]bool{}, []calendar.Closure(nil)
		for range rapid.IntRange(0, 3).Draw(t, "closures") {
			day := dayAt(at.AddDate(0, 0, rapid.IntRange(0, 9).Draw(t, "closed")), zone)
			closed[day] = true
			closures = append(closures, calendar.Closure{Date: calendar.Date{Year: day.y, Month: time.Month(day.m), Day: day.d}})
		}
		where := Where{zone, calendar.USFederal(closures...)}
		bends := drawBends(t, r, at)
		trace := r.Bent(at, where, bends)
		if want := slowDue(r, at, zone, closed, bends); !trace.Due.Equal(want) {
			t.Fatalf("%s at %s in %s: due %s, the slow walk says %s\n%q", r.Ref(), at, zone, trace.Due, want, trace.Steps)
		}
		text, err := json.Marshal(trace)
		if err != nil {
			t.Fatal(err)
		}
		var back Trace
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if err := back.Check(where.Calendar); err != nil {
			t.Fatal(err)
		}
		spoil(t, back, where.Calendar)
	})
}

// spoil changes one step of a derivation and expects the replay to see it.
func spoil(t *rapid.T, trace Trace, cal *calendar.Calendar) {
	i := rapid.IntRange(0, len(trace.Derivation)-1).Draw(t, "spoilt")
	s := &trace.Derivation[i]
	switch {
	case s.Do == DoPause && trace.Unit != Hours: // a declaration: it shows in the days it skips, if there are any
		return
	case s.Until != nil:
		later := s.Until.Add(time.Minute)
		s.Until = &later
	case s.At != nil:
		later := s.At.Add(time.Second)
		s.At = &later
	case s.Do == DoSkip:
		s.Why = "a whim"
	default:
		s.Day = "1999-01-01"
	}
	if due, err := trace.Replay(cal); err == nil && due.Equal(trace.Due) {
		t.Fatalf("step %d (%s) was changed and the replay saw nothing", i, s.Do)
	}
}
