package page

import (
	"context"

	"github.com/handoff-care/handoff/services/console/internal/board"
)

// offlineForm asks how a task went, without knowing which. When to try again is computed when it is sent,
// from when it was pressed.
func offlineForm(ctx context.Context, call bool) DoneForm {
	f := DoneForm{Call: call}
	for _, a := range Attempts {
		f.Tries = append(f.Tries, Try{Code: a.Code, Text: say(ctx, a.Text), Next: say(ctx, "the next try is set when this is sent")})
	}
	return f
}

// offlineTimes are the times to put something off to, in words alone.
func offlineTimes(ctx context.Context) []Choice {
	out := make([]Choice, len(board.Snoozes))
	for i, s := range board.Snoozes {
		out[i] = Choice{s.Code, say(ctx, s.Text)}
	}
	return out
}
