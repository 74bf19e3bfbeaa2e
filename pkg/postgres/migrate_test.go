package postgres_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
)

// forget drops the roles of services that no other test uses, so that the next
// run makes them again. It runs before the database goes.
func forget(t *testing.T, admin string, services ...string) {
	t.Helper()
	conn := connect(t, admin)
	drop := func() error {
		for _, s := range services {
			for _, role := range []string{"handoff_" + s, "handoff_" + s + "_system", "handoff_" + s + "_owner"} {
				var exists bool
				if err := conn.QueryRow(context.Background(), "select exists (select from pg_roles where rolname = $1)", role).Scan(&exists); err != nil {
					return err
				}
				if !exists {
					continue
				}
				if _, err := conn.Exec(context.Background(), fmt.Sprintf("drop owned by %s cascade; drop role %s", role, role)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	must(t, drop())
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
}

func TestEverybodyMigratesAtOnce(t *testing.T) {
	admin := pgtest.New(t)
	var services []string
	for i := range 5 {
		services = append(services, "race_"+string(rune('a'+i)))
	}
	forget(t, admin, services...)
	own := postgres.MigrationSet{Name: "own", FS: fstest.MapFS{
		"00001_things.sql": {Data: []byte("-- +goose Up\ncreate table thing (id uuid primary key, org_id uuid not null);")},
		// waits for every snapshot in the database, those of waiting migrations too
		"00002_index.sql": {Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\ncreate index concurrently thing_org on thing (org_id);")},
		"00003_row.sql":   {Data: []byte("-- +goose Up\ninsert into thing select gen_random_uuid(), gen_random_uuid();")},
	}}
	shared := set("shared", "create table position (stream text primary key, seq bigint not null);")
	var all errgroup.Group
	for range 3 {
		for _, s := range services {
			all.Go(func() error {
				if err := postgres.Migrate(t.Context(), admin, s, shared, own); err != nil {
					return err
				}
				db, err := postgres.Open(t.Context(), admin, s, postgres.Options{MaxConns: 1})
				if err != nil {
					return err
				}
				defer db.Close()
				var rows int
				if err := db.System.QueryRow(t.Context(), "select count(*) from thing").Scan(&rows); err != nil {
					return fmt.Errorf("%s, after its Migrate returned: %w", s, err)
				}
				if rows != 1 {
					return fmt.Errorf("%s: the migrations ran %d times", s, rows)
				}
				return nil
			})
		}
	}
	must(t, all.Wait())
}

func TestMigrateGoesOnWhereItStopped(t *testing.T) {
	admin := pgtest.New(t)
	files := fstest.MapFS{"sql/00001_a.sql": {Data: []byte("-- +goose Up\ncreate table a (id uuid primary key, org_id uuid not null);")}}
	own := postgres.MigrationSet{Name: "own", FS: files, Dir: "sql"}
	must(t, postgres.Migrate(t.Context(), admin, "ward", own))
	conn := connect(t, admin)
	org := events.NewID()
	_, err := conn.Exec(t.Context(), "insert into ward.a select gen_random_uuid(), $1::text::uuid", org.String())
	must(t, err)

	files["sql/00002_b.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nnonsense;")}
	if err := postgres.Migrate(t.Context(), admin, "ward", own); err == nil || !strings.Contains(err.Error(), "set own") {
		t.Fatalf("a migration that fails: %v", err)
	}
	// A migration sees the rows of all organizations, forced security or not.
	files["sql/00002_b.sql"] = &fstest.MapFile{Data: []byte(`-- +goose Up
create table b (id uuid primary key, org_id uuid not null);
insert into b select id, org_id from a;`)}
	must(t, postgres.Migrate(t.Context(), admin, "ward", own))
	must(t, postgres.Migrate(t.Context(), admin, "ward", own))
	db, err := postgres.Open(t.Context(), admin, "ward", postgres.Options{})
	must(t, err)
	defer db.Close()
	must(t, db.Tx(t.Context(), org, func(tx pgx.Tx) error {
		if got := value[int](t, tx, "select count(*) from b"); got != 1 {
			t.Errorf("the second migration copied %d rows, want 1", got)
		}
		return nil
	}))
}

func TestSecure(t *testing.T) {
	db := pgtest.DB(t, "ward", notes, set("more", `
create table access (id uuid primary key, org_id uuid not null);
grant select, insert on access to handoff_ward;
create table country (code text primary key);
insert into country values ('US');
grant select on country to handoff_ward;
create table log (id uuid, org_id uuid not null, at date not null) partition by range (at);
create table log_2030 partition of log for values from ('2030-01-01') to ('2031-01-01');
create view recent with (security_invoker = true) as select * from note;
create table serial (n serial primary key, org_id uuid not null);
-- +goose StatementBegin
create function peek() returns bigint language sql security definer as 'select count(*) from ward.note';
-- +goose StatementEnd
`))
	org := events.NewID()
	must(t, add(t, db, org))
	must(t, add(t, db, events.NewID()))
	may := func(sql string) {
		t.Helper()
		if err := db.Tx(t.Context(), org, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql); return err }); err != nil {
			t.Errorf("%s: %v, want it allowed", sql, err)
		}
	}
	mayNot := func(sql string) {
		t.Helper()
		err := db.Tx(t.Context(), org, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql); return err })
		if code(err) != insufficientPrivilege {
			t.Errorf("%s: %v, want it refused", sql, err)
		}
	}
	own := "'" + org.String() + "'"
	mayNot("select from lease") // no organization: the system's
	may("insert into access values (gen_random_uuid(), " + own + ")")
	mayNot("update access set id = id") // the migration granted less
	mayNot("delete from access")
	may("select from country") // the migration granted it
	mayNot("insert into country values ('XX')")
	may("insert into log values (gen_random_uuid(), " + own + ", '2030-05-05')")
	mayNot("insert into log values (gen_random_uuid(), gen_random_uuid(), '2030-05-05')")
	mayNot("select from log_2030") // past the table's policy
	may("insert into serial (org_id) values (" + own + ")")
	mayNot("truncate note")

	must(t, db.Tx(t.Context(), org, func(tx pgx.Tx) error {
		if got := value[int](t, tx, "select count(*) from recent"); got != 1 {
			t.Errorf("the view shows %d rows, want the organization's one", got)
		}
		// A function of the owner must not become a hole when someone forgets what it is.
		if got := value[int](t, tx, "select peek()"); got != 0 {
			t.Errorf("a function that runs as the owner shows %d rows", got)
		}
		return nil
	}))
	must(t, db.SystemTx(t.Context(), func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "insert into lease values (1); insert into country values ('XX'); truncate note")
		return err
	}))
}

