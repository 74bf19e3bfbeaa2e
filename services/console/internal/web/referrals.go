package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// stackSize is how many referrals a column of the board holds.
const stackSize = 25

// boardOf loads the board: each column is one question to referral, all at once.
func (c *Console) boardOf(ctx context.Context, v page.BoardView, known *memory) (page.Board, error) {
	b := page.Board{View: v}
	columns := v.Shows()
	answers, errs := make([]web.List[page.Referral], len(columns)), make([]error, len(columns)+1)
	var counts struct{ States map[string]int }
	each(len(columns)+1, func(i int) {
		if i == len(columns) {
			errs[i] = c.call(ctx, http.MethodGet, "referral", "/referrals/counts?"+url.Values{"facility": {v.Facility}}.Encode(), nil, &counts)
			return
		}
		q := url.Values{"state": {columns[i].States}, "limit": {strconv.Itoa(stackSize)}}
		if v.Facility != "" {
			q.Set("facility", v.Facility)
		}
		if v.After != "" {
			q.Set("cursor", v.After)
		}
		errs[i] = c.call(ctx, http.MethodGet, "referral", "/referrals?"+q.Encode(), nil, &answers[i])
	})
	var all []page.Referral
	if err := errors.Join(errs...); err != nil {
		return b, err
	}
	for _, a := range answers {
		all = append(all, a.Items...)
	}
	rows, err := c.referralRows(ctx, all, known)
	if err != nil {
		return b, err
	}
	for i, a := range answers {
		s := page.Stack{Column: columns[i], Rows: rows[:len(a.Items)]}
		rows = rows[len(a.Items):]
		for _, state := range strings.Split(s.States, ",") {
			s.Total += counts.States[state]
		}
		if a.Next != nil {
			s.More = *a.Next
		}
		b.Stacks = append(b.Stacks, s)
	}
	b.Places, err = c.Store.Places(ctx, web.From(ctx).Org)
	return b, err
}

// referralRows adds to referrals whom they are for.
func (c *Console) referralRows(ctx context.Context, list []page.Referral, known *memory) ([]page.ReferralRow, error) {
	var stays []about
	for _, r := range list {
		stays = append(stays, about{Encounter: r.Encounter, Patient: r.Patient, Facility: r.Facility, Unit: r.Unit, Sensitive: r.Sensitive})
	}
	heads, err := c.heads(ctx, stays, known)
	if err != nil {
		return nil, err
	}
	rows := make([]page.ReferralRow, len(list))
	for i, r := range list {
		rows[i] = page.ReferralRow{Referral: r, Of: heads[i]}
	}
	return rows, nil
}

func (c *Console) referrals(w http.ResponseWriter, r *http.Request) error {
	b, err := c.boardOf(r.Context(), page.BoardViewOf(r.URL.Query()), nil)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.BoardPage(c.page(r, "Referrals"), b))
	return nil
}

func (c *Console) liveReferrals(w http.ResponseWriter, r *http.Request) error {
	var known memory
	v := page.BoardViewOf(r.URL.Query())
	return c.redraw(w, r, web.ReferralsRead, func(ctx context.Context) (templ.Component, error) {
		b, err := c.boardOf(ctx, v, &known)
		return page.BoardPush(c.page(r, ""), b), err
	})
}

// searchOf loads one referral with its candidates and its history.
func (c *Console) searchOf(ctx context.Context, id events.ID, known *memory) (page.Search, error) {
	var one page.Referral
	if err := c.call(ctx, http.MethodGet, "referral", "/referrals/"+id.String(), nil, &one); err != nil {
		return page.Search{}, err
	}
	var lines web.List[page.Move]
	if err := c.call(ctx, http.MethodGet, "referral", "/referrals/"+id.String()+"/history", nil, &lines); err != nil {
		return page.Search{}, err
	}
	rows, err := c.referralRows(ctx, []page.Referral{one}, known)
	if err != nil {
		return page.Search{}, err
	}
	slices.Reverse(lines.Items)
	s := page.Search{ReferralRow: rows[0], Lines: lines.Items}
	s.Clocks = c.authorizations(ctx, one.Transition, one.ID)
	s.Staff, err = c.staff(ctx)
	return s, err
}

func (c *Console) referral(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "referral")
	if err != nil {
		return err
	}
	s, err := c.searchOf(r.Context(), id, nil)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.SearchPage(c.page(r, "Referral"), s))
	return nil
}

