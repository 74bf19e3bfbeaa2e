package admission

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/linkage"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

func (s *service) identityRoutes(r *web.Router) {
	web.Handle(r, web.IdentityRead, "GET", "/identity/reviews", "Pairs of patients who may be one person, for somebody to look at; the likeliest first", s.reviews)
	web.Handle(r, web.IdentityRead, "GET", "/identity/pairs", "Pairs of patients, by patient or state", s.listPairs)
	web.Handle(r, web.IdentityRead, "GET", "/identity/pairs/{id}", "One pair, with its score explained", s.onePair)
	web.Handle(r, web.IdentityDecide, "POST", "/identity/pairs", "Compare two patients, whatever they have in common", s.comparePair)
	for _, a := range []struct{ name, summary string }{
		{"link", "Say that the two are one person"},
		{"reject", "Say that they are not: they are never linked again, unless this is undone"},
		{"undo", "Take back what was decided; of a link that nobody decided on, take it off until somebody does"},
	} {
		web.Handle(r, web.IdentityDecide, "POST", "/identity/pairs/{id}/"+a.name, a.summary, func(ctx context.Context, in *decideIn) (*pairOut, error) {
			return s.decidePair(ctx, a.name, in)
		})
	}
}

type reviewsIn struct {
	web.PageIn
	purposeIn
}

func (s *service) reviews(ctx context.Context, in *reviewsIn) (*web.Listed[pairView], error) {
	return s.pairs(ctx, store.PairQuery{State: store.Review}, in.PageIn, "identity.reviews", in.purpose())
}

type listPairsIn struct {
	web.PageIn
	purposeIn
	Patient events.ID `query:"patient"`
	State   string    `query:"state" enum:"linked,review,rejected,none"`
}

func (s *service) listPairs(ctx context.Context, in *listPairsIn) (*web.Listed[pairView], error) {
	return s.pairs(ctx, store.PairQuery{Patient: in.Patient, State: in.State}, in.PageIn, "identity.pairs", in.purpose())
}

// place is where a page of pairs ends.
type place struct {
	Score float64
	ID    events.ID
}

func (s *service) pairs(ctx context.Context, q store.PairQuery, page web.PageIn, action, purpose string) (*web.Listed[pairView], error) {
	var at place
	more, err := web.DecodeCursor(page.Cursor, &at)
	if err != nil {
		return nil, err
	}
	if more {
		q.Score, q.After = &at.Score, at.ID
	}
	q.Limit = page.Limit + 1
	var found []*store.Pair
	var views []pairView
	err = s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		if found, err = s.store.Pairs(ctx, tx, q); err != nil {
			return err
		}
		views, err = s.viewPairs(ctx, tx, found, action, purpose, events.ID{})
		return err
	})
	if err != nil {
		return nil, err
	}
	return web.Page(views, page.Limit, func(v pairView) any {
		for _, p := range found {
			if p.ID == v.ID {
				return place{p.Score, p.ID}
			}
		}
		return nil
	}), nil
}

type pairOut struct {
	ETag string `header:"ETag" json:"-"`
	Body pairView
}

func (s *service) onePair(ctx context.Context, in *byID) (*pairOut, error) {
	var out *pairOut
	err := s.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		p, err := s.findPair(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		out, err = s.showPair(ctx, tx, p, "identity.read", in.purpose())
		return err
	})
	return out, err
}

func (s *service) findPair(ctx context.Context, tx pgx.Tx, id events.ID) (*store.Pair, error) {
	found, err := s.store.Pairs(ctx, tx, store.PairQuery{ID: id, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.New(fault.Unknown, "there is no such pair")
	}
	return found[0], nil
}

func (s *service) showPair(ctx context.Context, tx pgx.Tx, p *store.Pair, action, purpose string) (*pairOut, error) {
	views, err := s.viewPairs(ctx, tx, []*store.Pair{p}, action, purpose, p.ID)
	if err != nil {
		return nil, err
	}
	return &pairOut{ETag: strconv.Quote(strconv.Itoa(p.Version)), Body: views[0]}, nil
}

type comparePairIn struct {
	purposeIn
	Body struct {
		Patients []events.ID `json:"patient_ids" minItems:"2" maxItems:"2"`
	}
}

// comparePair finds the pair of two patients, or makes it: also of those who have nothing in common,
// or share an identifier, so that there is something to decide on.
func (s *service) comparePair(ctx context.Context, in *comparePairIn) (*pairOut, error) {
	ids := in.Body.Patients
	if ids[0] == ids[1] {
		return nil, fault.New(fault.Invalid, "a pair has two patients")
	}
	var out *pairOut
	err := s.outbox.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		if err := s.store.LockLinks(ctx, tx); err != nil {
			return err
		}
		r := s.linker.round()
		p, err := r.comparePair(ctx, tx, web.From(ctx).Org, ids)
		if err != nil {
			return err
		}
		if out, err = s.showPair(ctx, tx, p, "identity.compare", in.purpose()); err != nil {
			return err
		}
		return s.outbox.Announce(ctx, tx, r.steps...)
	})
	return out, err
}

