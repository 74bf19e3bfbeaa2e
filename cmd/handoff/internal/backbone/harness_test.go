package backbone

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"github.com/handoff-care/handoff/cmd/handoff/internal/broker"
	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
)

var org = events.Derive("org", "test")

// bench is a producer "alpha" and a consumer "beta" that writes down what it handles.
type bench struct {
	t           testing.TB
	url         string
	data        string
	streamBytes int64
	broker      *broker.Server
	program     *run.Program
	key         *ecdsa.PrivateKey
	infra       run.Infra
	alpha       run.Env
	beta        run.Env
	counted     atomic.Int64  // what gamma handled
	counting    chan struct{} // gamma has handled more
	mu          sync.Mutex
	poison      map[events.ID]bool
}

func newBench(t testing.TB) *bench {
	return newBenchOf(t, 64<<20)
}

// newBenchOf is a bench with streams of so many bytes.
func newBenchOf(t testing.TB, streamBytes int64) *bench {
	b := &bench{t: t, url: pgtest.New(t), data: t.TempDir(), poison: map[events.ID]bool{}, streamBytes: streamBytes, counting: make(chan struct{}, 1)}
	t.Cleanup(b.stop)
	b.start()
	return b
}

func (b *bench) start() {
	b.t.Helper()
	var err error
	if b.broker, err = broker.Start(broker.Options{Data: b.data}); err != nil {
		b.t.Fatal(err)
	}
	if b.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	b.infra = run.Infra{
		AdminURL: b.url, Authority: web.NewDevAuthority(b.key.Public()), Stream: run.StreamLimits{MaxBytes: b.streamBytes},
		Log: func(s string) *slog.Logger {
			return slog.New(slog.NewTextHandler(testWriter{b.t}, nil)).With("service", s)
		},
	}
	b.infra.NATS = func(s string) (*nats.Conn, error) { return b.broker.Connect(s) }
	b.program, err = run.Start(ctx, run.Config{HTTP: "127.0.0.1:0", Data: b.data, LogLevel: "warn"}, b.infra, b.producer(), b.consumer(), b.counter())
	if err != nil {
		b.t.Fatal(err)
	}
}

// second starts the same program again, on the address of the first.
func (b *bench) second() error {
	p, err := run.Start(b.t.Context(), run.Config{HTTP: b.program.Addr(), Data: b.data}, b.infra, b.producer())
	if err == nil {
		_ = p.Stop()
	}
	return err
}

func (b *bench) stop() {
	if b.program != nil {
		if err := b.program.Stop(); err != nil {
			b.t.Error(err)
		}
		b.program = nil
	}
	if b.broker != nil {
		b.broker.Stop()
	}
}

func (b *bench) producer() run.Service {
	return run.Service{Name: "alpha", New: func(_ context.Context, env run.Env) (*run.Instance, error) {
		b.alpha = env
		return &run.Instance{}, nil
	}}
}

func (b *bench) consumer() run.Service {
	tables := fstest.MapFS{"00001_seen.sql": {Data: []byte(`-- +goose Up
CREATE TABLE seen (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id uuid NOT NULL, event uuid NOT NULL, key uuid NOT NULL, version bigint NOT NULL);
`)}}
	return run.Service{Name: "beta", Migrations: tables, New: func(_ context.Context, env run.Env) (*run.Instance, error) {
		b.beta = env
		return &run.Instance{Hears: b.hears()}, nil
	}}
}

// counter is "gamma", which only counts.
func (b *bench) counter() run.Service {
	return run.Service{Name: "gamma", New: func(context.Context, run.Env) (*run.Instance, error) {
		return &run.Instance{Hears: b.counts()}, nil
	}}
}

func (b *bench) hears() []bus.Subscription {
	return []bus.Subscription{{Stream: "alpha", Types: []events.Fact{events.FacilityChanged{}}, Handle: b.see}}
}

func (b *bench) see(ctx context.Context, tx pgx.Tx, batch []events.Event) error {
	for _, e := range batch {
		b.mu.Lock()
		poison := b.poison[e.Fact.Key()]
		b.mu.Unlock()
		if poison {
			return fmt.Errorf("cannot handle %s", e.ID)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO seen (org_id, event, key, version) VALUES ($1, $2, $3, $4)`, e.Org, e.ID, e.Fact.Key(), e.Version); err != nil {
			return err
		}
	}
	return nil
}

// announce commits one transaction with facts about keys.
func (b *bench) announce(keys ...events.ID) {
	b.t.Helper()
	list := make([]events.Event, len(keys))
	for i, k := range keys {
		list[i] = events.Event{Org: org, Occurred: time.Now(), Received: time.Now(), Fact: events.FacilityChanged{ID: k, Code: "F"}}
	}
	err := b.alpha.Outbox.Tx(b.t.Context(), org, func(tx pgx.Tx) error { return b.alpha.Outbox.Announce(b.t.Context(), tx, list...) })
	if err != nil {
		b.t.Fatal(err)
	}
}

// rows returns the versions that beta handled, by key, in the order of handling.
func (b *bench) rows() map[events.ID][]int64 {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close(b.t.Context())
	rows, err := conn.Query(b.t.Context(), `SELECT key::text, version FROM beta.seen ORDER BY n`)
	if err != nil {
		b.t.Fatal(err)
	}
	seen := map[events.ID][]int64{}
	var text string
	var version int64
	if _, err := pgx.ForEachRow(rows, []any{&text, &version}, func() error {
		key, err := events.ParseID(text)
		seen[key] = append(seen[key], version)
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	return seen
}

// await waits until beta handled n events in all and returns them.
func (b *bench) await(n int) map[events.ID][]int64 {
	b.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		seen, total := b.rows(), 0
		for _, v := range seen {
			total += len(v)
		}
		if total >= n || time.Now().After(deadline) {
			if total != n {
				b.t.Fatalf("beta handled %d events, want %d", total, n)
			}
			return seen
		}
		select {
		case <-b.t.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// inOrder fails unless every key was handled 1..n.
func (b *bench) inOrder(seen map[events.ID][]int64) {
	b.t.Helper()
	for key, versions := range seen {
		for i, v := range versions {
			if v != int64(i+1) {
				b.t.Fatalf("key %s was handled in the order %v", key, versions)
			}
		}
	}
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}
