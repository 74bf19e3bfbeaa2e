package notification

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// deedRoutes are what people do to alerts beside taking them on.
func (s *service) deedRoutes(r *web.Router) {
	web.Handle(r, web.AlertsRead, "GET", "/reasons", "What can be said when an alert is settled, handed over or muted", s.listReasons)
	web.Handle(r, web.AlertsWork, "POST", "/alerts/{id}/hand-over", "Give an alert to somebody else, who is told", s.handOver)
	web.Handle(r, web.AlertsWork, "POST", "/alerts/{id}/take-back", "Undo what I did to an alert last, while nothing else has changed", s.takeBack)
	web.Handle(r, web.AlertsWork, "POST", "/alerts/{id}/mute", "Be left alone by an alert, or its kind, for some time; others are told as before", s.mute)
	web.Handle(r, web.AlertsRead, "GET", "/mutes", "What I have muted", s.listMutes)
	web.Handle(r, web.AlertsWork, "POST", "/mutes/{id}/lift", "Hear of it again", s.liftMute)
}

// handed is a hand-over as it is shown.
type handed struct {
	By     string    `json:"by"`
	To     string    `json:"to" doc:"person id, role:x or on-duty"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// muteView is a mute as its person sees it.
type muteView struct {
	ID     events.ID `json:"id"`
	Scope  string    `json:"scope" enum:"thread,kind"`
	Alert  events.ID `json:"alert_id"`
	Kind   string    `json:"kind"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

const (
	scopeThread = "thread"
	scopeKind   = "kind"
)

func viewMute(m routing.Mute) *muteView {
	v := &muteView{m.ID, scopeThread, m.Alert, m.Kind, m.Reason, m.Until.UTC()}
	if m.Alert.IsZero() {
		v.Scope = scopeKind
	}
	return v
}

// views shows alerts to a person, with what that person has muted.
func (s *service) views(ctx context.Context, tx pgx.Tx, me web.Principal, alerts ...*notice.Alert) ([]alertView, error) {
	mutes, err := store.Mutes(ctx, tx, me.Org, me.Subject)
	if err != nil {
		return nil, err
	}
	now, out := moment(), make([]alertView, len(alerts))
	for i, a := range alerts {
		out[i] = view(a)
		if at := slices.IndexFunc(mutes, func(m routing.Mute) bool { return m.Covers(a, now) }); at >= 0 {
			out[i].Muted = viewMute(mutes[at])
		}
	}
	return out, s.next(ctx, tx, me.Org, alerts, out)
}

// next says to whom each alert goes further while nobody takes it on.
func (s *service) next(ctx context.Context, tx pgx.Tx, org events.ID, alerts []*notice.Alert, out []alertView) error {
	if !slices.ContainsFunc(out, func(v alertView) bool { return v.EscalatesAt != nil }) {
		return nil
	}
	dir, err := s.directory(ctx, tx, org)
	if err != nil {
		return err
	}
	for i, a := range alerts {
		if out[i].EscalatesAt == nil {
			continue
		}
		out[i].EscalatesTo = afterLast
		if step, last := dir.Next(a.Severity, a.Step); !last {
			out[i].EscalatesTo = step.Target
		}
	}
	return nil
}

// afterLast is who is told when every step of a policy was taken and nobody answered.
const afterLast = "role:operations"

// directory is an organization's as it is now.
func (s *service) directory(ctx context.Context, tx pgx.Tx, org events.ID) (*routing.Directory, error) {
	loaded, err := store.Load(ctx, tx, nil, []events.ID{org})
	if err != nil {
		return nil, err
	}
	return s.dirs.get(ctx, tx, org, loaded.Versions[org])
}

// alertRule is why an alert goes where it goes.
type alertRule struct {
	Targets []string    `json:"targets" doc:"tried in turn until one names somebody"`
	Further []alertStep `json:"further" doc:"who is told while nobody takes it on"`
}

type alertStep struct {
	After  string `json:"after"`
	Target string `json:"target"`
}

func (s *service) ruleOf(ctx context.Context, tx pgx.Tx, a *notice.Alert) (alertRule, error) {
	dir, err := s.directory(ctx, tx, a.Org)
	if err != nil {
		return alertRule{}, err
	}
	out := alertRule{Targets: dir.Rule(a.Kind), Further: []alertStep{}}
	if notice.Escalates(a.Kind) {
		for _, st := range dir.Policy(a.Severity) {
			out.Further = append(out.Further, alertStep{st.Wait.String(), st.Target})
		}
	}
	return out, nil
}

type reasonsOut struct{ Body notice.Reasons }

func (s *service) listReasons(context.Context, *struct{}) (*reasonsOut, error) {
	return &reasonsOut{notice.Choices}, nil
}

type handOverIn struct {
	ID      events.ID `path:"id"`
	IfMatch string    `header:"If-Match" doc:"optional: the version you decided on"`
	Body    struct {
		To     string `json:"to" maxLength:"200" doc:"a person id, role:x, or on-duty: whoever the routing rules name now"`
		Reason string `json:"reason" maxLength:"40" doc:"one of /reasons"`
	}
}

func (s *service) handOver(ctx context.Context, in *handOverIn) (*workedOut, error) {
	to, reason := in.Body.To, in.Body.Reason
	if !notice.Known(notice.Choices.HandOver, reason) {
		return nil, fault.New(fault.Invalid, "%q is no reason to hand an alert over: /reasons lists them", reason)
	}
	if role, ok := strings.CutPrefix(to, "role:"); strings.ContainsAny(to, "\n\r") || strings.HasPrefix(to, "endpoint:") || ok && !slices.Contains(web.Roles, web.Role(role)) {
		return nil, fault.New(fault.Invalid, "%q names nobody", to)
	}
	return s.workWith(ctx, &alertIn{in.ID, in.IfMatch}, func(b *notice.Book, a *notice.Alert, dir *routing.Directory, me web.Principal, e events.Event) error {
		switch why := dir.Refuses(routing.Question{Kind: a.Kind, OwnerRole: a.OwnerRole, Target: to, Sensitive: a.Sensitive, Handed: true}); {
		case a.State == notice.Resolved:
			return fault.New(fault.Conflict, "the alert is resolved already: %s", a.Reason)
		case outside(me) && to != notice.OnDuty:
			return fault.New(fault.Forbidden, "hand it to whoever is on duty at your place: nobody else's people can see it")
		case to == me.Subject:
			return fault.New(fault.Invalid, "that is you: take it on instead")
		case why != "":
			return fault.New(fault.Invalid, "%s", why)
		}
		b.HandOver(a, to, me.Subject, reason, e)
		return nil
	})
}

func (s *service) takeBack(ctx context.Context, in *alertIn) (*workedOut, error) {
	return s.work(ctx, in, func(b *notice.Book, a *notice.Alert, me web.Principal, e events.Event) error {
		if !b.TakeBack(a, me.Subject, e) {
			return fault.New(fault.Conflict, "something has happened to the alert since: it stays as it is").With("state", string(a.State))
		}
		return nil
	})
}

// Mutes end by themselves: one of a kind with the longest shift, one of a thread within a week.
const (
	longestShift = 24 * time.Hour
	longestMute  = 7 * 24 * time.Hour
)

type muteIn struct {
	ID   events.ID `path:"id"`
	Body struct {
		Scope  string    `json:"scope" enum:"thread,kind" doc:"this thread, or every alert of its kind"`
		Until  time.Time `json:"until" doc:"at most 7 days from now for a thread, 24 hours for a kind"`
		Reason string    `json:"reason" maxLength:"40" doc:"one of /reasons"`
	}
}

func (in *muteIn) check(now time.Time) error {
	most := longestMute
	if in.Body.Scope == scopeKind {
		most = longestShift
	}
	switch {
	case !notice.Known(notice.Choices.Mute, in.Body.Reason):
		return fault.New(fault.Invalid, "%q is no reason to mute an alert: /reasons lists them", in.Body.Reason)
	case !in.Body.Until.After(now):
		return fault.New(fault.Invalid, "say until when: a time that is still to come")
	case in.Body.Until.Sub(now) > most:
		return fault.New(fault.Invalid, "that is too long: at most %s", most)
	}
	return nil
}

// mute changes nothing about the alert: who else is told, and when it goes further, stays.
func (s *service) mute(ctx context.Context, in *muteIn) (*workedOut, error) {
	me, now, out := web.From(ctx), moment(), &workedOut{}
	if err := in.check(now); err != nil {
		return nil, err
	}
	err := s.db.Tx(ctx, me.Org, func(tx pgx.Tx) error {
		a, err := oneAlert(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		m := routing.Mute{ID: events.NewID(), Person: me.Subject, Alert: a.ID, Kind: a.Kind, Reason: in.Body.Reason, Until: in.Body.Until.UTC().Truncate(time.Microsecond), Step: a.Step}
		if in.Body.Scope == scopeKind {
			m.Alert, m.Step = events.ID{}, 0
		}
		if err := store.AddMute(ctx, tx, me.Org, m); err != nil {
			return err
		}
		if err := store.Log(ctx, tx, []ledger.Row{{Org: me.Org, Decision: ledger.Muted, Alert: a.ID, Version: a.Version, Recipient: me.Subject, Actor: me.Subject,
			Reason: in.Body.Scope + " until " + m.Until.Format(time.RFC3339) + ": " + m.Reason}}, now); err != nil {
			return err
		}
		views, err := s.views(ctx, tx, me, a)
		if err == nil {
			out.Body, out.ETag = views[0], etag(a.Version)
		}
		return err
	})
	return out, err
}

func (s *service) listMutes(ctx context.Context, _ *struct{}) (*web.Listed[*muteView], error) {
	me, list := web.From(ctx), []*muteView{}
	err := s.db.Tx(ctx, me.Org, func(tx pgx.Tx) error {
		mutes, err := store.Mutes(ctx, tx, me.Org, me.Subject)
		for _, m := range mutes {
			list = append(list, viewMute(m))
		}
		return err
	})
	return web.Page(list, len(list), nil), err
}

type muteID struct {
	ID events.ID `path:"id"`
}

type muteOut struct{ Body muteView }

func (s *service) liftMute(ctx context.Context, in *muteID) (*muteOut, error) {
	me, out := web.From(ctx), &muteOut{}
	err := s.db.Tx(ctx, me.Org, func(tx pgx.Tx) error {
		m, ok, err := store.LiftMute(ctx, tx, me.Org, me.Subject, in.ID)
		switch {
		case err != nil:
			return err
		case !ok:
			return fault.New(fault.Unknown, "nothing of yours is muted under this id, or not any more")
		}
		out.Body = *viewMute(m)
		of := m.Alert
		if of.IsZero() {
			of = m.ID // a kind is of no one thread
		}
		return store.Log(ctx, tx, []ledger.Row{{Org: me.Org, Decision: ledger.Unmuted, Alert: of, Recipient: me.Subject, Actor: me.Subject,
			Reason: out.Body.Scope + " " + m.Kind}}, moment())
	})
	return out, err
}
