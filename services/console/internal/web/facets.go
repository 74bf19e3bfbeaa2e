package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// facetsOf makes choices of the combinations there are; units are those of one facility.
func (c *Console) facetsOf(ctx context.Context, list []store.Facet, facility string) page.Facets {
	units, places, protocols := map[string]string{}, map[string]string{}, map[string]string{}
	titles := c.protocolTitles(ctx)
	for _, f := range list {
		if f.Facility == facility && f.Unit != "" {
			units[f.Unit] = f.Unit
		}
		if f.Disposition != "" {
			places[f.Disposition] = board.Plain(ctx, board.Disposition(ctx, f.Disposition))
		}
		var codes []string
		_ = json.Unmarshal([]byte(f.Protocols), &codes) // "" and null are none
		for _, code := range codes {
			id, _, _ := strings.Cut(code, "@")
			protocols[id] = cmp.Or(titles[id], board.Plain(ctx, id))
		}
	}
	return page.Facets{Units: choices(units), Dispositions: choices(places), Protocols: choices(protocols)}
}

func choices(m map[string]string) []page.Choice {
	out := make([]page.Choice, 0, len(m))
	for code, text := range m {
		out = append(out, page.Choice{Code: code, Text: text})
	}
	slices.SortFunc(out, func(a, b page.Choice) int {
		return cmp.Or(strings.Compare(a.Text, b.Text), strings.Compare(a.Code, b.Code))
	})
	return out
}

// protocolTitles is what protocols are called; empty where discharge does not say.
func (c *Console) protocolTitles(ctx context.Context) map[string]string {
	titles, _ := c.titles.get(web.From(ctx).Org, ago(10*facetsFor), func() (map[string]string, error) {
		var answer web.List[struct{ Protocol, Title string }]
		err := c.call(ctx, http.MethodGet, "discharge", "/protocols", nil, &answer)
		out := map[string]string{}
		for _, p := range answer.Items {
			id, _, _ := strings.Cut(p.Protocol, "@")
			out[id] = p.Title
		}
		return out, err
	})
	return titles
}

// keepFilter keeps what is shown under a name of the person's own.
func (c *Console) keepFilter(w http.ResponseWriter, r *http.Request) error {
	viewer, v := web.From(r.Context()), viewOf(r)
	name := strings.Join(strings.Fields(r.FormValue("name")), " ")
	if name == "" || len(name) > 40 {
		return refuse(fault.Invalid, "Give the filter a short name.")
	}
	full, err := c.Store.KeepFilter(r.Context(), viewer.Org, viewer.Subject, store.Filter{ID: events.NewID(), Name: name, Query: v.Query()})
	if err != nil {
		return err
	}
	if full {
		return fault.New(fault.Conflict, "%s", say(r.Context(), "You have kept %d filters. Forget one first.", store.MaxFilters))
	}
	return c.filtersAgain(w, r, say(r.Context(), "Kept: %s", name))
}

func (c *Console) dropFilter(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "filter")
	if err != nil {
		return err
	}
	viewer := web.From(r.Context())
	if err := c.Store.DropFilter(r.Context(), viewer.Org, viewer.Subject, id); err != nil {
		return err
	}
	return c.filtersAgain(w, r, say(r.Context(), "Forgotten. The tasks are all still there."))
}

// filtersAgain shows the filters as they are now.
func (c *Console) filtersAgain(w http.ResponseWriter, r *http.Request, said string) error {
	v := viewOf(r)
	if !fragment(r) {
		http.Redirect(w, r, "/"+v.Query(), http.StatusSeeOther)
		return nil
	}
	l := page.List{View: v}
	var err error
	if l.Counts, err = c.counted(r.Context()); err != nil {
		return err
	}
	if err := c.choices(r.Context(), &l); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.FiltersAgain(l, page.Toast{Text: said}))
	return nil
}
