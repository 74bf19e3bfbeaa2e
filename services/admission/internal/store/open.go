package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/seal"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

// LeaseTime is how long a silent process keeps its messages.
const LeaseTime = 5 * time.Second

// Open is a kept message as it is read back to be handled.
type Open struct {
	ID, Feed events.ID
	Facility string
	Charset  string
	Format   int16
	Received time.Time
	Body     []byte
	Lost     string // why there is no Body; "" there is
}

// Opens reads this process's oldest messages that are still to be handled.
func (s *Store) Opens(ctx context.Context, limit int) ([]Open, error) {
	rows, err := s.DB.System.Query(ctx, `
		SELECT o.id, m.org_id, m.feed_id, m.facility, m.charset, m.format, m.received_at, `+sealedColumns+`
		FROM message_open o JOIN message m USING (id) JOIN message_raw r USING (id) LEFT JOIN data_key k ON k.id = r.key_id
		WHERE o.owner = $1 ORDER BY o.id LIMIT $2`, s.Owner, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (o Open, err error) {
		var org events.ID
		var r sealed
		if err = row.Scan(append([]any{&o.ID, &org, &o.Feed, &o.Facility, &o.Charset, &o.Format, &o.Received}, r.into()...)...); err != nil {
			return o, err
		}
		switch o.Body, err = s.open(ctx, o.ID, org, &r); {
		case errors.Is(err, ErrGone):
			o.Lost, err = adt.Destroyed, nil
		case errors.Is(err, seal.ErrDamaged):
			o.Lost, err = adt.Damaged, nil
		}
		return o, err
	})
}

// Renew says that this process lives.
func (s *Store) Renew(ctx context.Context) error {
	_, err := s.DB.System.Exec(ctx, `INSERT INTO lease (owner, expires_at) VALUES ($1, now() + $2::interval)
		ON CONFLICT (owner) DO UPDATE SET expires_at = excluded.expires_at`, s.Owner, LeaseTime)
	return err
}

// Leave gives up this process's messages at once.
func (s *Store) Leave(ctx context.Context) error {
	_, err := s.DB.System.Exec(ctx, `DELETE FROM lease WHERE owner = $1`, s.Owner)
	return err
}

// TakeOver makes the messages of dead processes this one's and returns how many they are. Whoever
// of several processes comes first gets them. A process that was only slow finds its messages gone
// when it handles them (Take), and leaves them alone.
func (s *Store) TakeOver(ctx context.Context) (int64, error) {
	tag, err := s.DB.System.Exec(ctx, `UPDATE message_open SET owner = $1
		WHERE owner NOT IN (SELECT owner FROM lease WHERE expires_at > now())`, s.Owner)
	if err != nil {
		return 0, err
	}
	_, err = s.DB.System.Exec(ctx, `WITH dead AS (DELETE FROM lease WHERE expires_at < now() - interval '1 minute'),
		gone AS (DELETE FROM tally WHERE owner <> $1 AND owner NOT IN (SELECT owner FROM lease) RETURNING org_id, name, n)
		INSERT INTO tally AS t (org_id, name, owner, n) SELECT org_id, name, $2, sum(n) FROM gone GROUP BY 1, 2
		ON CONFLICT (org_id, name, owner) DO UPDATE SET n = t.n + excluded.n`, retired, s.Owner)
	return tag.RowsAffected(), err
}

// retired owns the counters of processes that are no more.
var retired = events.Derive("admission", "retired")

// Backlog is how many messages are to be handled, and since when the oldest of them waits.
func (s *Store) Backlog(ctx context.Context) (n int64, oldest *time.Time, err error) {
	err = s.DB.System.QueryRow(ctx, `SELECT (SELECT count(*) FROM message_open),
		(SELECT received_at FROM message WHERE id = (SELECT id FROM message_open ORDER BY id LIMIT 1))`).Scan(&n, &oldest)
	return n, oldest, err
}
