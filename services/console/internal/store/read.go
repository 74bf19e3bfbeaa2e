package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/console/internal/board"
)

// Tasks returns every task of an episode, open ones first, then by due time.
func (s *Store) Tasks(ctx context.Context, org, encounter events.ID) ([]board.Work, error) {
	return s.TasksOf(ctx, org, []events.ID{encounter})
}

// TasksOf returns every task of some episodes, open ones first, then by due time.
func (s *Store) TasksOf(ctx context.Context, org events.ID, encounters []events.ID) (list []board.Work, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		var sql statement
		sql.and("t.encounter_id = ANY(?)", encounters)
		list, err = works(ctx, tx, sql, "ORDER BY t.open DESC, t.due_at, t.id LIMIT 500")
		return err
	})
	return list, err
}

// Task returns one task, or fault.Unknown.
func (s *Store) Task(ctx context.Context, org, encounter, id events.ID) (work board.Work, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		var sql statement
		sql.and("t.encounter_id = ? AND t.id = ?", encounter, id)
		list, err := works(ctx, tx, sql, "")
		if err == nil && len(list) == 0 {
			err = fault.New(fault.Unknown, "this task is not known here (yet)")
		}
		if err == nil {
			work = list[0]
		}
		return err
	})
	return work, err
}

func scanWork(row pgx.CollectableRow) (board.Work, error) {
	var w board.Work
	var task, episode []byte
	if err := row.Scan(&task, &episode, &w.Zone, &w.Place, &w.DoneBy, &w.CreatedAt, &w.ChangedAt); err != nil {
		return w, err
	}
	h := fnv.New64a()
	for _, part := range [][]byte{task, episode, []byte(w.Zone), []byte(w.Place), []byte(w.DoneBy)} {
		_, _ = h.Write(part)
		_, _ = h.Write([]byte{0})
	}
	_ = binary.Write(h, binary.LittleEndian, w.ChangedAt.UnixNano())
	w.Sum = h.Sum64()
	err := events.ReadJSON(task, &w.Task)
	if err == nil && episode != nil {
		err = events.ReadJSON(episode, &w.Episode)
	}
	return w, err
}

// Hanging counts the open tasks and the alerts that are not settled of some stays.
func (s *Store) Hanging(ctx context.Context, org events.ID, encounters []events.ID) (tasks, alerts int, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM task WHERE encounter_id = ANY($1) AND open),
			(SELECT count(*) FROM alert WHERE encounter_id = ANY($1) AND state <> 'resolved')`, encounters).Scan(&tasks, &alerts)
	})
	return tasks, alerts, err
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
			err = events.ReadJSON(doc, &e.Transition)
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
			err = events.ReadJSON(doc, &t)
		}
		return t, err
	})
}

// Heard says when each fact of a stay was put on the pages, as far as it was written down.
func (s *Store) Heard(ctx context.Context, org, encounter events.ID) (map[events.ID]time.Time, error) {
	out := map[events.ID]time.Time{}
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, heard_at FROM entry WHERE encounter_id = $1 AND heard_at IS NOT NULL LIMIT 2000`, encounter)
		if err != nil {
			return err
		}
		var id events.ID
		var at time.Time
		_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error { out[id] = at; return nil })
		return err
	})
	return out, err
}
