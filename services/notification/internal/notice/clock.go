package notice

import (
	"strconv"

	"github.com/handoff-care/handoff/pkg/events"
)

// clockThreads lists the threads a clock's fact may touch. Clocks of a stay are kept by
// tasks, which raise their own alerts; those of requests have nobody else to tell of them.
func clockThreads(f events.ClockFact) []events.ID {
	if f.Snapshot().Request == 0 {
		return nil
	}
	return []events.ID{EncounterThread(f.Key(), Unanswered), EncounterThread(f.Key(), Opened)}
}

// clock applies what is told of a request's clock: that its time has passed without an
// answer, or that this does not hold any more.
func (b *Book) clock(e events.Event, f events.ClockFact) {
	c := f.Snapshot()
	if c.Request == 0 {
		return
	}
	thread := EncounterThread(c.Encounter, Unanswered)
	subject := events.Derive("clock", c.Encounter.String(), c.Rule, strconv.Itoa(c.Request))
	switch f.(type) {
	case events.ClockMissed:
		b.join(e, subject, Alert{
			Thread: thread, Encounter: c.Encounter, Transition: c.Transition, Facility: c.Facility, Unit: c.Unit,
			Kind: Unanswered, Severity: Urgent, Reason: "missed " + c.Rule, Sensitive: c.Sensitive, HoldUntil: b.hold(c.Encounter),
		})
	case events.ClockMet:
		b.leave(e, thread, subject, Told, "answered in time")
	default:
		b.leave(e, thread, subject, Told, "corrected")
	}
}
