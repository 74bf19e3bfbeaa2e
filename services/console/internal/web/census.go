package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// leavingSize is how many of those who are about to leave a page holds.
const leavingSize = 40

// leaving lists who is about to leave, with names.
func (c *Console) leaving(ctx context.Context, facility, cursor string, limit int, known *memory) ([]page.Leaver, string, error) {
	var after store.PlanningPosition
	if _, err := web.DecodeCursor(cursor, &after); err != nil {
		return nil, "", err
	}
	list, next, err := c.Store.Planning(ctx, web.From(ctx).Org, facility, after, limit)
	if err != nil {
		return nil, "", err
	}
	var stays []about
	for _, t := range list {
		stays = append(stays, about{Encounter: t.Encounter, Patient: t.Patient, Facility: t.Facility, Unit: t.Unit, Sensitive: t.Sensitive})
	}
	heads, err := c.heads(ctx, stays, known)
	if err != nil {
		return nil, "", err
	}
	out := make([]page.Leaver, len(list))
	for i, t := range list {
		out[i] = page.Leaver{Of: heads[i]}
		if !t.Sensitive || seesSensitive(web.From(ctx)) {
			out[i].Expected, out[i].Needs = t.ExpectedAt, t.Needs
		}
	}
	more := ""
	if next != nil {
		more = web.EncodeCursor(*next)
	}
	return out, more, nil
}

// inside lists who is in a unit, the latest arrivals first.
func (c *Console) inside(ctx context.Context, v page.CensusView, known *memory) ([]page.Inside, string, error) {
	q := url.Values{"facility": {v.Facility}, "unit": {v.Unit}, "state": {"arrived,in-progress,onleave"}, "limit": {strconv.Itoa(leavingSize)}}
	if v.Further != "" {
		q.Set("cursor", v.Further)
	}
	var list web.List[encounter]
	if err := c.call(ctx, http.MethodGet, "admission", "/encounters?"+q.Encode(), nil, &list); err != nil {
		return nil, "", err
	}
	var stays []about
	for _, e := range list.Items {
		stays = append(stays, about{Encounter: e.ID, Patient: e.PatientID, Facility: e.Facility, Unit: e.Unit, Class: e.Class, Sensitive: e.Sensitive})
	}
	heads, err := c.heads(ctx, stays, known)
	if err != nil {
		return nil, "", err
	}
	out := make([]page.Inside, len(heads))
	for i, e := range list.Items {
		out[i] = page.Inside{Of: heads[i], State: e.State, Bed: strings.Trim(e.Room+" "+e.Bed, " "), Since: e.AdmittedAt}
		out[i].Of.Class = e.Class
		if !e.Sensitive || seesSensitive(web.From(ctx)) {
			out[i].Expected = e.ExpectedAt
		}
	}
	further := ""
	if list.Next != nil {
		further = *list.Next
	}
	return out, further, nil
}

// censusOf loads the census: admission counts who is in, the read model knows who is about to leave.
func (c *Console) censusOf(ctx context.Context, v page.CensusView, known *memory) (page.Census, error) {
	out := page.Census{View: v}
	var list web.List[page.Ward]
	if err := c.call(ctx, http.MethodGet, "admission", "/census?"+url.Values{"facility": {v.Facility}}.Encode(), nil, &list); err != nil {
		return out, err
	}
	out.Wards = list.Items
	var err error
	if v.Unit != "" {
		if out.Inside, out.Further, err = c.inside(ctx, v, known); err != nil {
			return out, err
		}
	}
	if out.Leaving, out.More, err = c.leaving(ctx, v.Facility, v.After, leavingSize, known); err != nil {
		return out, err
	}
	out.Places, err = c.Store.Places(ctx, web.From(ctx).Org)
	return out, err
}

func (c *Console) census(w http.ResponseWriter, r *http.Request) error {
	v, err := c.censusOf(r.Context(), page.CensusViewOf(r.URL.Query()), nil)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.CensusPage(c.page(r, "Census"), v))
	return nil
}

func (c *Console) liveCensus(w http.ResponseWriter, r *http.Request) error {
	var known memory
	v := page.CensusViewOf(r.URL.Query())
	return c.redraw(w, r, web.EncountersRead, func(ctx context.Context) (templ.Component, error) {
		list, err := c.censusOf(ctx, v, &known)
		return page.CensusPush(c.page(r, ""), list), err
	})
}

