package web

import (
	"cmp"
	"context"
	"hash/fnv"
	"net/http"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// pageSize is how many rows a page of the worklist holds.
const pageSize = 50

// patientsSize is how many patients a page holds that goes patient by patient.
const patientsSize = 20

// pagesOf is how many pages of the worklist a browser shows: "Show more" adds one.
func pagesOf(r *http.Request) int {
	n, _ := strconv.Atoi(r.URL.Query().Get("pages"))
	return min(max(n, 1), page.MostPages)
}

func viewOf(r *http.Request) page.View { return board.ViewOf(r.URL.Query()) }

// asked is what a page of the worklist depends on: who asks is part of it only where it matters.
type asked struct {
	org events.ID
	q   store.Query
}

// listed is a page of the worklist as everybody may share it, and where the next one starts.
type listed struct {
	works []board.Work
	next  *store.Position
}

// list loads a page of rows with names. Tasks that somebody else's page loaded since will do: after a
// change fifty browsers ask for the same.
func (c *Console) list(ctx context.Context, v page.View, pages int, after store.Position, known *memory, since time.Time) (page.List, error) {
	viewer := web.From(ctx)
	l, q := page.List{View: v, Pages: pages}, store.Query{View: v, Blind: !seesSensitive(viewer), After: after, Limit: pages * pageSize}
	if v.Group == "patient" && v.Name != "done" {
		q.Limit = pages * patientsSize
	}
	if v.Name == "mine" || v.Name == "done" {
		q.Person = viewer.Subject
	}
	got, err := c.lists.get(asked{viewer.Org, q}, since, func() (listed, error) { return c.works(ctx, viewer.Org, q) })
	if err != nil {
		return l, err
	}
	if got.next != nil {
		l.Next = web.EncodeCursor(*got.next)
	}
	rows, err := c.rows(ctx, got.works, known)
	if err != nil {
		return l, err
	}
	l.Items = board.Arrange(ctx, rows, v.Group, time.Now())
	l.Counts, err = c.lately(ctx)
	return l, err
}

// works loads the tasks of a page and says where the next one starts.
func (c *Console) works(ctx context.Context, org events.ID, q store.Query) (l listed, err error) {
	if q.Group == "patient" && q.Name != "done" {
		l.works, l.next, err = c.Store.Patients(ctx, org, q)
		return l, err
	}
	l.works, err = c.Store.Worklist(ctx, org, q)
	if err != nil || len(l.works) <= q.Limit {
		return l, err
	}
	l.works = l.works[:q.Limit]
	if q.Name == "done" {
		return l, nil
	}
	last, due := l.works[q.Limit-1].Task, "infinity"
	if last.DueAt != nil {
		due = last.DueAt.UTC().Format(time.RFC3339Nano)
	}
	l.next = &store.Position{Due: due, ID: last.ID}
	return l, nil
}

func seesSensitive(p web.Principal) bool {
	return p.Is(web.Liaison) || p.Is(web.Lead) || p.Is(web.Privacy)
}

// rows makes rows of works: masked, with the names that the viewer may see.
func (c *Console) rows(ctx context.Context, works []board.Work, known *memory) ([]board.Row, error) {
	viewer := web.From(ctx)
	rows := make([]board.Row, len(works))
	for i, w := range works {
		rows[i] = board.RowOf(w, viewer)
	}
	people, err := c.staff(ctx)
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
	l, err := c.list(r.Context(), viewOf(r), pagesOf(r), store.Position{}, nil, time.Now())
	if err != nil {
		return err
	}
	if err := c.choices(r.Context(), &l); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.Worklist(c.page(r, "Worklist"), l))
	return nil
}

// choices adds what a person can choose from: places, facets, kept filters.
func (c *Console) choices(ctx context.Context, l *page.List) (err error) {
	viewer := web.From(ctx)
	if l.Places, err = c.Store.Places(ctx, viewer.Org); err != nil {
		return err
	}
	if l.Saved, err = c.Store.Filters(ctx, viewer.Org, viewer.Subject); err != nil {
		return err
	}
	facets, err := c.facets.lately(viewer.Org, ago(facetsFor), ago(30*facetsFor), func() ([]store.Facet, error) {
		return c.Store.Facets(context.WithoutCancel(ctx), viewer.Org)
	})
	l.Facets = c.facetsOf(ctx, facets, l.View.Facility)
	return err
}

