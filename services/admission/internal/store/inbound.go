package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

// Flags of a message.
const (
	IDReused  = 1 // its id came before on its feed with other bytes
	IDMissing = 2
)

// Formats of a message.
const (
	FormatHL7  = 0
	FormatJSON = 1
)

// Limits of one commit: messages and bytes.
const (
	maxBatch = 500
	maxBytes = 16 << 20
)

// Limits of gather: the longest wait, and the batch that is large enough without.
const (
	gatherMost = time.Millisecond
	gatherSize = 16
)

// Keeper commits messages, all connections' in one place: whatever came during the last commit goes
// into the next one, together with what those send next who were answered by the last.
type Keeper struct {
	store *Store
	log   *slog.Logger
	queue chan *adt.Inbound
	kept  func([]*adt.Inbound) // called after the commit, before anyone is told, with those to handle
	doubt func()               // called when a commit's result is not known: some may be kept
	size  prometheus.Histogram
	trace trace.Tracer
}

// NewKeeper returns a keeper that hands what it kept to kept.
func NewKeeper(s *Store, log *slog.Logger, metrics prometheus.Registerer, tracer trace.Tracer, kept func([]*adt.Inbound), doubt func()) *Keeper {
	k := &Keeper{store: s, log: log, queue: make(chan *adt.Inbound, 2*maxBatch), kept: kept, doubt: doubt, trace: tracer}
	k.size = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "handoff_admission_keep_batch_messages", Help: "Messages per commit of received messages.",
		Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512},
	})
	metrics.MustRegister(k.size)
	return k
}

