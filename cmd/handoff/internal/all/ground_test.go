package all

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/run"
)

func start(t *testing.T, data string) *Ground {
	t.Helper()
	g, err := Start(t.Context(), Options{Config: run.Config{Data: data}, Services: []string{"admission", "discharge"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Stop() })
	return g
}

// folder is one that the database's user can reach.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "handoff-ground-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheGroundStandsAndStandsAgain(t *testing.T) {
	data := folder(t)
	first := start(t, data)
	conn, err := pgx.Connect(t.Context(), first.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "create table kept (n int); insert into kept values (1)"); err != nil {
		t.Fatal(err)
	}
	nc, err := first.Connect("admission")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nc.JetStream(); err != nil {
		t.Fatal(err)
	}
	if sum := 2 * first.Stream.MaxBytes; sum <= 0 || sum >= first.broker.StoreLimit() {
		t.Errorf("two streams of %d bytes do not fit below the limit of %d", first.Stream.MaxBytes, first.broker.StoreLimit())
	}
	nc.Close()
	_ = conn.Close(t.Context())
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := start(t, data)
	if conn, err = pgx.Connect(t.Context(), second.DatabaseURL); err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	n := 0
	if err := conn.QueryRow(t.Context(), "select n from kept").Scan(&n); err != nil || n != 1 {
		t.Fatalf("%d, %v: what was committed is gone", n, err)
	}
}

func TestADatabaseThatDiesIsNoticed(t *testing.T) {
	data := folder(t)
	g := start(t, data)
	pid, err := postmaster(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-g.Failed():
		if !strings.Contains(err.Error(), "PostgreSQL") {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody noticed")
	}
}

func postmaster(data string) (int, error) {
	files, err := filepath.Glob(filepath.Join(data, "postgres", "pg*", "postmaster.pid"))
	if err != nil || len(files) != 1 {
		return 0, errors.Join(err, errors.New("no postmaster.pid"))
	}
	text, err := exec.Command("head", "-n", "1", files[0]).Output()
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}
