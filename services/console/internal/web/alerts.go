package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

// alertsSize is how many alerts a page holds.
const alertsSize = 40

// alertList loads a page of alerts: from notification, with the names the viewer may know.
func (c *Console) alertList(ctx context.Context, v page.AlertView, known *memory) (page.Alerts, error) {
	out := page.Alerts{View: v}
	q := v.Asks()
	q.Set("limit", strconv.Itoa(alertsSize))
	var answer web.List[page.Alert]
	if err := c.call(ctx, http.MethodGet, "notification", "/alerts?"+q.Encode(), nil, &answer); err != nil {
		return out, err
	}
	if answer.Next != nil {
		out.More = *answer.Next
	}
	var err error
	if out.Rows, err = c.alertRows(ctx, answer.Items, known); err != nil {
		return out, err
	}
	out.Places, err = c.Store.Places(ctx, web.From(ctx).Org)
	return out, err
}

// alertRows adds to alerts whom they are about and what their people are called.
func (c *Console) alertRows(ctx context.Context, list []page.Alert, known *memory) ([]page.AlertRow, error) {
	var stays []about
	for _, a := range list {
		stays = append(stays, about{Encounter: a.Encounter, Facility: a.Facility, Unit: a.Unit, Sensitive: a.Sensitive})
	}
	heads, err := c.heads(ctx, stays, known)
	if err != nil {
		return nil, err
	}
	staff, err := c.staff(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]page.AlertRow, len(list))
	for i, a := range list {
		rows[i] = page.AlertRow{Alert: a, Of: heads[i], Staff: staff, Mine: a.AcknowledgedBy == web.From(ctx).Subject}
	}
	return rows, nil
}

func (c *Console) alerts(w http.ResponseWriter, r *http.Request) error {
	l, err := c.alertList(r.Context(), page.AlertViewOf(r.URL.Query()), nil)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.AlertsPage(c.page(r, "Alerts"), l))
	return nil
}

func (c *Console) liveAlerts(w http.ResponseWriter, r *http.Request) error {
	var known memory
	v := page.AlertViewOf(r.URL.Query())
	return c.redraw(w, r, web.AlertsRead, func(ctx context.Context) (templ.Component, error) {
		l, err := c.alertList(ctx, v, &known)
		return page.AlertsPush(c.page(r, ""), l), err
	})
}

// alertDeeds are what can be done to an alert, and what is said afterwards.
var alertDeeds = map[string]string{"acknowledge": "You take care of it", "resolve": "Nothing is left to do about it"}

// alertReasons are why nothing is left to do, as codes.
var alertReasons = []string{"handled", "not-needed", "duplicate"}

// alertAct takes an alert on, or says that it is settled. Of two who take one on, the second is told who was first.
func (c *Console) alertAct(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := pathID(r, "alert")
	if err != nil {
		return err
	}
	deed := r.PathValue("action")
	said, ok := alertDeeds[deed]
	if !ok {
		return fault.New(fault.Unknown, "There is no page at this address.")
	}
	in := map[string]string{}
	if deed == "resolve" {
		if in["reason"] = cmp.Or(r.FormValue("reason"), "handled"); !slices.Contains(alertReasons, in["reason"]) {
			return fault.New(fault.Invalid, "Say why: choose one of the reasons.")
		}
	}
	toast, status := page.Toast{Text: said + ".", Of: id.String()}, http.StatusOK
	var now page.Alert
	err = c.call(ctx, http.MethodPost, "notification", "/alerts/"+id.String()+"/"+deed, in, &now)
	switch kind := fault.KindOf(err); {
	case err == nil:
	case kind == fault.Conflict || kind == fault.Stale:
		toast, status = page.Toast{Text: "This alert is settled already. Here is how it is now.", Bad: true, Of: id.String()}, http.StatusConflict
		if err := c.call(ctx, http.MethodGet, "notification", "/alerts/"+id.String(), nil, &now); err != nil {
			return err
		}
	default:
		return err
	}
	if !fragment(r) {
		http.Redirect(w, r, "/alerts", http.StatusSeeOther)
		return nil
	}
	rows, err := c.alertRows(ctx, []page.Alert{now}, nil)
	if err != nil {
		return err
	}
	if by := now.AcknowledgedBy; deed == "acknowledge" && status == http.StatusOK && by != web.From(ctx).Subject {
		toast = page.Toast{Text: cmp.Or(rows[0].Staff[by], by) + " took this on a moment before you. It is in good hands.", Bad: true, Of: id.String()}
	}
	c.render(w, r, status, page.AlertAnswer(c.page(r, ""), rows[0], toast))
	return nil
}

// alertStory says why somebody sees an alert and who else was told. That it was opened is noted.
func (c *Console) alertStory(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := pathID(r, "alert")
	if err != nil {
		return err
	}
	var told page.Told
	if err := c.call(ctx, http.MethodGet, "notification", "/alerts/"+id.String(), nil, &told); err != nil {
		return err
	}
	if web.Allow(web.From(ctx), web.AlertsWork) {
		if err := c.call(ctx, http.MethodPost, "notification", "/alerts/"+id.String()+"/seen", struct{}{}, nil); err != nil {
			return err
		}
	}
	staff, err := c.staff(ctx)
	if err != nil {
		return err
	}
	c.sheet(w, r, "Why am I seeing this?", page.ToldSheet(page.Episode{Staff: staff, Zone: c.zoneOf(ctx, told.Facility)}, told))
	return nil
}
