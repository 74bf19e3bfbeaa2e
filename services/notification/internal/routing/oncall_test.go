package routing

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/services/notification/internal/notice"
)

var eastern, _ = time.LoadLocation("America/New_York")

func east(text string) time.Time {
	at, err := time.ParseInLocation("2006-01-02 15:04", text, eastern)
	if err != nil {
		panic(err)
	}
	return at
}

func dated(from, until string, members ...string) Shift {
	f, u := east(from).UTC(), east(until).UTC()
	return Shift{Members: members, From: &f, Until: &u}
}

// nights are every night from seven to seven, but of Sunday.
func nights(member string) Shift {
	return Shift{Members: []string{member}, Days: []string{"mon", "tue", "wed", "thu", "fri", "sat"}, Start: "19:00", End: "07:00"}
}

func TestWhoIsOnCallDependsOnTheHourAtTheFacility(t *testing.T) {
	// 22 November 2026 is a Sunday; clocks went back on 1 November 2026 and go forward on 14 March 2027.
	r := Roster{Facility: "A", Shifts: []Shift{nights("ann"), dated("2026-11-24 19:00", "2026-11-25 07:00", "bob")}}
	for at, want := range map[string][]string{
		"2026-11-23 18:59": nil, "2026-11-23 19:00": {"ann"}, "2026-11-24 06:59": {"ann"}, "2026-11-24 07:00": nil,
		"2026-11-22 23:00": nil, "2026-11-22 06:00": {"ann"}, // Sunday's night is nobody's, Saturday's goes on into Sunday
		"2026-11-24 20:00": {"bob"}, "2026-11-25 20:00": {"ann"}, // the shift with a date stands in place of the weekly one
		"2026-11-01 01:30": {"ann"}, "2027-03-14 03:30": {"ann"}, "2027-03-13 19:00": {"ann"},
	} {
		if diff := cmp.Diff(want, r.OnCall(east(at), eastern)); diff != "" {
			t.Errorf("%s: %s", at, diff)
		}
	}
}

// In Havana clocks go from midnight to one on Sunday 8 March 2026: half past midnight is not there.
func TestANightAfterAMidnightThatIsNotThereIsCovered(t *testing.T) {
	zone, err := time.LoadLocation("America/Havana")
	if err != nil {
		t.Fatal(err)
	}
	r := Roster{Facility: "A", Shifts: []Shift{{Members: []string{"ann"}, Days: []string{"sun"}, Start: "19:00", End: "07:00"}}}
	monday := time.Date(2026, 3, 9, 0, 30, 0, 0, zone)
	if got := r.OnCall(monday, zone); !slices.Equal(got, []string{"ann"}) {
		t.Errorf("half an hour after midnight, in the night of Sunday: %v", got)
	}
	want := []Stretch{{monday, time.Date(2026, 3, 9, 7, 0, 0, 0, zone), []string{"ann"}}, {time.Date(2026, 3, 9, 7, 0, 0, 0, zone), monday.AddDate(0, 0, 1), nil}}
	if diff := cmp.Diff(want, r.Stretches(monday, monday.AddDate(0, 0, 1), zone)); diff != "" {
		t.Error(diff)
	}
}

func TestAWeekSaysWhoIsOnCallAndWhereNobodyIs(t *testing.T) {
	r := Roster{Facility: "A", Unit: "4N", Shifts: []Shift{
		nights("ann"), {Members: []string{"bob"}, Days: Weekdays, Start: "07:00", End: "19:00"}, dated("2026-11-23 07:00", "2026-11-23 12:00", "gone"),
	}}
	d := NewDirectory(Data{People: []Person{{ID: "gone"}, {ID: "ann", Active: true}, {ID: "bob", Active: true}}, Rosters: []Roster{r}, Zones: map[string]string{"A": "America/New_York"}})
	from := east("2026-11-22 12:00")
	want := []Stretch{
		{from, east("2026-11-22 19:00"), []string{"bob"}}, {east("2026-11-22 19:00"), east("2026-11-23 07:00"), nil},
		{east("2026-11-23 07:00"), east("2026-11-23 12:00"), []string{"gone"}}, {east("2026-11-23 12:00"), east("2026-11-23 19:00"), []string{"bob"}},
		{east("2026-11-23 19:00"), east("2026-11-24 00:00"), []string{"ann"}},
	}
	if diff := cmp.Diff(want, r.Stretches(from, east("2026-11-24 00:00"), eastern)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Stretch{{east("2026-11-22 19:00"), east("2026-11-23 12:00"), nil}}, d.Gaps(r, r.Stretches(from, east("2026-11-24 00:00"), eastern))); diff != "" {
		t.Errorf("a night nobody has, and a morning of somebody who has left: %s", diff)
	}
	r.Members = []string{"role:liaison"}
	if gaps := d.Gaps(r, r.Stretches(from, east("2026-11-24 00:00"), eastern)); gaps != nil {
		t.Errorf("somebody always answers: %v", gaps)
	}
}

