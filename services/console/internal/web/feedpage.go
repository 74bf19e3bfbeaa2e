package web

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// feedPage shows how one feed does.
func (c *Console) feedPage(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "feed")
	if err != nil {
		return err
	}
	f, err := c.feed(r.Context(), id)
	if err != nil {
		return err
	}
	q, err := c.quality(r.Context(), id)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.FeedPage(c.page(r, text.Message(f.Name)), f, q))
	return nil
}

func (c *Console) quality(ctx context.Context, feed events.ID) (q page.Quality, err error) {
	err = c.call(ctx, http.MethodGet, "admission", "/feeds/"+feed.String()+"/quality", nil, &q)
	return q, err
}

// feedRhythm is the rhythm as a chart.
func (c *Console) feedRhythm(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "feed")
	if err != nil {
		return err
	}
	q, err := c.quality(r.Context(), id)
	if err != nil {
		return err
	}
	out := chart{Data: [][]*float64{{}}}
	came, usual := []*float64{}, []*float64{}
	for _, h := range q.Rhythm {
		at, n := float64(h.At.Unix()), float64(h.N)
		out.Data[0], came, usual = append(out.Data[0], &at), append(came, &n), append(usual, h.Usual)
	}
	out.add(say(r.Context(), "Messages"), came)
	out.add(say(r.Context(), "Usually at this hour"), usual)
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]chart{"rhythm": out})
}
