package page

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Shift is when somebody is on call: once between two instants, or every week on some days.
type Shift struct {
	Members []string   `json:"members"`
	From    *time.Time `json:"from,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Days    []string   `json:"days,omitempty"`
	Start   string     `json:"start,omitempty"`
	End     string     `json:"end,omitempty"`
}

// OnCall is a time in which the same people are on call; nobody may be.
type OnCall struct {
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Members []string  `json:"members"`
}

// OnCallPage is who is on call where, now and in the next days.
type OnCallPage struct {
	Admin
	Now time.Time
}

// Weekdays are the days of a weekly shift, as notification calls them, from Monday on.
var Weekdays = []Word{{"mon", "Monday"}, {"tue", "Tuesday"}, {"wed", "Wednesday"}, {"thu", "Thursday"}, {"fri", "Friday"}, {"sat", "Saturday"}, {"sun", "Sunday"}}

// Print tells whether the shifts of a roster are still those that somebody looked at.
func (r Roster) Print() string {
	b, _ := json.Marshal(r.Shifts) // strings and times: cannot fail
	h := fnv.New64a()
	_, _ = h.Write(b)
	return fmt.Sprintf("%x", h.Sum64())
}

func (r Roster) zone() *time.Location { return board.Zone(r.Zone) }

// Over reports whether a shift with dates has ended.
func (s Shift) Over(now time.Time) bool { return s.Until != nil && !s.Until.After(now) }

// dated says that a shift is for once, in place of the weekly ones.
func (s Shift) dated() bool { return s.From != nil && s.Until != nil }

// when says a shift's time in words, in the hospital's zone.
func (s Shift) when(ctx context.Context, zone *time.Location) string {
	if s.dated() {
		return say(ctx, "%s to %s", text.Moment(ctx, s.From.In(zone)), text.Moment(ctx, s.Until.In(zone)))
	}
	var days []string
	for _, d := range Weekdays {
		if slices.Contains(s.Days, d.Code) {
			days = append(days, say(ctx, d.Text))
		}
	}
	which := list(days)
	if len(days) == len(Weekdays) {
		which = say(ctx, "every day")
	}
	next := ""
	if s.End <= s.Start {
		next = say(ctx, "on the next day")
	}
	return strings.TrimSpace(say(ctx, "%s, %s to %s", board.Upper(which), clockWord(ctx, s.Start), clockWord(ctx, s.End)) + " " + next)
}

// clockWord is a time of the day as people say it.
func clockWord(ctx context.Context, clock string) string {
	at, err := time.Parse("15:04", clock)
	if err != nil {
		return clock
	}
	return text.Clock(ctx, at)
}

// edge is the beginning or the end of a stretch: the time, and the day where it is not the other's or today.
func edge(ctx context.Context, at, beside time.Time, zone *time.Location) string {
	local, other := at.In(zone), beside.In(zone)
	if local.YearDay() == other.YearDay() && local.Year() == other.Year() {
		return text.Clock(ctx, local)
	}
	return onDay(ctx, local, other)
}

// onDay is a time with its day of the week; in a week, with its date: on a Sunday, “Sunday” is today.
func onDay(ctx context.Context, at, now time.Time) string {
	if at.Weekday() == now.Weekday() && at.YearDay() != now.YearDay() {
		return text.Moment(ctx, at)
	}
	return text.Weekday(ctx, at) + " " + text.Clock(ctx, at)
}

// span is one of a roster's stretches in words: "Sunday 7:00 PM – Monday 7:00 AM". The first began at some time, the
// last ends at some time: nobody has looked.
func (r Roster) span(ctx context.Context, s OnCall) string {
	first, last := r.OnCall[0].From, r.OnCall[len(r.OnCall)-1].Until
	from, began := onDay(ctx, s.From.In(r.zone()), first.In(r.zone())), s.From.Equal(first)
	switch {
	case began && s.Until.Equal(last):
		return say(ctx, "from now on")
	case began:
		return say(ctx, "now, until %s", edge(ctx, s.Until, s.From, r.zone()))
	case s.Until.Equal(last):
		return say(ctx, "from %s on", from)
	}
	return from + " – " + edge(ctx, s.Until, s.From, r.zone())
}

// now is the stretch that runs, and its people; nil where the roster has no shifts.
func (r Roster) now() *OnCall {
	if len(r.OnCall) == 0 {
		return nil
	}
	return &r.OnCall[0]
}

// lasts says until when the people on call now are, "" where it is longer than anybody looks ahead.
func (l OnCallPage) lasts(ctx context.Context, r Roster) string {
	if len(r.OnCall) < 2 {
		return ""
	}
	return say(ctx, "until %s", edge(ctx, r.OnCall[0].Until, l.Now, r.zone()))
}

// named are the people of a roster, or of a stretch of it.
func (a Admin) named(ctx context.Context, members []string) string {
	return board.Upper(strings.Join(board.Recipients(ctx, members, a.Names), ", "))
}

// standing are a roster's shifts that are still to come or run, each with its place in the list.
func (l OnCallPage) standing(r Roster) (out []numbered) {
	for i, s := range r.Shifts {
		if !s.Over(l.Now) {
			out = append(out, numbered{i, s})
		}
	}
	slices.SortStableFunc(out, func(a, b numbered) int {
		switch {
		case a.dated() && b.dated():
			return a.From.Compare(*b.From)
		case a.dated() != b.dated():
			return cmp.Compare(map[bool]int{true: 1}[a.dated()], map[bool]int{true: 1}[b.dated()]) // what is for every week first
		}
		return 0
	})
	return out
}

type numbered struct {
	N int
	Shift
}

// offered are whom a roster can name: everybody who works here, and whomever it names already.
func (a Admin) offered(ctx context.Context, members []string) []Choice {
	out := a.targets(ctx)
	for _, m := range members {
		if !slices.ContainsFunc(out, func(c Choice) bool { return c.Code == m }) {
			out = append(out, Choice{m, a.member(ctx, m)})
		}
	}
	return out
}

// stepTargets are whom an alert can be passed on to: also whoever a roster names when the time comes.
func (a Admin) stepTargets(ctx context.Context) []Choice {
	return append(Options(ctx, near[:2]), a.targets(ctx)...)
}