// Submit hands a message over; its Done channel tells the rest. It blocks while the keeper is behind.
func (k *Keeper) Submit(ctx context.Context, in *adt.Inbound) error {
	select {
	case k.queue <- in:
		return nil
	default:
	}
	select {
	case k.queue <- in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run keeps until ctx is done; what was submitted before is still kept.
func (k *Keeper) Run(ctx context.Context) error {
	defer k.store.Release(ctx)
	batch := make([]*adt.Inbound, 0, maxBatch)
	want, patience := 0, time.Duration(0)
	for {
		batch = batch[:0]
		select {
		case in := <-k.queue:
			batch = append(batch, in)
		case <-ctx.Done():
			if batch = k.drain(batch, 0); len(batch) == 0 {
				return nil
			}
		}
		batch = k.drain(batch, bytesOf(batch))
		if ctx.Err() == nil {
			batch = k.gather(batch, want, patience)
		}
		began := time.Now()
		k.keep(context.WithoutCancel(ctx), batch)
		want, patience = len(batch)+len(k.queue), min(time.Since(began)/2, gatherMost)
	}
}

// gather waits, no longer than patience, until want messages are there. Senders wait for an answer
// before they send again: without this, half of them would always just have missed the commit, and
// wait for two.
func (k *Keeper) gather(batch []*adt.Inbound, want int, patience time.Duration) []*adt.Inbound {
	if want = min(want, gatherSize); len(batch) >= want {
		return batch
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	size := bytesOf(batch)
	for len(batch) < want && size < maxBytes {
		select {
		case in := <-k.queue:
			batch, size = append(batch, in), size+len(in.Raw)
		case <-late.C:
			return batch
		}
	}
	return batch
}

func bytesOf(batch []*adt.Inbound) (n int) {
	for _, in := range batch {
		n += len(in.Raw)
	}
	return n
}

// drain adds what is waiting, up to the limits of a commit.
func (k *Keeper) drain(batch []*adt.Inbound, size int) []*adt.Inbound {
	for len(batch) < maxBatch && size < maxBytes {
		select {
		case in := <-k.queue:
			batch, size = append(batch, in), size+len(in.Raw)
		default:
			return batch
		}
	}
	return batch
}

// keep commits a batch, again and again while the database does not answer, but not longer than
// anyone waits for it.
func (k *Keeper) keep(ctx context.Context, batch []*adt.Inbound) {
	k.size.Observe(float64(len(batch)))
	began := time.Now()
	wait := 10 * time.Millisecond
	for {
		attempt, cancel := context.WithTimeout(ctx, adt.KeepWithin)
		err := k.store.Keep(attempt, batch)
		cancel()
		if err == nil {
			break
		}
		k.doubt()
		k.log.ErrorContext(ctx, "messages not kept yet", "messages", len(batch), "error", err)
		if batch = waitedFor(batch, err); len(batch) == 0 {
			return
		}
		time.Sleep(wait)
		wait = min(2*wait, time.Second)
	}
	fresh := make([]*adt.Inbound, 0, len(batch))
	for _, in := range batch {
		if in.State == adt.Kept && !in.Duplicate {
			fresh = append(fresh, in)
		}
	}
	if len(fresh) > 0 {
		k.kept(fresh)
	}
	for _, in := range batch {
		in.Finish(nil)
		if in.Span.IsSampled() {
			_, span := k.trace.Start(trace.ContextWithRemoteSpanContext(ctx, in.Span), "keep message", trace.WithTimestamp(began))
			span.End()
		}
	}
}

// waitedFor drops the messages whose senders have given up by now.
func waitedFor(batch []*adt.Inbound, err error) []*adt.Inbound {
	out := batch[:0]
	for _, in := range batch {
		if time.Since(in.Received) < adt.KeepWithin {
			out = append(out, in)
		} else {
			in.Finish(err)
		}
	}
	return out
}

// messageColumns is a batch as the arrays of one statement.
type messageColumns struct {
	id, org, feed               []events.ID
	received                    []time.Time
	sent                        []*time.Time
	size                        []int32
	flags, format               []int16
	reply, facility, trigger    []string
	charset, control, state, re []string
	hash                        [][]byte
}

// Keep commits messages in one statement, and tells of each what it found: Duplicate, Stored, Code,
// Reused. It is for one goroutine.
func (s *Store) Keep(ctx context.Context, batch []*adt.Inbound) error {
	batch, copies := distinct(batch)
	var inserted []events.ID
	var reused []bool
	var err error
	if len(batch) == 1 && batch[0].State == adt.Kept {
		inserted, reused, err = s.keepOne(ctx, batch[0])
	} else {
		inserted, reused, err = s.keepMany(ctx, batch)
	}
	if err != nil {
		return err
	}
	found := make(map[events.ID]bool, len(inserted))
	for i, id := range inserted {
		found[id] = reused[i]
	}
	var again []*adt.Inbound
	for _, in := range batch {
		flag, ok := found[in.ID]
		if in.Reused = flag; !ok {
			again = append(again, in)
		}
	}
	if len(again) == 0 && len(copies) == 0 {
		return nil
	}
	return s.countAgain(ctx, again, copies)
}

type messageKey struct {
	feed    events.ID
	control string
	hash    [32]byte
}

func keyOf(in *adt.Inbound) messageKey { return messageKey{in.Feed.ID, in.Control, in.Hash} }

// distinct separates messages that are in the batch more than once.
func distinct(batch []*adt.Inbound) (once, copies []*adt.Inbound) {
	if len(batch) == 1 {
		return batch, nil
	}
	seen := make(map[messageKey]bool, len(batch))
	once = make([]*adt.Inbound, 0, len(batch))
	for _, in := range batch {
		if k := keyOf(in); seen[k] {
			copies = append(copies, in)
		} else {
			seen[k] = true
			once = append(once, in)
		}
	}
	return once, copies
}

// The rest of a keep, once the message rows are in: bytes, pointer or outcome, counters.
const keepRest = `,
r AS (INSERT INTO message_raw (id, org_id, body, key_id) SELECT i.id, i.org_id, i.body, i.key_id FROM i JOIN m USING (id)),
o AS (INSERT INTO message_open (id, org_id, owner) SELECT i.id, i.org_id, $1 FROM i JOIN m USING (id) WHERE i.state = 'kept'),
x AS (INSERT INTO message_outcome (id, org_id, feed_id, state, reason) SELECT i.id, i.org_id, i.feed_id, i.state, i.reason FROM i JOIN m USING (id) WHERE i.state <> 'kept'),
t AS (INSERT INTO tally AS t (org_id, name, owner, n)
	SELECT i.org_id, c.name, $1, count(*) FROM i JOIN m USING (id) CROSS JOIN LATERAL (VALUES ('received'), (CASE WHEN i.state <> 'kept' THEN i.state END)) AS c(name)
	WHERE c.name IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
	ON CONFLICT (org_id, name, owner) DO UPDATE SET n = t.n + excluded.n)
SELECT id, flags FROM m`

const keepMessage = `
m AS (INSERT INTO message (id, org_id, feed_id, received_at, sent_at, size, flags, format, reply, facility, trigger, charset, control_id, hash)
	SELECT id, org_id, feed_id, received_at, sent_at, size,
		flags | CASE WHEN control_id <> '' AND (SELECT true FROM message o WHERE o.feed_id = i.feed_id AND o.control_id = i.control_id LIMIT 1) THEN 1 ELSE 0 END,
		format, reply, facility, trigger, charset, control_id, hash FROM i
	ON CONFLICT (feed_id, control_id, hash) DO NOTHING RETURNING id, flags)`

// One message as plain values, most often: array statements and joins cost a quarter more there. A
// rejected one goes the way of many.
const keepOne = `WITH m AS (
	INSERT INTO message (id, org_id, feed_id, received_at, sent_at, size, flags, format, reply, facility, trigger, charset, control_id, hash)
	VALUES ($2, $3, $4, $5, $6, $7, $8::smallint | CASE WHEN $14 <> '' AND (SELECT true FROM message o WHERE o.feed_id = $4 AND o.control_id = $14 LIMIT 1) THEN 1 ELSE 0 END,
		$9, $10, $11, $12, $13, $14, $15)
	ON CONFLICT (feed_id, control_id, hash) DO NOTHING RETURNING id, flags),
r AS (INSERT INTO message_raw (id, org_id, body, key_id) SELECT id, $3, $16, $17 FROM m),
o AS (INSERT INTO message_open (id, org_id, owner) SELECT id, $3, $1 FROM m),
t AS (INSERT INTO tally AS t (org_id, name, owner, n) SELECT $3, 'received', $1, 1 FROM m ON CONFLICT (org_id, name, owner) DO UPDATE SET n = t.n + 1)
SELECT id, flags FROM m`

const keepMany = `WITH i AS (SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::int[], $8::smallint[], $9::smallint[],
	$10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::bytea[], $18::bytea[], $19::int[])
	AS i(id, org_id, feed_id, received_at, sent_at, size, flags, format, reply, facility, trigger, charset, control_id, state, reason, hash, body, key_id)),` + keepMessage + keepRest

func (s *Store) keepOne(ctx context.Context, in *adt.Inbound) (ids []events.ID, reused []bool, err error) {
	body, key, err := s.sealAll(ctx, []*adt.Inbound{in})
	if err != nil {
		return nil, nil, err
	}
	return s.keepWith(ctx, keepOne, s.Owner, in.ID, in.Feed.Org, in.Feed.ID, in.Received, in.Sent, int32(len(in.Raw)),
		flagsOf(in), formatOf(in), string(in.Code), facilityOf(in), in.Trigger, in.Charset, in.Control, in.Hash[:], body[0], key[0])
}

func (s *Store) keepMany(ctx context.Context, batch []*adt.Inbound) ([]events.ID, []bool, error) {
	body, key, err := s.sealAll(ctx, batch)
	if err != nil {
		return nil, nil, err
	}
	c := messageColumns{}
	seen := make(map[messageKey]bool, len(batch)) // ids used twice within the batch
	for _, in := range batch {
		k := messageKey{feed: in.Feed.ID, control: in.Control}
		flags := flagsOf(in)
		if in.Control != "" && seen[k] {
			flags |= IDReused
		}
		seen[k] = true
		c.id, c.org, c.feed = append(c.id, in.ID), append(c.org, in.Feed.Org), append(c.feed, in.Feed.ID)
		c.received, c.sent, c.size = append(c.received, in.Received), append(c.sent, in.Sent), append(c.size, int32(len(in.Raw)))
		c.flags, c.format, c.reply = append(c.flags, flags), append(c.format, formatOf(in)), append(c.reply, string(in.Code))
		c.facility, c.trigger, c.charset = append(c.facility, facilityOf(in)), append(c.trigger, in.Trigger), append(c.charset, in.Charset)
		c.control, c.state, c.re = append(c.control, in.Control), append(c.state, in.State), append(c.re, in.Reason)
		c.hash = append(c.hash, in.Hash[:])
	}
	return s.keepWith(ctx, keepMany, s.Owner, c.id, c.org, c.feed, c.received, c.sent, c.size, c.flags, c.format,
		c.reply, c.facility, c.trigger, c.charset, c.control, c.state, c.re, c.hash, body, key)
}

// byKey are the settings of transactions that look every row up by key. A plan that was made while
// the tables were new would read them whole, and be kept until somebody analyzes them; and a plan of
// its own for each execution costs more than the execution.
const byKey = `SELECT set_config('enable_seqscan', 'off', $1), set_config('plan_cache_mode', 'force_generic_plan', $1)`

// keepWith runs a keep on a connection of the keeper's own, with a plan that is made once.
func (s *Store) keepWith(ctx context.Context, sql string, args ...any) (ids []events.ID, reused []bool, err error) {
	if s.keeper == nil {
		if s.keeper, err = s.DB.System.Acquire(ctx); err != nil {
			return nil, nil, err
		}
		if _, err = s.keeper.Exec(ctx, byKey, false); err != nil {
			s.Release(ctx)
			return nil, nil, err
		}
	}
	defer func() {
		if err != nil {
			s.Release(ctx)
		}
	}()
	rows, err := s.keeper.Query(ctx, sql, postgres.Room(s.keeper.Conn(), args)...)
	if err != nil {
		return nil, nil, err
	}
	var id events.ID
	var flags int16
	_, err = pgx.ForEachRow(rows, []any{&id, &flags}, func() error {
		ids, reused = append(ids, id), append(reused, flags&IDReused != 0)
		return nil
	})
	return ids, reused, err
}

func flagsOf(in *adt.Inbound) int16 {
	if in.Control == "" {
		return IDMissing
	}
	return 0
}

func formatOf(in *adt.Inbound) int16 {
	if in.Event != nil {
		return FormatJSON
	}
	return FormatHL7
}

func facilityOf(in *adt.Inbound) string {
	if in.Facility != nil {
		return in.Facility.Code
	}
	return ""
}

// Release closes the connection of Keep: its state is not known, or its settings are nobody else's.
func (s *Store) Release(ctx context.Context) {
	if s.keeper != nil {
		_ = s.keeper.Conn().Close(context.WithoutCancel(ctx))
		s.keeper.Release()
		s.keeper = nil
	}
}

var errVanished = errors.New("a message that was there is there no more")

// countAgain counts messages that were there already and finds what was answered to their first
// copy. One that is there under its own id was kept by an attempt whose result was not known.
func (s *Store) countAgain(ctx context.Context, again, copies []*adt.Inbound) error {
	all := append(append([]*adt.Inbound{}, again...), copies...)
	feeds, controls, hashes, own := make([]events.ID, len(all)), make([]string, len(all)), make([][]byte, len(all)), make([]events.ID, len(all))
	for i, in := range all {
		feeds[i], controls[i], hashes[i], own[i] = in.Feed.ID, in.Control, in.Hash[:], in.ID
	}
	rows, err := s.DB.System.Query(ctx, `
		WITH i AS (SELECT feed_id, control_id, hash, own FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::uuid[]) AS i(feed_id, control_id, hash, own)),
		n AS (SELECT m.id, count(*) FILTER (WHERE i.own <> m.id) AS n FROM message m JOIN i USING (feed_id, control_id, hash) GROUP BY m.id),
		u AS (UPDATE message m SET copies = m.copies + n.n FROM n WHERE m.id = n.id AND n.n > 0)
		SELECT i.own, m.id, m.reply FROM message m JOIN i USING (feed_id, control_id, hash)`, feeds, controls, hashes, own)
	if err != nil {
		return err
	}
	byID := make(map[events.ID]*adt.Inbound, len(all))
	for _, in := range all {
		byID[in.ID] = in
	}
	var mine, stored events.ID
	var reply string
	found := 0
	_, err = pgx.ForEachRow(rows, []any{&mine, &stored, &reply}, func() error {
		in := byID[mine]
		in.Stored, in.Code, in.Duplicate = stored, hl7.Code(reply), stored != mine
		found++
		return nil
	})
	if err == nil && found < len(all) {
		err = errVanished
	}
	return err
}
