package clock

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// Asking says which request starts the clock of a rule that no stay starts, and what
// meets it. What people told of a request is kept ([Ask]); its clocks follow from that.
type Asking struct {
	By       string   `yaml:"by" json:"by"`                                               // what happened: authorization-requested, grievance-received...
	Urgency  string   `yaml:"urgency" json:"urgency,omitempty" enum:"standard,expedited"` // empty: either
	Scheme   string   `yaml:"scheme" json:"scheme,omitempty"`                             // empty: any
	MetBy    []string `yaml:"met_by" json:"met_by"`                                       // what has to happen in time
	Outlives bool     `yaml:"outlives" json:"outlives,omitempty" doc:"it runs on though the stay was called off or the patient died"`
}

// What may happen to any request, whatever it asks for.
const (
	InformationAsked    = "information-requested" // its clocks stand still, where their rules allow it
	InformationReceived = "information-received"
	WasExtended         = "extended"
	WasWithdrawn        = "withdrawn" // by whoever asked: nobody has to answer any more
)

// The urgencies of a request.
const (
	Standard  = "standard"
	Expedited = "expedited"
)

func (q *Asking) check(r Rule) error {
	if q == nil {
		return nil
	}
	common := []string{InformationAsked, InformationReceived, WasExtended, WasWithdrawn}
	switch {
	case r.Trigger != Request && r.Trigger != Grievance:
		return fmt.Errorf("asked: a clock from %s is started by the stay", r.Trigger)
	case q.By == "" || len(q.MetBy) == 0:
		return fmt.Errorf("asked: both by and met_by are needed")
	case slices.Contains(common, q.By) || slices.ContainsFunc(q.MetBy, func(e string) bool { return slices.Contains(common, e) || e == q.By }):
		return fmt.Errorf("asked: one thing cannot both start a clock and meet it, and %s may happen to every request", strings.Join(common, ", "))
	case q.Urgency != "" && q.Urgency != Standard && q.Urgency != Expedited:
		return fmt.Errorf("asked: urgency %q is neither standard nor expedited", q.Urgency)
	}
	return nil
}

// Ask is a request that somebody told of: for an authorization, a grievance, an appeal,
// a record. It carries no words of the patient's.
type Ask struct {
	N        int    `json:"n"` // 1, 2, 3... of the stay
	Urgency  string `json:"urgency,omitempty"`
	Scheme   string `json:"scheme,omitempty"`
	Referral string `json:"referral_id,omitempty"` // the referral it is about
	Said     []Word `json:"said"`                  // what happened to it, its receipt first
}

// Word is one thing that happened to a request.
type Word struct {
	Event   string    `json:"event"`
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome,omitempty"` // a code: approved, denied...
	Reason  string    `json:"reason,omitempty"`  // a code
	By      string    `json:"by"`                // who wrote it down
	On      time.Time `json:"recorded_at"`
}

func (a *Ask) at() time.Time { return a.Said[0].At }

// first is the first thing of a kind that happened to it, or nil.
func (a *Ask) first(event string) *Word {
	for i := range a.Said {
		if a.Said[i].Event == event {
			return &a.Said[i]
		}
	}
	return nil
}

