package page

import (
	"fmt"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
)

// stamp is how instants are written for the browser.
const stamp = time.RFC3339Nano

func current(is bool) string {
	if is {
		return "page"
	}
	return "false"
}

// Plural counts things in words.
func Plural(n int, one, many string) string {
	switch n {
	case 0:
		return "none " + many
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func roles(p web.Principal) string {
	var words []string
	for _, r := range p.Roles {
		words = append(words, board.Role(string(r)))
	}
	return strings.Join(words, ", ")
}

func list(items []string) string { return strings.Join(items, ", ") }

// person says who it is about without the name: "81-year-old woman".
func person(r board.Row) string {
	var parts []string
	if r.Age != nil {
		parts = append(parts, fmt.Sprintf("%d years", *r.Age))
	}
	if s := board.Sex(r.Sex); s != "" {
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// who names the patient as far as the viewer may know.
func who(r board.Row) string {
	name := r.Name
	switch {
	case r.Hidden:
		name = "Confidential patient"
	case name == "":
		name = "Patient"
	}
	if about := person(r); about != "" {
		name += ", " + about
	}
	return name
}

// journey says where from and where to; the time since follows it.
func journey(r board.Row) string {
	from := r.Place
	if r.Unit != "" {
		from += ", " + r.Unit
	}
	if r.Left == nil {
		return from
	}
	return from + " → " + board.Disposition(r.Disposition) + ","
}

func owner(r board.Row) string {
	switch {
	case r.Mine:
		return "Yours"
	case r.Owner == "":
		return "Unclaimed"
	}
	return "With " + r.OwnerName
}

// ended says how a task ended.
func ended(r board.Row) string {
	by := ""
	if r.DoneBy != "" {
		by = " by " + r.DoneBy
	}
	switch r.State {
	case "completed":
		if r.Outcome != "" && r.Outcome != "done" {
			return "Done" + by + ": " + strings.ToLower(board.Plain(r.Outcome))
		}
		return "Done" + by
	case "cancelled":
		if r.Reason != "" {
			return "Cancelled: " + board.Reason(r.Reason)
		}
		return "Cancelled" + by
	}
	return board.Plain(r.State)
}

func toneOf(r board.Row, t board.Tone) board.Tone {
	if !r.Open {
		return board.NoDue
	}
	return t
}

func riskWords(k *events.Risk) string { return board.Plain(k.Band) + " risk " + interval(k) }

func interval(k *events.Risk) string {
	if k.Min == k.Max {
		return fmt.Sprint(k.Min)
	}
	return fmt.Sprintf("%d–%d", k.Min, k.Max)
}

func insertTarget(e board.Edit) string {
	if e.ID == "" {
		return "#rows"
	}
	return "#" + e.ID
}

func insertSwap(e board.Edit) string {
	if e.ID == "" {
		return "afterbegin"
	}
	return "afterend"
}

// outcomes are the ways a task can be done, the usual one first.
var outcomes = []struct{ code, text, hint string }{
	{"done", "Done", "What the task asks for has happened"},
	{"reached", "Reached and done", "Spoke with the patient or caregiver"},
	{"declined", "Declined", "The patient or caregiver does not want it"},
	{"not-needed", "Not needed", "Somebody else has seen to it, or it no longer applies"},
}

// attempts are the ways a task can be tried and not done.
var attempts = []struct{ code, text string }{{"no-answer", "No answer"}, {"left-message", "Left a message"}, {"call-back", "Asked to call back"}}