func (c *Console) liveReferral(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "referral")
	if err != nil {
		return err
	}
	var known memory
	return c.redraw(w, r, web.ReferralsRead, func(ctx context.Context) (templ.Component, error) {
		s, err := c.searchOf(ctx, id, &known)
		return page.SearchPush(c.page(r, ""), s), err
	})
}

// referralDeeds are what can be done to a referral, and what is said afterwards.
var referralDeeds = map[string]text.Message{
	"choose": "The choice is written down.", "reply": "Answered. They see it now.",
	"send": "Asked. The answers show here.", "offer": "Noted: a place is offered.", "decline": "Noted: they said no.", "accept": "Chosen. Now set the day.",
	"book": "The day is set.", "arrive": "Good: the patient has arrived.", "no-show": "Noted: the patient did not come.", "withdraw": "The search is ended.",
}

// referralAct does what a button says; referral decides. Who comes second sees how it is now, and is told kindly.
func (c *Console) referralAct(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := pathID(r, "referral")
	if err != nil {
		return err
	}
	action := r.PathValue("action")
	said, ok := referralDeeds[action]
	if !ok {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	body, err := c.referralBody(r, action)
	if err != nil {
		return err
	}
	version, _ := strconv.Atoi(r.FormValue("version")) // without one referral says what is missing
	toast, status := page.Toast{Text: say(ctx, said), Of: id.String()}, http.StatusOK
	err = c.call(ctx, http.MethodPost, "referral", "/referrals/"+id.String()+"/"+action, body, nil, "If-Match", strconv.Quote(strconv.Itoa(version)))
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Stale:
		toast = page.Toast{Text: say(ctx, "Somebody else was a moment faster. Here is how it is now; nothing is lost. Please look once more."), Bad: true, Of: id.String()}
	case kind == fault.Conflict:
		toast = page.Toast{Text: say(ctx, "This is not possible any more. Here is how it is now."), Bad: true, Of: id.String()}
	default:
		return err
	}
	if toast.Bad {
		status = http.StatusConflict
	}
	if !fragment(r) {
		http.Redirect(w, r, "/referrals/"+id.String(), http.StatusSeeOther)
		return nil
	}
	s, err := c.searchOf(ctx, id, nil)
	if err != nil {
		return err
	}
	c.render(w, r, status, page.SearchAnswer(c.page(r, ""), s, toast))
	return nil
}

// referralBody is what an action says.
func (c *Console) referralBody(r *http.Request, action string) (map[string]any, error) {
	body := map[string]any{}
	if p := r.FormValue("provider"); p != "" {
		body["provider_id"] = p
	}
	switch action {
	case "send":
		if body["providers"] = r.Form["ask"]; len(r.Form["ask"]) == 0 {
			return nil, refuse(fault.Invalid, "Choose whom to ask: tick at least one place.")
		}
		for field, name := range map[string]string{"size": "wave_size", "hours": "hours"} {
			if n, err := strconv.Atoi(r.FormValue(field)); err == nil {
				body[name] = n
			}
		}
	case "choose":
		switch body["to"], body["declined"] = r.FormValue("to"), r.FormValue("declined") != ""; {
		case r.FormValue("to") == "":
			return nil, refuse(fault.Invalid, "Say who was shown the list.")
		case len(r.Form["chosen"]) == 0 && r.FormValue("declined") == "":
			return nil, refuse(fault.Invalid, "Tick what was chosen, or that the choice was left to the team.")
		}
		body["providers"] = r.Form["chosen"]
	case "reply":
		if body["note"] = r.FormValue("note"); r.FormValue("note") == "" {
			return nil, refuse(fault.Invalid, "Write the answer first.")
		}
	case "decline", "withdraw":
		if body["reason"] = r.FormValue("reason"); r.FormValue("reason") == "" {
			return nil, refuse(fault.Invalid, "Say why: choose a reason.")
		}
	case "book":
		at, err := written(r.FormValue("start"), c.referralZone(r))
		if err != nil {
			return nil, refuse(fault.Invalid, "Say when the provider takes the patient: a day and a time.")
		}
		body["start_at"] = at
	}
	return body, nil
}

// referralZone is the zone of the hospital that a referral is of.
func (c *Console) referralZone(r *http.Request) *time.Location {
	var one page.Referral
	if err := c.call(r.Context(), http.MethodGet, "referral", "/referrals/"+r.PathValue("referral"), nil, &one); err != nil {
		return time.UTC // the answer to what is asked next says what is wrong
	}
	return c.zoneOf(r.Context(), one.Facility)
}