func TestTonightsLiaisonIsToldAndNotLastWeeks(t *testing.T) {
	d := NewDirectory(Data{
		People:  []Person{{ID: "ann", Active: true}, {ID: "bob", Active: true}, {ID: "lea", Active: true, Roles: []string{"lead"}}},
		Rosters: []Roster{{Facility: "A", Unit: "4N", Shifts: []Shift{dated("2026-11-14 19:00", "2026-11-15 07:00", "bob"), dated("2026-11-21 19:00", "2026-11-22 07:00", "ann")}}, {Facility: "A", Members: []string{"role:lead"}}},
		Zones:   map[string]string{"A": "America/New_York"},
	})
	q := Question{Kind: notice.Opened, Facility: "A", Unit: "4N", At: east("2026-11-22 02:00")}
	got := d.Route(q)
	if diff := cmp.Diff(&Answer{Audience: []string{"ann"}, Decisions: []Decision{{Selected, "ann", Console, "on call for unit 4N of A until Sun 7:00 AM EST"}}}, got); diff != "" {
		t.Error(diff)
	}
	q.At = east("2026-11-22 07:00")
	got = d.Route(q)
	if diff := cmp.Diff(&Answer{Audience: []string{"role:lead"}, Decisions: []Decision{{Selected, "role:lead", Console, "roster of facility A"}}}, got); diff != "" {
		t.Errorf("when nobody is on call, the hospital's roster is next: %s", diff)
	}
	q.At = east("2026-11-22 02:00")
	if again := d.Route(q); !slices.Equal(again.Audience, []string{"ann"}) {
		t.Errorf("asked of the night again: %+v", again)
	}
	q.Target = "unit"
	q.At = east("2026-11-21 23:00")
	if got := d.Route(q); !slices.Equal(got.Audience, []string{"ann"}) {
		t.Errorf("passed on to whoever is on call then: %+v", got)
	}
}

// Stretches leave nothing out, follow each other, differ from their neighbours, and say of every instant what
// OnCall says.
func TestStretchesAreWhatOnCallSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := east("2026-10-30 00:00") // over the change of clocks
		var r Roster
		for range rapid.IntRange(0, 4).Draw(t, "shifts") {
			s := Shift{Members: []string{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "who")}}
			if rapid.Bool().Draw(t, "dated") {
				from := base.Add(time.Duration(rapid.IntRange(-48, 120).Draw(t, "from")) * time.Hour)
				until := from.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "long")) * time.Hour)
				s.From, s.Until = &from, &until
			} else {
				s.Days = rapid.SliceOfNDistinct(rapid.SampledFrom(Weekdays), 1, 7, rapid.ID).Draw(t, "days")
				s.Start, s.End = rapid.SampledFrom([]string{"00:00", "01:30", "07:00", "19:00"}).Draw(t, "start"), rapid.SampledFrom([]string{"00:00", "02:30", "07:00", "19:00"}).Draw(t, "end")
			}
			r.Shifts = append(r.Shifts, s)
		}
		until := base.Add(5 * 24 * time.Hour)
		list := r.Stretches(base, until, eastern)
		at := base
		for i, s := range list {
			if !s.From.Equal(at) || !s.Until.After(s.From) || i > 0 && slices.Equal(s.Members, list[i-1].Members) {
				t.Fatalf("%d: %v", i, list)
			}
			for _, when := range []time.Time{s.From, s.Until.Add(-time.Minute), s.From.Add(s.Until.Sub(s.From) / 2)} {
				if !slices.Equal(r.OnCall(when, eastern), s.Members) {
					t.Fatalf("at %s %v is on call, the stretch says %v", when, r.OnCall(when, eastern), s.Members)
				}
			}
			at = s.Until
		}
		if !at.Equal(until) {
			t.Fatalf("it ends at %s", at)
		}
	})
}

// What was answered before never changes an answer: a directory that is asked about many times says of each what a
// fresh one says.
func TestWhatWasAnsweredBeforeChangesNothing(t *testing.T) {
	data := Data{
		People:  []Person{{ID: "ann", Active: true, Email: "ann@example.org"}, {ID: "bob", Active: true}},
		Rosters: []Roster{{Facility: "A", Unit: "4N", Members: []string{"gone"}, Shifts: []Shift{nights("ann"), dated("2026-11-24 19:00", "2026-11-25 07:00", "bob")}}},
		Zones:   map[string]string{"A": "America/New_York"},
	}
	rapid.Check(t, func(t *rapid.T) {
		d := NewDirectory(data)
		for range 8 {
			q := Question{Kind: notice.Opened, Facility: "A", Unit: rapid.SampledFrom([]string{"4N", "ED"}).Draw(t, "unit"), Sensitive: rapid.Bool().Draw(t, "confidential"),
				At: east("2026-11-20 00:00").Add(time.Duration(rapid.IntRange(0, 8*24*60).Draw(t, "minute")) * time.Minute)}
			if diff := cmp.Diff(NewDirectory(data).Route(q), d.Route(q)); diff != "" {
				t.Fatalf("%s: %s", q.At, diff)
			}
		}
	})
}

func BenchmarkRouteOnCall(b *testing.B) {
	r := Roster{Facility: "A", Unit: "4N"}
	for range 20 {
		r.Shifts = append(r.Shifts, nights("ann"))
	}
	d := NewDirectory(Data{People: []Person{{ID: "ann", Active: true}}, Rosters: []Roster{r}, Zones: map[string]string{"A": "America/New_York"}})
	q := Question{Kind: notice.Opened, Facility: "A", Unit: "4N", At: east("2026-11-23 20:00")}
	for b.Loop() {
		q.At = q.At.Add(time.Millisecond)
		d.Route(q)
	}
}
