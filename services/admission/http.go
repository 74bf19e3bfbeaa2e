package admission

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

func (s *service) routes(r *web.Router) {}

// laws are the conservation laws of an organization, from counters that each transaction keeps.
func (s *service) laws(ctx context.Context, org web.OrgID) ([]web.Law, error) {
	var laws []web.Law
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		n, err := s.store.Counts(ctx, tx)
		if err != nil {
			return err
		}
		var stays int64
		for _, state := range encounter.States {
			stays += n["encounter:"+state]
		}
		laws = []web.Law{
			web.Balance("messages received = kept + applied + ignored + quarantined + rejected", n["received"],
				n[adt.Kept]+n[adt.Applied]+n[adt.Ignored]+n[adt.Quarantined]+n[adt.Rejected]),
			web.Balance("encounters created = planned + arrived + in-progress + onleave + finished + cancelled + entered-in-error", n["encounters"], stays),
		}
		return nil
	})
	return laws, err
}
