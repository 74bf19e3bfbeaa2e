package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/handoff-care/handoff/pkg/events"
)

// roomy gives fn a transaction that makes room for a statement's arguments, where they are encoded and
// in the connection's write buffer, before it fills it. Both begin small each time and grow by a
// quarter at a time: what a batch of a megabyte weighs was allocated and copied five times over, a
// third of all the program's garbage.
func roomy(fn func(pgx.Tx) error) func(pgx.Tx) error {
	return func(tx pgx.Tx) error { return fn(roomyTx{tx}) }
}

type roomyTx struct{ pgx.Tx }

func (t roomyTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	total := 0
	for _, q := range b.QueuedQueries {
		args, n := withRoom(q.Arguments)
		q.Arguments, total = args, total+n
	}
	makeRoom(t.Conn(), total)
	return t.Tx.SendBatch(ctx, b)
}

func (t roomyTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return t.Tx.Exec(ctx, sql, Room(t.Conn(), args)...)
}

// Room makes room on conn for a statement's arguments, outside a transaction of DB, and returns them as
// they are to be sent.
func Room(conn *pgx.Conn, args []any) []any {
	args, n := withRoom(args)
	makeRoom(conn, n)
	return args
}

// small is what both buffers hold, or nearly, as they are.
const small = 1024

func makeRoom(conn *pgx.Conn, n int) {
	if n > small {
		conn.PgConn().Frontend().Send(room(n))
	}
}

// withRoom has the first array among arguments make room for all of them, and says how much that is.
func withRoom(args []any) ([]any, int) {
	n := weight(args)
	if n <= small {
		return args, n
	}
	for i, a := range args {
		switch a.(type) {
		case []string, []*string, [][]byte, []events.ID, []time.Time, []*time.Time:
			args = slices.Clone(args)
			args[i] = roomFor{a, n}
			return args, n
		}
	}
	return args, n
}

// roomFor is an array, and how many bytes it and the arguments after it take.
type roomFor struct {
	array any
	n     int
}

type encodeRoomFor struct {
	m      *pgtype.Map
	oid    uint32
	format int16
}

func (e encodeRoomFor) Encode(value any, buf []byte) ([]byte, error) {
	r := value.(roomFor)
	return e.m.Encode(e.oid, e.format, r.array, slices.Grow(buf, r.n))
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
		case []int32:
			n += 8 * len(a)
		case []bool:
			n += 5 * len(a)
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
