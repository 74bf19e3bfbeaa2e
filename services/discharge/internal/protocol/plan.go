package protocol

import (
	"slices"
	"time"

	"cel.dev/cel-go/common/types"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
)

// Stay is what protocols know of a finished stay.
type Stay struct {
	Class        string
	Disposition  string // two digits; empty where it is not known
	AdmittedAt   time.Time
	DischargedAt time.Time
	Age          *int
	Sex          string
	Payer        string
	Language     string
	Service      string
	Facility     string // its code
	Unit         string
	AdmitType    string
	AdmitSource  string
	ZIP3         string
	Diagnoses    []string // principal first
	RiskMin      int
	RiskMax      int
}

// Plan is what a stay needs.
type Plan struct {
	Protocols []string // code@version, base first
	Needs     []string // next caregivers to find, each once
	Tasks     []Task
	Settle    *time.Duration // how long nothing about it leaves the house; nil: not at all
}

// Task is a task of a plan.
type Task struct {
	Code      string
	Title     string
	OwnerRole string
	Priority  string
	Reasons   []string  // why the priority or the due time is not the usual one
	Protocols []string  // who asks for it
	Rule      string    // id@version of the due rule
	Trigger   time.Time // what its clock started from
	WarnAt    time.Time
	DueAt     time.Time // exclusive
}

// Plan decides what a finished stay needs. It fails only if a condition cannot be
// evaluated, which [Load] rules out for every stay that can be written down.
func (s *Set) Plan(stay Stay, where clock.Where) (Plan, error) {
	c := composer{set: s, stay: stay, where: where, on: calendar.DateOf(stay.DischargedAt, where.Zone), rules: make([]*clock.Rule, 0, 16)}
	f := s.facts(stay)
	var room [16]*protocol
	chosen, err := c.choose(room[:0], f)
	if err != nil || len(chosen) == 0 {
		return Plan{}, err
	}
	wishes := 0
	for _, p := range chosen {
		wishes += len(p.tasks)
	}
	c.plan.Protocols = make([]string, 0, len(chosen))
	c.plan.Tasks = make([]Task, 0, wishes)
	for _, p := range chosen {
		c.add(p)
	}
	return c.finish(), nil
}

func (s *Set) facts(stay Stay) *facts {
	conditions := s.conditions.Match(stay.Diagnoses)
	var principal []string
	if len(stay.Diagnoses) > 0 {
		principal = s.conditions.Match(stay.Diagnoses[:1])
	}
	chronic := 0
	for _, c := range conditions {
		if s.chronic[c] {
			chronic++
		}
	}
	age := -1
	if stay.Age != nil {
		age = *stay.Age
	}
	return &facts{
		varClass: types.String(stay.Class), varDisposition: types.String(stay.Disposition), varSetting: types.String(""),
		varSex: types.String(stay.Sex), varPayer: types.String(stay.Payer), varLanguage: types.String(stay.Language),
		varService: types.String(stay.Service), varFacility: types.String(stay.Facility), varUnit: types.String(stay.Unit),
		varAdmitType: types.String(stay.AdmitType), varAdmitSource: types.String(stay.AdmitSource), varZIP3: types.String(stay.ZIP3),
		varAge: types.Int(age), varChronic: types.Int(chronic),
		varRiskMin: types.Int(stay.RiskMin), varRiskMax: types.Int(stay.RiskMax),
		varConditions: list(conditions), varPrincipal: list(principal), varDiagnoses: list(stay.Diagnoses),
	}
}

// composer folds the wishes of protocols into one plan.
type composer struct {
	set   *Set
	stay  Stay
	where clock.Where
	on    calendar.Date
	plan  Plan
	rules []*clock.Rule // the due rule of each task of the plan, as far as it is decided
}

