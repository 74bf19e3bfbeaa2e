package notification

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/setup"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

func (s *service) routes(r *web.Router) {
	web.Handle(r, web.AlertsRead, "GET", "/alerts", "Alerts, newest first", s.listAlerts)
	web.Handle(r, web.AlertsRead, "GET", "/alerts/{id}", "One alert: its thread, its deliveries, and why", s.showAlert)
	web.Handle(r, web.AlertsWork, "POST", "/alerts/{id}/acknowledge", "Take an alert on", s.acknowledge)
	web.Handle(r, web.AlertsWork, "POST", "/alerts/{id}/seen", "Say that I have seen an alert", s.seen)
	web.Handle(r, web.AlertsWork, "POST", "/alerts/{id}/resolve", "Say that nothing is left to do about an alert", s.resolve)
	s.deedRoutes(r)
	web.Handle(r, web.LedgerRead, "GET", "/ledger", "Who was told or not, and why", s.listLedger)
	web.Handle(r, web.LedgerRead, "GET", "/ledger/verify", "Check the organization's hash chain", s.verifyLedger)
	r.Raw(web.AlertsRead, "GET", "/stream", s.stream)
	web.Handle(r, web.OutboxRead, "GET", "/outbox", "Development: mails that the sink caught", s.listOutbox)
	setup.Door{DB: s.db}.Routes(r)
	setup.Devices{DB: s.db, Check: channel.CheckPush}.Routes(r)
	s.reportRoutes(r)
}

// alertView is an alert as it is shown.
type alertView struct {
	ID             events.ID  `json:"id"`
	Kind           string     `json:"kind"`
	EncounterID    events.ID  `json:"encounter_id"`
	TransitionID   events.ID  `json:"transition_id"`
	TaskID         events.ID  `json:"task_id"`
	Facility       string     `json:"facility"`
	Unit           string     `json:"unit"`
	State          string     `json:"state"`
	Severity       string     `json:"severity"`
	Reason         string     `json:"reason"`
	Cause          events.ID  `json:"cause"`
	Version        int        `json:"version"`
	Count          int        `json:"count" doc:"how many triggers this alert stands for"`
	Sensitive      bool       `json:"sensitive"`
	Recipients     []string   `json:"recipients" doc:"whose console shows it: person ids and role:x"`
	Escalations    int        `json:"escalations"`
	EscalatesAt    *time.Time `json:"escalates_at"`
	EscalatesTo    string     `json:"escalates_to" doc:"who is told then if nobody has taken it on: a person id or role:x"`
	OccurredAt     time.Time  `json:"occurred_at"`
	ReceivedAt     time.Time  `json:"received_at"`
	RaisedAt       time.Time  `json:"raised_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at"`
	AcknowledgedBy string     `json:"acknowledged_by"`
	ResolvedAt     *time.Time `json:"resolved_at"`
	HandedOver     *handed    `json:"handed_over" doc:"who gave it to its recipients last, until one of them takes it on"`
	Muted          *muteView  `json:"muted" doc:"by the caller"`
}

func view(a *notice.Alert) alertView {
	v := alertView{
		ID: a.ID, Kind: a.Kind, EncounterID: a.Encounter, TransitionID: a.Transition, TaskID: a.Task, Facility: a.Facility, Unit: a.Unit,
		State: string(a.State), Severity: string(a.Severity), Reason: a.Reason, Cause: a.Cause, Version: a.Version, Count: a.Count,
		Sensitive: a.Sensitive, Recipients: a.Audience, Escalations: a.Step, EscalatesAt: a.EscalateAt,
		OccurredAt: a.OccurredAt, ReceivedAt: a.ReceivedAt, RaisedAt: a.RaisedAt,
		AcknowledgedAt: a.AcknowledgedAt, AcknowledgedBy: a.AcknowledgedBy, ResolvedAt: a.ResolvedAt,
	}
	if d := a.Last; d != nil && d.Act == notice.HandOver && a.State == notice.Raised {
		v.HandedOver = &handed{d.By, d.To, d.At.UTC(), d.Reason}
	}
	return v
}

