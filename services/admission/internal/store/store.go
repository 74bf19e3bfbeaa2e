package store

import (
	"context"
	"embed"
	"io/fs"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are this service's own.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return sub
}

// Store is this service's tables, as one process uses them. Safe for concurrent use, but for Keep.
type Store struct {
	DB    *postgres.DB
	Owner events.ID // this process: whose open messages are its own

	memory memory
	keeper *pgxpool.Conn // the connection of Keep
	vault  atomic.Pointer[vault]
}

// New returns the store of one process.
func New(db *postgres.DB) *Store {
	return &Store{DB: db, Owner: events.NewID(), memory: memory{stay: map[events.ID]remembered{}}}
}

// Tally adds to counters of the conservation laws, in tx. Counters of one call are of distinct (org, name).
func (s *Store) Tally(b *pgx.Batch, counts map[Count]int64) {
	orgs, names, n := make([]events.ID, 0, len(counts)), make([]string, 0, len(counts)), make([]int64, 0, len(counts))
	for c, v := range counts {
		if v != 0 {
			orgs, names, n = append(orgs, c.Org), append(names, c.Name), append(n, v)
		}
	}
	if len(n) > 0 {
		b.Queue(`INSERT INTO tally AS t (org_id, name, owner, n)
			SELECT o, name, $4, n FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS u(o, name, n) ORDER BY 1, 2
			ON CONFLICT (org_id, name, owner) DO UPDATE SET n = t.n + excluded.n`, orgs, names, n, s.Owner)
	}
}

// Count names a counter.
type Count struct {
	Org  events.ID
	Name string
}

// Counts reads all counters of the transaction's organization, and how many messages are kept, as of one moment.
func (s *Store) Counts(ctx context.Context, tx pgx.Tx) (map[string]int64, error) {
	rows, err := tx.Query(ctx, `SELECT name, sum(n)::bigint FROM tally GROUP BY name
		UNION ALL SELECT 'kept', count(*) FROM message_open`)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	var name string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error { out[name] = n; return nil })
	return out, err
}
