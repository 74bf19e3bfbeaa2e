package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
)

func queueLedger(b *pgx.Batch, rows []ledger.Row, now time.Time) {
	if len(rows) == 0 {
		return
	}
	n := len(rows)
	org, alert, event := make([]events.ID, n), make([]events.ID, n), make([]events.ID, n)
	decision, who, channel, reason, actor := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	version := make([]int32, n)
	for i := range rows {
		r := &rows[i]
		org[i], alert[i], event[i], version[i] = r.Org, r.Alert, r.Event, int32(r.Version)
		decision[i], who[i], channel[i], reason[i], actor[i] = r.Decision, r.Recipient, r.Channel, r.Reason, r.Actor
	}
	b.Queue(`INSERT INTO ledger (org_id, at, decision, alert_id, version, recipient, channel, reason, event_id, actor)
		SELECT o, $10::timestamptz, d, a, v, r, c, why, e, who
		FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[])
		AS l(o, d, a, v, r, c, why, e, who)`, org, decision, alert, version, who, channel, reason, event, actor, now)
}

func queueLines(b *pgx.Batch, lines []Line, now time.Time) {
	if len(lines) == 0 {
		return
	}
	n := len(lines)
	org, received := make([]events.ID, n), make([]time.Time, n)
	name, audience, data, trace := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i := range lines {
		l := &lines[i]
		org[i], received[i], name[i], audience[i], data[i] = l.Org, l.Received, l.Name, list(l.Audience), string(l.Data)
		trace[i] = l.Trace
	}
	b.Queue(`INSERT INTO stream_event (org_id, at, received_at, name, audience, data, traceparent)
		SELECT o, $7::timestamptz, r, n, string_to_array(a, E'\n'), d, t
		FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[]) AS l(o, r, n, a, d, t)`,
		org, received, name, audience, data, trace, now)
}

// Log locks the log and writes ledger rows alone.
func Log(ctx context.Context, tx pgx.Tx, rows []ledger.Row, now time.Time) error {
	return Save(ctx, tx, &Work{Ledger: rows}, now)
}

// Skipped tells of which threads the ledger already says that nothing was raised, for a reason.
func Skipped(ctx context.Context, tx pgx.Tx, threads []events.ID, reason string) ([]events.ID, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT alert_id FROM ledger WHERE alert_id = ANY($1) AND decision = 'suppressed' AND reason = $2`, threads, reason)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[events.ID])
}

const rowColumns = `seq, org_id, at, decision, alert_id, version, recipient, channel, reason, event_id, actor`

func scanRow(row pgx.CollectableRow) (ledger.Row, error) {
	var r ledger.Row
	err := row.Scan(&r.Seq, &r.Org, &r.At, &r.Decision, &r.Alert, &r.Version, &r.Recipient, &r.Channel, &r.Reason, &r.Event, &r.Actor)
	return r, err
}

// Chain seals up to limit ledger rows that no link covers yet, and returns the new links. Nothing is
// done where another process is at it.
func Chain(ctx context.Context, tx pgx.Tx, limit int, now time.Time) (links []ledger.Link, sealed int, err error) {
	var mine bool
	if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended('notification/chain', 0))`).Scan(&mine); err != nil || !mine {
		return nil, 0, err
	}
	found, err := tx.Query(ctx, `SELECT `+rowColumns+` FROM ledger WHERE seq > (SELECT seq FROM ledger_position) ORDER BY seq LIMIT $1`, limit)
	if err != nil {
		return nil, 0, err
	}
	rows, err := pgx.CollectRows(found, scanRow)
	if err != nil || len(rows) == 0 {
		return nil, 0, err
	}
	by := map[events.ID][]ledger.Row{}
	var orgs []events.ID
	for _, r := range rows {
		if by[r.Org] == nil {
			orgs = append(orgs, r.Org)
		}
		by[r.Org] = append(by[r.Org], r)
	}
	heads, err := chainHeads(ctx, tx, orgs)
	if err != nil {
		return nil, 0, err
	}
	b := &pgx.Batch{}
	for _, org := range orgs {
		last, ok := heads[org]
		if !ok {
			last = ledger.Link{Org: org}
		}
		l := ledger.Extend(last, by[org], now)
		b.Queue(`INSERT INTO ledger_link (org_id, number, from_seq, to_seq, rows, hash, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			l.Org, l.Number, l.From, l.To, l.Rows, l.Hash[:], l.At)
		links = append(links, l)
	}
	b.Queue(`UPDATE ledger_position SET seq = $1`, rows[len(rows)-1].Seq)
	return links, len(rows), tx.SendBatch(ctx, b).Close()
}

const linkColumns = `org_id, number, from_seq, to_seq, rows, hash, at`

func scanLink(row pgx.CollectableRow) (ledger.Link, error) {
	var l ledger.Link
	var hash []byte
	err := row.Scan(&l.Org, &l.Number, &l.From, &l.To, &l.Rows, &hash, &l.At)
	copy(l.Hash[:], hash)
	return l, err
}

func chainHeads(ctx context.Context, tx pgx.Tx, orgs []events.ID) (map[events.ID]ledger.Link, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT ON (org_id) `+linkColumns+` FROM ledger_link WHERE org_id = ANY($1) ORDER BY org_id, number DESC`, orgs)
	if err != nil {
		return nil, err
	}
	links, err := pgx.CollectRows(rows, scanLink)
	out := make(map[events.ID]ledger.Link, len(links))
	for _, l := range links {
		out[l.Org] = l
	}
	return out, err
}

