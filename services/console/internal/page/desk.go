package page

import (
	"context"
	"fmt"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Outcome is a way a task can end, or an attempt.
type Outcome struct {
	Code       string
	Text, Hint text.Message
}

// Outcomes are the ways a task can be done, the usual one first.
var Outcomes = []Outcome{
	{"done", "Done", "What the task asks for has happened"},
	{"reached", "Reached and done", "Spoke with the patient or caregiver"},
	{"declined", "Declined", "The patient or caregiver does not want it"},
	{"not-needed", "Not needed", "Somebody else has seen to it, or it no longer applies"},
}

// Attempts are the ways a task can be tried and not done.
var Attempts = []Outcome{
	{"no-answer", "No answer", ""}, {"left-message", "Left a message", ""}, {"busy", "The line was busy", ""}, {"call-back", "Asked to be called back", ""}, {"wrong-number", "Wrong number", ""},
}

// Channels are the ways to reach somebody.
var Channels = []Word{{"phone", "By phone"}, {"visit", "In person"}, {"message", "By message"}, {"video", "By video"}}

// calls puts what calls usually end with first.
func (f DoneForm) outcomes() []Outcome {
	if !f.Call {
		return Outcomes
	}
	return []Outcome{Outcomes[1], Outcomes[0], Outcomes[2], Outcomes[3]}
}

// DoneForm asks how a task went.
type DoneForm struct {
	Row          board.Row
	Call         bool // it is done by reaching somebody
	Tries        []Try
	Instructions string
	Log          []Log
	Staff        map[string]string
}

// Try is a way an attempt can end, with the next one that follows.
type Try struct{ Code, Text, Next, Why string }

func (t Try) next() string {
	if t.Why == "" {
		return t.Next
	}
	return t.Next + ", " + t.Why
}

// Log is what was done to a task, as discharge tells.
type Log struct {
	Action   string     `json:"action"`
	By       string     `json:"by"`
	At       time.Time  `json:"at"`
	Channel  string     `json:"channel"`
	Outcome  string     `json:"outcome"`
	Duration *int       `json:"duration_s"`
	Note     string     `json:"note"`
	NextAt   *time.Time `json:"next_at"`
}

// done is what somebody did, in words.
func (l Log) done(ctx context.Context, staff map[string]string) string {
	words := map[string]text.Message{
		"claim": "Taken", "release": "Given back", "start": "Started", "assign": "Handed over", "snooze": "Put off", "attempt": "Tried",
		"complete": "Done", "cancel": "Cancelled", "reopen": "Opened again",
	}
	said := say(ctx, words[l.Action])
	if said == "" {
		said = board.Plain(ctx, l.Action)
	}
	if l.Outcome != "" && (l.Action == "attempt" || l.Action == "complete") {
		said += ": " + lower(board.Plain(ctx, l.Outcome))
	}
	if l.By != "" {
		name := staff[l.By]
		if name == "" {
			name = l.By
		}
		said += ", " + name
	}
	if l.Duration != nil && *l.Duration >= 60 {
		said += ", " + board.Length(ctx, time.Duration(*l.Duration)*time.Second)
	}
	return said
}

// Target is what a sheet's form is about: one task, or what is selected.
type Target struct{ Row *board.Row }

func (t Target) path(action string) string {
	if t.Row == nil {
		return "/bulk/" + action
	}
	return rowPath(*t.Row, action)
}

// include is where else the form's fields come from.
func (t Target) include() string {
	if t.Row == nil {
		return ".pick:checked"
	}
	return ""
}

// pick is a row as the value of its box.
func pick(r board.Row) string { return fmt.Sprintf("%s/%s/%d", r.Encounter, r.ID, r.Version) }

// Stay is a stay that a search found.
type Stay struct {
	Row      board.Row // of whom
	State    string
	Visit    string
	Admitted *time.Time
	Tasks    []board.Row // open ones
}

// Found is what a search found.
type Found struct {
	Text  string
	Stays []Stay
	More  bool
}

// Turn is what one click did.
type Turn struct {
	store.Deed // one of its deeds
	Tasks      int
	Can        bool // it can still be taken back
}

// Turns folds deeds, newest first, into what each click did. What is older than since stays.
func Turns(deeds []store.Deed, since time.Time) []Turn {
	var out []Turn
	for _, d := range deeds {
		if n := len(out); n > 0 && out[n-1].Deed.Turn == d.Turn {
			out[n-1].Tasks++
			continue
		}
		out = append(out, Turn{d, 1, !d.Undone && d.At.After(since)})
	}
	return out
}

func (t Turn) text() string {
	if t.Tasks > 1 {
		return t.Said + fmt.Sprintf(", and %d more", t.Tasks-1)
	}
	return t.Said
}

// OfAlert is the Back of what was done to an alert, Unmute of a mute, OfPair of a decision on a pair.
const (
	OfAlert = "alert"
	Unmute  = "unmute"
	OfPair  = "pair"
)

func (t Turn) alert() bool { return t.Back == OfAlert || t.Back == Unmute }

// place is where what was done can be changed later.
func (t Turn) place() string {
	switch {
	case t.alert():
		return "/alerts"
	case t.Back == OfPair:
		return "/identity"
	}
	return "/episodes/" + t.Encounter.String()
}

func (t Turn) change(ctx context.Context) string {
	switch {
	case t.alert():
		return say(ctx, "Change it among the alerts")
	case t.Back == OfPair:
		return say(ctx, "Change it in the review of links")
	}
	return say(ctx, "Change it on the patient’s page")
}

// Key is a key and what it does.
type Key struct {
	Keys string
	Does text.Message
}

// Keys is what the keyboard does on a list.
var Keys = []Key{
	{"j  k", "Next row, row before"}, {"Enter", "Open the patient"}, {"x", "Select, or not"}, {"Shift x", "Select all that is shown, or none"},
	{"c", "Claim"}, {"d", "Done, or an attempt"}, {"r", "Give back"}, {"s", "Put off"}, {"w", "Why this time"}, {"u", "Take back what I did last"}, {"h", "What I did today"},
	{"/", "Find a patient"}, {"f", "Filters"}, {"?", "This help"}, {"Esc", "Close, or select nothing"}, {"1 … 9", "In a dialog: its first, second … button"},
}

// Handover is a shift as it is handed over.
type Handover struct {
	Since   time.Time
	Owed    []Owed
	Did     []board.Row
	People  []Choice
	Staff   map[string]string // what members of staff are called
	More    bool              // there is more than is shown
	Assigns bool
}

// overdue is how many of the tasks are.
func (h Handover) overdue(now time.Time) (n int) {
	for _, o := range h.Owed {
		if o.Row.Due != nil && !o.Row.Due.After(now) {
			n++
		}
	}
	return n
}

// Owed is a task that is still open at the end of a shift, with what was done last.
type Owed struct {
	Row  board.Row
	Last *Log
}