// huddleSize is how many of each kind a huddle looks at: more cannot be talked about.
const huddleSize = 8

// huddleOf puts together what a team talks about. A service that does not answer is named; the rest stands.
func (c *Console) huddleOf(ctx context.Context, facility string, known *memory) (page.Huddle, error) {
	viewer, out := web.From(ctx), page.Huddle{Facility: facility, Since: map[string]float64{}}
	var err error
	if out.Places, err = c.Store.Places(ctx, viewer.Org); err != nil {
		return out, err
	}
	if out.Counts, err = c.counted(ctx); err != nil {
		return out, err
	}
	minutes, err := c.Store.Minutes(ctx, viewer.Org, shift)
	if err != nil {
		return out, err
	}
	for _, m := range minutes {
		out.Since[m.Kind] += float64(m.N)
	}
	if out.Owed, err = c.few(ctx, board.View{Name: "overdue", Facility: facility}, known); err != nil {
		return out, err
	}
	if out.Complex, err = c.few(ctx, board.View{Risk: "high", Facility: facility}, known); err != nil {
		return out, err
	}
	out.Complex = slices.DeleteFunc(out.Complex, func(r board.Row) bool {
		return slices.ContainsFunc(out.Owed, func(o board.Row) bool { return o.ID == r.ID })
	})
	if out.Leaving, _, err = c.leaving(ctx, facility, "", huddleSize, known); err != nil {
		return out, err
	}
	return out, c.decisions(ctx, &out, known)
}

// few are the first tasks of a view.
func (c *Console) few(ctx context.Context, v board.View, known *memory) ([]board.Row, error) {
	viewer := web.From(ctx)
	works, err := c.Store.Worklist(ctx, viewer.Org, store.Query{View: v, Person: viewer.Subject, Blind: !seesSensitive(viewer), Limit: huddleSize})
	if err != nil {
		return nil, err
	}
	return c.rows(ctx, works[:min(len(works), huddleSize)], known)
}

// decisions adds what somebody has to decide: offers to choose from, searches without a place, pressing
// alerts that nobody has taken on.
func (c *Console) decisions(ctx context.Context, h *page.Huddle, known *memory) error {
	q := url.Values{"state": {"offered,declined,no-show"}, "limit": {"8"}}
	a := url.Values{"state": {"raised"}, "limit": {"40"}}
	if h.Facility != "" {
		q.Set("facility", h.Facility)
		a.Set("facility", h.Facility)
	}
	var searches web.List[page.Referral]
	var alerts web.List[page.Alert]
	for missing, ask := range map[text.Message]func() error{
		"Referrals cannot be asked just now; the rest is as it should be.": func() error { return c.call(ctx, http.MethodGet, "referral", "/referrals?"+q.Encode(), nil, &searches) },
		"Alerts cannot be asked just now; the rest is as it should be.":    func() error { return c.call(ctx, http.MethodGet, "notification", "/alerts?"+a.Encode(), nil, &alerts) },
	} {
		if err := ask(); err != nil && fault.KindOf(err) != fault.Unavailable {
			return err
		} else if err != nil {
			h.Missing = say(ctx, missing)
		}
	}
	var err error
	if h.Decide, err = c.referralRows(ctx, searches.Items, known); err != nil {
		return err
	}
	pressing := slices.DeleteFunc(alerts.Items, func(a page.Alert) bool { return a.Severity == "routine" })
	h.Alerts, err = c.alertRows(ctx, pressing[:min(len(pressing), huddleSize)], known)
	return err
}

func (c *Console) huddle(w http.ResponseWriter, r *http.Request) error {
	h, err := c.huddleOf(r.Context(), page.CensusViewOf(r.URL.Query()).Facility, nil)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.HuddlePage(c.page(r, "Huddle"), h))
	return nil
}

func (c *Console) liveHuddle(w http.ResponseWriter, r *http.Request) error {
	var known memory
	facility := page.CensusViewOf(r.URL.Query()).Facility
	return c.redraw(w, r, web.TasksRead, func(ctx context.Context) (templ.Component, error) {
		h, err := c.huddleOf(ctx, facility, &known)
		return page.HuddlePush(c.page(r, ""), h), err
	})
}