// Links reads an organization's links after number, in order, with the rows each one covers.
func Links(ctx context.Context, tx pgx.Tx, org events.ID, after int64, limit int) ([]ledger.Link, map[int64][]ledger.Row, error) {
	found, err := tx.Query(ctx, `SELECT `+linkColumns+` FROM ledger_link WHERE org_id = $1 AND number > $2 ORDER BY number LIMIT $3`, org, after, limit)
	if err != nil {
		return nil, nil, err
	}
	links, err := pgx.CollectRows(found, scanLink)
	if err != nil || len(links) == 0 {
		return nil, nil, err
	}
	first, last := links[0].From, links[len(links)-1].To
	rowsFound, err := tx.Query(ctx, `SELECT `+rowColumns+` FROM ledger WHERE org_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq`, org, first, last)
	if err != nil {
		return nil, nil, err
	}
	rows, err := pgx.CollectRows(rowsFound, scanRow)
	by, i := map[int64][]ledger.Row{}, 0
	for _, l := range links {
		from := i
		for i < len(rows) && rows[i].Seq <= l.To {
			i++
		}
		by[l.Number] = rows[from:i]
	}
	return links, by, err
}

// Around counts an organization's rows after one up to the head of its chain, all of which must be
// sealed, and the newer ones that no link covers yet.
func Around(ctx context.Context, tx pgx.Tx, org events.ID, after, head int64) (upTo, newer int64, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE seq <= $2), count(*) FILTER (WHERE seq > $2) FROM ledger WHERE org_id = $1 AND ($3 = 0 OR seq > $3)`,
		org, head, after).Scan(&upTo, &newer)
	return upTo, newer, err
}

// LinkBefore is an organization's last link from before a time; without one, the place before the first.
func LinkBefore(ctx context.Context, tx pgx.Tx, org events.ID, at time.Time) (ledger.Link, error) {
	rows, err := tx.Query(ctx, `SELECT `+linkColumns+` FROM ledger_link WHERE org_id = $1 AND at < $2 ORDER BY number DESC LIMIT 1`, org, at)
	if err != nil {
		return ledger.Link{}, err
	}
	links, err := pgx.CollectRows(rows, scanLink)
	if err != nil || len(links) == 0 {
		return ledger.Link{Org: org}, err
	}
	return links[0], nil
}

// LedgerQuery selects rows: every zero field means any.
type LedgerQuery struct {
	Event  events.ID // the event that led to the row, or the alert, or the encounter of the alert
	Alerts []events.ID
	Person string
	After  int64
	Limit  int
}

// Ledger reads rows in order.
func Ledger(ctx context.Context, tx pgx.Tx, org events.ID, q LedgerQuery) ([]ledger.Row, error) {
	rows, err := tx.Query(ctx, `SELECT `+rowColumns+` FROM ledger WHERE org_id = $1 AND seq > $2
		AND ($3::uuid IS NULL OR event_id = $3 OR alert_id = ANY($4)) AND ($5 = '' OR recipient = $5)
		ORDER BY seq LIMIT $6`, org, q.After, q.Event, q.Alerts, q.Person, q.Limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanRow)
}

// StreamRow is one event of the stream as it is read.
type StreamRow struct {
	Seq      int64
	Org      events.ID
	Received time.Time
	Name     string
	Audience []string
	Data     string
	Trace    string
}

// Stream reads the stream after seq, all organizations.
func Stream(ctx context.Context, tx Querier, after int64, limit int) ([]StreamRow, error) {
	rows, err := tx.Query(ctx, `SELECT seq, org_id, received_at, name, audience, data, traceparent FROM stream_event WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[StreamRow])
}

// StreamHead is the last sequence that was given out.
func StreamHead(ctx context.Context, tx Querier) (seq int64, err error) {
	err = tx.QueryRow(ctx, `SELECT seq FROM stream_event ORDER BY seq DESC LIMIT 1`).Scan(&seq)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return seq, err
}

// PruneStream forgets stream events from before a time; a console that was away longer reads the
// lists instead.
func PruneStream(ctx context.Context, tx pgx.Tx, before time.Time) (int64, error) {
	tag, err := tx.Exec(ctx, `DELETE FROM stream_event WHERE at < $1`, before)
	return tag.RowsAffected(), err
}

// Querier is a pool or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}
