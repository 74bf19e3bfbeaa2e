package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// pastSize is how many answered requests the receiving side sees; newSize how many that wait.
const (
	newSize  = 100
	pastSize = 20
)

// home is the first page of whoever signed in: the worklist, or, for the receiving side, what it is asked.
func (c *Console) home(w http.ResponseWriter, r *http.Request) error {
	switch who := web.From(r.Context()); {
	case web.Allow(who, web.TasksRead):
		return c.worklist(w, r)
	case web.Allow(who, web.IntakeRead):
		http.Redirect(w, r, "/intake", http.StatusSeeOther)
		return nil
	}
	return refuse(fault.Forbidden, "Your role does not open this page.")
}

// intakeOf loads what is asked of the viewer's places: four questions to referral, all at once.
func (c *Console) intakeOf(ctx context.Context) (page.Intake, error) {
	var own struct{ Items []page.OwnPlace }
	lists, shows := make([]web.List[page.Request], 3), []string{"new", "coming", "past"}
	errs := make([]error, 4)
	each(4, func(i int) {
		if i == 3 {
			errs[i] = c.call(ctx, http.MethodGet, "referral", "/intake/providers", nil, &own)
			return
		}
		limit := newSize
		if shows[i] == "past" {
			limit = pastSize
		}
		errs[i] = c.call(ctx, http.MethodGet, "referral", "/intake/referrals?show="+shows[i]+"&limit="+strconv.Itoa(limit), nil, &lists[i])
	})
	for _, err := range errs {
		if err != nil {
			return page.Intake{}, err
		}
	}
	places, err := c.Store.Places(ctx, web.From(ctx).Org)
	if err != nil {
		return page.Intake{}, err
	}
	for _, l := range lists {
		for i := range l.Items {
			l.Items[i].Zone = board.Zone(placeOf(places, l.Items[i].Facility).Zone)
		}
	}
	return page.Intake{
		Own: own.Items, New: lists[0].Items, Coming: lists[1].Items, Past: lists[2].Items,
		MoreNew: lists[0].Next != nil, MorePast: lists[2].Next != nil,
	}, nil
}

func (c *Console) intake(w http.ResponseWriter, r *http.Request) error {
	i, err := c.intakeOf(r.Context())
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.IntakePage(c.page(r, "Requests"), i))
	return nil
}

func (c *Console) liveIntake(w http.ResponseWriter, r *http.Request) error {
	return c.redraw(w, r, web.IntakeRead, func(ctx context.Context) (templ.Component, error) {
		i, err := c.intakeOf(ctx)
		return page.IntakePush(c.page(r, ""), i), err
	})
}

// requestOf loads one request; provider says which of the viewer's places is meant.
func (c *Console) requestOf(ctx context.Context, id events.ID, provider string) (one page.Request, err error) {
	q := url.Values{}
	if p, err := events.ParseID(provider); err == nil && !p.IsZero() {
		q.Set("provider_id", p.String())
	}
	err = c.call(ctx, http.MethodGet, "referral", "/intake/referrals/"+id.String()+"?"+q.Encode(), nil, &one)
	one.Zone = c.zoneOf(ctx, one.Facility)
	return one, err
}

// request shows one request; that it was opened is told to the hospital.
func (c *Console) request(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := pathID(r, "request")
	if err != nil {
		return err
	}
	one, err := c.requestOf(ctx, id, r.URL.Query().Get("provider"))
	if err != nil {
		return err
	}
	if one.State == "sent" && web.Allow(web.From(ctx), web.IntakeWork) {
		body := map[string]any{"provider_id": one.ProviderID}
		if err := c.call(ctx, http.MethodPost, "referral", "/intake/referrals/"+id.String()+"/seen", body, nil); err != nil {
			c.Log.WarnContext(ctx, "that a request was seen could not be told", "error", err)
		} else {
			one.State = "acknowledged"
		}
	}
	c.render(w, r, http.StatusOK, page.RequestPage(c.page(r, "Request"), one))
	return nil
}

