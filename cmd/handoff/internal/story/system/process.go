package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is one program of the system, running or not. Safe for concurrent use.
type Process struct {
	Name string // service, or "nats", "handoff"; replicas are numbered from the second
	HTTP string // base URL of its HTTP server; "" for nats
	MLLP string // host:port, where it takes messages
	Log  string // file with everything it wrote, over restarts

	path string
	args []string
	env  []string
	up   func(context.Context) error // nil when it is ready

	mu     sync.Mutex
	proc   *os.Process
	done   chan struct{}
	asked  bool // somebody stopped it: its end is no surprise
	status *os.ProcessState
}

// Start starts the program, if it does not run, and returns when it is ready.
func (p *Process) Start(ctx context.Context) error {
	if err := p.Launch(); err != nil {
		return err
	}
	return p.Await(ctx)
}

// Launch starts the program and does not wait for it.
func (p *Process) Launch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return nil
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(p.Log), log, log
	cmd.Env = append(environment(), p.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(cmd.SysProcAttr)
	started, done := make(chan error, 1), make(chan struct{})
	go func() {
		// The kernel watches the thread that forked: it must live as long as the program.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer log.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // ProcessState says more
		}
		p.mu.Lock()
		p.status = cmd.ProcessState
		p.mu.Unlock()
		close(done)
	}()
	if err := <-started; err != nil {
		return err
	}
	p.proc, p.done, p.asked = cmd.Process, done, false
	return nil
}

// environment is the caller's without what would configure the programs.
func environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HANDOFF_") && !strings.HasPrefix(v, "OTEL_") {
			env = append(env, v)
		}
	}
	return env
}

// running is called with the lock held.
func (p *Process) running() bool {
	if p.proc == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Running tells whether the program runs.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running()
}

// Await returns when the program is ready, with an error when it ended first.
func (p *Process) Await(ctx context.Context) error {
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := p.up(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-done:
			return fmt.Errorf("%s ended while starting (%v); its log ends:\n%s", p.Name, p.status, p.Tail(15))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; its log ends:\n%s", p.Name, err, p.Tail(15))
		case <-tick.C:
		}
	}
}

// Kill ends the program as a crash does, and returns when it is gone. It reports whether it ran.
func (p *Process) Kill() bool { return p.end(context.Background(), syscall.SIGKILL) == nil }

var errNotRunning = errors.New("not running")

// Stop asks the program to stop, and returns when it has. An error if it does not run, has to be
// killed at ctx's end, or says that stopping went wrong.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.end(ctx, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w; its log ends:\n%s", p.Name, err, p.Tail(15))
	}
	if p.status.ExitCode() != 0 {
		return fmt.Errorf("%s stopped with %v; its log ends:\n%s", p.Name, p.status, p.Tail(15))
	}
	return nil
}

func (p *Process) end(ctx context.Context, sig os.Signal) error {
	p.mu.Lock()
	if !p.running() {
		p.mu.Unlock()
		return errNotRunning
	}
	p.asked = true
	proc, done := p.proc, p.done
	p.mu.Unlock()
	_ = proc.Signal(sig) // an error means that it has ended
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		_ = proc.Kill()
		<-done
		return ctx.Err()
	}
}

// Signal sends a signal: SIGSTOP and SIGCONT, to pause.
func (p *Process) Signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return errNotRunning
	}
	return p.proc.Signal(sig)
}

// Died tells whether the program ended without having been asked to, and how.
func (p *Process) Died() (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.proc == nil || p.running() || p.asked {
		return "", false
	}
	return p.status.String(), true
}

// Tail is the end of the program's log.
func (p *Process) Tail(lines int) string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// readiness asks /readyz.
func readiness(base string) func(context.Context) error {
	client := &http.Client{Timeout: 3 * time.Second}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			var text bytes.Buffer
			_, _ = text.ReadFrom(res.Body)
			return fmt.Errorf("readyz: %d %s", res.StatusCode, strings.TrimSpace(text.String()))
		}
		return nil
	}
}
