package outbox

import (
	"context"
	"embed"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations creates the outbox's tables in a service's schema.
func Migrations() postgres.MigrationSet {
	return postgres.MigrationSet{Name: "outbox", FS: migrations, Dir: "migrations"}
}

// Outbox writes events of one service. Safe for concurrent use.
type Outbox struct {
	db      *postgres.DB
	service string
	bell    chan struct{}
	told    atomic.Int64 // calls of Announce: a transaction without one wakes nobody
}

// New returns the outbox of a service.
func New(db *postgres.DB, service string) *Outbox {
	return &Outbox{db: db, service: service, bell: make(chan struct{}, 1)}
}

// Announce writes events in tx. It fills ID, Source and Recorded; Version and Sequence are drawn by
// the database. Make it the last statement of the transaction: it locks the events' keys. The facts
// of one call keep their order. Ring the bell after the commit, or use Tx / SystemTx which do.
func (o *Outbox) Announce(ctx context.Context, tx pgx.Tx, list ...events.Event) error {
	if len(list) == 0 {
		return nil
	}
	o.told.Add(1)
	r := rows{}
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i := range list {
		if err := r.add(o.service, &list[i], now); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, announce, r.id, r.org, r.key, r.typ, r.cause, r.head, now)
	if err != nil {
		return fmt.Errorf("announce %d events: %w", len(list), err)
	}
	return nil
}

// Tx runs fn in a transaction that sees one organization, and wakes the relay when it has committed.
func (o *Outbox) Tx(ctx context.Context, org events.ID, fn func(tx pgx.Tx) error) error {
	return o.ringing(func() error { return o.db.Tx(ctx, org, fn) })
}

// SystemTx runs fn in a transaction of the service itself (all organizations), and wakes the relay.
func (o *Outbox) SystemTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return o.ringing(func() error { return o.db.SystemTx(ctx, fn) })
}

// ringing runs a transaction and rings where something was announced meanwhile.
func (o *Outbox) ringing(run func() error) error {
	before := o.told.Load()
	if err := run(); err != nil {
		return err
	}
	if o.told.Load() != before {
		o.Ring()
	}
	return nil
}

// Ring wakes this process's relay. It is lossy on purpose: the relay polls anyway.
func (o *Outbox) Ring() {
	select {
	case o.bell <- struct{}{}:
	default:
	}
}

// announce draws versions (locking each key, in key order), then sequences in the order given, and
// finishes each document with both.
const announce = `
WITH e AS (
	SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[])
		WITH ORDINALITY AS e(id, org_id, key, type, cause, head, ord)
), v AS (
	INSERT INTO event_key AS k (key, org_id, version)
	SELECT key, (array_agg(org_id))[1], count(*) FROM e GROUP BY key ORDER BY key
	ON CONFLICT (key) DO UPDATE SET version = k.version + excluded.version
	RETURNING key, version
), n AS (
	SELECT e.*, v.version - count(*) OVER (PARTITION BY key) + row_number() OVER (PARTITION BY key ORDER BY ord) AS version
	FROM e JOIN v USING (key) ORDER BY ord
), s AS (
	SELECT n.*, nextval('event_log_sequence_seq') AS sequence FROM n
), l AS (
	INSERT INTO event_log (sequence, id, org_id, key, version, type, recorded_at, cause, doc)
	SELECT sequence, id, org_id, key, version, type, $7, cause, head || version || ',"sequence":"' || sequence || '"}' FROM s
)
INSERT INTO outbox (sequence, org_id) SELECT sequence, org_id FROM s`

type rows struct {
	id, org, key, cause []events.ID
	typ, head           []string
}

func (r *rows) add(service string, e *events.Event, now time.Time) error {
	e.Source, e.Recorded = service, now
	if e.ID.IsZero() {
		e.ID = events.NewID()
	}
	if e.Org.IsZero() || e.Fact.Key().IsZero() {
		return fmt.Errorf("announce %s: organization and key are required", e.Fact.Type())
	}
	head, err := e.Head()
	if err != nil {
		return err
	}
	r.id, r.org, r.key = append(r.id, e.ID), append(r.org, e.Org), append(r.key, e.Fact.Key())
	r.cause, r.typ, r.head = append(r.cause, e.Cause), append(r.typ, e.Fact.Type()), append(r.head, string(head))
	return nil
}

// System runs one statement as the service itself (all organizations), outside any other transaction.
func (o *Outbox) System(ctx context.Context, sql string, args ...any) error {
	_, err := o.db.System.Exec(ctx, sql, args...)
	return err
}
