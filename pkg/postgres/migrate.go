package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// MigrationSet is one numbered series of goose SQL migrations. A schema may take
// several: the service's own and those of the packages it uses. Each series has
// its own version table, goose_<Name>, in the service's schema.
type MigrationSet struct {
	// Name is a-z and _, and never changes once released.
	Name string
	FS   fs.FS
	// Dir is the folder of the .sql files inside FS; empty means its root.
	Dir string
}

// Migrate brings service's schema to the newest version of every set, in the
// order given, and secures it (see [Secure]). It creates what is missing: the
// schema, the three roles, their grants. The url's user must be a superuser, or
// have CREATEROLE and CREATE on the database, or find roles and schema already
// made and be a member of the owner role.
//
// Any number of processes may migrate at once, the same schema or others: one
// works, the others wait. A migration that fails leaves the earlier ones in
// place, and the schema closed to the service until a Migrate succeeds.
func Migrate(ctx context.Context, adminURL, service string, sets ...MigrationSet) error {
	if err := checkName(service); err != nil {
		return err
	}
	if err := prepare(ctx, adminURL, service); err != nil {
		return fmt.Errorf("postgres: prepare schema %s: %w", service, err)
	}
	db, err := openOwner(adminURL, service)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, set := range sets {
		if err := apply(ctx, db, service, set); err != nil {
			return fmt.Errorf("postgres: migrate %s, set %s: %w", service, set.Name, err)
		}
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("postgres: act as %s: %w", ownerRole(service), err)
	}
	defer conn.Close()
	if err := Secure(ctx, conn, service); err != nil {
		return fmt.Errorf("postgres: secure schema %s: %w", service, err)
	}
	return nil
}

// openOwner connects as the url's user and works as the owner role.
func openOwner(adminURL, service string) (*sql.DB, error) {
	cc, err := pgx.ParseConfig(adminURL)
	if err != nil {
		return nil, errBadURL
	}
	cc.ConnectTimeout = connectTimeout
	cc.RuntimeParams["role"] = ownerRole(service)
	cc.RuntimeParams["search_path"] = service
	cc.RuntimeParams["application_name"] = "handoff-migrate-" + service
	cc.RuntimeParams["timezone"] = "UTC"
	cc.RuntimeParams["handoff.migrating"] = "on" // opens the owner's policy, see secure.sql
	cc.RuntimeParams["lock_timeout"] = "10s"     // a migration must not queue up behind a busy table
	return stdlib.OpenDB(*cc), nil
}

func apply(ctx context.Context, db *sql.DB, service string, set MigrationSet) error {
	if err := checkName(set.Name); err != nil {
		return err
	}
	files := set.FS
	if set.Dir != "" && set.Dir != "." {
		sub, err := fs.Sub(files, set.Dir)
		if err != nil {
			return err
		}
		files = sub
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(service+".goose_"+set.Name),
		goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()),
		goose.WithSessionLocker(setLocker{service + "/" + set.Name}))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// setLocker is goose's session locker for one set. goose's own asks once per
// second at most; five services that start together would wait for seconds.
type setLocker struct{ name string }

// SessionLock asks again and again instead of waiting in the server: a waiting
// statement holds a snapshot, which CREATE INDEX CONCURRENTLY of the lock's
// holder would wait for in turn.
func (l setLocker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var got bool
		err := conn.QueryRowContext(ctx, "select pg_try_advisory_lock($1)", lockID(l.name)).Scan(&got)
		if err != nil || got {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another process is migrating %s: %w", l.name, ctx.Err())
		case <-tick.C:
		}
	}
}

func (l setLocker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	var held bool
	err := conn.QueryRowContext(ctx, "select pg_advisory_unlock($1)", lockID(l.name)).Scan(&held)
	if err == nil && !held {
		err = errors.New("the migration lock was lost")
	}
	return err
}

func lockID(name string) int64 {
	h := fnv.New64a()
	h.Write([]byte("handoff/migrate/" + name))
	return int64(h.Sum64())
}
