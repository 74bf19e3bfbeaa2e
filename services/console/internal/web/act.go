package web

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
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
	a, known := actions[r.PathValue("action")]
	if !known {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	work, err := c.Store.Task(ctx, web.From(ctx).Org, encounter, id)
	if err != nil {
		return err
	}
	version, err := strconv.Atoi(r.FormValue("version"))
	if err != nil {
		version = work.Task.Version
	}
	key := pressKey(r)
	deed, err := c.do(ctx, &work, a, version, r, key)
	if err != nil {
		return c.refused(w, r, work, err)
	}
	toast := page.Toast{Text: deed.Said, Of: id.String()}
	if deed.Back != "" {
		deed.Turn = turnOf(key)
		if err := c.Store.Did(ctx, web.From(ctx).Org, web.From(ctx).Subject, []store.Deed{deed}); err != nil {
			return err
		}
		toast.Turn = deed.Turn.String()
	}
	return c.answer(w, r, []board.Work{work}, toast, http.StatusOK)
}

// action is one thing a person can do to a task.
type action struct {
	name    string       // at discharge
	said    text.Message // what the note afterwards says
	matched bool         // sends the version that was decided on
	perm    web.Permission
	body    func(*http.Request, board.Work) (any, error)
	back    func(was events.Task, who web.Principal) (name, owner string) // what takes it back
}

var actions = map[string]action{
	"claim":    {"claim", "Yours now", false, web.TasksWork, none, unclaim},
	"release":  {"release", "Given back", true, web.TasksWork, none, back("claim")},
	"reopen":   {"reopen", "Open again", true, web.TasksWork, none, nil},
	"complete": {"complete", "Done", true, web.TasksWork, outcome, back("reopen")},
	"attempt":  {"attempt", "Attempt noted", true, web.TasksWork, attempt, nil},
	"snooze":   {"snooze", "Put off", true, web.TasksWork, snooze, unsnooze},
	"assign":   {"assign", "Handed over", true, web.TasksAssign, assign, unassign},
}

func back(name string) func(events.Task, web.Principal) (string, string) {
	return func(events.Task, web.Principal) (string, string) { return name, "" }
}

// unclaim gives back what was nobody's.
func unclaim(was events.Task, _ web.Principal) (string, string) {
	if was.Owner != "" {
		return "", ""
	}
	return "release", ""
}

// unsnooze makes a task what it was before it was put off: nobody's, or the person's own.
func unsnooze(was events.Task, who web.Principal) (string, string) {
	switch was.Owner {
	case "":
		return "release", ""
	case who.Subject:
		return "claim", ""
	}
	return "", ""
}

func unassign(was events.Task, _ web.Principal) (string, string) {
	if was.Owner == "" {
		return "release", ""
	}
	return "assign", was.Owner
}

func none(*http.Request, board.Work) (any, error) { return struct{}{}, nil }

func outcome(r *http.Request, _ board.Work) (any, error) {
	return map[string]string{"outcome": cmp.Or(r.FormValue("outcome"), "done"), "note": r.FormValue("note")}, nil
}

// attempt is how an attempt went, and when to try again: as the person chose, else as computed.
func attempt(r *http.Request, w board.Work) (any, error) {
	said := cmp.Or(r.FormValue("outcome"), "no-answer")
	body := map[string]any{"channel": cmp.Or(r.FormValue("channel"), "phone"), "outcome": said, "note": r.FormValue("note")}
	if minutes, err := strconv.Atoi(r.FormValue("minutes")); err == nil && minutes > 0 && minutes <= 24*60 {
		body["duration_s"] = minutes * 60
	}
	next, err := chosenTime(r, "next", w)
	if err != nil {
		return nil, err
	}
	if next == nil && r.FormValue("next") == "" {
		if n, ok := board.NextAttempt(said, w.Task.Attempts+1, pressedAt(r), w.Task.DueAt, board.Zone(w.Zone)); ok {
			next = &n.At
		}
	}
	if next != nil {
		body["next_at"] = next
	}
	return body, nil
}

func snooze(r *http.Request, w board.Work) (any, error) {
	until, err := chosenTime(r, "until", w)
	if err == nil && (until == nil || !until.After(time.Now())) {
		err = refuse(fault.Invalid, "Say until when: a time that is still to come.")
	}
	return map[string]any{"until": until, "reason": r.FormValue("reason")}, err
}

func assign(r *http.Request, _ board.Work) (any, error) {
	owner := r.FormValue("owner")
	if owner == "" {
		return nil, refuse(fault.Invalid, "Say to whom.")
	}
	return map[string]string{"owner": owner, "note": r.FormValue("note")}, nil
}

