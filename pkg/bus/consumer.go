package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/telemetry"
)

const (
	leaseTTL    = 6 * time.Second
	leaseRenew  = 2 * time.Second
	firstWait   = 25 * time.Millisecond
	standbyWait = time.Second
	ackWait     = 30 * time.Second
	batchMost   = 500
	inFlight    = 4 * batchMost

	// filterMost is how many types of facts the server is asked to pick. To find the next message of many
	// subjects it walks all subjects of the stream each time, which is dearer than to hand over what
	// nobody here wants: transact passes it over.
	filterMost = 8

	pace = 8 * time.Millisecond // least time between the starts of two transactions
)

// Consumer runs one Subscription of one service. Any number of replicas may run the same one.
type Consumer struct {
	sub     Subscription
	service string
	outbox  *outbox.Outbox
	nc      *nats.Conn
	js      jetstream.JetStream
	log     *slog.Logger
	store   *store
	types   map[string]bool
	observe Observer
	reader  *Reader
	tracer  trace.Tracer
}

// Observer is told how handling goes; its methods are called from one goroutine. The zero Observer is silent.
type Observer struct {
	Batch  func(stream string, events, repeats int, took time.Duration)
	Parked func(stream string)
	Lag    func(stream string, pending uint64)
}

// NewConsumer returns the consumer of sub for a service. reader may be shared by the consumers of a
// process, or nil.
func NewConsumer(sub Subscription, service string, o *outbox.Outbox, db database, nc *nats.Conn, js jetstream.JetStream, log *slog.Logger, observe Observer, reader *Reader) *Consumer {
	c := &Consumer{
		sub: sub, service: service, outbox: o, nc: nc, js: js, observe: observe, reader: reader,
		log: log.With("stream", sub.Stream), store: newStore(db, sub.Stream), types: map[string]bool{}, tracer: telemetry.Tracer(service),
	}
	for _, f := range sub.Types {
		c.types[f.Type()] = true
	}
	return c
}

// Run consumes until ctx is done. Whatever goes wrong - the database away, NATS away, the stream
// gone - it starts over from what Postgres knows was handled.
func (c *Consumer) Run(ctx context.Context) error {
	for pause := firstWait; ctx.Err() == nil; pause = min(2*pause, standbyWait) {
		held, err := c.store.lease(ctx)
		if err == nil && held {
			err = c.session(ctx)
			c.store.resign()
		}
		if err != nil && ctx.Err() == nil {
			level := slog.LevelWarn
			if errors.Is(err, jetstream.ErrStreamNotFound) {
				level = slog.LevelInfo // its service has not made it yet
			}
			c.log.Log(ctx, level, "consuming paused; it starts over from what was handled", "error", err)
		}
		sleep(ctx, pause)
	}
	return nil
}

// session is one spell as the stream's only consumer.
func (c *Consumer) session(ctx context.Context) error {
	at, err := c.store.position(ctx)
	if err != nil {
		return err
	}
	stream, err := c.js.Stream(ctx, outbox.StreamName(c.sub.Stream))
	if err != nil {
		return fmt.Errorf("stream %s: %w", c.sub.Stream, err)
	}
	info := stream.CachedInfo()
	if !at.incarnation.Equal(info.Created.Truncate(time.Microsecond)) || info.State.FirstSeq > at.position+1 {
		if err := c.catchUp(ctx, at, info); err != nil {
			return fmt.Errorf("catch up from the event log of %s: %w", c.sub.Stream, err)
		}
		if at, err = c.store.position(ctx); err != nil {
			return err
		}
	}
	cons, err := c.open(ctx, at.position+1)
	if err != nil {
		return err
	}
	return c.consume(ctx, cons)
}

// open makes the durable consumer anew from a position, so that deliveries are in order and without
// a gap: after a crash JetStream would deliver later messages before the unacknowledged ones.
func (c *Consumer) open(ctx context.Context, from uint64) (jetstream.Consumer, error) {
	stream := outbox.StreamName(c.sub.Stream)
	if err := c.js.DeleteConsumer(ctx, stream, c.service); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, err
	}
	var filter []string
	if len(c.types) <= filterMost {
		for t := range c.types {
			filter = append(filter, events.Subject(c.sub.Stream, t))
		}
	}
	return c.js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable: c.service, FilterSubjects: filter, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
		AckPolicy: jetstream.AckAllPolicy, AckWait: ackWait, MaxAckPending: inFlight,
		MemoryStorage: true, // where we are is in Postgres; on disk it would only cost writes
	})
}

// consume handles whatever has arrived since the last commit, again and again.
func (c *Consumer) consume(ctx context.Context, cons jetstream.Consumer) error {
	arrived, broken := make(chan jetstream.Msg, inFlight), make(chan error, 1)
	cc, err := cons.Consume(func(m jetstream.Msg) { arrived <- m }, jetstream.PullMaxMessages(inFlight),
		jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(2*time.Second),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			select {
			case broken <- err:
			default:
			}
		}))
	if err != nil {
		return err
	}
	defer cc.Stop()
	renew := time.NewTicker(leaseRenew)
	defer renew.Stop()
	var seen uint64
	var next time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-broken:
			return err
		case <-renew.C:
			if held, err := c.store.lease(ctx); err != nil || !held {
				return err
			}
			c.lag(ctx, cons)
		case m := <-arrived:
			sleep(ctx, time.Until(next))
			start, list := time.Now(), drain(m, arrived)
			if err := c.handle(ctx, list, &seen); err != nil {
				return err
			}
			next = outbox.Rest(start, cmp.Or(c.sub.Pace, pace), len(list), len(list) == batchMost)
		}
	}
}

func drain(first jetstream.Msg, arrived <-chan jetstream.Msg) []jetstream.Msg {
	list := []jetstream.Msg{first}
	for len(list) < batchMost {
		select {
		case m := <-arrived:
			list = append(list, m)
		default:
			return list
		}
	}
	return list
}

// handle checks that nothing is missing, applies the batch and acknowledges its last message.
func (c *Consumer) handle(ctx context.Context, list []jetstream.Msg, seen *uint64) error {
	batch := make([]received, 0, len(list))
	var last jetstream.Msg
	var end uint64
	for _, m := range list {
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != *seen+1 {
			return fmt.Errorf("delivery %d came after %d", meta.Sequence.Consumer, *seen)
		}
		*seen, last, end = meta.Sequence.Consumer, m, meta.Sequence.Stream
		batch = append(batch, received{id: m.Headers().Get(jetstream.MsgIDHeader), doc: m.Data()})
	}
	if err := c.apply(ctx, batch, &end); err != nil {
		return err
	}
	return last.Ack()
}

func (c *Consumer) lag(ctx context.Context, cons jetstream.Consumer) {
	if c.observe.Lag == nil {
		return
	}
	if info, err := cons.Info(ctx); err == nil {
		c.observe.Lag(c.sub.Stream, info.NumPending+uint64(info.NumAckPending))
	}
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
