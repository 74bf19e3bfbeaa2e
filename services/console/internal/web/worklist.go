package web

import (
	"cmp"
	"context"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// pageSize is how many rows a page of the worklist holds.
const pageSize = 50

func viewOf(r *http.Request) page.View {
	q := r.URL.Query()
	return page.View{Name: q.Get("view"), Facility: q.Get("facility")}
}

// list loads a page of rows with names.
func (c *Console) list(ctx context.Context, v page.View, after store.Position, known *memory) (page.List, error) {
	viewer := web.From(ctx)
	works, err := c.Store.Worklist(ctx, viewer.Org, store.Query{
		View: v.Name, Facility: v.Facility, Person: viewer.Subject, Limit: pageSize, After: after,
	})
	if err != nil {
		return page.List{}, err
	}
	l := page.List{View: v}
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
		return page.List{}, err
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
	c.render(w, r, http.StatusOK, page.Worklist(c.page(r, "Worklist"), l))
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
	c.render(w, r, http.StatusOK, page.MoreRows(c.page(r, ""), l))
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
	return board.Shown{ID: page.RowID(r), Hash: h.Sum64()}
}
