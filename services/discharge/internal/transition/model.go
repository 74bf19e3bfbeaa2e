package transition

import (
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/readmission"
)

// Transition is a transition of care as this service keeps it: what it tells
// others, and what it remembers for itself.
type Transition struct {
	events.Transition
	Org   events.ID
	Stay  events.Encounter // the snapshot it was last decided on
	Flags []string         // remarks on the quality of the data; never tasks
	// Received is when the frame arrived that told of the discharge it was opened
	// for; what is late is judged by it once, when the discharge is first heard of.
	Received time.Time
	Calendar string // the business calendar its due times were computed in
	// Clocks are its clocks as package clock keeps them, in JSON; ClocksUntil is when
	// the last of them ends. Both empty: it has none.
	Clocks      string
	ClocksUntil *time.Time
	// Returns are the returns to hospital after the discharge, Before the stays that
	// ended before this one began, as they were when somebody last looked.
	Returns []events.Readmission
	Before  []readmission.Before
}

// Task is a follow-up task as this service keeps it.
type Task struct {
	events.Task
	Org      events.ID
	Nth      int        // of its code for its encounter, from 1
	Rule     string     // id@version of its due rule; with the next three it explains the due time
	Trigger  time.Time  // what its clock started from
	Zone     string     //
	Calendar string     // id of the business calendar
	WarnAt   time.Time  // when its owner is reminded
	Warned   bool       // the reminder was sent
	Reasons  []string   // why its priority or due time is not the usual one
	ClosedAt *time.Time // when it was completed, failed or cancelled
	ClosedBy string     // the person who did; empty for the system
}

// Open reports whether the task still asks for work.
func (t *Task) Open() bool {
	return t.State != TaskCompleted && t.State != TaskFailed && t.State != TaskCancelled
}

// ID is the id of the transition of an encounter.
func ID(encounter events.ID) events.ID { return events.Derive("transition", encounter.String()) }

// taskID is the id of the n-th task of a code that an encounter ever had, from 1.
func taskID(encounter, code string, n int) events.ID {
	return events.Derive("task", encounter, code, strconv.Itoa(n))
}

// Change is what a decision changes. The zero Change changes nothing.
type Change struct {
	Transition *Transition   // the new row; nil when it stays as it is
	Created    bool          // Transition is new
	Tasks      []Task        // the new rows of those that change
	Facts      []events.Fact // what to tell, in order; at most one of the transition, the first
	// Previous are the old values of what changed in the transition: codes and times only.
	Previous map[string]string
}

// Empty reports whether nothing changes.
func (c Change) Empty() bool { return c.Transition == nil && len(c.Tasks) == 0 }
