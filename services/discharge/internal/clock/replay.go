package clock

import (
	"fmt"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// Replay follows the derivation of a trace step by step, trusting none of them: every
// instant, day and reason is looked up again, and the count has to be the rule's. It
// returns where the last step ends.
func (t Trace) Replay(cal *calendar.Calendar) (time.Time, error) {
	zone, err := calendar.Zone(t.Zone)
	if err != nil {
		return time.Time{}, err
	}
	m := machine{trace: t, zone: zone, cal: cal}
	for i, s := range t.Derivation {
		if i == 0 != (s.Do == DoStart) {
			return time.Time{}, fmt.Errorf("clock: step %d of %s: %s", i, t.Rule, "a derivation has one start, its first step")
		}
		if err := m.follow(s); err != nil {
			return time.Time{}, fmt.Errorf("clock: step %d (%s) of the derivation of %s: %w", i, s.Do, t.Rule, err)
		}
	}
	if m.counted != t.Count || !m.ended {
		return time.Time{}, fmt.Errorf("clock: the derivation of %s counts %d %s, the rule %d", t.Rule, m.counted, t.Unit, t.Count)
	}
	return m.at, nil
}

// machine is the state of a replay.
type machine struct {
	trace   Trace
	zone    *time.Location
	cal     *calendar.Calendar
	start   time.Time
	at      time.Time
	day     calendar.Date
	pauses  []Pause
	counted int
	ended   bool
}

func (m *machine) follow(s Step) error {
	switch s.Do {
	case DoStart:
		m.start, m.at = *s.At, *s.At
		return m.same(m.trace.TriggerAt)
	case DoDayZero:
		m.day = calendar.DateOf(m.at, m.zone)
		return m.on(s.Day)
	case DoSkip, DoCount:
		return m.next(s)
	case DoAddDays:
		m.day, m.counted = m.day.AddDays(s.N), m.counted+s.N
		return m.on(s.Day)
	case DoAddHours:
		m.at, m.counted, m.ended = m.at.Add(time.Duration(s.N)*time.Hour), s.N, true
	case DoPause:
		return m.pause(s)
	case DoExtend:
		if m.trace.Unit != Hours {
			m.day = m.day.AddDays(s.N)
			return m.on(s.Day)
		}
		m.at = m.at.In(m.zone).AddDate(0, 0, s.N)
	case DoEndOfDay:
		m.at, m.ended = m.day.End(m.zone), true
	case DoStartOfDay:
		m.at, m.ended = m.day.Start(m.zone), true
	case DoSooner:
		if !s.At.Before(m.at) {
			return fmt.Errorf("%s is not sooner than %s", s.At, m.at)
		}
		m.at = *s.At
	default:
		return fmt.Errorf("nobody knows this step")
	}
	return m.same(*s.At)
}

// next goes to the next day, which counts or does not for a reason that can be seen.
func (m *machine) next(s Step) error {
	m.day = m.day.AddDays(1)
	if err := m.on(s.Day); err != nil {
		return err
	}
	why := ""
	for _, p := range m.pauses {
		if p.covers(m.day.Start(m.zone)) {
			why = paused
		}
	}
	if why == "" && m.trace.Unit == BusinessDays {
		why, _ = m.cal.Closed(m.day)
	}
	if why != s.Why || (why == "") != (s.Do == DoCount) {
		return fmt.Errorf("%s is skipped for %q, not for %q", m.day, why, s.Why)
	}
	if s.Do == DoCount {
		if m.counted++; m.counted != s.N {
			return fmt.Errorf("%s is day %d that counts, not day %d", m.day, m.counted, s.N)
		}
	}
	return nil
}

func (m *machine) pause(s Step) error {
	switch {
	case s.Until == nil || !s.Until.After(*s.At):
		return fmt.Errorf("the pause has no end")
	case m.trace.Unit != Hours:
		m.pauses = append(m.pauses, Pause{From: *s.At, Until: s.Until})
		return nil
	case !s.At.Before(m.at):
		return fmt.Errorf("the pause begins at %s, when the clock had run out", s.At)
	}
	m.at = m.at.Add(s.Until.Sub(later(*s.At, m.start)))
	return nil
}

func (m *machine) on(day string) error {
	if got := m.day.String(); got != day {
		return fmt.Errorf("the day is %s, the step says %s", got, day)
	}
	return nil
}

func (m *machine) same(at time.Time) error {
	if !m.at.Equal(at) {
		return fmt.Errorf("the instant is %s, the step says %s", m.at, at)
	}
	return nil
}
