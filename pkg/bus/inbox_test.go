package bus

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
)

func numbered(sequences ...int64) []events.Event {
	list := make([]events.Event, len(sequences))
	for i, n := range sequences {
		list[i].Sequence = n
	}
	return list
}

func admit(ctx context.Context, db *postgres.DB, in *inbox, list []events.Event) (fresh []events.Event, err error) {
	var next map[int64]*chunk
	err = db.SystemTx(ctx, func(tx pgx.Tx) (err error) {
		if fresh, next, err = in.admit(ctx, tx, list); err != nil {
			return err
		}
		b := &pgx.Batch{}
		in.queue(b, next)
		return tx.SendBatch(ctx, b).Close()
	})
	in.keep(next)
	return fresh, err
}

// Whatever sequences come, in whatever batches, by whatever process: each is admitted once.
func TestEachSequenceIsAdmittedOnce(t *testing.T) {
	db := pgtest.DB(t, "beta", Migrations())
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		stream := string(rune('a'+run%26)) + string(rune('0'+run/26%10)) + string(rune('0'+run/260))
		in := &inbox{stream: stream, cache: map[int64]*chunk{}}
		model := map[int64]bool{}
		for range rapid.IntRange(1, 4).Draw(r, "batches") {
			list := rapid.SliceOfN(rapid.Int64Range(1, 3*chunkBits), 1, 20).Draw(r, "sequences")
			if rapid.Bool().Draw(r, "another process") {
				in.forget()
			}
			fresh, err := admit(t.Context(), db, in, numbered(list...))
			if err != nil {
				r.Fatal(err)
			}
			var want []int64
			for _, n := range list {
				if !model[n] {
					model[n] = true
					want = append(want, n)
				}
			}
			var got []int64
			for _, e := range fresh {
				got = append(got, e.Sequence)
			}
			if !slices.Equal(got, want) {
				r.Fatalf("admitted %v of %v, want %v", got, list, want)
			}
		}
	})
}

// The inbox as a bit per event, beside the usual row per event.
func BenchmarkInbox(b *testing.B) {
	const size = 100
	b.Run("bits", func(b *testing.B) {
		db := pgtest.DB(b, "beta", Migrations())
		in, n := &inbox{stream: "alpha", cache: map[int64]*chunk{}}, int64(0)
		for b.Loop() {
			list := make([]int64, size)
			for i := range list {
				n++
				list[i] = n
			}
			if _, err := admit(b.Context(), db, in, numbered(list...)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/size, "us/event")
	})
	b.Run("rows", func(b *testing.B) {
		db := pgtest.DB(b, "beta", Migrations())
		conn, err := db.System.Acquire(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Release()
		if _, err := conn.Exec(b.Context(), `CREATE TEMP TABLE row_inbox (id uuid PRIMARY KEY)`); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			ids := make([]events.ID, size)
			for i := range ids {
				ids[i] = events.NewID()
			}
			err := pgx.BeginFunc(b.Context(), conn, func(tx pgx.Tx) error {
				_, err := tx.Exec(b.Context(), `INSERT INTO row_inbox SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING id`, ids)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/size, "us/event")
	})
}
