package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
)

const (
	insufficientPrivilege = "42501"
	undefinedTable        = "42P01"
)

// set is a migration set with one file.
func set(name, sql string) postgres.MigrationSet {
	return postgres.MigrationSet{Name: name, FS: fstest.MapFS{"00001_first.sql": {Data: []byte("-- +goose Up\n" + sql)}}}
}

var notes = set("notes", `
create table note (id uuid primary key, org_id uuid not null, text text not null default '');
create table lease (part int primary key);
`)

// code is the SQLSTATE of err.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// querier is a pool, a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func value[T any](t *testing.T, q querier, sql string, args ...any) (v T) {
	t.Helper()
	if err := q.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func add(t *testing.T, db *postgres.DB, org events.ID) error {
	t.Helper()
	return db.Tx(t.Context(), org, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "insert into note (id, org_id) values ($1, $2)", events.NewID(), org)
		return err
	})
}

// must fails the test at once on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestTransactionSeesOneOrganization(t *testing.T) {
	db := pgtest.DB(t, "ward", notes)
	a, b := events.NewID(), events.NewID()
	must(t, add(t, db, a))
	must(t, add(t, db, b))
	must(t, add(t, db, b))
	for org, want := range map[events.ID]int{a: 1, b: 2, events.NewID(): 0, {}: 0} {
		must(t, db.Tx(t.Context(), org, func(tx pgx.Tx) error {
			if got := value[int](t, tx, "select count(*) from note"); got != want {
				t.Errorf("organization %q sees %d rows, want %d", org, got, want)
			}
			return nil
		}))
	}
	must(t, db.SystemTx(t.Context(), func(tx pgx.Tx) error {
		if got := value[int](t, tx, "select count(*) from note"); got != 3 {
			t.Errorf("the system sees %d rows, want all 3", got)
		}
		return nil
	}))
}

func TestTransactionWritesOneOrganization(t *testing.T) {
	db := pgtest.DB(t, "ward", notes)
	a, b := events.NewID(), events.NewID()
	must(t, add(t, db, a))
	must(t, add(t, db, b))
	for _, sql := range []string{
		"insert into note (id, org_id) values (gen_random_uuid(), $1)",
		"update note set org_id = $1",
	} {
		err := db.Tx(t.Context(), a, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql, b)
			return err
		})
		if code(err) != insufficientPrivilege {
			t.Errorf("%s of another organization: %v, want it refused", sql, err)
		}
	}
	must(t, db.Tx(t.Context(), a, func(tx pgx.Tx) error {
		for _, sql := range []string{"update note set text = 'x' where org_id = $1", "delete from note where org_id = $1"} {
			tag, err := tx.Exec(t.Context(), sql, b)
			must(t, err)
			if tag.RowsAffected() != 0 {
				t.Errorf("%s touched %d rows of another organization", sql, tag.RowsAffected())
			}
		}
		return nil
	}))
}

func TestPooledConnectionForgetsTheOrganization(t *testing.T) {
	admin := pgtest.URL(t, "ward", notes)
	db, err := postgres.Open(t.Context(), admin, "ward", postgres.Options{MaxConns: 1})
	must(t, err)
	defer db.Close()
	a := events.NewID()
	if got := value[int](t, db.App, "select count(*) from note"); got != 0 {
		t.Errorf("before any organization: %d rows", got)
	}
	must(t, add(t, db, a))
	failed := errors.New("failed")
	for _, end := range []error{nil, failed} {
		err := db.Tx(t.Context(), a, func(tx pgx.Tx) error {
			if got := value[int](t, tx, "select count(*) from note"); got != 1 {
				t.Errorf("its own organization sees %d rows, want 1", got)
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Errorf("Tx returned %v, want %v", err, end)
		}
		if got := value[int](t, db.App, "select count(*) from note"); got != 0 {
			t.Errorf("the connection carried the organization on: %d rows", got)
		}
		if _, err := db.App.Exec(t.Context(), "insert into note (id, org_id) values (gen_random_uuid(), $1)", a); code(err) != insufficientPrivilege {
			t.Errorf("insert without an organization: %v, want it refused", err)
		}
	}
}

func TestPanicRollsBackAndGoesOn(t *testing.T) {
	admin := pgtest.URL(t, "ward", notes)
	db, err := postgres.Open(t.Context(), admin, "ward", postgres.Options{MaxConns: 1})
	must(t, err)
	defer db.Close()
	a := events.NewID()
	func() {
		defer func() {
			if recover() != "halfway" {
				t.Error("the panic did not go on")
			}
		}()
		_ = db.Tx(t.Context(), a, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "insert into note (id, org_id) values (gen_random_uuid(), $1)", a)
			must(t, err)
			panic("halfway")
		})
	}()
	must(t, db.SystemTx(t.Context(), func(tx pgx.Tx) error {
		if got := value[int](t, tx, "select count(*) from note"); got != 0 {
			t.Errorf("%d rows of the transaction that panicked", got)
		}
		return nil
	}))
	must(t, add(t, db, a)) // the one connection is free again
}

