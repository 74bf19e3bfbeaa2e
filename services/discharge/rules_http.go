package discharge

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/rulebook"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// ruleRoutes are how people look at an organization's own rules (packs of clocks, tables
// of risk), try changes of them, and put them in force.
func (a *api) ruleRoutes(r *web.Router) {
	web.Handle(r, web.TransitionsRead, "GET", "/rules/book", "Which set of rules is in force, and the version to decide on", a.ruleBook)
	web.Handle(r, web.TransitionsRead, "GET", "/rules/sets", "Stored sets of rules, newest first", a.ruleSets)
	web.Handle(r, web.TransitionsRead, "GET", "/rules/sets/{id}", "One stored set of rules, with its files", a.oneRuleSet)
	web.Handle(r, web.TransitionsRead, "GET", "/rules/shipped", "The files of the rules that this version of the product ships with", a.shippedRules)
	web.Handle(r, web.TransitionsRead, "GET", "/rules/acts", "Who decided when which set of rules is in force, newest first", a.ruleActs)
	web.Handle(r, web.ProtocolsTry, "POST", "/rules/check", "Say what is wrong with rules, and what is new in them; every vector is computed", a.checkRules)
	web.Handle(r, web.ProtocolsTry, "POST", "/rules/preview", "Show what rules would change, side by side with today; nothing comes of it", a.previewRules)
	web.Handle(r, web.ProtocolsWrite, "POST", "/rules/sets", "Store a set of rules; it is in force when it is activated", a.storeRules)
	web.Handle(r, web.ProtocolsWrite, "POST", "/rules/activate", "Put a set of rules in force; open clocks keep their versions", a.activateRules)
	web.Handle(r, web.ProtocolsWrite, "POST", "/rules/rollback", "Go back to the rules that were in force before", a.rollBackRules)
}

type ruleBookOut struct {
	ETag string `header:"ETag" doc:"decide with If-Match"`
	Body struct {
		Version int64      `json:"version"`
		Set     events.ID  `json:"set_id" doc:"empty: the shipped rules"`
		Since   *time.Time `json:"since" doc:"null: nobody decided anything"`
		Coming  *time.Time `json:"coming" doc:"when the newest decision takes effect, if it has not"`
	}
}

func (a *api) ruleBook(ctx context.Context, _ *struct{}) (*ruleBookOut, error) {
	if err := a.service.shelf.refresh(ctx); err != nil {
		return nil, err
	}
	out, now := &ruleBookOut{}, a.service.clock()
	book := a.service.shelf.look().ruled[web.From(ctx).Org]
	if _, act := book.at(now); act.Version > 0 {
		out.Body.Set, out.Body.Since = act.Set, utc(&act.From)
	}
	if book != nil {
		out.Body.Version = book.version
		if newest := book.acts[0]; newest.From.After(now) {
			out.Body.Coming = utc(&newest.From)
		}
	}
	out.ETag = etag(int(out.Body.Version))
	return out, nil
}

type ruleActView struct {
	Version int64     `json:"version"`
	Kind    string    `json:"kind" enum:"activate,roll-back"`
	Set     events.ID `json:"set_id" doc:"empty: the shipped rules"`
	From    time.Time `json:"from"`
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

func viewRuleAct(a store.RuleAct) ruleActView {
	return ruleActView{a.Version, a.Kind, a.Set, a.From.UTC(), a.Reason, a.By, a.At.UTC()}
}

func (a *api) ruleActs(ctx context.Context, _ *struct{}) (*web.Listed[ruleActView], error) {
	var list []ruleActView
	err := a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		acts, err := store.RuleActs(ctx, tx, web.From(ctx).Org)
		for _, act := range acts {
			list = append(list, viewRuleAct(act))
		}
		return err
	})
	return web.Page(list, len(list), nil), err
}

// rulesBody names rules that are not in force, or not yet.
type rulesBody struct {
	Files   map[string]string `json:"files,omitempty" doc:"name -> text: packs/*.yaml, comorbidity.yaml, hospital.yaml; what is not there is taken from the shipped files"`
	Set     events.ID         `json:"set_id,omitempty" doc:"a stored set"`
	Shipped bool              `json:"shipped,omitempty" doc:"the shipped rules"`
}

type candidateRules struct {
	set   events.ID // zero: not a stored one
	files rulebook.Files
	rules *rulebook.Rules
}

// live are the rules in force of the caller's organization.
func (a *api) live(ctx context.Context) (*rulebook.Rules, error) {
	if own, _ := a.service.shelf.look().ruled[web.From(ctx).Org].at(a.service.clock()); own != nil {
		return own, nil
	}
	return a.service.shelf.ships()
}

