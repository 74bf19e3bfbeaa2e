package checks

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/private"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
)

// cluster is a PostgreSQL of the test's own with an empty database handoff: roles are the whole server's.
type cluster struct {
	*private.Server
	dir string
}

func newCluster(t *testing.T) cluster {
	t.Helper()
	dir := t.TempDir()
	// Where the tests run as root PostgreSQL has a user of its own, who must pass: without that its data
	// would go to /var/tmp, and stay there.
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	s, err := private.Start(t.Context(), private.Options{Dir: dir, NoInstall: true, Settings: map[string]string{"fsync": "off", "log_statement": "ddl"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	c := cluster{s, dir}
	admin := c.connect(t, "postgres", "postgres")
	if _, err := admin.Exec(t.Context(), "create database handoff"); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c cluster) connect(t *testing.T, user, db string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.URL(user, db))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// roles runs deploy/postgres/roles.sh.
func (c cluster) roles(t *testing.T, secrets string) {
	t.Helper()
	u, err := url.Parse(c.URL("postgres", "handoff"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "../postgres/roles.sh")
	cmd.Env = append(os.Environ(), "PATH="+psqlPath(t), "SECRETS="+secrets, "PGHOST="+u.Query().Get("host"), "PGPORT="+u.Query().Get("port"), "PGUSER=postgres", "PGDATABASE=handoff")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("roles.sh: %v\n%s", err, out)
	}
}

// psqlPath is a PATH with psql: Debian keeps the server's programs out of the usual one.
func psqlPath(t *testing.T) string {
	t.Helper()
	path := os.Getenv("PATH")
	if _, err := exec.LookPath("psql"); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	if len(found) == 0 {
		t.Fatal("psql is needed: on Debian, apt-get install postgresql-client")
	}
	return path + ":" + filepath.Dir(found[len(found)-1])
}

func sets() []postgres.MigrationSet {
	return []postgres.MigrationSet{outbox.Migrations(), bus.Migrations(), timer.Migrations(), web.Migrations()}
}

func TestEachLoginHasItsSchemaAndNoOther(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	dir := filepath.Join(t.TempDir(), "secrets")
	copySecrets(t, dir)
	c.roles(t, dir)
	c.roles(t, dir)
	for _, service := range ours(t) {
		at := c.URL("handoff_"+service+"_login", "handoff")
		if err := postgres.Migrate(t.Context(), at, service, sets()...); err != nil {
			t.Fatalf("%s cannot migrate: %v", service, err)
		}
	}
	c.roles(t, dir) // and after the services were there
	for _, service := range ours(t) {
		checkLogin(t, c, service)
	}
	checkPasswords(t, c, dir)
	checkRestore(t, c)
}

func checkLogin(t *testing.T, c cluster, service string) {
	t.Helper()
	login := "handoff_" + service + "_login"
	db, err := postgres.Open(t.Context(), c.URL(login, "handoff"), service, postgres.Options{MaxConns: 1})
	if err != nil {
		t.Fatalf("%s cannot serve: %v", service, err)
	}
	defer db.Close()
	if err := db.System.QueryRow(t.Context(), "select count(*) from event_log").Scan(new(int)); err != nil {
		t.Errorf("%s does not see its own schema: %v", service, err)
	}
	other := "admission"
	if service == other {
		other = "discharge"
	}
	conn := c.connect(t, login, "handoff")
	for _, statement := range []string{
		"select from " + service + ".event_log", // not without taking on a role
		"set role handoff_" + other,
		"set role handoff_" + other + "_system",
		"set role handoff_" + other + "_owner",
		"set role handoff_" + service + "_owner; select from " + other + ".event_log",
		"set role handoff_" + service + "_system; select from " + other + ".event_log",
		"create table public.mine (a int)",
		"create role friend",
		"create temporary table mine (a int)",
	} {
		_, err := conn.Exec(t.Context(), statement)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("%s: %s: %v, want that it may not", login, statement, err)
		}
		if _, err := conn.Exec(t.Context(), "reset role"); err != nil {
			t.Fatal(err)
		}
	}
}

// checkPasswords wants the passwords in the server, as verifiers, and none in its log.
func checkPasswords(t *testing.T, c cluster, dir string) {
	t.Helper()
	admin := c.connect(t, "postgres", "handoff")
	var with int
	if err := admin.QueryRow(t.Context(), `select count(*) from pg_authid where rolname like 'handoff\_%\_login' and rolpassword like 'SCRAM-SHA-256$%' and rolcanlogin and not rolinherit`).Scan(&with); err != nil {
		t.Fatal(err)
	}
	if with != len(ours(t)) {
		t.Errorf("%d logins of services have passwords, want %d", with, len(ours(t)))
	}
	log, err := os.ReadFile(filepath.Join(c.dir, "postgres.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "create database handoff") {
		t.Error("the log does not show statements, so this test sees nothing")
	}
	for _, service := range ours(t) {
		text, err := os.ReadFile(filepath.Join(dir, service+".pgpass"))
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Split(strings.TrimSpace(string(text)), ":")
		if strings.Contains(string(log), fields[4]) {
			t.Errorf("the log holds the password of %s", service)
		}
	}
}

// checkRestore runs what docs/operate.md says to run after a restore.
func checkRestore(t *testing.T, c cluster) {
	t.Helper()
	_, section, found := strings.Cut(read(t, "docs/operate.md"), "\n## Restore\n")
	block := regexp.MustCompile("(?s)```sql\n(.*?)```").FindStringSubmatch(section)
	if !found || block == nil {
		t.Fatal("docs/operate.md has no SQL under Restore")
	}
	admin := c.connect(t, "postgres", "handoff")
	if _, err := admin.Exec(t.Context(), block[1]); err != nil {
		t.Fatal(err)
	}
	for _, service := range ours(t) {
		var next int64
		if err := admin.QueryRow(t.Context(), "select nextval(pg_get_serial_sequence($1, 'sequence'))", service+".event_log").Scan(&next); err != nil {
			t.Fatal(err)
		}
		if next <= 1_000_000_000 {
			t.Errorf("the next sequence of %s is %d: it was not moved", service, next)
		}
	}
}
