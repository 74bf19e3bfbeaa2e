package discharge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// undone takes back the latest thing told of a request.
const undone = "undo"

// requestRoutes are how people tell of requests that no message tells of: an
// authorization asked of a payer, a grievance, an appeal, a patient's own record.
func (a *api) requestRoutes(r *web.Router) {
	web.Handle(r, web.TransitionsRead, "GET", "/transitions/{id}/clocks", "The clocks of one transition, and the requests people told of", a.transitionClocks)
	web.Handle(r, web.TasksWork, "POST", "/transitions/{id}/clocks", "Tell of a request, or of what happened to one: its clocks start, stand still, and are met by it", a.tellOfRequest)
}

// requestBody is one thing that happened to a request.
type requestBody struct {
	Event    string     `json:"event" enum:"authorization-requested,authorization-decided,status-shown,grievance-received,grievance-resolved,appeal-received,appeal-decided,records-requested,records-provided,information-requested,information-received,extended,withdrawn,undo" doc:"what happened; undo takes back the latest"`
	Request  int        `json:"request,omitempty" minimum:"0" doc:"the number of the request it happened to; without one it is a new request"`
	At       *time.Time `json:"at,omitempty" doc:"when, if not now; of a new request, when it was received"`
	Urgency  string     `json:"urgency,omitempty" enum:"standard,expedited" doc:"of a new request; standard unless said otherwise"`
	Scheme   string     `json:"scheme,omitempty" enum:"hospital,medicaid,medicare-advantage" doc:"of a new grievance or appeal: whose rules it goes by"`
	Referral events.ID  `json:"referral_id,omitzero" doc:"of a new request: the referral it is about"`
	Outcome  string     `json:"outcome,omitempty" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"a code: approved, denied, partly-approved, upheld..."`
	Reason   string     `json:"reason,omitempty" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"a code"`
}

