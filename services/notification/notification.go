// Package notification tells people, provably.
//
// It hears what happened to transitions, tasks, referrals and feeds, decides who must know (the
// rosters and rules of the organization), and tells them: in the console at once, by email, webhook
// and push to their own devices outside of any transaction, until somebody acknowledges. Why somebody was told or not is in
// a ledger that cannot be changed unseen.
//
// Guarantee (G5): one alert per cause however often its fact is heard; every alert has a recipient;
// every delivery ends in delivered, suppressed with a reason, or a recorded failure that escalates.
package notification

import (
	"context"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
	"github.com/handoff-care/handoff/services/notification/internal/desk"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// Name is the service's schema, stream and API prefix.
const Name = "notification"

// Service is the notification service as a value.
func Service() run.Service {
	own, err := fs.Sub(store.Migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return run.Service{Name: Name, Migrations: own, New: New}
}

// service is the notification service. Safe for concurrent use.
type service struct {
	db      *postgres.DB
	outbox  *outbox.Outbox
	log     *slog.Logger
	dirs    directories
	hub     *channel.Hub
	posts   map[string]*channel.Post // by outside channel
	sink    *channel.Sink            // development's mail server; else nil
	meters  *meters
	closing context.Context
	auth    *web.Authority
}

// New builds the service.
func New(ctx context.Context, env run.Env) (*run.Instance, error) {
	s, err := build(ctx, env)
	if err != nil {
		return nil, err
	}
	if env.Config.Dev {
		if err := s.demo(ctx); err != nil {
			return nil, err
		}
	}
	i := &run.Instance{
		Hears:   s.hears(),
		Timers:  map[string]timer.Handler{desk.Escalation: s.escalate},
		Numbers: numbers(),
		Routes:  s.routes,
		Laws: func(ctx context.Context, org web.OrgID) (laws []web.Law, err error) {
			err = s.db.Tx(ctx, org, func(tx pgx.Tx) error {
				laws, err = store.Laws(ctx, tx, org)
				return err
			})
			return laws, err
		},
		Loops: []run.Loop{{Name: "stream", Run: s.hub.Run}, {Name: "chain", Run: s.chain}, {Name: "housekeeping", Run: s.housekeeping}},
	}
	if s.sink != nil {
		i.Loops = append(i.Loops, run.Loop{Name: "mail sink", Run: s.sink.Run})
	}
	for name, p := range s.posts {
		i.Loops = append(i.Loops, run.Loop{Name: name, Run: p.Run})
	}
	return i, nil
}

func build(ctx context.Context, env run.Env) (*service, error) {
	s := &service{db: env.DB, outbox: env.Outbox, log: env.Log, auth: env.Auth, closing: env.Closing, meters: newMeters(env.Metrics)}
	if s.closing == nil {
		s.closing = context.WithoutCancel(ctx)
	}
	s.dirs.by = map[events.ID]*routing.Directory{}
	s.hub = channel.NewHub(env.DB.System, env.Log)
	s.hub.Pushed = s.pushed
	s.meters.openStreams(s.hub.Open)
	links := strings.TrimRight(env.Config.PublicURL, "/")
	if links == "" {
		links = env.URL
	}
	mails, err := s.mail(env.Config, links)
	if err != nil {
		return nil, err
	}
	allow, err := channel.Allowed(env.Config.WebhookAllow)
	if err != nil {
		return nil, err
	}
	hooks := channel.NewWebhooks(allow, links, nil)
	s.posts = map[string]*channel.Post{
		routing.Email:   channel.NewPost(env.Outbox, routing.Email, mails, env.Log),
		routing.Webhook: channel.NewPost(env.Outbox, routing.Webhook, hooks, env.Log),
		routing.Push:    channel.NewPost(env.Outbox, routing.Push, channel.NewPushes(allow, links, nil), env.Log),
	}
	for _, p := range s.posts {
		p.Record = s.record
	}
	return s, nil
}

// mail is the way to the mail server; in development without one, to a sink of our own; else none.
func (s *service) mail(cfg run.Config, links string) (channel.Sender, error) {
	server := cfg.SMTPURL
	if server == "" && cfg.Dev {
		sink, err := channel.NewSink()
		if err != nil {
			return nil, err
		}
		s.sink, server = sink, sink.URL()
	}
	if server == "" {
		return nil, nil
	}
	return channel.NewMail(server, links)
}

// hears lists the facts that raise, correct or close alerts.
func (s *service) hears() []bus.Subscription {
	return []bus.Subscription{
		{Stream: "discharge", Handle: s.hear, Types: []events.Fact{
			events.TransitionPlanned{}, events.TransitionOpened{}, events.TransitionReplanned{}, events.TransitionUpdated{},
			events.TransitionCancelled{}, events.TransitionExpired{}, events.TransitionCompleted{}, events.TransitionReadmitted{},
			events.ReadmissionDetected{}, events.ReadmissionUpdated{}, events.ReadmissionWithdrawn{},
			events.ClockMet{}, events.ClockMissed{}, events.ClockWithdrawn{},
			events.TaskDue{}, events.TaskOverdue{}, events.TaskCompleted{}, events.TaskCancelled{}, events.TaskRescheduled{},
		}},
		{Stream: "referral", Handle: s.hear, Types: []events.Fact{
			events.ReferralSent{}, events.ReferralUpdated{}, events.ReferralAcknowledged{}, events.ReferralOffered{}, events.ReferralBooked{},
			events.ReferralDeclined{}, events.ReferralAccepted{}, events.ReferralRecalled{}, events.ReferralWithdrawn{}, events.ArrivalConfirmed{},
		}},
		{Stream: "admission", Handle: s.hear, Types: []events.Fact{events.MessageQuarantined{}, events.FacilityChanged{}}},
	}
}