func TestServiceSeesItsOwnSchemaOnly(t *testing.T) {
	admin := pgtest.New(t)
	must(t, postgres.Migrate(t.Context(), admin, "ward", notes))
	must(t, postgres.Migrate(t.Context(), admin, "pharmacy", set("drugs", "create table drug (id uuid primary key, org_id uuid not null);")))
	db, err := postgres.Open(t.Context(), admin, "ward", postgres.Options{})
	must(t, err)
	defer db.Close()
	for name, pool := range map[string]querier{"app": db.App, "system": db.System} {
		for sql, want := range map[string]string{
			"select from pharmacy.drug":                   insufficientPrivilege,
			"select from drug":                            undefinedTable,
			"set role handoff_pharmacy":                   insufficientPrivilege,
			"set role handoff_ward_owner":                 insufficientPrivilege,
			"create table mine ()":                        insufficientPrivilege,
			"alter table note disable row level security": insufficientPrivilege,
			"drop table note":                             insufficientPrivilege,
			"select from goose_notes":                     insufficientPrivilege,
			"create role friend":                          insufficientPrivilege,
		} {
			if _, err := pool.Exec(t.Context(), sql); code(err) != want {
				t.Errorf("%s: %s: %v, want code %s", name, sql, err, want)
			}
		}
		owned := value[int](t, pool, `select count(*) from pg_class where pg_get_userbyid(relowner) in ('handoff_ward', 'handoff_ward_system')`)
		if owned != 0 {
			t.Errorf("%s: the service's roles own %d relations", name, owned)
		}
		if value[bool](t, pool, "select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb from pg_roles where rolname = current_user") {
			t.Errorf("%s: the role has powers", name)
		}
	}
	if _, err := db.App.Exec(t.Context(), "set role handoff_ward_system"); code(err) != insufficientPrivilege {
		t.Errorf("the service's role takes on the system's: %v", err)
	}
}

