package discharge

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/readmission"
	"github.com/handoff-care/handoff/services/discharge/internal/risk"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Name is the service's schema, stream and API prefix.
const Name = "discharge"

// Timer names.
const (
	timerTask     = "task"     // a task's reminder or due time; keyed by encounter
	timerFacility = "facility" // due times to compute again; keyed by facility
)

// Service is the discharge service. It hears of stays, patients and facilities from
// admission, and tells of transitions and tasks.
func Service() run.Service {
	own, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return run.Service{Name: Name, Migrations: own, New: build}
}

// heard are the facts this service reacts to.
var heard = []events.Fact{
	events.EncounterPlanned{}, events.EncounterAdmitted{}, events.EncounterTransferred{}, events.EncounterClassChanged{},
	events.EncounterDischargeExpected{}, events.EncounterDischarged{}, events.EncounterDischargeCancelled{},
	events.EncounterAdmissionCancelled{}, events.EncounterUpdated{}, events.EncounterMoved{},
	events.PatientRegistered{}, events.PatientUpdated{}, events.PatientLinked{}, events.PatientUnlinked{}, events.FacilityChanged{},
}

func build(_ context.Context, env run.Env) (*run.Instance, error) {
	rules, err := shippedRules()
	if err != nil {
		return nil, err
	}
	rules.LateAfter = cmp.Or(env.Config.LateAfter, 24*time.Hour)
	s := newService(env.Outbox, rules)
	s.shelf = newShelf(env.DB, rules.Protocols, env.Log)
	if err := env.Metrics.Register(s.toHuman); err != nil {
		return nil, err
	}
	if err := env.Metrics.Register(s.toTask); err != nil {
		return nil, err
	}
	api := newAPI(s, env.DB, env.Closing)
	return &run.Instance{
		Hears:   []bus.Subscription{{Stream: "admission", Types: heard, Handle: s.hear}},
		Timers:  map[string]timer.Handler{timerTask: s.tasksDue, timerFacility: s.facilityChanged, timerProtocols: s.replanDue},
		Routes:  api.routes,
		Laws:    api.laws,
		Numbers: numbers(),
		Loops:   []run.Loop{{Name: "protocols", Run: s.shelf.run}, {Name: "visits", Run: api.forget}},
	}, nil
}

func shippedRules() (*transition.Rules, error) {
	set, err := protocol.Shipped()
	if err != nil {
		return nil, fmt.Errorf("shipped protocols: %w", err)
	}
	weights, err := risk.Shipped()
	if err != nil {
		return nil, fmt.Errorf("shipped weights: %w", err)
	}
	hospital, err := risk.ShippedHospital(weights)
	if err != nil {
		return nil, fmt.Errorf("shipped scores: %w", err)
	}
	returns, err := readmission.Shipped()
	if err != nil {
		return nil, fmt.Errorf("shipped rules of returns: %w", err)
	}
	return &transition.Rules{Protocols: set, Comorbidities: weights, Hospital: hospital, Readmission: returns}, nil
}
