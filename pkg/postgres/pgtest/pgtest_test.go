package pgtest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
)

func tables(t *testing.T, url string) (n int) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `select count(*) from pg_tables where schemaname = 'ward' and tablename not like 'goose%'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func set(sql string) postgres.MigrationSet {
	return postgres.MigrationSet{Name: "own", FS: fstest.MapFS{"00001_own.sql": {Data: []byte("-- +goose Up\n" + sql)}}}
}

func TestDatabasesAreTheTestsOwn(t *testing.T) {
	one := set("create table a (id int);")
	first := pgtest.DB(t, "ward", one)
	if _, err := first.System.Exec(t.Context(), "insert into a values (1)"); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := pgtest.DB(t, "ward", one).System.QueryRow(t.Context(), "select count(*) from a").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != 0 {
		t.Errorf("the second database holds %d rows of the first", rows)
	}
}

func TestTemplateFollowsTheMigrations(t *testing.T) {
	if got := tables(t, pgtest.New(t)); got != 0 {
		t.Errorf("an empty database has %d tables", got)
	}
	for _, tt := range []struct {
		sets []postgres.MigrationSet
		want int
	}{
		{nil, 0},
		{[]postgres.MigrationSet{set("create table a (id int);")}, 1},
		{[]postgres.MigrationSet{set("create table a (id int); create table b (id int);")}, 2},
	} {
		for range 2 {
			if got := tables(t, pgtest.URL(t, "ward", tt.sets...)); got != tt.want {
				t.Errorf("%d tables, want %d", got, tt.want)
			}
		}
	}
}

// TestWithoutPrograms runs the test above in a binary that finds no PostgreSQL.
func TestWithoutPrograms(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestDatabasesAreTheTestsOwn$")
	cmd.Env = append(os.Environ(), "PG_BIN="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("the tests pass without PostgreSQL:\n%s", out)
	}
	if !strings.Contains(string(out), "pgtest: private PostgreSQL: PG_BIN") {
		t.Errorf("the tests do not say what is missing:\n%s", out)
	}
}
