package outbox

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"maps"
	"slices"
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
	r := rows{space: make([]byte, 0, 4096)}
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i := range list {
		if err := r.add(o.service, &list[i], now); err != nil {
			return err
		}
	}
	key, org, n, follow := r.keys()
	_, err := tx.Exec(ctx, announce, r.id, r.org, r.key, r.typ, r.cause, r.head, follow, now, key, org, n)
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
// finishes each document with both. How many events of its key follow an event is told to it: a window
// over the documents would copy each of them twice.
const announce = `
WITH v AS (
	INSERT INTO event_key AS k (key, org_id, version)
	SELECT * FROM unnest($9::uuid[], $10::uuid[], $11::bigint[])
	ON CONFLICT (key) DO UPDATE SET version = k.version + excluded.version
	RETURNING key, version
), e AS (
	SELECT e.*, v.version - e.follow AS version
	FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::bigint[])
		WITH ORDINALITY AS e(id, org_id, key, type, cause, head, follow, ord) JOIN v USING (key) ORDER BY ord
), l AS (
	INSERT INTO event_log (sequence, id, org_id, key, version, type, recorded_at, cause, doc)
	SELECT sequence, id, org_id, key, version, type, $8, cause, concat(head, version, ',"sequence":"', sequence, '"}')
	FROM (SELECT nextval('event_log_sequence_seq') AS sequence, e.* FROM e) s
	RETURNING sequence, org_id
)
INSERT INTO outbox (sequence, org_id) SELECT sequence, org_id FROM l`

type rows struct {
	id, org, key, cause []events.ID
	typ, head           []string
	space               []byte // where heads are written
}

// keys are the keys of the rows in their order, with their organization and how many rows each has;
// follow is for each row how many of its key come after it.
func (r *rows) keys() (key, org []events.ID, n, follow []int64) {
	type of struct {
		org events.ID
		n   int64
	}
	by, follow := map[events.ID]of{}, make([]int64, len(r.key))
	for i, k := range slices.Backward(r.key) {
		follow[i] = by[k].n
		by[k] = of{r.org[i], follow[i] + 1}
	}
	for _, k := range slices.SortedFunc(maps.Keys(by), func(a, b events.ID) int { return bytes.Compare(a[:], b[:]) }) {
		key, org, n = append(key, k), append(org, by[k].org), append(n, by[k].n)
	}
	return key, org, n, follow
}

func (r *rows) add(service string, e *events.Event, now time.Time) error {
	e.Source, e.Recorded = service, now
	if e.ID.IsZero() {
		e.ID = events.NewID()
	}
	if e.Org.IsZero() || e.Fact.Key().IsZero() {
		return fmt.Errorf("announce %s: organization and key are required", e.Fact.Type())
	}
	head, err := e.AppendHead(r.space[:0])
	if err != nil {
		return err
	}
	r.space = head
	r.id, r.org, r.key = append(r.id, e.ID), append(r.org, e.Org), append(r.key, e.Fact.Key())
	r.cause, r.typ, r.head = append(r.cause, e.Cause), append(r.typ, e.Fact.Type()), append(r.head, string(head))
	return nil
}

// System runs one statement as the service itself (all organizations), outside any other transaction.
func (o *Outbox) System(ctx context.Context, sql string, args ...any) error {
	_, err := o.db.System.Exec(ctx, sql, args...)
	return err
}
