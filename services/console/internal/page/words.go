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

// some is Plural where none is "no": "no tasks".
func some(n int, one, many string) string {
	if n == 0 {
		return "no " + many
	}
	return Plural(n, one, many)
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

// named is what the viewer may call the patient.
func named(r board.Row) string {
	switch {
	case r.Hidden:
		return "Confidential patient"
	case r.Name == "":
		return "Patient"
	}
	return r.Name
}

// doing is what a row's button says.
func doing(r board.Row) string {
	if board.Callable(r.Code) {
		return "Call"
	}
	return "Done"
}

// waiting says what comes when a row's time to come back has come.
func waiting(r board.Row) string {
	if r.State == "in-progress" && r.Attempts > 0 {
		return "Next try"
	}
	return "Put off until"
}

// who names the patient as far as the viewer may know, with age and sex.
func who(r board.Row) string {
	name := named(r)
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

func lower(s string) string { return strings.ToLower(s) }
