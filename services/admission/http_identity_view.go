package admission

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/linkage"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

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