func (c *Console) worklistMore(w http.ResponseWriter, r *http.Request) error {
	var after store.Position
	if _, err := web.DecodeCursor(r.URL.Query().Get("after"), &after); err != nil {
		return err
	}
	l, err := c.list(r.Context(), viewOf(r), 1, after, nil, time.Now())
	if err != nil {
		return err
	}
	l.Pages = min(pagesOf(r)+1, page.MostPages)
	c.render(w, r, http.StatusOK, page.MoreRows(c.page(r, ""), l))
	return nil
}

// countsFor is how long counts are good for: they go over all open tasks, once for everybody.
const countsFor = 2 * time.Second

// facetsFor is how long what can be filtered by is good for: it goes over all stays under way.
const facetsFor = time.Minute

// counted is how many tasks each view holds, as of a moment ago.
func (c *Console) counted(ctx context.Context) (store.Counts, error) {
	viewer := web.From(ctx)
	t, err := c.counts.get(viewer.Org, ago(countsFor), func() (store.Tally, error) { return c.Store.Tally(ctx, viewer.Org) })
	return t.Of(viewer.Subject), err
}

// lately is counted for whoever cannot wait: what was counted some seconds ago will do, while it is counted
// anew. A row that has changed goes before how many there are.
func (c *Console) lately(ctx context.Context) (store.Counts, error) {
	viewer := web.From(ctx)
	t, err := c.counts.lately(viewer.Org, ago(countsFor), ago(4*countsFor), func() (store.Tally, error) {
		return c.Store.Tally(context.WithoutCancel(ctx), viewer.Org)
	})
	return t.Of(viewer.Subject), err
}

// staffFor is how long it may take until a colleague who signs in for the first time has a name.
const staffFor = 5 * time.Second

// staff is what members of staff are called: those who have signed in here, and those in notification's
// directory. Without its answer the others are shown by their ids.
func (c *Console) staff(ctx context.Context) (map[string]string, error) {
	org := web.From(ctx).Org
	return c.people.get(org, ago(staffFor), func() (map[string]string, error) {
		names, err := c.Store.People(ctx, org)
		if err != nil {
			return nil, err
		}
		var told web.List[struct{ ID, Name string }]
		if err := c.call(ctx, http.MethodGet, "notification", "/people", nil, &told); err != nil {
			c.Log.WarnContext(ctx, "the directory is not known now", "error", err)
		}
		for _, p := range told.Items {
			if names[p.ID] == "" {
				names[p.ID] = p.Name
			}
		}
		return names, nil
	})
}

// shown is what a browser has of an item: everything it says but the running words of its countdown. What
// its task and stay say was summed up once for everybody, when it was read; what the viewer may know of it is
// added here.
func shown(item board.Item, now time.Time) board.Shown {
	h := fnv.New64a()
	row := &item.Row
	if item.Head != nil {
		_, _ = h.Write([]byte(item.Head.Text))
		if row = item.Head.Patient; row == nil {
			return board.Shown{ID: item.ID, Hash: h.Sum64()}
		}
	}
	tone := board.Pressing(row.Due, now)
	waits := row.Snoozed != nil && row.Snoozed.After(now)
	for _, part := range []string{string(tone), row.Name, row.Born, row.OwnerName, row.DoneBy, row.Note} {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{0})
	}
	flags := byte(0)
	for i, is := range []bool{row.Mine, row.CanWork, row.Assigns, row.Hidden, waits, row.Age != nil, row.Risk != nil} {
		if is {
			flags |= 1 << i
		}
	}
	_, _ = h.Write([]byte{flags})
	return board.Shown{ID: item.ID, Hash: h.Sum64() ^ row.Sum}
}
