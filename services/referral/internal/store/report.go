package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Responsiveness is how a provider answered what it was asked in a period.
type Responsiveness struct {
	ProviderID events.ID `json:"provider_id"`
	Name       string    `json:"name"`
	Asked      int       `json:"asked" doc:"requests first or last sent to it in the period"`
	Answered   int       `json:"answered" doc:"of those: it said that it can, or cannot"`
	Accepted   int       `json:"accepted" doc:"of those: it has, or had, the person"`
	Declined   int       `json:"declined"`
	Silent     int       `json:"silent" doc:"let go because its time to answer was over"`
	Waiting    int       `json:"waiting" doc:"an answer is still waited for"`
	MedianS    *float64  `json:"median_response_s" doc:"half of its answers came faster; null: it never answered"`
	SlowS      *float64  `json:"p90_response_s" doc:"nine of ten answers came faster"`
}

// Responses says how providers answered what they were asked in [from, to), for patients of a facility (its
// code; "" for all). Those asked most come first.
func Responses(ctx context.Context, tx pgx.Tx, org events.ID, facility string, from, to time.Time, limit int) ([]Responsiveness, error) {
	rows, err := tx.Query(ctx, `
		WITH o AS (
			SELECT o.provider_id, o.state, o.reason, o.asked_at, o.answered_at FROM offer o
			WHERE o.org_id = $1 AND o.asked_at >= $2 AND o.asked_at < $3
			AND ($4 = '' OR EXISTS (SELECT FROM referral r WHERE r.id = o.referral_id AND r.facility = $4))
		), n AS (
			SELECT provider_id, count(*) AS asked, count(answered_at) AS answered, count(*) FILTER (WHERE state = 'accepted') AS accepted,
				count(*) FILTER (WHERE state = 'declined') AS declined, count(*) FILTER (WHERE state = 'withdrawn' AND reason = 'no-response') AS silent,
				count(*) FILTER (WHERE state IN ('sent', 'acknowledged')) AS waiting,
				percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - asked_at)::float8) AS median,
				percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - asked_at)::float8) AS slow
			FROM o GROUP BY provider_id ORDER BY asked DESC, provider_id LIMIT $5
		) SELECT n.provider_id, coalesce(p.name, ''), asked, answered, accepted, declined, silent, waiting, median, slow
		FROM n LEFT JOIN provider p ON p.id = n.provider_id ORDER BY asked DESC, n.provider_id`, org, from, to, facility, limit)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Responsiveness, err error) {
		err = row.Scan(&r.ProviderID, &r.Name, &r.Asked, &r.Answered, &r.Accepted, &r.Declined, &r.Silent, &r.Waiting, &r.MedianS, &r.SlowS)
		return r, err
	})
	if list == nil {
		list = []Responsiveness{}
	}
	return list, err
}
