package discharge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

type previewRulesIn struct {
	Body struct {
		Files   map[string]string `json:"files,omitempty" doc:"name -> text: packs/*.yaml, comorbidity.yaml, hospital.yaml; what is not there is taken from the shipped files"`
		Set     events.ID         `json:"set_id,omitempty" doc:"a stored set"`
		Shipped bool              `json:"shipped,omitempty" doc:"the shipped rules"`
		Days    int               `json:"days,omitempty" minimum:"1" maximum:"365" default:"30" doc:"how far back stays are looked at"`
	}
}

// rulesPreview is what rules would change.
type rulesPreview struct {
	Since   time.Time      `json:"since"`
	Stays   int            `json:"stays" doc:"discharged since, with clocks"`
	New     []string       `json:"new" doc:"versions of rules and tables that are not in force"`
	Open    []moved        `json:"open" doc:"of each changed rule: the open clocks and tasks that run by today's version. They keep it; this is what rules/move would do to them"`
	More    int            `json:"more" doc:"clocks those stays would have and do not"`
	Fewer   int            `json:"fewer" doc:"clocks they have and would not"`
	Other   int            `json:"other" doc:"clocks that would be due at another time"`
	Scores  int            `json:"scores" doc:"stays with another score of risk"`
	Changes []ruleWouldBe  `json:"changes" doc:"the first of them"`
	ByRule  map[string]int `json:"by_rule" doc:"changed clocks by rule"`
}

// ruleWouldBe is one thing that would be otherwise, side by side.
type ruleWouldBe struct {
	Encounter events.ID `json:"encounter_id"`
	What      string    `json:"what" doc:"the rule, or the score and its variant"`
	Was       string    `json:"was" doc:"due time or interval today; empty: none"`
	Is        string    `json:"is"`
}

type rulesPreviewOut struct{ Body rulesPreview }

func (a *api) previewRules(ctx context.Context, in *previewRulesIn) (*rulesPreviewOut, error) {
	c, err := a.soundRules(ctx, rulesBody{Files: in.Body.Files, Set: in.Body.Set, Shipped: in.Body.Shipped})
	if err != nil {
		return nil, err
	}
	live, err := a.live(ctx)
	if err != nil {
		return nil, err
	}
	days := in.Body.Days
	if days == 0 {
		days = 30
	}
	now := a.service.now()
	out := &rulesPreviewOut{rulesPreview{Since: now.AddDate(0, 0, -days), New: c.rules.New(live), Open: []moved{}, Changes: []ruleWouldBe{}, ByRule: map[string]int{}}}
	trial := a.service.asTrial(c.rules.Knowing(live))
	today := a.service.rulesOf(a.service.shelf.look(), web.From(ctx).Org, now)
	if err := a.previewOpen(ctx, today, trial, &out.Body); err != nil {
		return nil, err
	}
	if err := a.previewStays(ctx, today, trial, &out.Body); err != nil {
		return nil, err
	}
	if !c.set.IsZero() {
		err = a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error { return store.RulesPreviewed(ctx, tx, c.set, now) })
	}
	return out, err
}

// previewOpen says of each changed rule what moving its open clocks and tasks would do.
func (a *api) previewOpen(ctx context.Context, today, trial *transition.Rules, out *rulesPreview) error {
	was, is := today.Protocols.Rules(), trial.Protocols.Rules()
	for _, id := range is.Differing(was) {
		from, known := was.Newest(id)
		to, _ := is.Newest(id)
		if !known {
			continue // nothing runs by it yet
		}
		m := moved{Rule: id, From: from.Version, To: to.Version, Preview: true, Changes: []change{}}
		var after events.ID
		for {
			next := after
			err := a.service.outbox.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
				next, err = a.service.moveRule(ctx, tx, after, to, &m, trial)
				return err
			})
			if err != nil {
				return err
			}
			if next == after {
				break
			}
			after = next
		}
		out.Open = append(out.Open, m)
	}
	return nil
}

// previewStays gives the stays of some days their clocks and scores by both, as if they
// began today.
func (a *api) previewStays(ctx context.Context, today, trial *transition.Rules, out *rulesPreview) error {
	q := store.ClockQuery{Running: &out.Since, Limit: clockChunk}
	for {
		var rows []*transition.Transition
		var stays map[events.ID]events.Encounter
		err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) (err error) {
			if rows, err = store.Clocks(ctx, tx, q); err != nil {
				return err
			}
			var ids []events.ID
			for _, t := range rows {
				ids = append(ids, t.Encounter)
			}
			stays, err = store.Stays(ctx, tx, ids)
			return err
		})
		if err != nil {
			return err
		}
		for _, t := range rows {
			if t.DischargedAt == nil || t.DischargedAt.Before(out.Since) {
				continue
			}
			out.Stays++
			if err := a.previewStay(t, stays[t.Encounter], today, trial, out); err != nil {
				return err
			}
		}
		if len(rows) < clockChunk {
			return nil
		}
		last := rows[len(rows)-1]
		q.Until, q.After = *last.ClocksUntil, last.Encounter
	}
}

func (a *api) previewStay(t *transition.Transition, stay events.Encounter, today, trial *transition.Rules, out *rulesPreview) error {
	where, err := a.service.where(t.Zone, t.Calendar)
	if err != nil {
		return err
	}
	rec, err := recordOf(t)
	if err != nil {
		return err
	}
	s := a.service.subject(t, &stay, rec)
	was, is := dues(today.Protocols.Rules().Start(clock.Record{}, s, where)), dues(trial.Protocols.Rules().Start(clock.Record{}, s, where))
	for _, id := range union(was, is) {
		a, b := was[id], is[id]
		switch {
		case a == b:
			continue
		case a == "":
			out.More++
		case b == "":
			out.Fewer++
		default:
			out.Other++
		}
		out.ByRule[id]++
		out.show(ruleWouldBe{t.Encounter, id, a, b})
	}
	old, next := intervalsOf(today.Scores(stay, where.Zone)), intervalsOf(trial.Scores(stay, where.Zone))
	differs := false
	for _, name := range union(old, next) {
		if old[name] != next[name] {
			differs = true
			out.show(ruleWouldBe{t.Encounter, name, old[name], next[name]})
		}
	}
	if differs {
		out.Scores++
	}
	return nil
}

func (p *rulesPreview) show(c ruleWouldBe) {
	if len(p.Changes) < moveShown {
		p.Changes = append(p.Changes, c)
	}
}

// dues are the due times of a record's clocks by rule.
func dues(rec clock.Record) map[string]string {
	out := map[string]string{}
	for _, k := range rec.Clocks {
		out[k.ID()] = k.Due.UTC().Format(time.RFC3339)
	}
	return out
}

// intervalsOf are scores by name, without the versions of their tables.
func intervalsOf(list []events.Risk) map[string]string {
	out := map[string]string{}
	for i, r := range list {
		name := r.Score
		if i > 0 {
			name += " " + r.Variant
		}
		out[name] = fmt.Sprintf("%d-%d %s", r.Min, r.Max, r.Band)
	}
	return out
}

func union(a, b map[string]string) []string {
	var out []string
	for _, m := range []map[string]string{a, b} {
		for k := range m {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
