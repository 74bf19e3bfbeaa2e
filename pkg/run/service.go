package run

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
)

// Service is one service as a value. Its name is its schema, its stream, the prefix of its subjects
// and of its API (/api/<name>).
type Service struct {
	Name       string
	Migrations fs.FS // *.sql at its root, for goose; nil: no tables of its own
	New        func(ctx context.Context, env Env) (*Instance, error)
}

// Instance is a service that was built and not yet started.
type Instance struct {
	Hears   []bus.Subscription       // facts it reacts to
	Timers  map[string]timer.Handler // by timer name
	Routes  func(r *web.Router)      // its API; paths below /api/<name>
	Root    http.Handler             // what it serves at / (the console alone)
	Laws    func(ctx context.Context, org web.OrgID) ([]web.Law, error)
	Numbers []Number // of Laws, with the rows behind each
	Loops   []Loop   // background work, started in order, stopped in reverse
	Ready   func(ctx context.Context) error
}

// Loop is background work: Run returns when ctx is done, or with an error that ends the program.
type Loop struct {
	Name string
	Run  func(ctx context.Context) error
}

// Env is what a service is given.
type Env struct {
	Config  Config
	DB      *postgres.DB
	Outbox  *outbox.Outbox
	Log     *slog.Logger
	Metrics prometheus.Registerer // already labelled service="<name>"
	Peers   web.Peers             // HTTP to the other services, with the caller's token
	Auth    *web.Authority        // who a token or session belongs to
	Closing context.Context       // done when the program begins to stop: long answers end
	URL     string                // how people reach this program
}