type alertsIn struct {
	web.PageIn
	Encounter events.ID `query:"encounter"`
	State     string    `query:"state" enum:"raised,acknowledged,resolved"`
	Kind      string    `query:"kind"`
	Facility  string    `query:"facility" doc:"facility code"`
	Inbox     bool      `query:"inbox" doc:"only what is addressed to me or my roles, without what I have muted"`
	Muted     bool      `query:"muted" doc:"only what is addressed to me or my roles and I have muted"`
}

type alertPosition struct {
	At time.Time
	ID events.ID
}

// inboxes are where alerts for this principal go.
func inboxes(p web.Principal) []string {
	out := []string{p.Subject}
	for _, r := range p.Roles {
		out = append(out, "role:"+string(r))
	}
	return out
}

func (s *service) listAlerts(ctx context.Context, in *alertsIn) (*web.Listed[alertView], error) {
	me := web.From(ctx)
	q := store.AlertQuery{State: in.State, Kind: in.Kind, Facility: in.Facility, Limit: in.Limit + 1}
	if !in.Encounter.IsZero() {
		for _, kind := range notice.EncounterKinds {
			q.Threads = append(q.Threads, notice.EncounterThread(in.Encounter, kind))
		}
		q.Encounter = in.Encounter
	}
	if in.Inbox || in.Muted || outside(me) {
		q.Audience = inboxes(me)
	}
	if in.Inbox || in.Muted {
		q.Person, q.Muted = me.Subject, in.Muted
	}
	var at alertPosition
	if _, err := web.DecodeCursor(in.Cursor, &at); err != nil {
		return nil, err
	}
	q.Before, q.BeforeID = at.At, at.ID
	var views []alertView
	err := s.db.Tx(ctx, me.Org, func(tx pgx.Tx) error {
		alerts, err := store.Alerts(ctx, tx, me.Org, q)
		if err != nil {
			return err
		}
		views, err = s.views(ctx, tx, me, alerts...)
		return err
	})
	return web.Page(views, in.Limit, func(v alertView) any { return alertPosition{v.RaisedAt, v.ID} }), err
}

type alertIn struct {
	ID      events.ID `path:"id"`
	IfMatch string    `header:"If-Match" doc:"optional: the version you decided on"`
}

// row is a ledger row as it is shown.
type row struct {
	Seq       int64     `json:"seq"`
	At        time.Time `json:"at"`
	Decision  string    `json:"decision"`
	AlertID   events.ID `json:"alert_id"`
	Version   int       `json:"version"`
	Recipient string    `json:"recipient"`
	Channel   string    `json:"channel"`
	Reason    string    `json:"reason"`
	EventID   events.ID `json:"event_id"`
	By        string    `json:"by"`
}

func rowView(r ledger.Row) row {
	return row{r.Seq, r.At, r.Decision, r.Alert, r.Version, r.Recipient, r.Channel, r.Reason, r.Event, r.Actor}
}

// sent is a delivery as it is shown.
type sent struct {
	Recipient string     `json:"recipient"`
	Channel   string     `json:"channel"`
	Version   int        `json:"version" doc:"of the alert that was told"`
	State     string     `json:"state"`
	Reason    string     `json:"reason"`
	Attempts  int        `json:"attempts"`
	CreatedAt time.Time  `json:"created_at"`
	NextAt    *time.Time `json:"next_at"`
	DoneAt    *time.Time `json:"done_at"`
}

// alertDetail is an alert with its history. Thread holds what happened to it, Why who was or was not
// chosen, both from the ledger.
type alertDetail struct {
	alertView
	Deliveries []sent    `json:"deliveries"`
	Thread     []row     `json:"thread"`
	Why        []row     `json:"why"`
	Rule       alertRule `json:"rule" doc:"where alerts of this kind go, and when they go further"`
}

