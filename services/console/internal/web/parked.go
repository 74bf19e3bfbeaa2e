package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

// parkedPath reads which parked key of which service a page asks for.
func parkedPath(r *http.Request) (page.ParkedKey, error) {
	k := page.ParkedKey{Service: r.PathValue("service"), Stream: r.PathValue("stream")}
	var err error
	if k.Key, err = pathID(r, "key"); err != nil {
		return k, err
	}
	if !slices.Contains(services, k.Service) || !slices.Contains(services, k.Stream) {
		return k, refuse(fault.Unknown, "There is no such service.")
	}
	return k, nil
}

// parkedKey shows a parked key: why, which event failed, and what of the same patient waits behind it.
func (c *Console) parkedKey(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	k, err := parkedPath(r)
	if err != nil {
		return err
	}
	var list web.List[struct {
		Type     string    `json:"type"`
		Doc      string    `json:"doc"`
		ParkedAt time.Time `json:"parked_at"`
	}]
	if err := c.call(ctx, http.MethodGet, k.Service, "/parked/"+k.Stream+"/"+k.Key.String(), nil, &list); err != nil {
		return err
	}
	for _, x := range list.Items {
		var e struct {
			Time     time.Time `json:"time"`
			Received time.Time `json:"receivedtime"`
			Cause    events.ID `json:"causeid"`
		}
		_ = json.Unmarshal([]byte(x.Doc), &e) // what cannot be read has no time to show
		one := page.ParkedEvent{Type: x.Type, Occurred: e.Time, Received: e.Received, ParkedAt: x.ParkedAt, Doc: indented(x.Doc)}
		if k.Stream == "admission" {
			one.Message = e.Cause
		}
		k.Events = append(k.Events, one)
	}
	var all web.List[page.Parked]
	if err := c.call(ctx, http.MethodGet, k.Service, "/parked?limit=500", nil, &all); err == nil {
		for _, p := range all.Items {
			if p.Key == k.Key && p.Stream == k.Stream {
				k.Reason, k.Since = p.Error, p.Since
			}
		}
	}
	c.sheet(w, r, "Parked", page.ParkedSheet(c.page(r, ""), k))
	return nil
}

// indented is a document as people read it.
func indented(doc string) string {
	var b strings.Builder
	var v any
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if json.Unmarshal([]byte(doc), &v) != nil || enc.Encode(v) != nil {
		return doc
	}
	return b.String()
}

// tryParked says what a replay would do now. Nothing is changed by it.
func (c *Console) tryParked(w http.ResponseWriter, r *http.Request) error {
	return c.replayed(w, r, true)
}

func (c *Console) replay(w http.ResponseWriter, r *http.Request) error {
	return c.replayed(w, r, false)
}

// replayed shows what a replay did or would do. That an event still fails is an answer, not an error.
func (c *Console) replayed(w http.ResponseWriter, r *http.Request, dry bool) error {
	k, err := parkedPath(r)
	if err != nil {
		return err
	}
	path := "/parked/" + k.Stream + "/" + k.Key.String() + "/replay"
	if dry {
		path += "?dry_run=true"
	}
	out := page.Replayed{Dry: dry}
	if err := c.call(r.Context(), http.MethodPost, k.Service, path, struct{}{}, &out); err != nil {
		if fault.KindOf(err) != fault.Conflict {
			return err
		}
		out.Fails = fault.Public(err)
	}
	if !fragment(r) {
		if !dry {
			http.Redirect(w, r, "/operations", http.StatusSeeOther)
			return nil
		}
		c.render(w, r, http.StatusOK, page.SheetPage(c.page(r, "A trial of the replay"), say(r.Context(), "What a replay would do"), page.ReplayResult(out)))
		return nil
	}
	c.render(w, r, http.StatusOK, page.ReplayedPart(k, out))
	return nil
}

// verifyLedger has notification recompute its chain, over a time that the person chose.
func (c *Console) verifyLedger(w http.ResponseWriter, r *http.Request) error {
	q := url.Values{}
	span := r.FormValue("span")
	switch span {
	case "day":
		q.Set("since", time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339))
	case "month":
		q.Set("since", time.Now().AddDate(0, -1, 0).UTC().Format(time.RFC3339))
	}
	if link, hash := strings.TrimSpace(r.FormValue("link")), strings.TrimSpace(r.FormValue("hash")); hash != "" {
		q = url.Values{"link": {link}, "hash": {hash}}
	}
	proof := page.Proof{At: time.Now()}
	if err := c.call(r.Context(), http.MethodGet, "notification", "/ledger/verify?"+q.Encode(), nil, &proof); err != nil {
		return err
	}
	if !fragment(r) {
		c.render(w, r, http.StatusOK, page.SheetPage(c.page(r, "Ledger"), say(r.Context(), "The ledger, recomputed"), page.ProofResult(c.page(r, ""), proof)))
		return nil
	}
	c.render(w, r, http.StatusOK, page.ProofPart(c.page(r, ""), proof))
	return nil
}
