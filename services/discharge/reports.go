package discharge

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

func (a *api) reportRoutes(r *web.Router) {
	web.Handle(r, web.TransitionsRead, "GET", "/reports/clocks", "How clocks of discharges ended, by rule and week", a.reportClocks)
	web.Handle(r, web.TransitionsRead, "GET", "/reports/transitions", "Discharges by week: first contacts, returns to hospital", a.reportTransitions)
}

// longestReport is the longest period a report looks at.
const longestReport = 400 * 24 * time.Hour

type reportIn struct {
	Facility string    `query:"facility" doc:"the facility's code (MSH-4)"`
	Protocol string    `query:"protocol" doc:"the code of a protocol that applied"`
	From     time.Time `query:"from" required:"true" doc:"discharged from then on"`
	To       time.Time `query:"to" required:"true" doc:"exclusive; at most 400 days after from"`
}

func (in *reportIn) query(ctx context.Context) (store.Report, error) {
	if !in.From.Before(in.To) || in.To.Sub(in.From) > longestReport {
		return store.Report{}, fault.New(fault.Invalid, "from is before to, and at most 400 days before it")
	}
	return store.Report{Org: web.From(ctx).Org, Facility: in.Facility, Protocol: in.Protocol, From: in.From, To: in.To}, nil
}

// ruleReport is how the clocks of one rule ended.
type ruleReport struct {
	store.ClockCount
	Title string `json:"title"`
	Pack  string `json:"pack"`
}

type clocksReportOut struct {
	Body struct {
		Items []ruleReport `json:"items" doc:"by rule and week; the week is the local Monday of the discharge"`
	}
}

func (a *api) reportClocks(ctx context.Context, in *reportIn) (*clocksReportOut, error) {
	q, err := in.query(ctx)
	if err != nil {
		return nil, err
	}
	var counts []store.ClockCount
	err = a.db.Tx(ctx, q.Org, func(tx pgx.Tx) (err error) {
		counts, err = store.CountClocks(ctx, tx, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	out, table := &clocksReportOut{}, a.service.table(q.Org)
	out.Body.Items = make([]ruleReport, len(counts))
	for i, c := range counts {
		r := ruleReport{ClockCount: c, Title: c.Rule}
		if versions := table.Versions(c.Rule); len(versions) > 0 {
			r.Title, r.Pack = versions[0].Title, versions[0].Pack
		}
		out.Body.Items[i] = r
	}
	return out, nil
}

type transitionsReportOut struct {
	Body struct {
		Items []store.WeekCount `json:"items" doc:"one a week, and one without a week: the whole period"`
	}
}

func (a *api) reportTransitions(ctx context.Context, in *reportIn) (*transitionsReportOut, error) {
	q, err := in.query(ctx)
	if err != nil {
		return nil, err
	}
	out := &transitionsReportOut{}
	err = a.db.Tx(ctx, q.Org, func(tx pgx.Tx) (err error) {
		out.Body.Items, err = store.CountTransitions(ctx, tx, q)
		return err
	})
	return out, err
}