type alertOut struct {
	ETag string `header:"ETag"`
	Body alertDetail
}

var whyDecisions = []string{"selected", "excluded", "suppressed"}

func (s *service) showAlert(ctx context.Context, in *alertIn) (*alertOut, error) {
	me := web.From(ctx)
	org := me.Org
	out := &alertOut{Body: alertDetail{Deliveries: []sent{}, Thread: []row{}, Why: []row{}}}
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		a, err := oneAlert(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		views, err := s.views(ctx, tx, me, a)
		if err != nil {
			return err
		}
		out.Body.alertView, out.ETag = views[0], etag(a.Version)
		if out.Body.Rule, err = s.ruleOf(ctx, tx, a); err != nil {
			return err
		}
		list, err := store.SentOf(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		for _, d := range list {
			v := sent{d.Recipient, d.Channel, d.Version, d.State, d.Reason, d.Attempts, d.CreatedAt, nil, d.DoneAt}
			if d.State == channel.Pending {
				v.NextAt = &d.NextAt
			}
			out.Body.Deliveries = append(out.Body.Deliveries, v)
		}
		rows, err := store.Ledger(ctx, tx, org, store.LedgerQuery{Event: in.ID, Alerts: []events.ID{in.ID}, Limit: 1000})
		for _, r := range rows {
			if slices.Contains(whyDecisions, r.Decision) {
				out.Body.Why = append(out.Body.Why, rowView(r))
			} else {
				out.Body.Thread = append(out.Body.Thread, rowView(r))
			}
		}
		return err
	})
	return out, err
}

var errNoAlert = fault.New(fault.Unknown, "there is no such alert")

func oneAlert(ctx context.Context, tx pgx.Tx, id events.ID) (*notice.Alert, error) {
	a, err := store.One(ctx, tx, id)
	if err == nil && (a == nil || !concerns(web.From(ctx), a)) {
		return nil, errNoAlert
	}
	return a, err
}

type workedOut struct {
	ETag string `header:"ETag"`
	Body alertView
}

// work locks an alert and lets a person act on it. If-Match is checked where it is sent: taking an
// alert on twice is no harm, so it is not required.
func (s *service) work(ctx context.Context, in *alertIn, act func(b *notice.Book, a *notice.Alert, me web.Principal, e events.Event) error) (*workedOut, error) {
	return s.workWith(ctx, in, func(b *notice.Book, a *notice.Alert, _ *routing.Directory, me web.Principal, e events.Event) error {
		return act(b, a, me, e)
	})
}

// workWith is work for what depends on the organization's directory.
func (s *service) workWith(ctx context.Context, in *alertIn, act func(b *notice.Book, a *notice.Alert, dir *routing.Directory, me web.Principal, e events.Event) error) (*workedOut, error) {
	me, out := web.From(ctx), &workedOut{}
	err := s.outbox.Tx(ctx, me.Org, func(tx pgx.Tx) error {
		found, err := store.Lock(ctx, tx, []events.ID{in.ID})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errNoAlert
		}
		a := found[0]
		if !concerns(me, a) {
			return errNoAlert
		}
		if in.IfMatch != "" {
			v, err := web.IfMatch(in.IfMatch)
			if err != nil {
				return err
			}
			if v != a.Version {
				return fault.New(fault.Stale, "the alert is at version %d now", a.Version).With("version", a.Version)
			}
		}
		loaded, err := store.Load(ctx, tx, nil, []events.ID{me.Org})
		if err != nil {
			return err
		}
		dir, err := s.dirs.get(ctx, tx, me.Org, loaded.Versions[me.Org])
		if err != nil {
			return err
		}
		now := moment()
		loaded.Alerts = []*notice.Alert{a}
		book := notice.NewBook(now, loaded.Alerts)
		if err := act(book, a, dir, me, events.Event{Org: me.Org, Occurred: now, Received: now}); err != nil {
			return err
		}
		if len(book.Changes) > 0 {
			if err := s.settle(ctx, tx, book, loaded, now); err != nil {
				return err
			}
		}
		views, err := s.views(ctx, tx, me, a)
		if err == nil {
			out.Body, out.ETag = views[0], etag(a.Version)
		}
		return err
	})
	return out, err
}

