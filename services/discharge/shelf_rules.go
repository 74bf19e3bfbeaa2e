package discharge

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/rulebook"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// ruled is an organization's book of rules: its decisions, newest first, each with the
// rules it put in force. Those know every version of the others.
type ruled struct {
	version int64
	acts    []store.RuleAct
	rules   []*rulebook.Rules
}

// at are the rules in force at a time, and since when; nil: the shipped ones.
func (b *ruled) at(now time.Time) (*rulebook.Rules, store.RuleAct) {
	if b == nil {
		return nil, store.RuleAct{}
	}
	for i, a := range b.acts {
		if !a.From.After(now) {
			return b.rules[i], a
		}
	}
	return nil, store.RuleAct{}
}

// shippedBook are the shipped rules as a set.
func (s *shelf) shippedBook() (*rulebook.Rules, error) {
	if s.rules == nil {
		r, err := rulebook.ShippedFiles().Load()
		if err != nil {
			return nil, err
		}
		s.rules = r
	}
	return s.rules, nil
}

// ships are the shipped rules, for whoever does not hold the shelf.
func (s *shelf) ships() (*rulebook.Rules, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shippedBook()
}

// refreshRules reads the books of rules that have a new version. The caller holds the shelf.
func (s *shelf) refreshRules(ctx context.Context, tx pgx.Tx, next *books) error {
	versions, err := store.RuleVersions(ctx, tx)
	if err != nil {
		return err
	}
	var changed []events.ID
	for org, version := range versions {
		if have := next.ruled[org]; version > 0 && (have == nil || have.version != version) {
			changed = append(changed, org)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	acts, err := store.RuleActs(ctx, tx, changed...)
	if err != nil {
		return err
	}
	if err := s.compileRules(ctx, tx, acts); err != nil {
		return err
	}
	next.ruled = maps.Clone(next.ruled)
	if next.ruled == nil {
		next.ruled = map[events.ID]*ruled{}
	}
	for _, org := range changed {
		if next.ruled[org], err = s.bindRules(org, versions[org], acts); err != nil {
			return err
		}
	}
	return nil
}

// compileRules makes the sets that acts name and that are not on the shelf yet. One that
// this build cannot read is replaced by the shipped rules.
func (s *shelf) compileRules(ctx context.Context, tx pgx.Tx, acts []store.RuleAct) error {
	var missing []events.ID
	for _, a := range acts {
		if !a.Set.IsZero() && s.ruleSets[a.Set] == nil && s.wrong[a.Set] == "" && !slices.Contains(missing, a.Set) {
			missing = append(missing, a.Set)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	files, err := store.RuleFiles(ctx, tx, missing)
	if err != nil {
		return err
	}
	for _, id := range missing {
		err := errors.New("it is not in the database")
		if files[id] != nil {
			s.ruleSets[id], err = files[id].Load()
		}
		if err != nil {
			delete(s.ruleSets, id)
			s.wrong[id] = err.Error()
			s.log.Error("a set of rules in force cannot be read by this build; the shipped rules stand in for it", "set", id, "error", err)
		}
	}
	return nil
}

func (s *shelf) bindRules(org events.ID, version int64, acts []store.RuleAct) (*ruled, error) {
	shipped, err := s.shippedBook()
	if err != nil {
		return nil, err
	}
	out := &ruled{version: version}
	all := []*rulebook.Rules{shipped}
	for _, a := range acts {
		if a.Org != org {
			continue
		}
		r := s.ruleSets[a.Set]
		if r == nil {
			r = shipped
		}
		out.acts, out.rules = append(out.acts, a), append(out.rules, r)
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	known := map[*rulebook.Rules]*rulebook.Rules{}
	for i, r := range out.rules {
		if known[r] == nil {
			known[r] = r.Knowing(all...)
		}
		out.rules[i] = known[r]
	}
	return out, nil
}

// rulesOf are an organization's rules at a time.
func (s *service) rulesOf(b *books, org events.ID, at time.Time) *transition.Rules {
	own, _ := b.ruled[org].at(at)
	if own == nil {
		return s.rules
	}
	return s.asRules(own)
}

// asRules are rules as decisions are made by them, made once.
func (s *service) asRules(own *rulebook.Rules) *transition.Rules {
	if r, ok := s.ruled.Load(own); ok {
		return r.(*transition.Rules)
	}
	r, _ := s.ruled.LoadOrStore(own, s.asTrial(own))
	return r.(*transition.Rules)
}

// asTrial are rules as decisions would be made by them; nothing is kept of them.
func (s *service) asTrial(r *rulebook.Rules) *transition.Rules {
	next := *s.rules
	next.Protocols, next.Comorbidities, next.Hospital = s.rules.Protocols.With(r.Table), r.Comorbidities, r.Hospital
	return &next
}

// table are the rules an organization's clocks run by now.
func (s *service) table(org events.ID) *clock.Table {
	return s.rulesOf(s.shelf.look(), org, s.clock()).Protocols.Rules()
}

// rules are an organization's in this transaction.
func (w *work) rules(org events.ID) *transition.Rules {
	if w.trial != nil {
		return w.trial
	}
	return w.s.rulesOf(w.books, org, w.at)
}

func (w *work) table(org events.ID) *clock.Table { return w.rules(org).Protocols.Rules() }
