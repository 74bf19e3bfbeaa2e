package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/private"
)

// Guard is the function that a goleak check ignores, with
// goleak.IgnoreAnyFunction(pgtest.Guard).
const Guard = "github.com/handoff-care/handoff/pkg/postgres/private.(*Server).run"

// New returns the URL of an empty database, as superuser. The database goes after
// the test, with whoever is still connected.
func New(t testing.TB) (adminURL string) {
	t.Helper()
	return shared(t).create(t, "template1")
}

// DB returns service's door to a database of its own, migrated with sets and
// secured. Both go after the test.
func DB(t testing.TB, service string, sets ...postgres.MigrationSet) *postgres.DB {
	t.Helper()
	url := URL(t, service, sets...)
	db, err := postgres.Open(context.Background(), url, service, postgres.Options{})
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}

// URL is like DB, but returns the URL of the migrated database, as superuser: for
// a test that opens it itself, or looks at it past the policies.
func URL(t testing.TB, service string, sets ...postgres.MigrationSet) (adminURL string) {
	t.Helper()
	s := shared(t)
	template, err := s.template(service, sets)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return s.create(t, template)
}

// server is the one server of this test binary.
type server struct {
	*private.Server
	lock  *os.File // on the data directory, until this binary ends
	names atomic.Int64

	mu        sync.Mutex // guards what follows
	admin     *pgx.Conn
	templates map[string]bool

	dropping sync.Mutex // one at a time: the tests go first
}

var shared = func() func(testing.TB) *server {
	once := sync.OnceValues(start)
	return func(t testing.TB) *server {
		t.Helper()
		s, err := once()
		if err != nil {
			t.Fatalf("pgtest: %v", err)
		}
		return s
	}
}()

// settings of a server whose data nobody will miss.
var settings = map[string]string{
	"fsync":              "off",
	"full_page_writes":   "off",
	"synchronous_commit": "off",
	"shared_buffers":     "64MB",
	"wal_buffers":        "4MB",
	"min_wal_size":       "64MB",
	"max_wal_size":       "256MB",
	"checkpoint_timeout": "1h",
	"autovacuum_naptime": "1min",
}

// start takes the first free data directory and starts a server on it.
func start() (*server, error) {
	base := filepath.Join(os.TempDir(), fmt.Sprintf("handoff-pgtest-%d", os.Getuid()))
	if err := os.MkdirAll(base, 0o711); err != nil {
		return nil, err
	}
	for slot := 0; ; slot++ {
		dir := filepath.Join(base, fmt.Sprint(slot))
		lock, err := os.OpenFile(dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			_ = lock.Close() // another test binary's
			continue
		}
		s, err := startSlot(dir)
		if err != nil && os.RemoveAll(dir) == nil {
			// What a power cut left, or data of another version of PostgreSQL.
			s, err = startSlot(dir)
		}
		if err != nil {
			return nil, err
		}
		s.lock = lock
		return s, nil
	}
}

func startSlot(dir string) (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	run, err := private.Start(ctx, private.Options{Dir: dir, Settings: settings, NoInstall: true})
	if err != nil {
		return nil, err
	}
	admin, err := pgx.Connect(ctx, run.URL("postgres", "postgres"))
	if err != nil {
		return nil, err
	}
	s := &server{Server: run, admin: admin, templates: map[string]bool{}}
	return s, s.sweep(ctx)
}

// keep is how many templates stay in a data directory. Each edit of a migration
// leaves one behind.
const keep = 24

// sweep drops what earlier binaries left behind, and notes their templates.
func (s *server) sweep(ctx context.Context) error {
	rows, err := s.admin.Query(ctx, `select datname from pg_database where datname ~ '^(test|made|half)_' order by oid desc`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, "made_") && len(s.templates) < keep {
			s.templates[name] = true
			continue
		}
		if err := drop(ctx, s.admin, name); err != nil {
			return err
		}
	}
	return nil
}

func drop(ctx context.Context, admin *pgx.Conn, name string) error {
	_, err := admin.Exec(ctx, fmt.Sprintf("drop database if exists %s with (force)", name))
	return err
}

// forget drops a test's database in the background: the server takes 100 ms over
// one that someone has only just left. What is not done when the binary ends, the
// next one sweeps.
func (s *server) forget(name string) {
	s.dropping.Lock()
	defer s.dropping.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	admin, err := pgx.Connect(ctx, s.URL("postgres", "postgres"))
	if err != nil {
		return
	}
	_ = drop(ctx, admin, name)
	_ = admin.Close(ctx)
}

// create makes a database for t by copying template's files.
func (s *server) create(t testing.TB, template string) (url string) {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.names.Add(1))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.copy(context.Background(), name, template); err != nil {
		t.Fatalf("pgtest: create a database: %v", err)
	}
	t.Cleanup(func() { go s.forget(name) })
	return s.URL("postgres", name)
}

// copy makes the database name by copying template's files. The caller holds mu.
func (s *server) copy(ctx context.Context, name, template string) error {
	_, err := s.admin.Exec(ctx, fmt.Sprintf("create database %s template %s strategy file_copy", name, template))
	return err
}

// template is the database that a migrated schema is copied from. It is made
// under another name, so that one cut short is never taken for it.
func (s *server) template(service string, sets []postgres.MigrationSet) (string, error) {
	key, err := fingerprint(service, sets)
	if err != nil {
		return "", err
	}
	name, half := "made_"+key, "half_"+key
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.templates[name] {
		return name, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.copy(ctx, half, "template1"); err != nil {
		return "", err
	}
	if err := postgres.Migrate(ctx, s.URL("postgres", half), service, sets...); err != nil {
		return "", errors.Join(err, drop(ctx, s.admin, half))
	}
	if _, err := s.admin.Exec(ctx, fmt.Sprintf("alter database %s rename to %s", half, name)); err != nil {
		return "", err
	}
	s.templates[name] = true
	return name, nil
}

// fingerprint is a short hash of all that the template's content follows from.
func fingerprint(service string, sets []postgres.MigrationSet) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", service, postgres.Scripts())
	for _, set := range sets {
		dir := set.Dir
		if dir == "" {
			dir = "."
		}
		fmt.Fprintf(h, "set %s\n", set.Name)
		err := fs.WalkDir(set.FS, dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(set.FS, path)
			fmt.Fprintf(h, "file %s %d\n%s", path, len(text), text)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:10]), nil
}