func TestSecureRefuses(t *testing.T) {
	tests := []struct{ name, sql, want string }{
		{"a view that runs as its owner", "create view every as select * from note;", "security_invoker"},
		{"an organization that may be missing", "create table t (org_id uuid);", "uuid not null"},
		{"an organization that is no id", "create table t (org_id text not null);", "uuid not null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := postgres.Migrate(t.Context(), pgtest.New(t), "ward", notes, set("bad", tt.sql))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Migrate: %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMigrateNeedsNoSuperuser(t *testing.T) {
	admin := pgtest.New(t)
	forget(t, admin, "modest")
	conn := connect(t, admin)
	for _, login := range []struct{ name, powers string }{{"modest_maker", "createrole"}, {"modest_nobody", ""}} {
		_, err := conn.Exec(t.Context(), fmt.Sprintf("drop role if exists %s; create role %s login %s", login.name, login.name, login.powers))
		must(t, err)
		t.Cleanup(func() {
			_, err := conn.Exec(context.Background(), fmt.Sprintf("drop owned by %s cascade; drop role %s", login.name, login.name))
			if err != nil {
				t.Error(err)
			}
		})
	}
	_, err := conn.Exec(t.Context(), fmt.Sprintf("grant create on database %s to modest_maker", conn.Config().Database))
	must(t, err)
	as := func(user string) string {
		u, err := url.Parse(admin)
		must(t, err)
		u.User = url.UserPassword(user, "secret")
		return u.String()
	}
	err = postgres.Migrate(t.Context(), as("modest_nobody"), "modest", notes)
	if err == nil || !strings.Contains(err.Error(), `user "modest_nobody" may not set up the database`) {
		t.Errorf("Migrate by a user without powers: %v", err)
	}
	must(t, postgres.Migrate(t.Context(), as("modest_maker"), "modest", notes))
	db, err := postgres.Open(t.Context(), as("modest_maker"), "modest", postgres.Options{})
	must(t, err)
	defer db.Close()
	must(t, add(t, db, events.NewID()))
	if got := value[int](t, db.App, "select count(*) from note"); got != 0 {
		t.Errorf("without an organization: %d rows", got)
	}
}
