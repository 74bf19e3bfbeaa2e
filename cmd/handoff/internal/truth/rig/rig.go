package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"github.com/handoff-care/handoff/cmd/handoff/internal/broker"
	"github.com/handoff-care/handoff/cmd/handoff/internal/devkey"
	"github.com/handoff-care/handoff/cmd/handoff/internal/devoidc"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission"
	"github.com/handoff-care/handoff/services/console"
	"github.com/handoff-care/handoff/services/discharge"
	"github.com/handoff-care/handoff/services/notification"
	"github.com/handoff-care/handoff/services/referral"
)

// Services are the names of all services.
var Services = []string{admission.Name, "discharge", "referral", "notification", "console"}

// Rig is a running handoff. Safe for concurrent use.
type Rig struct {
	t       testing.TB
	DB      *pgxpool.Pool // as superuser, past all policies
	MLLP    string        // where development's feed takes messages
	base    string
	key     *devkey.Key
	client  *http.Client
	program *run.Program
	broker  *broker.Server
	nats    map[string]*nats.Conn
}

// Start runs everything until the test ends.
func Start(t testing.TB) *Rig {
	t.Helper()
	url, data := pgtest.New(t), t.TempDir()
	r := &Rig{t: t, client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}, nats: map[string]*nats.Conn{}}
	t.Cleanup(r.stop)
	var err error
	if r.DB, err = pgxpool.New(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if r.broker, err = broker.Start(broker.Options{Data: data}); err != nil {
		t.Fatal(err)
	}
	cfg := run.Config{Dev: true, HTTP: "127.0.0.1:0", MLLP: freeAddress(t), Data: data, LogLevel: "error", LateAfter: 24 * time.Hour, MaxFrame: 2 << 20}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	authority, err := run.Authority(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.key, err = devkey.Load(data); err != nil {
		t.Fatal(err)
	}
	infra := run.Infra{
		AdminURL: url, Authority: authority, Stream: run.StreamLimits{MaxBytes: 512 << 20},
		NATS: func(s string) (*nats.Conn, error) { return r.broker.Connect(s) },
		Log: func(s string) *slog.Logger {
			return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})).With("service", s)
		},
	}
	r.program, err = run.Start(ctx, cfg, infra, admission.Service(), discharge.Service(), referral.Service(), notification.Service(), console.Service())
	if err != nil {
		t.Fatal(err)
	}
	r.base, r.MLLP = "http://"+r.program.Addr(), cfg.MLLP
	for _, s := range Services {
		if r.nats[s], err = r.broker.Connect(s); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (r *Rig) stop() {
	for _, nc := range r.nats {
		nc.Close()
	}
	if r.program != nil {
		if err := r.program.Stop(); err != nil {
			r.t.Error(err)
		}
	}
	if r.broker != nil {
		r.broker.Stop()
	}
	if r.DB != nil {
		r.DB.Close()
	}
}

// Token is a bearer token of somebody with a role in an organization.
func (r *Rig) Token(org events.ID, subject string, role web.Role) string {
	r.t.Helper()
	text, err := r.key.Token(devkey.Claims{Subject: subject + "@" + org.String(), Name: subject, Org: org, Roles: []web.Role{role}}, time.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	return text
}

// DemoOrg is the organization of development's own feed.
var DemoOrg = devoidc.OrgID(devoidc.DemoOrg)

// Problem is a refusal.
type Problem struct {
	Status int
	Text   string
}

func (p *Problem) Error() string { return fmt.Sprintf("%d: %s", p.Status, p.Text) }

// Call asks an API: path is below /api. in may be []byte of a content type that header names.
func (r *Rig) Call(ctx context.Context, token, method, path string, in, out any, header ...string) error {
	body, ok := in.([]byte)
	if !ok && in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, r.base+"/api"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode >= 300:
		return &Problem{res.StatusCode, string(text)}
	case out == nil:
		return nil
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = text
		return nil
	}
	return json.Unmarshal(text, out)
}

// must is Call, where a refusal ends the test.
func (r *Rig) must(token, method, path string, in, out any, header ...string) {
	r.t.Helper()
	if err := r.Call(r.t.Context(), token, method, path, in, out, header...); err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// busy reports whether to try again: the limit of requests, or the store behind.
func busy(err error) bool {
	var p *Problem
	return errors.As(err, &p) && (p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable)
}
