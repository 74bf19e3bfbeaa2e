package admission

import (
	"bytes"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/linkage"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// find is the facility's patient that a message's identifiers name, or nil.
func (w *work) find(it *item) *store.Patient {
	for _, id := range identity.Primary(it.cmd.Identifiers) {
		if p := w.holder(id.Key, it.in.Facility.ID); p != nil {
			return p
		}
	}
	return nil
}

// holder is the facility's patient that an identifier names, retired or not.
func (w *work) holder(key, facility events.ID) *store.Patient {
	for _, n := range w.named[key] {
		if n.Own && n.Facility == facility {
			return w.Patients[n.Patient]
		}
	}
	return nil
}

// patient is the message's patient: found, or registered; with identifiers that are new added, and
// linked to whoever shares one.
func (w *work) patient(it *item) *store.Patient {
	p := w.find(it)
	fresh := p == nil
	if fresh {
		p = w.newPatient(it)
	}
	primary := identity.Primary(it.cmd.Identifiers)
	for _, id := range it.cmd.Identifiers {
		w.identify(it, p, id, contains(primary, id))
	}
	if fresh {
		p.Merge(&it.cmd.Person)
		w.announce = append(w.announce, caused(it, events.PatientRegistered{Patient: w.told(p)}, it.cmd.Fact.Recorded))
	}
	for _, id := range it.cmd.Identifiers {
		if id.Links() {
			w.link(it, p, id)
		}
	}
	w.motherKey(it, p)
	return p
}

// newPatient makes a patient that is not told of yet.
func (w *work) newPatient(it *item) *store.Patient {
	id := events.NewID()
	p := &store.Patient{ID: id, Org: it.in.Feed.Org, Facility: it.in.Facility.ID, Person: id, New: true}
	w.Patients[id] = p
	w.byPerson[id] = append(w.byPerson[id], p)
	w.indexed[id] = true
	w.touchPatient(p)
	w.count(p.Org, "patients", 1)
	return p
}

// motherKey makes a newborn findable by the mother's identifier.
func (w *work) motherKey(it *item, p *store.Patient) {
	mother := it.cmd.Fact.Values.Mother
	if mother.IsZero() || it.cmd.Fact.Values.Class != encounter.Newborn {
		return
	}
	key := motherOf(mother)
	for _, n := range w.named[key] {
		if n.Patient == p.ID {
			return
		}
	}
	w.named[key] = append(w.named[key], store.Named{Key: key, Patient: p.ID, Facility: p.Facility})
	w.changes.Identifiers = append(w.changes.Identifiers, store.NewIdentifier{Identifier: identity.Identifier{Key: key, Kind: "mother"}, Patient: p.ID, Org: p.Org, Facility: p.Facility})
}

func contains(list []identity.Identifier, id identity.Identifier) bool {
	for _, x := range list {
		if x.Key == id.Key {
			return true
		}
	}
	return false
}

// identify adds an identifier to a patient, as a name of its own unless another patient of the
// facility has it.
func (w *work) identify(it *item, p *store.Patient, id identity.Identifier, primary bool) {
	taken := false
	for _, n := range w.named[id.Key] {
		if n.Patient == p.ID {
			return
		}
		taken = taken || n.Own && n.Facility == p.Facility
	}
	own := primary && !taken
	w.named[id.Key] = append(w.named[id.Key], store.Named{Key: id.Key, Patient: p.ID, Facility: p.Facility, Own: own})
	w.changes.Identifiers = append(w.changes.Identifiers, store.NewIdentifier{Identifier: id, Patient: p.ID, Org: p.Org, Facility: p.Facility, Own: own})
}

// link makes one person of all patients who share an identifier. The group keeps the oldest id.
func (w *work) link(it *item, p *store.Patient, id identity.Identifier) {
	for _, n := range w.named[id.Key] {
		q := w.Patients[n.Patient]
		if q == nil || q == p || q.Person == p.Person {
			continue
		}
		if a, b := linkage.Read(w.record(p)), linkage.Read(w.record(q)); linkage.Contradicts(&a, &b) {
			continue // the linker has somebody look at them
		}
		w.unite(it, p, q, "identifier")
	}
}

// regroupLater has the linker see to it that persons follow from all links there are: that nobody
// comes together who was said to be two, nor stays apart from others for being parted from one.
func (w *work) regroupLater(list ...*store.Patient) {
	for _, p := range list {
		p.Compare = true
		w.touchPatient(p)
	}
}

// unite makes one person of two patients and all who are linked with either.
func (w *work) unite(it *item, p, q *store.Patient, reason string) {
	if p.Person == q.Person {
		return
	}
	w.regroupLater(p, q)
	if (p.Apart || q.Apart) && w.root(p) != w.root(q) {
		return
	}
	keep, drop := q.Person, p.Person
	if bytes.Compare(keep[:], drop[:]) > 0 {
		keep, drop = drop, keep
	}
	if !p.New || drop != p.ID { // somebody new has no group yet
		w.regroup[drop] = keep
	}
	for old, to := range w.regroup {
		if to == drop {
			w.regroup[old] = keep
		}
	}
	moved := w.byPerson[drop]
	for _, x := range moved {
		x.Person, x.Moved = keep, true
		w.touchPatient(x)
	}
	w.byPerson[keep] = append(w.byPerson[keep], moved...)
	w.past[keep] = append(w.past[keep], w.past[drop]...)
	delete(w.byPerson, drop)
	delete(w.past, drop)
	w.stir(it, keep, time.Time{}, events.ID{})
	w.count(p.Org, "links", 1)
	for _, x := range moved {
		other := q
		if x == q {
			other = p
		}
		w.announce = append(w.announce, caused(it, events.PatientLinked{Patient: w.told(x), Other: other.ID, Reason: reason}, it.cmd.Fact.Recorded))
	}
}

func (w *work) touchPatient(p *store.Patient) {
	if !w.touched[p.ID] {
		w.touched[p.ID] = true
		w.changes.Patients = append(w.changes.Patients, p)
	}
}

// demographics takes a message's statement in, and reports whether what others are told changed.
func (w *work) demographics(it *item, p *store.Patient) (visible bool) {
	r := w.root(p)
	before, was := whose(w.record(r)), w.told(r)
	stamped, changed := p.Merge(&it.cmd.Person)
	if !stamped {
		return false
	}
	p.Stamped, p.Changed = true, p.Changed || changed
	w.touchPatient(p)
	w.effective(r)
	is := w.told(r)
	if !samePatient(was, is) {
		w.announce = append(w.announce, caused(it, events.PatientUpdated{Patient: is}, it.cmd.Fact.Recorded))
	}
	return whose(w.record(r)) != before
}

// told is what others are told of a patient.
func (w *work) told(p *store.Patient) events.Patient { return tellPatient(p, w.record(p)) }

func tellPatient(p *store.Patient, r *identity.Record) events.Patient {
	dead, at := r.Deceased()
	out := events.Patient{
		ID: p.ID, FacilityID: p.Facility, Sex: r.Value(identity.Sex), Language: r.Value(identity.Language),
		Deceased: dead, DeceasedAt: at, Sensitive: r.Protected(), Person: p.Person,
	}
	if b := r.BirthDate(); !b.IsZero() {
		out.BirthYear = b.Year()
	}
	return out
}

func samePatient(a, b events.Patient) bool {
	if (a.DeceasedAt == nil) != (b.DeceasedAt == nil) || a.DeceasedAt != nil && !a.DeceasedAt.Equal(*b.DeceasedAt) {
		return false
	}
	a.DeceasedAt, b.DeceasedAt = nil, nil
	return a == b
}
