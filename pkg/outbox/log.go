package outbox

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// Page is what a consumer asks of a producer's event log, and Answer what it gets: the documents of
// events recorded at or after Since with a sequence greater than After, in order of sequence. An
// answer without documents means that the log has been read to its end.
type (
	Page struct {
		Since time.Time `json:"since"`
		After int64     `json:"after"`
	}
	Answer struct {
		Docs  []json.RawMessage `json:"docs"`
		Error string            `json:"error,omitempty"`
	}
)

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
	rows, err := o.db.System.Query(ctx, `SELECT doc FROM event_log WHERE sequence > $1 AND recorded_at >= $2 ORDER BY sequence LIMIT $3`,
		p.After, p.Since, pageRows)
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
