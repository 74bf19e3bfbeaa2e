package referral

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/match"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

func (s *service) routes(r *web.Router) {
	web.Handle(r, web.ReferralsRead, http.MethodGet, "/referrals", "List referrals, newest first", s.list)
	web.Handle(r, web.ReferralsRead, http.MethodGet, "/referrals/counts", "How many referrals there are, by state", s.counts)
	web.Handle(r, web.ReferralsRead, http.MethodGet, "/referrals/{id}", "One referral with its candidates, exclusions and offers", s.get)
	web.Handle(r, web.ReferralsRead, http.MethodGet, "/referrals/{id}/history", "Everything that happened to a referral", s.history)
	for _, a := range actions {
		web.Handle(r, web.ReferralsWork, http.MethodPost, "/referrals/{id}/"+string(a.action), a.summary, s.doing(a))
	}
	s.providerRoutes(r)
	s.intakeRoutes(r)
	s.reportRoutes(r)
}

type listIn struct {
	web.PageIn
	Encounter  events.ID `query:"encounter"`
	Transition events.ID `query:"transition"`
	State      string    `query:"state" doc:"one state, or several separated by commas"`
	Need       string    `query:"need"`
	Facility   string    `query:"facility" doc:"the discharging facility's code"`
}

func (s *service) list(ctx context.Context, in *listIn) (*web.Listed[store.View], error) {
	f := store.Filter{Encounter: in.Encounter, Transition: in.Transition, Need: in.Need, Facility: in.Facility, Limit: in.Limit + 1}
	if in.State != "" {
		f.States = strings.Split(in.State, ",")
	}
	for _, state := range f.States {
		if !slices.Contains(referral.States, state) {
			return nil, fault.New(fault.Invalid, "state %q is none of %s", state, strings.Join(referral.States, ", "))
		}
	}
	after := &store.Position{}
	more, err := web.DecodeCursor(in.Cursor, after)
	if err != nil {
		return nil, err
	}
	if more {
		f.After = after
	}
	var rows []store.View
	err = s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		rows, err = store.List(ctx, tx, f)
		return err
	})
	return web.Page(rows, in.Limit, func(v store.View) any { return store.Position{At: v.CreatedAt, ID: v.ID} }), err
}

type countsIn struct {
	Facility string `query:"facility" doc:"the discharging facility's code"`
}

type countsOut struct {
	Body struct {
		States map[string]int64 `json:"states" doc:"states without a referral are left out"`
	}
}

func (s *service) counts(ctx context.Context, in *countsIn) (*countsOut, error) {
	out := &countsOut{}
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		out.Body.States, err = store.CountByState(ctx, tx, in.Facility)
		return err
	})
	return out, err
}

type one struct {
	ID events.ID `path:"id"`
}

// choice is a provider that can be asked, or cannot, and why.
type choice struct {
	ProviderID events.ID `json:"provider_id"`
	Name       string    `json:"name,omitempty"`
	Rank       int       `json:"rank,omitempty" doc:"1 is first; equals are ordered by chance, see the documentation of matching"`
	Reasons    []string  `json:"reasons"`
}

type detail struct {
	store.View
	Criteria   match.Patient `json:"criteria" doc:"what the match knew of the patient"`
	Candidates []choice      `json:"candidates"`
	Excluded   []choice      `json:"excluded"`
	Elsewhere  int           `json:"excluded_elsewhere" doc:"excluded too, for their licence or area, and too many to list"`
}

type detailOut struct {
	ETag string `header:"ETag"`
	Body detail
}

