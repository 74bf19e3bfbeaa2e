package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

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

// messageColumns is a batch as the arrays of one statement.
type messageColumns struct {
	id, org, feed            []events.ID
	received                 []time.Time
	sent                     []*time.Time
	size                     []int32
	flags, format            []int16
	reply, facility, trigger []string
	charset, control, reason []string
	hash                     [][]byte
}

// Keep commits messages in one statement, and those rejected in a second one, and tells of each what
// it found: Duplicate, Stored, Code, Reused. It is for one goroutine.
func (s *Store) Keep(ctx context.Context, batch []*adt.Inbound) error {
	batch, copies := distinct(batch)
	found, err := s.keepAll(ctx, batch)
	if err != nil {
		return err
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

// Many: each insert reads the arrays it needs alone, and those rejected, who are few, have a statement
// of their own.
const keepRows = `WITH m AS (
	INSERT INTO message (id, org_id, feed_id, received_at, sent_at, size, flags, format, reply, facility, trigger, charset, control_id, hash)
	SELECT id, org_id, feed_id, received_at, sent_at, size,
		flags | CASE WHEN control_id <> '' AND (SELECT true FROM message o WHERE o.feed_id = i.feed_id AND o.control_id = i.control_id LIMIT 1) THEN 1 ELSE 0 END,
		format, reply, facility, trigger, charset, control_id, hash
	FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::int[], $8::smallint[], $9::smallint[],
		$10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bytea[])
		AS i(id, org_id, feed_id, received_at, sent_at, size, flags, format, reply, facility, trigger, charset, control_id, hash)
	ON CONFLICT (feed_id, control_id, hash) DO NOTHING RETURNING id, org_id, feed_id, flags),
r AS (INSERT INTO message_raw (id, org_id, body, key_id)
	SELECT id, m.org_id, i.body, i.key_id FROM unnest($2::uuid[], $16::bytea[], $17::int[]) AS i(id, body, key_id) JOIN m USING (id)),`

const keepKept = keepRows + `
o AS (INSERT INTO message_open (id, org_id, owner) SELECT id, org_id, $1 FROM m),
t AS (INSERT INTO tally AS t (org_id, name, owner, n) SELECT org_id, 'received', $1, count(*) FROM m GROUP BY 1 ORDER BY 1
	ON CONFLICT (org_id, name, owner) DO UPDATE SET n = t.n + excluded.n)
SELECT id, flags FROM m`

const keepRejected = keepRows + `
x AS (INSERT INTO message_outcome (id, org_id, feed_id, state, reason)
	SELECT id, m.org_id, m.feed_id, 'rejected', i.reason FROM unnest($2::uuid[], $18::text[]) AS i(id, reason) JOIN m USING (id)),
t AS (INSERT INTO tally AS t (org_id, name, owner, n)
	SELECT org_id, c.name, $1, count(*) FROM m CROSS JOIN (VALUES ('received'), ('rejected')) AS c(name) GROUP BY 1, 2 ORDER BY 1, 2
	ON CONFLICT (org_id, name, owner) DO UPDATE SET n = t.n + excluded.n)
SELECT id, flags FROM m`

// keepAll inserts what is not there yet, and returns of which inserted ids the control id was used before.
func (s *Store) keepAll(ctx context.Context, batch []*adt.Inbound) (map[events.ID]bool, error) {
	found := make(map[events.ID]bool, len(batch))
	if len(batch) == 1 && batch[0].State == adt.Kept {
		return found, s.keepOne(ctx, batch[0], found)
	}
	kept := make([]*adt.Inbound, 0, len(batch))
	var rejected []*adt.Inbound
	for _, in := range batch {
		if in.State == adt.Kept {
			kept = append(kept, in)
		} else {
			rejected = append(rejected, in)
		}
	}
	if err := s.keepMany(ctx, kept, found); err != nil {
		return nil, err
	}
	return found, s.keepMany(ctx, rejected, found)
}

func (s *Store) keepOne(ctx context.Context, in *adt.Inbound, found map[events.ID]bool) error {
	body, key, err := s.sealAll(ctx, []*adt.Inbound{in})
	if err != nil {
		return err
	}
	return s.keepWith(ctx, found, keepOne, s.Owner, in.ID, in.Feed.Org, in.Feed.ID, in.Received, in.Sent, int32(len(in.Raw)),
		flagsOf(in), formatOf(in), string(in.Code), facilityOf(in), in.Trigger, in.Charset, in.Control, in.Hash[:], body[0], key[0])
}

// keepMany inserts messages that are all kept, or all rejected.
func (s *Store) keepMany(ctx context.Context, batch []*adt.Inbound, found map[events.ID]bool) error {
	if len(batch) == 0 {
		return nil
	}
	body, key, err := s.sealAll(ctx, batch)
	if err != nil {
		return err
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
		c.control, c.reason, c.hash = append(c.control, in.Control), append(c.reason, in.Reason), append(c.hash, in.Hash[:])
	}
	sql, args := keepKept, []any{s.Owner, c.id, c.org, c.feed, c.received, c.sent, c.size, c.flags, c.format,
		c.reply, c.facility, c.trigger, c.charset, c.control, c.hash, body, key}
	if batch[0].State == adt.Rejected {
		sql, args = keepRejected, append(args, c.reason)
	}
	return s.keepWith(ctx, found, sql, args...)
}

// byKey are the settings of transactions that look every row up by key. A plan that was made while
// the tables were new would read them whole, and be kept until somebody analyzes them; and a plan of
// its own for each execution costs more than the execution.
const byKey = `SELECT set_config('enable_seqscan', 'off', $1), set_config('plan_cache_mode', 'force_generic_plan', $1)`

// keepWith runs a keep on a connection of the keeper's own, with a plan that is made once.
func (s *Store) keepWith(ctx context.Context, found map[events.ID]bool, sql string, args ...any) (err error) {
	if s.keeper == nil {
		if s.keeper, err = s.DB.System.Acquire(ctx); err != nil {
			return err
		}
		if _, err = s.keeper.Exec(ctx, byKey, false); err != nil {
			s.Release(ctx)
			return err
		}
	}
	defer func() {
		if err != nil {
			s.Release(ctx)
		}
	}()
	rows, err := s.keeper.Query(ctx, sql, postgres.Room(s.keeper.Conn(), args)...)
	if err != nil {
		return err
	}
	var id events.ID
	var flags int16
	_, err = pgx.ForEachRow(rows, []any{&id, &flags}, func() error {
		found[id] = flags&IDReused != 0
		return nil
	})
	return err
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
