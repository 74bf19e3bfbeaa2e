package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// ClockQuery selects transitions for their clocks; zero fields select all that have some.
type ClockQuery struct {
	Encounter, Transition events.ID
	Facility              string
	Running               *time.Time // only those a clock of which ends after this instant
	Until                 time.Time  // keyset: the last row of the page before; in the order of the ends of the last clocks
	After                 events.ID
	Again                 bool // that row itself, too
	Limit                 int
}

// Clocks lists transitions with their clocks.
func Clocks(ctx context.Context, tx pgx.Tx, q ClockQuery) ([]*transition.Transition, error) {
	var w where
	switch {
	case !q.Encounter.IsZero():
		w.and("encounter_id = ?", q.Encounter)
	case !q.Transition.IsZero():
		w.and("id = ?", q.Transition)
	default:
		w.conditions = append(w.conditions, "clocks_until IS NOT NULL") // names the index
	}
	if q.Facility != "" {
		w.and("facility = ?", q.Facility)
	}
	if q.Running != nil {
		w.and("clocks_until > ?", *q.Running)
	}
	if !q.After.IsZero() {
		op := ">"
		if q.Again {
			op = ">="
		}
		w.args = append(w.args, q.Until, q.After)
		w.conditions = append(w.conditions, fmt.Sprintf("(clocks_until, encounter_id) %s ($%d, $%d)", op, len(w.args)-1, len(w.args)))
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT %s FROM transition%s ORDER BY clocks_until, encounter_id LIMIT %d`,
		transitionColumns, w.sql(), q.Limit), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list clocks: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*transition.Transition, error) { return scanTransition(row) })
}

// RunBy are encounters, in the order of their ids, that may have an open clock or an
// open task of a version of a rule (id@version).
func RunBy(ctx context.Context, tx pgx.Tx, rule string, now time.Time, after events.ID, limit int) ([]events.ID, error) {
	return selected(ctx, tx, `
SELECT encounter_id FROM transition WHERE clocks_until > $2 AND position($4 in clocks::text) > 0 AND ($3::uuid IS NULL OR encounter_id > $3)
UNION SELECT encounter_id FROM task WHERE rule = $1 AND ($3::uuid IS NULL OR encounter_id > $3) AND state IN ('requested', 'accepted', 'in-progress', 'on-hold')
ORDER BY 1 LIMIT $5`, rule, now, after, `"`+rule+`"`, limit)
}
