package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/telemetry"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
)

// part is one service that runs.
type part struct {
	service  Service
	instance *Instance
	db       *postgres.DB
	outbox   *outbox.Outbox
	nc       *nats.Conn
	js       jetstream.JetStream
	router   *web.Router
	log      *slog.Logger
	metrics  *telemetry.Backbone
	stream   *stream
	reader   *bus.Reader
	closed   context.Context // done when the program begins to stop
	closing  context.CancelFunc
	loops    []running
}

type running struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
}

// Sets are the migrations of a service's schema: those of the packages it stands on, and its own.
func Sets(s Service) []postgres.MigrationSet {
	list := []postgres.MigrationSet{outbox.Migrations(), bus.Migrations(), timer.Migrations(), web.Migrations()}
	if s.Migrations != nil {
		list = append(list, postgres.MigrationSet{Name: "own", FS: s.Migrations})
	}
	return list
}

func migrate(ctx context.Context, url string, s Service) error {
	if err := postgres.Migrate(ctx, url, s.Name, Sets(s)...); err != nil {
		return fmt.Errorf("%s: migrate: %w", s.Name, err)
	}
	return nil
}

// build opens what the service stands on and builds it; nothing runs yet.
func (p *Program) build(ctx context.Context, s Service, peers web.Peers) (_ *part, err error) {
	pt := &part{service: s, log: p.infra.Log(s.Name), reader: p.reader}
	pt.closed, pt.closing = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			_ = pt.stop(ctx)
		}
	}()
	url := p.infra.AdminURL
	if p.infra.ServiceURL != nil {
		url = p.infra.ServiceURL(s.Name)
	}
	err = p.waits.try(ctx, func(ctx context.Context) (err error) {
		pt.db, err = postgres.Open(ctx, url, s.Name, postgres.Options{Log: pt.log})
		return err
	})
	if err != nil {
		return nil, err
	}
	if pt.nc, err = p.infra.NATS(s.Name); err != nil {
		return nil, err
	}
	if pt.js, err = jetstream.New(pt.nc, jetstream.WithPublishAsyncMaxPending(1024)); err != nil {
		return nil, err
	}
	pt.stream = newStream(pt.js, s.Name, p.cfg.StreamMaxBytes, p.infra.Stream, pt.log)
	registerer := prometheus.WrapRegistererWith(prometheus.Labels{"service": s.Name}, p.infra.Registry)
	pt.metrics = telemetry.NewBackbone(registerer)
	pt.outbox = outbox.New(pt.db, s.Name)
	env := Env{
		Config: p.cfg, DB: pt.db, Outbox: pt.outbox, Log: pt.log, Metrics: registerer,
		Peers: peers, Auth: p.infra.Authority, Closing: pt.closed, URL: p.URL(),
	}
	if pt.instance, err = s.New(ctx, env); err != nil {
		return nil, err
	}
	pt.router = web.NewRouter(s.Name, p.infra.Authority, pt.log)
	if pt.instance.Routes != nil {
		pt.instance.Routes(pt.router)
	}
	pt.standardRoutes(p.infra.Registry, p.sampler)
	return pt, nil
}

// start starts the service's own loops, then what feeds it, then what publishes for it.
func (pt *part) start(fail func(error)) {
	pt.run(Loop{"log", func(ctx context.Context) error { return pt.outbox.ServeLog(ctx, pt.nc, pt.log) }}, fail)
	pt.run(Loop{"stream", pt.stream.watch}, fail)
	pt.run(Loop{"relay", pt.relay}, fail)
	pt.run(Loop{"trim", func(ctx context.Context) error { return pt.outbox.Trim(ctx, 31*24*time.Hour, pt.log) }}, fail)
	pt.run(Loop{"watch", pt.watch}, fail)
	for _, sub := range pt.instance.Hears {
		c := bus.NewConsumer(sub, pt.service.Name, pt.outbox, pt.db, pt.nc, pt.js, pt.log, pt.observer(), pt.reader)
		pt.run(Loop{"hear " + sub.Stream, c.Run}, fail)
	}
	if len(pt.instance.Timers) > 0 {
		t := timer.Loop{Outbox: pt.outbox, Handlers: pt.instance.Timers, Log: pt.log,
			Fired: func(late time.Duration) { pt.metrics.TimerLate.Observe(late.Seconds()) }}
		pt.run(Loop{"timers", t.Run}, fail)
	}
	for _, l := range pt.instance.Loops {
		pt.run(l, fail)
	}
}

