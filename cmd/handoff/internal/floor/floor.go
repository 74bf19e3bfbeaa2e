package floor

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/pkg/outbox"
)

const schema = `
CREATE TABLE IF NOT EXISTS raw (id uuid PRIMARY KEY, control text NOT NULL, received timestamptz NOT NULL, body bytea NOT NULL, UNIQUE (control, id));
CREATE TABLE IF NOT EXISTS stay (visit text PRIMARY KEY, trigger text NOT NULL, version bigint NOT NULL, changed timestamptz NOT NULL) WITH (fillfactor = 70);
CREATE TABLE IF NOT EXISTS log (seq bigint PRIMARY KEY, id uuid NOT NULL, doc bytea NOT NULL, at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS pointer (seq bigint PRIMARY KEY);
CREATE TABLE IF NOT EXISTS inbox (id uuid PRIMARY KEY);
CREATE TABLE IF NOT EXISTS task (id uuid PRIMARY KEY, visit text NOT NULL, code text NOT NULL, due timestamptz NOT NULL, state text NOT NULL);
`

// Floor is the running program.
type Floor struct {
	db        *pgxpool.Pool
	nc        *nats.Conn
	js        jetstream.JetStream
	listener  net.Listener
	arrived   chan *frame
	published chan []note
	deleted   chan []int64
	seq       int64
	stats     stats
}

// Start makes the tables and the stream and begins to listen.
func Start(ctx context.Context, url, mllp string, nc *nats.Conn) (*Floor, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = 4
	db, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if _, err := db.Exec(ctx, schema); err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	if _, err := outbox.Provision(ctx, js, outbox.Stream("floor", 4<<30, 1)); err != nil {
		return nil, err
	}
	f := &Floor{db: db, nc: nc, js: js, arrived: make(chan *frame, 4096), published: make(chan []note, 1024), deleted: make(chan []int64, 1024)}
	if f.listener, err = net.Listen("tcp", mllp); err != nil {
		return nil, err
	}
	return f, nil
}

// Addr is where messages are taken.
func (f *Floor) Addr() string { return f.listener.Addr().String() }

// Run works until ctx is done or something fails.
func (f *Floor) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, loop := range []func(context.Context) error{f.accept, f.write, f.publish, f.forget, f.consume} {
		wg.Go(func() {
			if err := loop(ctx); err != nil {
				cancel(err)
			}
		})
	}
	<-ctx.Done()
	_ = f.listener.Close()
	wg.Wait()
	f.db.Close()
	if err := context.Cause(ctx); err != context.Canceled {
		return fmt.Errorf("floor: %w", err)
	}
	return nil
}

type stats struct {
	sync.Mutex
	accepted, handled, tasks int64
	latency                  []time.Duration // frame to committed tasks
}

// Stats is what the floor has done since the last time it was asked to begin anew.
type Stats struct {
	Accepted, Handled, Tasks int64
	TaskP50, TaskP99         time.Duration
}

// ServeHTTP answers Stats; with ?reset it begins anew.
func (f *Floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.stats.Lock()
	defer f.stats.Unlock()
	s := Stats{Accepted: f.stats.accepted, Handled: f.stats.handled, Tasks: f.stats.tasks}
	if n := len(f.stats.latency); n > 0 {
		slices.Sort(f.stats.latency)
		s.TaskP50, s.TaskP99 = f.stats.latency[n/2], f.stats.latency[min(n-1, n*99/100)]
	}
	if r.URL.Query().Has("reset") {
		f.stats.accepted, f.stats.handled, f.stats.tasks, f.stats.latency = 0, 0, 0, nil
	}
	_ = json.NewEncoder(w).Encode(s)
}
