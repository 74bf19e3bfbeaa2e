package admission

import (
	"bytes"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
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

// work is one batch being decided: what was loaded, changed message by message in memory.
type work struct {
	*store.Loaded
	named     map[events.ID][]store.Named
	byVisit   map[store.Visit]*store.Encounter
	byPatient map[events.ID][]*store.Encounter
	ed        []store.EDVisit    // emergency visits that are not loaded
	edStays   []*store.Encounter // those that are

	changes  store.Changes
	announce []events.Event
	notices  []events.Event // quarantined messages, to be told once per reason and feed
	regroup  map[events.ID]events.ID
	touched  map[events.ID]bool // patients and stays in changes
}

func newWork(l *store.Loaded) *work {
	w := &work{
		Loaded: l, named: map[events.ID][]store.Named{}, byVisit: map[store.Visit]*store.Encounter{},
		byPatient: map[events.ID][]*store.Encounter{}, regroup: map[events.ID]events.ID{}, touched: map[events.ID]bool{},
	}
	w.changes.Counts = map[store.Count]int64{}
	for _, n := range l.Named {
		w.named[n.Key] = append(w.named[n.Key], n)
	}
	return w
}

// index makes stays findable once they are all loaded.
func (w *work) index() {
	for _, e := range w.Encounters {
		w.byVisit[store.Visit{Facility: e.Facility, Key: e.VisitKey}] = e
		w.byPatient[e.Known.Patient] = append(w.byPatient[e.Known.Patient], e)
		if e.ED {
			w.edStays = append(w.edStays, e)
		}
	}
	for _, list := range w.byPatient {
		slices.SortFunc(list, func(a, b *store.Encounter) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	}
}

// wanted is what a batch touches, as far as the messages alone say.
func wanted(items []*item) store.Wanted {
	var w store.Wanted
	for _, it := range items {
		w.Messages = append(w.Messages, it.in.ID)
		if it.verdict.State != "" {
			continue
		}
		for _, id := range it.cmd.Identifiers {
			w.Identifiers = append(w.Identifiers, id.Key)
		}
		if it.cmd.Kind != 0 && it.cmd.Visit.Key != "" {
			w.Visits = append(w.Visits, store.Visit{Facility: it.in.Facility.ID, Key: it.cmd.Visit.Key})
		}
	}
	return w
}

// more is what a second look needs: the stays of patients whose message names no visit, or whose
// demographics change; the emergency visits of everyone who may be admitted.
func (w *work) more(items []*item) store.More {
	var m store.More
	all := map[events.ID]bool{}
	persons := map[events.ID]bool{}
	for _, it := range items {
		if it.verdict.State != "" || !w.Mine[it.in.ID] {
			continue
		}
		p := w.find(it)
		if p == nil {
			continue
		}
		after := p.Record
		after.Merge(&it.cmd.Person)
		before := p.Record
		if !all[p.ID] && (it.cmd.Kind != 0 && it.cmd.Visit.Key == "" || whose(&after) != whose(&before)) {
			all[p.ID] = true
			m.Patients = append(m.Patients, p.ID)
		}
		if it.cmd.Kind != 0 && !persons[p.Person] {
			persons[p.Person] = true
			m.Persons = append(m.Persons, p.Person)
		}
	}
	// Somebody new may be linked to somebody known.
	for _, p := range w.Patients {
		if !persons[p.Person] {
			persons[p.Person] = true
			m.Persons = append(m.Persons, p.Person)
		}
	}
	return m
}

// decide applies one message to what is in memory.
func (w *work) decide(it *item) {
	in := it.in
	if it.verdict.State != "" {
		w.setAside(it)
		return
	}
	w.count(in.Feed.Org, adt.Applied, 1)
	p := w.patient(it)
	visible := w.demographics(it, p)
	if it.cmd.Kind != 0 {
		w.fact(it, p)
	}
	if visible {
		for _, e := range w.byPatient[p.ID] {
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
	facts, fresh := e.Facts.Add(f)
	if !fresh {
		return
	}
	e.Facts = facts
	e.Added = append(e.Added, f)
	w.count(e.Org, "facts", 1)
	w.refold(it, e)
}

// refold computes a stay from its facts and announces the difference to what was known.
func (w *work) refold(it *item, e *store.Encounter) {
	s := e.Facts.Fold()
	if s.Patient.IsZero() {
		s.Patient = e.Known.Patient
	}
	reopened := s.Reopened && !e.Reopened
	if s.ED && !e.ED {
		w.edStays = append(w.edStays, e)
	}
	e.PlannedAt, e.ED, e.Reopened = s.PlannedAt, s.ED, s.Reopened
	w.tell(it, e, s, reopened)
}

// retell looks again at a stay of a patient whose demographics changed.
func (w *work) retell(it *item, e *store.Encounter) {
	if e.Known.State == encounter.Cancelled || e.Known.State == encounter.EnteredInError {
		return
	}
	w.tell(it, e, e.Facts.Fold(), false)
}

func (w *work) tell(it *item, e *store.Encounter, s encounter.Stay, reopened bool) {
	p := w.Patients[s.Patient]
	who := encounter.Whose{}
	if p != nil {
		who = whose(&p.Record)
	}
	fac := it.in.Facility
	now := encounter.Know(e.ID, s, who, encounter.Where{
		Facility: fac.Code, FacilityID: fac.ID, Zone: fac.Zone, Location: fac.Location, SensitiveUnits: fac.SensitiveUnits,
	}, encounter.Past{ED6m: w.priorED(e, s, p)})
	if e.Known.Sensitive && e.Known.Patient == now.Patient {
		now.Sensitive = true // restricted from the start, and to the end
	}
	before := e.Known
	facts := encounter.Changes(&before, &now, reopened)
	w.touchEncounter(e)
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
	w.byPatient[to] = append(w.byPatient[to], e)
}

func (w *work) touchEncounter(e *store.Encounter) {
	if e.Dirty = true; !w.touched[e.ID] {
		w.touched[e.ID] = true
		w.changes.Encounters = append(w.changes.Encounters, e)
	}
}

// stay finds the stay a message is about, or begins one (contract.md, "Visit key").
func (w *work) stay(it *item, p *store.Patient) *store.Encounter {
	fac, c := it.in.Facility, it.cmd
	key := c.Visit.Key
	if key == "" {
		if e := w.stayOf(it, p); e != nil {
			return e
		}
		key = "MR:" + p.ID.String() + "@"
		if at := c.Fact.Values.AdmitAt; at != nil {
			key += at.UTC().Format(time.RFC3339)
		} else {
			key += c.Fact.Occurred.In(c.Location).Format(time.DateOnly)
		}
	}
	ref := store.Visit{Facility: fac.ID, Key: key}
	if e := w.byVisit[ref]; e != nil {
		return e
	}
	e := &store.Encounter{ID: events.NewID(), Org: fac.Org, Facility: fac.ID, VisitKey: key, Visit: c.Visit.Number, New: true}
	w.byVisit[ref], w.Encounters[e.ID] = e, e
	w.byPatient[p.ID] = append(w.byPatient[p.ID], e)
	e.Known.Patient = p.ID
	return e
}

// stayOf finds the stay of a message that names none and has no admission time: the patient's planned
// stay for what is pending, else the one that was open at the event's time.
func (w *work) stayOf(it *item, p *store.Patient) *store.Encounter {
	c := it.cmd
	if c.Fact.Values.AdmitAt != nil {
		return nil // its key is the admission time
	}
	var found *store.Encounter
	for _, e := range w.byPatient[p.ID] {
		k := &e.Known
		if e.Facility != it.in.Facility.ID {
			continue
		}
		if c.Kind.Pending() {
			if k.State == encounter.Planned {
				found = e
			}
			continue
		}
		if (encounter.Open(k.State) || k.State == encounter.Finished) && during(k, c.Fact.Occurred) &&
			(found == nil || found.Known.AdmittedAt == nil || k.AdmittedAt != nil && !k.AdmittedAt.Before(*found.Known.AdmittedAt)) {
			found = e
		}
	}
	return found
}

// during: the stay was open at t.
func during(k *encounter.Known, t time.Time) bool {
	return (k.AdmittedAt == nil || !k.AdmittedAt.After(t)) && (k.DischargedAt == nil || !k.DischargedAt.Before(t))
}

// priorED counts the person's emergency visits in the six months before an admission, without its own.
func (w *work) priorED(e *store.Encounter, s encounter.Stay, p *store.Patient) *int {
	switch s.Class {
	case encounter.Inpatient, encounter.Observation, encounter.Obstetrics:
	default:
		return nil
	}
	if s.AdmittedAt == nil || p == nil {
		return nil
	}
	from, to, n := s.AdmittedAt.AddDate(0, -6, 0), *s.AdmittedAt, 0
	count := func(id events.ID, admitted time.Time, discharged *time.Time, disposition string) {
		led := disposition == "09" && discharged != nil && discharged.After(to.Add(-24*time.Hour)) || discharged == nil && admitted.After(to.Add(-24*time.Hour))
		if id != e.ID && !admitted.Before(from) && admitted.Before(to) && !led {
			n++
		}
	}
	for _, v := range w.ed {
		if v.Person == p.Person && w.Encounters[v.Encounter] == nil { // else it may have changed since
			count(v.Encounter, v.AdmittedAt, v.DischargedAt, v.Disposition)
		}
	}
	for _, x := range w.edStays {
		q := w.Patients[x.Known.Patient]
		if x.ED && q != nil && q.Person == p.Person && x.Known.AdmittedAt != nil && (encounter.Open(x.Known.State) || x.Known.State == encounter.Finished) {
			count(x.ID, *x.Known.AdmittedAt, x.Known.DischargedAt, x.Known.Disposition)
		}
	}
	return &n
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
