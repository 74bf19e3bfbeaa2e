package run

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/nats-io/nats.go"

	"github.com/handoff-care/handoff/pkg/telemetry"
	"github.com/handoff-care/handoff/pkg/web"
)

// Main is the whole main function of a service on its own: flags and HANDOFF_* variables, a
// PostgreSQL and a NATS that are somewhere else, the service, until SIGTERM.
func Main(services ...Service) {
	var cfg Config
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = s.Name
	}
	kong.Parse(&cfg, kong.Name(strings.Join(names, "+")), kong.DefaultEnvars("HANDOFF"),
		kong.Description("One service of handoff. It needs PostgreSQL (--database-url) and NATS (--nats-url)."))
	if err := serve(cfg, services); err != nil {
		fmt.Fprintln(os.Stderr, "handoff:", err)
		os.Exit(1)
	}
}

func serve(cfg Config, services []Service) error {
	if cfg.DatabaseURL == "" || cfg.NATSURL == "" {
		return errors.New("a service on its own needs --database-url and --nats-url (HANDOFF_DATABASE_URL, HANDOFF_NATS_URL); `handoff run` brings its own")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flush, err := telemetry.Traces(ctx, services[0].Name)
	if err != nil {
		return err
	}
	defer func() { _ = flush(context.WithoutCancel(ctx)) }()
	authority, err := Authority(ctx, cfg)
	if err != nil {
		return err
	}
	start, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	p, err := Start(start, cfg, Infra{AdminURL: cfg.DatabaseURL, NATS: Dial(cfg), Authority: authority}, services...)
	if err != nil {
		return err
	}
	slog.New(slog.NewTextHandler(os.Stderr, nil)).Info("ready", "url", p.URL())
	select {
	case <-ctx.Done():
	case err = <-p.Failed():
	}
	return errors.Join(err, p.Stop())
}

// Authority returns who judges tokens: the issuer, or in development the key at the data directory.
func Authority(ctx context.Context, cfg Config) (*web.Authority, error) {
	if cfg.OIDCIssuer != "" {
		return web.NewAuthority(ctx, cfg.OIDCIssuer)
	}
	if !cfg.Dev {
		return nil, errors.New("nobody could sign in: set --oidc-issuer, or --dev on a development machine")
	}
	key, err := DevKey(cfg.Data)
	if err != nil {
		return nil, err
	}
	return web.NewDevAuthority(key.Public()), nil
}

// Dial returns how services connect to the NATS at cfg.NATSURL. A "%s" in its user part is replaced
// by the service's name; HANDOFF_NATS_PASSWORD, HANDOFF_NATS_PASSWORD_FILE and HANDOFF_NATS_CREDS (a
// credentials file) are used when set.
func Dial(cfg Config) func(service string) (*nats.Conn, error) {
	return func(service string) (*nats.Conn, error) {
		options := []nats.Option{nats.Name("handoff " + service), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
			nats.RetryOnFailedConnect(true), nats.Timeout(5 * time.Second)}
		at, err := url.Parse(strings.ReplaceAll(cfg.NATSURL, "%s", service))
		if err != nil {
			return nil, errors.New("--nats-url cannot be read")
		}
		pass, err := secret("HANDOFF_NATS_PASSWORD")
		if err != nil {
			return nil, err
		}
		if pass != "" {
			options = append(options, nats.UserInfo(service, pass))
		}
		if creds := os.Getenv("HANDOFF_NATS_CREDS"); creds != "" {
			options = append(options, nats.UserCredentials(creds))
		}
		if at.Scheme == "tls" {
			options = append(options, nats.Secure(&tls.Config{MinVersion: tls.VersionTLS13}))
		}
		return nats.Connect(at.String(), options...)
	}
}

// secret reads a variable, or the file that the variable with _FILE added names.
func secret(name string) (string, error) {
	file := os.Getenv(name + "_FILE")
	if file == "" {
		return os.Getenv(name), nil
	}
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}
