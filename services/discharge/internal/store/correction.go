package store

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Correction is what a correction of the stay did to a task, as its log keeps it: the
// old values, since the next entry, or the task itself, has the new ones.
type Correction struct {
	Org, Task events.ID
	Action    string // rescheduled, cancelled
	Why       string
	Previous  map[string]string
	Cause     events.ID
}

func queueCorrections(b *pgx.Batch, list []Correction, at time.Time) error {
	if len(list) == 0 {
		return nil
	}
	n := len(list)
	org, task, cause, action, why, previous := ids(n), ids(n), ids(n), texts(n), texts(n), make([]*string, n)
	for i, c := range list {
		org[i], task[i], cause[i], action[i], why[i] = c.Org, c.Task, c.Cause, c.Action, c.Why
		var err error
		if previous[i], err = asJSON(c.Previous); err != nil {
			return err
		}
	}
	b.Queue(`INSERT INTO task_log (org_id, task_id, action, by, at, channel, outcome, note, previous, cause)
		SELECT o, t, a, '', $7::timestamptz, '', w, '', p, c
		FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::json[], $6::uuid[]) WITH ORDINALITY AS n(o, t, a, w, p, c, place)
		ORDER BY place`, org, task, action, why, previous, cause, at)
	return nil
}
