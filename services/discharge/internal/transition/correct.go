package transition

import (
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// What a correction of a stay was, as others see it: the reason why its tasks were
// moved or are not asked for any more.
const (
	WhyPatient     = "patient-changed" // merged, moved, or parted again
	WhyFacility    = "facility-changed"
	WhyTime        = "discharge-time-changed"
	WhyDisposition = "disposition-changed"
	WhyClass       = "class-changed"
	WhyCalendar    = "calendar-changed" // the facility's zone or business days
	WhyDone        = "done-already"     // what was done stands for the discharge again
	WhyVisitEnded  = "visit-ended"      // of a stay that nobody had ended
	WhyHeardOf     = "heard-of-again"   // the same
)

// why names the correction that a decision carries out, the weightiest first; empty
// where there is nothing to correct, because the transition is new.
func (d *decision) why() string {
	was, is := d.now.Current, &d.next
	if d.from == None {
		return ""
	}
	for _, c := range []struct {
		changed bool
		name    string
	}{
		{was.Patient != is.Patient, WhyPatient},
		{was.Facility != is.Facility, WhyFacility},
		{was.Class != is.Class, WhyClass},
		{was.Disposition != is.Disposition, WhyDisposition},
		{!same(was.DischargedAt, is.DischargedAt), WhyTime},
		{was.Zone != is.Zone || was.Calendar != is.Calendar, WhyCalendar},
	} {
		if c.changed {
			return c.name
		}
	}
	return ReasonReplanned
}

// settlesAt is until when nothing about the discharge leaves the house: its
// protocols' window, from when it was first heard of. A correction within the window
// may end the wait, and never prolongs it. What is late is told to nobody anyway.
func (d *decision) settlesAt() *time.Time {
	t, window := &d.next, d.want.plan.Settle
	if t.State != Active || t.LateArrival || window == nil || *window == 0 {
		return nil
	}
	at := t.Received.Add(*window)
	if was := d.now.Current; was != nil && was.SettlesAt != nil && d.from == Active && was.SettlesAt.Before(at) {
		at = *was.SettlesAt
	}
	return &at
}

// overtaken reports whether an open task repeats what a person has done: it was made
// when a correction said that the work came before the discharge, and the correction
// was taken back. A task that somebody has touched stays.
func (d *decision) overtaken(t *Task) bool {
	if t.Owner != "" || t.Attempts > 0 || t.State != TaskRequested {
		return false
	}
	for i := range d.now.Tasks {
		if done := &d.now.Tasks[i]; done.Code == t.Code && done.Nth < t.Nth && d.stands(done) {
			return true
		}
	}
	return false
}

// stands reports whether a person has ended a task since the discharge. Work done
// before the patient left, for a discharge that was called off, is kept but does not
// stand for the new one.
func (d *decision) stands(t *Task) bool {
	return !t.Open() && t.ClosedBy != "" && t.ClosedAt != nil && !t.ClosedAt.Before(d.since(t.Code))
}

// endOf is why a task is not asked for any more: the transition's own reason where it
// has ended or waits for the discharge again, else the correction that changed the plan.
func (d *decision) endOf(t *Task, why string) string {
	if t.Code == protocol.CloseVisit {
		switch d.now.Stay.State {
		case "finished":
			return WhyVisitEnded
		case "cancelled", "entered-in-error":
			return d.want.reason
		}
		if d.next.State != Expired {
			return WhyHeardOf
		}
	}
	switch d.next.State {
	case Planning:
		return ReasonDischargeCancelled
	case Active:
		return why
	}
	return d.next.Reason
}

// repoint lets a transition that has ended in a way no stay calls into question follow
// its stay to another patient or facility all the same.
func (now *Now) repoint() Change {
	was, s := now.Current, &now.Stay
	if was == nil || was.Patient == s.Patient && was.Facility == s.Facility {
		return Change{}
	}
	p := previous{}
	p.id("patient_id", was.Patient, s.Patient)
	p.text("facility", was.Facility, s.Facility)
	next := *was
	next.Patient, next.Facility, next.FacilityID, next.Stay = s.Patient, s.Facility, s.FacilityID, *s
	next.Version++
	fact := events.TransitionUpdated{Of: events.Of{Transition: next.Transition, Previous: p}}
	return Change{Transition: &next, Previous: p, Facts: []events.Fact{fact}}
}
