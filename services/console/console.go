// Package console shows people what is going on: the live worklist, each patient's journey, and how
// the system itself does.
//
// Guarantee: what it shows follows from the facts of the other four services and can be built again
// from them; it changes nothing of theirs but by asking them, as the person who clicked. No name of a
// patient is in its schema.
package console

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/run"
	hweb "github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/live"
	"github.com/handoff-care/handoff/services/console/internal/session"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/web"
)

// Service is the console: it hears admission, discharge, referral and notification, publishes
// nothing, and serves pages at /.
func Service() run.Service {
	return run.Service{Name: "console", Migrations: store.Migrations(), New: build}
}

func build(_ context.Context, env run.Env) (*run.Instance, error) {
	base := strings.TrimRight(env.URL, "/")
	secure := strings.HasPrefix(base, "https://")
	oidc, err := signIn(env.Config, base)
	if err != nil {
		return nil, err
	}
	screen := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "handoff_event_to_screen_seconds",
		Help:    "Seconds from the reception of a frame until what it led to was pushed to a browser.",
		Buckets: []float64{.01, .02, .05, .1, .2, .5, 1, 2, 5, 15, 60},
	})
	if err := env.Metrics.Register(screen); err != nil {
		return nil, err
	}
	s := store.New(env.DB)
	hub := live.New(s, env.Log)
	pages := &web.Console{
		Store: s, Peers: env.Peers, Auth: env.Auth, Sessions: session.New(s, env.Auth, secure), Hub: hub,
		OIDC: oidc, Log: env.Log, Dev: env.Config.Dev, Secure: secure, Screen: screen, Closing: env.Closing,
	}
	return &run.Instance{
		Hears: projection{hub.Ring}.hears(),
		Root:  pages.Handler(),
		Laws:  func(ctx context.Context, org hweb.OrgID) ([]hweb.Law, error) { return laws(ctx, s, org) },
		Loops: []run.Loop{{Name: "live", Run: hub.Run}},
	}, nil
}

// signIn says where people sign in: the configured issuer, or in development this program's own.
func signIn(c run.Config, base string) (web.OIDC, error) {
	o := web.OIDC{Issuer: c.OIDCIssuer, ClientID: c.OIDCClientID, Redirect: base + "/login/callback"}
	if c.OIDCSecret != "" {
		secret, err := os.ReadFile(c.OIDCSecret)
		if err != nil {
			return o, fmt.Errorf("read --oidc-client-secret-file: %w", err)
		}
		o.Secret = strings.TrimSpace(string(secret))
	}
	if o.Issuer == "" && c.Dev {
		o.Issuer, o.ClientID, o.Dev = base+"/dev/oidc", "console", true
	}
	return o, nil
}

// laws are what must balance in the read model.
func laws(ctx context.Context, s *store.Store, org hweb.OrgID) ([]hweb.Law, error) {
	b, err := s.Balance(ctx, org)
	if err != nil {
		return nil, err
	}
	return []hweb.Law{
		hweb.Balance("tasks known = tasks in a state of the contract", b.Tasks, b.TasksInState),
		hweb.Balance("tasks known = tasks whose transition is known", b.Tasks, b.TasksWithEpisode),
		hweb.Balance("transitions known = transitions in a state of the contract", b.Episodes, b.EpisodesInState),
		hweb.Balance("referrals known = referrals in a state of the contract", b.Referrals, b.ReferralsInState),
		hweb.Balance("alerts known = alerts in a state of the contract", b.Alerts, b.AlertsInState),
	}, nil
}
