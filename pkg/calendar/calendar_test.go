package calendar

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func day(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// The business-day vectors of the rule tables, every column.
func TestBusinessDayVectors(t *testing.T) {
	vectors := []struct{ discharge, contact, d7, d14, d29, d30, d2 string }{
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
	cal := USFederal()
	for _, v := range vectors {
		t.Run(v.discharge, func(t *testing.T) {
			d0 := day(t, v.discharge)
			contact, _ := cal.AddBusinessDays(d0, 2)
			got := []string{
				contact.String(), d0.AddDays(7).String(), d0.AddDays(14).String(),
				d0.AddDays(29).String(), d0.AddDays(30).String(), d0.AddDays(2).String(),
			}
			want := []string{v.contact, v.d7, v.d14, v.d29, v.d30, v.d2}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSkippedDaysSayWhy(t *testing.T) {
	_, skipped := USFederal().AddBusinessDays(day(t, "2026-11-25"), 2)
	want := []Skipped{
		{day(t, "2026-11-26"), "Thanksgiving Day"},
		{day(t, "2026-11-28"), "Saturday"},
		{day(t, "2026-11-29"), "Sunday"},
	}
	if diff := cmp.Diff(want, skipped); diff != "" {
		t.Error(diff)
	}
}

func TestHolidayObservedInTheYearBefore(t *testing.T) {
	cal := USFederal()
	if why, closed := cal.Closed(day(t, "2027-12-31")); !closed || why != "New Year's Day" {
		t.Errorf("2027-12-31: closed=%v why=%q, want New Year's Day of 2028", closed, why)
	}
	if why, closed := cal.Closed(day(t, "2020-06-19")); closed {
		t.Errorf("Juneteenth 2020 is closed (%s); it began in 2021", why)
	}
	if _, closed := cal.Closed(day(t, "2021-06-18")); !closed {
		t.Error("Juneteenth 2021, a Saturday, is not observed on its Friday")
	}
}

func TestClosuresAreNotBusinessDaysAndNameTheCalendar(t *testing.T) {
	plain := USFederal()
	snow := USFederal(Closure{day(t, "2026-10-15"), "Snow"}, Closure{day(t, "2026-10-14"), "Flood"})
	if due, _ := snow.AddBusinessDays(day(t, "2026-10-13"), 2); due != day(t, "2026-10-19") {
		t.Errorf("two business days after Tue 13th with Wed and Thu closed = %s, want Mon 19th", due)
	}
	if plain.ID() == snow.ID() {
		t.Errorf("both calendars are called %s", plain.ID())
	}
	if want := "us-federal@2021+2026-10-14+2026-10-15"; snow.ID() != want {
		t.Errorf("ID = %s, want %s", snow.ID(), want)
	}
	again, err := Named(snow.ID())
	if err != nil || again.ID() != snow.ID() || again.IsBusinessDay(day(t, "2026-10-14")) {
		t.Errorf("Named(%s) = %v, %v", snow.ID(), again, err)
	}
	for _, id := range []string{"", "us-federal@1971", "us-federal@2021+soon"} {
		if _, err := Named(id); err == nil {
			t.Errorf("Named(%q) did not fail", id)
		}
	}
}

func TestStartOfDayWhereClocksChange(t *testing.T) {
	for _, c := range []struct{ name, zone, day, start, hours string }{
		{"an ordinary day", "America/New_York", "2026-10-13", "2026-10-13T00:00:00-04:00", "24h0m0s"},
		{"spring forward at two", "America/New_York", "2026-03-08", "2026-03-08T00:00:00-05:00", "23h0m0s"},
		{"fall back at two", "America/New_York", "2026-11-01", "2026-11-01T00:00:00-04:00", "25h0m0s"},
		{"midnight skipped", "Africa/Cairo", "2025-04-25", "2025-04-25T01:00:00+03:00", "23h0m0s"},
		{"midnight reached twice, one o'clock back to midnight", "America/Havana", "2025-11-02", "2025-11-02T00:00:00-04:00", "25h0m0s"},
		{"midnight turned back into the day before", "Africa/Cairo", "2025-10-31", "2025-10-31T00:00:00+02:00", "24h0m0s"},
		{"the day that ends when midnight is turned back", "Africa/Cairo", "2025-10-30", "2025-10-30T00:00:00+03:00", "25h0m0s"},
		{"a zone that does not change", "America/Phoenix", "2026-03-08", "2026-03-08T00:00:00-07:00", "24h0m0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			loc, d := zone(t, c.zone), day(t, c.day)
			if got := d.Start(loc).Format(time.RFC3339); got != c.start {
				t.Errorf("start = %s, want %s", got, c.start)
			}
			if got := d.End(loc).Sub(d.Start(loc)).String(); got != c.hours {
				t.Errorf("the day lasts %s, want %s", got, c.hours)
			}
		})
	}
}

func TestStartIsTheFirstInstantOfItsDay(t *testing.T) {
	names := []string{
		"America/New_York", "America/Los_Angeles", "America/Havana", "Africa/Cairo", "Asia/Beirut",
		"America/Asuncion", "Australia/Lord_Howe", "Pacific/Chatham", "America/Sao_Paulo", "UTC", "Asia/Kathmandu",
	}
	rapid.Check(t, func(t *rapid.T) {
		loc, err := Zone(rapid.SampledFrom(names).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		d := Date{2012, 1, 1}.AddDays(rapid.IntRange(0, 20*365).Draw(t, "day"))
		start := d.Start(loc)
		if got := DateOf(start, loc); got != d {
			t.Fatalf("start %s of %s is on %s", start, d, got)
		}
		if before := DateOf(start.Add(-1), loc); before.Compare(d) >= 0 {
			t.Fatalf("the instant before %s is on %s already", start, before)
		}
		if !start.Before(d.End(loc)) {
			t.Fatalf("%s ends before it starts", d)
		}
	})
}

func TestAddingBusinessDaysCountsThem(t *testing.T) {
	cal := USFederal()
	rapid.Check(t, func(t *rapid.T) {
		d := Date{2021, 1, 1}.AddDays(rapid.IntRange(0, 10*365).Draw(t, "day"))
		n := rapid.IntRange(1, 40).Draw(t, "n")
		due, skipped := cal.AddBusinessDays(d, n)
		if !cal.IsBusinessDay(due) {
			t.Fatalf("%s + %d = %s, which is closed", d, n, due)
		}
		if got := cal.BusinessDaysBetween(d, due); got != n {
			t.Fatalf("%d business days between %s and %s, want %d", got, d, due, n)
		}
		if got := d.DaysUntil(due); got != n+len(skipped) {
			t.Fatalf("%d days to %s, counted %d and skipped %d", got, due, n, len(skipped))
		}
	})
}

func TestMidnights(t *testing.T) {
	loc := zone(t, "America/Chicago")
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, loc)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// The SNF three-day vectors: a stay of 24 hours and 20 minutes over three midnights counts three.
	if n := Midnights(at("2026-10-12 23:50"), at("2026-10-15 00:10"), loc); n != 3 {
		t.Errorf("Mon 23:50 to Thu 00:10 = %d midnights, want 3", n)
	}
	if n := Midnights(at("2026-10-12 09:00"), at("2026-10-14 23:59"), loc); n != 2 {
		t.Errorf("Mon 09:00 to Wed 23:59 = %d midnights, want 2", n)
	}
}

func TestZoneRefusesWhatNamesNoPlace(t *testing.T) {
	for _, name := range []string{"", "Local", "Mars/Olympus"} {
		if _, err := Zone(name); err == nil {
			t.Errorf("Zone(%q) did not fail", name)
		}
	}
}

func BenchmarkAddBusinessDays(b *testing.B) {
	cal, loc := USFederal(), zone(b, "America/New_York")
	d := day(b, "2026-11-25")
	b.ReportAllocs()
	for b.Loop() {
		due, _ := cal.AddBusinessDays(d, 2)
		due.End(loc)
	}
}
