package clock

import (
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// State is how a clock stands.
type State string

// The states of a clock.
const (
	StateDue           State = "due"
	StateMet           State = "met"
	StateAttempted     State = "attempted" // enough timely attempts are on record, nobody was reached
	StateMissed        State = "missed"
	StatePaused        State = "paused"
	StateNotApplicable State = "not-applicable"
)

// States are all states of a clock.
var States = []State{StateDue, StateMet, StateAttempted, StateMissed, StatePaused, StateNotApplicable}

// Record is what is kept of the clocks of one stay: which run, by which version, how
// they stand as of the last change, and what people did that no task keeps.
type Record struct {
	Starts Starts     `json:"starts"`
	Clocks []Kept     `json:"clocks,omitempty"` // in the order of their rules' ids
	Aside  []Kept     `json:"aside,omitempty"`  // clocks that do not run now, for what was done to them while they did
	Log    []Evidence `json:"log,omitempty"`    // in the order it was recorded
	Asks   []Ask      `json:"asks,omitempty"`   // requests that people told of; each has clocks of its own
	Words  int        `json:"words,omitempty"`  // how often they told something of one
}

// Kept is one clock as it is kept.
type Kept struct {
	Rule  string    `json:"rule"` // id@version; it stays whatever version comes into force
	Due   time.Time `json:"due"`
	State State     `json:"state,omitempty"` // as of the last change; empty: due
	By    *Evidence `json:"by,omitempty"`    // what met it; of a missed one: what came too late
	Told  State     `json:"told,omitempty"`  // what was told of it last
	Ask   int       `json:"ask,omitempty"`   // the number of the request it is of; 0: of the stay itself
	Bends
}

// ID is the id of the clock's rule.
func (k Kept) ID() string {
	id, _, _ := strings.Cut(k.Rule, "@")
	return id
}

// past stands in Told for a clock that had run out before anybody here could know.
const past State = "past"

// Evidence is something that bears on a clock.
type Evidence struct {
	Kind    Kind      `json:"kind"`
	Rule    string    `json:"rule,omitempty"`  // id of the rule whose clock it is said of
	Task    string    `json:"task,omitempty"`  // id of the task it came by
	Code    string    `json:"code,omitempty"`  // that task's
	Event   string    `json:"event,omitempty"` // what answered a request
	At      time.Time `json:"at"`              // when it happened
	Outcome string    `json:"outcome,omitempty"`
	By      string    `json:"by,omitempty"` // the person
}

// Kind is what kind of evidence something is.
type Kind string

// The kinds of evidence.
const (
	Done     Kind = "done"     // a task was completed; or said of the clock itself
	Attempt  Kind = "attempt"  // of a task, or said of the clock itself
	Extended Kind = "extended" // an extension was granted
	StayEnd  Kind = "stay"     // the stay lasted so long, or ended
	PeriodIs Kind = "period"   // the period is over
)

// Starts are the instants of the triggers of a stay.
type Starts map[Trigger]time.Time

func (s *Starts) set(t Trigger, at *time.Time) {
	if at == nil {
		return
	}
	if *s == nil {
		*s = make(Starts, 4)
	}
	(*s)[t] = at.UTC()
}

func (s Starts) at(t Trigger) (time.Time, bool) {
	at, ok := s[t]
	return at, ok
}

// Start decides which clocks a stay has and when each is due. A clock that ran before
// keeps the version of its rule while its trigger stands where it stood; one whose
// trigger moved takes the version in force then. What people recorded is kept.
func (t *Table) Start(have Record, s Subject, where Where) Record {
	next := Record{Starts: s.starts(), Log: have.Log}
	var days [4]started
	var room [24]Kept
	clocks := room[:0]
	for i := range t.clocks {
		id := t.clocks[i].id
		var old *Kept
		if len(have.Clocks)+len(have.Aside) > 0 {
			if old = have.find(id); old == nil {
				old = find(have.Aside, id)
			}
		}
		versions := t.clocks[i].versions
		day := dayOf(&days, next.Starts, versions[0].Trigger, where.Zone)
		if day == nil {
			next.setAside(old)
			continue
		}
		rule := t.pinned(old, have.Starts, day, versions)
		if rule.Applies == nil || rule.Applies.fails(&s, where.Zone) != holds {
			next.setAside(old)
			continue
		}
		clocks = append(clocks, s.clock(rule, old, day, where))
	}
	next.Clocks = slices.Clone(clocks)
	if len(have.Asks) > 0 || have.Words > 0 {
		t.startAsked(&next, &have, &s, where)
	}
	return next
}

// clock starts a clock, or lets it go on.
func (s *Subject) clock(rule *Rule, old *Kept, day *started, where Where) Kept {
	k := Kept{Rule: rule.ref}
	if old != nil {
		k.State, k.By, k.Told, k.Bends = old.State, old.By, old.Told, old.Bends
	}
	k.Ends = nil
	if end := s.ends(rule.Trigger); rule.Sooner && end != nil {
		k.Ends = utc(*end)
	}
	if k.Bends.none() {
		k.Due = rule.at(day.at, day.day, where).UTC()
	} else {
		k.Due = rule.Bent(day.at, where, k.Bends).Due
	}
	return k
}

func (b *Bends) none() bool { return len(b.Pauses) == 0 && !b.Extended && b.Ends == nil }

// started is the instant of a trigger and its local day.
type started struct {
	trigger Trigger
	at      time.Time
	day     calendar.Date
}

// dayOf is the instant and day of a trigger, looked up once; nil where it has not come.
func dayOf(known *[4]started, starts Starts, trigger Trigger, zone *time.Location) *started {
	for i := range known {
		d := &known[i]
		if d.trigger == trigger {
			return d
		}
		if d.trigger == "" || i == len(known)-1 {
			at, ok := starts.at(trigger)
			if !ok {
				return nil
			}
			*d = started{trigger, at, calendar.DateOf(at, zone)}
			return d
		}
	}
	return nil
}

// pinned is the version a clock runs by.
func (t *Table) pinned(old *Kept, starts Starts, day *started, versions []Rule) *Rule {
	if len(versions) == 1 && (old == nil || old.Rule == versions[0].ref) {
		return &versions[0]
	}
	if old != nil {
		if r := t.ref(old.Rule); r != nil {
			if was, ok := starts.at(r.Trigger); ok && was.Equal(day.at) {
				return r
			}
		}
	}
	return inForce(versions, day.day)
}

// due is the due instant of a clock, by the short way where nothing bends it.
func (r *Rule) due(start time.Time, where Where, bends Bends) time.Time {
	if bends.none() {
		return r.At(start, where).UTC()
	}
	return r.Bent(start, where, bends).Due
}

// setAside keeps what people did to a clock that does not run any more, should a
// correction bring it back.
func (rec *Record) setAside(k *Kept) {
	if k != nil && len(k.Pauses) > 0 {
		rec.Aside = append(rec.Aside, Kept{Rule: k.Rule, Bends: Bends{Pauses: k.Pauses}})
	}
}

func (rec *Record) find(id string) *Kept { return find(rec.Clocks, id) }

func find(clocks []Kept, id string) *Kept {
	for i := range clocks {
		if k := &clocks[i]; k.Ask == 0 && strings.HasPrefix(k.Rule, id) && len(k.Rule) > len(id) && k.Rule[len(id)] == '@' {
			return k
		}
	}
	return nil
}

// Empty reports whether there is nothing to keep.
func (rec *Record) Empty() bool {
	return len(rec.Clocks) == 0 && len(rec.Aside) == 0 && len(rec.Log) == 0 && len(rec.Asks) == 0 && rec.Words == 0
}

// Until is when the last clock ends; nil where there is none.
func (rec *Record) Until() *time.Time {
	var last *time.Time
	for i := range rec.Clocks {
		if last == nil || rec.Clocks[i].Due.After(*last) {
			last = &rec.Clocks[i].Due
		}
	}
	return last
}

// Task is what clocks know of a task.
type Task struct {
	ID      string
	Code    string
	Done    bool      // completed by a person
	At      time.Time // when it was
	Outcome string
	By      string
}

// Around is what clocks are judged by, beside their record.
type Around struct {
	Now        time.Time
	Zone       *time.Location
	Tasks      []Task // all that somebody was or is asked to do; not those the system withdrew
	Readmitted bool
	Late       *time.Time // when a discharge that was heard of late was: what had run out by then is no news
}

// News is what is to be told of a clock.
type News struct {
	Clock Kept
	Rule  Rule
	Was   State // what had been told of it before; empty: nothing
	Is    State // met or missed; empty: what was told does not hold any more
}

// Judge sets the state of every clock of a record, and gives what is to be told and
// when time alone next changes something that is told (zero: never). The record it was
// before tells which clocks are gone.
func (t *Table) Judge(before, rec Record, a Around) (next Record, news []News, wake time.Time) {
	rec.Clocks = slices.Clone(rec.Clocks)
	return t.judgeAll(before, rec, a)
}

// Run is Start, then Judge.
func (t *Table) Run(before, have Record, s Subject, where Where, a Around) (next Record, news []News, wake time.Time) {
	return t.judgeAll(before, t.Start(have, s, where), a)
}

// judgeAll is Judge on a record that is its own.
func (t *Table) judgeAll(before, rec Record, a Around) (next Record, news []News, wake time.Time) {
	next = rec
	for i := range next.Clocks {
		k := &next.Clocks[i]
		r := t.ref(k.Rule)
		if r == nil {
			continue // of a build that knew it
		}
		v := t.judge(&next, k, r, a)
		k.State, k.By = v.state, v.by
		if v.state == StateDue {
			k.State = ""
		}
		if n, tell := k.news(r, v.state, v.tracked, a.late(&next, k)); tell {
			news = append(news, n)
		}
		if waits := v.state == StateDue && v.tracked && !r.silent() && k.Told != past; waits && (wake.IsZero() || k.Due.Before(wake)) {
			wake = k.Due
		}
	}
	for _, k := range before.Clocks {
		r := t.ref(k.Rule)
		if r != nil && next.of(r.ID, k.Ask) == nil && (k.Told == StateMet || k.Told == StateMissed) {
			news = append(news, News{Clock: k, Rule: *r, Was: k.Told})
		}
	}
	return next, news, wake
}

// late is Around for one clock: of a request that was written down late, what had run
// out by then is no news, whenever the stay was heard of.
func (a Around) late(rec *Record, k *Kept) Around {
	if ask := rec.ask(k.Ask); ask != nil {
		a.Late = &ask.Said[0].On
	}
	return a
}

// silent rules have no deadline that anybody has to meet.
func (r *Rule) silent() bool { return r.Quiet || r.Window || r.MinStay }

// news compares how a clock stands with what was told of it.
func (k *Kept) news(r *Rule, is State, tracked bool, a Around) (News, bool) {
	n := News{Rule: *r, Was: k.Told}
	told := is
	switch {
	case r.Window || r.MinStay:
		return n, false
	case is == StateMissed && (r.Quiet || !tracked):
		told = ""
	case is == StateMissed && (k.Told == past || k.Told == "" && a.Late != nil && !k.Due.After(*a.Late)):
		k.Told = past
		return n, false
	case is != StateMet && is != StateMissed:
		told = ""
	}
	if n.Was == past {
		n.Was = ""
	}
	k.Told = told
	n.Clock, n.Is = *k, told
	return n, n.Was != n.Is
}
