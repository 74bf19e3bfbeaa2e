package store

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Transitions returns what is known of some stays' transitions, by encounter; those that have none are missing.
func (s *Store) Transitions(ctx context.Context, org events.ID, encounters []events.ID) (map[events.ID]events.Transition, error) {
	out := make(map[events.ID]events.Transition, len(encounters))
	if len(encounters) == 0 {
		return out, nil
	}
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT encounter_id, snapshot FROM episode WHERE encounter_id = ANY($1)`, encounters)
		if err != nil {
			return err
		}
		var id events.ID
		var doc []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &doc}, func() error {
			var t events.Transition
			err := json.Unmarshal(doc, &t)
			out[id] = t
			return err
		})
		return err
	})
	return out, err
}
