package store

import (
	"context"
	"fmt"

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
			err := events.ReadJSON(doc, &t)
			out[id] = t
			return err
		})
		return err
	})
	return out, err
}

// PlanningPosition is where a page of planned transitions ended.
type PlanningPosition struct {
	Expected string    `json:"e"`
	ID       events.ID `json:"i"`
}

// Planning lists transitions that are being planned, soonest expected first; next is where the page after
// starts, nil on the last.
func (s *Store) Planning(ctx context.Context, org events.ID, facility string, after PlanningPosition, limit int) (list []events.Transition, next *PlanningPosition, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		const expected = `coalesce(snapshot ->> 'expected_discharge_at', '9')`
		var sql statement
		sql.and("state = 'planning'")
		if facility != "" {
			sql.and("facility = ?", facility)
		}
		if after.Expected != "" {
			sql.and("("+expected+", encounter_id) > (?, ?)", after.Expected, after.ID)
		}
		rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT %s, snapshot FROM episode %s ORDER BY %s, encounter_id LIMIT %d`, expected, sql.where(), expected, limit+1), sql.args...)
		if err != nil {
			return err
		}
		var at string
		var doc []byte
		_, err = pgx.ForEachRow(rows, []any{&at, &doc}, func() error {
			if len(list) == limit {
				next = &after
				return nil
			}
			var t events.Transition
			err := events.ReadJSON(doc, &t)
			list, after = append(list, t), PlanningPosition{at, t.Encounter}
			return err
		})
		return err
	})
	return list, next, err
}
