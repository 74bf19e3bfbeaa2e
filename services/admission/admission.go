// Package admission knows who is in which hospital. It hears hospitals' ADT messages, keeps them,
// folds them into stays, and announces what changed.
//
// Publishes: the facts of encounters (planned, admitted, transferred, class changed, discharge
// expected, discharged, discharge cancelled, admission cancelled, updated, moved), of patients
// (registered, updated, linked, unlinked, merged, unmerged), of facilities (changed) and feeds (message
// quarantined).
// Hears: no other service. Needs: PostgreSQL; the world reaches it by MLLP and HTTP.
//
// Names, identifiers, addresses and phones of patients live here and nowhere else.
package admission

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/seal"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// Name is the service's schema, stream and API prefix.
const Name = "admission"

// Service is admission as a value.
func Service() run.Service {
	return run.Service{Name: Name, Migrations: store.Migrations(), New: build}
}

// service is one running admission.
type service struct {
	config     run.Config
	db         *postgres.DB
	outbox     *outbox.Outbox
	store      *store.Store
	directory  *store.Directory
	keeper     *store.Keeper
	applier    *applier
	linker     *linker
	secret     []byte       // of keyed digests
	wrapper    seal.Wrapper // of the keys that seal messages
	shredAfter time.Duration
	doors      *adt.Metrics
	metrics    *metrics
	tracer     trace.Tracer
	log        *slog.Logger
	replies    *adt.ReplyIDs
	heard      *heard
	quality    *quality
	address    string // of the MLLP listener
}

func build(ctx context.Context, env run.Env) (*run.Instance, error) {
	return newService(env).instance(ctx, env.Auth)
}

func (s *service) instance(ctx context.Context, auth *web.Authority) (*run.Instance, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	listener, err := s.listener()
	if err != nil {
		return nil, err
	}
	if auth != nil {
		auth.Also(s.resolveKey)
	}
	return &run.Instance{
		Routes:  s.routes,
		Laws:    s.laws,
		Numbers: numbers(),
		Loops: []run.Loop{
			{Name: "directory", Run: s.keepDirectory},
			{Name: "lease", Run: s.keepLease},
			{Name: "apply", Run: s.applier.run},
			{Name: "watch", Run: s.keepWatch},
			{Name: "keep", Run: s.keeper.Run},
			{Name: "identity", Run: s.linker.run},
			{Name: "seal", Run: s.keepSealed},
			{Name: "mllp", Run: listener},
		},
	}, nil
}

func newService(env run.Env) *service {
	s := &service{config: env.Config, db: env.DB, outbox: env.Outbox, store: store.New(env.DB), log: env.Log, tracer: otel.Tracer("handoff/admission")}
	s.metrics, s.doors = newMetrics(env.Metrics), adt.NewMetrics(env.Metrics)
	s.shredAfter = shredAfter
	s.replies, s.heard, s.quality = adt.NewReplyIDs(time.Now()), &heard{}, &quality{}
	s.doors.Told = s.quality.answered
	s.directory = store.NewDirectory(s.store, s.announceFacility)
	s.directory.Development = env.Config.Dev
	s.applier, s.linker = newApplier(s), newLinker(s)
	s.keeper = store.NewKeeper(s.store, s.log, env.Metrics, s.tracer, s.kept, s.applier.sweepLater)
	return s
}

// DemoOrg is the organization of development and demonstration.
var DemoOrg = events.Derive("org", "demo")

// prepare reads the setup, and in development makes its organization and feed.
func (s *service) prepare(ctx context.Context) error {
	if s.config.Dev {
		if err := s.store.EnsureDemo(ctx, DemoOrg); err != nil {
			return err
		}
	}
	if err := s.readSecret(ctx); err != nil {
		return err
	}
	if err := s.unlock(ctx); err != nil {
		return err
	}
	if err := s.directory.Refresh(ctx); err != nil {
		return err
	}
	return s.store.Renew(ctx)
}

// readSecret reads what digests are made with, the operator's part of it from a file.
func (s *service) readSecret(ctx context.Context) (err error) {
	var operator []byte
	if file := s.config.IdentityKey; file != "" {
		if operator, err = os.ReadFile(file); err != nil {
			return fmt.Errorf("read --identity-key-file: %w", err)
		}
		if operator = bytes.TrimSpace(operator); len(operator) < 16 {
			return errors.New("--identity-key-file: a key has 16 bytes or more")
		}
	}
	s.secret, err = s.store.Secret(ctx, operator)
	s.directory.Secret = s.secret
	return err
}

// keepDirectory notices the setup changes of other processes.
func (s *service) keepDirectory(ctx context.Context) error {
	return every(ctx, time.Second, func() {
		if err := s.directory.Refresh(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "facilities and feeds could not be read again", "error", err)
		}
	})
}

// every calls do at once and then at each interval until ctx is done.
func every(ctx context.Context, interval time.Duration, do func()) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		do()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
