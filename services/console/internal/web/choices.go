package web

import (
	"context"
	"net/http"
	"net/url"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// choiceList is the list of places to print, show and sign, in the patient's language.
func (c *Console) choiceList(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "referral")
	if err != nil {
		return err
	}
	r = c.spoken(w, r)
	ctx := r.Context()
	s, err := c.searchOf(ctx, id, nil)
	if err != nil {
		return err
	}
	known, err := c.listed(ctx, s.Need)
	if err != nil {
		return err
	}
	out := page.Choices{Search: s}
	for _, p := range s.Candidates {
		place := page.ChoicePlace{Listed: known[p.Provider], Reasons: p.Reasons}
		if place.Listed.Name == "" {
			place.Listed.Name = p.Name
		}
		out.Places = append(out.Places, place)
	}
	c.render(w, r, http.StatusOK, page.ChoicesPage(c.page(r, text.Message(page.ChoicesTitle(ctx))), out))
	return nil
}

// mostListed is how many providers of a directory are looked at for what is printed of them.
const mostListed = 10_000

// listed are the providers of the directory that are licensed for a need.
func (c *Console) listed(ctx context.Context, need string) (map[events.ID]page.Listed, error) {
	out := map[events.ID]page.Listed{}
	q := url.Values{"need": {need}, "limit": {"500"}}
	for len(out) < mostListed {
		var answer web.List[page.Listed]
		if err := c.call(ctx, http.MethodGet, "referral", "/providers?"+q.Encode(), nil, &answer); err != nil {
			return nil, err
		}
		for _, p := range answer.Items {
			out[p.ID] = p
		}
		if answer.Next == nil {
			break
		}
		q.Set("cursor", *answer.Next)
	}
	return out, nil
}

// authorizations are the clocks of what the payer was asked about a referral. Where discharge does not answer,
// the page shows without.
func (c *Console) authorizations(ctx context.Context, transition, referral events.ID) []page.Clock {
	if transition.IsZero() || !web.Allow(web.From(ctx), web.TransitionsRead) {
		return nil
	}
	var answer web.List[page.Clock]
	if err := c.call(ctx, http.MethodGet, "discharge", "/transitions/"+transition.String()+"/clocks", nil, &answer); err != nil {
		if fault.KindOf(err) != fault.Unknown {
			c.Log.WarnContext(ctx, "clocks are not known now", "error", err)
		}
		return nil
	}
	var out []page.Clock
	for _, k := range answer.Items {
		if k.Request != nil && k.Request.Referral == referral.String() {
			out = append(out, k)
		}
	}
	return out
}
