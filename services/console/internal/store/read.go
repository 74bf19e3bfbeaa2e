package store

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/console/internal/board"
)

// Query chooses tasks of the worklist.
type Query struct {
	View     string // "", mine, unclaimed, overdue, today, done
	Facility string // code, or "" for all
	Person   string // whose "mine" and "done"
	Limit    int
	After    Position // where the page before ended
}

// Position is a keyset position: a due time as text ("" before the first) and a task.
type Position struct {
	Due string    `json:"d"`
	ID  events.ID `json:"i"`
}

const workColumns = `t.snapshot, e.snapshot, coalesce(f.zone, ''), coalesce(f.name, ''), coalesce(t.done_by, ''), t.created_at, t.changed_at
	FROM task t LEFT JOIN episode e USING (encounter_id)
	LEFT JOIN LATERAL (SELECT zone, name FROM facility WHERE org_id = t.org_id AND code = t.facility LIMIT 1) f ON true`

// where holds the condition of each view. $1 is the person, $2 the facility, $3 and $4 the position.
var where = map[string]string{
	"":          `t.open`,
	"mine":      `t.open AND t.owner = $1`,
	"unclaimed": `t.open AND t.owner IS NULL`,
	"overdue":   `t.open AND t.due_at <= now()`,
	"today": `t.open AND t.due_at <= now() + interval '25 hours' AND
		t.due_at <= (date_trunc('day', now() AT TIME ZONE coalesce(f.zone, 'America/New_York')) + interval '1 day') AT TIME ZONE coalesce(f.zone, 'America/New_York')`,
}

// Worklist returns a page of tasks, what is due first first. One more than q.Limit means that there
// is a next page.
func (s *Store) Worklist(ctx context.Context, org events.ID, q Query) ([]board.Work, error) {
	if q.View == "done" {
		return s.works(ctx, org, `SELECT `+workColumns+`
			WHERE t.done_by = $1 AND t.changed_at > now() - interval '7 days' AND ($2 = '' OR t.facility = $2)
			ORDER BY t.changed_at DESC LIMIT $3`, q.Person, q.Facility, q.Limit+1)
	}
	cond, ok := where[q.View]
	if !ok {
		cond = where[""]
	}
	due := q.After.Due
	if due == "" {
		due = "-infinity"
	}
	sql := `SELECT ` + workColumns + ` WHERE ` + cond + ` AND ($1::text IS NOT NULL) AND ($2 = '' OR t.facility = $2)
		AND (t.due_at, t.id) > ($3::text::timestamptz, $4) ORDER BY t.due_at, t.id LIMIT $5`
	if q.Facility != "" { // so that the planner may use the facility's own index
		sql = `SELECT ` + workColumns + ` WHERE ` + cond + ` AND ($1::text IS NOT NULL) AND t.facility = $2
		AND (t.due_at, t.id) > ($3::text::timestamptz, $4) ORDER BY t.due_at, t.id LIMIT $5`
	}
	after := q.After.ID
	return s.works(ctx, org, sql, q.Person, q.Facility, due, [16]byte(after), q.Limit+1)
}

// Tasks returns every task of an episode, open ones first, then by due time.
func (s *Store) Tasks(ctx context.Context, org, encounter events.ID) ([]board.Work, error) {
	return s.works(ctx, org, `SELECT `+workColumns+` WHERE t.encounter_id = $1 ORDER BY t.open DESC, t.due_at, t.id LIMIT 500`, encounter)
}

// Task returns one task, or fault.Unknown.
func (s *Store) Task(ctx context.Context, org, encounter, id events.ID) (board.Work, error) {
	list, err := s.works(ctx, org, `SELECT `+workColumns+` WHERE t.encounter_id = $1 AND t.id = $2`, encounter, id)
	if err == nil && len(list) == 0 {
		err = fault.New(fault.Unknown, "this task is not known here (yet)")
	}
	if err != nil {
		return board.Work{}, err
	}
	return list[0], nil
}

