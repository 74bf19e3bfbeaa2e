package referral

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// intakeRoutes are the receiving side's own door. Whoever comes in by it sees what was asked of the
// providers they speak for, and nothing else: not whom else the hospital asks, not whose stay it is.
func (s *service) intakeRoutes(r *web.Router) {
	web.Handle(r, web.IntakeRead, http.MethodGet, "/intake/providers", "The providers I speak for", s.ownProviders)
	web.Handle(r, web.IntakeWork, http.MethodPut, "/intake/providers/{id}/capacity", "Say how many places are free now", s.ownCapacity)
	web.Handle(r, web.IntakeRead, http.MethodGet, "/intake/referrals", "What is asked of my providers, newest first", s.ownReferrals)
	web.Handle(r, web.IntakeRead, http.MethodGet, "/intake/referrals/{id}", "One request, with what was said about it", s.ownReferral)
	for _, a := range intakeActions {
		web.Handle(r, web.IntakeWork, http.MethodPost, "/intake/referrals/{id}/"+a.name, a.summary, s.answering(a))
	}
	web.Handle(r, web.ProvidersRead, http.MethodGet, "/providers/{id}/people", "Who speaks for a provider", s.speakers)
	web.Handle(r, web.ProvidersWrite, http.MethodPut, "/providers/{id}/people", "Set who speaks for a provider", s.setSpeakers)
}

type ownProvidersOut struct {
	Body struct {
		Items []store.Own `json:"items"`
	}
}

func (s *service) ownProviders(ctx context.Context, _ *struct{}) (*ownProvidersOut, error) {
	who, out := web.From(ctx), &ownProvidersOut{}
	err := s.db.Tx(ctx, who.Org, func(tx pgx.Tx) (err error) {
		out.Body.Items, err = store.OwnProviders(ctx, tx, who.Org, who.Subject)
		return err
	})
	return out, err
}

type capacityIn struct {
	ID   events.ID `path:"id"`
	Key  string    `header:"Idempotency-Key"`
	Body struct {
		OpenBeds *int `json:"open_beds" minimum:"0" maximum:"10000" doc:"places free now; null: not stated. Believed for 24 hours"`
	}
}

