package web

import (
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// reportsOf asks the services for the figures of a period, all at once. What does not answer, or not to the
// viewer, is named; the rest stands.
func (c *Console) reportsOf(ctx context.Context, v page.ReportView) (page.Reports, error) {
	out := page.Reports{View: v}
	to := time.Now().UTC()
	q := url.Values{"from": {to.AddDate(0, 0, -v.Days).Format(time.RFC3339)}, "to": {to.Format(time.RFC3339)}}
	if v.Facility != "" {
		q.Set("facility", v.Facility)
	}
	plain := q.Encode()
	if v.Protocol != "" {
		q.Set("protocol", v.Protocol)
	}
	var rules struct{ Items []page.RuleWeek }
	var weeks struct{ Items []page.DischargeWeek }
	var answers struct{ Items []page.Answers }
	var alerts struct{ Items []page.AlertLoad }
	asks := []struct {
		called        text.Message
		service, path string
		out           any
	}{
		{"What was done in time", "discharge", "/reports/clocks?" + q.Encode(), &rules},
		{"First contacts and returns", "discharge", "/reports/transitions?" + q.Encode(), &weeks},
		{"How places answered", "referral", "/reports/providers?" + plain, &answers},
		{"Alerts", "notification", "/reports/alerts?" + plain, &alerts},
	}
	errs := make([]error, len(asks))
	each(len(asks), func(i int) { errs[i] = c.call(ctx, http.MethodGet, asks[i].service, asks[i].path, nil, asks[i].out) })
	for i, err := range errs {
		switch kind := fault.KindOf(err); {
		case err == nil:
		case kind == fault.Forbidden:
			out.Missing = append(out.Missing, say(ctx, "%s: your role does not open this.", say(ctx, asks[i].called)))
		case kind == fault.Unavailable:
			out.Missing = append(out.Missing, say(ctx, "%s cannot be counted just now; the rest is as it should be.", say(ctx, asks[i].called)))
		default:
			return out, err
		}
	}
	out.Rules, out.Weeks, out.Answers, out.Alerts = rules.Items, weeks.Items, answers.Items, alerts.Items
	out.Protocols = choices(c.protocolTitles(ctx))
	var err error
	out.Places, err = c.Store.Places(ctx, web.From(ctx).Org)
	return out, err
}

func (c *Console) reports(w http.ResponseWriter, r *http.Request) error {
	out, err := c.reportsOf(r.Context(), page.ReportViewOf(r.URL.Query()))
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, page.ReportsPage(c.page(r, "Reports"), out))
	return nil
}

// reportCSV is one table of the reports to take along.
func (c *Console) reportCSV(w http.ResponseWriter, r *http.Request) error {
	name, is := strings.CutSuffix(r.PathValue("table"), ".csv")
	if !is || !slices.Contains(page.Tables, name) {
		return refuse(fault.Unknown, "There is no page at this address.")
	}
	out, err := c.reportsOf(r.Context(), page.ReportViewOf(r.URL.Query()))
	if err != nil {
		return err
	}
	rows, _ := out.CSV(name)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="handoff-`+name+`.csv"`)
	return csv.NewWriter(w).WriteAll(rows)
}
