package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Press is what a person pressed under a key, as it was asked for the first time.
type Press struct {
	Request  string // what makes two uses of a key the same
	Version  int    // of the task, as the person saw it
	Computed []byte // what followed from the moment it was pressed: JSON, of codes and times
}

// Pressed keeps the first press of a key, and returns that one. again tells that it was not the first.
func (s *Store) Pressed(ctx context.Context, org events.ID, person string, key events.ID, p Press) (first Press, again bool, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO press (org_id, subject, key, request, version, computed) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT DO NOTHING`, org, person, key, p.Request, p.Version, string(p.Computed))
		if first = p; err != nil || tag.RowsAffected() > 0 {
			return err
		}
		again = true
		var computed string
		err = tx.QueryRow(ctx, `SELECT request, version, computed FROM press WHERE org_id = $1 AND subject = $2 AND key = $3`, org, person, key).
			Scan(&first.Request, &first.Version, &computed)
		first.Computed = []byte(computed)
		return err
	})
	return first, again, err
}
