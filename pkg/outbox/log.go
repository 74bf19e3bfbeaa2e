package outbox

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// Page is what a consumer asks of a producer's event log: events recorded at or after Since with a
// sequence greater than After, in order of sequence, up to the Horizon. The first question carries
// no Horizon and is answered with one, and no events.
type Page struct {
	Since   time.Time `json:"since"`
	After   int64     `json:"after"`
	Horizon Horizon   `json:"horizon"`
}

// Horizon is the newest sequence drawn at some time, and which transactions had begun by then. When
// all of these have ended, every event up to the sequence that will ever exist is in the log: only
// then may the log be read in order of sequence. What comes later is on the stream, in order.
type Horizon struct {
	Sequence int64  `json:"sequence"`
	Before   string `json:"before"` // transaction id
}

// Answer is a page. No documents, and not Unsettled, means that the log has been read to the horizon.
type Answer struct {
	Docs      []json.RawMessage `json:"docs"`
	Horizon   Horizon           `json:"horizon"`
	Unsettled bool              `json:"unsettled,omitempty"` // ask again in a moment
	Error     string            `json:"error,omitempty"`
}

const (
	pageRows  = 500
	pageBytes = 512 << 10
)

// ServeLog answers for the event log until ctx is done. Any replica may answer.
func (o *Outbox) ServeLog(ctx context.Context, nc *nats.Conn, log *slog.Logger) error {
	sub, err := nc.QueueSubscribe(LogSubject(o.service), "log", func(m *nats.Msg) {
		answer, err := o.page(ctx, m.Data)
		if err != nil {
			log.WarnContext(ctx, "a page of the event log could not be read", "error", err)
			answer.Error = "the event log cannot be read now"
		}
		b, err := json.Marshal(answer)
		if err == nil {
			err = m.Respond(b)
		}
		if err != nil {
			log.WarnContext(ctx, "a page of the event log could not be sent", "error", err)
		}
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return sub.Unsubscribe()
}

func (o *Outbox) page(ctx context.Context, request []byte) (a Answer, err error) {
	var p Page
	if err := json.Unmarshal(request, &p); err != nil {
		return a, err
	}
	if p.Horizon.Before == "" {
		a.Horizon, err = o.horizon(ctx)
		return a, err
	}
	a.Horizon = p.Horizon
	var settled bool
	if err := o.db.System.QueryRow(ctx, `SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8`, p.Horizon.Before).Scan(&settled); err != nil || !settled {
		a.Unsettled = true
		return a, err
	}
	rows, err := o.db.System.Query(ctx, `SELECT doc FROM event_log WHERE sequence > $1 AND sequence <= $4 AND recorded_at >= $2 ORDER BY sequence LIMIT $3`,
		p.After, p.Since, pageRows, p.Horizon.Sequence)
	if err != nil {
		return a, err
	}
	defer rows.Close()
	for size := 0; rows.Next() && size < pageBytes; {
		var doc []byte
		if err := rows.Scan(&doc); err != nil {
			return a, err
		}
		size += len(doc)
		a.Docs = append(a.Docs, doc)
	}
	return a, rows.Err()
}

// horizon reads the sequence first: whoever drew up to it had written before, so its transaction id
// is below the one read second.
func (o *Outbox) horizon(ctx context.Context) (h Horizon, err error) {
	err = o.db.System.QueryRow(ctx, `SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('event_log', 'sequence')::regclass), 0)`).Scan(&h.Sequence)
	if err != nil {
		return h, err
	}
	err = o.db.System.QueryRow(ctx, `SELECT pg_snapshot_xmax(pg_current_snapshot())::text`).Scan(&h.Before)
	return h, err
}

// Trim deletes events older than keep from the log, a slice at a time, once an hour until ctx is
// done. keep is at least 30 days: what a consumer may have to ask for again.
func (o *Outbox) Trim(ctx context.Context, keep time.Duration, log *slog.Logger) error {
	for ctx.Err() == nil {
		n, err := o.trimOnce(ctx, max(keep, 30*24*time.Hour))
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "the event log could not be trimmed", "error", err)
		}
		if n == 0 || err != nil {
			wait(ctx, nil, time.Hour)
		}
	}
	return nil
}

func (o *Outbox) trimOnce(ctx context.Context, keep time.Duration) (int64, error) {
	tag, err := o.db.System.Exec(ctx, `DELETE FROM event_log WHERE sequence IN (
		SELECT sequence FROM event_log l WHERE recorded_at < now() - $1::interval
			AND NOT EXISTS (SELECT FROM outbox o WHERE o.sequence = l.sequence) LIMIT 2000)`, keep)
	return tag.RowsAffected(), err
}
