package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

// findMost is how many stays a search shows.
const findMost = 30

// find looks for stays by what a person knows: a name, an identifier, a visit, a birth date. Admission
// knows these and nobody else, so admission is asked, as the person; what was typed is in no address.
func (c *Console) find(w http.ResponseWriter, r *http.Request) error {
	text := strings.Join(strings.Fields(r.FormValue("q")), " ")
	if text == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	if len(text) > 100 {
		return refuse(fault.Invalid, "This is too long for a name or a number.")
	}
	stays, err := c.search(r.Context(), text)
	if err != nil {
		return err
	}
	f := page.Found{Text: text, More: len(stays) > findMost}
	stays = stays[:min(len(stays), findMost)]
	if f.Stays, err = c.found(r.Context(), stays); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.FoundPage(c.page(r, "Found"), f))
	return nil
}

// questions are what a text may mean: a birth date, a name, or a number of either kind.
func questions(text string) []map[string]any {
	for _, layout := range []string{"2006-01-02", "1/2/2006", "01/02/2006"} {
		if born, err := time.Parse(layout, text); err == nil {
			return []map[string]any{{"birth_date": born.Format(time.DateOnly)}}
		}
	}
	if strings.ContainsFunc(text, unicode.IsDigit) {
		return []map[string]any{{"mrn": text}, {"visit": text}}
	}
	return []map[string]any{{"name": text}}
}

// search returns the stays that any meaning of a text finds, newest first.
func (c *Console) search(ctx context.Context, text string) ([]encounter, error) {
	var all []encounter
	seen := map[events.ID]bool{}
	for _, q := range questions(text) {
		q["limit"] = findMost + 1
		var answer web.List[encounter]
		if err := c.call(ctx, http.MethodPost, "admission", "/encounters/search", q, &answer); err != nil {
			return nil, err
		}
		for _, e := range answer.Items {
			if !seen[e.ID] {
				seen[e.ID] = true
				all = append(all, e)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b encounter) int { return -began(a).Compare(began(b)) })
	return all, nil
}

func began(e encounter) time.Time {
	for _, t := range []*time.Time{e.AdmittedAt, e.PlannedAt, e.DischargedAt} {
		if t != nil {
			return *t
		}
	}
	return time.Time{}
}

// found adds to stays what they are called and what is to be done for them.
func (c *Console) found(ctx context.Context, stays []encounter) ([]page.Stay, error) {
	ids := make([]events.ID, len(stays))
	for i, e := range stays {
		ids[i] = e.ID
	}
	works, err := c.Store.TasksOf(ctx, web.From(ctx).Org, ids)
	if err != nil {
		return nil, err
	}
	tasks := map[events.ID][]board.Work{}
	for _, w := range works {
		if board.Open(w.Task.State) {
			tasks[w.Task.Encounter] = append(tasks[w.Task.Encounter], w)
		}
	}
	places, err := c.Store.Places(ctx, web.From(ctx).Org)
	if err != nil {
		return nil, err
	}
	var heads []board.Work
	for _, e := range stays {
		head := board.Work{Task: events.Task{Encounter: e.ID, Patient: e.PatientID, Facility: e.Facility, Unit: e.Unit, Sensitive: e.Sensitive, OwnerRole: string(web.Liaison)}}
		head.Episode = events.Transition{Class: e.Class, Disposition: e.Disposition, DischargedAt: e.DischargedAt, AdmittedAt: e.AdmittedAt, Age: e.Age}
		place := placeOf(places, e.Facility)
		head.Place, head.Zone = place.Name, place.Zone
		heads = append(heads, head)
	}
	rows, err := c.rows(ctx, heads, nil)
	if err != nil {
		return nil, err
	}
	out := make([]page.Stay, len(stays))
	for i, e := range stays {
		out[i] = page.Stay{Row: rows[i], State: e.State, Visit: e.Visit, Admitted: e.AdmittedAt}
		if out[i].Tasks, err = c.rows(ctx, tasks[e.ID], nil); err != nil {
			return nil, err
		}
		for j := range out[i].Tasks {
			out[i].Tasks[j].Name, out[i].Tasks[j].Born = rows[i].Name, cmp.Or(rows[i].Born, out[i].Tasks[j].Born)
		}
	}
	return out, nil
}
