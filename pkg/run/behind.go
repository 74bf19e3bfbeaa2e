package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
)

// The sides of a conservation law, and what stands behind the difference of the two.
const (
	Left       = "left"
	Right      = "right"
	Difference = "difference"
)

// Number is a number of a conservation law with the rows it counts, so that whoever reads the law can go
// down to what is behind it.
type Number struct {
	Law  int    // which of Instance.Laws, from 0
	Side string // Left, Right or Difference
	Name string // "made", "quarantined"; "" where Each names them

	// Each: the number is the sum of one for each of these values of the column state.
	Each []string

	// Kind is what a row is: message, stay, task, referral, alert.
	Kind string

	// Rows selects id, part, encounter_id, state, at, note, n. (id, part) is unique; part is '' where id is; n is
	// what the row counts for. No names, no words of people.
	Rows string
}

// Behind is one row behind a number.
type Behind struct {
	ID        events.ID  `json:"id"`
	Part      string     `json:"part" doc:"with id: what of it"`
	Encounter events.ID  `json:"encounter_id"`
	State     string     `json:"state"`
	At        *time.Time `json:"at"`
	Note      string     `json:"note" doc:"a code"`
	N         int64      `json:"n" doc:"what it counts for"`
}

// Counted is a number as it was counted in the rows themselves.
type Counted struct {
	Law  int    `json:"law" doc:"which law of /reconcile, from 0"`
	Side string `json:"side" enum:"left,right,difference"`
	Name string `json:"name"`
	Kind string `json:"kind"`
	N    *int64 `json:"n" doc:"null: counting would have taken too long"`
}

// countWithin is how long counting one number may take.
const countWithin = "8s"

// Count counts the rows behind the number: one Counted, or one for each of its states.
func (n Number) Count(ctx context.Context, tx pgx.Tx) ([]Counted, error) {
	rows, err := tx.Query(ctx, `SELECT state, sum(n)::bigint FROM (`+n.Rows+`) x GROUP BY state`)
	if err != nil {
		return nil, err
	}
	by, total := map[string]int64{}, int64(0)
	var state string
	var sum int64
	if _, err = pgx.ForEachRow(rows, []any{&state, &sum}, func() error { by[state], total = sum, total+sum; return nil }); err != nil {
		return nil, err
	}
	if n.Each == nil {
		return []Counted{{n.Law, n.Side, n.Name, n.Kind, &total}}, nil
	}
	out := make([]Counted, len(n.Each))
	for i, name := range n.Each {
		sum := by[name]
		out[i] = Counted{n.Law, n.Side, name, n.Kind, &sum}
	}
	return out, nil
}

// uncounted names the number's parts without their counts.
func (n Number) uncounted() []Counted {
	if n.Each == nil {
		return []Counted{{n.Law, n.Side, n.Name, n.Kind, nil}}
	}
	out := make([]Counted, len(n.Each))
	for i, name := range n.Each {
		out[i] = Counted{n.Law, n.Side, name, n.Kind, nil}
	}
	return out
}

// Place is where a page of rows ended.
type Place struct {
	ID   events.ID `json:"i"`
	Part string    `json:"p"`
}

// first is before every row: pages go from high ids, mostly the newest, to low ones.
var first = Place{ID: events.ID(slices.Repeat([]byte{0xff}, 16)), Part: "\U0010FFFF"}

// List returns rows behind the number, or behind the one of its states called name.
func (n Number) List(ctx context.Context, tx pgx.Tx, name string, after Place, limit int) ([]Behind, error) {
	if after.ID.IsZero() {
		after = first
	}
	sql, args := `SELECT id, part, encounter_id, state, at, note, n FROM (`+n.Rows+`) x WHERE (id, part) < ($1::uuid, $2::text)`, []any{after.ID, after.Part, limit}
	if n.Each != nil {
		sql, args = sql+` AND state = $4`, append(args, name)
	}
	rows, err := tx.Query(ctx, sql+` ORDER BY id DESC, part DESC LIMIT $3`, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Behind])
}

func (n Number) is(law int, side, name string) bool {
	return n.Law == law && n.Side == side && (n.Name == name && n.Each == nil || slices.Contains(n.Each, name))
}

type numbersIn struct {
	Law int `query:"law" doc:"which law of /reconcile, from 0" minimum:"0"`
}

type behindIn struct {
	web.PageIn
	Law  int    `query:"law" minimum:"0"`
	Side string `query:"side" enum:"left,right,difference"`
	Name string `query:"name"`
}

// behindRoutes let people go from a conservation law to its numbers, and from a number to its rows.
func (pt *part) behindRoutes() {
	web.Handle(pt.router, web.OperationsRead, "GET", "/reconcile/numbers", "The numbers of a conservation law, counted in the rows", pt.numbers)
	web.Handle(pt.router, web.OperationsRead, "GET", "/reconcile/rows", "What is behind a number of a conservation law", pt.behind)
}

func (pt *part) numbers(ctx context.Context, in *numbersIn) (*web.Listed[Counted], error) {
	out := []Counted{}
	for _, n := range pt.instance.Numbers {
		if n.Law != in.Law {
			continue
		}
		var counted []Counted
		err := pt.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
			if _, err = tx.Exec(ctx, `SET LOCAL statement_timeout = '`+countWithin+`'`); err == nil {
				counted, err = n.Count(ctx, tx)
			}
			return err
		})
		if late(err) {
			counted, err = n.uncounted(), nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, counted...)
	}
	return web.Page(out, len(out), nil), nil
}

// late reports whether a statement took longer than it may.
func late(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "57014"
}

func (pt *part) behind(ctx context.Context, in *behindIn) (*web.Listed[Behind], error) {
	at := slices.IndexFunc(pt.instance.Numbers, func(n Number) bool { return n.is(in.Law, in.Side, in.Name) })
	if at < 0 {
		return nil, fault.New(fault.Unknown, "no law has such a number")
	}
	var after Place
	if _, err := web.DecodeCursor(in.Cursor, &after); err != nil {
		return nil, err
	}
	var list []Behind
	err := pt.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		list, err = pt.instance.Numbers[at].List(ctx, tx, in.Name, after, in.Limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	return web.Page(list, in.Limit, func(b Behind) any { return Place{b.ID, b.Part} }), nil
}

// Agree reports every side of a law that the rows behind it do not add up to, and every law that balances
// although rows stand behind its difference.
func Agree(ctx context.Context, tx pgx.Tx, laws []web.Law, numbers []Number) error {
	type side struct {
		law  int
		name string
	}
	sums := map[side]int64{}
	for _, n := range numbers {
		counted, err := n.Count(ctx, tx)
		if err != nil {
			return fmt.Errorf("count %s of law %d: %w", n.Name, n.Law, err)
		}
		for _, c := range counted {
			sums[side{n.Law, n.Side}] += *c.N
		}
	}
	var all error
	for i, l := range laws {
		left, right, off := sums[side{i, Left}], sums[side{i, Right}], sums[side{i, Difference}]
		if left != l.Left || right != l.Right || (l.Difference != 0) != (off != 0) {
			all = errors.Join(all, fmt.Errorf("%s: %d and %d; in the rows %d and %d, behind the difference %d", l.Law, l.Left, l.Right, left, right, off))
		}
	}
	return all
}
