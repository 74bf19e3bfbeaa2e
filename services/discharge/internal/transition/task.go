package transition

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// The states of a task: FHIR R4 Task's.
const (
	TaskRequested  = "requested"
	TaskAccepted   = "accepted"
	TaskInProgress = "in-progress"
	TaskOnHold     = "on-hold"
	TaskCompleted  = "completed"
	TaskFailed     = "failed"
	TaskCancelled  = "cancelled"
)

// TaskStates are all states of a task, in the order of a life.
var TaskStates = []string{TaskRequested, TaskAccepted, TaskInProgress, TaskOnHold, TaskCompleted, TaskFailed, TaskCancelled}

var openStates = []string{TaskRequested, TaskAccepted, TaskInProgress, TaskOnHold}

// taskMoves are all the ways a person changes a task's state. Where a move keeps a
// state among its sources, doing it again is no error.
var taskMoves = []Move{
	{"claim", []string{TaskRequested, TaskAccepted, TaskInProgress, TaskOnHold}, TaskAccepted},
	{"release", []string{TaskAccepted, TaskInProgress, TaskOnHold}, TaskRequested},
	{"assign", openStates, TaskAccepted},
	{"start", openStates, TaskInProgress},
	{"attempt", openStates, TaskInProgress},
	{"snooze", openStates, TaskOnHold},
	{"complete", openStates, TaskCompleted},
	{"fail", openStates, TaskFailed},
	{"cancel", openStates, TaskCancelled},
	{"reopen", []string{TaskCompleted, TaskFailed, TaskCancelled}, TaskRequested},
}

// Action is what a person does to a task.
type Action struct {
	Name    string // of taskMoves; complete with outcome "failed" is fail
	By      string // the person
	At      time.Time
	To      string     // assign: the new owner
	Outcome string     // attempt, complete
	Reason  string     // cancel, snooze
	Until   *time.Time // snooze, attempt: when to come back to it
	Lead    bool       // the person may act for others
}

// Act applies an action to a task of a transition. Faults: Conflict where the state
// does not allow it or somebody else holds the task (the field owner says who),
// Invalid where the action lacks something. The task comes back with Version + 1.
func Act(t Task, of Transition, tasks []Task, a Action) (Task, events.Fact, error) {
	if a.Name == "complete" && a.Outcome == TaskFailed {
		a.Name = "fail"
	}
	move, err := moveNamed(a.Name)
	if err != nil {
		return t, nil, err
	}
	if !slices.Contains(move.Sources, t.State) {
		return t, nil, refuse(t, a)
	}
	was := previous{"state": t.State}
	next := t
	next.State = move.Destination
	next.Version++
	if err := effects[a.Name](&next, of, tasks, a); err != nil {
		return t, nil, err
	}
	was.text("owner", t.Owner, next.Owner)
	was.time("snoozed_to", t.SnoozedTo, next.SnoozedTo)
	work := events.Work{Task: next.Task, By: a.By, Previous: was}
	return next, taskFacts[a.Name](work), nil
}

func moveNamed(name string) (Move, error) {
	for _, m := range taskMoves {
		if m.Name == name {
			return m, nil
		}
	}
	return Move{}, fault.New(fault.Invalid, "there is no action %q", name)
}

func refuse(t Task, a Action) error {
	f := fault.New(fault.Conflict, "the task is %s; it cannot be %s", t.State, pastOf[a.Name]).With("state", t.State)
	if t.Owner != "" {
		f.With("owner", t.Owner)
	}
	return f
}

var pastOf = map[string]string{
	"claim": "claimed", "release": "released", "assign": "assigned", "start": "started", "attempt": "worked on",
	"snooze": "snoozed", "complete": "completed", "fail": "given up", "cancel": "cancelled", "reopen": "reopened",
}

var taskFacts = map[string]func(events.Work) events.Fact{
	"claim":    func(w events.Work) events.Fact { return events.TaskAssigned{Work: w} },
	"release":  func(w events.Work) events.Fact { return events.TaskAssigned{Work: w} },
	"assign":   func(w events.Work) events.Fact { return events.TaskAssigned{Work: w} },
	"start":    func(w events.Work) events.Fact { return events.TaskAssigned{Work: w} },
	"attempt":  func(w events.Work) events.Fact { return events.TaskAttempted{Work: w} },
	"snooze":   func(w events.Work) events.Fact { return events.TaskRescheduled{Work: w} },
	"complete": func(w events.Work) events.Fact { return events.TaskCompleted{Work: w} },
	"fail":     func(w events.Work) events.Fact { return events.TaskCompleted{Work: w} },
	"cancel":   func(w events.Work) events.Fact { return events.TaskCancelled{Work: w} },
	"reopen":   func(w events.Work) events.Fact { return events.TaskReopened{Work: w} },
}

