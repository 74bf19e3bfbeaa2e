package discharge

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// running is what one transaction does to the clocks of an encounter. They are kept
// on its transition's row and computed when that row or a task changes, or when a
// person says something of a clock: in [work.runClocks], the one place that does.
type running struct {
	cause     events.Event
	record    *clock.Record // as of a person's word in this transaction
	restart   bool          // the stay tells something the clocks go by
	ticked    bool          // time has passed
	ran       bool          // they changed
	hadClocks bool
	wake      time.Time // when time next changes what is told of them
}

// learn notices what the snapshot of a stay tells that makes no new version of its
// transition and that clocks go by.
func (c *care) learn(stay *events.Encounter) {
	t := c.Transition
	if t == nil || stay.FoldVersion < t.Stay.FoldVersion {
		return
	}
	if stay.Class == "inpatient" && stay.InpatientAt != nil && t.Clocks != "" {
		c.restart = c.restart || !strings.Contains(t.Clocks, stay.InpatientAt.UTC().Format(`"`+string(clock.Inpatient)+`":"`+time.RFC3339Nano+`"`))
	}
	if stay.ObservationAt != nil && t.Clocks != "" {
		c.restart = c.restart || !strings.Contains(t.Clocks, stay.ObservationAt.UTC().Format(`"`+string(clock.Observation)+`":"`+time.RFC3339Nano+`"`))
	}
	if t.State != transition.Planning {
		return
	}
	if t.Payer != stay.Payer || (t.Age == nil) != (stay.Age == nil) || t.Age != nil && *t.Age != *stay.Age {
		t.Payer, t.Age, c.restart = stay.Payer, stay.Age, true
	}
}

// runClocks brings the clocks of an encounter in line with its transition and tasks,
// and keeps what is to be told of them.
func (w *work) runClocks(c *care) error {
	t := c.Transition
	if t == nil || !c.moved && !c.restart && !c.ticked && c.record == nil && len(c.changed) == 0 {
		return nil
	}
	before, err := recordOf(t)
	if err != nil {
		return err
	}
	c.hadClocks = t.Clocks != ""
	next := before
	if c.record != nil {
		next = *c.record
	}
	zone, err := calendar.Zone(t.Zone)
	if err != nil {
		return err
	}
	var news []clock.News
	if a := around(c, zone, w.at); c.moved || c.restart {
		cal, err := w.s.calendarOf(t.Calendar)
		if err != nil {
			return err
		}
		next, news, c.wake = w.table(t.Org).Run(before, next, w.s.running(c, next), clock.Where{Zone: zone, Calendar: cal}, a)
	} else {
		next, news, c.wake = w.table(t.Org).Judge(before, next, a)
	}
	for _, n := range news {
		w.tellClock(c, before, next, n)
	}
	return c.keep(next)
}

// keep puts the record on the row, if it changed anything.
func (c *care) keep(next clock.Record) error {
	text := ""
	if !next.Empty() {
		b, err := next.MarshalJSON()
		if err != nil {
			return err
		}
		text = string(b)
	}
	c.ran = c.ran || c.ticked || c.record != nil
	t := c.Transition
	if text == t.Clocks {
		return nil
	}
	c.ran = true
	t.Clocks, t.ClocksUntil = text, next.Until()
	if c.stay != nil && c.stay.FoldVersion >= t.Stay.FoldVersion {
		t.Stay = *c.stay // whoever decides next without news of the stay must know what the clocks went by
	}
	c.moved = true
	return nil
}

func recordOf(t *transition.Transition) (rec clock.Record, err error) {
	if t.Clocks == "" {
		return rec, nil
	}
	if err := json.Unmarshal([]byte(t.Clocks), &rec); err != nil {
		return rec, fmt.Errorf("clocks of transition %s: %w", t.ID, err)
	}
	return rec, nil
}

// running is what decides which clocks run. A transition that was called off, or whose
// patient died, has none; what people recorded stays.
func (s *service) running(c *care, rec clock.Record) clock.Subject {
	switch c.Transition.State {
	case transition.None, transition.Cancelled, transition.Expired:
		return clock.Subject{Ended: true}
	}
	return s.subject(c.Transition, c.stay, rec)
}

// subject is what clocks know of a transition's stay. When it became an inpatient one,
// and when observation began, are not on the row: without a snapshot of the stay, the
// record knows.
func (s *service) subject(t *transition.Transition, stay *events.Encounter, rec clock.Record) clock.Subject {
	out := clock.Subject{
		Class: t.Class, Disposition: t.Disposition, Payer: t.Payer, Age: t.Age, Diagnoses: t.Diagnoses,
		AdmittedAt: t.AdmittedAt, ExpectedAt: t.ExpectedAt, Readmitted: t.State == transition.Readmitted,
		Groups: s.rules.Protocols.Conditions, Chronic: s.rules.Protocols.Chronic,
	}
	if t.State != transition.Planning {
		out.DischargedAt = t.DischargedAt
	}
	if stay != nil {
		out.InpatientAt, out.ObservedAt = stay.InpatientAt, stay.ObservationAt
		return out
	}
	if at, ok := rec.Starts[clock.Inpatient]; ok {
		out.InpatientAt = &at
	}
	if at, ok := rec.Starts[clock.Observation]; ok {
		out.ObservedAt = &at
	}
	return out
}

