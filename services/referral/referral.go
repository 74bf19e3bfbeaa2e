package referral

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// Service is the referral service.
func Service() run.Service {
	return run.Service{Name: "referral", Migrations: store.Migrations(), New: build}
}

// pace: nobody waits for a draft within the blink of an eye, and larger batches are cheaper.
const pace = 125 * time.Millisecond

type service struct {
	db          *postgres.DB
	outbox      *outbox.Outbox
	directories *directories
	metrics     *metrics
}

func build(ctx context.Context, env run.Env) (*run.Instance, error) {
	s := newService(env)
	if env.Config.Dev {
		if err := s.loadDemo(ctx); err != nil {
			return nil, err
		}
	}
	return &run.Instance{
		Hears: []bus.Subscription{
			{Stream: "discharge", Types: transitionFacts, Handle: s.hearDischarge, Pace: pace},
			{Stream: "admission", Types: admissionFacts, Handle: s.hearAdmission, Pace: pace},
		},
		Timers:  map[string]timer.Handler{expireTimer: s.expire, rankTimer: s.rankAgain, waveTimer: s.nextWave},
		Routes:  s.routes,
		Laws:    s.laws,
		Numbers: numbers(),
	}, nil
}

func newService(env run.Env) *service {
	s := &service{db: env.DB, outbox: env.Outbox, metrics: newMetrics()}
	s.directories = newDirectories(s.metrics)
	env.Metrics.MustRegister(s.metrics.all()...)
	env.Metrics.MustRegister(census{s.db})
	return s
}

var transitionFacts = []events.Fact{
	events.TransitionPlanned{}, events.TransitionOpened{}, events.TransitionReplanned{}, events.TransitionUpdated{},
	events.TransitionCancelled{}, events.TransitionExpired{}, events.TransitionCompleted{}, events.TransitionReadmitted{},
}

var admissionFacts = []events.Fact{
	events.EncounterAdmitted{}, events.EncounterAdmissionCancelled{}, events.EncounterMoved{},
	events.PatientRegistered{}, events.PatientUpdated{}, events.PatientLinked{}, events.PatientUnlinked{},
	events.FacilityChanged{},
}

func (s *service) laws(ctx context.Context, org web.OrgID) (laws []web.Law, err error) {
	err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		laws, err = store.Laws(ctx, tx)
		return err
	})
	return laws, err
}
