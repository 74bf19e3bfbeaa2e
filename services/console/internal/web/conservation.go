package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

// behindSize is how many rows a page holds.
const behindSize = 50

// conservation shows what is behind the numbers of a service's law, asked of that service.
func (c *Console) conservation(w http.ResponseWriter, r *http.Request) error {
	ctx, out := r.Context(), page.Conservation{Service: r.PathValue("service"), After: r.URL.Query().Get("after")}
	var err error
	out.Index, err = strconv.Atoi(r.PathValue("law"))
	if err != nil || !slices.Contains(services, out.Service) {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	var laws struct{ Laws []web.Law }
	if err := c.call(ctx, http.MethodGet, out.Service, "/reconcile", nil, &laws); err != nil {
		return err
	}
	if out.Index < 0 || out.Index >= len(laws.Laws) {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	out.Law = laws.Laws[out.Index]
	law := url.Values{"law": {strconv.Itoa(out.Index)}}
	var numbers web.List[page.LawNumber]
	if err := c.call(ctx, http.MethodGet, out.Service, "/reconcile/numbers?"+law.Encode(), nil, &numbers); err != nil {
		return err
	}
	out.Numbers = numbers.Items
	q := r.URL.Query()
	if q.Get("side") == "" && out.Law.Difference != 0 { // what matters is opened at once
		q.Set("side", "difference")
	}
	at := slices.IndexFunc(out.Numbers, func(n page.LawNumber) bool {
		return n.Side == q.Get("side") && (n.Name == q.Get("name") || q.Get("name") == "")
	})
	if at >= 0 {
		out.Chosen = out.Numbers[at]
		law.Set("side", out.Chosen.Side)
		law.Set("name", out.Chosen.Name)
		law.Set("limit", strconv.Itoa(behindSize))
		law.Set("cursor", out.After)
		var rows web.List[page.BehindRow]
		if err := c.call(ctx, http.MethodGet, out.Service, "/reconcile/rows?"+law.Encode(), nil, &rows); err != nil {
			return err
		}
		if out.Rows = rows.Items; rows.Next != nil {
			out.More = *rows.Next
		}
	}
	c.render(w, r, http.StatusOK, page.ConservationPage(c.page(r, "Conservation"), out))
	return nil
}
