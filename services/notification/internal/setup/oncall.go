package setup

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
)

// Shift is when somebody is on call: between two instants (from, until), or every week on some days between two
// local times (days, start, end).
type Shift struct {
	Members []string   `json:"members" minItems:"1" maxItems:"50" doc:"person ids or role:x"`
	From    *time.Time `json:"from,omitempty" doc:"of a shift with dates: it stands in place of the weekly ones"`
	Until   *time.Time `json:"until,omitempty"`
	Days    []string   `json:"days,omitempty" enum:"sun,mon,tue,wed,thu,fri,sat" doc:"of a weekly shift: the days it starts on"`
	Start   string     `json:"start,omitempty" doc:"15:04, in the facility's zone"`
	End     string     `json:"end,omitempty" doc:"15:04; when or before it starts: on the next day"`
}

// OnCall is a time in which the same people are on call.
type OnCall struct {
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Members []string  `json:"members"`
}

// coming is how far ahead a roster says who is on call, and finds gaps.
const coming = 7 * 24 * time.Hour

// shift reads a shift, or says what is wrong with it.
func (v Shift) shift() (routing.Shift, error) {
	s := routing.Shift(v)
	dated, weekly := v.From != nil || v.Until != nil, len(v.Days) > 0 || v.Start != "" || v.End != ""
	for _, m := range v.Members {
		if err := checkTarget(m); err != nil {
			return s, err
		}
	}
	switch {
	case len(v.Members) == 0:
		return s, fault.New(fault.Invalid, "a shift names nobody")
	case dated == weekly:
		return s, fault.New(fault.Invalid, "a shift has either from and until, or days, start and end")
	case dated && (v.From == nil || v.Until == nil || !v.Until.After(*v.From)):
		return s, fault.New(fault.Invalid, "a shift with dates ends after it begins")
	case weekly && len(v.Days) == 0:
		return s, fault.New(fault.Invalid, "a weekly shift has days")
	}
	for _, d := range v.Days {
		if !slices.Contains(routing.Weekdays, d) {
			return s, fault.New(fault.Invalid, "%q is no day: sun, mon, tue, wed, thu, fri, sat", d)
		}
	}
	for _, clock := range []string{v.Start, v.End} {
		if _, err := time.Parse(routing.ClockLayout, clock); weekly && (err != nil || len(clock) != len(routing.ClockLayout)) {
			return s, fault.New(fault.Invalid, "%q is no time of the day: write it like 19:00", clock)
		}
	}
	return s, nil
}

// shifts reads the shifts of a roster; nil are those it has.
func (v Roster) shifts() ([]routing.Shift, error) {
	if v.Shifts == nil {
		return nil, nil
	}
	out := []routing.Shift{}
	for _, x := range *v.Shifts {
		s, err := x.shift()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// known makes sure that the zones are known in which shifts begin.
func known(rosters []Roster, zones map[string]string) error {
	for _, r := range rosters {
		if r.Zone != "" {
			if _, err := calendar.Zone(r.Zone); err != nil {
				return fault.New(fault.Invalid, "%q is no IANA time zone", r.Zone)
			}
		} else if r.Shifts != nil && len(*r.Shifts) > 0 && zones[r.Facility] == "" {
			return fault.New(fault.Invalid, "the zone of %s is not known here: say it with the roster", r.Facility)
		}
	}
	return nil
}

// viewRoster is a roster with who is on call now and next.
func viewRoster(dir *routing.Directory, r routing.Roster, now time.Time) Roster {
	shifts := []Shift{}
	for _, s := range r.Shifts {
		shifts = append(shifts, Shift(s))
	}
	v := Roster{Facility: r.Facility, Unit: r.Unit, Members: r.Members, Shifts: &shifts, Zone: dir.Zone(r.Facility).String(), OnCall: []OnCall{}, Gaps: []OnCall{}}
	if len(shifts) == 0 {
		return v
	}
	week := r.Stretches(now, now.Add(coming), dir.Zone(r.Facility))
	for _, s := range week {
		v.OnCall = append(v.OnCall, onCall(s))
	}
	for _, s := range dir.Gaps(r, week) {
		v.Gaps = append(v.Gaps, onCall(s))
	}
	return v
}

func onCall(s routing.Stretch) OnCall {
	return OnCall{s.From.UTC(), s.Until.UTC(), append([]string{}, s.Members...)}
}
