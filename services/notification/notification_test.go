package notification

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

func migrations() []postgres.MigrationSet {
	return []postgres.MigrationSet{outbox.Migrations(), bus.Migrations(), timer.Migrations(), web.Migrations(),
		{Name: "own", FS: store.Migrations, Dir: "migrations"}}
}

// bench is a service on a database of its own, with one organization.
type bench struct {
	*service
	t      *testing.T
	ctx    context.Context
	org    events.ID
	router *web.Router
}

func newBench(t *testing.T, cfg run.Config) *bench {
	t.Helper()
	return newBenchOn(t, cfg, pgtest.DB(t, Name, migrations()...))
}

func newBenchOn(t *testing.T, cfg run.Config, db *postgres.DB) *bench {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	log := slog.New(slog.DiscardHandler)
	s, err := build(ctx, run.Env{Config: cfg, DB: db, Outbox: outbox.New(db, Name), Log: log,
		Metrics: prometheus.NewRegistry(), Closing: ctx, URL: "http://console.test"})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{service: s, t: t, ctx: ctx, org: events.Derive("org", "test"), router: web.NewRouter(Name, nil, log)}
	s.routes(b.router)
	if s.sink != nil {
		go func() { _ = s.sink.Run(ctx) }()
	}
	return b
}

// listen runs the hub, for tests of the stream.
func (b *bench) listen() {
	go func() { _ = b.hub.Run(b.ctx) }()
}

// hears hands a batch of facts to the handler as the bus does.
func (b *bench) told(facts ...events.Fact) []events.Event {
	b.t.Helper()
	list := make([]events.Event, len(facts))
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i, f := range facts {
		list[i] = events.Event{ID: events.NewID(), Org: b.org, Occurred: now.Add(-time.Hour), Received: now.Add(-10 * time.Millisecond), Fact: f}
	}
	b.tell(list...)
	return list
}

func (b *bench) tell(list ...events.Event) {
	b.t.Helper()
	if err := b.db.SystemTx(b.ctx, func(tx pgx.Tx) error { return b.hear(b.ctx, tx, list) }); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) as(roles ...web.Role) web.Principal {
	return web.Principal{Subject: "me", Org: b.org, Roles: roles}
}

// call asks the API and reads the answer.
func (b *bench) call(who web.Principal, method, path string, in, out any, header ...string) int {
	b.t.Helper()
	body := ""
	if in != nil {
		j, err := json.Marshal(in)
		if err != nil {
			b.t.Fatal(err)
		}
		body = string(j)
	}
	req := httptest.NewRequestWithContext(web.WithPrincipal(b.ctx, who), method, path, strings.NewReader(body))
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	b.router.ServeHTTP(rec, req)
	if out != nil && rec.Code < 300 {
		if err := json.Unmarshal(rec.Body.Bytes(), out); err != nil {
			b.t.Fatalf("%s %s: %v in %s", method, path, err, rec.Body)
		}
	} else if rec.Code >= 300 {
		b.t.Logf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	return rec.Code
}

type alerts struct{ Items []alertView }

func (b *bench) alerts(query string) []alertView {
	b.t.Helper()
	var out alerts
	if code := b.call(b.as(web.Liaison), http.MethodGet, "/alerts"+query, nil, &out); code != 200 {
		b.t.Fatalf("list alerts: %d", code)
	}
	return out.Items
}

func (b *bench) detail(id events.ID) alertDetail {
	b.t.Helper()
	var out alertDetail
	if code := b.call(b.as(web.Liaison), http.MethodGet, "/alerts/"+id.String(), nil, &out); code != 200 {
		b.t.Fatalf("show alert: %d", code)
	}
	return out
}

// balanced fails the test where a conservation law does not hold.
func (b *bench) balanced() {
	b.t.Helper()
	err := b.db.Tx(b.ctx, b.org, func(tx pgx.Tx) error {
		laws, err := store.Laws(b.ctx, tx, b.org)
		for _, l := range laws {
			if l.Difference != 0 {
				b.t.Errorf("%s: %d against %d", l.Law, l.Left, l.Right)
			}
		}
		if err == nil {
			err = run.Agree(b.ctx, tx, laws, numbers())
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// announced counts the facts of a type in the event log.
func (b *bench) announced(typ string) (n int) {
	b.t.Helper()
	if err := b.db.System.QueryRow(b.ctx, `SELECT count(*) FROM event_log WHERE type = $1`, typ).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func stay(name string) events.Transition {
	return events.Transition{
		ID: events.Derive("transition", name), Encounter: events.Derive("encounter", name), Patient: events.Derive("patient", name),
		Facility: "MERCY", Unit: "ICU", State: "active", Version: 2, Class: "inpatient", Disposition: "01",
	}
}

func opened(t events.Transition) events.TransitionOpened {
	return events.TransitionOpened{Of: events.Of{Transition: t}}
}
