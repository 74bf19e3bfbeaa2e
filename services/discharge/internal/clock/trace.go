package clock

import (
	"fmt"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// Trace is a due instant with everything it follows from. Steps are for people;
// Derivation is for machines: followed from its start it ends at the due instant.
type Trace struct {
	Rule       string     `json:"rule"`
	Version    string     `json:"version"`
	Title      string     `json:"title"`
	Source     string     `json:"source"`
	Standing   string     `json:"standing"`
	Trigger    Trigger    `json:"trigger"`
	TriggerAt  time.Time  `json:"trigger_at"`
	Unit       Unit       `json:"unit"`
	Count      int        `json:"count"`
	Zone       string     `json:"zone"`
	Calendar   string     `json:"calendar,omitempty"` // only where business days were counted
	Bends                 //
	Opens      *time.Time `json:"opens_at,omitempty"` // evidence counts from here on; none: from the trigger on
	Steps      []string   `json:"steps"`
	Derivation []Step     `json:"derivation"`
	Warn       time.Time  `json:"warn_at"` // when the owner is reminded
	Due        time.Time  `json:"due_at"`  // exclusive: late from this instant on
}

// Bends are what moves a due time away from what the rule alone would give.
type Bends struct {
	Pauses   []Pause    `json:"pauses,omitempty"`
	Extended bool       `json:"extended,omitempty"`
	Ends     *time.Time `json:"ends_at,omitempty"` // of a rule that is due sooner where what started it ends
}

// Pause is a time in which a clock stands still.
type Pause struct {
	From   time.Time  `json:"from"`
	Until  *time.Time `json:"until,omitempty"` // nil: still paused
	Reason string     `json:"reason,omitempty"`
	By     string     `json:"by,omitempty"`
}

// covers reports whether the clock stands still at an instant. A pause that has not
// ended moves nothing yet.
func (p Pause) covers(at time.Time) bool {
	return p.Until != nil && !at.Before(p.From) && at.Before(*p.Until)
}

// Where is the place a clock runs in: the facility's zone and business calendar.
type Where struct {
	Zone     *time.Location // its String is the IANA name
	Calendar *calendar.Calendar
}

// Due is the due instant of rule r for a trigger at an instant, with its trace.
func (r Rule) Due(trigger time.Time, where Where) Trace { return r.Bent(trigger, where, Bends{}) }

// Bent is Due for a clock that was paused, extended or ends sooner.
func (r Rule) Bent(trigger time.Time, where Where, bends Bends) Trace {
	t := Trace{
		Rule: r.ID, Version: r.Version, Title: r.Title, Source: r.Source, Standing: r.Standing, Bends: bends,
		Trigger: r.Trigger, TriggerAt: trigger.UTC(), Unit: r.Unit, Count: r.Count, Zone: where.Zone.String(),
	}
	if r.Unit == BusinessDays {
		t.Calendar = where.Calendar.ID()
	}
	if r.FromDay != nil {
		opens := r.opens(trigger, where.Zone).UTC()
		t.Opens = &opens
	}
	w := walk{rule: r, where: where, bends: bends}
	w.do(trigger)
	t.Derivation, t.Steps, t.Due = w.steps, w.says, w.at.UTC()
	t.Warn = r.warn(trigger, w.at, where.Zone).UTC()
	return t
}

// Explain gives the trace of a due time that was computed before, from what is kept
// of it: the rule as id@version, the trigger, the zone and the calendar's id. Every
// version of every rule that was ever in force stays in the table for this.
func (t *Table) Explain(rule string, trigger time.Time, zone, calendarID string) (Trace, error) {
	return t.explain(rule, trigger, zone, calendarID, Bends{})
}

func (t *Table) explain(rule string, trigger time.Time, zone, calendarID string, bends Bends) (Trace, error) {
	r := t.ref(rule)
	if r == nil {
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
	return r.Bent(trigger, Where{z, cal}, bends), nil
}

// ref is the rule that id@version names, or nil.
func (t *Table) ref(rule string) *Rule {
	id, version, _ := strings.Cut(rule, "@")
	return t.version(id, version)
}

// workdayStarts is how far into the last day the reminder of a rule counted in days
// comes: not at midnight, when it could only wake somebody.
const workdayStarts = 8 * time.Hour

// warn is when the owner is reminded: in the morning of the last day, or after three
// quarters of the hours.
func (r *Rule) warn(trigger, due time.Time, zone *time.Location) time.Time {
	if r.Unit == Hours {
		if r.Count < 0 {
			return due.Add(due.Sub(trigger))
		}
		return trigger.Add(due.Sub(trigger) / 4 * 3)
	}
	morning := calendar.DateOf(due.Add(-1), zone).Start(zone).Add(workdayStarts)
	if morning.Before(trigger) {
		return trigger
	}
	return morning
}

// Ref is the rule as id@version.
func (r *Rule) Ref() string {
	if r.ref == "" {
		return r.ID + "@" + r.Version
	}
	return r.ref
}

// Warn is when the owner is reminded of what is due at an instant that At gave.
func (r *Rule) Warn(trigger, due time.Time, where Where) time.Time {
	return r.warn(trigger, due, where.Zone)
}

// At is the due instant of rule r alone, without its trace.
func (r *Rule) At(trigger time.Time, where Where) time.Time {
	return r.at(trigger, calendar.DateOf(trigger, where.Zone), where)
}

// at is At where the trigger's local day is known.
func (r *Rule) at(trigger time.Time, day0 calendar.Date, where Where) time.Time {
	switch r.Unit {
	case Hours:
		return trigger.Add(time.Duration(r.Count) * time.Hour)
	case BusinessDays:
		last, _ := where.Calendar.AddBusinessDays(day0, r.Count)
		return last.End(where.Zone)
	case Midnights:
		return day0.AddDays(r.Count).Start(where.Zone)
	default:
		return day0.AddDays(r.Count + 1).Start(where.Zone) // the end of the day before
	}
}

// Check computes the due instant again, by the rule's length from the trigger and by
// following the derivation step by step, and says how either differs, if it does. The
// calendar must be the one the trace names.
func (t Trace) Check(cal *calendar.Calendar) error {
	zone, err := calendar.Zone(t.Zone)
	if err != nil {
		return err
	}
	if t.Unit == BusinessDays && cal.ID() != t.Calendar {
		return fmt.Errorf("clock: the trace counts business days in calendar %s, not %s", t.Calendar, cal.ID())
	}
	r := Rule{
		ID: t.Rule, Version: t.Version, Trigger: t.Trigger, Unit: t.Unit, Count: t.Count,
		ExtensionDays: t.extension(), Sooner: t.Ends != nil,
	}
	if again := r.Bent(t.TriggerAt, Where{zone, cal}, t.Bends); !again.Due.Equal(t.Due) {
		return fmt.Errorf("clock: rule %s@%s gives %s, the trace says %s", t.Rule, t.Version, again.Due, t.Due)
	}
	followed, err := t.Replay(cal)
	if err != nil {
		return err
	}
	if !followed.Equal(t.Due) {
		return fmt.Errorf("clock: the derivation of %s@%s ends at %s, the trace says %s", t.Rule, t.Version, followed, t.Due)
	}
	return nil
}

// extension is how long the extension was that the derivation took.
func (t Trace) extension() int {
	for _, s := range t.Derivation {
		if s.Do == DoExtend {
			return s.N
		}
	}
	return 0
}