func (s *Store) works(ctx context.Context, org events.ID, sql string, args ...any) (list []board.Work, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scanWork)
		return err
	})
	return list, err
}

func scanWork(row pgx.CollectableRow) (board.Work, error) {
	var w board.Work
	var task, episode []byte
	if err := row.Scan(&task, &episode, &w.Zone, &w.Place, &w.DoneBy, &w.CreatedAt, &w.ChangedAt); err != nil {
		return w, err
	}
	err := json.Unmarshal(task, &w.Task)
	if err == nil && episode != nil {
		err = json.Unmarshal(episode, &w.Episode)
	}
	return w, err
}

// Counts are how many open tasks each view holds, all facilities together.
type Counts struct{ All, Unclaimed, Overdue, Today, Mine int }

// Counts counts the views of a person.
func (s *Store) Counts(ctx context.Context, org events.ID, person string) (c Counts, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE t.owner IS NULL), count(*) FILTER (WHERE t.due_at <= now()),
				count(*) FILTER (WHERE `+where["today"]+`), count(*) FILTER (WHERE t.owner = $1)
			FROM task t LEFT JOIN (SELECT DISTINCT ON (code) code, zone FROM facility) f ON f.code = t.facility WHERE t.open`, person).
			Scan(&c.All, &c.Unclaimed, &c.Overdue, &c.Today, &c.Mine)
	})
	return c, err
}

// Place is a facility as people choose it.
type Place struct{ Code, Name, Zone string }

// Places lists the organization's facilities by name.
func (s *Store) Places(ctx context.Context, org events.ID) (list []Place, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT DISTINCT ON (name, code) code, name, zone FROM facility ORDER BY name, code LIMIT 1000`)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Place])
		return err
	})
	return list, err
}

// Episode is what the read model knows of one stay.
type Episode struct {
	Transition events.Transition // zero: none (yet)
	Tasks      []board.Work
	Referrals  []events.Referral
	Alerts     []events.Alert
	Entries    []Entry
}

// Episode returns a stay's read model; all of it empty where nothing has been heard.
func (s *Store) Episode(ctx context.Context, org, encounter events.ID) (e Episode, err error) {
	if e.Tasks, err = s.Tasks(ctx, org, encounter); err != nil {
		return e, err
	}
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		var doc []byte
		err := tx.QueryRow(ctx, `SELECT snapshot FROM episode WHERE encounter_id = $1`, encounter).Scan(&doc)
		if err == nil {
			err = json.Unmarshal(doc, &e.Transition)
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if e.Referrals, err = snapshots[events.Referral](ctx, tx, `SELECT snapshot FROM referral WHERE encounter_id = $1 ORDER BY id`, encounter); err != nil {
			return err
		}
		if e.Alerts, err = snapshots[events.Alert](ctx, tx, `SELECT snapshot FROM alert WHERE encounter_id = $1 ORDER BY id`, encounter); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT org_id, encounter_id, source, version, id, type, occurred_at, received_at, cause, detail
			FROM entry WHERE encounter_id = $1 ORDER BY occurred_at, source, version LIMIT 2000`, encounter)
		if err != nil {
			return err
		}
		e.Entries, err = pgx.CollectRows(rows, scanEntry)
		return err
	})
	return e, err
}

func scanEntry(row pgx.CollectableRow) (Entry, error) {
	var e Entry
	var detail []byte
	if err := row.Scan(&e.Org, &e.Encounter, &e.Source, &e.Version, &e.ID, &e.Type, &e.Occurred, &e.Received, &e.Cause, &detail); err != nil {
		return e, err
	}
	return e, json.Unmarshal(detail, &e.Detail)
}

func snapshots[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t T, err error) {
		var doc []byte
		if err = row.Scan(&doc); err == nil {
			err = json.Unmarshal(doc, &t)
		}
		return t, err
	})
}
