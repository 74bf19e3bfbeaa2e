package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/handoff-care/handoff/pkg/postgres/private"
)

// Mode is how the system runs.
type Mode string

// The modes.
const (
	OneProcess Mode = "one process"
	Apart      Mode = "apart"
)

// Modes are all of them.
var Modes = []Mode{OneProcess, Apart}

// Options of New.
type Options struct {
	Mode     Mode
	Dir      string            // logs, and data where Data is empty; made if missing
	Data     string            // the data directory
	Replicas int               // of each service, Apart; default 1
	Postgres map[string]string // settings of PostgreSQL, Apart
	Flags    []string          // further flags of every program
}

// System is a whole handoff. Methods are safe for concurrent use.
type System struct {
	Mode      Mode
	Data      string // the data directory (--data)
	NATS      *Process
	Processes []*Process // all but NATS, in the order they start

	dir      string
	programs string
	settings map[string]string
	mu       sync.Mutex
	postgres *private.Server // Apart
	users    map[string]string
	tokens   map[string]string
	frozen   []int // PostgreSQL's processes, stopped
}

// New prepares a system; nothing runs yet.
func New(o Options) (*System, error) {
	programs, err := Build()
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if o.Data == "" {
		o.Data = filepath.Join(dir, "data")
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, err
	}
	s := &System{Mode: o.Mode, Data: o.Data, dir: dir, programs: programs, settings: o.Postgres, tokens: map[string]string{}}
	if err := os.MkdirAll(s.Data, 0o711); err != nil {
		return nil, err
	}
	if o.Mode == OneProcess {
		return s, s.one(o)
	}
	return s, s.apart(o)
}

func (s *System) one(o Options) error {
	addr, err := freePorts(2)
	if err != nil {
		return err
	}
	args := append([]string{"run", "--dev", "--data", s.Data, "--http", addr[0], "--mllp", addr[1]}, o.Flags...)
	p := s.process("handoff", "handoff", args...)
	p.HTTP, p.MLLP = "http://"+addr[0], addr[1]
	p.up = readiness(p.HTTP)
	s.Processes = []*Process{p}
	return nil
}

func (s *System) process(name, program string, args ...string) *Process {
	return &Process{Name: name, Log: filepath.Join(s.dir, name+".log"), path: filepath.Join(s.programs, program), args: args}
}

// Start starts everything and returns when all of it is ready.
func (s *System) Start(ctx context.Context) error {
	if s.Mode == Apart {
		if err := s.startBase(ctx); err != nil {
			return err
		}
	}
	for _, p := range s.Processes {
		if err := p.Launch(); err != nil {
			return err
		}
	}
	for _, p := range s.Processes {
		if err := p.Await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stop stops everything in good order, by SIGTERM. What was killed before is no error.
func (s *System) Stop(ctx context.Context) error {
	var all error
	var wg sync.WaitGroup
	errs := make(chan error, len(s.Processes))
	for _, p := range s.Processes {
		wg.Go(func() {
			if p.Running() {
				errs <- p.Stop(ctx)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		all = errors.Join(all, err)
	}
	if s.NATS != nil && s.NATS.Running() {
		all = errors.Join(all, s.NATS.Stop(ctx))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres != nil {
		all = errors.Join(all, s.postgres.Stop(ctx))
		s.postgres = nil
	}
	return all
}

// Destroy kills whatever still runs.
func (s *System) Destroy() {
	for _, p := range append(slices.Clone(s.Processes), s.NATS) {
		if p != nil {
			p.Kill()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killFrozen()
	if s.postgres != nil {
		s.postgres.Kill()
		s.postgres = nil
	}
}

// Died lists programs that ended by themselves.
func (s *System) Died() []string {
	var list []string
	for _, p := range append(slices.Clone(s.Processes), s.NATS) {
		if p == nil {
			continue
		}
		if how, died := p.Died(); died {
			list = append(list, fmt.Sprintf("%s ended by itself: %s; its log ends:\n%s", p.Name, how, p.Tail(15)))
		}
	}
	return list
}

// MLLP lists where messages are taken.
func (s *System) MLLP() []string {
	var list []string
	for _, p := range s.Processes {
		if p.MLLP != "" {
			list = append(list, p.MLLP)
		}
	}
	return list
}

// API lists the base URLs at which a service answers, one for each replica.
func (s *System) API(service string) []string {
	var list []string
	for _, p := range s.Processes {
		if s.Mode == OneProcess || p.Name == service || strings.HasPrefix(p.Name, service+"-") {
			list = append(list, p.HTTP)
		}
	}
	return list
}

// Replicas lists the processes that run a service.
func (s *System) Replicas(service string) []*Process {
	var list []*Process
	for _, p := range s.Processes {
		if s.Mode == OneProcess || p.Name == service || strings.HasPrefix(p.Name, service+"-") {
			list = append(list, p)
		}
	}
	return list
}

// Logs lists every log file there is, PostgreSQL's among them.
func (s *System) Logs() ([]string, error) {
	list, err := filepath.Glob(filepath.Join(s.dir, "*.log"))
	if err != nil {
		return nil, err
	}
	more, err := filepath.Glob(filepath.Join(s.Data, "postgres", "*.log"))
	return append(list, more...), err
}

// JetStream is the folder of the broker's store.
func (s *System) JetStream() string { return filepath.Join(s.Data, "jetstream") }

// Handoff runs a command of the operator's tool against this system and returns its output.
func (s *System) Handoff(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.programs, "handoff"), args...)
	cmd.Env = append(environment(), "HANDOFF_DATA="+s.Data)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("handoff %s: %w\n%s%s", strings.Join(args, " "), err, out.String(), stderr.String())
	}
	return out.String(), nil
}

// Token is a bearer token of a role in an organization.
func (s *System) Token(ctx context.Context, role, org string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := role + "@" + org
	if t := s.tokens[key]; t != "" {
		return t, nil
	}
	out, err := s.Handoff(ctx, "token", "--role", role, "--org", org)
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	s.tokens[key] = lines[len(lines)-1]
	return s.tokens[key], nil
}

// freePorts finds addresses nobody listens on. Nothing keeps others from taking one meanwhile, so
// a port is never handed out twice here.
func freePorts(n int) ([]string, error) {
	var list []string
	for len(list) < n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		addr := l.Addr().String()
		if err := l.Close(); err != nil {
			return nil, err
		}
		if _, taken := handedOut.LoadOrStore(addr, true); !taken {
			list = append(list, addr)
		}
	}
	return list, nil
}

var handedOut sync.Map

// WriteLogs writes the end of every log: what to read when a test failed.
func (s *System) WriteLogs(w io.Writer, lines int) {
	for _, p := range append(slices.Clone(s.Processes), s.NATS) {
		if p != nil {
			fmt.Fprintf(w, "---- %s\n%s\n", p.Name, p.Tail(lines))
		}
	}
}