// candidateRules reads what is named. problems are for the author; err is for anything else.
func (a *api) candidateRules(ctx context.Context, in rulesBody) (c candidateRules, problems []string, err error) {
	switch {
	case len(in.Files) > 0 && in.Set.IsZero() && !in.Shipped:
		c.files = rulebook.Files(in.Files).Over(rulebook.ShippedFiles())
	case len(in.Files) == 0 && !in.Set.IsZero() && !in.Shipped:
		c.set = in.Set
		err = a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
			files, err := store.RuleFiles(ctx, tx, []events.ID{in.Set})
			c.files = files[in.Set]
			return err
		})
		if err == nil && c.files == nil {
			err = errNoRules
		}
	case len(in.Files) == 0 && in.Set.IsZero() && in.Shipped:
		c.files = rulebook.ShippedFiles()
	default:
		err = fault.New(fault.Invalid, "name exactly one of files, set_id and shipped")
	}
	if err != nil {
		return c, nil, err
	}
	if c.rules, err = c.files.Load(); err != nil {
		return c, strings.Split(err.Error(), "\n"), nil
	}
	problems, err = a.wrongRules(ctx, c)
	return c, problems, err
}

// wrongRules says what keeps rules from following those that are or were there.
func (a *api) wrongRules(ctx context.Context, c candidateRules) ([]string, error) {
	shipped, err := a.service.shelf.ships()
	if err != nil {
		return nil, err
	}
	live, err := a.live(ctx)
	if err != nil {
		return nil, err
	}
	var earlier []map[string]string
	err = a.db.Tx(ctx, web.From(ctx).Org, func(tx pgx.Tx) error {
		sets, err := store.RuleSets(ctx, tx, web.From(ctx).Org)
		for _, s := range sets {
			if s.ID != c.set {
				earlier = append(earlier, s.Prints)
			}
		}
		return err
	})
	if !c.set.IsZero() || c.rules.Digest() == shipped.Digest() {
		return c.rules.Wrong(shipped, earlier...), err // it has been in force before: rules of later sets may be gone
	}
	return append(c.rules.Wrong(shipped, earlier...), c.rules.Wrong(live)...), err
}

type rulesIn struct{ Body rulesBody }

type checkedOut struct {
	Body struct {
		OK       bool     `json:"ok"`
		Digest   string   `json:"digest"`
		Problems []string `json:"problems"`
		New      []string `json:"new" doc:"versions of rules and tables that are not in force"`
		Vectors  int      `json:"vectors" doc:"examples that were computed and came true"`

		Packs []clock.Pack `json:"packs" doc:"the packs as they were read; none where they cannot be"`
	}
}