// calendarOf is the calendar with an id, made once.
func (s *service) calendarOf(id string) (*calendar.Calendar, error) {
	if id == "" || id == s.federal.ID() {
		return s.federal, nil
	}
	if c, ok := s.calendars.Load(id); ok {
		return c.(*calendar.Calendar), nil
	}
	made, err := calendar.Named(id)
	if err != nil {
		return nil, err
	}
	c, _ := s.calendars.LoadOrStore(id, made)
	return c.(*calendar.Calendar), nil
}

// around is what clocks are judged by. Tasks that the system withdrew were not asked
// of anybody in the end.
func around(c *care, zone *time.Location, now time.Time) clock.Around {
	t := c.Transition
	a := clock.Around{Now: now, Zone: zone, Readmitted: t.State == transition.Readmitted}
	if t.LateArrival {
		a.Late = &t.Received
	}
	if len(c.Tasks) > 0 {
		a.Tasks = make([]clock.Task, 0, len(c.Tasks))
	}
	for i := range c.Tasks {
		task := &c.Tasks[i]
		if task.State == transition.TaskCancelled && task.ClosedBy == "" {
			continue
		}
		k := clock.Task{Code: task.Code}
		if task.State == transition.TaskCompleted {
			k.ID, k.Done, k.At, k.Outcome, k.By = task.ID.String(), true, *task.ClosedAt, task.Outcome, task.ClosedBy
		}
		a.Tasks = append(a.Tasks, k)
	}
	return a
}

// tellClock keeps the news of a clock to be announced.
func (w *work) tellClock(c *care, before, now clock.Record, n clock.News) {
	t, r := c.Transition, n.Rule
	start, ok := now.StartOf(n.Clock, r.Trigger)
	if !ok {
		start, _ = before.StartOf(n.Clock, r.Trigger)
	}
	ran := events.Ran{Clock: events.Clock{
		Encounter: t.Encounter, Transition: t.ID, Patient: t.Patient, Facility: t.Facility, Unit: t.Unit,
		Rule: r.ID, Version: r.Version, Pack: r.Pack, Title: r.Title, Trigger: string(r.Trigger), TriggerAt: start, DueAt: n.Clock.Due,
		Late: t.LateArrival, Sensitive: t.Sensitive,
	}}
	if n.Was != "" {
		ran.Previous = map[string]string{"state": string(n.Was)}
	}
	if n.Clock.Ask > 0 {
		ran.Clock.Request, ran.Clock.Late = n.Clock.Ask, false // it was told of here, whenever the stay was
	}
	occurred := c.cause.Occurred
	var fact events.Fact
	switch n.Is {
	case clock.StateMet:
		by := n.Clock.By
		at := by.At
		ran.Clock.MetAt, ran.Clock.Code, occurred = &at, by.Code, at
		ran.Clock.Task, _ = events.ParseID(by.Task) // none: said of the clock itself
		fact = events.ClockMet{Ran: ran}
	case clock.StateMissed:
		occurred = n.Clock.Due
		fact = events.ClockMissed{Ran: ran}
	default:
		fact = events.ClockWithdrawn{Ran: ran}
	}
	w.events = append(w.events, c.cause.Caused(fact, occurred))
}

// evidence keeps of an action on a task what clocks go by and no task keeps: each
// attempt, and when something took place that was written down later.
func (w *work) evidence(c *care, task transition.Task, d done) error {
	at := w.at
	if d.performed != nil {
		at = d.performed.UTC().Truncate(time.Microsecond)
		if at.After(w.at) {
			return fault.New(fault.Invalid, "performed_at is in the future")
		}
	}
	if !w.table(c.Transition.Org).Counts(task.Code) {
		return nil
	}
	rec, err := recordOf(c.Transition)
	if err != nil {
		return err
	}
	e := clock.Evidence{Task: task.ID.String(), Code: task.Code, At: at, Outcome: d.action.Outcome, By: d.action.By}
	switch {
	case d.action.Name == "attempt":
		e.Kind = clock.Attempt
		rec = rec.Say(e)
	case d.action.Name == "complete" && d.performed != nil && task.State == transition.TaskCompleted:
		e.Kind = clock.Done
		rec = rec.Say(e)
	case d.action.Name == "reopen":
		rec = rec.Forget(e.Task)
	default:
		return nil
	}
	c.record = &rec
	return nil
}

// first is the earlier of two instants; the zero time is none.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// withClocks loads the row of one encounter for a person's word on its clocks.
func (w *work) withClocks(found *store.World, encounter events.ID) (*care, clock.Record, error) {
	w.add(found.Cares)
	c := w.cares[encounter]
	if c == nil || c.Transition == nil {
		return nil, clock.Record{}, fault.New(fault.Unknown, "there is no such encounter with clocks")
	}
	rec, err := recordOf(c.Transition)
	return c, rec, err
}
