package private

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrRunning is returned by [Start] while another program uses the data directory.
var ErrRunning = errors.New("the data directory is in use")

// Options of [Start].
type Options struct {
	// Dir holds the data, one folder per major version, and the server's log. It
	// is made if missing.
	Dir string
	// Fetch permits downloading PostgreSQL by npm when none is installed.
	Fetch bool
	// Ask, if set, is asked for that permission when Fetch is false.
	Ask func(question string) bool
	// NoInstall uses what is there and gets nothing: for tests.
	NoInstall bool
	// Log takes what happens on the way; nil discards it.
	Log *slog.Logger
	// Out takes the output of installing programs; nil discards it.
	Out io.Writer
	// Settings add to or replace the server's settings. Turning fsync off is for
	// tests alone.
	Settings map[string]string
}

// Server is a running private PostgreSQL. It is safe for concurrent use.
type Server struct {
	data   string // the data directory, free of links
	socket string // the socket's directory
	log    string // the server's log
	lock   *os.File
	proc   *os.Process

	stopping atomic.Bool
	done     chan struct{}
	err      error // set before done is closed
}

const port = "5432"

// settings of every private server. Two cores, many short transactions, tables
// that are queues. They are given on the command line, so that a data directory
// made by an older version gets the newest.
var settings = map[string]string{
	"listen_addresses":        "",
	"port":                    port, // names the socket
	"unix_socket_permissions": "0700",
	"max_connections":         "200",

	"fsync":              "on",
	"synchronous_commit": "on",
	"wal_level":          "minimal", // nobody replicates a private server
	"max_wal_senders":    "0",
	"wal_buffers":        "16MB",
	"min_wal_size":       "256MB",
	"max_wal_size":       "2GB",
	"checkpoint_timeout": "15min",

	"shared_buffers":                  "256MB",
	"work_mem":                        "8MB",
	"maintenance_work_mem":            "64MB",
	"random_page_cost":                "1.1",
	"timezone":                        "UTC",
	"jit":                             "off",
	"max_parallel_workers_per_gather": "0",
	"max_logical_replication_workers": "0",

	// Outbox pointers, inbox rows and timers live for seconds: a minute's worth of them
	// is collected before their indexes grow. What the planner has to know of the other
	// tables is little, as rows are looked up by key, and learning more, or more often,
	// was a tenth of the server's work (docs/adr/0005).
	"autovacuum_naptime":                    "1min",
	"autovacuum_max_workers":                "2",
	"autovacuum_vacuum_scale_factor":        "0.1",
	"autovacuum_analyze_scale_factor":       "0.2",
	"autovacuum_vacuum_insert_scale_factor": "0.2",
	"autovacuum_vacuum_cost_limit":          "2000",
	"default_statistics_target":             "25",

	// The log tells of the server, never of statements: their texts, and the
	// details of their errors, quote rows.
	"log_min_messages":        "log",
	"log_min_error_statement": "panic",
	"log_error_verbosity":     "terse",
	"log_statement":           "none",
	"log_checkpoints":         "off",
	"log_timezone":            "UTC",
	"log_line_prefix":         "%m [%p] ",
	"logging_collector":       "off",
	"log_destination":         "stderr",
}

// Start starts the server on opt.Dir and returns when it accepts connections. The
// first start makes the data directory. ctx bounds the start only.
func Start(ctx context.Context, opt Options) (*Server, error) {
	if opt.Log == nil {
		opt.Log = discard()
	}
	if opt.Out == nil {
		opt.Out = io.Discard
	}
	dir, err := filepath.Abs(opt.Dir)
	if err != nil {
		return nil, err
	}
	who, err := runAs()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, who.dirMode()); err != nil {
		return nil, err
	}
	bin, err := findBinaries(ctx, dir, who, opt)
	if err != nil {
		return nil, err
	}
	if who, err = runAs(); err != nil { // installing may have brought the user postgres
		return nil, err
	}
	data, err := who.place(dir, bin.dataName())
	if err != nil {
		return nil, err
	}
	who = who.ownerOf(data)
	for began := time.Now(); ; {
		s := &Server{data: data, log: filepath.Join(dir, "postgres.log"), done: make(chan struct{})}
		if s.lock, err = lockDir(data); err != nil {
			return nil, err
		}
		if err = s.start(ctx, bin, who, opt); err == nil {
			return s, nil
		}
		_ = s.lock.Close()
		if !leftovers(err) || time.Since(began) > leftoversFor || ctx.Err() != nil {
			return nil, err
		}
		time.Sleep(leftoversFor / 100)
	}
}

