package admission

import (
	"bytes"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/alias"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// Every patient keeps what was said under its own names, also when it is retired: facts, demographics,
// identifiers. Whose a stay is, and what is known of the survivor, are computed from that and the
// statements about names, so that a merge is right whenever it comes, and can be taken back.

// The reasons of merges, as others are told.
const (
	reasonMerge   = "merge"
	reasonMove    = "move"
	reasonRename  = alias.Renamed
	reasonUnmerge = "unmerge"
)

// cluster are a patient and all others whose names any merge ever tied to its own, in the order of ids.
func (w *work) cluster(p *store.Patient) []*store.Patient {
	if p.Cluster.IsZero() {
		return []*store.Patient{p}
	}
	var out []*store.Patient
	for _, q := range w.Patients {
		if q.Cluster == p.Cluster {
			out = append(out, q)
		}
	}
	slices.SortFunc(out, func(a, b *store.Patient) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return out
}

// root is who a patient stands for now.
func (w *work) root(p *store.Patient) *store.Patient {
	if p.Cluster.IsZero() {
		return p
	}
	if r := w.Patients[w.names.Root(p.ID)]; r != nil {
		return r
	}
	return p
}

// record is what is known of a patient from all names that stand for it.
func (w *work) record(p *store.Patient) *identity.Record {
	if p.Cluster.IsZero() {
		return &p.Record
	}
	r := p.Record
	for _, q := range w.cluster(p) {
		if q != p && w.root(q) == p {
			r.Absorb(&q.Record)
		}
	}
	return &r
}

// effective keeps what is known of a survivor, for those who ask.
func (w *work) effective(p *store.Patient) {
	if !p.Cluster.IsZero() {
		p.Effective = w.record(p)
		w.touchPatient(p)
	}
}

// owner is whose stay it is: the patient that the newest statement names, or whoever that stands for.
func (w *work) owner(e *store.Encounter, facts encounter.Facts, newest events.ID) events.ID {
	switch {
	case newest.IsZero():
		newest = e.Known.Patient
	case !w.names.Empty():
		newest = facts.Owner(w.one)
	}
	return w.names.Root(newest)
}

// act does what a message says of names.
func (w *work) act(it *item, a *adt.Act, p *store.Patient, place int) {
	switch a.Kind {
	case adt.MergePatients:
		w.merge(it, a, p, reasonMerge, place)
	case adt.MovePatient:
		w.merge(it, a, p, reasonMove, place)
	case adt.RenamePatient:
		w.merge(it, a, p, reasonRename, place)
	case adt.JoinVisits, adt.RenameVisit:
		w.joinVisits(it, a, p, place)
	case adt.MoveAccount:
		w.moveAccount(it, a, p, place)
	case adt.LinkPatients:
		if q := w.holder(a.From.Key, p.Facility); q != nil {
			w.stated(it, p, q, store.Linked)
			w.unite(it, w.root(p), w.root(q), "linked")
		}
	case adt.UnlinkPatients:
		if q := w.holder(a.From.Key, p.Facility); q != nil {
			w.stated(it, p, q, store.Unlinked)
			w.divide(it, w.root(p), w.root(q), "unlinked")
		}
	case adt.DeletePerson:
		w.deletePerson(it, p)
	}
}

// stated notes what a hospital says of two patients, by the names it used; of all that was said of
// whom they stand for, the newest word counts.
func (w *work) stated(it *item, p, q *store.Patient, what string) {
	if p != q {
		w.regroupLater(p, q)
		w.changes.Stated = append(w.changes.Stated, store.Stated{Org: p.Org, A: p.ID, B: q.ID, What: what, At: time.UnixMicro(identity.Stamp(it.cmd.Fact.Recorded, it.cmd.Fact.Control)).UTC()})
	}
}

// rename gives a known patient another identifier before anybody new is made of it. The old one stays
// a name of the patient. If both are known patients, it is a merge.
func (w *work) rename(it *item) {
	for i := range it.cmd.Acts {
		a := &it.cmd.Acts[i]
		if a.Kind != adt.RenamePatient {
			continue
		}
		from, to := w.holder(a.From.Key, it.in.Facility.ID), w.holder(a.To.Key, it.in.Facility.ID)
		if from != nil && to == nil {
			w.identify(it, from, a.To, true)
		} else if to != nil && from == nil {
			w.identify(it, to, a.From, true)
		}
	}
}

// merge makes one name stand for another. A name that was never heard of is kept for when it is.
func (w *work) merge(it *item, a *adt.Act, p *store.Patient, reason string, place int) {
	to, from := w.holder(a.To.Key, p.Facility), w.holder(a.From.Key, p.Facility)
	if to == nil {
		to = p
	}
	if from == nil && reason == reasonRename {
		w.identify(it, to, a.From, true)
		return
	}
	if from == nil {
		from = w.newPatient(it)
		w.identify(it, from, a.From, true)
	}
	if from == to {
		return
	}
	f := &it.cmd.Fact
	w.state(it, from, to, alias.Statement{
		From: from.ID, To: to.ID, Message: it.in.ID, Org: from.Org, Recorded: f.Recorded, Sent: f.Sent, Control: f.Control, Hash: f.Hash, Place: place, Reason: reason,
	})
}

// standing is who stands for whom in a cluster, and what others were told of them.
type standing struct {
	root map[*store.Patient]*store.Patient
	told map[*store.Patient]events.Patient
}

func (w *work) standing(list []*store.Patient) standing {
	s := standing{map[*store.Patient]*store.Patient{}, map[*store.Patient]events.Patient{}}
	for _, p := range list {
		s.root[p], s.told[p] = w.root(p), w.told(p)
	}
	return s
}

// state takes in a statement about a patient's name, and carries what it changes to patients and stays.
func (w *work) state(it *item, from, to *store.Patient, st alias.Statement) {
	if !w.names.Add(st) {
		return
	}
	w.changes.Aliases = append(w.changes.Aliases, st)
	list := w.cluster(from)
	if to != nil && to.Cluster != from.Cluster || to != nil && to.Cluster.IsZero() {
		list = append(list, w.cluster(to)...)
	}
	was := w.standingBefore(list, st)
	w.oneCluster(list)
	changed := map[*store.Patient]bool{} // whose stays may be somebody else's now
	for _, p := range list {
		if r := w.root(p); r != was.root[p] {
			changed[r], changed[was.root[p]], changed[p] = true, true, true
		}
	}
	for _, p := range list {
		r := w.root(p)
		if p.Into = (events.ID{}); r != p {
			p.Into = r.ID
		}
		if changed[p] && r == p {
			w.effective(p)
		}
	}
	w.tellNames(it, list, was, st.Reason)
	w.refoldAll(it, w.everOf(list...)) // also where all stand for whom they did: since when may be another time
}

// standingBefore is the standing without a statement that was just added.
func (w *work) standingBefore(list []*store.Patient, st alias.Statement) standing {
	now := w.names
	w.names = w.names.Without(st)
	defer func() { w.names = now }()
	return w.standing(list)
}

func (w *work) oneCluster(list []*store.Patient) {
	id := list[0].ID
	for _, p := range list {
		if c := p.Cluster; !c.IsZero() {
			id = c
			break
		}
	}
	for _, p := range list {
		if p.Cluster, p.Joined = id, true; true {
			w.touchPatient(p)
		}
	}
}

// tellNames announces who is retired or stands for itself again, and what is new about a survivor.
func (w *work) tellNames(it *item, list []*store.Patient, was standing, reason string) {
	say := func(f events.Fact) { w.announce = append(w.announce, caused(it, f, it.cmd.Fact.Recorded)) }
	for _, p := range list {
		r := w.root(p)
		switch {
		case r == was.root[p]:
		case r == p:
			if reason == reasonUnmerge {
				w.divide(it, p, was.root[p], reason)
			}
			say(events.PatientUnmerged{Patient: w.told(p), Survivor: was.root[p].ID, Reason: reason})
		default:
			w.unite(it, r, p, reason)
			why := w.names.Reason(p.ID)
			if why == "" {
				why = reason
			}
			say(events.PatientMerged{Patient: w.told(r), Retired: p.ID, Reason: why})
		}
	}
	for _, p := range list {
		is, told := w.told(p), was.told[p]
		told.Person = is.Person // told as a link
		if w.root(p) == p && was.root[p] == p && !samePatient(told, is) {
			say(events.PatientUpdated{Patient: is})
		}
	}
}

// divide parts two patients who were one person. Whoever gave the group its id keeps it.
func (w *work) divide(it *item, p, q *store.Patient, reason string) {
	if p.Person != q.Person || p == q {
		return
	}
	w.regroupLater(p, q)
	if p.Person == p.ID {
		p, q = q, p
	}
	old := p.Person
	for _, x := range w.cluster(p) {
		if w.root(x) != p {
			continue
		}
		x.Person, x.Moved = p.ID, true
		w.touchPatient(x)
		w.byPerson[old] = slices.DeleteFunc(w.byPerson[old], func(y *store.Patient) bool { return y == x })
		w.byPerson[p.ID] = append(w.byPerson[p.ID], x)
		for _, v := range w.past[old] {
			if v.Patient == x.ID {
				w.past[p.ID] = append(w.past[p.ID], v)
			}
		}
		w.past[old] = slices.DeleteFunc(w.past[old], func(v store.Past) bool { return v.Patient == x.ID })
	}
	delete(w.regroup, p.ID) // linked and parted in one batch: whoever was of its group stays with it
	w.stir(it, old, time.Time{}, events.ID{})
	w.stir(it, p.ID, time.Time{}, events.ID{})
	w.announce = append(w.announce, caused(it, events.PatientUnlinked{Patient: w.told(p), Other: q.ID, Reason: reason}, it.cmd.Fact.Recorded))
}

// noteFormer keeps with each name under which something was said of a stay that the stay is another's.
func (w *work) noteFormer(e *store.Encounter, facts encounter.Facts, owner events.ID) {
	for i := range facts {
		id := facts[i].Patient
		if id == owner || id.IsZero() || w.names.Root(id) == owner {
			continue
		}
		if p := w.Patients[id]; p != nil && !slices.Contains(p.Former, e.ID) {
			p.Former, p.Joined = append(p.Former, e.ID), true
			w.touchPatient(p)
		}
	}
}

// everOf are the stays of patients, and those that something was said of under one of their names.
func (w *work) everOf(of ...*store.Patient) []*store.Encounter {
	var list []*store.Encounter
	seen := map[*store.Encounter]bool{}
	add := func(e *store.Encounter) {
		if e != nil && !seen[e] {
			seen[e] = true
			list = append(list, e)
		}
	}
	for _, p := range of {
		for _, q := range w.cluster(p) {
			for _, e := range w.byPatient[q.ID] {
				add(e)
			}
			for _, id := range q.Former {
				add(w.Encounters[id])
			}
		}
	}
	return list
}

// deletePerson voids what was written down about the patient's stays until now.
func (w *work) deletePerson(it *item, p *store.Patient) {
	f := it.cmd.Fact
	f.Kind, f.Message, f.Patient, f.Values, f.Place, f.Diagnoses = encounter.DeleteOwner, it.in.ID, p.ID, encounter.Values{}, encounter.Place{}, nil
	p.Delete(f)
	w.touchPatient(p)
	w.refoldAll(it, w.everOf(p))
}
