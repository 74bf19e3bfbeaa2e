package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// admin shows who answers for what, and lets administrators change it.
func (c *Console) admin(w http.ResponseWriter, r *http.Request) error {
	a, err := c.adminOf(r)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.AdminPage(c.page(r, "Who answers for what"), a))
	return nil
}

// saved is what is said after something was saved, by the address that follows.
var saved = map[string]text.Message{
	"roster": "The roster is saved. It counts for the next alert.", "policy": "Saved. It counts for alerts from now on.",
	"rule": "The rule is saved. It counts for the next alert.", "shipped": "The rule is as shipped again. It counts for the next alert.",
	"person": "Saved. It counts for the next alert.", "added": "Added. They can be told from the next alert on.",
	"oncall": "Saved. Whoever is on call is told, from the next alert on.", "offcall": "The shift is taken away.",
	"stopped": "They are told of nothing any more.", "again": "They are told of things again, from the next alert on.",
}

// adminOf is what notification knows of people, rosters and rules, with the names of places.
func (c *Console) adminOf(r *http.Request) (page.Admin, error) {
	ctx := r.Context()
	a := page.Admin{Places: map[string]string{}}
	var people web.List[page.Staff]
	var rosters web.List[page.Roster]
	for path, out := range map[string]any{"/people": &people, "/rosters": &rosters, "/rules": &a.Rules} {
		if err := c.call(ctx, http.MethodGet, "notification", path, nil, out); err != nil {
			return a, err
		}
	}
	a.People, a.Rosters = people.Items, rosters.Items
	slices.SortStableFunc(a.People, func(x, y page.Staff) int {
		if x.Active != y.Active {
			return map[bool]int{true: -1, false: 1}[x.Active]
		}
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.ID, y.ID))
	})
	places, err := c.Store.Places(ctx, web.From(ctx).Org)
	if err != nil {
		return a, err
	}
	for _, p := range places {
		a.Places[p.Code] = p.Name
		a.Choices = append(a.Choices, page.Choice{Code: p.Code, Text: cmp.Or(p.Name, p.Code)})
	}
	if a.Names, err = c.staff(ctx); err != nil {
		return a, err
	}
	a.Names = maps.Clone(a.Names)
	for _, p := range a.People { // as the directory has it now, not as it was a minute ago
		if p.Name != "" {
			a.Names[p.ID] = p.Name
		}
	}
	a.Said = say(ctx, saved[r.URL.Query().Get("saved")])
	return a, nil
}

// putRoster saves who answers for a unit or a hospital at any time; who is on call stays as it is. Without anybody
// there is no roster.
func (c *Console) putRoster(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return refuse(fault.Malformed, "This could not be read. Please try again.")
	}
	roster, _, err := c.oneRoster(r.Context(), r.FormValue("facility"), strings.TrimSpace(r.FormValue("unit")))
	if err != nil {
		return err
	}
	roster.Members = append([]string{}, r.Form["member"]...)
	switch {
	case r.FormValue("remove") == "true":
		roster.Members, roster.Shifts = []string{}, nil
	case len(roster.Members) > 0:
		roster.Shifts = nil // as they are, whoever changes them now
	case len(roster.Shifts) == 0:
		return refuse(fault.Invalid, "Choose at least one person or role. To do without, remove the roster.")
	}
	if err := c.saveRoster(r.Context(), roster); err != nil {
		return err
	}
	http.Redirect(w, r, "/admin?saved=roster", http.StatusSeeOther)
	return nil
}

// putPolicy saves how alerts of a severity are passed on.
func (c *Console) putPolicy(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return refuse(fault.Malformed, "This could not be read. Please try again.")
	}
	p := page.Policy{Severity: r.FormValue("severity"), Steps: []page.PolicyStep{}}
	after := r.Form["after"]
	for i, target := range r.Form["target"] {
		if target != "" && i < len(after) {
			p.Steps = append(p.Steps, page.PolicyStep{After: after[i], Target: target})
		}
	}
	if err := c.call(r.Context(), http.MethodPut, "notification", "/rules", map[string]any{"rules": []any{}, "policies": []page.Policy{p}}, nil); err != nil {
		return err
	}
	http.Redirect(w, r, "/admin?saved=policy", http.StatusSeeOther)
	return nil
}