func (r *round) comparePair(ctx context.Context, tx pgx.Tx, org events.ID, ids []events.ID) (*store.Pair, error) {
	list, err := r.store.ToCompare(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	if len(list) != 2 {
		return nil, fault.New(fault.Unknown, "there is no such patient")
	}
	for i := range list {
		if !list[i].Into.IsZero() {
			return nil, fault.New(fault.Conflict, "another patient stands for one of the two: compare that one")
		}
		p := linkage.Read(&list[i].Record)
		r.profiles[list[i].ID], r.org[list[i].ID] = &p, org
	}
	p := store.NewPair(org, ids[0], ids[1])
	known, err := r.store.Pairs(ctx, tx, store.PairQuery{ID: p.ID, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(known) == 1 {
		return known[0], nil
	}
	if err := r.loadStats(ctx, tx, []store.Candidate{{Patient: ids[0], Other: ids[1]}}); err != nil {
		return nil, err
	}
	r.score(p)
	if len(r.changed) == 0 { // nothing speaks for it; it is kept, because somebody asked
		e := r.model.Score(r.profiles[p.Low], r.profiles[p.High], r.stats[org])
		p.Score, p.Explanation = e.Score, encodeExplanation(&e)
		r.changed = append(r.changed, p)
	}
	if err := r.store.SavePairs(ctx, tx, r.changed); err != nil {
		return nil, err
	}
	if err := r.regroup(ctx, tx, "demographics"); err != nil {
		return nil, err
	}
	return r.findPair(ctx, tx, p.ID)
}

type decideIn struct {
	purposeIn
	ID      events.ID `path:"id"`
	IfMatch string    `header:"If-Match" doc:"the version you decided on"`
	Key     string    `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body    *struct {
		Reason string `json:"reason,omitempty" maxLength:"64" pattern:"^[a-z0-9-]*$" doc:"a code: same-document, twins, wrong-person..."`
	}
}

// decidePair: load, decide, save, announce.
func (s *service) decidePair(ctx context.Context, what string, in *decideIn) (*pairOut, error) {
	version, err := web.IfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	var out *pairOut
	err = s.outbox.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
		out, err = web.Once(ctx, tx, fmt.Sprintf("%s %s %d %s", what, in.ID, version, reason), func() (*pairOut, error) {
			return s.decideOnPair(ctx, tx, what, reason, in.purpose(), in.ID, version)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out.ETag = strconv.Quote(strconv.Itoa(out.Body.Version))
	return out, nil
}

func (s *service) decideOnPair(ctx context.Context, tx pgx.Tx, what, reason, purpose string, id events.ID, version int) (*pairOut, error) {
	if err := s.store.LockLinks(ctx, tx); err != nil {
		return nil, err
	}
	p, err := s.findPair(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if p.Version != version {
		return nil, fault.New(fault.Stale, "the pair has changed")
	}
	if err := decideOn(p, what); err != nil {
		return nil, err
	}
	p.LeftOut = false
	p.Note(store.Step{At: now(), By: web.From(ctx).Subject, What: what, State: p.Now(), Decision: p.Decision, Score: p.Score, Reason: reason})
	r := s.linker.round()
	r.touched[p.Low], r.touched[p.High] = true, true
	if err := s.store.SavePairs(ctx, tx, []*store.Pair{p}); err != nil {
		return nil, err
	}
	if err := r.regroup(ctx, tx, map[string]string{"link": "reviewed", "reject": "rejected", "undo": "undone"}[what]); err != nil {
		return nil, err
	}
	if r.torn {
		return nil, fault.New(fault.Conflict, "other decisions say the contrary: they make one person of two who were said not to be; undo those first")
	}
	if p, err = s.findPair(ctx, tx, id); err != nil {
		return nil, err
	}
	out, err := s.showPair(ctx, tx, p, "identity."+what, purpose)
	if err != nil {
		return nil, err
	}
	return out, s.outbox.Announce(ctx, tx, r.steps...)
}

// decideOn is what a person's word makes of a pair.
func decideOn(p *store.Pair, what string) error {
	decision := map[string]string{"link": store.Linked, "reject": store.Rejected}[what]
	switch {
	case what != "undo" && p.Decision == decision:
		return fault.New(fault.Conflict, "this has been decided already")
	case what != "undo":
		p.Decision = decision
	case p.Decision != "":
		p.Decision = ""
	case p.Holds():
		p.Decision = store.Review
	default:
		return fault.New(fault.Conflict, "nothing was decided, and they are not linked")
	}
	return nil
}
