package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Met notes what a member of staff is called.
func (s *Store) Met(ctx context.Context, org events.ID, subject, name string) error {
	return s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO person (org_id, subject, name) VALUES ($1, $2, $3)
			ON CONFLICT (org_id, subject) DO UPDATE SET name = excluded.name, seen_at = now()`, org, subject, name)
		return err
	})
}

// People returns what everybody is called who has signed in, by subject: a staff, not a population.
func (s *Store) People(ctx context.Context, org events.ID) (map[string]string, error) {
	names := map[string]string{}
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT subject, name FROM person ORDER BY seen_at DESC LIMIT 5000`)
		if err != nil {
			return err
		}
		var subject, name string
		_, err = pgx.ForEachRow(rows, []any{&subject, &name}, func() error { names[subject] = name; return nil })
		return err
	})
	return names, err
}

// Session returns the sealed data of a session, or nil where there is none (any more).
func (s *Store) Session(ctx context.Context, id []byte) (data []byte, err error) {
	err = s.db.System.QueryRow(ctx, `SELECT data FROM session WHERE id = $1 AND expires_at > now()`, id).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return data, err
}

// KeepSession writes a session.
func (s *Store) KeepSession(ctx context.Context, id, data []byte, until time.Time) error {
	_, err := s.db.System.Exec(ctx, `INSERT INTO session (id, data, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`, id, data, until)
	return err
}

// EndSession deletes a session.
func (s *Store) EndSession(ctx context.Context, id []byte) error {
	_, err := s.db.System.Exec(ctx, `DELETE FROM session WHERE id = $1`, id)
	return err
}