func (c *Console) liveRequest(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "request")
	if err != nil {
		return err
	}
	provider := r.URL.Query().Get("provider")
	return c.redraw(w, r, web.IntakeRead, func(ctx context.Context) (templ.Component, error) {
		one, err := c.requestOf(ctx, id, provider)
		return page.RequestPush(c.page(r, ""), one), err
	})
}

// intakeDeeds are what the receiving side can say, and what it is told then.
var intakeDeeds = map[string]text.Message{
	"accept": "Thank you. The hospital knows, and so do the others it asked.", "decline": "Noted. The hospital looks elsewhere.",
	"question": "Asked. The answer shows here.", "arrived": "Thank you. The hospital knows that the patient is with you.",
}

// requestAct answers a request; referral decides. Who comes second is told kindly.
func (c *Console) requestAct(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := pathID(r, "request")
	if err != nil {
		return err
	}
	action := r.PathValue("action")
	said, ok := intakeDeeds[action]
	if !ok {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	body, err := c.requestBody(r, id, action)
	if err != nil {
		return err
	}
	toast, status := page.Toast{Text: say(ctx, said), Of: id.String()}, http.StatusOK
	err = c.call(ctx, http.MethodPost, "referral", "/intake/referrals/"+id.String()+"/"+action, body, nil)
	switch {
	case fault.KindOf(err) == fault.Conflict:
		toast, status = page.Toast{Text: say(ctx, "This request is not open any more: the hospital found another place, or took it back."), Bad: true, Of: id.String()}, http.StatusConflict
	case err != nil:
		return err
	}
	if !fragment(r) {
		http.Redirect(w, r, "/intake/"+id.String()+"?provider="+url.QueryEscape(r.FormValue("provider")), http.StatusSeeOther)
		return nil
	}
	one, err := c.requestOf(ctx, id, r.FormValue("provider"))
	if err != nil {
		return err
	}
	c.render(w, r, status, page.RequestAnswer(c.page(r, ""), one, toast))
	return nil
}

// requestBody is what an answer says.
func (c *Console) requestBody(r *http.Request, id events.ID, action string) (map[string]any, error) {
	body := map[string]any{}
	if p := r.FormValue("provider"); p != "" {
		body["provider_id"] = p
	}
	switch action {
	case "decline":
		if body["reason"] = r.FormValue("reason"); r.FormValue("reason") == "" {
			return nil, refuse(fault.Invalid, "Say why not: choose a reason.")
		}
	case "question":
		if body["note"] = r.FormValue("note"); r.FormValue("note") == "" {
			return nil, refuse(fault.Invalid, "Write what you need to know.")
		}
	case "accept":
		if bed := r.FormValue("bed"); bed != "" {
			body["bed"] = bed
		}
		if start := r.FormValue("start"); start != "" {
			one, err := c.requestOf(r.Context(), id, r.FormValue("provider"))
			if err != nil {
				return nil, err
			}
			at, err := written(start, one.Zone)
			if err != nil {
				return nil, refuse(fault.Invalid, "Say from when you can take the patient: a day and a time, or nothing.")
			}
			body["start_at"] = at
		}
	}
	return body, nil
}

// ownCapacity says how many places are free.
func (c *Console) ownCapacity(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := pathID(r, "provider")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(r.FormValue("open"))
	if err != nil || n < 0 {
		return refuse(fault.Invalid, "Say how many places are free: a number, 0 if none.")
	}
	if err := c.call(ctx, http.MethodPut, "referral", "/intake/providers/"+id.String()+"/capacity", map[string]any{"open_beds": n}, nil); err != nil {
		return err
	}
	if !fragment(r) {
		http.Redirect(w, r, "/intake", http.StatusSeeOther)
		return nil
	}
	i, err := c.intakeOf(ctx)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.IntakeAnswer(c.page(r, ""), i, page.Toast{Text: say(ctx, "Noted. The hospitals’ search goes by it now."), Of: id.String()}))
	return nil
}
