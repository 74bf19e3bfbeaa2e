package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// EnsureDemo makes the organization of development with its feed, to which plain connections belong.
func (s *Store) EnsureDemo(ctx context.Context, org events.ID) error {
	return s.DB.SystemTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO organization (id, org_id, code, name) VALUES ($1, $1, 'demo', 'Demonstration') ON CONFLICT DO NOTHING`, org); err != nil {
			return err
		}
		feed := events.Derive("feed", org.String(), "development")
		_, err := tx.Exec(ctx, `INSERT INTO feed (id, org_id, name, development, loopback) VALUES ($1, $2, 'development', true, true) ON CONFLICT DO NOTHING`, feed, org)
		return err
	})
}
