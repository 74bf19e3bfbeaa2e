package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/cmd/handoff/internal/floor"
	"github.com/handoff-care/handoff/cmd/handoff/internal/instance"
)

// child is a process of this same program.
type child struct {
	cmd      *exec.Cmd
	postgres int
	done     chan error
}

func spawn(args ...string) (*child, *os.File, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	c := &child{cmd: exec.Command(self, args...), done: make(chan error, 1)}
	c.cmd.Stdout, c.cmd.Stderr = w, os.Stderr
	if err := c.cmd.Start(); err != nil {
		return nil, nil, err
	}
	_ = w.Close()
	go func() { c.done <- c.cmd.Wait() }()
	return c, r, nil
}

func (c *child) stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-c.done:
		return err
	case <-time.After(30 * time.Second):
		_ = c.cmd.Process.Kill()
		return errors.New("it did not stop in 30 s")
	}
}

func (c *child) processes() map[string][]int {
	return map[string][]int{"program": {c.cmd.Process.Pid}, "postgres": family(c.postgres), "load": {os.Getpid()}}
}

// floorTarget is the floor as a child.
type floorTarget struct {
	*child
	at   FloorInfo
	last quantiles
}

// FloorInfo is what the floor's process prints when it is ready.
type FloorInfo struct {
	MLLP     string `json:"mllp"`
	Stats    string `json:"stats"`
	Postgres int    `json:"postgres"`
}

func startFloor(ctx context.Context, dir string) (*floorTarget, error) {
	c, out, err := spawn("floor", "--data", dir)
	if err != nil {
		return nil, err
	}
	t := &floorTarget{child: c}
	if err := json.NewDecoder(out).Decode(&t.at); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	c.postgres = t.at.Postgres
	return t, ctx.Err()
}

func (t *floorTarget) name() string { return "floor" }
func (t *floorTarget) mllp() string { return t.at.MLLP }

func (t *floorTarget) stats(ctx context.Context, query string) (s floor.Stats, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.at.Stats+query, nil)
	if err != nil {
		return s, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, err
	}
	defer res.Body.Close()
	return s, json.NewDecoder(res.Body).Decode(&s)
}

func (t *floorTarget) begin(ctx context.Context) error {
	_, err := t.stats(ctx, "?reset")
	return err
}

func (t *floorTarget) rest(ctx context.Context) error {
	for ctx.Err() == nil {
		s, err := t.stats(ctx, "")
		if err != nil {
			return err
		}
		if s.Handled == s.Accepted {
			t.last = quantiles{int(s.Tasks) / 5, s.TaskP50, s.TaskP99}
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return ctx.Err()
}

func (t *floorTarget) latency() quantiles { return t.last }

// systemTarget is `handoff run --dev` as a child.
type systemTarget struct {
	*child
	info   instance.Info
	db     *pgx.Conn
	schema []string
	stream *stream
}

func startSystem(ctx context.Context, dir string) (*systemTarget, error) {
	c, out, err := spawn("run", "--dev", "--demo=false", "--data", dir, "--http", freeAddr(), "--mllp", freeAddr(), "--log-level", "warn")
	if err != nil {
		return nil, err
	}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
		}
	}()
	t := &systemTarget{child: c}
	if err := t.await(ctx, dir); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return t, nil
}

func (t *systemTarget) await(ctx context.Context, dir string) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		info, running, err := instance.Read(dir)
		if err != nil || time.Now().After(deadline) {
			return fmt.Errorf("it was not ready in a minute: %w", err)
		}
		if running && info.PID == t.cmd.Process.Pid {
			t.info = info
			break
		}
	}
	if err := t.connect(ctx, dir); err != nil {
		return err
	}
	token, err := tokenOf(ctx, dir)
	if err != nil {
		return err
	}
	t.stream, err = listen(ctx, t.info.HTTP, token)
	return err
}

