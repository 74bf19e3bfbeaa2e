package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/handoff-care/handoff/pkg/events"
)

// roomy gives fn a transaction that makes room in the connection's write buffer before it fills it.
// The buffer starts at a kilobyte each time and grows by a quarter at a time: what a batch of a
// megabyte weighs was allocated and copied five times over, a third of all the program's garbage.
func roomy(fn func(pgx.Tx) error) func(pgx.Tx) error {
	return func(tx pgx.Tx) error { return fn(roomyTx{tx}) }
}

type roomyTx struct{ pgx.Tx }

func (t roomyTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	n := 0
	for _, q := range b.QueuedQueries {
		n += weight(q.Arguments)
	}
	t.make(n)
	return t.Tx.SendBatch(ctx, b)
}

func (t roomyTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	t.make(weight(args))
	return t.Tx.Exec(ctx, sql, args...)
}

func (t roomyTx) make(n int) {
	if n > 1024 {
		t.Conn().PgConn().Frontend().Send(room(n))
	}
}

// weight is about how many bytes arguments take on the wire.
func weight(args []any) int {
	n := 512 // the messages around them
	for _, a := range args {
		switch a := a.(type) {
		case []string:
			n += weigh(a, sizeOfText)
		case []*string:
			n += weigh(a, sizeOfTextIf)
		case [][]byte:
			n += weigh(a, sizeOfBytes)
		case []events.ID:
			n += 20 * len(a)
		case []time.Time:
			n += 12 * len(a)
		case []*time.Time:
			n += 12 * len(a)
		case []int64:
			n += 12 * len(a)
		default:
			n += 64
		}
	}
	return n
}

func weigh[T any](list []T, size func(T) int) (n int) {
	for _, x := range list {
		n += 4 + max(0, size(x))
	}
	return n
}

// room is a message of no bytes that leaves room for some.
type room int

func (room) Frontend()                           {}
func (room) Decode([]byte) error                 { return nil }
func (n room) Encode(dst []byte) ([]byte, error) { return slices.Grow(dst, int(n)), nil }

var _ pgproto3.FrontendMessage = room(0)