func (s *service) get(ctx context.Context, in *one) (*detailOut, error) {
	org := web.From(ctx).Org
	var d *store.Detail
	var names map[events.ID]string
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) (err error) {
		if d, err = store.Get(ctx, tx, in.ID); err != nil {
			return err
		}
		directories, err := s.directories.of(ctx, tx, org)
		names = directories[org].names
		return err
	})
	if err != nil {
		return nil, err
	}
	explain := func(list []match.Choice, ranked bool) []choice {
		out := make([]choice, len(list))
		for i, c := range list {
			out[i] = choice{ProviderID: c.Provider, Name: names[c.Provider], Reasons: c.Why.Explain(d.Need, d.Criteria)}
			if ranked {
				out[i].Rank = i + 1
			}
		}
		return out
	}
	return &detailOut{etag(d.Version), detail{d.View, d.Criteria, explain(d.Ranking.Candidates, true), explain(d.Ranking.Excluded, false), d.Ranking.Elsewhere}}, nil
}

func etag(version int) string { return `"` + strconv.Itoa(version) + `"` }

func (s *service) history(ctx context.Context, in *one) (*web.Listed[store.Line], error) {
	var lines []store.Line
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		lines, err = store.History(ctx, tx, in.ID)
		return err
	})
	return web.Page(lines, len(lines), func(l store.Line) any { return l.Version }), err
}

// actBody is what any action may say; each uses its part.
type actBody struct {
	Providers []events.ID `json:"providers,omitempty" doc:"send: whom to ask, in order; choose: whom they chose, in the order wished"`
	Provider  events.ID   `json:"provider_id,omitempty" doc:"acknowledge, offer, decline, accept: whose answer it is; may be left out if only one can be meant"`
	Reason    string      `json:"reason,omitempty" maxLength:"200" doc:"decline, withdraw, no-show: a code; other words are kept as the note of code 'other'"`
	Note      string      `json:"note,omitempty" maxLength:"2000" doc:"kept in the history alone"`
	StartAt   *time.Time  `json:"start_at,omitempty" doc:"book: when the provider takes the person"`
	WaveSize  int         `json:"wave_size,omitempty" minimum:"0" doc:"send: ask so many at a time, in the order given; 0: all now"`
	Hours     int         `json:"hours,omitempty" minimum:"0" maximum:"168" doc:"send: how long a wave has to answer; then the next is asked. 0: as long as it takes"`
	To        string      `json:"to,omitempty" doc:"choose: who was shown the list, patient or representative"`
	Declined  bool        `json:"declined,omitempty" doc:"choose: they leave the choice to the hospital"`
}

type actIn struct {
	ID      events.ID `path:"id"`
	IfMatch string    `header:"If-Match" doc:"the version decided on; accept may leave it out"`
	Key     string    `header:"Idempotency-Key" doc:"the same answer for the same request, for 24 hours"`
	Body    *actBody
}

type viewOut struct {
	ETag string `header:"ETag"`
	Body store.View
}

// action is one thing people do to a referral.
type action struct {
	action  referral.Action
	summary string
	codes   []string // reason codes; nil: it takes none
	must    bool     // a reason is needed
	do      func(d *held, r *referral.Referral, b *actBody, a referral.Act) error
}

var actions = []action{
	{referral.Send, "Ask providers", nil, false, send},
	{referral.Choose, "Record what the patient chose from the list", nil, false, choose},
	{referral.Reply, "Answer a provider's question", nil, false,
		func(_ *held, r *referral.Referral, b *actBody, a referral.Act) error { return r.Reply(b.Provider, a) }},
	{referral.Acknowledge, "Record that a provider has seen it", nil, false, answer(referral.Acknowledge)},
	{referral.Offer, "Record that a provider can take the person", nil, false, answer(referral.Offer)},
	{referral.Decline, "Record that a provider cannot, and why", declineCodes, true, answer(referral.Decline)},
	{referral.Accept, "Choose the provider: one acceptance wins", nil, false, answer(referral.Accept)},
	{referral.Book, "Set when the chosen provider takes the person", nil, false, book},
	{referral.Arrive, "Confirm that the person is there", nil, false,
		func(_ *held, r *referral.Referral, _ *actBody, a referral.Act) error {
			return r.Arrive(events.ID{}, a)
		}},
	{referral.MissArrival, "Record that the person did not come", missCodes, false,
		func(_ *held, r *referral.Referral, _ *actBody, a referral.Act) error {
			return r.MissArrival(a)
		}},
	{referral.Withdraw, "End the search", withdrawCodes, true,
		func(_ *held, r *referral.Referral, _ *actBody, a referral.Act) error {
			return r.Withdraw(a)
		}},
}

