// Package all brings what a whole handoff in one process stands on: a PostgreSQL and a NATS server,
// of its own or somebody else's.
//
// Guarantee: both run when Start returns; what was started is stopped by Stop, NATS first, and what
// was only connected to is left alone. If one of our own ends by itself, Failed says so.
package all

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/handoff-care/handoff/cmd/handoff/internal/broker"
	"github.com/handoff-care/handoff/pkg/postgres/private"
	"github.com/handoff-care/handoff/pkg/run"
)

// Options of Start.
type Options struct {
	Config        run.Config
	Services      []string // whose streams share the broker's store
	FetchPostgres bool
	Ask           func(question string) bool // for leave to download; nil: no
	Out           io.Writer                  // output of installing programs
	Log           *slog.Logger               // nil discards
}

// Ground is a PostgreSQL and a NATS server.
type Ground struct {
	DatabaseURL string
	Connect     func(service string) (*nats.Conn, error)
	Stream      run.StreamLimits
	postgres    *private.Server
	broker      *broker.Server
	failed      chan error
	stopped     chan struct{}
	stop        sync.Once
}

const (
	stopWithin = 30 * time.Second
	database   = "postgres"
	lookEvery  = 10 * time.Second
	patience   = 6 // looks in a row at an unhealthy broker, before the program ends
)

// Start starts what the configuration does not say is elsewhere.
func Start(ctx context.Context, o Options) (*Ground, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Ground{failed: make(chan error, 2), stopped: make(chan struct{})}
	errs := make(chan error, 2)
	go func() { errs <- g.startPostgres(ctx, o) }()
	go func() { errs <- g.startBroker(o) }()
	if err := errors.Join(<-errs, <-errs); err != nil {
		return nil, errors.Join(err, g.Stop())
	}
	return g, nil
}

func (g *Ground) startPostgres(ctx context.Context, o Options) error {
	g.DatabaseURL = o.Config.DatabaseURL
	if g.DatabaseURL != "" {
		return nil
	}
	dir := filepath.Join(o.Config.Data, "postgres")
	server, err := private.Start(ctx, private.Options{Dir: dir, Fetch: o.FetchPostgres, Ask: o.Ask, Out: o.Out, Log: o.Log})
	if err != nil {
		return err
	}
	g.postgres, g.DatabaseURL = server, server.URL(database, database)
	go func() {
		<-server.Done()
		if err := server.Err(); err != nil {
			g.failed <- fmt.Errorf("PostgreSQL ended by itself: %w", err)
		}
	}()
	return nil
}

func (g *Ground) startBroker(o Options) error {
	if o.Config.NATSURL != "" {
		g.Connect = run.Dial(o.Config)
		return nil
	}
	server, err := broker.Start(broker.Options{Data: o.Config.Data, Log: o.Log})
	if err != nil {
		return err
	}
	g.broker = server
	g.Connect = func(service string) (*nats.Conn, error) { return server.Connect(service) }
	// Together below the server's limit, so that a stream is full before the disk is.
	go g.watch(o.Log)
	g.Stream.MaxBytes = server.StoreLimit() * 9 / 10 / int64(max(len(o.Services), 1))
	return nil
}

// watch ends the program when the broker has been unhealthy for a minute: JetStream that gave up,
// for example on a full disk, comes back only with a new server, and a supervisor starts one.
func (g *Ground) watch(log *slog.Logger) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for bad := 0; bad < patience; {
		select {
		case <-g.stopped:
			return
		case <-tick.C:
		}
		err := g.broker.Healthy()
		if err == nil {
			bad = 0
			continue
		}
		bad++
		log.Error("the broker is not healthy", "error", err, "looks", bad)
		if bad == patience {
			g.failed <- fmt.Errorf("%w; start again when the cause is gone (a full disk?)", err)
		}
	}
}

// Failed delivers the error of a server of ours that ended by itself.
func (g *Ground) Failed() <-chan error { return g.failed }

// Stop stops what Start started. Calling it again does nothing.
func (g *Ground) Stop() (err error) {
	g.stop.Do(func() { err = g.end() })
	return err
}

func (g *Ground) end() error {
	close(g.stopped)
	if g.broker != nil {
		g.broker.Stop()
	}
	if g.postgres == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return g.postgres.Stop(ctx)
}
