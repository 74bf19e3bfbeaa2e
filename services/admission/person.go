package admission

import (
	"bytes"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// find is the facility's patient that a message's identifiers name, or nil.
func (w *work) find(it *item) *store.Patient {
	for _, id := range identity.Primary(it.cmd.Identifiers) {
		for _, n := range w.named[id.Key] {
			if n.Own && n.Facility == it.in.Facility.ID {
				return w.Patients[n.Patient]
			}
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
		id := events.NewID()
		p = &store.Patient{ID: id, Org: it.in.Feed.Org, Facility: it.in.Facility.ID, Person: id, New: true}
		w.Patients[id] = p
		w.changes.Patients = append(w.changes.Patients, p)
		w.touched[id] = true
		w.count(p.Org, "patients", 1)
	}
	primary := identity.Primary(it.cmd.Identifiers)
	for _, id := range it.cmd.Identifiers {
		w.identify(it, p, id, contains(primary, id))
	}
	if fresh {
		p.Merge(&it.cmd.Person)
		w.announce = append(w.announce, caused(it, events.PatientRegistered{Patient: told(p)}, it.cmd.Fact.Recorded))
	}
	for _, id := range it.cmd.Identifiers {
		if id.Links() {
			w.link(it, p, id)
		}
	}
	return p
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
		moved := []*store.Patient{}
		for _, x := range w.Patients {
			if x.Person == drop {
				x.Person, x.Moved = keep, true
				w.touchPatient(x)
				moved = append(moved, x)
			}
		}
		w.count(p.Org, "links", 1)
		for _, x := range moved {
			other := q
			if x == q {
				other = p
			}
			w.announce = append(w.announce, caused(it, events.PatientLinked{Patient: told(x), Other: other.ID, Reason: "identifier"}, it.cmd.Fact.Recorded))
		}
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
	before, was := whose(&p.Record), told(p)
	stamped, changed := p.Merge(&it.cmd.Person)
	if !stamped {
		return false
	}
	p.Stamped, p.Changed = true, p.Changed || changed
	w.touchPatient(p)
	is := told(p)
	if !samePatient(was, is) {
		w.announce = append(w.announce, caused(it, events.PatientUpdated{Patient: is}, it.cmd.Fact.Recorded))
	}
	return whose(&p.Record) != before
}

// told is what others are told of a patient.
func told(p *store.Patient) events.Patient {
	dead, at := p.Deceased()
	out := events.Patient{
		ID: p.ID, FacilityID: p.Facility, Sex: p.Value(identity.Sex), Language: p.Value(identity.Language),
		Deceased: dead, DeceasedAt: at, Sensitive: p.Protected(), Person: p.Person,
	}
	if b := p.BirthDate(); !b.IsZero() {
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