// chosenTime reads a time: one of board.Snoozes, or what a person typed, which is the facility's local time.
func chosenTime(r *http.Request, name string, w board.Work) (*time.Time, error) {
	text := r.FormValue(name)
	if text == "other" {
		text = r.FormValue(name + "_at")
		if text == "" {
			return nil, refuse(fault.Invalid, "Say when.")
		}
	}
	if text == "" || text == "none" {
		return nil, nil
	}
	if at, ok := board.SnoozeAt(text, pressedAt(r), board.Zone(w.Zone)); ok {
		return &at, nil
	}
	at, err := written(text, board.Zone(w.Zone))
	return &at, err
}

// do has discharge do a to a task, notes in work how it is then, and returns the deed. What was pressed
// under a key (the zero key: none) is done once, however often it is sent.
func (c *Console) do(ctx context.Context, work *board.Work, a action, version int, r *http.Request, key events.ID) (store.Deed, error) {
	who, t := web.From(ctx), &work.Task
	if row := board.RowOf(*work, who); !row.CanWork || !web.Allow(who, a.perm) {
		return store.Deed{}, refuse(fault.Forbidden, "This task belongs to another role.")
	}
	body, err := a.body(r, *work)
	if err != nil {
		return store.Deed{}, err
	}
	if !a.matched {
		version = 0
	}
	if version, body, err = c.pressed(ctx, key, a.name+" "+t.ID.String(), version, body); err != nil {
		return store.Deed{}, err
	}
	answer, err := c.change(ctx, t.ID, a.name, version, body, key)
	if err != nil {
		return store.Deed{}, err
	}
	was := *t
	answer.Onto(t)
	if !board.Open(t.State) {
		work.DoneBy, work.ChangedAt = who.Subject, time.Now()
	}
	d := store.Deed{Encounter: t.Encounter, Task: t.ID, At: time.Now(), Said: say(ctx, a.said) + ": " + t.Title, Version: answer.Version}
	if a.back != nil {
		d.Back, d.Owner = a.back(was, who)
	}
	return d, nil
}

// kindly says why something did not happen; ok is false where nothing kind can be said.
func (c *Console) kindly(ctx context.Context, title string, err error) (text string, ok bool) {
	kind := fault.KindOf(err)
	if kind != fault.Conflict && kind != fault.Stale {
		return "", false
	}
	if state, _ := field(err, "state"); state == "completed" || state == "failed" || state == "cancelled" {
		return say(ctx, "This task is finished already: %s. Here is how it is now.", title), true
	}
	if winner := c.winner(ctx, err); winner != "" {
		return say(ctx, "%s took this a moment before you: %s. Nothing is lost; it is in good hands.", winner, title), true
	}
	if kind == fault.Stale {
		return say(ctx, "This task changed while you were looking. Here is how it is now; please look once more."), true
	}
	return public(ctx, err), true
}

// refused tells kindly why something did not happen, and shows the task as it is now.
func (c *Console) refused(w http.ResponseWriter, r *http.Request, work board.Work, err error) error {
	text, ok := c.kindly(r.Context(), work.Task.Title, err)
	if !ok {
		return err
	}
	c.refresh(r.Context(), &work)
	return c.answer(w, r, []board.Work{work}, page.Toast{Text: text, Bad: true, Of: work.Task.ID.String()}, http.StatusConflict)
}

// refresh asks discharge how a task is now; without an answer it stays as it was.
func (c *Console) refresh(ctx context.Context, work *board.Work) {
	var now page.Task
	if err := c.call(ctx, http.MethodGet, "discharge", "/tasks/"+work.Task.ID.String(), nil, &now); err == nil {
		now.Onto(&work.Task)
	}
}

// winner is who was first, from the facts that a conflict carries.
func (c *Console) winner(ctx context.Context, err error) string {
	subject, ok := field(err, "owner")
	if !ok || subject == web.From(ctx).Subject {
		return ""
	}
	names, _ := c.staff(ctx) // without: the subject
	return cmp.Or(names[subject], subject)
}

// answer shows rows and a note, to a part of a page or by going back to a page.
func (c *Console) answer(w http.ResponseWriter, r *http.Request, works []board.Work, toast page.Toast, status int) error {
	if !fragment(r) {
		target := "/"
		if len(works) == 1 {
			target = "/episodes/" + works[0].Task.Encounter.String()
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
		return nil
	}
	rows, err := c.rows(r.Context(), works, nil)
	if err != nil {
		return err
	}
	c.render(w, r, status, page.Answered(c.page(r, ""), rows, toast))
	return nil
}

// row is the task a request names.
func (c *Console) row(r *http.Request) (board.Row, board.Work, error) {
	encounter, err := pathID(r, "encounter")
	if err != nil {
		return board.Row{}, board.Work{}, err
	}
	id, err := pathID(r, "task")
	if err != nil {
		return board.Row{}, board.Work{}, err
	}
	work, err := c.Store.Task(r.Context(), web.From(r.Context()).Org, encounter, id)
	if err != nil {
		return board.Row{}, board.Work{}, err
	}
	rows, err := c.rows(r.Context(), []board.Work{work}, nil)
	if err != nil {
		return board.Row{}, board.Work{}, err
	}
	return rows[0], work, nil
}
