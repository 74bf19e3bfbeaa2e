package admission

import (
	"bytes"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/alias"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// item is one message on its way through a batch.
type item struct {
	in      *adt.Inbound
	cmd     *adt.Command
	verdict adt.Verdict
	span    trace.SpanContext // what its facts follow from
}

// part is the item of one of its commands.
func (it *item) part(c *adt.Command) *item {
	if c == it.cmd {
		return it
	}
	part := *it
	part.cmd = c
	return &part
}

// work is one batch being decided: what was loaded, changed message by message in memory.
type work struct {
	*store.Loaded
	facilities map[events.ID]*adt.Facility
	named      map[events.ID][]store.Named
	names      alias.Set // of patients and of stays: which stands for another
	byVisit    map[store.Visit]*store.Encounter
	byPatient  map[events.ID][]*store.Encounter // by whose they are now
	byPerson   map[events.ID][]*store.Patient
	past       map[events.ID][]store.Past // what stays a person had, as in the tables
	asked      map[asked]bool
	indexed    map[events.ID]bool

	changes  store.Changes
	announce []events.Event
	notices  []events.Event // quarantined messages, to be told once per reason and feed
	regroup  map[events.ID]events.ID
	stirred  map[events.ID]stir // by person
	moving   bool               // accounts were given to others
	touched  map[events.ID]bool // patients and stays in changes
}

func newWork(l *store.Loaded, facilities map[events.ID]*adt.Facility) *work {
	w := &work{
		Loaded: l, facilities: facilities, named: map[events.ID][]store.Named{}, byVisit: map[store.Visit]*store.Encounter{},
		byPatient: map[events.ID][]*store.Encounter{}, byPerson: map[events.ID][]*store.Patient{}, past: map[events.ID][]store.Past{},
		asked: map[asked]bool{}, indexed: map[events.ID]bool{},
		regroup: map[events.ID]events.ID{}, stirred: map[events.ID]stir{}, touched: map[events.ID]bool{},
	}
	w.changes.Counts = map[store.Count]int64{}
	for _, n := range l.Named {
		w.named[n.Key] = append(w.named[n.Key], n)
	}
	return w
}

// index makes stays and patients findable once they are all loaded.
func (w *work) index() {
	for _, e := range w.Encounters {
		if !w.indexed[e.ID] {
			w.indexed[e.ID] = true
			w.moving = w.moving || slices.ContainsFunc(e.Facts, func(f encounter.Fact) bool { return f.Values.Of != "" })
			w.byVisit[store.Visit{Facility: e.Facility, Key: e.VisitKey}] = e
			w.byPatient[e.Patient] = append(w.byPatient[e.Patient], e)
		}
	}
	for _, list := range w.byPatient {
		slices.SortFunc(list, func(a, b *store.Encounter) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	}
	for _, p := range w.Patients {
		if !w.indexed[p.ID] {
			w.indexed[p.ID] = true
			w.byPerson[p.Person] = append(w.byPerson[p.Person], p)
		}
	}
	for _, list := range w.byPerson {
		slices.SortFunc(list, func(a, b *store.Patient) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	}
}

// decide applies one message to what is in memory.
func (w *work) decide(it *item) {
	in := it.in
	if it.verdict.State != "" {
		w.setAside(it)
		return
	}
	w.count(in.Feed.Org, adt.Applied, 1)
	n := 0
	for c := range it.cmd.Parts {
		w.part(it.part(c), &n)
	}
}

// part applies what a message says of one patient; n counts its statements about names.
func (w *work) part(it *item, n *int) {
	w.rename(it)
	p := w.patient(it)
	visible := w.demographics(it, p)
	for i := range it.cmd.Acts {
		*n++
		w.act(it, &it.cmd.Acts[i], p, *n)
	}
	if it.cmd.Kind != 0 {
		w.fact(it, p)
	}
	if visible {
		for _, e := range slices.Clone(w.byPatient[w.root(p).ID]) {
			w.retell(it, e)
		}
	}
}

// setAside notes why a message is not acted on; operations hear of a quarantined one.
func (w *work) setAside(it *item) {
	in := it.in
	w.count(in.Feed.Org, it.verdict.State, 1)
	w.changes.Outcomes = append(w.changes.Outcomes, store.Outcome{Message: in.ID, Org: in.Feed.Org, Feed: in.Feed.ID, State: it.verdict.State, Reason: it.verdict.Reason})
	if it.verdict.State == adt.Quarantined {
		w.notices = append(w.notices, caused(it, events.MessageQuarantined{
			Feed: in.Feed.ID, FeedName: in.Feed.Name, Facility: facilityCode(in), Message: in.ID, Reason: it.verdict.Reason,
		}, in.Received))
	}
}

func facilityCode(in *adt.Inbound) string {
	if in.Facility == nil {
		return ""
	}
	return in.Facility.Code
}

func (w *work) count(org events.ID, name string, n int64) {
	w.changes.Counts[store.Count{Org: org, Name: name}] += n
}

// fact adds what a message says of a stay, and tells what is different now.
func (w *work) fact(it *item, p *store.Patient) {
	e := w.stay(it, p)
	f := it.cmd.Fact
	f.Message, f.Patient = it.in.ID, p.ID
	if !w.add(e, f) {
		return
	}
	w.refold(it, e)
	if w.home(e).Known.Class == encounter.Obstetrics {
		w.newborns(it, p)
	}
}

// add puts a fact among those of a stay; false if it is there.
func (w *work) add(e *store.Encounter, f encounter.Fact) bool {
	facts, fresh := e.Facts.Add(f)
	if !fresh {
		return false
	}
	e.Facts = facts
	if len(e.Added) == 1 {
		e.Added = slices.Grow(e.Added, 4) // a batch has one fact of a stay, or many
	}
	e.Added = append(e.Added, f)
	w.count(e.Org, "facts", 1)
	w.touchEncounter(e)
	return true
}

// refold computes a stay from its facts, those of stays that became a part of it included, and
// announces the difference to what was known.
func (w *work) refold(it *item, e *store.Encounter) {
	e = w.gatherParts(it, e)
	w.inheritDeletions(e)
	w.adopt(e)
	facts := w.factsOf(e)
	s := facts.Fold()
	s.Patient = w.owner(e, facts, s.Patient)
	reopened := s.Reopened && !e.Reopened
	wasED, before := e.ED, e.Known
	e.PlannedAt, e.ED, e.Reopened = s.PlannedAt, s.ED, s.Reopened
	w.noteFormer(e, facts, s.Patient)
	w.tell(it, e, s, reopened)
	w.stirs(it, e, &before, wasED)
}

// retell looks again at a stay of a patient whose demographics changed.
func (w *work) retell(it *item, e *store.Encounter) {
	if e.Known.FoldVersion == 0 || e.Known.State == encounter.Cancelled || e.Known.State == encounter.EnteredInError {
		return
	}
	facts := w.factsOf(e)
	s := facts.Fold()
	s.Patient = w.owner(e, facts, s.Patient)
	w.tell(it, e, s, false)
}

// tell announces what is different about a stay, and keeps it known.
func (w *work) tell(it *item, e *store.Encounter, s encounter.Stay, reopened bool) {
	w.touchEncounter(e)
	if s.State == "" {
		if e.Known.FoldVersion == 0 {
			w.move(e, e.Known.Patient, s.Patient)
			e.Known.Patient = s.Patient
			return // spoken of, and nothing said of it yet
		}
		s.State = encounter.EnteredInError
	}
	p := w.Patients[s.Patient]
	who := encounter.Whose{}
	if p != nil {
		who = whose(w.record(p))
	}
	fac := w.facility(it, e)
	now := encounter.Know(e.ID, s, who, encounter.Where{
		Facility: fac.Code, FacilityID: fac.ID, Zone: fac.Zone, Location: fac.Location, SensitiveUnits: fac.SensitiveUnits,
	}, w.pastOf(e, s, p))
	now.Sensitive = now.Sensitive || w.factsOf(e).Restricted(fac.SensitiveUnits)
	e.CheckAt = watch(&e.Known, &now, s)
	w.become(it, e, now, reopened)
}

// become makes a stay known otherwise, and announces the difference.
func (w *work) become(it *item, e *store.Encounter, now encounter.Known, reopened bool) {
	before := e.Known
	facts := encounter.Changes(&before, &now, reopened)
	if len(facts) == 0 {
		return
	}
	w.move(e, before.Patient, now.Patient)
	w.countState(e.Org, before.State, now.State)
	e.Known = now
	for _, f := range facts {
		w.announce = append(w.announce, caused(it, f, it.cmd.Fact.Occurred))
	}
}

// facility is that of a stay.
func (w *work) facility(it *item, e *store.Encounter) *adt.Facility {
	if it.in.Facility.ID != e.Facility {
		if f := w.facilities[e.Facility]; f != nil {
			return f
		}
	}
	return it.in.Facility
}

func (w *work) countState(org events.ID, was, is string) {
	switch {
	case was == is:
		return
	case was == "":
		w.count(org, "encounters", 1)
	default:
		w.count(org, "encounter:"+was, -1)
	}
	w.count(org, "encounter:"+is, 1)
}

// move keeps the stays by patient right.
func (w *work) move(e *store.Encounter, from, to events.ID) {
	if from == to {
		return
	}
	w.byPatient[from] = slices.DeleteFunc(w.byPatient[from], func(x *store.Encounter) bool { return x == e })
	if !slices.Contains(w.byPatient[to], e) {
		w.byPatient[to] = append(w.byPatient[to], e)
	}
}

func (w *work) touchEncounter(e *store.Encounter) {
	if e.Dirty = true; !w.touched[e.ID] {
		w.touched[e.ID] = true
		w.changes.Encounters = append(w.changes.Encounters, e)
	}
}

// whose is what of a patient is told with every stay.
func whose(r *identity.Record) encounter.Whose {
	dead, _ := r.Deceased()
	return encounter.Whose{
		Birth: r.BirthDate(), Sex: r.Value(identity.Sex), ZIP3: r.Value(identity.ZIP3), Language: r.Value(identity.Language),
		Payer: r.Value(identity.Payer), Deceased: dead, Sensitive: r.Protected(),
	}
}

// caused is an event that follows from a message.
func caused(it *item, f events.Fact, occurred time.Time) events.Event {
	return events.Event{Org: it.in.Feed.Org, Occurred: occurred, Received: it.in.Received, Cause: it.in.ID, Traceparent: traceparent(it.span), Fact: f}
}