// leftoversFor is how long the processes of a killed server may take to notice that it is gone.
const leftoversFor = 10 * time.Second

// leftovers reports whether a server could not start because processes of the one before it still end.
func leftovers(err error) bool {
	return strings.Contains(err.Error(), "pre-existing shared memory block")
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// URL is where user reaches database db; the superuser is "postgres". It stays
// the same over restarts.
func (s *Server) URL(user, db string) string {
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + db,
		RawQuery: url.Values{"host": {s.socket}, "port": {port}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why the server ended by itself; nil while it runs, and after Stop or Kill.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Stop ends the server in good order: transactions in flight are rolled back,
// everything else is written out. When ctx ends first the server is stopped at
// once, and recovers at the next start.
func (s *Server) Stop(ctx context.Context) error {
	s.signal(syscall.SIGINT)
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		s.Kill()
		return fmt.Errorf("private PostgreSQL: stopped at once: %w", ctx.Err())
	}
}

// Kill ends the server as "pg_ctl stop -m immediate" does, without writing
// anything out, and returns when it has. The next Start recovers.
func (s *Server) Kill() {
	s.signal(syscall.SIGQUIT)
	select {
	case <-s.done:
	case <-time.After(5 * time.Second):
		s.signal(syscall.SIGKILL)
		<-s.done
	}
}

func (s *Server) signal(sig os.Signal) {
	s.stopping.Store(true)
	_ = s.proc.Signal(sig) // an error means that it has ended
}

func (s *Server) start(ctx context.Context, bin binaries, who user, opt Options) error {
	var err error
	if s.socket, err = who.socketDir(s.data); err != nil {
		return err
	}
	if err := stopOrphan(ctx, s.data, opt.Log); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(s.data, "PG_VERSION")); errors.Is(err, os.ErrNotExist) {
		opt.Log.Info("making a database", "dir", s.data)
		if err := initData(ctx, bin, who, s.data); err != nil {
			return err
		}
	}
	began := time.Now()
	started := make(chan error, 1)
	go s.run(bin, who, opt.Settings, started)
	if err := <-started; err != nil {
		return fmt.Errorf("private PostgreSQL: %w", err)
	}
	if err := s.await(ctx); err != nil {
		s.Kill()
		return err
	}
	opt.Log.Info("PostgreSQL is ready", "version", bin.version, "dir", s.data, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// run is the server's life. It keeps its thread to itself: Linux sends the
// parent-death signal when the thread that forked ends, not the process.
func (s *Server) run(bin binaries, who user, extra map[string]string, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	log, err := openLog(s.log)
	if err != nil {
		started <- err
		close(s.done)
		return
	}
	defer log.Close()
	all := maps.Clone(settings)
	maps.Copy(all, extra)
	all["unix_socket_directories"] = s.socket
	args := []string{"-D", s.data}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	cmd := exec.Command(bin.path("postgres"), args...)
	cmd.Dir, cmd.Env = s.data, bin.env()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = who.attr()
	endWithParent(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		started <- err
		close(s.done)
		return
	}
	s.proc = cmd.Process
	started <- nil
	_ = cmd.Wait() // what it returns, ProcessState says
	if !s.stopping.Load() {
		s.err = fmt.Errorf("private PostgreSQL ended by itself (%v); its log, %s, ends:\n%s",
			cmd.ProcessState, s.log, tail(s.log))
	}
	_ = os.RemoveAll(s.socket) // a killed server leaves its socket
	_ = s.lock.Close()
	close(s.done)
}

// await returns when the server says in its pid file that it is ready.
func (s *Server) await(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if pid, status := readPidFile(s.data); pid == s.proc.Pid && status == "ready" {
			return nil
		}
		select {
		case <-s.done:
			return s.err
		case <-ctx.Done():
			return fmt.Errorf("private PostgreSQL is not ready: %w; its log ends:\n%s", ctx.Err(), tail(s.log))
		case <-tick.C:
		}
	}
}

// initData makes the data directory beside its place and moves it there whole, so
// that one cut short is never taken for a database. Text sorts by code point,
// which no upgrade of the system's library can change under an index.
func initData(ctx context.Context, bin binaries, who user, data string) error {
	fresh := data + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := who.mkdir(fresh); err != nil {
		return err
	}
	ctype := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		ctype = "UTF-8"
	}
	cmd := exec.CommandContext(ctx, bin.path("initdb"), "-D", fresh, "-U", "postgres", "-A", "trust", "-k",
		"-E", "UTF8", "--locale=C", "--lc-ctype="+ctype)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = fresh, bin.env(), who.attr()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return os.Rename(fresh, data)
}
