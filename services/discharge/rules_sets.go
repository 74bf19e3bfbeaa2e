package discharge

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/rulebook"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// ruleSetView is a stored set of rules as the API shows it.
type ruleSetView struct {
	ID        events.ID  `json:"id"`
	Number    int        `json:"number" doc:"1, 2, 3... of the organization"`
	Title     string     `json:"title"`
	Digest    string     `json:"digest" doc:"of its files"`
	MadeBy    string     `json:"made_by"`
	MadeAt    time.Time  `json:"made_at"`
	Previewed *time.Time `json:"previewed_at"`
	Live      bool       `json:"live"`
	Wrong     string     `json:"wrong" doc:"why this build cannot use it; empty: it can"`
}

func (a *api) viewRuleSet(s store.RuleSet) ruleSetView {
	_, act := a.service.shelf.look().ruled[s.Org].at(a.service.clock())
	return ruleSetView{
		ID: s.ID, Number: s.Number, Title: s.Title, Digest: s.Digest, MadeBy: s.MadeBy, MadeAt: s.MadeAt.UTC(), Previewed: utc(s.Previewed),
		Live: act.Set == s.ID, Wrong: a.service.shelf.broken(s.ID),
	}
}

func (a *api) ruleSets(ctx context.Context, _ *struct{}) (*web.Listed[ruleSetView], error) {
	var list []ruleSetView
	err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		sets, err := store.RuleSets(ctx, tx, web.From(ctx).Org)
		for _, s := range sets {
			list = append(list, a.viewRuleSet(s))
		}
		return err
	})
	return web.Page(list, len(list), nil), err
}

type ruleSetOut struct {
	Body struct {
		ruleSetView
		Files map[string]string `json:"files" doc:"name -> text"`
	}
}

func (a *api) oneRuleSet(ctx context.Context, in *byID) (*ruleSetOut, error) {
	org, out := web.From(ctx).Org, &ruleSetOut{}
	err := a.db.Tx(ctx, org, func(tx pgx.Tx) error {
		sets, err := store.RuleSets(ctx, tx, org)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(sets, func(s store.RuleSet) bool { return s.ID == in.ID })
		if i < 0 {
			return errNoRules
		}
		files, err := store.RuleFiles(ctx, tx, []events.ID{in.ID})
		out.Body.ruleSetView, out.Body.Files = a.viewRuleSet(sets[i]), files[in.ID]
		return err
	})
	return out, err
}

var errNoRules = fault.New(fault.Unknown, "there is no such set of rules; `rules/sets` lists them")

type shippedRulesOut struct {
	Body struct {
		Digest string            `json:"digest"`
		Files  map[string]string `json:"files" doc:"name -> text"`
	}
}

func (a *api) shippedRules(context.Context, *struct{}) (*shippedRulesOut, error) {
	files, out := rulebook.ShippedFiles(), &shippedRulesOut{}
	out.Body.Digest, out.Body.Files = files.Digest(), files
	return out, nil
}

type storeRulesIn struct {
	Key  string `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body struct {
		Title string            `json:"title" maxLength:"200" doc:"what is new about it"`
		Files map[string]string `json:"files" doc:"name -> text; what is not there is taken from the shipped files"`
	}
}

type storedRulesOut struct{ Body ruleSetView }

// storeRules keeps a set whole, as it is now. The same files again are the same set.
func (a *api) storeRules(ctx context.Context, in *storeRulesIn) (*storedRulesOut, error) {
	c, err := a.soundRules(ctx, rulesBody{Files: in.Body.Files})
	if err != nil {
		return nil, err
	}
	who := web.From(ctx)
	set := store.RuleSet{
		ID: store.RuleSetID(who.Org, c.rules.Digest()), Org: who.Org, Digest: c.rules.Digest(), Title: in.Body.Title, Files: c.files,
		Prints: c.rules.Prints(), MadeBy: who.Subject, MadeAt: a.service.now(),
	}
	out := &storedRulesOut{}
	err = a.db.Tx(ctx, who.Org, func(tx pgx.Tx) error {
		if _, err := store.LockRules(ctx, tx, who.Org); err != nil {
			return err
		}
		have, err := store.RuleSets(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		for _, s := range have {
			if s.ID == set.ID {
				out.Body = a.viewRuleSet(s)
				return nil
			}
		}
		set.Number, err = store.AddRuleSet(ctx, tx, set)
		out.Body = a.viewRuleSet(set)
		return err
	})
	return out, err
}
