package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handoff-care/handoff/pkg/events"
)

// received is a document as it came, and the event in it.
type received struct {
	id    string // as the message's header says; "" from the log
	doc   []byte
	event events.Event
}

// attempts are the pauses before each try of an event that failed in its batch: with the handler's
// own time it holds others up for less than 5 s, then its key is parked.
var attempts = []time.Duration{0, 200 * time.Millisecond, time.Second}

// apply handles a batch in one transaction, or, if that fails for a reason that lies in the events,
// one event at a time. end is the stream position after the batch; nil: not from the stream.
func (c *Consumer) apply(ctx context.Context, batch []received, end *uint64) error {
	kept := batch[:0:len(batch)]
	for i := range batch {
		e, err := c.reader.decode(batch[i].id, batch[i].doc)
		if err != nil {
			// A document that is no event cannot come from a relay of ours and has no key to park.
			c.log.ErrorContext(ctx, "a message on the stream is not an event; passed over", "error", err)
			continue
		}
		batch[i].event = e
		kept = append(kept, batch[i])
	}
	err := c.transact(ctx, kept, end)
	if err == nil || elsewhere(err) {
		return err
	}
	c.log.WarnContext(ctx, "a batch failed; handling it one by one", "events", len(kept), "error", err)
	for _, r := range kept {
		if err := c.one(ctx, r); err != nil {
			return err
		}
	}
	return c.transact(ctx, nil, end)
}

// one handles a single event, retrying in place; in the end it parks the event's key.
func (c *Consumer) one(ctx context.Context, r received) error {
	var err error
	for _, pause := range attempts {
		sleep(ctx, pause)
		if err = c.transact(ctx, []received{r}, nil); err == nil || elsewhere(err) {
			return err
		}
	}
	c.log.ErrorContext(ctx, "an event could not be handled; its key is parked", "type", r.event.Fact.Type(), "key", r.event.Fact.Key(), "event", r.event.ID, "error", err)
	if perr := c.store.park(ctx, r, err); perr != nil {
		return perr
	}
	if c.observe.Parked != nil {
		c.observe.Parked(c.sub.Stream)
	}
	return nil
}

// transact is the consumer's transaction: still the owner? seen before? parked? else the handler;
// then the record of all that.
func (c *Consumer) transact(ctx context.Context, batch []received, end *uint64) error {
	start := time.Now()
	list := make([]events.Event, 0, len(batch))
	var newest time.Time
	for _, r := range batch {
		if newest.Before(r.event.Recorded) {
			newest = r.event.Recorded
		}
		if len(c.types) == 0 || c.types[r.event.Fact.Type()] {
			list = append(list, r.event)
		}
	}
	var chunks map[int64]*chunk
	var fresh []events.Event
	err := c.outbox.SystemTx(ctx, func(tx pgx.Tx) (err error) {
		if fresh, chunks, err = c.store.inbox.admit(ctx, tx, list); err != nil {
			return err
		}
		todo, err := c.store.setAside(ctx, tx, fresh, batch)
		if err != nil {
			return err
		}
		// The record goes first: it locks the position, so a stale owner waits here and then fails.
		if err := c.store.record(ctx, tx, mark{end: end, watermark: newest, handled: len(fresh), repeated: len(list) - len(fresh), chunks: chunks}); err != nil {
			return err
		}
		if len(todo) == 0 {
			return nil
		}
		done := c.follow(ctx, todo)
		err = guard(func() error { return c.sub.Handle(ctx, tx, todo) })
		done(err)
		return err
	})
	if err != nil {
		c.store.inbox.forget()
		return err
	}
	c.store.inbox.keep(chunks)
	if c.observe.Batch != nil && len(list) > 0 {
		c.observe.Batch(c.sub.Stream, len(fresh), len(list)-len(fresh), time.Since(start))
	}
	return nil
}

// guard turns a panic of the handler into an error.
func guard(handle func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return handle()
}

var errFenced = errors.New("another replica consumes this stream now")

// elsewhere tells whether an error lies in the surroundings (the database, the lease, the stop of
// the program) and not in the events: then nothing is parked and everything is tried again.
func elsewhere(err error) bool {
	if errors.Is(err, errFenced) || errors.Is(err, context.Canceled) {
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch class := pg.Code[:2]; class {
		case "08", "53", "57", "58", "40", "55": // connection, resources, operator, system, rollback, not available
			return true
		}
		return false
	}
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "unexpected EOF") ||
		strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "broken pipe") ||
		strings.Contains(err.Error(), "closed pool")
}
