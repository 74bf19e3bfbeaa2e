package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

// MessageQuery selects messages, newest first.
type MessageQuery struct {
	ID, Feed                 events.ID
	State, Facility, Control string
	Before                   events.ID
	Limit                    int
}

// MessageRow is a message without its content.
type MessageRow struct {
	ID, Feed, Org    events.ID
	Received         time.Time
	Sent             *time.Time
	Size, Copies     int32
	Flags, Format    int16
	Reply, Facility  string
	Trigger, Charset string
	Control          string
	Hash             []byte
	State, Reason    string
	Kept             *time.Time // when its row was written
}

const messageState = `CASE WHEN o.id IS NOT NULL THEN 'kept' ELSE coalesce(x.state, 'applied') END`

// Messages finds messages of the transaction's organization.
func (s *Store) Messages(ctx context.Context, tx pgx.Tx, q MessageQuery) ([]MessageRow, error) {
	w := &where{}
	if !q.ID.IsZero() {
		w.and("m.id = ?", q.ID)
	}
	if !q.Feed.IsZero() {
		w.and("m.feed_id = ?", q.Feed)
	}
	if q.Facility != "" {
		w.and("m.facility = ?", q.Facility)
	}
	if q.Control != "" {
		w.and("m.feed_id IN (SELECT id FROM feed) AND m.control_id = ?", q.Control)
	}
	if q.State != "" {
		w.and(stateCondition(q.State))
	}
	if !q.Before.IsZero() {
		w.and("m.id < ?", q.Before)
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT m.id, m.feed_id, m.org_id, m.received_at, m.sent_at, m.size, m.copies, m.flags, m.format, m.reply, m.facility, m.trigger, m.charset,
		m.control_id, m.hash, `+messageState+`, coalesce(x.reason, ''), m.kept_at
		FROM message m LEFT JOIN message_open o USING (id) LEFT JOIN message_outcome x USING (id)%s ORDER BY m.id DESC LIMIT %d`, w, q.Limit), w.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[MessageRow])
}

// stateCondition says a state by the table that tells it.
func stateCondition(state string) string {
	switch state {
	case adt.Kept:
		return "m.id IN (SELECT id FROM message_open)"
	case adt.Applied:
		return "o.id IS NULL AND x.id IS NULL"
	case adt.Ignored, adt.Quarantined, adt.Rejected:
		return "m.id IN (SELECT id FROM message_outcome WHERE state = '" + state + "')"
	}
	return "false"
}

// Content reads a message's bytes; ErrGone if they were destroyed.
func (s *Store) Content(ctx context.Context, tx pgx.Tx, id events.ID) ([]byte, error) {
	var org events.ID
	var r sealed
	if err := tx.QueryRow(ctx, `SELECT r.org_id, `+sealedColumns+` FROM `+sealedTables+` WHERE r.id = $1`, id).Scan(append([]any{&org}, r.into()...)...); err != nil {
		return nil, err
	}
	return s.open(ctx, id, org, &r)
}

// Copied says whether an id was used on a feed before, and whether with these bytes.
func (s *Store) Copied(ctx context.Context, feed events.ID, control string, hash []byte) (used, same bool, err error) {
	err = s.DB.System.QueryRow(ctx, `SELECT count(*) > 0, coalesce(bool_or(hash = $3), false) FROM message WHERE feed_id = $1 AND control_id = $2`, feed, control, hash).Scan(&used, &same)
	return used, same, err
}

// Looked notes that somebody has seen a quarantined message: the next one of its kind is told again.
func (s *Store) Looked(ctx context.Context, tx pgx.Tx, feed events.ID, reason string) error {
	_, err := tx.Exec(ctx, `DELETE FROM quarantine_notice WHERE feed_id = $1 AND reason = $2`, feed, reason)
	return err
}

// Reopen makes a quarantined or ignored message kept again, to be handled by this process.
func (s *Store) Reopen(ctx context.Context, tx pgx.Tx, id events.ID) (MessageRow, error) {
	list, err := s.Messages(ctx, tx, MessageQuery{ID: id, Limit: 1})
	if err != nil {
		return MessageRow{}, err
	}
	if len(list) == 0 {
		return MessageRow{}, fault.New(fault.Unknown, "there is no such message")
	}
	m := list[0]
	var state, reason string
	err = tx.QueryRow(ctx, `DELETE FROM message_outcome WHERE id = $1 AND state IN ('quarantined', 'ignored') RETURNING state, reason`, id).Scan(&state, &reason)
	if errors.Is(err, pgx.ErrNoRows) {
		return m, fault.New(fault.Conflict, "only a quarantined or ignored message can be applied again; this one is %s", m.State).With("state", m.State)
	}
	if err != nil {
		return m, err
	}
	m.State, m.Reason = adt.Kept, ""
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO message_open (id, org_id, owner) VALUES ($1, $2, $3)`, id, m.Org, s.Owner)
	b.Queue(`DELETE FROM quarantine_notice WHERE feed_id = $1 AND reason = $2`, m.Feed, reason)
	s.Tally(b, map[Count]int64{{m.Org, state}: -1})
	return m, tx.SendBatch(ctx, b).Close()
}

// FlagNames are a message's flags in words.
func FlagNames(flags int16) []string {
	out := []string{}
	if flags&IDReused != 0 {
		out = append(out, "id-reused")
	}
	if flags&IDMissing != 0 {
		out = append(out, "id-missing")
	}
	return out
}

// Visit finds the stay that a facility's visit key names, as it is now; zero if there is none.
func (s *Store) Visit(ctx context.Context, tx pgx.Tx, facility events.ID, key string) (id events.ID, sensitive bool, err error) {
	err = tx.QueryRow(ctx, `SELECT h.id, h.sensitive OR e.sensitive FROM encounter e JOIN encounter h ON h.id = coalesce(e.into_id, e.id)
		WHERE e.facility_id = $1 AND e.visit_key = $2 AND h.fold_version > 0`, facility, key).Scan(&id, &sensitive)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return id, sensitive, err
}

// Words are the folded words of a name as people type it.
func Words(name string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == ',' || r == '^' }) {
		if f := Folded(w); f != "" {
			out = append(out, f)
		}
	}
	return out
}
