package notice

import (
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// State is where a thread is; the literals are contract.md's.
type State string

// The states of an alert.
const (
	Raised       State = "raised"
	Acknowledged State = "acknowledged"
	Resolved     State = "resolved"
)

// Severity orders how much an alert may disturb.
type Severity string

// The severities, mildest first.
const (
	Routine  Severity = "routine"
	Urgent   Severity = "urgent"
	Critical Severity = "critical"
)

// Rank gives a severity's place, 0 the mildest; an unknown one is the mildest.
func (s Severity) Rank() int {
	switch s {
	case Urgent:
		return 1
	case Critical:
		return 2
	}
	return 0
}

// Raised gives the next severity up, for what nobody answered.
func (s Severity) Raised() Severity {
	if s == Routine {
		return Urgent
	}
	return Critical
}

// The kinds of alert.
const (
	Opened       = "transition-opened"
	Overdue      = "task-overdue"
	Unanswered   = "clock-missed" // a request that somebody told of was not answered in time
	Declined     = "referral-declined"
	Accepted     = "referral-accepted"
	Quarantined  = "message-quarantined"
	Asked        = "referral-asked"       // a provider is asked for a place: told to its own people
	Late         = "late-arrivals"        // digest: how many discharges were heard of a day late
	Exhausted    = "escalation-exhausted" // digest: how many alerts nobody answered
	EndpointGone = "endpoint-disabled"    // a webhook's receiver said that it is gone
)

// Kinds lists every kind of alert.
var Kinds = []string{Opened, Overdue, Unanswered, Declined, Accepted, Asked, Readmission, Quarantined, Late, Exhausted, EndpointGone}

// EncounterKinds lists the kinds of which an encounter has one thread.
var EncounterKinds = []string{Opened, Overdue, Unanswered, Declined, Accepted, Readmission}

// Quiet reports whether alerts of this kind stay in the console and never escalate: digests, and
// what already went to the end of the line.
func Quiet(kind string) bool { return kind == Late || kind == Exhausted }

// Escalates reports whether an alert of this kind is taken further while nobody acknowledges it.
func Escalates(kind string) bool {
	return !Quiet(kind) && kind != EndpointGone && kind != Quarantined && kind != Asked
}

// Alert is one thread: one episode and one kind of cause.
type Alert struct {
	ID, Org, Thread             events.ID
	Ordinal                     int // the nth alert of its thread's cause, from 0
	Encounter, Transition, Task events.ID
	Facility, Unit              string
	Kind                        string
	Cause                       events.ID // the event that raised it, or last gave it new reason
	State                       State
	Severity                    Severity
	Reason                      string // why it is as it is, as a code
	Version                     int    // counts its changes, 1..n
	Subject                     int    // version of the transition it speaks of
	About                       []events.ID
	Count                       int // how many triggers it stands for
	Sensitive                   bool
	Audience                    []string // whose console shows it: person ids and "role:x"
	Owner, OwnerRole            string   // of the task it is about; of a return: of all that were open, see OwnersSeparator
	Step                        int      // escalation steps taken
	EscalateAt                  *time.Time
	AcknowledgedBy              string
	AcknowledgedAt, ResolvedAt  *time.Time
	OccurredAt, ReceivedAt      time.Time
	RaisedAt                    time.Time
	Last                        *Deed      // what a person did to it last
	HoldUntil                   *time.Time // nothing about it leaves the house before: what it says may yet be taken back
}

// Thread is the id of the thread of a cause, and of its first alert.
func Thread(parts ...string) events.ID {
	return events.Derive(append([]string{"alert"}, parts...)...)
}

// EncounterThread is the thread of one kind of cause in one encounter.
func EncounterThread(encounter events.ID, kind string) events.ID {
	return Thread(encounter.String(), kind)
}

// AskedThread is the thread of one provider that is asked for a place: it hears of every correction of
// what it was asked for.
func AskedThread(referral, provider events.ID) events.ID {
	return Thread(referral.String(), Asked, provider.String())
}

// alertID is the id of the nth alert of a thread.
func alertID(thread events.ID, ordinal int) events.ID {
	if ordinal == 0 {
		return thread
	}
	return Thread(thread.String(), strconv.Itoa(ordinal))
}

// Act is what can be done to an alert.
type Act string

// The acts. A digest folds without being said again.
const (
	Raise       Act = "raise"
	Correct     Act = "correct"     // what it said has changed
	Fold        Act = "fold"        // one more of the same
	Reopen      Act = "reopen"      // what had closed it no longer holds
	Hide        Act = "hide"        // the stay became confidential
	Escalate    Act = "escalate"    // nobody acknowledged in time
	Acknowledge Act = "acknowledge" // a person has taken it on
	HandOver    Act = "hand-over"   // it is somebody else's to take on now
	TakeBack    Act = "take-back"   // a person's last act is undone: it stands as before that
	Resolve     Act = "resolve"     // nothing is left to do about it
)

// moves is the whole state machine: what is not here is not done.
var moves = map[State]map[Act]State{
	"":           {Raise: Raised},
	Raised:       {Correct: Raised, Fold: Raised, Hide: Raised, Escalate: Raised, Acknowledge: Acknowledged, HandOver: Raised, TakeBack: Raised, Resolve: Resolved},
	Acknowledged: {Correct: Acknowledged, Fold: Acknowledged, Hide: Acknowledged, HandOver: Raised, TakeBack: Raised, Resolve: Resolved},
	Resolved:     {Hide: Resolved, Reopen: Raised, Correct: Resolved, TakeBack: Raised},
}

// May reports whether act is a legal move from state.
func May(state State, act Act) bool {
	_, ok := moves[state][act]
	return ok
}
