package board

import (
	"testing"
	"time"
)

func TestTheNextAttemptKeepsToTheHoursOfTheDay(t *testing.T) {
	zone := Zone("America/New_York")
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, zone) }
	due := func(t time.Time) *time.Time { return &t }
	for _, c := range []struct {
		name, outcome string
		attempts      int
		now           time.Time
		due           *time.Time
		want          time.Time // zero: none
	}{
		{"two hours after no answer", "no-answer", 1, at(23, 10, 0), nil, at(23, 12, 0)},
		{"on the next five minutes", "no-answer", 1, at(23, 10, 1), nil, at(23, 12, 5)},
		{"half an hour after a busy line", "busy", 1, at(23, 10, 0), nil, at(23, 10, 30)},
		{"not at night", "left-message", 1, at(23, 18, 0), nil, at(24, 9, 0)},
		{"not before people are up", "no-answer", 1, at(23, 5, 0), nil, at(23, 9, 0)},
		{"another part of the day after two mornings", "no-answer", 2, at(23, 9, 30), nil, at(23, 17, 0)},
		{"the next morning after afternoons", "no-answer", 3, at(23, 16, 0), nil, at(24, 9, 30)},
		{"an hour before the task is due", "left-message", 1, at(23, 10, 0), due(at(23, 13, 0)), at(23, 12, 0)},
		{"soon, when it is due within the hour", "no-answer", 1, at(23, 10, 0), due(at(23, 10, 50)), at(23, 10, 30)},
		{"as if nothing were due, when it is overdue", "no-answer", 1, at(23, 10, 0), due(at(22, 10, 0)), at(23, 12, 0)},
		{"none at a wrong number", "wrong-number", 1, at(23, 10, 0), nil, time.Time{}},
		{"over the end of daylight saving", "left-message", 1, time.Date(2026, 10, 31, 19, 0, 0, 0, zone), nil, at(1, 9, 0)},
	} {
		got, ok := NextAttempt(c.outcome, c.attempts, c.now, c.due, zone)
		if ok == c.want.IsZero() || ok && (!got.At.Equal(c.want) || got.Why == "") {
			t.Errorf("%s: %v because %q, want %v", c.name, got.At.In(zone), got.Why, c.want)
		}
	}
}

func TestWhenIsSaidInWords(t *testing.T) {
	zone := Zone("America/New_York")
	now := time.Date(2026, 11, 23, 22, 0, 0, 0, zone) // Monday
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{now.Add(time.Hour), "today at 11:00 PM"}, {now.Add(3 * time.Hour), "tomorrow at 1:00 AM"}, {now.Add(60 * time.Hour), "Thursday at 10:00 AM"},
		{now.Add(10 * 24 * time.Hour), "Thursday, December 3 at 10:00 PM"},
	} {
		if got := When(t.Context(), c.at, now, zone); got != c.want {
			t.Errorf("%v is %q, want %q", c.at, got, c.want)
		}
	}
}

func TestWhatIsPutOffComesBackInTheMorning(t *testing.T) {
	zone := Zone("America/New_York")
	for day := 22; day < 29; day++ { // Sunday to Saturday
		now := time.Date(2026, 11, day, 10, 0, 0, 0, zone)
		for _, s := range Snoozes {
			if at, ok := SnoozeAt(s.Code, now, zone); !ok || !at.After(now) {
				t.Errorf("on the %dth %s is %v", day, s.Code, at)
			}
		}
		if at, _ := SnoozeAt("monday", now, zone); at.Weekday() != time.Monday || at.Hour() != 9 || at.Sub(now) > 7*24*time.Hour {
			t.Errorf("on the %dth Monday is %v", day, at)
		}
	}
	if _, ok := SnoozeAt("evening", time.Date(2026, 11, 22, 18, 0, 0, 0, zone), zone); ok {
		t.Error("this evening can still be chosen when it is over")
	}
}

func TestHeadingsStandAboveTheirRowsOnce(t *testing.T) {
	now := time.Now()
	rows := make([]Row, 40)
	for i := range rows {
		due := now.Add(time.Duration(i-10) * 7 * time.Hour)
		rows[i].Due, rows[i].ID[0], rows[i].Encounter[0] = &due, byte(i+1), byte(i/4+1)
	}
	rows[39].Due = nil
	for how, heads := range map[string]int{"": 0, "due": 6, "patient": 10} {
		seen, n := map[string]bool{}, 0
		for _, item := range Arrange(t.Context(), rows, how, now) {
			if seen[item.ID] {
				t.Errorf("by %q: %s comes twice", how, item.ID)
			}
			seen[item.ID] = true
			if item.Head != nil {
				n++
			}
		}
		if n != heads || len(seen) != len(rows)+heads {
			t.Errorf("by %q: %d headings and %d items, want %d headings above %d rows", how, n, len(seen), heads, len(rows))
		}
	}
}