// bends are what happened to a request, as its rule lets it move the due time.
func (a *Ask) bends(r *Rule) (b Bends) {
	for _, w := range a.Said {
		switch {
		case w.Event == InformationAsked && r.Pausable:
			b.Pauses = append(b.Pauses, Pause{From: w.At, Reason: or(w.Reason, w.Event), By: w.By})
		case w.Event == InformationReceived && r.Pausable && len(b.Pauses) > 0:
			b.Pauses[len(b.Pauses)-1].Until = utc(w.At)
		case w.Event == WasExtended && r.ExtensionDays > 0:
			b.Extended = true
		}
	}
	return b
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (r *Rule) startedBy(a *Ask) bool {
	q := r.Asked
	return q != nil && q.By == a.Said[0].Event && (q.Urgency == "" || q.Urgency == a.Urgency) && (q.Scheme == "" || q.Scheme == a.Scheme)
}

// ask is the request with a number, or nil.
func (rec *Record) ask(n int) *Ask {
	for i := range rec.Asks {
		if rec.Asks[i].N == n && n > 0 {
			return &rec.Asks[i]
		}
	}
	return nil
}

// StartOf is the instant a kept clock runs from.
func (rec *Record) StartOf(k Kept, trigger Trigger) (at time.Time, ok bool) {
	if k.Ask == 0 {
		return rec.Starts.at(trigger)
	}
	if a := rec.ask(k.Ask); a != nil {
		return a.at(), true
	}
	return at, false
}

// startAsked decides which clocks the requests of a stay have. A clock that ran before
// keeps the version of its rule; a request from before a rule was in force has none of it.
func (t *Table) startAsked(next *Record, have *Record, s *Subject, where Where) {
	next.Asks, next.Words = have.Asks, have.Words
	for i := range have.Asks {
		a := &have.Asks[i]
		for j := range t.asked {
			old := have.of(t.asked[j].id, a.N)
			rule := t.askedRule(a, old, t.asked[j].versions, where.Zone)
			if rule == nil || s.Ended && !rule.Asked.Outlives {
				continue
			}
			k := Kept{Rule: rule.Ref(), Ask: a.N, Bends: a.bends(rule)}
			if old != nil {
				k.State, k.By, k.Told = old.State, old.By, old.Told
			}
			k.Due = rule.due(a.at(), where, k.Bends)
			next.Clocks = append(next.Clocks, k)
		}
	}
}

func (t *Table) askedRule(a *Ask, old *Kept, versions []Rule, zone *time.Location) *Rule {
	if old != nil {
		if r := t.ref(old.Rule); r != nil && r.startedBy(a) {
			return r
		}
	}
	day := calendar.DateOf(a.at(), zone)
	for i := range versions {
		if r := &versions[i]; r.inForce(day) && r.startedBy(a) {
			return r
		}
	}
	return nil
}

// of is the clock of a rule for a request; request 0 is the stay itself.
func (rec *Record) of(id string, ask int) *Kept {
	for i := range rec.Clocks {
		if k := &rec.Clocks[i]; k.Ask == ask && k.ID() == id {
			return k
		}
	}
	return nil
}

// Asks are the things that start a clock, in the order of the alphabet.
func (t *Table) Asks() []string {
	var out []string
	for _, o := range t.asked {
		for _, r := range o.versions {
			if r.Asked != nil {
				out = append(out, r.Asked.By)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Ask takes in a new request.
func (t *Table) Ask(rec Record, a Ask, where Where) (Record, int, error) {
	n := 0
	for i := range rec.Asks {
		n = max(n, rec.Asks[i].N)
	}
	a.N = n + 1
	a.Said[0].At, a.Said[0].On = a.Said[0].At.UTC(), a.Said[0].On.UTC()
	found := false
	for _, o := range t.asked {
		found = found || t.askedRule(&a, nil, o.versions, where.Zone) != nil
	}
	if !found {
		return rec, 0, fmt.Errorf("no rule in force on that day starts a clock by %s (urgency %s, scheme %s): %s", a.Said[0].Event, orUnknown(a.Urgency), orUnknown(a.Scheme), t.ways(a.Said[0].Event))
	}
	rec.Asks = append(slices.Clone(rec.Asks), a)
	rec.Words++
	return rec, a.N, nil
}

// ways says what a request can be called, to whoever called it something else.
func (t *Table) ways(event string) string {
	var out []string
	for _, o := range t.asked {
		for _, r := range o.versions {
			if q := r.Asked; q != nil && q.By == event {
				out = append(out, r.ID+" ("+strings.Trim(q.Urgency+" "+q.Scheme, " ")+")")
			}
		}
	}
	if len(out) == 0 {
		return "what starts one is " + strings.Join(t.Asks(), ", ")
	}
	slices.Sort(out)
	return "there are " + strings.Join(slices.Compact(out), ", ")
}

// Hear takes in what happened to a request.
func (t *Table) Hear(rec Record, n int, w Word) (Record, error) {
	a := rec.ask(n)
	if a == nil {
		return rec, fmt.Errorf("there is no request %d here", n)
	}
	w.At, w.On = w.At.UTC(), w.On.UTC()
	if err := t.fits(&rec, a, w); err != nil {
		return rec, err
	}
	return rec.told(n, append(slices.Clone(a.Said), w)), nil
}

// fits says why something cannot have happened to a request, if that is so.
func (t *Table) fits(rec *Record, a *Ask, w Word) error {
	asked, received := 0, time.Time{}
	for _, s := range a.Said {
		switch s.Event {
		case InformationAsked:
			asked, received = asked+1, s.At
		case InformationReceived:
			asked, received = asked-1, s.At
		}
	}
	switch {
	case w.At.Before(a.at()):
		return fmt.Errorf("the request was received only at %s", a.at().Format(time.RFC3339))
	case a.first(WasWithdrawn) != nil:
		return fmt.Errorf("the request was withdrawn")
	case w.Event == WasWithdrawn:
		return nil
	case w.Event == InformationAsked && asked > 0:
		return fmt.Errorf("more information was asked already and has not come")
	case w.Event == InformationReceived && asked == 0:
		return fmt.Errorf("no information was asked")
	case (w.Event == InformationAsked || w.Event == InformationReceived) && !w.At.After(received):
		return fmt.Errorf("that is before what is on record of the information")
	case w.Event == InformationAsked || w.Event == InformationReceived:
		return nil
	case w.Event == WasExtended && a.first(WasExtended) != nil:
		return fmt.Errorf("the request was extended already")
	}
	return t.answers(rec, a, w)
}

// answers says why something is no answer to a request, and no extension of it.
func (t *Table) answers(rec *Record, a *Ask, w Word) error {
	var possible []string
	for i := range rec.Clocks {
		k := &rec.Clocks[i]
		r := t.ref(k.Rule)
		if k.Ask != a.N || r == nil || r.Asked == nil {
			continue
		}
		if w.Event == WasExtended && r.ExtensionDays > 0 && w.At.Before(k.Due) || slices.Contains(r.Asked.MetBy, w.Event) {
			return nil
		}
		possible = append(possible, r.Asked.MetBy...)
	}
	if w.Event == WasExtended {
		return fmt.Errorf("no rule of this request allows an extension, or its time had run out by then")
	}
	slices.Sort(possible)
	return fmt.Errorf("%s is no answer to this request: %s", w.Event, strings.Join(slices.Compact(possible), ", "))
}

// Unhear takes back the latest thing told of a request; the first takes it along.
func (rec Record) Unhear(n int) (Record, bool) {
	a := rec.ask(n)
	if a == nil {
		return rec, false
	}
	if len(a.Said) > 1 {
		return rec.told(n, slices.Clone(a.Said[:len(a.Said)-1])), true
	}
	rec.Asks = slices.DeleteFunc(slices.Clone(rec.Asks), func(a Ask) bool { return a.N == n })
	rec.Words++
	return rec, true
}

func (rec Record) told(n int, said []Word) Record {
	rec.Asks = slices.Clone(rec.Asks)
	rec.ask(n).Said = said
	rec.Words++
	return rec
}

// answer is what met a request, among its words, as evidence.
func (v *verdict) answer(a *Ask, r *Rule, k *Kept, consider func(Evidence)) {
	v.tracked = true
	for _, w := range a.Said {
		if slices.Contains(r.Asked.MetBy, w.Event) {
			consider(Evidence{Kind: Done, Event: w.Event, At: w.At, Outcome: w.Outcome, By: w.By})
		}
		if w.Event == WasWithdrawn && w.At.Before(k.Due) {
			v.dropped = &w
		}
	}
}

// asked writes down what happened to a request that did not answer it.
func (w *ruler) asked(a *Ask, r *Rule, v verdict) {
	w.c.Request = a
	for _, s := range a.Said[1:] {
		switch s.Event {
		case InformationAsked:
			if !r.Pausable {
				w.say("More information was asked %s%s: the rule does not let the clock stand still", w.words(s.At), because(s.Reason))
			}
		case InformationReceived:
			if !r.Pausable {
				w.say("It came %s", w.words(s.At))
			}
		}
	}
	if v.dropped != nil {
		w.ruling(Ruling{Do: "withdrawn", At: utc(v.dropped.At)})
		w.c.Reason = "the request was withdrawn " + w.words(v.dropped.At) + because(v.dropped.Reason)
	}
}
