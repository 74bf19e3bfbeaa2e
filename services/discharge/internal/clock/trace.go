package clock

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// Trace is a due instant with everything it follows from. Steps are for people;
// the other fields are enough to compute the due instant again.
type Trace struct {
	Rule      string    `json:"rule"`
	Version   string    `json:"version"`
	Title     string    `json:"title"`
	Source    string    `json:"source"`
	Standing  string    `json:"standing"`
	Trigger   Trigger   `json:"trigger"`
	TriggerAt time.Time `json:"trigger_at"`
	Unit      Unit      `json:"unit"`
	Count     int       `json:"count"`
	Zone      string    `json:"zone"`
	Calendar  string    `json:"calendar,omitempty"` // only where business days were counted
	Steps     []string  `json:"steps"`
	Warn      time.Time `json:"warn_at"` // when the owner is reminded
	Due       time.Time `json:"due_at"`  // exclusive: late from this instant on
}

// Where is the place a clock runs in: the facility's zone and business calendar.
type Where struct {
	Zone     *time.Location // its String is the IANA name
	Calendar *calendar.Calendar
}

// Due is the due instant of rule r for a trigger at an instant, with its trace.
func (r Rule) Due(trigger time.Time, where Where) Trace {
	t := Trace{
		Rule: r.ID, Version: r.Version, Title: r.Title, Source: r.Source, Standing: r.Standing,
		Trigger: r.Trigger, TriggerAt: trigger.UTC(), Unit: r.Unit, Count: r.Count, Zone: where.Zone.String(),
	}
	var due time.Time
	switch r.Unit {
	case Hours:
		due, t.Steps = r.afterHours(trigger, where.Zone)
	case BusinessDays:
		t.Calendar = where.Calendar.ID()
		due, t.Steps = r.afterBusinessDays(trigger, where)
	default:
		due, t.Steps = r.afterCalendarDays(trigger, where.Zone)
	}
	t.Due = due.UTC()
	t.Warn = r.warn(trigger, due, where.Zone).UTC()
	return t
}

// Explain gives the trace of a due time that was computed before, from what is kept
// of it: the rule as id@version, the trigger, the zone and the calendar's id. Every
// version of every rule that was ever in force stays in the table for this.
func (t *Table) Explain(rule string, trigger time.Time, zone, calendarID string) (Trace, error) {
	id, version, _ := strings.Cut(rule, "@")
	r, ok := t.Version(id, version)
	if !ok {
		return Trace{}, fmt.Errorf("clock: no rule %s", rule)
	}
	z, err := calendar.Zone(zone)
	if err != nil {
		return Trace{}, err
	}
	cal, err := calendar.Named(calendarID)
	if err != nil {
		return Trace{}, err
	}
	return r.Due(trigger, Where{z, cal}), nil
}

// workdayStarts is how far into the last day the reminder of a rule counted in days
// comes: not at midnight, when it could only wake somebody.
const workdayStarts = 8 * time.Hour

// warn is when the owner is reminded: in the morning of the last day, or after three
// quarters of the hours.
func (r Rule) warn(trigger, due time.Time, zone *time.Location) time.Time {
	if r.Unit == Hours {
		return trigger.Add(due.Sub(trigger) / 4 * 3)
	}
	morning := calendar.DateOf(due.Add(-1), zone).Start(zone).Add(workdayStarts)
	if morning.Before(trigger) {
		return trigger
	}
	return morning
}

// Ref is the rule as id@version.
func (r Rule) Ref() string { return r.ID + "@" + r.Version }

// Warn is when the owner is reminded of what is due at an instant that At gave.
func (r Rule) Warn(trigger, due time.Time, where Where) time.Time {
	return r.warn(trigger, due, where.Zone)
}

// At is the due instant of rule r alone, without its trace.
func (r Rule) At(trigger time.Time, where Where) time.Time {
	day0 := calendar.DateOf(trigger, where.Zone)
	switch r.Unit {
	case Hours:
		return trigger.Add(time.Duration(r.Count) * time.Hour)
	case BusinessDays:
		last, _ := where.Calendar.AddBusinessDays(day0, r.Count)
		return last.End(where.Zone)
	default:
		return day0.AddDays(r.Count).End(where.Zone)
	}
}

// Check computes the due instant again from the trace's own fields and says how
// the result differs, if it does. The calendar must be the one the trace names.
func (t Trace) Check(cal *calendar.Calendar) error {
	zone, err := calendar.Zone(t.Zone)
	if err != nil {
		return err
	}
	if t.Unit == BusinessDays && cal.ID() != t.Calendar {
		return fmt.Errorf("clock: the trace counts business days in calendar %s, not %s", t.Calendar, cal.ID())
	}
	r := Rule{ID: t.Rule, Version: t.Version, Trigger: t.Trigger, Unit: t.Unit, Count: t.Count}
	if again := r.Due(t.TriggerAt, Where{zone, cal}); !again.Due.Equal(t.Due) {
		return fmt.Errorf("clock: rule %s@%s gives %s, the trace says %s", t.Rule, t.Version, again.Due, t.Due)
	}
	return nil
}

const (
	dayWords     = "Mon 2 Jan 2006"
	instantWords = "Mon 2 Jan 2006 15:04 MST"
)

func (r Rule) afterHours(trigger time.Time, zone *time.Location) (time.Time, []string) {
	due := trigger.Add(time.Duration(r.Count) * time.Hour)
	return due, []string{
		r.verb() + " " + words(trigger, zone, instantWords),
		strconv.Itoa(r.Count) + " hours later: due before " + words(due, zone, instantWords),
	}
}

func (r Rule) afterCalendarDays(trigger time.Time, zone *time.Location) (time.Time, []string) {
	day0 := calendar.DateOf(trigger, zone)
	last := day0.AddDays(r.Count)
	due := last.End(zone)
	return due, []string{
		r.dayZero(trigger, zone),
		"Day " + strconv.Itoa(r.Count) + " is " + inWords(last),
		byEndOf(due, zone),
	}
}

func (r Rule) afterBusinessDays(trigger time.Time, where Where) (time.Time, []string) {
	day0 := calendar.DateOf(trigger, where.Zone)
	last, skipped := where.Calendar.AddBusinessDays(day0, r.Count)
	due := last.End(where.Zone)
	steps := make([]string, 0, 3+len(skipped))
	steps = append(steps, r.dayZero(trigger, where.Zone)+"; counting starts the day after")
	for _, s := range skipped {
		why := s.Why
		if wd := s.Date.Weekday().String(); wd != why {
			why = "closed for " + why
		} else {
			why = "a " + why
		}
		steps = append(steps, inWords(s.Date)+" does not count: "+why)
	}
	steps = append(steps, "Business day "+strconv.Itoa(r.Count)+" is "+inWords(last), byEndOf(due, where.Zone))
	return due, steps
}

func (r Rule) verb() string {
	switch r.Trigger {
	case Admission:
		return "Admitted"
	case Hanging:
		return "Found without an end"
	}
	return "Discharged"
}

func (r Rule) dayZero(trigger time.Time, zone *time.Location) string {
	return r.verb() + " " + words(trigger, zone, instantWords) + ": that day is day 0"
}

func byEndOf(due time.Time, zone *time.Location) string {
	return "Due by the end of that day: before " + words(due, zone, instantWords)
}

func words(t time.Time, zone *time.Location, layout string) string {
	return t.In(zone).Format(layout)
}

func inWords(d calendar.Date) string {
	return d.Start(time.UTC).Format(dayWords)
}