// relay publishes what the service says, as soon as there is a stream for it.
func (pt *part) relay(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-pt.stream.made:
	}
	relay := outbox.NewRelay(pt.outbox, pt.nc, pt.js, pt.stream.cfg, pt.log)
	relay.Fullness = func(share float64) { pt.metrics.StreamFull.Set(share) }
	relay.Published = func(n int) { pt.metrics.Published.Add(float64(n)) }
	return relay.Run(ctx)
}

func (pt *part) run(l Loop, fail func(error)) {
	ctx, cancel := context.WithCancel(context.Background())
	r := running{name: l.Name, cancel: cancel, done: make(chan struct{})}
	pt.loops = append(pt.loops, r)
	go func() {
		defer close(r.done)
		if err := l.Run(ctx); err != nil && ctx.Err() == nil {
			fail(fmt.Errorf("%s: %s: %w", pt.service.Name, l.Name, err))
		}
	}()
}

func (pt *part) notReady(ctx context.Context) error {
	if !pt.nc.IsConnected() {
		return errors.New("NATS is not connected")
	}
	if err := pt.stream.missing(time.Now()); err != nil {
		return err
	}
	if err := pt.db.System.Ping(ctx); err != nil {
		return errors.New("PostgreSQL does not answer")
	}
	if pt.instance.Ready != nil {
		return pt.instance.Ready(ctx)
	}
	return nil
}

// stop stops loops in reverse order, then closes connections.
func (pt *part) stop(ctx context.Context) (err error) {
	pt.closing()
	for i := len(pt.loops) - 1; i >= 0; i-- {
		pt.loops[i].cancel()
		select {
		case <-pt.loops[i].done:
		case <-ctx.Done():
			err = errors.Join(err, fmt.Errorf("%s: %s did not stop in time", pt.service.Name, pt.loops[i].name))
		}
	}
	if pt.nc != nil {
		pt.nc.Close()
	}
	if pt.db != nil {
		var wg sync.WaitGroup
		wg.Go(pt.db.Close)
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	return err
}

func (pt *part) observer() bus.Observer {
	return bus.Observer{
		Batch: func(stream string, n, repeats int, took time.Duration) {
			pt.metrics.Handled.WithLabelValues(stream).Add(float64(n))
			pt.metrics.Repeated.WithLabelValues(stream).Add(float64(repeats))
			pt.metrics.BatchTime.WithLabelValues(stream).Observe(took.Seconds())
			pt.metrics.BatchSize.WithLabelValues(stream).Observe(float64(n))
		},
		Lag: func(stream string, pending uint64) { pt.metrics.Lag.WithLabelValues(stream).Set(float64(pending)) },
	}
}

// watch keeps the gauges that only the database knows.
func (pt *part) watch(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		var rows, age, parkedAge float64
		err := pt.db.System.QueryRow(ctx, `SELECT count(*), coalesce(extract(epoch FROM now() -
			(SELECT recorded_at FROM event_log WHERE sequence = min(o.sequence))), 0) FROM (SELECT sequence FROM outbox LIMIT 10000) o`).Scan(&rows, &age)
		if err == nil {
			pt.metrics.OutboxRows.Set(rows)
			pt.metrics.OutboxAge.Set(age)
			for _, sub := range pt.instance.Hears {
				var keys, oldest float64
				if pt.db.System.QueryRow(ctx, `SELECT count(*), coalesce(extract(epoch FROM now() - min(parked_at)), 0) FROM parked_key WHERE stream = $1`, sub.Stream).
					Scan(&keys, &oldest) == nil {
					pt.metrics.Parked.WithLabelValues(sub.Stream).Set(keys)
					parkedAge = max(parkedAge, oldest)
				}
			}
			pt.metrics.ParkedAge.Set(parkedAge)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