func (s *service) ownCapacity(ctx context.Context, in *capacityIn) (*ownProvidersOut, error) {
	who := web.From(ctx)
	_, err := s.store(ctx, requested("capacity "+in.ID.String(), in.Body), in.ID, func(tx pgx.Tx) error {
		own, err := store.SpeaksFor(ctx, tx, who.Org, who.Subject)
		if err != nil {
			return err
		}
		if !slices.Contains(own, in.ID) {
			return fault.New(fault.Unknown, "there is no such provider")
		}
		p, err := store.Provider(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		p.OpenBeds, p.CapacityAt = in.Body.OpenBeds, nil
		p.Report(nil, now())
		_, err = store.SaveProviders(ctx, tx, who.Org, []*provider{p})
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.ownProviders(ctx, nil)
}

type ownIn struct {
	web.PageIn
	Show string `query:"show" enum:"new,coming,past" default:"new" doc:"new: to be answered; coming: accepted and not there yet; past: the rest"`
}

func (s *service) ownReferrals(ctx context.Context, in *ownIn) (*web.Listed[store.Request], error) {
	after := &store.RequestPosition{}
	more, err := web.DecodeCursor(in.Cursor, after)
	if err != nil {
		return nil, err
	}
	if !more {
		after = nil
	}
	who := web.From(ctx)
	var list []store.Request
	err = s.db.Tx(ctx, who.Org, func(tx pgx.Tx) (err error) {
		list, err = store.Requests(ctx, tx, who.Org, who.Subject, in.Show, after, in.Limit+1)
		return err
	})
	return web.Page(list, in.Limit, func(r store.Request) any {
		return store.RequestPosition{At: *r.AskedAt, ID: r.ID, Provider: r.ProviderID}
	}), err
}

type ownReferralIn struct {
	ID       events.ID `path:"id"`
	Provider events.ID `query:"provider_id" doc:"which of my providers; may be left out if one was asked"`
}

type requestOut struct{ Body store.Request }

func (s *service) ownReferral(ctx context.Context, in *ownReferralIn) (*requestOut, error) {
	who, out := web.From(ctx), &requestOut{}
	err := s.db.Tx(ctx, who.Org, func(tx pgx.Tx) error {
		one, err := store.RequestOf(ctx, tx, who.Org, who.Subject, in.ID, in.Provider)
		if err == nil {
			out.Body = *one
		}
		return err
	})
	return out, err
}

// reply is what the receiving side may say; each action uses its part.
type intakeBody struct {
	Provider events.ID  `json:"provider_id,omitempty" doc:"which of my providers; may be left out if one was asked"`
	Reason   string     `json:"reason,omitempty" maxLength:"200" doc:"decline: a code; other words are kept as the note of code 'other'"`
	Note     string     `json:"note,omitempty" maxLength:"2000" doc:"question: what is asked"`
	StartAt  *time.Time `json:"start_at,omitempty" doc:"accept: from when the place is there"`
	Bed      string     `json:"bed,omitempty" maxLength:"60" doc:"accept: what the place is called"`
}

type intakeIn struct {
	ID   events.ID `path:"id"`
	Key  string    `header:"Idempotency-Key" doc:"the same answer for the same request, for 24 hours"`
	Body *intakeBody
}

// intakeAction is one thing the receiving side says to a request. None needs a version: what the provider
// may still say follows from its own offer, whatever others do meanwhile.
type intakeAction struct {
	name, summary string
	do            func(r *referral.Referral, provider events.ID, b *intakeBody, a referral.Act) error
}

var intakeActions = []intakeAction{
	{"seen", "Say that the request was seen", seen},
	{"accept", "Take the person: the first who accepts does", accept},
	{"decline", "Say that it is not possible, and why", refuse},
	{"question", "Ask the hospital something first", func(r *referral.Referral, p events.ID, b *intakeBody, a referral.Act) error {
		a.Note = b.Note
		return r.Question(p, a)
	}},
	{"arrived", "Say that the person is here", func(r *referral.Referral, p events.ID, _ *intakeBody, a referral.Act) error {
		if r.Provider != p {
			return closed
		}
		return r.Arrive(events.ID{}, a)
	}},
}

// closed is all that a provider is told of a request that is not its own to answer any more: not who has it now.
var closed = fault.New(fault.Conflict, "this request is no longer open: the hospital found another place, or took it back")

func seen(r *referral.Referral, provider events.ID, _ *intakeBody, a referral.Act) error {
	if o := r.Own(provider); o.State != referral.Sent || !referral.Can(referral.Acknowledge, r.State) {
		return nil // it was seen before, or there is nothing left to see
	}
	return r.Answer(referral.Acknowledge, provider, a)
}

func accept(r *referral.Referral, provider events.ID, b *intakeBody, a referral.Act) error {
	if err := r.Answer(referral.Accept, provider, a); err != nil {
		return err
	}
	if bed := strings.TrimSpace(b.Bed); bed != "" {
		r.Keep(bed)
	}
	if b.StartAt == nil {
		return nil
	}
	return r.Book(b.StartAt.UTC().Truncate(time.Microsecond), a)
}

func refuse(r *referral.Referral, provider events.ID, b *intakeBody, a referral.Act) (err error) {
	say := action{codes: declineCodes, must: true}
	if a.Reason, a.Note, err = say.reason(&actBody{Reason: b.Reason, Note: b.Note}); err != nil {
		return err
	}
	return r.Answer(referral.Decline, provider, a)
}

// answering does what the receiving side says, if it was asked.
func (s *service) answering(a intakeAction) func(context.Context, *intakeIn) (*requestOut, error) {
	return func(ctx context.Context, in *intakeIn) (*requestOut, error) {
		body, who := in.Body, web.From(ctx)
		if body == nil {
			body = &intakeBody{}
		}
		var out *store.Request
		err := s.outbox.Tx(ctx, who.Org, func(tx pgx.Tx) error {
			own, err := store.SpeaksFor(ctx, tx, who.Org, who.Subject)
			if err != nil {
				return err
			}
			out, err = web.Once(ctx, tx, requested("intake "+a.name+" "+in.ID.String(), body), func() (*store.Request, error) {
				provider := body.Provider
				err := s.changeOne(ctx, tx, who, act{id: in.ID, do: func(_ *held, r *referral.Referral, x referral.Act) (err error) {
					if provider, err = r.AskedOf(own, provider); err != nil {
						return err
					}
					return a.do(r, provider, body, x)
				}})
				if fault.KindOf(err) == fault.Conflict {
					err = closed // whatever the search's reason is, it is the hospital's
				}
				if err != nil {
					return nil, err
				}
				return store.RequestOf(ctx, tx, who.Org, who.Subject, in.ID, provider)
			})
			return err
		})
		if err != nil {
			return nil, err
		}
		return &requestOut{*out}, nil
	}
}

type speakersOut struct {
	Body struct {
		People []string `json:"people" doc:"token subjects"`
	}
}

func (s *service) speakers(ctx context.Context, in *one) (*speakersOut, error) {
	out := &speakersOut{}
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		if _, err := store.Provider(ctx, tx, in.ID); err != nil {
			return err
		}
		var err error
		out.Body.People, err = store.Speakers(ctx, tx, in.ID)
		return err
	})
	return out, err
}

type setSpeakersIn struct {
	ID   events.ID `path:"id"`
	Body struct {
		People []string `json:"people" maxItems:"200" doc:"token subjects; whoever is not named speaks for it no more"`
	}
}

func (s *service) setSpeakers(ctx context.Context, in *setSpeakersIn) (*speakersOut, error) {
	out, org := &speakersOut{}, web.From(ctx).Org
	people := slices.Clone(in.Body.People)
	for i, p := range people {
		if people[i] = strings.TrimSpace(p); people[i] == "" || len(p) > 200 {
			return nil, fault.New(fault.Invalid, "a person is named by what their token says (its subject)")
		}
	}
	slices.Sort(people)
	people = slices.Compact(people)
	err := s.db.Tx(ctx, org, func(tx pgx.Tx) error {
		if _, err := store.Provider(ctx, tx, in.ID); err != nil {
			return err
		}
		if err := store.SetSpeakers(ctx, tx, org, in.ID, people); err != nil {
			return err
		}
		var err error
		out.Body.People, err = store.Speakers(ctx, tx, in.ID)
		return err
	})
	return out, err
}
