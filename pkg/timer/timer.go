package timer

import (
	"context"
	"embed"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations creates the timer table in a service's schema.
func Migrations() postgres.MigrationSet {
	return postgres.MigrationSet{Name: "timer", FS: migrations, Dir: "migrations"}
}

// Timer is a wake-up: (Name, Key) is unique.
type Timer struct {
	Name string // which handler
	Key  events.ID
	Org  events.ID
	Due  time.Time
}

// Handler is called with timers of one name that are due, inside the transaction that deletes them.
// now is the database's time. It may Set the same timers again.
type Handler func(ctx context.Context, tx pgx.Tx, now time.Time, due []Timer) error

// Set creates or moves timers.
func Set(ctx context.Context, tx pgx.Tx, timers ...Timer) error {
	if len(timers) == 0 {
		return nil
	}
	names, keys, orgs, due := make([]string, len(timers)), make([]events.ID, len(timers)), make([]events.ID, len(timers)), make([]time.Time, len(timers))
	for i, t := range timers {
		names[i], keys[i], orgs[i], due[i] = t.Name, t.Key, t.Org, t.Due
	}
	_, err := tx.Exec(ctx, `INSERT INTO timer (name, key, org_id, due_at)
		SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::timestamptz[]) ORDER BY 1, 2
		ON CONFLICT (name, key) DO UPDATE SET due_at = excluded.due_at`, names, keys, orgs, due)
	return err
}

// Cancel deletes timers; those that are not there are not missed.
func Cancel(ctx context.Context, tx pgx.Tx, name string, keys ...events.ID) error {
	if len(keys) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `DELETE FROM timer WHERE name = $1 AND key = ANY($2)`, name, keys)
	return err
}