// connect finds the private PostgreSQL of the instance by its pid file.
func (t *systemTarget) connect(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*", "postmaster.pid"))
	more, merr := filepath.Glob(filepath.Join(dir, "*", "*", "postmaster.pid"))
	if files = append(files, more...); len(files) == 0 {
		return errors.Join(errors.New("no running PostgreSQL below the data directory"), err, merr)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	lines := strings.Split(string(text), "\n")
	t.postgres, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	at := fmt.Sprintf("host=%s port=%s user=postgres dbname=", strings.TrimSpace(lines[4]), strings.TrimSpace(lines[3]))
	conn, err := pgx.Connect(ctx, at+"postgres")
	if err != nil {
		return err
	}
	var db string
	err = conn.QueryRow(ctx, `SELECT coalesce((SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' LIMIT 1), 'postgres')`).Scan(&db)
	_ = conn.Close(ctx)
	if err != nil {
		return err
	}
	if t.db, err = pgx.Connect(ctx, at+db); err != nil {
		return err
	}
	rows, err := t.db.Query(ctx, `SELECT table_schema FROM information_schema.tables WHERE table_name = 'outbox' ORDER BY 1`)
	if err != nil {
		return err
	}
	t.schema, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return err
}

func (t *systemTarget) name() string { return "handoff" }
func (t *systemTarget) mllp() string { return t.info.MLLP }

func (t *systemTarget) begin(context.Context) error {
	t.stream.reset()
	return nil
}

// rest returns when nothing is kept and not applied, no event is unpublished, and no consumer has
// moved for a fifth of a second; that fifth is taken off by nobody: it is the same for every run.
func (t *systemTarget) rest(ctx context.Context) error {
	var q strings.Builder
	q.WriteString(`SELECT '' `)
	for _, s := range t.schema {
		fmt.Fprintf(&q, `|| (SELECT count(*) FROM %s.outbox)::text || ',' || (SELECT coalesce(sum(handled), 0) || ',' || coalesce(sum(position), 0) FROM %s.subscription) || ';' || (SELECT coalesce(max(version), 0) FROM (SELECT version FROM %s.event_log ORDER BY sequence DESC LIMIT 1) x) || ';'`, s, s, s)
	}
	last, same := "", 0
	for ctx.Err() == nil {
		var now string
		if err := t.db.QueryRow(ctx, q.String()).Scan(&now); err != nil {
			return err
		}
		if now == last && allZero(now) {
			if same++; same == 4 {
				return nil
			}
		} else {
			same = 0
		}
		last = now
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

// allZero tells whether every schema's outbox (the first figure of every second part) is empty.
func allZero(state string) bool {
	for i, part := range strings.Split(strings.TrimSuffix(state, ";"), ";") {
		if i%2 == 0 && !strings.HasPrefix(part, "0,") {
			return false
		}
	}
	return true
}

func (t *systemTarget) latency() quantiles { return t.stream.quantiles() }

func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer l.Close()
	return l.Addr().String()
}

func tokenOf(ctx context.Context, dir string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, self, "token", "--role", "liaison", "--data", dir).Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(lines[len(lines)-1]), err
}

// stream listens to alerts as a liaison's browser does.
type stream struct {
	mu   sync.Mutex
	late []time.Duration
}

func listen(ctx context.Context, base, token string) (*stream, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/notification/stream", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the stream answered %s", res.Status)
	}
	s := &stream{}
	go s.read(res)
	return s, nil
}

func (s *stream) read(res *http.Response) {
	defer res.Body.Close()
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		data, ok := strings.CutPrefix(in.Text(), "data: ")
		if !ok {
			continue
		}
		now := time.Now()
		var e struct {
			Kind       string    `json:"kind"`
			State      string    `json:"state"`
			ReceivedAt time.Time `json:"received_at"`
		}
		if json.Unmarshal([]byte(data), &e) != nil || e.Kind != "transition-opened" || e.State != "raised" {
			continue
		}
		s.mu.Lock()
		s.late = append(s.late, now.Sub(e.ReceivedAt))
		s.mu.Unlock()
	}
}

func (s *stream) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = nil
}

func (s *stream) quantiles() quantiles {
	s.mu.Lock()
	defer s.mu.Unlock()
	return quantilesOf(s.late)
}
