package web

import (
	"cmp"
	"context"
	"encoding/json"
	"hash/fnv"
	"net/http"
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

func viewOf(r *http.Request) page.View { return board.ViewOf(r.URL.Query()) }

// list loads a page of rows with names.
func (c *Console) list(ctx context.Context, v page.View, after store.Position, known *memory) (page.List, error) {
	viewer := web.From(ctx)
	l := page.List{View: v}
	works, next, err := c.works(ctx, store.Query{View: v, Person: viewer.Subject, Blind: !seesSensitive(viewer), After: after})
	if err != nil {
		return l, err
	}
	if next != nil {
		l.More = "/worklist/more" + v.Query("after", web.EncodeCursor(*next))
	}
	rows, err := c.rows(ctx, works, known)
	if err != nil {
		return l, err
	}
	l.Items = board.Arrange(rows, v.Group, time.Now())
	l.Counts, err = c.counted(ctx)
	return l, err
}

// works loads the tasks of a page and says where the next one starts.
func (c *Console) works(ctx context.Context, q store.Query) ([]board.Work, *store.Position, error) {
	org := web.From(ctx).Org
	if q.Group == "patient" && q.Name != "done" {
		q.Limit = patientsSize
		return c.Store.Patients(ctx, org, q)
	}
	q.Limit = pageSize
	works, err := c.Store.Worklist(ctx, org, q)
	if err != nil || len(works) <= pageSize {
		return works, nil, err
	}
	works = works[:pageSize]
	if q.Name == "done" {
		return works, nil, nil
	}
	last, due := works[pageSize-1].Task, "infinity"
	if last.DueAt != nil {
		due = last.DueAt.UTC().Format(time.RFC3339Nano)
	}
	return works, &store.Position{Due: due, ID: last.ID}, nil
}

func seesSensitive(p web.Principal) bool {
	return p.Is(web.Liaison) || p.Is(web.Lead) || p.Is(web.Privacy)
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
	facets, err := c.facets.get(viewer.Org, facetsFor, func() ([]store.Facet, error) { return c.Store.Facets(ctx, viewer.Org) })
	l.Facets = c.facetsOf(ctx, facets, l.View.Facility)
	return err
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
	c.render(w, r, http.StatusOK, page.MoreRows(c.page(r, ""), l))
	return nil
}

// countsFor is how long counts are good for: they go over all open tasks, once for everybody.
const countsFor = 2 * time.Second

// facetsFor is how long what can be filtered by is good for.
const facetsFor = time.Minute

// counted is how many tasks each view holds: everybody's from a moment ago, one's own as of now.
func (c *Console) counted(ctx context.Context) (store.Counts, error) {
	viewer := web.From(ctx)
	n, err := c.counts.get(viewer.Org, countsFor, func() (store.Counts, error) { return c.Store.Counts(ctx, viewer.Org) })
	if err != nil {
		return n, err
	}
	n.Mine, err = c.Store.Mine(ctx, viewer.Org, viewer.Subject)
	return n, err
}

// shown is what a browser has of an item: everything it says but the running words of its countdown.
func shown(item board.Item, now time.Time) board.Shown {
	_, tone := board.Countdown(item.Row.Due, now)
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(item) // plain values into a hash: cannot fail
	_, _ = h.Write([]byte(tone))
	return board.Shown{ID: item.ID, Hash: h.Sum64()}
}
