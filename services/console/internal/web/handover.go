package web

import (
	"context"
	"net/http"
	"time"

	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// shift is how far back a handover looks.
const shift = 12 * time.Hour

// handover shows what whoever comes next has to know: what is still owed, what was done about it last,
// what was done in this shift; and hands it all over.
func (c *Console) handover(w http.ResponseWriter, r *http.Request) error {
	ctx, who := r.Context(), web.From(r.Context())
	works, err := c.Store.Worklist(ctx, who.Org, store.Query{View: board.View{Name: "mine"}, Person: who.Subject, Limit: bulkMost})
	if err != nil {
		return err
	}
	h := page.Handover{Since: time.Now().Add(-shift), More: len(works) > bulkMost, Assigns: web.Allow(who, web.TasksAssign)}
	works = works[:min(len(works), bulkMost)]
	rows, err := c.rows(ctx, works, nil)
	if err != nil {
		return err
	}
	h.Owed = c.owed(ctx, rows)
	if h.Staff, err = c.staff(ctx); err != nil {
		return err
	}
	did, err := c.Store.Worklist(ctx, who.Org, store.Query{View: board.View{Name: "done"}, Person: who.Subject, Limit: bulkMost})
	if err != nil {
		return err
	}
	var lately []board.Work
	for _, d := range did {
		if d.ChangedAt.After(h.Since) {
			lately = append(lately, d)
		}
	}
	if h.Did, err = c.rows(ctx, lately, nil); err != nil {
		return err
	}
	if h.Assigns {
		if h.People, err = c.colleagues(r, web.TasksWork); err != nil {
			return err
		}
	}
	c.render(w, r, http.StatusOK, page.HandoverPage(c.page(r, "Handover"), h))
	return nil
}

// logsMost is of how many tasks the log is asked for a handover: what is due first.
const logsMost = 60

// owed adds to rows what was done last. Where discharge does not say, the row stands alone.
func (c *Console) owed(ctx context.Context, rows []board.Row) []page.Owed {
	out := make([]page.Owed, len(rows))
	for i, r := range rows {
		out[i].Row = r
	}
	each(min(len(rows), logsMost), func(i int) {
		var t page.Task
		if err := c.call(ctx, http.MethodGet, "discharge", "/tasks/"+rows[i].ID.String(), nil, &t); err == nil && len(t.Log) > 0 {
			out[i].Last = &t.Log[len(t.Log)-1]
		}
	})
	return out
}
