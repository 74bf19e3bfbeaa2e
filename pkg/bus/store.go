package bus

import (
	"context"
	"embed"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations creates the consumer's tables in a service's schema.
func Migrations() postgres.MigrationSet {
	return postgres.MigrationSet{Name: "bus", FS: migrations, Dir: "migrations"}
}

type database = *postgres.DB

// store is what Postgres knows of one subscription.
type store struct {
	db     database
	stream string
	owner  string
	epoch  int64
	inbox  *inbox
	parked bool // some key of this stream is, or was lately, parked
}

type position struct {
	incarnation time.Time
	position    uint64
	watermark   time.Time
}

type mark struct {
	end               *uint64
	watermark         time.Time
	handled, repeated int
	chunks            map[int64]*chunk
}

func newStore(db database, stream string) *store {
	return &store{db: db, stream: stream, owner: events.NewID().String(), inbox: &inbox{stream: stream, cache: map[int64]*chunk{}}}
}

// lease takes or renews the right to consume, on the database's clock.
func (s *store) lease(ctx context.Context) (bool, error) {
	rows, err := s.db.System.Query(ctx, `INSERT INTO subscription AS s (stream, owner, epoch, expires_at)
		VALUES ($1, $2, 1, clock_timestamp() + $3)
		ON CONFLICT (stream) DO UPDATE SET owner = $2, epoch = s.epoch + (s.owner <> $2)::int, expires_at = clock_timestamp() + $3
		WHERE s.owner = $2 OR s.expires_at < clock_timestamp() RETURNING epoch`, s.stream, s.owner, leaseTTL)
	if err != nil {
		return false, err
	}
	epochs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(epochs) == 0 {
		return false, err
	}
	s.epoch = epochs[0]
	return true, nil
}

func (s *store) resign() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.inbox.forget()
	_, _ = s.db.System.Exec(ctx, `UPDATE subscription SET expires_at = '-infinity' WHERE stream = $1 AND owner = $2 AND epoch = $3`, s.stream, s.owner, s.epoch)
}

func (s *store) position(ctx context.Context) (position, error) {
	var p position
	var incarnation, watermark *time.Time
	var at int64
	s.inbox.forget()
	err := s.db.System.QueryRow(ctx, `SELECT incarnation, position, nullif(watermark, '-infinity'),
		EXISTS (SELECT FROM parked_key k WHERE k.stream = s.stream) FROM subscription s WHERE stream = $1`, s.stream).
		Scan(&incarnation, &at, &watermark, &s.parked)
	if incarnation != nil {
		p.incarnation = *incarnation
	}
	if watermark != nil {
		p.watermark = *watermark
	}
	p.position = uint64(at)
	return p, err
}

// restart sets the position in a new incarnation of the stream.
func (s *store) restart(ctx context.Context, incarnation time.Time, at uint64) error {
	tag, err := s.db.System.Exec(ctx, `UPDATE subscription SET incarnation = $4, position = $5 WHERE stream = $1 AND owner = $2 AND epoch = $3`,
		s.stream, s.owner, s.epoch, incarnation.Truncate(time.Microsecond), int64(at))
	if err == nil && tag.RowsAffected() != 1 {
		err = errFenced
	}
	return err
}

// record writes what this transaction handles, and proves that it may.
func (s *store) record(ctx context.Context, tx pgx.Tx, m mark) error {
	b := &pgx.Batch{}
	var end *int64
	if m.end != nil {
		n := int64(*m.end)
		end = &n
	}
	var newest *time.Time
	if !m.watermark.IsZero() {
		newest = &m.watermark
	}
	b.Queue(`UPDATE subscription SET position = coalesce($4, position), watermark = greatest(watermark, $5),
		handled = handled + $6, repeated = repeated + $7 WHERE stream = $1 AND owner = $2 AND epoch = $3`,
		s.stream, s.owner, s.epoch, end, newest, m.handled, m.repeated)
	s.inbox.queue(b, m.chunks)
	results := tx.SendBatch(ctx, b)
	tag, err := results.Exec()
	if cerr := results.Close(); err == nil {
		err = cerr
	}
	if err == nil && tag.RowsAffected() != 1 {
		err = errFenced
	}
	return err
}

// setAside parks events whose key is parked and returns the others.
func (s *store) setAside(ctx context.Context, tx pgx.Tx, fresh []events.Event, batch []received) ([]events.Event, error) {
	if !s.parked || len(fresh) == 0 {
		return fresh, nil
	}
	keys := make([]events.ID, len(fresh))
	for i, e := range fresh {
		keys[i] = e.Fact.Key()
	}
	rows, err := tx.Query(ctx, `SELECT key FROM parked_key WHERE stream = $1 AND key = ANY($2) ORDER BY key FOR SHARE`, s.stream, keys)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[events.ID])
	if err != nil || len(list) == 0 {
		return fresh, err
	}
	isParked := map[events.ID]bool{}
	for _, k := range list {
		isParked[k] = true
	}
	docs := map[int64][]byte{}
	for _, r := range batch {
		docs[r.event.Sequence] = r.doc
	}
	todo := fresh[:0:0]
	for _, e := range fresh {
		if !isParked[e.Fact.Key()] {
			todo = append(todo, e)
			continue
		}
		if err := putAside(ctx, tx, s.stream, e, docs[e.Sequence]); err != nil {
			return nil, err
		}
	}
	return todo, nil
}

// park records that an event's key cannot be handled, and why.
func (s *store) park(ctx context.Context, r received, cause error) error {
	var chunks map[int64]*chunk
	err := s.db.SystemTx(ctx, func(tx pgx.Tx) error {
		_, next, err := s.inbox.admit(ctx, tx, []events.Event{r.event})
		if err != nil {
			return err
		}
		chunks = next
		if err := s.record(ctx, tx, mark{watermark: r.event.Recorded, handled: 1, chunks: next}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO parked_key (stream, key, org_id, reason) VALUES ($1, $2, $3, $4)
			ON CONFLICT (stream, key) DO UPDATE SET reason = excluded.reason`, s.stream, r.event.Fact.Key(), r.event.Org, reason(cause))
		if err != nil {
			return err
		}
		return putAside(ctx, tx, s.stream, r.event, r.doc)
	})
	if err != nil {
		s.inbox.forget()
		return err
	}
	s.inbox.keep(chunks)
	s.parked = true
	return nil
}

func putAside(ctx context.Context, tx pgx.Tx, stream string, e events.Event, doc []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO parked (stream, sequence, key, org_id, type, doc) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		stream, e.Sequence, e.Fact.Key(), e.Org, e.Fact.Type(), string(doc))
	return err
}

// reason is the first line of an error, short enough for a list.
func reason(err error) string {
	text := err.Error()
	for i, r := range text {
		if r == '\n' || i > 500 {
			return text[:i]
		}
	}
	return text
}
