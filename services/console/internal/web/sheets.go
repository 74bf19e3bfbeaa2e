package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// doneForm asks how a task went: what came of it, or of the attempt, and when to try again.
func (c *Console) doneForm(w http.ResponseWriter, r *http.Request) error {
	row, work, err := c.row(r)
	if err != nil {
		return err
	}
	f := page.DoneForm{Row: row, Call: board.Callable(row.Code)}
	now := time.Now()
	for _, a := range page.Attempts {
		t := page.Try{Code: a.Code, Text: say(r.Context(), a.Text), Next: say(r.Context(), "no other try is set")}
		if n, ok := board.NextAttempt(a.Code, work.Task.Attempts+1, now, row.Due, row.Zone); ok {
			t.Next, t.Why = say(r.Context(), "next try %s", board.When(r.Context(), n.At, now, row.Zone)), say(r.Context(), n.Why)
		}
		f.Tries = append(f.Tries, t)
	}
	var t page.Task // how it is done; without an answer the form does without
	if err := c.call(r.Context(), http.MethodGet, "discharge", "/tasks/"+row.ID.String(), nil, &t); err == nil {
		f.Instructions, f.Log = t.Instructions, t.Log
		if f.Staff, err = c.staff(r.Context()); err != nil {
			return err
		}
	}
	c.sheet(w, r, text.Message(row.Title), page.DoneSheet(f))
	return nil
}

func (c *Console) snoozeForm(w http.ResponseWriter, r *http.Request) error {
	row, _, err := c.row(r)
	if err != nil {
		return err
	}
	c.sheet(w, r, text.Message(say(r.Context(), "Put off: %s", row.Title)), page.SnoozeSheet(page.Target{Row: &row}, snoozes(r.Context(), row.Zone)))
	return nil
}

func (c *Console) assignForm(w http.ResponseWriter, r *http.Request) error {
	row, _, err := c.row(r)
	if err != nil {
		return err
	}
	people, err := c.colleagues(r, web.TasksWork)
	if err != nil {
		return err
	}
	c.sheet(w, r, text.Message(say(r.Context(), "Hand over: %s", row.Title)), page.AssignSheet(page.Target{Row: &row}, people))
	return nil
}

// bulkForm asks what a bulk action needs to know.
func (c *Console) bulkForm(w http.ResponseWriter, r *http.Request) error {
	switch r.PathValue("action") {
	case "snooze":
		c.sheet(w, r, "Put off what is selected", page.SnoozeSheet(page.Target{}, snoozes(r.Context(), nil)))
	case "assign":
		if !web.Allow(web.From(r.Context()), web.TasksAssign) {
			return refuse(fault.Forbidden, "Handing work to somebody is for leads.")
		}
		people, err := c.colleagues(r, web.TasksWork)
		if err != nil {
			return err
		}
		c.sheet(w, r, "Hand over what is selected", page.AssignSheet(page.Target{}, people))
	default:
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	return nil
}

// snoozes are the times to choose from. Where the tasks may be in several zones, zone is nil.
func snoozes(ctx context.Context, zone *time.Location) []page.Choice {
	now := time.Now()
	var out []page.Choice
	for _, s := range board.Snoozes {
		c := page.Choice{Code: s.Code, Text: say(ctx, s.Text)}
		if zone != nil {
			at, ok := board.SnoozeAt(s.Code, now, zone)
			if !ok {
				continue
			}
			c.Text += ", " + board.When(ctx, at, now, zone)
		}
		out = append(out, c)
	}
	return out
}

// colleagues are the people who may do something, the viewer last: of those in notification's directory the
// active ones whose roles allow it, and those whom it does not know and who have signed in. Without its
// answer everybody who has signed in is named: what a person may not do is refused when it is tried.
func (c *Console) colleagues(r *http.Request, perm web.Permission) ([]page.Choice, error) {
	ctx, me := r.Context(), web.From(r.Context())
	names, err := c.Store.People(ctx, me.Org)
	if err != nil {
		return nil, err
	}
	var directory web.List[page.Staff]
	if err := c.call(ctx, http.MethodGet, "notification", "/people", nil, &directory); err != nil {
		c.Log.WarnContext(ctx, "the directory is not known now", "error", err)
	}
	for _, p := range directory.Items {
		may := slices.ContainsFunc(p.Roles, func(role string) bool {
			return web.Allow(web.Principal{Subject: p.ID, Org: me.Org, Roles: []web.Role{web.Role(role)}}, perm)
		})
		if delete(names, p.ID); p.Active && may {
			names[p.ID] = p.Name
		}
	}
	out := make([]page.Choice, 0, len(names))
	for subject, name := range names {
		out = append(out, page.Choice{Code: subject, Text: cmp.Or(name, subject)})
	}
	slices.SortFunc(out, func(a, b page.Choice) int {
		if mine := b.Code == me.Subject; mine != (a.Code == me.Subject) {
			return map[bool]int{true: -1, false: 1}[mine]
		}
		return cmp.Or(strings.Compare(a.Text, b.Text), strings.Compare(a.Code, b.Code))
	})
	return out, nil
}

func (c *Console) help(w http.ResponseWriter, r *http.Request) error {
	if from, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil {
		if keys, own := map[string][]page.Key{"/alerts": page.AlertKeys, "/identity": page.IdentityKeys}[from.Path]; own {
			c.sheet(w, r, "Keys", page.KeysOf(keys))
			return nil
		}
	}
	c.sheet(w, r, "Keys", page.KeysSheet(web.Allow(web.From(r.Context()), web.TasksAssign)))
	return nil
}

// deeds shows what the person did lately, with what takes it back.
func (c *Console) deeds(w http.ResponseWriter, r *http.Request) error {
	who, now := web.From(r.Context()), time.Now()
	list, err := c.Store.Deeds(r.Context(), who.Org, who.Subject, now.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	c.sheet(w, r, "What you did today", page.DeedsSheet(page.Turns(list, now.Add(-undoFor))))
	return nil
}
