package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// AlertLoad is what one rule gave people to do.
type AlertLoad struct {
	Kind      string   `json:"kind"`
	Raised    int      `json:"raised"`
	Acted     int      `json:"acted_on" doc:"somebody took them on"`
	Itself    int      `json:"resolved_by_itself" doc:"nobody took them on, and their reason went away or was seen to"`
	Open      int      `json:"open" doc:"nobody has taken them on yet"`
	Escalated int      `json:"escalated" doc:"went further because nobody answered in time"`
	MedianS   *float64 `json:"median_seconds_to_act" doc:"from raised to taken on; of those taken on"`
}

// AlertLoads counts the alerts raised in [from, to), by kind, for a facility (its code; "" for all).
func AlertLoads(ctx context.Context, tx pgx.Tx, org events.ID, facility string, from, to time.Time) ([]AlertLoad, error) {
	rows, err := tx.Query(ctx, `SELECT kind, count(*), count(*) FILTER (WHERE acknowledged_by <> ''),
			count(*) FILTER (WHERE acknowledged_by = '' AND state = 'resolved'), count(*) FILTER (WHERE state = 'raised'),
			count(*) FILTER (WHERE step > 0), percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM acknowledged_at - raised_at)::float8)
		FROM alert WHERE org_id = $1 AND raised_at >= $2 AND raised_at < $3 AND ($4 = '' OR facility = $4)
		GROUP BY kind ORDER BY 2 DESC, kind`, org, from, to, facility)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a AlertLoad, err error) {
		err = row.Scan(&a.Kind, &a.Raised, &a.Acted, &a.Itself, &a.Open, &a.Escalated, &a.MedianS)
		return a, err
	})
	if list == nil {
		list = []AlertLoad{}
	}
	return list, err
}
