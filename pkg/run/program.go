package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/telemetry"
	"github.com/handoff-care/handoff/pkg/web"
)

// Infra is what a program stands on. cmd/handoff brings its own PostgreSQL and NATS; a service alone
// is told where they are.
type Infra struct {
	AdminURL   string                                   // may migrate; also serves the services unless ServiceURL says otherwise
	ServiceURL func(service string) string              // nil: AdminURL for all
	NATS       func(service string) (*nats.Conn, error) // one connection per service, with its own user where there are users
	Authority  *web.Authority
	Extra      map[string]http.Handler // further paths of the HTTP server, longest prefix wins
	Stream     StreamLimits
	Registry   *prometheus.Registry // nil: a new one
	Log        func(service string) *slog.Logger
}

// StreamLimits bounds each service's stream.
type StreamLimits struct {
	MaxBytes int64 // 0: a fifth of 90 % of what the account in NATS may store, 1 GiB where that is not limited
	Replicas int   // default 1
}

// Program is services running in one process.
type Program struct {
	cfg     Config
	infra   Infra
	log     *slog.Logger
	parts   []*part
	server  *http.Server
	listen  net.Listener
	reader  *bus.Reader
	sampler *sampler
	waits   *patience
	ready   atomic.Bool
	failed  chan error
	stop    sync.Once
}

const stopDeadline = 20 * time.Second

// Start migrates, builds and starts services, and serves HTTP. If anything fails, what was started
// is stopped again. ctx bounds the start only.
func Start(ctx context.Context, cfg Config, infra Infra, services ...Service) (*Program, error) {
	p := &Program{cfg: cfg, infra: infra, reader: bus.NewReader(), failed: make(chan error, 1)}
	if p.infra.Registry == nil {
		p.infra.Registry = telemetry.Registry()
	}
	if p.infra.Log == nil {
		p.infra.Log = func(service string) *slog.Logger { return telemetry.Logger(os.Stderr, cfg.LogLevel, service) }
	}
	p.log = p.infra.Log("handoff")
	p.sampler = newSampler(p.infra.Registry)
	p.waits = &patience{say: func(err error) { p.log.WarnContext(ctx, "PostgreSQL is away; the start waits for it", "error", err) }}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // collecting half as often costs some tens of megabytes
	}
	if err := p.start(ctx, services); err != nil {
		_ = p.Stop()
		return nil, err
	}
	return p, nil
}

func (p *Program) start(ctx context.Context, services []Service) error {
	if err := checkAddress(p.cfg); err != nil {
		return err
	}
	var err error
	if p.listen, err = net.Listen("tcp", p.cfg.HTTP); err != nil {
		return fmt.Errorf("http: %w (is another handoff running? choose an address with --http)", err)
	}
	mux := http.NewServeMux()
	peers := p.peers(mux, services)
	if err := p.migrate(ctx, services); err != nil {
		return err
	}
	for _, s := range services {
		part, err := p.build(ctx, s, peers)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		p.parts = append(p.parts, part)
	}
	p.mount(mux)
	p.serve(mux)
	for _, part := range p.parts {
		part.start(p.fail)
	}
	if len(p.parts) > 0 {
		p.parts[0].run(Loop{"samples", p.sampler.Run}, p.fail)
	}
	if err := p.awaitParts(ctx); err != nil {
		return err
	}
	p.ready.Store(true)
	return nil
}

// migrate brings all schemas up to date, side by side: each takes its own lock. A connection that was
// lost half way is no harm: what a migration did is there, or is not, as a whole.
func (p *Program) migrate(ctx context.Context, services []Service) error {
	errs := make(chan error, len(services))
	for _, s := range services {
		go func() {
			errs <- p.waits.try(ctx, func(ctx context.Context) error { return migrate(ctx, p.infra.AdminURL, s) })
		}()
	}
	var all error
	for range services {
		all = errors.Join(all, <-errs)
	}
	return all
}

func (p *Program) fail(err error) {
	select {
	case p.failed <- err:
	default:
	}
}

// Failed delivers the error of a loop that ended the program.
func (p *Program) Failed() <-chan error { return p.failed }

// Addr is where HTTP is served.
func (p *Program) Addr() string { return p.listen.Addr().String() }

// URL is how people reach the program.
func (p *Program) URL() string {
	if p.cfg.PublicURL != "" {
		return p.cfg.PublicURL
	}
	if p.cfg.TLSCert != "" {
		return "https://" + p.Addr()
	}
	return "http://" + p.Addr()
}

// awaitParts waits until every service says it is ready.
func (p *Program) awaitParts(ctx context.Context) error {
	for {
		err := p.notReady(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready in time: %w", err)
		case err := <-p.failed:
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *Program) notReady(ctx context.Context) error {
	for _, part := range p.parts {
		if err := part.notReady(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.service.Name, err)
		}
	}
	return nil
}

// Stop turns readiness off, then stops everything in reverse order, once, by a deadline.
func (p *Program) Stop() (err error) {
	p.stop.Do(func() {
		p.ready.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), stopDeadline)
		defer cancel()
		if p.server != nil {
			for _, part := range p.parts {
				part.closing() // ends long answers, so that Shutdown does not wait for them
			}
			err = errors.Join(err, p.server.Shutdown(ctx))
		} else if p.listen != nil {
			_ = p.listen.Close()
		}
		for i := len(p.parts) - 1; i >= 0; i-- {
			err = errors.Join(err, p.parts[i].stop(ctx))
		}
	})
	return err
}

func checkAddress(cfg Config) error {
	host, _, err := net.SplitHostPort(cfg.HTTP)
	if err != nil {
		return fmt.Errorf("--http %q is not host:port", cfg.HTTP)
	}
	loopback := isLoopback(host)
	if cfg.Dev && !loopback {
		return fmt.Errorf("--dev is for loopback only: its logins have no passwords (--http is %s)", cfg.HTTP)
	}
	if !loopback && cfg.TLSCert == "" && !cfg.InsecureHTTP {
		return fmt.Errorf("--http %s is not loopback: set --tls-cert and --tls-key, or --insecure-http behind a proxy that does TLS", cfg.HTTP)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
