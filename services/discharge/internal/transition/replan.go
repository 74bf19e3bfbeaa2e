package transition

import (
	"slices"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// tasks brings the tasks in line with the plan: what is missing is made, what
// moved is moved, what nobody asks for any more is cancelled with the reason.
func (d *decision) tasks() {
	why := d.why()
	for i := range d.now.Tasks {
		switch t := &d.now.Tasks[i]; {
		case !t.Open():
		case !d.planned(t.Code):
			d.cancel(t, d.endOf(t, why))
		case d.overtaken(t):
			d.cancel(t, WhyDone)
		}
	}
	for i := range d.want.plan.Tasks {
		p := &d.want.plan.Tasks[i]
		switch t := d.find(p.Code); {
		case t == nil:
			d.create(p)
		case t.Open() && !d.overtaken(t):
			d.align(t, p, why)
		}
	}
}

func (d *decision) planned(code string) bool {
	for i := range d.want.plan.Tasks {
		if d.want.plan.Tasks[i].Code == code {
			return true
		}
	}
	return false
}

// find is the task that meets a plan's wish for a code: the open one, else one that
// a person ended since the discharge; nil where there is none.
func (d *decision) find(code string) (done *Task) {
	for i := range d.now.Tasks {
		switch t := &d.now.Tasks[i]; {
		case t.Code != code:
		case t.Open():
			return t
		case d.stands(t):
			done = t
		}
	}
	return done
}

func (d *decision) create(p *protocol.Task) {
	n := 1
	for i := range d.now.Tasks {
		if d.now.Tasks[i].Code == p.Code {
			n++
		}
	}
	if d.made == nil { // most plans are made whole
		room := len(d.want.plan.Tasks)
		d.made, d.done, d.stay = make([]events.Task, 0, room), slices.Grow(d.done, room), d.next.Encounter.String()
	}
	d.done = append(d.done, Task{Org: d.now.Org})
	t := &d.done[len(d.done)-1]
	t.ID, t.Encounter = taskID(d.stay, p.Code, n), d.next.Encounter
	t.Code, t.Nth, t.State, t.Version = p.Code, n, TaskRequested, 1
	d.shape(t, p)
	if t.Late { // its times passed before anybody here could know: no news
		t.Warned, t.Overdue = !t.WarnAt.After(d.now.At), !t.DueAt.After(d.now.At)
	}
	d.made = append(d.made, t.Task)
}

// shape gives a task everything that follows from the plan and the stay.
func (d *decision) shape(t *Task, p *protocol.Task) {
	due := p.DueAt
	if t.Transition = d.next.ID; d.next.State == None {
		t.Transition = events.ID{}
	}
	t.Patient, t.Facility, t.Unit, t.Sensitive = d.next.Patient, d.next.Facility, d.next.Unit, d.next.Sensitive
	t.Late = Late(p.Code, p.Trigger, d.next.LateArrival, d.now.Stay.HangingSince)
	t.Title, t.OwnerRole, t.Priority = p.Title, p.OwnerRole, p.Priority
	t.Protocols, t.Reasons = p.Protocols, p.Reasons
	t.DueAt, t.WarnAt = &due, p.WarnAt
	t.Rule, t.Trigger, t.Zone, t.Calendar = p.Rule, p.Trigger, d.next.Zone, d.next.Calendar
}

// align gives an open task what the plan says now. Owner, state and attempts stay.
func (d *decision) align(t *Task, p *protocol.Task, why string) {
	next := *t
	d.shape(&next, p)
	next.Warned = next.Warned && !next.WarnAt.After(d.now.At)
	next.Overdue = next.Overdue && !next.DueAt.After(d.now.At)
	was := previous{}
	was.time("due_at", t.DueAt, next.DueAt)
	was.time("trigger_at", &t.Trigger, &next.Trigger)
	was.text("rule", t.Rule, next.Rule)
	was.text("calendar", t.Calendar, next.Calendar)
	was.text("priority", t.Priority, next.Priority)
	was.text("title", t.Title, next.Title)
	was.text("owner_role", t.OwnerRole, next.OwnerRole)
	was.list("protocols", t.Protocols, next.Protocols)
	was.id("transition_id", t.Transition, next.Transition)
	was.id("patient_id", t.Patient, next.Patient)
	was.text("facility", t.Facility, next.Facility)
	was.text("unit", t.Unit, next.Unit)
	was.flag("sensitive", t.Sensitive, next.Sensitive)
	was.flag("late_arrival", t.Late, next.Late)
	if len(was) == 0 {
		return
	}
	next.Version++
	d.done = append(d.done, next)
	d.facts = append(d.facts, events.TaskRescheduled{Work: events.Work{Task: next.Task, Why: why, Previous: was}})
}

// cancel ends a task that the stay does not ask for any more.
func (d *decision) cancel(open *Task, why string) {
	was := map[string]string{"state": open.State}
	t, at := *open, d.now.At
	t.State, t.Reason, t.ClosedAt, t.ClosedBy, t.SnoozedTo = TaskCancelled, why, &at, "", nil
	t.Version++
	d.done = append(d.done, t)
	d.facts = append(d.facts, events.TaskCancelled{Work: events.Work{Task: t.Task, Why: why, Previous: was}})
}