func (a *api) checkRules(ctx context.Context, in *rulesIn) (*checkedOut, error) {
	c, problems, err := a.candidateRules(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	live, err := a.live(ctx)
	if err != nil {
		return nil, err
	}
	out := &checkedOut{}
	out.Body.OK, out.Body.Digest, out.Body.Problems, out.Body.New = len(problems) == 0, c.files.Digest(), present(problems), []string{}
	out.Body.Packs = []clock.Pack{}
	if c.rules != nil {
		out.Body.New, out.Body.Vectors, out.Body.Packs = c.rules.New(live), c.rules.Vectors(), c.rules.Table.Packs()
	}
	return out, nil
}

// soundRules are rules that can be gone by, or a fault that says why not.
func (a *api) soundRules(ctx context.Context, in rulesBody) (candidateRules, error) {
	c, problems, err := a.candidateRules(ctx, in)
	if err == nil && len(problems) > 0 {
		return c, refused("these rules cannot be used", problems)
	}
	return c, err
}

type activateRulesIn struct {
	IfMatch string `header:"If-Match" doc:"version of the book you decided on"`
	Key     string `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body    struct {
		Set     events.ID  `json:"set_id,omitempty" doc:"a stored set"`
		Shipped bool       `json:"shipped,omitempty" doc:"the shipped rules"`
		From    *time.Time `json:"from,omitempty" doc:"when it takes effect; without it now. Each version of a rule has its own effective dates beside"`
		Reason  string     `json:"reason" maxLength:"500" doc:"why, for whoever asks later"`
	}
}

type ruleActOut struct {
	ETag string `header:"ETag" json:"-"`
	Body ruleActView
}

func (a *api) activateRules(ctx context.Context, in *activateRulesIn) (*ruleActOut, error) {
	if in.Body.Set.IsZero() == !in.Body.Shipped {
		return nil, fault.New(fault.Invalid, "name exactly one of set_id and shipped")
	}
	act := store.RuleAct{Kind: protocol.ActActivate, Set: in.Body.Set, Reason: in.Body.Reason}
	if in.Body.From != nil {
		act.From = in.Body.From.UTC().Truncate(time.Microsecond)
	}
	if !in.Body.Set.IsZero() {
		if _, err := a.soundRules(ctx, rulesBody{Set: in.Body.Set}); err != nil {
			return nil, err
		}
	}
	return a.decideOnRules(ctx, in.IfMatch, act)
}

type rollBackRulesIn struct {
	IfMatch string `header:"If-Match" doc:"version of the book you decided on"`
	Key     string `header:"Idempotency-Key" doc:"the same key again gives the same answer and does nothing"`
	Body    struct {
		Reason string `json:"reason" maxLength:"500" doc:"why, for whoever asks later"`
	}
}

func (a *api) rollBackRules(ctx context.Context, in *rollBackRulesIn) (*ruleActOut, error) {
	return a.decideOnRules(ctx, in.IfMatch, store.RuleAct{Kind: protocol.ActRollBack, Reason: in.Body.Reason})
}

// decideOnRules adds a decision to the organization's book of rules.
func (a *api) decideOnRules(ctx context.Context, ifMatch string, act store.RuleAct) (*ruleActOut, error) {
	version, err := web.IfMatch(ifMatch)
	if err != nil {
		return nil, err
	}
	if act.Reason == "" {
		return nil, fault.New(fault.Invalid, "say why: reason is empty")
	}
	if err := a.service.shelf.refresh(ctx); err != nil {
		return nil, err
	}
	who := web.From(ctx)
	said, err := json.Marshal(act)
	if err != nil {
		return nil, err
	}
	var out *ruleActOut
	err = a.db.Tx(ctx, who.Org, func(tx pgx.Tx) (err error) {
		out, err = web.Once(ctx, tx, fmt.Sprintf("rules %d %s", version, said), func() (*ruleActOut, error) {
			act.Org, act.By, act.At = who.Org, who.Subject, a.service.now()
			return a.addRuleAct(ctx, tx, int64(version), act)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := a.service.shelf.refresh(ctx); err != nil {
		return nil, err
	}
	out.ETag = etag(int(out.Body.Version))
	return out, nil
}

func (a *api) addRuleAct(ctx context.Context, tx pgx.Tx, version int64, act store.RuleAct) (*ruleActOut, error) {
	is, err := store.LockRules(ctx, tx, act.Org)
	if err != nil {
		return nil, err
	}
	if is != version {
		return nil, fault.New(fault.Stale, "somebody has decided since you looked: the book is at version %d", is).With("version", is)
	}
	act.Version = is + 1
	soonest := act.At.Add(bookLead) // by then every replica knows
	switch {
	case act.From.IsZero() || !act.From.Before(act.At) && act.From.Before(soonest):
		act.From = soonest
	case act.From.Before(act.At):
		return nil, fault.New(fault.Invalid, "that time has passed: choose one to come; effective dates of single rules stand in their versions")
	}
	if act.Kind == protocol.ActRollBack {
		err = a.formerRules(&act)
	} else if !act.Set.IsZero() {
		err = rulesSeen(ctx, tx, act)
	}
	if err != nil {
		return nil, err
	}
	if err := store.AddRuleAct(ctx, tx, act); err != nil {
		return nil, err
	}
	return &ruleActOut{Body: viewRuleAct(act)}, nil
}

// formerRules makes an act put in force again what was before the newest one: while that
// has not taken effect, what is in force now.
func (a *api) formerRules(act *store.RuleAct) error {
	book := a.service.shelf.look().ruled[act.Org]
	if book == nil {
		return fault.New(fault.Conflict, "there is nothing to go back from: no rules were activated here")
	}
	for _, earlier := range book.acts[1:] {
		if !earlier.From.After(act.At) {
			act.Set = earlier.Set
			return nil
		}
	}
	act.Set = events.ID{}
	return nil
}

// rulesSeen makes sure that somebody has looked at what a set would change, not long ago.
func rulesSeen(ctx context.Context, tx pgx.Tx, act store.RuleAct) error {
	sets, err := store.RuleSets(ctx, tx, act.Org)
	if err != nil {
		return err
	}
	for _, s := range sets {
		if s.ID == act.Set && s.Previewed != nil && act.At.Sub(*s.Previewed) <= previewLasts {
			return nil
		}
	}
	return fault.New(fault.Conflict, "nobody has looked at what these rules would change: run a preview of the stored set first (POST rules/preview, or handoff rules preview)")
}
