package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Report selects the discharges that a report counts: those that were not called off, in [From, To).
type Report struct {
	Org                events.ID
	Facility, Protocol string // "" for all
	From, To           time.Time
}

// The index of discharges gives the rows of a period; facility and protocol are looked at in them.
const reported = `t.org_id = $1 AND t.discharged_at >= $2 AND t.discharged_at < $3 AND t.state IN ('active', 'completed', 'readmitted', 'closed')
	AND ($4 = '' OR t.facility = $4) AND ($5 = '' OR position(' ' || $5 || '@' IN ' ' || t.protocols) > 0)`

const localWeek = `to_char(date_trunc('week', t.discharged_at AT TIME ZONE coalesce(nullif(t.zone, ''), 'UTC')), 'YYYY-MM-DD')`

func (r Report) args() []any { return []any{r.Org, r.From, r.To, r.Facility, r.Protocol} }

// ClockCount is how the clocks of one rule ended for the discharges of one week.
type ClockCount struct {
	Rule      string `json:"rule"`
	Week      string `json:"week"`
	Clocks    int    `json:"clocks" doc:"that ran for a discharge of the week"`
	Met       int    `json:"met"`
	Attempted int    `json:"attempted" doc:"enough tries in time, nobody was reached"`
	Missed    int    `json:"missed" doc:"their time is over"`
	Running   int    `json:"running" doc:"their time is not over, or stands still"`
}

// CountClocks counts clocks of stays by rule and week. A clock that nobody looked at since its time passed is
// missed all the same.
func CountClocks(ctx context.Context, tx pgx.Tx, r Report) ([]ClockCount, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(`
		WITH c AS (
			SELECT split_part(c ->> 'rule', '@', 1) AS rule, %s AS week, CASE
				WHEN coalesce(c ->> 'state', 'due') = 'due' AND (c ->> 'due')::timestamptz <= now() THEN 'missed'
				ELSE coalesce(c ->> 'state', 'due') END AS state
			FROM transition t CROSS JOIN LATERAL json_array_elements(t.clocks -> 'clocks') AS c
			WHERE %s AND coalesce(c ->> 'ask', '0') = '0')
		SELECT rule, week, count(*), count(*) FILTER (WHERE state = 'met'), count(*) FILTER (WHERE state = 'attempted'),
			count(*) FILTER (WHERE state = 'missed'), count(*) FILTER (WHERE state IN ('due', 'paused'))
		FROM c WHERE state <> 'not-applicable' GROUP BY rule, week ORDER BY rule, week`, localWeek, reported), r.args()...)
	if err != nil {
		return nil, fmt.Errorf("count clocks: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c ClockCount, err error) {
		err = row.Scan(&c.Rule, &c.Week, &c.Clocks, &c.Met, &c.Attempted, &c.Missed, &c.Running)
		return c, err
	})
}

// Contacts are the codes of tasks whose first try or end is the first contact after a discharge.
var Contacts = []string{"tcm-contact", "safety-contact", "postpartum-contact", "ama-outreach", "facility-check-in", "hf-call", "patient-engagement"}

// WeekCount is what became of the discharges of one week; of the whole period where Week is empty.
type WeekCount struct {
	Week       string   `json:"week"`
	Discharges int      `json:"discharges" doc:"that opened a transition of care and were not called off"`
	Tried      int      `json:"tried" doc:"somebody tried to reach the patient, or the place they are at"`
	Reached    int      `json:"reached" doc:"and did"`
	TriedH     *float64 `json:"median_hours_to_try" doc:"from the discharge to the first try; of those tried"`
	ReachedH   *float64 `json:"median_hours_to_contact" doc:"from the discharge to the first contact; of those reached"`
	Returned   int      `json:"returned" doc:"came back to a hospital within 30 days, not planned"`
	Planned    int      `json:"returned_planned" doc:"came back as planned, and not otherwise"`
	Open       int      `json:"still_within_30_days" doc:"left less than 30 days ago: may still come back"`
}

// CountTransitions counts discharges by week and over the period: first contacts and returns.
func CountTransitions(ctx context.Context, tx pgx.Tx, r Report) ([]WeekCount, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(`
		WITH t AS (
			SELECT t.encounter_id, t.discharged_at, %s AS week, x.unplanned, x.planned
			FROM transition t CROSS JOIN LATERAL (
				SELECT count(*) FILTER (WHERE coalesce(x ->> 'planned', 'false') = 'false') AS unplanned,
					count(*) FILTER (WHERE x ->> 'planned' = 'true') AS planned
				FROM json_array_elements(t.outlook -> 'returns') AS x WHERE x ->> 'state' = 'detected') AS x
			WHERE %s
		), f AS (
			SELECT t.encounter_id, min(l.at) AS tried, min(l.at) FILTER (WHERE l.action = 'complete' AND l.outcome IN ('done', 'reached')) AS reached
			FROM t JOIN task k ON k.encounter_id = t.encounter_id JOIN task_log l ON l.task_id = k.id
			WHERE k.code = ANY($6) AND l.action IN ('attempt', 'complete') AND l.by <> '' AND l.at >= t.discharged_at GROUP BY t.encounter_id
		), h AS (
			SELECT t.*, extract(epoch FROM f.tried - t.discharged_at)::float8 / 3600 AS tried, extract(epoch FROM f.reached - t.discharged_at)::float8 / 3600 AS reached
			FROM t LEFT JOIN f ON f.encounter_id = t.encounter_id
		)
		SELECT coalesce(week, ''), count(*), count(tried), count(reached), percentile_cont(0.5) WITHIN GROUP (ORDER BY tried),
			percentile_cont(0.5) WITHIN GROUP (ORDER BY reached), count(*) FILTER (WHERE unplanned > 0),
			count(*) FILTER (WHERE planned > 0 AND unplanned = 0), count(*) FILTER (WHERE discharged_at > now() - interval '30 days')
		FROM h GROUP BY GROUPING SETS ((week), ()) ORDER BY week NULLS LAST`, localWeek, reported), append(r.args(), Contacts)...)
	if err != nil {
		return nil, fmt.Errorf("count transitions: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c WeekCount, err error) {
		err = row.Scan(&c.Week, &c.Discharges, &c.Tried, &c.Reached, &c.TriedH, &c.ReachedH, &c.Returned, &c.Planned, &c.Open)
		return c, err
	})
}
