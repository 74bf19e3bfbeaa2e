package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// pairsSize is how many pairs a page holds: each is read field by field.
const pairsSize = 10

// identity shows pairs of patients who may be one person, the likeliest first.
func (c *Console) identity(w http.ResponseWriter, r *http.Request) error {
	q, show := url.Values{"limit": {strconv.Itoa(pairsSize)}}, r.URL.Query().Get("show")
	path := "/identity/pairs"
	switch show {
	case "linked", "rejected":
		q.Set("state", show)
	default:
		show, path = "review", "/identity/reviews"
	}
	if after := r.URL.Query().Get("after"); after != "" {
		q.Set("cursor", after)
	}
	var answer web.List[page.Pair]
	if err := c.call(r.Context(), http.MethodGet, "admission", path+"?"+q.Encode(), nil, &answer); err != nil {
		return err
	}
	l := page.Identity{Show: show}
	if answer.Next != nil {
		l.More = *answer.Next
	}
	var err error
	if l.Rows, err = c.pairRows(r.Context(), answer.Items); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.IdentityPage(c.page(r, "One person, or two?"), l))
	return nil
}

// pairRows adds what hangs on the patients, and what places and people are called.
func (c *Console) pairRows(ctx context.Context, list []page.Pair) ([]page.PairRow, error) {
	staff, err := c.staff(ctx)
	if err != nil {
		return nil, err
	}
	places, err := c.Store.Places(ctx, web.From(ctx).Org)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, p := range places {
		names[p.Code] = p.Name
	}
	rows := make([]page.PairRow, len(list))
	each(len(list), func(i int) {
		rows[i] = page.PairRow{Pair: list[i], Places: names, Staff: staff}
		for _, p := range list[i].Patients {
			rows[i].Weights = append(rows[i].Weights, c.weight(ctx, p.ID))
		}
	})
	return rows, nil
}

// staysWeighed is how many stays of a patient are counted.
const staysWeighed = 100

// weight counts what hangs on a patient. Without an answer the page shows without.
func (c *Console) weight(ctx context.Context, patient events.ID) page.Weight {
	var answer web.List[encounter]
	q := url.Values{"patient": {patient.String()}, "limit": {strconv.Itoa(staysWeighed)}}
	if err := c.call(ctx, http.MethodGet, "admission", "/encounters?"+q.Encode(), nil, &answer); err != nil {
		c.Log.WarnContext(ctx, "what hangs on a patient is not known now", "error", err)
		return page.Weight{Unknown: true}
	}
	ids := make([]events.ID, len(answer.Items))
	for i, e := range answer.Items {
		ids[i] = e.ID
	}
	out := page.Weight{Stays: len(ids), More: answer.Next != nil}
	var err error
	if out.Tasks, out.Alerts, err = c.Store.Hanging(ctx, web.From(ctx).Org, ids); err != nil {
		c.Log.WarnContext(ctx, "what hangs on a patient is not known now", "error", err)
		out.Unknown = true
	}
	return out
}

// pairDeeds are what is said after a decision.
var pairDeeds = map[string]text.Message{"link": "They are one person now", "reject": "They are not the same, and nobody is asked again", "undo": "The decision is taken back"}

// decidePair says of two patients that they are one person or not, or takes that back.
func (c *Console) decidePair(w http.ResponseWriter, r *http.Request) error {
	ctx, me := r.Context(), web.From(r.Context())
	id, err := pathID(r, "pair")
	if err != nil {
		return err
	}
	deed := r.PathValue("action")
	said, ok := pairDeeds[deed]
	if !ok {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	version, err := strconv.Atoi(r.FormValue("version"))
	if err != nil {
		return refuse(fault.Invalid, "Look at the pair once more, then decide.")
	}
	toast := page.Toast{Text: say(ctx, said) + ".", Of: id.String()}
	now, err := c.tellPair(ctx, id, deed, version, r.FormValue("reason"))
	status := http.StatusOK
	switch kind := fault.KindOf(err); {
	case kind == fault.Stale, kind == fault.Conflict:
		said := say(ctx, "Somebody has decided on this pair since you looked. Here is how it is now; please look once more.")
		if kind == fault.Conflict {
			said = board.Sentence(public(ctx, err))
		}
		toast, status = page.Toast{Text: said, Bad: true, Of: id.String()}, http.StatusConflict
		if err := c.call(ctx, http.MethodGet, "admission", "/identity/pairs/"+id.String(), nil, &now); err != nil {
			return err
		}
	case err != nil:
		return err
	case deed != "undo":
		d := store.Deed{Turn: events.NewID(), Encounter: id, Task: id, Said: say(ctx, said), Back: page.OfPair, Version: now.Version}
		if err := c.Store.Did(ctx, me.Org, me.Subject, []store.Deed{d}); err != nil {
			return err
		}
		toast.Turn = d.Turn.String()
	}
	return c.pairAnswer(w, r, now, toast, status)
}

func (c *Console) tellPair(ctx context.Context, id events.ID, deed string, version int, reason string) (now page.Pair, err error) {
	err = c.call(ctx, http.MethodPost, "admission", "/identity/pairs/"+id.String()+"/"+deed, map[string]string{"reason": reason}, &now,
		"If-Match", strconv.Quote(strconv.Itoa(version)))
	return now, err
}

func (c *Console) pairAnswer(w http.ResponseWriter, r *http.Request, now page.Pair, toast page.Toast, status int) error {
	if !fragment(r) {
		http.Redirect(w, r, "/identity", http.StatusSeeOther)
		return nil
	}
	rows, err := c.pairRows(r.Context(), []page.Pair{now})
	if err != nil {
		return err
	}
	c.render(w, r, status, page.PairAnswer(c.page(r, ""), rows[0], toast))
	return nil
}

// undoPair takes a decision back, while nobody has decided since.
func (c *Console) undoPair(w http.ResponseWriter, r *http.Request, d store.Deed) error {
	ctx, me := r.Context(), web.From(r.Context())
	now, err := c.tellPair(ctx, d.Task, "undo", d.Version, "")
	toast, status := page.Toast{Text: say(ctx, "Taken back: %s.", d.Said), Of: d.Task.String()}, http.StatusOK
	switch kind := fault.KindOf(err); {
	case kind == fault.Stale, kind == fault.Conflict:
		toast, status = page.Toast{Text: say(ctx, "Somebody has decided on this pair since. It stays as it is now."), Bad: true, Of: d.Task.String()}, http.StatusConflict
		if err := c.call(ctx, http.MethodGet, "admission", "/identity/pairs/"+d.Task.String(), nil, &now); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		if err := c.Store.Undone(ctx, me.Org, me.Subject, d.Turn, []events.ID{d.Task}); err != nil {
			return err
		}
	}
	return c.pairAnswer(w, r, now, toast, status)
}