// The codes a reason may have. They travel in facts, so a person's own words never do.
var (
	declineCodes = []string{"no-bed", "no-capacity", "staffing", "clinical-needs", "equipment", "behaviour", "infection-control", "payer",
		"authorization", "out-of-area", "age", "incomplete-packet", "no-response", "patient-choice", "other"}
	withdrawCodes = []string{"patient-choice", "plan-changed", "placed-elsewhere", "no-provider", "duplicate", "mistake", "other"}
	missCodes     = []string{"patient-choice", "transport", "condition-changed", "went-elsewhere", "unknown", "other"}
)

// reason reads a code; words that are none become the note of code "other".
func (a action) reason(b *actBody) (code, note string, err error) {
	word := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(b.Reason)), " ", "-")
	switch {
	case a.codes == nil:
		return "", b.Note, nil
	case word == "" && a.must:
		return "", "", fault.New(fault.Invalid, "say why: reason is one of %s", strings.Join(a.codes, ", "))
	case word == "" || slices.Contains(a.codes, word):
		return word, b.Note, nil
	case b.Note == "":
		return "other", b.Reason, nil
	}
	return "other", b.Reason + ": " + b.Note, nil
}

func (s *service) doing(a action) func(context.Context, *actIn) (*viewOut, error) {
	return func(ctx context.Context, in *actIn) (*viewOut, error) {
		body := in.Body
		if body == nil {
			body = &actBody{}
		}
		ask := act{id: in.ID, accept: a.action == referral.Accept, request: requested(string(a.action)+" "+in.ID.String(), body)}
		if in.IfMatch != "" || !ask.accept {
			version, err := web.IfMatch(in.IfMatch)
			if err != nil {
				return nil, err
			}
			ask.match = &version
		}
		var err error
		if ask.act.Reason, ask.act.Note, err = a.reason(body); err != nil {
			return nil, err
		}
		ask.do = func(d *held, r *referral.Referral, act referral.Act) error { return a.do(d, r, body, act) }
		v, err := s.change(ctx, ask)
		if err != nil {
			return nil, err
		}
		return &viewOut{etag(v.Version), *v}, nil
	}
}

// send asks providers of the directory that are licensed for the need. Which of them is the
// patient's choice: one that the match excludes for another reason may be asked too, and the list
// that was shown stays in the referral.
func send(d *held, r *referral.Referral, b *actBody, a referral.Act) error {
	for _, p := range b.Providers {
		why, known := d.Licensed(p, r.Need)
		switch {
		case !known:
			return fault.New(fault.Invalid, "the directory has no such provider").With("provider_id", p)
		case why != 0:
			return fault.New(fault.Invalid, "this provider cannot be asked").With("provider_id", p).With("reasons", why.Explain(r.Need, r.Criteria))
		}
	}
	return r.SendInWaves(b.Providers, b.WaveSize, b.Hours, a)
}

func choose(d *held, r *referral.Referral, b *actBody, a referral.Act) error {
	for _, p := range b.Providers {
		if _, known := d.Licensed(p, r.Need); !known {
			return fault.New(fault.Invalid, "the directory has no such provider").With("provider_id", p)
		}
	}
	return r.Choose(referral.Wish{To: b.To, Providers: b.Providers, Declined: b.Declined}, a)
}

func answer(action referral.Action) func(*held, *referral.Referral, *actBody, referral.Act) error {
	return func(_ *held, r *referral.Referral, b *actBody, a referral.Act) error {
		return r.Answer(action, b.Provider, a)
	}
}

func book(_ *held, r *referral.Referral, b *actBody, a referral.Act) error {
	if b.StartAt == nil {
		return fault.New(fault.Invalid, "say when the provider takes the person: start_at")
	}
	return r.Book(b.StartAt.UTC().Truncate(time.Microsecond), a)
}
