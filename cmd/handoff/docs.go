package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/cmd/handoff/internal/contract"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
)

type docsCommand struct {
	Out string `default:"docs" placeholder:"DIR" help:"Folder to write to: asyncapi.yaml, events/, api/."`
}

// Run writes the contracts. Nothing needs to run for it.
func (c *docsCommand) Run(ctx context.Context, term terminal) error {
	apis, heard := map[string]*huma.OpenAPI{}, []contract.Heard(nil)
	for _, s := range services() {
		i, err := s.New(ctx, nothing(s.Name))
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		for _, h := range i.Hears {
			var types []string
			for _, f := range h.Types {
				types = append(types, f.Type())
			}
			heard = append(heard, contract.Heard{Service: s.Name, Stream: h.Stream, Types: types})
		}
		if i.Routes == nil {
			continue
		}
		r := web.NewRouter(s.Name, nil, slog.New(slog.DiscardHandler))
		i.Routes(r)
		apis[s.Name] = r.OpenAPI()
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

// nothing is what a service is built on to be described: it has no database and is never started.
func nothing(service string) run.Env {
	db := &postgres.DB{Schema: service}
	return run.Env{
		DB: db, Outbox: outbox.New(db, service), Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
		Config: run.Config{HTTP: "127.0.0.1:8080", MLLP: "127.0.0.1:2575", MaxFrame: 2 << 20}, URL: "http://127.0.0.1:8080", Closing: context.Background(),
	}
}