// effects are what an action does beside the move of its table.
var effects = map[string]func(t *Task, of Transition, tasks []Task, a Action) error{
	"claim": func(t *Task, _ Transition, _ []Task, a Action) error {
		if t.Owner != "" && t.Owner != a.By {
			return held(*t)
		}
		t.Owner, t.SnoozedTo = a.By, nil
		return nil
	},
	"release": func(t *Task, _ Transition, _ []Task, a Action) error {
		if t.Owner != a.By && t.Owner != "" && !a.Lead {
			return held(*t)
		}
		t.Owner, t.SnoozedTo = "", nil
		return nil
	},
	"assign": func(t *Task, _ Transition, _ []Task, a Action) error {
		if a.To == "" {
			return fault.New(fault.Invalid, "say to whom: owner is empty")
		}
		t.Owner = a.To
		return nil
	},
	"start": func(t *Task, _ Transition, _ []Task, a Action) error {
		t.SnoozedTo = nil
		return take(t, a)
	},
	"attempt": func(t *Task, _ Transition, _ []Task, a Action) error {
		if a.Outcome == "" {
			return fault.New(fault.Invalid, "say how the attempt went: outcome is empty")
		}
		t.Attempts++
		t.SnoozedTo = a.Until
		return take(t, a)
	},
	"snooze": func(t *Task, _ Transition, _ []Task, a Action) error {
		if a.Until == nil || !a.Until.After(a.At) {
			return fault.New(fault.Invalid, "say until when: until must be in the future")
		}
		t.SnoozedTo, t.Reason = a.Until, a.Reason
		return nil
	},
	"complete": end,
	"fail":     end,
	"cancel": func(t *Task, of Transition, tasks []Task, a Action) error {
		if a.Reason == "" {
			return fault.New(fault.Invalid, "say why: reason is empty")
		}
		t.Reason = a.Reason
		return end(t, of, tasks, a)
	},
	"reopen": reopen,
}

// held says who has the task: the answer to a race that was lost.
func held(t Task) error {
	return fault.New(fault.Conflict, "%s has this task already", t.Owner).With("owner", t.Owner).With("state", t.State)
}

// take makes a person the owner of a task nobody holds. Working on a colleague's
// task is no conflict: the log says who did what.
func take(t *Task, a Action) error {
	if t.Owner == "" {
		t.Owner = a.By
	}
	return nil
}

func end(t *Task, _ Transition, _ []Task, a Action) error {
	at := a.At
	t.ClosedAt, t.ClosedBy, t.SnoozedTo = &at, a.By, nil
	t.Outcome = a.Outcome
	return take(t, a)
}

// reopen undoes the end of a task a person ended. What the system cancelled follows
// the stay and comes back by itself if the stay asks for it again.
func reopen(t *Task, of Transition, tasks []Task, _ Action) error {
	switch {
	case t.State == TaskRequested && t.ClosedBy == "":
		return fault.New(fault.Conflict, "the task was cancelled because of the stay (%s), not by a person", t.Reason).With("reason", t.Reason)
	case t.Code == protocol.CloseVisit && Hanging(of.Stay):
	case t.Code == protocol.CloseVisit:
		return fault.New(fault.Conflict, "the visit has ended, or was heard of again")
	case of.State != Active && of.State != Completed:
		return fault.New(fault.Conflict, "the transition is %s; it takes no open task", of.State).With("transition_state", of.State)
	}
	for _, other := range tasks {
		if other.ID != t.ID && other.Code == t.Code && other.Open() {
			return fault.New(fault.Conflict, "there is an open task %s already", t.Code).With("task_id", other.ID)
		}
	}
	if t.Owner != "" {
		t.State = TaskAccepted
	}
	t.ClosedAt, t.ClosedBy, t.Outcome, t.Reason = nil, "", "", ""
	return nil
}

// AfterTask gives what becomes of a transition when one of its tasks was changed by
// a person: completed with its last open task, active again when one is reopened.
func AfterTask(of Transition, tasks []Task) (Change, error) {
	next := of
	next.OpenTasks = 0
	for _, t := range tasks {
		if t.Open() {
			next.OpenTasks++
		}
	}
	switch {
	case of.State == Active && next.OpenTasks == 0:
		next.State = Completed
	case of.State == Completed && next.OpenTasks > 0:
		next.State = Active
	default:
		return Change{}, nil
	}
	if err := legal(transitionMoves, of.State, next.State); err != nil {
		return Change{}, err
	}
	next.Version++
	was := previous{"state": of.State}
	o := events.Of{Transition: next.Transition, Previous: was}
	var fact events.Fact = events.TransitionReplanned{Of: o}
	if next.State == Completed {
		fact = events.TransitionCompleted{Of: o}
	}
	return Change{Transition: &next, Facts: []events.Fact{fact}, Previous: was}, nil
}

// Tick gives what the passing of time does to open tasks: a reminder when the due
// time is near, then the news that it has passed, each once. It returns the changed
// tasks with their facts, and when to look again (zero: never).
func Tick(tasks []Task, now time.Time) (changed []Task, facts []events.Fact, next time.Time) {
	for _, t := range tasks {
		if !t.Open() {
			continue
		}
		was := t
		if !t.Warned && !t.WarnAt.After(now) {
			t.Warned = true
		}
		if !t.Overdue && !t.DueAt.After(now) {
			t.Warned, t.Overdue = true, true
		}
		if t.Warned != was.Warned || t.Overdue != was.Overdue {
			t.Version++
			changed = append(changed, t)
			work := events.Work{Task: t.Task}
			if t.Overdue != was.Overdue {
				facts = append(facts, events.TaskOverdue{Work: work})
			} else {
				facts = append(facts, events.TaskDue{Work: work})
			}
		}
		if at := t.wakeAt(); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return changed, facts, next
}

// WakeAt is when time next does something to one of the tasks; zero: never.
func WakeAt(tasks []Task) time.Time {
	var next time.Time
	for _, t := range tasks {
		if at := t.wakeAt(); t.Open() && !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

func (t Task) wakeAt() time.Time {
	switch {
	case !t.Warned:
		return t.WarnAt
	case !t.Overdue:
		return *t.DueAt
	}
	return time.Time{}
}
