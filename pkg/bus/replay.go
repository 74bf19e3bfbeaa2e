package bus

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
)

// Parked is a key whose events could not be handled: a list entry.
type Parked struct {
	Stream   string    `json:"stream"`
	Key      events.ID `json:"key"`
	Reason   string    `json:"reason"`
	Events   int       `json:"events"`
	ParkedAt time.Time `json:"parked_at"`
}

// ParkedEvent is one event of a parked key.
type ParkedEvent struct {
	Sequence int64     `json:"sequence"`
	Type     string    `json:"type"`
	Doc      string    `json:"doc"`
	ParkedAt time.Time `json:"parked_at"`
}

// Desk is where people see parked keys of one service and replay them.
type Desk struct {
	DB     *postgres.DB
	Outbox *outbox.Outbox
	Hears  []Subscription
}

// List returns an organization's parked keys, oldest first, up to limit.
func (d Desk) List(ctx context.Context, org events.ID, limit int) (list []Parked, err error) {
	err = d.DB.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT k.stream, k.key, k.reason,
			(SELECT count(*) FROM parked p WHERE p.stream = k.stream AND p.key = k.key) AS events, k.parked_at
			FROM parked_key k ORDER BY k.parked_at, k.key LIMIT $1`, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Parked])
		return err
	})
	return list, err
}

// Show returns the events of a parked key in order.
func (d Desk) Show(ctx context.Context, org events.ID, stream string, key events.ID) (list []ParkedEvent, err error) {
	err = d.DB.Tx(ctx, org, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT sequence, type, doc, parked_at FROM parked WHERE stream = $1 AND key = $2 ORDER BY sequence`, stream, key)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ParkedEvent])
		return err
	})
	if err == nil && len(list) == 0 {
		err = fault.New(fault.Unknown, "no such key is parked")
	}
	return list, err
}

// Replay handles the events of a parked key in order, all of them in one transaction, and frees the
// key. If one fails nothing changes and the error says why. With dry set, nothing changes either way.
func (d Desk) Replay(ctx context.Context, org events.ID, stream string, key events.ID, dry bool) (n int, err error) {
	out, err := d.Try(ctx, org, stream, key, dry)
	return out.Events, err
}

// Announced is how many facts of a type the service announces.
type Announced struct {
	Type string `json:"type"`
	N    int    `json:"n"`
}

// Outcome is what a replay did, or would do.
type Outcome struct {
	Events int         `json:"events"`
	Told   []Announced `json:"told" doc:"the facts announced because of them, by type"`
}

// Try is Replay that also says what the service announced because of the events.
func (d Desk) Try(ctx context.Context, org events.ID, stream string, key events.ID, dry bool) (out Outcome, err error) {
	handle := d.handler(stream)
	if handle == nil {
		return out, fault.New(fault.Unknown, "this service does not hear the stream %q", stream)
	}
	err = d.Outbox.SystemTx(ctx, func(tx pgx.Tx) error {
		out, err = replay(ctx, tx, org, stream, key, handle)
		if err == nil && dry {
			err = errDry
		}
		return err
	})
	if err == errDry {
		err = nil
	}
	return out, err
}

var errDry = fault.New(fault.Conflict, "dry run")

func (d Desk) handler(stream string) Handler {
	for _, s := range d.Hears {
		if s.Stream == stream {
			return s.Handle
		}
	}
	return nil
}

func replay(ctx context.Context, tx pgx.Tx, org events.ID, stream string, key events.ID, handle Handler) (out Outcome, err error) {
	tag, err := tx.Exec(ctx, `DELETE FROM parked_key WHERE stream = $1 AND key = $2 AND org_id = $3`, stream, key, org)
	if err != nil {
		return out, err
	}
	if tag.RowsAffected() == 0 {
		return out, fault.New(fault.Unknown, "no such key is parked")
	}
	rows, err := tx.Query(ctx, `WITH d AS (DELETE FROM parked WHERE stream = $1 AND key = $2 RETURNING sequence, doc)
		SELECT doc FROM d ORDER BY sequence`, stream, key)
	if err != nil {
		return out, err
	}
	docs, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return out, err
	}
	var before int64
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(sequence), 0) FROM event_log`).Scan(&before); err != nil {
		return out, err
	}
	causes := make([]events.ID, 0, len(docs))
	for _, doc := range docs {
		e, err := events.Decode(doc)
		if err != nil {
			return out, err
		}
		if err := guard(func() error { return handle(ctx, tx, []events.Event{e}) }); err != nil {
			return out, fault.Wrap(fault.Conflict, err, "%s still fails: %s", e.Fact.Type(), reason(err))
		}
		causes = append(causes, e.ID)
	}
	out.Events = len(docs)
	out.Told, err = told(ctx, tx, before, causes)
	return out, err
}

// told counts by type what was announced because of events, in this transaction's part of the log.
func told(ctx context.Context, tx pgx.Tx, after int64, causes []events.ID) ([]Announced, error) {
	rows, err := tx.Query(ctx, `SELECT type, count(*) FROM event_log WHERE sequence > $1 AND cause = ANY($2) GROUP BY type ORDER BY type`, after, causes)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Announced])
}