func TestConnectionActsAsTheRole(t *testing.T) {
	admin := pgtest.URL(t, "ward", notes)
	conn := connect(t, admin)
	_, err := conn.Exec(t.Context(), "drop role if exists ward_login; create role ward_login login in role handoff_ward, handoff_ward_system")
	must(t, err)
	t.Cleanup(func() {
		if _, err := conn.Exec(context.Background(), "drop role ward_login"); err != nil {
			t.Error(err)
		}
	})
	as := func(login *url.Userinfo) string {
		u, err := url.Parse(admin)
		must(t, err)
		u.User = login
		return u.String()
	}
	tests := []struct {
		name string
		url  string
		want string // the session's user
	}{
		{"the private server's superuser", admin, "handoff_ward"},
		{"a superuser with a password", as(url.UserPassword("postgres", "secret")), "postgres"},
		{"a member of both roles, with a password", as(url.UserPassword("ward_login", "secret")), "ward_login"},
		{"the role itself", as(url.User("handoff_ward")), "handoff_ward"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, err := postgres.Open(t.Context(), tt.url, "ward", postgres.Options{SystemURL: admin})
			must(t, err)
			defer db.Close()
			if got := value[string](t, db.App, "select session_user || ' as ' || current_user"); got != tt.want+" as handoff_ward" {
				t.Errorf("App is %s", got)
			}
			if got := value[string](t, db.System, "select current_user::text"); got != "handoff_ward_system" {
				t.Errorf("System is %s", got)
			}
			must(t, add(t, db, events.NewID()))
			if got := value[int](t, db.App, "select count(*) from note"); got != 0 {
				t.Errorf("without an organization: %d rows", got)
			}
		})
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	admin := pgtest.New(t)
	u, err := url.Parse(admin)
	must(t, err)
	u.User = url.UserPassword("postgres", "secret")
	tests := []struct{ name, url, service, want string }{
		{"the schema's roles are missing", u.String(), "nowhere", "run the migrations"},
		{"the url cannot be read", "postgres://ward:secret@[::/db", "ward", "cannot be read"},
		{"the service's name is none", admin, "ward; drop table note", "no service name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), tt.url, tt.service, postgres.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Open: %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

// What the server offers is what sessions use: lz4 where it was built with it, its default elsewhere.
func TestLongValuesAreCompressedFast(t *testing.T) {
	db := pgtest.DB(t, "ward", notes)
	for name, pool := range map[string]querier{"app": db.App, "system": db.System} {
		best := value[string](t, pool, `SELECT CASE WHEN 'lz4' = ANY (enumvals) THEN 'lz4' ELSE reset_val END
			FROM pg_settings WHERE name = 'default_toast_compression'`)
		if got := value[string](t, pool, `SHOW default_toast_compression`); got != best {
			t.Errorf("%s sessions compress with %s; the server has %s", name, got, best)
		}
	}
}

func TestNothingLastsForEver(t *testing.T) {
	db := pgtest.DB(t, "ward", notes)
	for name, pool := range map[string]querier{"app": db.App, "system": db.System} {
		for _, limit := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
			if got := value[string](t, pool, "select current_setting($1)", limit); got == "0" {
				t.Errorf("%s has no %s", name, limit)
			}
		}
		if got := value[string](t, pool, "select current_setting('search_path') || ' ' || current_setting('timezone')"); got != "ward UTC" {
			t.Errorf("%s has search path and zone %q", name, got)
		}
	}
}

func TestIdsTravelAsTheyAre(t *testing.T) {
	db := pgtest.DB(t, "ward", notes)
	a, b := events.NewID(), events.NewID()
	for name, ids := range map[string][]events.ID{"several": {a, b}, "one": {a}, "none": {}, "with a zero id": {a, {}, b}} {
		got := value[[]events.ID](t, db.App, "select $1::uuid[]", ids)
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Errorf("%s (-sent +received):\n%s", name, diff)
		}
	}
	if got := value[string](t, db.App, "select $1::uuid::text", a); got != a.String() {
		t.Errorf("id %s arrives as %s", a, got)
	}
	if got := value[events.ID](t, db.App, "select $1::uuid", b.String()); got != b {
		t.Errorf("text %s arrives as id %s", b, got)
	}
	if got := value[int](t, db.App, "select count(i) from unnest($1::uuid[]) i", []events.ID{a, {}}); got != 1 {
		t.Errorf("%d ids of an id and a zero id, want the zero id to be null", got)
	}
	if !value[bool](t, db.App, "select $1::uuid is null and $2::uuid[] is null", events.ID{}, []events.ID(nil)) {
		t.Error("the zero id and the nil slice are not null")
	}
	if got := value[events.ID](t, db.App, "select null::uuid"); !got.IsZero() {
		t.Errorf("null arrives as id %s", got)
	}
}

func TestArraysArriveAsTheyWereSent(t *testing.T) {
	db := pgtest.DB(t, "ward", notes)
	long, empty := strings.Repeat("é\x01,{\"", 3000), ""
	early := time.Date(1899, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	late := time.Date(2026, 11, 22, 3, 4, 5, 6_789, time.FixedZone("", -5*3600))
	doc := `{"a":[1,"ü"]}`
	for _, c := range []struct {
		sql  string
		arg  any
		want []string // the elements' text
	}{
		{"text[]", []string{"", long, "NULL"}, []string{"", long, "NULL"}},
		{"text[]", []*string{&long, nil, &empty}, []string{long, "<null>", ""}},
		{"json[]", []string{doc, "1"}, []string{doc, "1"}},
		{"json[]", []*string{nil, &doc}, []string{"<null>", doc}},
		{"bytea[]", [][]byte{{0, 255}, nil, {}}, []string{`\x00ff`, "<null>", `\x`}},
		{"timestamptz[]", []time.Time{early, late}, []string{"1899-12-31 23:59:59.999999+00", "2026-11-22 08:04:05.000006+00"}},
		{"timestamptz[]", []*time.Time{nil, &late}, []string{"<null>", "2026-11-22 08:04:05.000006+00"}},
		{"uuid[]", []events.ID{{}, {1}}, []string{"<null>", "01000000-0000-0000-0000-000000000000"}},
		{"text[]", []string{}, []string{}},
		{"int[]", []int32{7, -1}, []string{"7", "-1"}}, // the default way
	} {
		err := db.SystemTx(t.Context(), func(tx pgx.Tx) error { // in a transaction, whose buffer is made ready
			got := value[[]string](t, tx, "select coalesce(array_agg(coalesce(x::text, '<null>')), '{}') from unnest($1::"+c.sql+") x", c.arg)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s of %T (-sent +received):\n%s", c.sql, c.arg, diff)
			}
			_, err := tx.Exec(t.Context(), "select $1::"+c.sql+", $2::text[]", c.arg, []string{long})
			return err
		})
		must(t, err)
	}
	if !value[bool](t, db.App, "select $1::text[] is null and $2::timestamptz[] is null", []string(nil), []*time.Time(nil)) {
		t.Error("nil slices are not null")
	}
}
