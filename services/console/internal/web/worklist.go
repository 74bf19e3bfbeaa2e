package web

import (
	"cmp"
	"context"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// pageSize is how many rows a page of the worklist holds.
const pageSize = 50

// View is what a person chose to see.
type View struct{ Name, Facility string }

func viewOf(r *http.Request) View {
	q := r.URL.Query()
	return View{q.Get("view"), q.Get("facility")}
}

// Query is the view as the query part of an address, "" for the plain worklist.
func (v View) Query(more ...string) string {
	q := url.Values{}
	if v.Name != "" {
		q.Set("view", v.Name)
	}
	if v.Facility != "" {
		q.Set("facility", v.Facility)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// List is a page of the worklist as one person sees it.
type List struct {
	View   View
	Rows   []board.Row
	More   string // address of the next page, "" on the last
	Counts store.Counts
	Places []store.Place
}

// list loads a page of rows with names.
func (c *Console) list(ctx context.Context, v View, after store.Position, known *memory) (List, error) {
	viewer := web.From(ctx)
	works, err := c.Store.Worklist(ctx, viewer.Org, store.Query{
		View: v.Name, Facility: v.Facility, Person: viewer.Subject, Limit: pageSize, After: after,
	})
	if err != nil {
		return List{}, err
	}
	l := List{View: v}
	if len(works) > pageSize {
		works = works[:pageSize]
		if last := works[pageSize-1].Task; v.Name != "done" {
			due := "infinity"
			if last.DueAt != nil {
				due = last.DueAt.UTC().Format(time.RFC3339Nano)
			}
			l.More = "/worklist/more" + v.Query("after", web.EncodeCursor(store.Position{Due: due, ID: last.ID}))
		}
	}
	if l.Rows, err = c.rows(ctx, works, known); err != nil {
		return List{}, err
	}
	l.Counts, err = c.counts.get(ctx, c.Store, viewer)
	return l, err
}

// rows makes rows of works: masked, with the names that the viewer may see.
func (c *Console) rows(ctx context.Context, works []board.Work, known *memory) ([]board.Row, error) {
	viewer := web.From(ctx)
	rows := make([]board.Row, len(works))
	var staff []string
	for i, w := range works {
		rows[i] = board.RowOf(w, viewer)
		for _, s := range []string{rows[i].Owner, rows[i].DoneBy} {
			if s != "" {
				staff = append(staff, s)
			}
		}
	}
	people, err := c.Store.Staff(ctx, viewer.Org, staff)
	if err != nil {
		return nil, err
	}
	names := known.names(ctx, c, board.Patients(rows))
	for i := range rows {
		r := &rows[i]
		r.OwnerName = cmp.Or(people[r.Owner], r.Owner)
		r.DoneBy = cmp.Or(people[r.DoneBy], r.DoneBy)
		if p, ok := names[r.Patient]; ok && !r.Hidden {
			r.Name, r.Born, r.Hidden = p.Display(), p.Born, p.Restricted
		}
	}
	return rows, nil
}

// memory holds the names one stream has already asked for, for as long as the stream is open and a
// minute at most: so that a push does not ask for the whole page again, and a change of a name or of
// a permission shows.
type memory struct {
	at    time.Time
	known map[events.ID]Person
}

func (m *memory) names(ctx context.Context, c *Console, ids []events.ID) map[events.ID]Person {
	if m == nil {
		return c.names(ctx, ids)
	}
	if m.known == nil || time.Since(m.at) > time.Minute {
		m.at, m.known = time.Now(), map[events.ID]Person{}
	}
	var ask []events.ID
	for _, id := range ids {
		if _, ok := m.known[id]; !ok {
			ask = append(ask, id)
		}
	}
	for id, p := range c.names(ctx, ask) {
		m.known[id] = p
	}
	return m.known
}

func (c *Console) worklist(w http.ResponseWriter, r *http.Request) error {
	l, err := c.list(r.Context(), viewOf(r), store.Position{}, nil)
	if err != nil {
		return err
	}
	if l.Places, err = c.Store.Places(r.Context(), web.From(r.Context()).Org); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, worklistPage(c.page(r, "Worklist"), l))
	return nil
}

func (c *Console) worklistMore(w http.ResponseWriter, r *http.Request) error {
	var after store.Position
	if _, err := web.DecodeCursor(r.URL.Query().Get("after"), &after); err != nil {
		return err
	}
	l, err := c.list(r.Context(), viewOf(r), after, nil)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, moreRows(c.page(r, ""), l))
	return nil
}

// countsFor is how long counts are good for: they go over all open tasks.
const countsFor = 2 * time.Second

// countsCache keeps the counts of each person.
type countsCache struct {
	mu sync.Mutex
	by map[string]counted
}

type counted struct {
	at time.Time
	n  store.Counts
}

func (k *countsCache) get(ctx context.Context, s *store.Store, p web.Principal) (store.Counts, error) {
	key := p.Org.String() + p.Subject
	k.mu.Lock()
	got, ok := k.by[key]
	k.mu.Unlock()
	if ok && time.Since(got.at) < countsFor {
		return got.n, nil
	}
	n, err := s.Counts(ctx, p.Org, p.Subject)
	if err != nil {
		return n, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by == nil || len(k.by) > 10_000 {
		k.by = map[string]counted{}
	}
	k.by[key] = counted{time.Now(), n}
	return n, nil
}

// forget drops a person's counts: an act of theirs has changed them.
func (k *countsCache) forget(p web.Principal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.by, p.Org.String()+p.Subject)
}

// shown is what a browser has of a row: everything it says but the running words of its countdown.
func shown(r board.Row, now time.Time) board.Shown {
	_, tone := board.Countdown(r.Due, now)
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(r) // plain values into a hash: cannot fail
	_, _ = h.Write([]byte(tone))
	return board.Shown{ID: rowID(r), Hash: h.Sum64()}
}

func rowID(r board.Row) string { return "t-" + r.ID.String() }

func rowPath(r board.Row, action string) string {
	return "/episodes/" + r.Encounter.String() + "/tasks/" + r.ID.String() + "/" + action
}

func version(r board.Row) map[string]string {
	return map[string]string{"version": strconv.Itoa(r.Version)}
}

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
	answer.onto(t)
	if !board.Open(t.State) {
		work.DoneBy, work.ChangedAt = web.From(ctx).Subject, time.Now()
	}
	toast := Toast{Text: a.said + ": " + t.Title}
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
	var now task
	if got := c.call(r.Context(), http.MethodGet, "discharge", "/tasks/"+work.Task.ID.String(), nil, &now); got == nil {
		now.onto(&work.Task)
	}
	return c.answer(w, r, work, Toast{Text: text, Bad: true}, http.StatusConflict)
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
func (c *Console) answer(w http.ResponseWriter, r *http.Request, work board.Work, toast Toast, status int) error {
	toast.Of = work.Task.ID.String()
	if !fragment(r) {
		http.Redirect(w, r, "/episodes/"+work.Task.Encounter.String(), http.StatusSeeOther)
		return nil
	}
	rows, err := c.rows(r.Context(), []board.Work{work}, nil)
	if err != nil {
		return err
	}
	c.render(w, r, status, answered(c.page(r, ""), rows[0], toast))
	return nil
}

func (c *Console) doneForm(w http.ResponseWriter, r *http.Request) error {
	row, err := c.row(r)
	if err != nil {
		return err
	}
	c.sheet(w, r, "Done: "+row.Title, doneSheet(row))
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
