package web

import (
	"context"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

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
	if web.Allow(web.From(ctx), web.AlertsWork) {
		var mutes web.List[page.Mute]
		if err := c.call(ctx, http.MethodGet, "notification", "/mutes", nil, &mutes); err != nil {
			return out, err
		}
		out.Mutes = mutes.Items
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
	reasons, err := c.reasons(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]page.AlertRow, len(list))
	for i, a := range list {
		rows[i] = page.AlertRow{Alert: a, Of: heads[i], Staff: staff, Reasons: reasons, Mine: a.AcknowledgedBy == web.From(ctx).Subject}
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
