package outbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/pkg/events"
)

const (
	leaseTTL    = 6 * time.Second
	leaseRenew  = 2 * time.Second
	pace        = 5 * time.Millisecond  // least time between two looks
	pollBusy    = 10 * time.Millisecond // while another process writes: its bell is not heard here
	pollIdle    = 100 * time.Millisecond
	batchSize   = 500
	batchBytes  = 4 << 20
	firstWait   = 25 * time.Millisecond
	standbyWait = time.Second
)

// Relay moves committed events to the stream. Any number of replicas may run one; one at a time
// works, the others wait for its lease. A relay that lost its lease without noticing (stopped for a
// minute, say) can only repeat what its successor publishes too: repeats carry the same id and
// sequence, and every consumer knows what it has handled.
type Relay struct {
	outbox *Outbox
	stream jetstream.StreamConfig
	pub    publisher
	owner  string
	log    *slog.Logger
	// Published, if set, is told of each batch that is on the stream.
	Published func(n int)
	// Fullness, if set, is told every ten seconds how full the stream is, from 0 to 1; at 0.7 the relay
	// begins to purge what every consumer has handled.
	Fullness func(share float64)
}

// NewRelay returns the relay of o's service.
func NewRelay(o *Outbox, nc *nats.Conn, js jetstream.JetStream, stream jetstream.StreamConfig, log *slog.Logger) *Relay {
	return &Relay{outbox: o, stream: stream, pub: publisher{nc, js}, owner: events.NewID().String(), log: log}
}

// Run relays until ctx is done. Failures are logged once per kind of state change and retried: the
// outbox grows meanwhile and nothing is lost.
func (r *Relay) Run(ctx context.Context) error {
	for pause := firstWait; ctx.Err() == nil; pause = min(2*pause, standbyWait) {
		err := r.term(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "the relay paused; it tries again", "error", err)
		}
		wait(ctx, nil, pause)
	}
	return nil
}

// term is one term of office: from getting the lease to losing it.
func (r *Relay) term(ctx context.Context) error {
	conn, err := r.outbox.db.System.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	held, err := r.lease(ctx, conn)
	if err != nil || !held {
		return err
	}
	defer r.resign(conn)
	if _, err := Provision(ctx, r.pub.js, r.stream); err != nil {
		return err
	}
	if err := r.makeRoom(ctx); err != nil { // a full stream may be why the last term ended
		return err
	}
	// Nothing an acknowledgement depends on is written on this connection: a pointer that comes
	// back after a crash is published again and known.
	if _, err := conn.Exec(ctx, `SET synchronous_commit = off`); err != nil {
		return err
	}
	return r.work(ctx, conn)
}

func (r *Relay) work(ctx context.Context, conn *pgxpool.Conn) error {
	renewAt, foreign, rung := time.Now().Add(leaseRenew), time.Now(), false
	var done []int64
	var next time.Time
	roomAt := time.Now().Add(roomCheck)
	for ctx.Err() == nil {
		if time.Now().After(renewAt) {
			held, err := r.lease(ctx, conn)
			if err != nil || !held {
				return err
			}
			// A store that was lost in a quiet time is made anew without waiting for the next fact:
			// consumers that are behind catch up then.
			if _, err := Provision(ctx, r.pub.js, r.stream); err != nil {
				return err
			}
			renewAt = time.Now().Add(leaseRenew)
			if time.Now().After(roomAt) {
				roomAt = time.Now().Add(roomCheck)
				if err := r.makeRoom(ctx); err != nil {
					return err
				}
			}
		}
		wait(ctx, nil, time.Until(next))
		start := time.Now()
		next = start.Add(pace)
		list, err := r.next(ctx, conn, done)
		if err != nil {
			return err
		}
		if done = done[:0]; len(list) == 0 {
			poll := pollIdle
			if time.Since(foreign) < time.Second {
				poll = pollBusy
			}
			rung = wait(ctx, r.outbox.bell, poll)
			continue
		}
		if err := r.pub.publish(ctx, list); err != nil {
			return r.explain(ctx, err)
		}
		if !rung && len(r.outbox.bell) == 0 { // found without having been told, before or right after
			foreign = time.Now()
		}
		rung = true
		for _, m := range list {
			done = append(done, m.sequence)
		}
		if r.Published != nil {
			r.Published(len(list))
		}
		next = Rest(start, pace, len(list), len(list) == batchSize)
	}
	_, err := r.next(context.WithoutCancel(ctx), conn, done) // deletes what was just published
	return err
}

// explain makes the stream anew if it is gone: consumers catch up from the event log by themselves.
func (r *Relay) explain(ctx context.Context, err error) error {
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) {
		if _, perr := Provision(ctx, r.pub.js, r.stream); perr != nil {
			return perr
		}
	}
	return err
}

const (
	sqlDone = `DELETE FROM outbox WHERE sequence = ANY($1)`
	// Each document is looked up by its key: a join that merges both tables would read the log from
	// its beginning.
	sqlNext = `SELECT o.sequence, l.id, l.type, l.doc FROM (SELECT sequence FROM outbox ORDER BY sequence LIMIT $1) o
		CROSS JOIN LATERAL (SELECT id, type, doc FROM event_log WHERE sequence = o.sequence OFFSET 0) l ORDER BY o.sequence`
)

// next forgets what is done and reads what is next, in one round trip.
func (r *Relay) next(ctx context.Context, conn *pgxpool.Conn, done []int64) ([]message, error) {
	b := &pgx.Batch{}
	if len(done) > 0 {
		b.Queue(sqlDone, done)
	}
	b.Queue(sqlNext, batchSize)
	results := conn.SendBatch(ctx, b)
	defer results.Close()
	if len(done) > 0 {
		if _, err := results.Exec(); err != nil {
			return nil, err
		}
	}
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	var list []message
	size := 0
	for rows.Next() {
		var m message
		var id events.ID
		var typ string
		if err := rows.Scan(&m.sequence, &id, &typ, &m.doc); err != nil {
			return nil, err
		}
		if size += len(m.doc); size > batchBytes && len(list) > 0 {
			break
		}
		m.id, m.subject = id.String(), events.Subject(r.outbox.service, typ)
		list = append(list, m)
	}
	rows.Close()
	return list, errors.Join(rows.Err(), results.Close())
}

// lease takes or renews the lease, on the database's clock.
func (r *Relay) lease(ctx context.Context, conn *pgxpool.Conn) (bool, error) {
	tag, err := conn.Exec(ctx, `UPDATE relay SET owner = $1, epoch = epoch + (owner <> $1)::int, expires_at = clock_timestamp() + $2
		WHERE owner = $1 OR expires_at < clock_timestamp()`, r.owner, leaseTTL)
	return err == nil && tag.RowsAffected() == 1, err
}

func (r *Relay) resign(conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if conn.Conn().IsClosed() {
		return
	}
	_, err := conn.Exec(ctx, `UPDATE relay SET expires_at = '-infinity' WHERE owner = $1`, r.owner)
	if err == nil {
		_, err = conn.Exec(ctx, `RESET synchronous_commit`)
	}
	if err != nil {
		_ = conn.Conn().Close(ctx) // not to be used by anybody else in this state
	}
}

// wait waits for the bell, for d at most, and reports whether it rang.
func wait(ctx context.Context, bell <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-bell:
		return true
	case <-t.C:
	}
	return false
}
