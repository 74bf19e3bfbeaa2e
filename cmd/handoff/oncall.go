package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/remote"
	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/web"
)

// shift is when somebody is on call, as notification has it: once between two instants, or every week on some days.
type shift struct {
	Members []string   `json:"members"`
	From    *time.Time `json:"from,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Days    []string   `json:"days,omitempty"`
	Start   string     `json:"start,omitempty"`
	End     string     `json:"end,omitempty"`
}

// weekdays are the days of a weekly shift, from Monday on.
var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// localTime is how an instant is written in the facility's zone.
const localTime = "2006-01-02T15:04"

// readShift reads "mon-fri 19:00-07:00 ann,bob" or "2026-12-24T19:00/2026-12-25T07:00 ann,bob"; zone is asked for where
// a time is the facility's.
func readShift(text string, zone func() (*time.Location, error)) (s shift, err error) {
	words := strings.Fields(text)
	if len(words) != 2 && len(words) != 3 {
		return s, fmt.Errorf("--shift %q: write it like %q or %q", text, "mon-fri 19:00-07:00 ann,bob", "2026-12-24T19:00/2026-12-25T07:00 ann,bob")
	}
	s.Members = strings.Split(words[len(words)-1], ",")
	if len(words) == 3 {
		start, end, both := strings.Cut(words[1], "-")
		if !both {
			return s, fmt.Errorf("--shift %q: %q is no two times of the day, like 19:00-07:00", text, words[1])
		}
		s.Start, s.End = start, end
		s.Days, err = readDays(words[0])
		return s, err
	}
	from, until, both := strings.Cut(words[0], "/")
	if !both {
		return s, fmt.Errorf("--shift %q: %q is no two instants, like 2026-12-24T19:00/2026-12-25T07:00", text, words[0])
	}
	if s.From, err = readInstant(from, zone); err == nil {
		s.Until, err = readInstant(until, zone)
	}
	return s, err
}

// readDays reads days and stretches of them: "mon-fri", "sat,sun", "daily".
func readDays(text string) (days []string, err error) {
	if text == "daily" {
		return weekdays, nil
	}
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		first, last, stretch := strings.Cut(part, "-")
		if !stretch {
			last = first
		}
		from, to := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if from < 0 || to < 0 {
			return nil, fmt.Errorf("%q is no day, and no stretch of days: %s, mon-fri, daily", part, strings.Join(weekdays, ", "))
		}
		for i := from; ; i = (i + 1) % len(weekdays) { // fri-mon goes over the end of the week
			days = append(days, weekdays[i])
			if i == to {
				break
			}
		}
	}
	return days, nil
}

func readInstant(text string, zone func() (*time.Location, error)) (*time.Time, error) {
	if at, err := time.Parse(localTime+"Z07:00", text); err == nil {
		return &at, nil
	}
	if _, err := time.Parse(localTime, text); err != nil {
		return nil, fmt.Errorf("%q is no time: write it like 2026-12-24T19:00, or with its offset, 2026-12-24T19:00-05:00", text)
	}
	local, err := zone()
	if err != nil {
		return nil, err
	}
	at, err := time.ParseInLocation(localTime, text, local)
	return &at, err
}

// String writes a shift as readShift reads it.
func (s shift) String() string {
	who := strings.Join(s.Members, ",")
	if s.From != nil && s.Until != nil {
		return s.From.Format(localTime) + "/" + s.Until.Format(localTime) + " " + who
	}
	return writeDays(s.Days) + " " + s.Start + "-" + s.End + " " + who
}

func writeDays(days []string) string {
	var parts []string
	for i := 0; i < len(weekdays); i++ {
		from := i
		for i < len(weekdays) && slices.Contains(days, weekdays[i]) {
			i++
		}
		switch n := i - from; {
		case n == len(weekdays):
			return "daily"
		case n > 2:
			parts = append(parts, weekdays[from]+"-"+weekdays[i-1])
		case n > 0:
			parts = append(parts, weekdays[from:i]...)
		}
	}
	return strings.Join(parts, ",")
}

// onCall is what notification says of a roster's shifts.
type onCall struct {
	Facility string
	Zone     string
	Shifts   []shift
	Now      []struct{ Members []string } `json:"on_call"`
	Gaps     []struct{ From time.Time }
}

// inWords puts into words who is on call now, from when on nobody is, and the shifts, in the facility's time.
func inWords(roster remote.Item) error {
	var r onCall
	text, err := json.Marshal(roster)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return err
	}
	zone, err := calendar.Zone(r.Zone)
	if err != nil {
		return err
	}
	var shifts []string
	for _, s := range r.Shifts {
		for _, at := range []*time.Time{s.From, s.Until} {
			if at != nil {
				*at = at.In(zone)
			}
		}
		shifts = append(shifts, s.String())
	}
	roster["shifts"] = strings.Join(shifts, "; ")
	delete(roster, "on_call")
	if len(r.Now) > 0 {
		roster["on_call"] = "nobody"
		if who := r.Now[0].Members; len(who) > 0 {
			roster["on_call"] = strings.Join(who, ", ")
		}
	}
	if len(r.Gaps) > 0 {
		roster["nobody_from"] = r.Gaps[0].From.In(zone).Format("Mon " + localTime)
	}
	return nil
}

// zone is the facility's, as it is said, else as its rosters have it.
func (c *rosterSet) zone(ctx context.Context) (*time.Location, error) {
	if c.Zone != "" {
		return calendar.Zone(c.Zone)
	}
	to, err := c.Connect(web.Admin)
	if err != nil {
		return nil, err
	}
	var rosters web.List[onCall]
	if err := to.Get(ctx, "notification", "/rosters", &rosters); err != nil {
		return nil, err
	}
	at := slices.IndexFunc(rosters.Items, func(r onCall) bool { return r.Facility == c.Facility })
	if at < 0 {
		return nil, fmt.Errorf("the zone of %s is not known here: say it with --zone, or write times with their offset", c.Facility)
	}
	return calendar.Zone(rosters.Items[at].Zone)
}

// shiftsOf reads the shifts of the command line.
func (c *rosterSet) shiftsOf(ctx context.Context) ([]shift, error) {
	out := []shift{}
	for _, text := range c.Shift {
		s, err := readShift(text, func() (*time.Location, error) { return c.zone(ctx) })
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}