// choose gives the protocols that are for the stay, in order of precedence.
func (c *composer) choose(chosen []*protocol, f *facts) ([]*protocol, error) {
	if c.stay.Class == "emergency" {
		chosen, err := c.all(chosen, c.set.emergency, f)
		if err != nil || len(chosen) == 0 {
			return nil, err
		}
		base, err := c.first(f)
		if err != nil {
			return nil, err
		}
		if base.alone {
			chosen = append(chosen[:0], base)
		}
		return chosen, nil
	}
	base, err := c.first(f)
	if err != nil {
		return nil, err
	}
	chosen = append(chosen, base)
	if base.alone {
		return chosen, nil
	}
	f[varSetting] = types.String(base.setting)
	return c.all(chosen, c.set.addons, f)
}

// first is the first base protocol whose condition holds; check made sure of one.
func (c *composer) first(f *facts) (*protocol, error) {
	for _, versions := range c.set.bases {
		p := inForce(versions, c.on)
		if p == nil {
			continue
		}
		if ok, err := p.when.holds(f); err != nil || ok {
			return p, err
		}
	}
	return nil, errCondition
}

// all adds the protocols of a kind whose conditions hold.
func (c *composer) all(chosen []*protocol, kind [][]*protocol, f *facts) ([]*protocol, error) {
	for _, versions := range kind {
		p := inForce(versions, c.on)
		if p == nil {
			continue
		}
		ok, err := p.when.holds(f)
		if err != nil {
			return nil, err
		}
		if ok {
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}

func (c *composer) add(p *protocol) {
	c.plan.Protocols = append(c.plan.Protocols, p.ref)
	if p.need != "" && !slices.Contains(c.plan.Needs, p.need) {
		c.plan.Needs = append(c.plan.Needs, p.need)
	}
	c.plan.Settle = sooner(c.plan.Settle, p.settle)
	for _, w := range p.tasks {
		rule := c.set.rules.InForce(w.due, c.on)
		if i := c.find(w.code); i < len(c.plan.Tasks) {
			c.fold(i, p, w, rule)
			continue
		}
		d := c.set.tasks[w.code]
		c.plan.Tasks = append(c.plan.Tasks, Task{
			Code: w.code, Title: d.Title, OwnerRole: d.OwnerRole, Priority: w.priority,
			Reasons: w.whys, Protocols: p.refs, // the set's own: whoever adds to them makes new ones
		})
		c.rules = append(c.rules, rule)
	}
}

// find is where a task of a code is in the plan; behind all where there is none.
func (c *composer) find(code string) int {
	for i := range c.plan.Tasks {
		if c.plan.Tasks[i].Code == code {
			return i
		}
	}
	return len(c.plan.Tasks)
}

// fold joins another protocol's wish into task i: the earliest due and the highest
// priority win. The reason is kept where the wish changed anything.
func (c *composer) fold(i int, p *protocol, w wish, rule *clock.Rule) {
	t := &c.plan.Tasks[i]
	t.Protocols = append(t.Protocols, p.ref)
	changed := false
	if have := c.rules[i]; have.ID != rule.ID && rule.At(c.trigger(rule), c.where).Before(have.At(c.trigger(have), c.where)) {
		c.rules[i], changed = rule, true
	}
	if rank(w.priority) > rank(t.Priority) {
		t.Priority, changed = w.priority, true
	}
	if changed || rank(w.priority) == rank(t.Priority) && rank(t.Priority) > 0 {
		t.Reasons = reason(t.Reasons, w.why)
	}
}

func (c *composer) finish() Plan {
	for i, r := range c.rules {
		t, trigger := &c.plan.Tasks[i], c.trigger(r)
		due := r.At(trigger, c.where)
		t.Rule, t.Trigger, t.DueAt, t.WarnAt = r.Ref(), trigger.UTC(), due.UTC(), r.Warn(trigger, due, c.where).UTC()
	}
	return c.plan
}

func (c *composer) trigger(r *clock.Rule) time.Time {
	if r.Trigger == clock.Admission && !c.stay.AdmittedAt.IsZero() {
		return c.stay.AdmittedAt
	}
	return c.stay.DischargedAt
}

func reason(have []string, why string) []string {
	if why == "" || slices.Contains(have, why) {
		return have
	}
	return append(have, why)
}