type requestIn struct {
	ID      events.ID `path:"id"`
	IfMatch string    `header:"If-Match" doc:"the version of the list of clocks you decided on"`
	Key     string    `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body    requestBody
}

type requestOut struct {
	ETag string `header:"ETag" json:"-"`
	Body struct {
		Request int         `json:"request" doc:"its number"`
		Version int         `json:"version" doc:"of the list of clocks"`
		Items   []clockView `json:"items" doc:"its clocks"`
		Next    *string     `json:"next"`
	}
}

func (a *api) tellOfRequest(ctx context.Context, in *requestIn) (*requestOut, error) {
	version, err := web.IfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(in.Body)
	if err != nil {
		return nil, err
	}
	request := fmt.Sprintf("request %s %d %s", in.ID, version, text)
	var out *requestOut
	err = a.service.outbox.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		out, err = web.Once(ctx, tx, request, func() (*requestOut, error) {
			return a.service.tellOfRequest(ctx, tx, in.ID, version, in.Body)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out.ETag = etag(out.Body.Version)
	return out, nil
}

// tellOfRequest takes a person's word on a request: lock the transition, change the
// record, let every clock follow from it, save, announce.
func (s *service) tellOfRequest(ctx context.Context, tx pgx.Tx, id events.ID, version int, b requestBody) (*requestOut, error) {
	rows, err := store.Clocks(ctx, tx, store.ClockQuery{Transition: id, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errNoTransition
	}
	found, err := store.Load(ctx, tx, store.Wanted{Encounters: []events.ID{rows[0].Encounter}})
	if err != nil {
		return nil, err
	}
	w := s.begin(tx)
	c, rec, err := w.withClocks(found, rows[0].Encounter)
	if err != nil {
		return nil, err
	}
	if rec.Words != version {
		return nil, fault.New(fault.Stale, "somebody has told of a request since you looked: the list is at version %d", rec.Words).With("version", rec.Words)
	}
	at := w.at
	if b.At != nil {
		at = b.At.UTC().Truncate(time.Microsecond)
	}
	if at.After(w.at) {
		return nil, fault.New(fault.Invalid, "at is in the future")
	}
	was := rec
	rec, n, err := w.requested(ctx, c, rec, at, b)
	if err != nil {
		return nil, err
	}
	c.record, c.restart, c.cause = &rec, true, events.Event{Org: c.Transition.Org, Occurred: at, Received: w.at}
	w.tellRequest(c, was, rec, n, web.From(ctx).Subject)
	if err := w.save(ctx); err != nil {
		return nil, err
	}
	out := &requestOut{}
	out.Body.Request, out.Body.Version, out.Body.Items = n, rec.Words, []clockView{}
	list, err := s.clocksOf(c.Transition, w.at, &listClocksIn{})
	for _, v := range list {
		if v.Request != nil && v.Request.N == n {
			out.Body.Items = append(out.Body.Items, v)
		}
	}
	return out, err
}

// requested changes the record as a person's word has it.
func (w *work) requested(ctx context.Context, c *care, rec clock.Record, at time.Time, b requestBody) (clock.Record, int, error) {
	said := clock.Word{Event: b.Event, At: at, Outcome: b.Outcome, Reason: b.Reason, By: web.From(ctx).Subject, On: w.at}
	switch {
	case b.Event == undone:
		next, found := rec.Unhear(b.Request)
		if !found {
			return rec, 0, fault.New(fault.Unknown, "there is no request %d here", b.Request)
		}
		return next, b.Request, nil
	case b.Request > 0:
		next, err := w.table(c.Transition.Org).Hear(rec, b.Request, said)
		return next, b.Request, conflict(err)
	}
	where, err := w.s.where(c.Transition.Zone, c.Transition.Calendar)
	if err != nil {
		return rec, 0, err
	}
	ask := clock.Ask{Urgency: b.Urgency, Scheme: b.Scheme, Said: []clock.Word{said}}
	if ask.Urgency == "" {
		ask.Urgency = clock.Standard
	}
	if !b.Referral.IsZero() {
		ask.Referral = b.Referral.String()
	}
	next, n, err := w.table(c.Transition.Org).Ask(rec, ask, where)
	if err != nil {
		return rec, 0, fault.New(fault.Invalid, "%s", err)
	}
	return next, n, nil
}

// tellRequest keeps what a person's word made of a request to be announced.
func (w *work) tellRequest(c *care, was, is clock.Record, n int, by string) {
	t, before, after := c.Transition, askOf(was, n), askOf(is, n)
	of := cmp.Or(after, before)
	asked := events.Asked{Request: events.Request{
		Encounter: t.Encounter, Transition: t.ID, Patient: t.Patient, Facility: t.Facility, Unit: t.Unit,
		N: n, Urgency: of.Urgency, Scheme: of.Scheme, Version: is.Words, Sensitive: t.Sensitive,
	}}
	asked.Request.Referral, _ = events.ParseID(of.Referral) // none: it is about the stay
	if after != nil {
		for _, said := range after.Said {
			asked.Request.Said = append(asked.Request.Said, wordOf(said))
		}
	}
	var fact events.Fact = events.RequestUpdated{Asked: asked}
	occurred := c.cause.Occurred
	switch {
	case before == nil:
		fact = events.RequestReceived{Asked: asked}
	case after == nil || len(after.Said) < len(before.Said):
		fact, occurred = events.RequestCorrected{Asked: asked, Undone: wordOf(before.Said[len(before.Said)-1]), By: by}, w.at
	}
	w.events = append(w.events, c.cause.Caused(fact, occurred))
}

// askOf is the request with a number, or nil.
func askOf(rec clock.Record, n int) *clock.Ask {
	i := slices.IndexFunc(rec.Asks, func(a clock.Ask) bool { return a.N == n })
	if i < 0 {
		return nil
	}
	return &rec.Asks[i]
}

func wordOf(w clock.Word) events.RequestWord {
	return events.RequestWord{Event: w.Event, At: w.At, Outcome: w.Outcome, Reason: w.Reason, By: w.By}
}

type transitionClocksOut struct {
	ETag string `header:"ETag" doc:"version of the list: tell of requests with If-Match"`
	Body struct {
		Version  int         `json:"version"`
		Items    []clockView `json:"items"`
		Next     *string     `json:"next"`
		Requests []clock.Ask `json:"requests" doc:"what people told of, with what became of it"`
	}
}

func (a *api) transitionClocks(ctx context.Context, in *byID) (*transitionClocksOut, error) {
	out := &transitionClocksOut{}
	err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err := store.Clocks(ctx, tx, store.ClockQuery{Transition: in.ID, Limit: 1})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return errNoTransition
		}
		rec, err := recordOf(rows[0])
		if err != nil {
			return err
		}
		list, err := a.service.clocksOf(rows[0], a.service.clock().UTC(), &listClocksIn{Transition: in.ID})
		out.Body.Version, out.Body.Items, out.Body.Requests = rec.Words, append([]clockView{}, list...), append([]clock.Ask{}, rec.Asks...)
		out.ETag = etag(rec.Words)
		return err
	})
	return out, err
}

var errNoTransition = fault.New(fault.Unknown, "there is no such transition")
