package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Overdue takes stays that have gone on for too long by the database's clock, with their facts. Of
// several processes each gets others.
func (s *Store) Overdue(ctx context.Context, tx pgx.Tx, limit int) (list []*Encounter, now time.Time, err error) {
	l := &Loaded{Encounters: map[events.ID]*Encounter{}}
	if _, err = tx.Exec(ctx, byKey, true); err != nil {
		return nil, now, err
	}
	// Through the index of open stays: in the order of ids every stay there is would be read.
	rows, err := tx.Query(ctx, `SELECT `+encounterColumns+` FROM encounter e WHERE e.id IN (SELECT id FROM encounter
			WHERE state IN ('planned', 'arrived', 'in-progress', 'onleave') AND check_at <= now() AND into_id IS NULL OFFSET 0)
		LIMIT $1 FOR NO KEY UPDATE OF e SKIP LOCKED`, limit)
	if err != nil {
		return nil, now, err
	}
	if err = l.takeEncounters(rows); err != nil || len(l.Encounters) == 0 {
		return nil, now, err
	}
	var ids []events.ID
	for id, e := range l.Encounters {
		ids, list = append(ids, id), append(list, e)
	}
	b := &pgx.Batch{}
	b.Queue(`SELECT `+factColumns+` FROM encounter_fact f WHERE f.encounter_id = ANY($1)`, ids).Query(func(rows pgx.Rows) error { return l.takeFacts(rows, ids) })
	b.Queue(`SELECT coalesce(x.into_id, x.id), `+factColumns[len("f.encounter_id, "):]+` FROM encounter e JOIN encounter x ON x.cluster_id = e.cluster_id AND x.into_id = e.id
		JOIN encounter_fact f ON f.encounter_id = x.id WHERE e.id = ANY($1) AND e.cluster_id IS NOT NULL AND x.cluster_id IS NOT NULL`, ids).Query(l.takePartFacts)
	b.Queue(`SELECT clock_timestamp()`).QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
	return list, now, tx.SendBatch(ctx, b).Close()
}

// takePartFacts adds the facts of stays that became a part of another.
func (l *Loaded) takePartFacts(rows pgx.Rows) error {
	list, err := pgx.CollectRows(rows, scanFact)
	for _, r := range list {
		e := l.Encounters[r.encounter]
		e.Facts, _ = e.Facts.Add(r.fact)
	}
	return err
}

// SaveWatched writes what was marked; a stay is not looked at again before more is heard of it.
func (s *Store) SaveWatched(ctx context.Context, tx pgx.Tx, list []*Encounter) error {
	ids, folds, snapshots := make([]events.ID, len(list)), make([]int64, len(list)), make([]string, len(list))
	var b []byte
	for i, e := range list {
		var err error
		if b, err = events.AppendJSON(b[:0], &e.Known.Encounter); err != nil {
			return err
		}
		ids[i], folds[i], snapshots[i] = e.ID, e.Known.FoldVersion, string(b)
	}
	_, err := tx.Exec(ctx, `UPDATE encounter e SET fold_version = u.fold, snapshot = u.snapshot, check_at = NULL
		FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS u(id, fold, snapshot) WHERE e.id = u.id`, ids, folds, snapshots)
	return err
}

// NewLoaded is nothing yet.
func NewLoaded() *Loaded {
	return &Loaded{Mine: map[events.ID]bool{}, Patients: map[events.ID]*Patient{}, Encounters: map[events.ID]*Encounter{}}
}

// Now is the time by the database's clock.
func (s *Store) Now(ctx context.Context, tx pgx.Tx) (now time.Time, err error) {
	err = tx.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now)
	return now.UTC(), err
}
