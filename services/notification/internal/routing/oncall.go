package routing

import (
	"slices"
	"strings"
	"time"
)

// Shift is when somebody is on call for a place: between two instants, or every week on some days between two
// local times. One that ends when or before it starts ends on the next day.
type Shift struct {
	Members []string   `json:"members"` // person ids or "role:x"
	From    *time.Time `json:"from,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Days    []string   `json:"days,omitempty"`  // of Weekdays: those it starts on
	Start   string     `json:"start,omitempty"` // 15:04, local
	End     string     `json:"end,omitempty"`
}

// Weekdays are what the days of a shift are called, as time.Weekday counts them.
var Weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Stretch is a time in which the same people are on call; nobody may be.
type Stretch struct {
	From, Until time.Time
	Members     []string
}

// ClockLayout is how the times of a weekly shift are written.
const ClockLayout = "15:04"

func (s Shift) dated() bool { return s.From != nil && s.Until != nil }

// on is when a weekly shift runs that starts on a local day.
func (s Shift) on(day time.Time, zone *time.Location) (from, until time.Time, ok bool) {
	if !slices.Contains(s.Days, Weekdays[day.Weekday()]) {
		return from, until, false
	}
	start, end := minutes(s.Start), minutes(s.End)
	if end <= start {
		end += 24 * 60
	}
	at := func(m int) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day()+m/(24*60), m/60%24, m%60, 0, 0, zone)
	}
	return at(start), at(end), true
}

// noon is that of the local day of an instant. Days are counted from noon to noon: it is there every day, while in
// some zones clocks go forward at midnight, and the midnight before another day's is the evening before it.
func noon(at time.Time, zone *time.Location) time.Time {
	year, month, day := at.In(zone).Date()
	return time.Date(year, month, day, 12, 0, 0, 0, zone)
}

// minutes are those since midnight of a time as ClockLayout writes it.
func minutes(clock string) int {
	if len(clock) != len(ClockLayout) {
		return 0
	}
	digit := func(i int) int { return int(clock[i] - '0') }
	return (digit(0)*10+digit(1))*60 + digit(3)*10 + digit(4)
}

// covers reports whether somebody is on call by it at an instant.
func (s Shift) covers(at time.Time, zone *time.Location) bool {
	if s.dated() {
		return !at.Before(*s.From) && at.Before(*s.Until)
	}
	day := noon(at, zone)
	for back := range 2 {
		if from, until, ok := s.on(day.AddDate(0, 0, -back), zone); ok && !at.Before(from) && at.Before(until) {
			return true
		}
	}
	return false
}

// OnCall are those on call at an instant. A shift with dates stands in place of the weekly ones.
func (r Roster) OnCall(at time.Time, zone *time.Location) []string {
	var dated, weekly []string
	for _, s := range r.Shifts {
		switch {
		case !s.covers(at, zone):
		case s.dated():
			dated = append(dated, s.Members...)
		default:
			weekly = append(weekly, s.Members...)
		}
	}
	if len(dated) == 0 {
		dated = weekly
	}
	return distinct(dated)
}

func distinct(list []string) (out []string) {
	for _, m := range list {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// Stretches are who is on call from an instant until another, in order and without a gap between them.
func (r Roster) Stretches(from, until time.Time, zone *time.Location) (out []Stretch) {
	edges := []time.Time{from}
	edge := func(at time.Time) {
		if at.After(from) && at.Before(until) {
			edges = append(edges, at)
		}
	}
	for _, s := range r.Shifts {
		if s.dated() {
			edge(*s.From)
			edge(*s.Until)
			continue
		}
		for day := noon(from, zone).AddDate(0, 0, -1); day.Before(until.AddDate(0, 0, 1)); day = day.AddDate(0, 0, 1) {
			if begins, ends, ok := s.on(day, zone); ok {
				edge(begins)
				edge(ends)
			}
		}
	}
	slices.SortFunc(edges, time.Time.Compare)
	for _, at := range edges {
		who := r.OnCall(at, zone)
		if n := len(out); n > 0 && slices.Equal(out[n-1].Members, who) {
			continue
		} else if n > 0 {
			out[n-1].Until = at
		}
		out = append(out, Stretch{From: at, Until: until, Members: who})
	}
	return out
}

// Gaps are those of a roster's stretches in which it would tell nobody who works here.
func (d *Directory) Gaps(r Roster, list []Stretch) (out []Stretch) {
	if len(r.Shifts) == 0 || slices.ContainsFunc(r.Members, d.somebody) {
		return nil
	}
	for _, s := range list {
		if slices.ContainsFunc(s.Members, d.somebody) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Until.Equal(s.From) { // one after another of people who have left
			out[n-1].Until = s.Until
			continue
		}
		out = append(out, s)
	}
	return out
}

// somebody reports whether an entry of a roster names anyone who is told of things.
func (d *Directory) somebody(member string) bool {
	p, known := d.people[member]
	return strings.HasPrefix(member, "role:") || !known || p.Active
}

// Zone is a facility's; UTC where nobody has said.
func (d *Directory) Zone(facility string) *time.Location {
	if z := d.zones[facility]; z != nil {
		return z
	}
	return time.UTC
}

// onCall tells whoever is on call for a place at the time of the question.
func (w *walk) onCall(r Roster, name string) {
	zone, hour := w.d.Zone(r.Facility), w.q.At.Truncate(time.Hour)
	s := r.Stretches(w.q.At, hour.Add(onCallSeen), zone)[0]
	said := name
	if s.Until.Before(hour.Add(onCallSeen)) {
		said += " until " + s.Until.In(zone).Format("Mon 3:04 PM MST")
	}
	w.members(s.Members, "on call for "+said)
	if len(s.Members) == 0 {
		w.why = append(w.why, "nobody is on call for "+said)
	}
	for _, until := range []time.Time{s.Until, hour.Add(time.Hour)} {
		if w.until.IsZero() || until.Before(w.until) {
			w.until = until
		}
	}
}

// onCallSeen is how far ahead of an hour it is looked until when somebody is on call.
const onCallSeen = 7 * 24 * time.Hour
