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
	n, first := 512, -1 // the messages around them
	for i, a := range args {
		size, array := weight(a)
		if n += size; array && first < 0 {
			first = i
		}
	}
	if n > small && first >= 0 {
		args = slices.Clone(args)
		args[first] = roomFor{args[first], n}
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

// weight is about how many bytes an argument takes on the wire, and whether it is an array that is
// written in one piece (registerArrays).
func weight(arg any) (n int, array bool) {
	switch a := arg.(type) {
	case []string:
		return weigh(a, sizeOfText), true
	case []*string:
		return weigh(a, sizeOfTextIf), true
	case [][]byte:
		return weigh(a, sizeOfBytes), true
	case []events.ID:
		return 20 * len(a), true
	case []time.Time:
		return 12 * len(a), true
	case []*time.Time:
		return 12 * len(a), true
	case []int64:
		return 12 * len(a), false
	case []int32:
		return 8 * len(a), false
	case []bool:
		return 5 * len(a), false
	}
	return 64, false
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
