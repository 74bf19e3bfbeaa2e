package notification

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// reportRoutes are what is counted of alerts.
func (s *service) reportRoutes(r *web.Router) {
	web.Handle(r, web.LedgerRead, "GET", "/reports/alerts", "How many alerts each rule raised, and how many somebody acted on", s.reportAlerts)
}

// longestReport is the longest period a report looks at.
const longestReport = 400 * 24 * time.Hour

type reportIn struct {
	Facility string    `query:"facility" doc:"the facility's code (MSH-4)"`
	From     time.Time `query:"from" required:"true" doc:"raised from then on"`
	To       time.Time `query:"to" required:"true" doc:"exclusive; at most 400 days after from"`
}

type alertsReportOut struct {
	Body struct {
		Items []store.AlertLoad `json:"items" doc:"by kind, the most first"`
	}
}

func (s *service) reportAlerts(ctx context.Context, in *reportIn) (*alertsReportOut, error) {
	if !in.From.Before(in.To) || in.To.Sub(in.From) > longestReport {
		return nil, fault.New(fault.Invalid, "from is before to, and at most 400 days before it")
	}
	out, org := &alertsReportOut{}, web.From(ctx).Org
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) (err error) {
		out.Body.Items, err = store.AlertLoads(ctx, tx, org, in.Facility, in.From, in.To)
		return err
	})
	return out, err
}
