// Package console shows people what is going on: the live worklist, each patient's journey, and how
// the system itself does.
//
// Guarantee: what it shows follows from the facts of the other four services and can be built again
// from them; it changes nothing of theirs but by asking them, as the person who clicked. No name of a
// patient is in its schema.
package console

import (
	"context"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/live"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// Service is the console: it hears admission, discharge, referral and notification, publishes
// nothing, and serves pages at /.
func Service() run.Service {
	return run.Service{Name: "console", Migrations: store.Migrations(), New: build}
}

func build(_ context.Context, env run.Env) (*run.Instance, error) {
	s := store.New(env.DB)
	hub := live.New(s, env.Log)
	root, err := pages(env, s, hub)
	if err != nil {
		return nil, err
	}
	return &run.Instance{
		Hears:   projection{hub.Ring}.hears(),
		Root:    root.Handler(),
		Laws:    func(ctx context.Context, org web.OrgID) ([]web.Law, error) { return laws(ctx, s, org) },
		Numbers: numbers(),
		Loops:   []run.Loop{{Name: "live", Run: hub.Run}},
	}, nil
}
