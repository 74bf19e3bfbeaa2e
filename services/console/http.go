package console

import (
	"fmt"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/services/console/internal/live"
	"github.com/handoff-care/handoff/services/console/internal/session"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/web"
)

// pages are what the console serves at /.
func pages(env run.Env, s *store.Store, hub *live.Hub) (*web.Console, error) {
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
	return &web.Console{
		Store: s, Peers: env.Peers, Auth: env.Auth, Sessions: session.New(s, env.Auth, secure), Hub: hub,
		OIDC: oidc, Log: env.Log, Dev: env.Config.Dev, Secure: secure, Screen: screen, Closing: env.Closing,
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
