package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

// peoplePage shows who works here, and what each role may do.
func (c *Console) peoplePage(w http.ResponseWriter, r *http.Request) error {
	a, err := c.adminOf(r)
	if err != nil {
		return err
	}
	l := page.People{Admin: a}
	l.Look(r.Context(), r.URL.Query().Get("q"))
	c.render(w, r, http.StatusOK, page.PeoplePage(c.page(r, "People and roles"), l))
	return nil
}

// putPerson adds somebody, changes what is known of them, or says that they do not work here any more.
func (c *Console) putPerson(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return refuse(fault.Malformed, "This could not be read. Please try again.")
	}
	id := strings.TrimSpace(r.FormValue("id"))
	if id == "" {
		return refuse(fault.Invalid, "Say what the sign-in calls this person.")
	}
	var people web.List[page.Staff]
	if err := c.call(r.Context(), http.MethodGet, "notification", "/people", nil, &people); err != nil {
		return err
	}
	at := slices.IndexFunc(people.Items, func(s page.Staff) bool { return s.ID == id })
	s := page.Staff{ID: id, Active: true}
	if at >= 0 {
		s = people.Items[at]
	}
	said, err := changePerson(r, &s, at >= 0)
	if err != nil {
		return err
	}
	if err := c.call(r.Context(), http.MethodPut, "notification", "/people", map[string]any{"people": []page.Staff{s}}, nil); err != nil {
		return err
	}
	http.Redirect(w, r, "/admin/people?saved="+said+"#p-"+url.PathEscape(id), http.StatusSeeOther)
	return nil
}

// changePerson makes of somebody what the form says, and tells what was done.
func changePerson(r *http.Request, s *page.Staff, known bool) (said string, err error) {
	switch do := r.FormValue("do"); {
	case do == "add" && known:
		return "", refuse(fault.Conflict, "There is somebody with this sign-in name already. Look for them in the list.")
	case do != "add" && !known:
		return "", refuse(fault.Unknown, "There is nobody with this sign-in name any more.")
	case do == "stop":
		s.Active = false
		return "stopped", nil
	case do == "again":
		s.Active = true
		return "again", nil
	case do != "add" && do != "save":
		return "", refuse(fault.Invalid, "Say what is to be done.")
	}
	s.Name, s.Roles, s.Email, s.EmailFrom = strings.TrimSpace(r.FormValue("name")), r.Form["role"], strings.TrimSpace(r.FormValue("email")), r.FormValue("email_from")
	if s.Name == "" {
		return "", refuse(fault.Invalid, "Write the name, as others see it.")
	}
	if s.Roles == nil {
		s.Roles = []string{}
	}
	if known {
		return "person", nil
	}
	return "added", nil
}

// putRule saves where alerts of a kind go.
func (c *Console) putRule(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return refuse(fault.Malformed, "This could not be read. Please try again.")
	}
	targets, done := []string{}, "rule"
	for _, t := range r.Form["target"] {
		if t != "" && !slices.Contains(targets, t) {
			targets = append(targets, t)
		}
	}
	switch {
	case r.FormValue("shipped") == "true":
		targets, done = []string{}, "shipped"
	case len(targets) == 0 || targets[len(targets)-1] == "owners":
		return refuse(fault.Invalid, "Say who takes the alert: at least one line that is not only told besides.")
	}
	rule := page.AdminRule{Kind: r.FormValue("kind"), Targets: targets}
	if err := c.call(r.Context(), http.MethodPut, "notification", "/rules", map[string]any{"rules": []any{map[string]any{"kind": rule.Kind, "targets": rule.Targets}}, "policies": []any{}}, nil); err != nil {
		return err
	}
	http.Redirect(w, r, "/admin?saved="+done, http.StatusSeeOther)
	return nil
}

// wouldBeTold answers who would be told if something happened.
func (c *Console) wouldBeTold(w http.ResponseWriter, r *http.Request) error {
	a, err := c.adminOf(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	t := page.ToldForm{
		Admin: a, Kind: q.Get("kind"), At: q.Get("where"), Severity: q.Get("severity"), Owner: q.Get("owner"),
		When: q.Get("at"), Confidential: q.Get("confidential") == "true", Asked: q.Get("kind") != "", Where: c.placesAndUnits(r.Context(), a),
	}
	if t.Asked {
		facility, unit, _ := strings.Cut(t.At, "\t")
		ask := url.Values{"kind": {t.Kind}, "facility": {facility}, "unit": {unit}}
		for name, v := range map[string]string{"severity": t.Severity, "owner": t.Owner} {
			if v != "" {
				ask.Set(name, v)
			}
		}
		if t.When != "" {
			at, err := written(t.When, c.zoneOf(r.Context(), facility))
			if err != nil {
				return refuse(fault.Invalid, "This is not a time: write it like 2026-11-30T14:30.")
			}
			ask.Set("at", at.Format(time.RFC3339))
		}
		if t.Confidential {
			ask.Set("confidential", "true")
		}
		if err := c.call(r.Context(), http.MethodGet, "notification", "/routing?"+ask.Encode(), nil, &t.Would); err != nil {
			return err
		}
		t.Spell()
	}
	c.render(w, r, http.StatusOK, page.ToldPage(c.page(r, "Who would be told if …"), t))
	return nil
}

// placesAndUnits are the hospitals with the units that admission or a roster names.
func (c *Console) placesAndUnits(ctx context.Context, a page.Admin) (out []page.WhereGroup) {
	var facilities web.List[struct {
		Code  string
		Units []struct{ Code, Name string }
	}]
	if err := c.call(ctx, http.MethodGet, "admission", "/facilities", nil, &facilities); err != nil {
		c.Log.WarnContext(ctx, "units are not known now", "error", err)
	}
	for _, place := range a.Choices {
		units := map[string]string{}
		for _, r := range a.Rosters {
			if r.Facility == place.Code && r.Unit != "" {
				units[page.Spot(r.Facility, r.Unit)] = r.Unit
			}
		}
		for _, f := range facilities.Items {
			for _, u := range f.Units {
				if f.Code == place.Code {
					units[page.Spot(f.Code, u.Code)] = strings.TrimPrefix(strings.TrimSpace(u.Code+", "+u.Name), ", ")
				}
			}
		}
		for key, said := range units {
			units[key] = place.Text + ", " + strings.TrimSuffix(said, ", ")
		}
		all := page.Choice{Code: page.Spot(place.Code, ""), Text: say(ctx, "%s, no unit given", place.Text)}
		out = append(out, page.WhereGroup{Text: place.Text, Units: append(choices(units), all)})
	}
	return out
}
