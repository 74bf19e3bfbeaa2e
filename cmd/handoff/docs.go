package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/cmd/handoff/internal/contract"
	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/private"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
)

type docsCommand struct {
	Out string `default:"docs" placeholder:"DIR" help:"Folder to write to: asyncapi.yaml, events/, api/."`
}

// Run writes the contracts. The services are built, on an empty database of their own, and asked
// what they hear and answer; none is started.
func (c *docsCommand) Run(ctx context.Context, term terminal) (err error) {
	dir, err := os.MkdirTemp("", "handoff-docs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	server, err := private.Start(ctx, private.Options{Dir: dir, Out: term.Err, Settings: map[string]string{"fsync": "off"}})
	if err != nil {
		return err
	}
	defer server.Kill()
	apis, heard := map[string]*huma.OpenAPI{}, []contract.Heard(nil)
	for _, s := range services() {
		i, stop, err := describe(ctx, s, server.URL("postgres", "postgres"))
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		defer stop()
		heard = append(heard, hears(s.Name, i.Hears)...)
		r := web.NewRouter(s.Name, nil, slog.New(slog.DiscardHandler))
		if i.Routes != nil {
			i.Routes(r)
		}
		run.Describe(r)
		apis[s.Name] = contract.OpenAPI(r)
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	if err := contract.Write(c.Out, events.Types(), heard, apis); err != nil {
		return err
	}
	fmt.Fprintf(term.Out, "%s: asyncapi.yaml, %d schemas in events/, %d documents in api/\n", c.Out, len(events.Types()), len(apis))
	return nil
}

// describe builds a service to be asked, on its own empty schema.
func describe(ctx context.Context, s run.Service, url string) (*run.Instance, func(), error) {
	if err := postgres.Migrate(ctx, url, s.Name, run.Sets(s)...); err != nil {
		return nil, nil, err
	}
	data, err := os.MkdirTemp("", "handoff-describe-")
	if err != nil {
		return nil, nil, err
	}
	db, err := postgres.Open(ctx, url, s.Name, postgres.Options{})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(data))
	}
	stop := func() { db.Close(); _ = os.RemoveAll(data) }
	i, err := s.New(ctx, run.Env{
		Config: run.Config{Data: data, HTTP: "127.0.0.1:0", MLLP: "127.0.0.1:0", MaxFrame: 2 << 20}, DB: db, Outbox: outbox.New(db, s.Name),
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), URL: "http://127.0.0.1:8080", Closing: ctx,
	})
	if err != nil {
		stop()
		return nil, nil, err
	}
	return i, stop, nil
}

func hears(service string, list []bus.Subscription) (heard []contract.Heard) {
	for _, sub := range list {
		h := contract.Heard{Service: service, Stream: sub.Stream}
		for _, f := range sub.Types {
			h.Types = append(h.Types, f.Type())
		}
		heard = append(heard, h)
	}
	return heard
}
