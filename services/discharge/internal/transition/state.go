package transition

import (
	"fmt"
	"slices"
)

// State is a transition's state; the literal strings are contract.md's.
type State = string

// The states of a transition. None is the state of one that does not exist; of a
// stored row, that the stay has work and no transition of care.
const (
	None       State = ""
	Planning   State = "planning"
	Active     State = "active"
	Completed  State = "completed"
	Cancelled  State = "cancelled"
	Expired    State = "expired"
	Readmitted State = "readmitted"
	Closed     State = "closed"
)

// States are all states a stored transition can be in, in the order of a life.
var States = []State{Planning, Active, Completed, Cancelled, Expired, Readmitted, Closed}

// Move is one legal change of state: from any of Sources to Destination.
type Move struct {
	Name        string
	Sources     []State
	Destination State
}

// transitionMoves are all the ways a transition changes its state. A planning,
// active or ended transition can always go back: the stay it follows was corrected.
var transitionMoves = []Move{
	{"plan", []State{None, Active, Completed, Cancelled, Expired, Readmitted, Closed}, Planning},
	{"open", []State{None, Planning, Cancelled, Expired}, Active},
	{"return", []State{Readmitted}, Active}, // the admission that ended it was taken back
	{"reopen", []State{Completed}, Active},
	{"complete", []State{Active}, Completed},
	{"cancel", []State{Planning, Active, Completed, Expired, Readmitted, Closed}, Cancelled},
	{"expire", []State{None, Planning, Active, Cancelled, Readmitted}, Expired},
	{"readmit", []State{None, Planning, Active, Completed, Cancelled, Expired}, Readmitted},
	{"close", []State{Active, Completed}, Closed},
}

// IllegalMove is the error of a change of state that no table allows.
type IllegalMove struct{ From, To State }

// Error implements error.
func (e IllegalMove) Error() string { return fmt.Sprintf("no move from %q to %q", e.From, e.To) }

func legal(moves []Move, from, to State) error {
	for _, m := range moves {
		if m.Destination == to && slices.Contains(m.Sources, from) {
			return nil
		}
	}
	return IllegalMove{from, to}
}
