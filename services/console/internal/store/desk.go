package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Filter is a view that a person kept under a name.
type Filter struct {
	ID          events.ID
	Name, Query string
}

// MaxFilters is how many filters a person can keep.
const MaxFilters = 20

// Filters lists what a person kept, in the order they were kept.
func (s *Store) Filters(ctx context.Context, org events.ID, person string) (list []Filter, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, name, query FROM saved_filter WHERE subject = $1 ORDER BY id LIMIT 100`, person)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Filter])
		return err
	})
	return list, err
}

// KeepFilter keeps a filter; one of the same name is replaced. full reports that there were too many.
func (s *Store) KeepFilter(ctx context.Context, org events.ID, person string, f Filter) (full bool, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, `WITH gone AS (DELETE FROM saved_filter WHERE subject = $1 AND name = $2 RETURNING 1)
			SELECT (SELECT count(*) FROM saved_filter WHERE subject = $1) - (SELECT count(*) FROM gone)`, person, f.Name).Scan(&n); err != nil {
			return err
		}
		if full = n >= MaxFilters; full {
			return nil
		}
		_, err := tx.Exec(ctx, `INSERT INTO saved_filter (org_id, subject, id, name, query) VALUES ($1, $2, $3, $4, $5)`, org, person, f.ID, f.Name, f.Query)
		return err
	})
	return full, err
}

// DropFilter forgets a filter.
func (s *Store) DropFilter(ctx context.Context, org events.ID, person string, id events.ID) error {
	return s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM saved_filter WHERE subject = $1 AND id = $2`, person, id)
		return err
	})
}

// Deed is something a person did to a task, and what takes it back.
type Deed struct {
	Turn            events.ID // deeds of one click share it
	Encounter, Task events.ID
	At              time.Time
	Said            string
	Back            string // the action that takes it back
	Owner           string // to whom it goes back, where Back is assign
	Version         int    // of the task after the deed
	Undone          bool
}

// Did notes deeds.
func (s *Store) Did(ctx context.Context, org events.ID, person string, deeds []Deed) error {
	return s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		for _, d := range deeds {
			b.Queue(`INSERT INTO deed (org_id, subject, turn, encounter_id, task_id, said, back, owner, version) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)
				ON CONFLICT DO NOTHING`, org, person, d.Turn, d.Encounter, d.Task, d.Said, d.Back, d.Owner, d.Version)
		}
		return tx.SendBatch(ctx, b).Close()
	})
}

// Deeds lists what a person did lately, newest first.
func (s *Store) Deeds(ctx context.Context, org events.ID, person string, since time.Time) (list []Deed, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT turn, encounter_id, task_id, at, said, back, owner, version, undone FROM deed
			WHERE subject = $1 AND at > $2 ORDER BY at DESC, task_id LIMIT 500`, person, since)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Deed])
		return err
	})
	return list, err
}

// Undone notes that a deed was taken back.
func (s *Store) Undone(ctx context.Context, org events.ID, person string, turn events.ID, tasks []events.ID) error {
	return s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE deed SET undone = true WHERE subject = $1 AND turn = $2 AND task_id = ANY($3)`, person, turn, tasks)
		return err
	})
}
