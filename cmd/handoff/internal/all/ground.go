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
	Log           *slog.Logger
}

// Ground is a PostgreSQL and a NATS server.
type Ground struct {
	DatabaseURL string
	Connect     func(service string) (*nats.Conn, error)
	Stream      run.StreamLimits
	postgres    *private.Server
	broker      *broker.Server
	failed      chan error
}

const (
	stopWithin = 30 * time.Second
	database   = "postgres"
)

// Start starts what the configuration does not say is elsewhere.
func Start(ctx context.Context, o Options) (*Ground, error) {
	g := &Ground{failed: make(chan error, 1)}
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
	g.Stream.MaxBytes = server.StoreLimit() * 9 / 10 / int64(max(len(o.Services), 1))
	return nil
}

// Failed delivers the error of a server of ours that ended by itself.
func (g *Ground) Failed() <-chan error { return g.failed }

// Stop stops what Start started.
func (g *Ground) Stop() error {
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