// acknowledge is idempotent: whoever comes second learns who was first.
func (s *service) acknowledge(ctx context.Context, in *alertIn) (*workedOut, error) {
	return s.work(ctx, in, func(b *notice.Book, a *notice.Alert, me web.Principal, e events.Event) error {
		if a.State == notice.Resolved {
			return fault.New(fault.Conflict, "the alert is resolved already: %s", a.Reason)
		}
		if a.State == notice.Raised && !a.ReceivedAt.IsZero() {
			s.meters.toHuman.Observe(e.Received.Sub(a.ReceivedAt).Seconds())
		}
		b.Acknowledge(a, me.Subject, e)
		return nil
	})
}

type resolveIn struct {
	ID      events.ID `path:"id"`
	IfMatch string    `header:"If-Match" doc:"optional: the version you decided on"`
	Body    *struct {
		Reason string `json:"reason,omitempty" maxLength:"40" pattern:"^[a-z][a-z-]*$" doc:"one of /reasons, for example handled; no free text"`
	} `required:"false"`
}

func (s *service) resolve(ctx context.Context, in *resolveIn) (*workedOut, error) {
	reason := "handled"
	if in.Body != nil && in.Body.Reason != "" {
		reason = in.Body.Reason
	}
	if !notice.Known(notice.Choices.Resolve, reason) {
		return nil, fault.New(fault.Invalid, "%q is no reason to settle an alert: /reasons lists them", reason)
	}
	return s.work(ctx, &alertIn{in.ID, in.IfMatch}, func(b *notice.Book, a *notice.Alert, me web.Principal, e events.Event) error {
		b.Close(a, me.Subject, reason, e)
		return nil
	})
}

// seen is recorded once per person, and changes nothing else.
func (s *service) seen(ctx context.Context, in *alertIn) (*workedOut, error) {
	me, out := web.From(ctx), &workedOut{}
	err := s.db.Tx(ctx, me.Org, func(tx pgx.Tx) error {
		a, err := oneAlert(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		out.Body, out.ETag = view(a), etag(a.Version)
		if before, err := store.SeenBy(ctx, tx, a.ID, me.Subject); err != nil || before {
			return err
		}
		return store.Log(ctx, tx, []ledger.Row{{Org: me.Org, Decision: ledger.Seen, Alert: a.ID, Version: a.Version,
			Recipient: me.Subject, Channel: "console", Reason: "opened", Actor: me.Subject}}, moment())
	})
	return out, err
}

// stream serves the console's channel: what is addressed to the caller or their roles, or, with
// all=true and for auditors, everything in the organization.
func (s *service) stream(w http.ResponseWriter, r *http.Request) {
	all := r.URL.Query().Get("all") == "true"
	who := func() (channel.Listener, bool) {
		me := web.From(r.Context())
		if token := web.Token(r.Context()); token != "" && s.auth != nil {
			now, err := s.auth.Who(r.Context(), token)
			if err != nil {
				return channel.Listener{}, false // expired or withdrawn while it was open
			}
			me = now
		}
		l := channel.Listener{Org: me.Org, Inboxes: inboxes(me)}
		if all && !outside(me) || me.Is(web.Auditor) {
			l.Inboxes = nil
		}
		return l, web.Allow(me, web.AlertsRead)
	}
	s.hub.Serve(w, r, s.closing, who)
}

func etag(version int) string { return `"` + strconv.Itoa(version) + `"` }

func (s *service) listOutbox(ctx context.Context, _ *struct{}) (*web.Listed[channel.Sunk], error) {
	list := []channel.Sunk{}
	if s.sink != nil {
		list = append(list, s.sink.Mails(web.From(ctx).Org)...)
	}
	return web.Page(list, len(list), nil), nil
}
