package web

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

// act does what a button says: the service that owns the task does it, as the person.
func (c *Console) act(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	encounter, err := pathID(r, "encounter")
	if err != nil {
		return err
	}
	id, err := pathID(r, "task")
	if err != nil {
		return err
	}
	action := r.PathValue("action")
	a, known := actions[action]
	if !known {
		return fault.New(fault.Unknown, "There is no page at this address.")
	}
	work, err := c.Store.Task(ctx, web.From(ctx).Org, encounter, id)
	if err != nil {
		return err
	}
	if row := board.RowOf(work, web.From(ctx)); !row.CanWork {
		return fault.New(fault.Forbidden, "This task belongs to another role.")
	}
	expected := 0
	if a.matched {
		if expected, err = strconv.Atoi(r.FormValue("version")); err != nil {
			expected = work.Task.Version
		}
	}
	answer, err := c.change(ctx, id, action, expected, a.body(r))
	c.counts.forget(web.From(ctx))
	if err != nil {
		return c.refused(w, r, work, a, err)
	}
	t := &work.Task
	answer.Onto(t)
	if !board.Open(t.State) {
		work.DoneBy, work.ChangedAt = web.From(ctx).Subject, time.Now()
	}
	toast := page.Toast{Text: a.said + ": " + t.Title}
	if a.undo != "" {
		toast.Undo = "/episodes/" + encounter.String() + "/tasks/" + id.String() + "/" + a.undo
		toast.Vals = map[string]string{"version": strconv.Itoa(t.Version)}
	}
	return c.answer(w, r, work, toast, http.StatusOK)
}

// action is one thing a person can do to a task.
type action struct {
	said    string // what the note afterwards says
	undo    string // the action that takes it back
	matched bool   // sends the version that was decided on
	body    func(*http.Request) any
}

var actions = map[string]action{
	"claim":    {"Yours now", "release", false, none},
	"release":  {"Given back", "claim", true, none},
	"reopen":   {"Open again", "", true, none},
	"complete": {"Done", "reopen", true, outcome},
	"attempt":  {"Attempt noted", "", true, attempt},
}

func none(*http.Request) any { return struct{}{} }

func outcome(r *http.Request) any {
	return map[string]string{"outcome": cmp.Or(r.FormValue("outcome"), "done"), "note": r.FormValue("note")}
}

func attempt(r *http.Request) any {
	return map[string]string{"channel": "phone", "outcome": cmp.Or(r.FormValue("outcome"), "no-answer"), "note": r.FormValue("note")}
}

// refused tells kindly why something did not happen, and shows the task as it is now.
func (c *Console) refused(w http.ResponseWriter, r *http.Request, work board.Work, a action, err error) error {
	kind := fault.KindOf(err)
	if kind != fault.Conflict && kind != fault.Stale {
		return err
	}
	text := fault.Public(err)
	if state, _ := field(err, "state"); state == "completed" || state == "failed" || state == "cancelled" {
		text = "This task has ended meanwhile: " + work.Task.Title + ". Here is how it is now."
	} else if winner := c.winner(r.Context(), err); winner != "" {
		text = winner + " took this a moment before you: " + work.Task.Title + ". Nothing is lost; it is in good hands."
	} else if kind == fault.Stale {
		text = "This task changed while you were looking. Here is how it is now; please look once more."
	}
	var now page.Task
	if got := c.call(r.Context(), http.MethodGet, "discharge", "/tasks/"+work.Task.ID.String(), nil, &now); got == nil {
		now.Onto(&work.Task)
	}
	return c.answer(w, r, work, page.Toast{Text: text, Bad: true}, http.StatusConflict)
}

// winner is who was first, from the facts that a conflict carries.
func (c *Console) winner(ctx context.Context, err error) string {
	subject, ok := field(err, "owner")
	if !ok || subject == web.From(ctx).Subject {
		return ""
	}
	names, _ := c.Store.Staff(ctx, web.From(ctx).Org, []string{subject}) // without: the subject
	return cmp.Or(names[subject], subject)
}

// answer shows a row and a note, to a part of a page or by going back to the page.
func (c *Console) answer(w http.ResponseWriter, r *http.Request, work board.Work, toast page.Toast, status int) error {
	toast.Of = work.Task.ID.String()
	if !fragment(r) {
		http.Redirect(w, r, "/episodes/"+work.Task.Encounter.String(), http.StatusSeeOther)
		return nil
	}
	rows, err := c.rows(r.Context(), []board.Work{work}, nil)
	if err != nil {
		return err
	}
	c.render(w, r, status, page.Answered(c.page(r, ""), rows[0], toast))
	return nil
}

func (c *Console) doneForm(w http.ResponseWriter, r *http.Request) error {
	row, err := c.row(r)
	if err != nil {
		return err
	}
	c.sheet(w, r, "Done: "+row.Title, page.DoneSheet(row))
	return nil
}

// row is the task a request names.
func (c *Console) row(r *http.Request) (board.Row, error) {
	encounter, err := pathID(r, "encounter")
	if err != nil {
		return board.Row{}, err
	}
	id, err := pathID(r, "task")
	if err != nil {
		return board.Row{}, err
	}
	work, err := c.Store.Task(r.Context(), web.From(r.Context()).Org, encounter, id)
	if err != nil {
		return board.Row{}, err
	}
	rows, err := c.rows(r.Context(), []board.Work{work}, nil)
	if err != nil {
		return board.Row{}, err
	}
	return rows[0], nil
}
