package page

import (
	"context"
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

func roles(ctx context.Context, p web.Principal) string {
	var words []string
	for _, r := range p.Roles {
		words = append(words, board.Role(ctx, string(r)))
	}
	return strings.Join(words, ", ")
}

func list(items []string) string { return strings.Join(items, ", ") }

// person says who it is about without the name: "81 years, woman".
func person(ctx context.Context, r board.Row) string {
	return board.Person(ctx, board.Whom{Age: r.Age, Born: r.Born, Sex: r.Sex, Class: r.Class}, time.Now())
}

// named is what the viewer may call the patient.
func named(ctx context.Context, r board.Row) string {
	switch {
	case r.Hidden:
		return say(ctx, "Confidential patient")
	case r.Name == "":
		return say(ctx, "Patient")
	}
	return r.Name
}

// doing is what a row's button says.
func doing(ctx context.Context, r board.Row) string {
	if board.Callable(r.Code) {
		return say(ctx, "Call")
	}
	return say(ctx, "Done")
}

// waiting says what comes when a row's time to come back has come.
func waiting(ctx context.Context, r board.Row) string {
	if r.State == "in-progress" && r.Attempts > 0 {
		return say(ctx, "Next try")
	}
	return say(ctx, "Put off until")
}

// who names the patient as far as the viewer may know, with age and sex.
func who(ctx context.Context, r board.Row) string {
	name := named(ctx, r)
	if about := person(ctx, r); about != "" {
		name += ", " + about
	}
	return name
}

// journey says where from and where to; the time since follows it.
func journey(ctx context.Context, r board.Row) string {
	from := r.Place
	if r.Unit != "" {
		from += ", " + r.Unit
	}
	if r.Left == nil {
		return from
	}
	return from + " → " + board.Disposition(ctx, r.Disposition) + ","
}

func owner(ctx context.Context, r board.Row) string {
	switch {
	case r.Mine:
		return say(ctx, "Yours")
	case r.Owner == "":
		return say(ctx, "Unclaimed")
	}
	return say(ctx, "With %s", r.OwnerName)
}

// ended says how a task ended.
func ended(ctx context.Context, r board.Row) string {
	switch {
	case r.State == "completed" && r.Outcome != "" && r.Outcome != "done":
		outcome := strings.ToLower(board.Plain(ctx, r.Outcome))
		if r.DoneBy == "" {
			return say(ctx, "Done: %s", outcome)
		}
		return say(ctx, "Done by %s: %s", r.DoneBy, outcome)
	case r.State == "completed" && r.DoneBy != "":
		return say(ctx, "Done by %s", r.DoneBy)
	case r.State == "completed":
		return say(ctx, "Done")
	case r.State == "cancelled" && r.Reason != "":
		return say(ctx, "Cancelled: %s", board.Reason(ctx, r.Reason))
	case r.State == "cancelled" && r.DoneBy != "":
		return say(ctx, "Cancelled by %s", r.DoneBy)
	case r.State == "cancelled":
		return say(ctx, "Cancelled")
	}
	return board.Plain(ctx, r.State)
}

func toneOf(r board.Row, t board.Tone) board.Tone {
	if !r.Open {
		return board.NoDue
	}
	return t
}

func riskWords(ctx context.Context, k *events.Risk) string {
	return say(ctx, "%s risk %s", board.Plain(ctx, k.Band), interval(k))
}

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
