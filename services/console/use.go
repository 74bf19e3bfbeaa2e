package console

import (
	"context"

	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// laws are what must balance in the read model.
func laws(ctx context.Context, s *store.Store, org web.OrgID) ([]web.Law, error) {
	b, err := s.Balance(ctx, org)
	if err != nil {
		return nil, err
	}
	return []web.Law{
		web.Balance("tasks known = tasks in a state of the contract", b.Tasks, b.TasksInState),
		web.Balance("tasks known = tasks whose transition is known, or about a stay without an end", b.Tasks, b.TasksWithEpisode),
		web.Balance("transitions known = transitions in a state of the contract", b.Episodes, b.EpisodesInState),
		web.Balance("referrals known = referrals in a state of the contract", b.Referrals, b.ReferralsInState),
		web.Balance("alerts known = alerts in a state of the contract", b.Alerts, b.AlertsInState),
	}, nil
}
