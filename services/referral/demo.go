package referral

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/referral/internal/directory"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// demoOrg is development's organization; every service derives the same id.
var demoOrg = events.Derive("org", "demo")

// loadDemo gives development's organization its directory, unless it has one already.
func (s *service) loadDemo(ctx context.Context) error {
	sheet, err := directory.Demo()
	if err != nil {
		return fmt.Errorf("the demonstration directory: %w", err)
	}
	providers := sheet.Merge(demoOrg, nil, now())
	if len(sheet.Errors) > 0 {
		return fmt.Errorf("the demonstration directory, line %d: %s", sheet.Errors[0].Line, sheet.Errors[0].Text)
	}
	return s.db.Tx(ctx, demoOrg, func(tx pgx.Tx) error {
		versions, err := store.Versions(ctx, tx, []events.ID{demoOrg})
		if err != nil || versions[demoOrg] > 0 {
			return err
		}
		if err := s.changed(ctx, tx, demoOrg); err != nil {
			return err
		}
		if _, err = store.SaveProviders(ctx, tx, demoOrg, providers); err != nil {
			return err
		}
		return seatDemo(ctx, tx, providers)
	})
}

// seatDemo lets the intake personas speak for a provider each.
func seatDemo(ctx context.Context, tx pgx.Tx, providers []*provider) error {
	for subject, name := range map[string]string{"linda.park": "Cedar Grove Care Center", "carlos.mendes": "Harbor Home Health"} {
		for _, p := range providers {
			if p.Name != name {
				continue
			}
			if err := store.SetSpeakers(ctx, tx, demoOrg, p.ID, []string{subject}); err != nil {
				return err
			}
		}
	}
	return nil
}
