package page

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// say says a text in the reader's language; what it says is listed in the catalogue (see package text).
func say(ctx context.Context, m text.Message, args ...any) string { return text.T(ctx, m, args...) }

// sayN says how many: one and many are the English for 1 and for the rest, both with a %d.
func sayN(ctx context.Context, n int, one, many text.Message) string {
	return text.N(ctx, n, one, many)
}

// saying says a text in whose %s something is drawn: a time that counts on, a link.
func saying(m text.Message, drawn ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for i, said := range strings.Split(say(ctx, m), "%s") {
			if _, err := io.WriteString(w, templ.EscapeString(said)); err != nil {
				return err
			}
			if i < len(drawn) {
				if err := drawn[i].Render(ctx, w); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// plainly draws a text as it is.
func plainly(s string) templ.Component { return templ.Raw(templ.EscapeString(s)) }

// toPatient says a text that patients and families read. It is there in every language.
func toPatient(ctx context.Context, m text.Patient, args ...any) string {
	return text.P(ctx, m, args...)
}

// overdueOf says how many of what was named are overdue.
func overdueOf(ctx context.Context, n int) string {
	if n == 0 {
		return say(ctx, "none of them is overdue.")
	}
	return sayN(ctx, n, "%d of them is overdue.", "%d of them are overdue.")
}

// endedTasks says what a shift has done.
func endedTasks(ctx context.Context, n int) string {
	if n == 0 {
		return say(ctx, "In the last 12 hours you finished no tasks.")
	}
	return sayN(ctx, n, "In the last 12 hours you finished %d task.", "In the last 12 hours you finished %d tasks.")
}

// whatToDo says what helps where a page could not be shown.
func whatToDo(status int) text.Message {
	switch {
	case status == 403:
		return "If your work needs it, ask your administrator for the role that opens it."
	case status == 404:
		return "The address may be old or incomplete. Start from the worklist, or search for the patient."
	case status == 409 || status == 412:
		return "Somebody else was faster. Look at it as it is now, and decide again."
	case status == 429:
		return "Close pages that you do not need, wait half a minute, and try again."
	case status >= 500:
		return "Nothing you saved is lost. Wait a moment and try again. If it happens again, tell whoever looks after the system."
	}
	return "Go back, look at what was entered, and try again."
}
