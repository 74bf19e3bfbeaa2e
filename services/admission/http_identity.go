package admission

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
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

// explained is a score as it is stored and shown: comparisons and levels, no values.
type explained struct {
	Model       int              `json:"model" doc:"version of the weights"`
	Score       float64          `json:"score" doc:"log2 of the odds that the two are one person; the sum of prior, bits and rest"`
	Probability float64          `json:"probability"`
	Prior       float64          `json:"prior" doc:"how often a record meets its own person's, rather than such others'"`
	Rival       string           `json:"rival" doc:"what the two most probably are if not one person" enum:"strangers,household,twins,namesakes"`
	Rest        float64          `json:"rest" doc:"what the other possibilities take off"`
	Veto        string           `json:"veto" doc:"why they are never linked"`
	Hold        string           `json:"hold" doc:"why they are not linked without somebody's look"`
	Comparisons []comparisonView `json:"comparisons"`
}

type comparisonView struct {
	Comparison string   `json:"comparison"`
	Level      string   `json:"level" doc:"how far the two agree; missing: one is not known, and it weighs nothing"`
	Bits       float64  `json:"bits" doc:"positive speaks for one person"`
	Values     []string `json:"values,omitempty" doc:"what was compared, for those who may see names"`
}

func round2(f float64) float64 { return math.Round(f*100) / 100 }

func encodeExplanation(e *linkage.Explanation) string {
	v := explained{
		Model: e.Model, Score: round2(e.Score), Probability: math.Round(e.Probability()*1e6) / 1e6, Prior: round2(e.Prior), Rival: e.Rival.String(),
		Rest: round2(e.Rest), Veto: e.Veto, Hold: e.Hold,
	}
	for _, w := range e.Weights {
		if w.Field != linkage.SexForName || w.Level != linkage.Missing {
			v.Comparisons = append(v.Comparisons, comparisonView{Comparison: w.Field.String(), Level: string(w.Level), Bits: round2(w.Bits)})
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain numbers and strings
	}
	return string(b)
}

// pairView is a pair. Names are shown to those who may see them.
type pairView struct {
	ID        events.ID    `json:"id"`
	State     string       `json:"state" enum:"linked,review,rejected,none"`
	Verdict   string       `json:"verdict" enum:"linked,review,none" doc:"what the score says"`
	Stated    string       `json:"stated" doc:"what a hospital said: linked or unlinked; it counts before the score, and after a person's decision"`
	Decision  string       `json:"decision" doc:"what a person said: linked, rejected or review; it counts before the score"`
	LeftOut   bool         `json:"left_out" doc:"the score links them, and they would join others who must stay apart"`
	Score     float64      `json:"score"`
	LinkFrom  float64      `json:"link_from" doc:"from this score on two are linked without asking, unless something holds"`
	AskFrom   float64      `json:"ask_from" doc:"from this score on somebody is asked to look"`
	Version   int          `json:"version"`
	ChangedAt time.Time    `json:"changed_at"`
	Patients  []pairedView `json:"patients"`
	Explained explained    `json:"explanation"`
	History   []store.Step `json:"history"`
}

// pairedView is one of the two.
type pairedView struct {
	ID         events.ID `json:"id"`
	PersonID   events.ID `json:"person_id" doc:"equal for patients who are linked, directly or by way of others"`
	Facility   string    `json:"facility"`
	Name       string    `json:"name" doc:"for those who may see it"`
	Restricted bool      `json:"restricted"`
}

// compared are the comparisons whose values can be shown, in a patient's own spelling.
var compared = map[string]func(r *identity.Record) string{
	"family": func(r *identity.Record) string { return identity.Read[identity.PersonName](r, identity.Name).Family },
	"given":  func(r *identity.Record) string { return identity.Read[identity.PersonName](r, identity.Name).Given },
	"middle": func(r *identity.Record) string { return identity.Read[identity.PersonName](r, identity.Name).Middle },
	"suffix": func(r *identity.Record) string { return identity.Read[identity.PersonName](r, identity.Name).Suffix },
	"birth":  func(r *identity.Record) string { return r.Value(identity.Birth) },
	"sex":    func(r *identity.Record) string { return r.Value(identity.Sex) },
	"home": func(r *identity.Record) string {
		var out []string
		for _, a := range identity.Read[[]identity.PostalAddress](r, identity.Address) {
			out = append(out, strings.Join(strings.Fields(a.Street+" "+a.Other+" "+a.City+" "+a.Zip), " "))
		}
		return strings.Join(out, "; ")
	},
	"phone": func(r *identity.Record) string {
		var out []string
		for _, t := range identity.Read[[]identity.Telecom](r, identity.Phones) {
			out = append(out, t.Number)
		}
		return strings.Join(out, "; ")
	},
}

// viewPairs shows pairs, and notes whose names were seen.
func (s *service) viewPairs(ctx context.Context, tx pgx.Tx, list []*store.Pair, action, purpose string, subject events.ID) ([]pairView, error) {
	var ids []events.ID
	for _, p := range list {
		ids = append(ids, p.Low, p.High)
	}
	rows, err := s.store.PatientsByID(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	who := map[events.ID]*store.PatientRow{}
	for i := range rows {
		who[rows[i].ID] = &rows[i]
	}
	names := web.Allow(web.From(ctx), web.NamesRead)
	views := make([]pairView, len(list))
	for i, p := range list {
		views[i] = s.viewPair(ctx, p, who, names)
	}
	slices.SortFunc(ids, func(a, b events.ID) int { return cmp.Compare(string(a[:]), string(b[:])) })
	return views, s.looked(ctx, tx, action, purpose, subject, slices.Compact(ids))
}

func (s *service) viewPair(ctx context.Context, p *store.Pair, who map[events.ID]*store.PatientRow, names bool) pairView {
	v := pairView{
		ID: p.ID, State: p.Now(), Verdict: p.Verdict, Stated: p.Stated, Decision: p.Decision, LeftOut: p.LeftOut, Score: round2(p.Score),
		LinkFrom: linkage.Shipped().Link, AskFrom: linkage.Shipped().Review, Version: p.Version,
		ChangedAt: p.Changed.UTC(), History: list(p.History()),
	}
	_ = json.Unmarshal([]byte(p.Explanation), &v.Explained) // written by encodeExplanation
	v.Explained.Comparisons = list(v.Explained.Comparisons)
	both := []*store.PatientRow{who[p.Low], who[p.High]}
	// What agrees with a restricted patient's name is that name: of such a pair neither is shown.
	guard := web.From(ctx).Is(web.Privacy)
	names = names && (guard || !both[0].Restricted && !both[1].Restricted)
	for _, row := range both {
		one := pairedView{ID: row.ID, PersonID: row.Person, Facility: s.facilityName(row.Facility), Restricted: row.Restricted}
		if names {
			one.Name = viewName(ctx, row).Name
		}
		v.Patients = append(v.Patients, one)
	}
	for i := range v.Explained.Comparisons {
		c := &v.Explained.Comparisons[i]
		if value := compared[strings.TrimSuffix(c.Comparison, " for the name")]; value != nil && names {
			c.Values = []string{value(&both[0].Record), value(&both[1].Record)}
		}
	}
	return v
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
