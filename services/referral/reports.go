package referral

import (
	"context"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

func (s *service) reportRoutes(r *web.Router) {
	web.Handle(r, web.ReferralsRead, http.MethodGet, "/reports/providers", "How often and how fast each provider answered, and what", s.reportProviders)
}

// MaxPeriod is the longest period a report looks at.
const maxPeriod = 400 * 24 * time.Hour

type reportIn struct {
	Facility string    `query:"facility" doc:"the discharging facility's code"`
	From     time.Time `query:"from" required:"true"`
	To       time.Time `query:"to" required:"true" doc:"exclusive; at most 400 days after from"`
	Limit    int       `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type providersReportOut struct {
	Body struct {
		Items []store.Responsiveness `json:"items" doc:"those asked most first"`
	}
}

func (s *service) reportProviders(ctx context.Context, in *reportIn) (*providersReportOut, error) {
	if !in.From.Before(in.To) || in.To.Sub(in.From) > maxPeriod {
		return nil, fault.New(fault.Invalid, "from is before to, and at most 400 days before it")
	}
	out, org := &providersReportOut{}, web.From(ctx).Org
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) (err error) {
		out.Body.Items, err = store.Responses(ctx, tx, org, in.Facility, in.From, in.To, in.Limit)
		return err
	})
	return out, err
}
