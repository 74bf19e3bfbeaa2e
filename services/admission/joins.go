package admission

import (
	"bytes"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/alias"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// Every visit key has a row of its own with what was said under it. Rows whose keys stand for one
// another are one stay, which others know by one of them: its home. A stay that gets another number
// keeps its id; of two stays that are joined, the surviving one's is kept and the other is told as
// entered in error.

// joinVisits makes one visit key stand for another.
func (w *work) joinVisits(it *item, a *adt.Act, p *store.Patient, place int) {
	from, to := w.row(it, p, a.FromVisit), w.row(it, p, a.ToVisit)
	f := &it.cmd.Fact
	st := alias.Statement{
		From: from.ID, To: to.ID, Message: it.in.ID, Org: from.Org, Recorded: f.Recorded, Sent: f.Sent, Control: f.Control, Hash: f.Hash, Place: place, Reason: reasonMerge,
	}
	if a.Kind == adt.RenameVisit {
		st.Reason = reasonRename
	}
	if !w.names.Add(st) {
		return
	}
	w.changes.Aliases = append(w.changes.Aliases, st)
	list := append(w.tied(from), w.tied(to)...)
	id := list[0].ID
	for _, e := range list {
		if !e.Cluster.IsZero() {
			id = e.Cluster
			break
		}
	}
	for _, e := range list {
		e.Cluster, e.Joined = id, true
		w.touchEncounter(e)
	}
	w.refoldAll(it, list)
	w.refoldAll(it, w.movedWith(list))
}

// row is the row of a visit key.
func (w *work) row(it *item, p *store.Patient, v adt.Visit) *store.Encounter {
	if e := w.byVisit[store.Visit{Facility: it.in.Facility.ID, Key: v.Key}]; e != nil {
		return e
	}
	return w.newStay(it.in.Facility, v.Key, v.Number, p)
}

// refoldAll looks at each stay once that the rows of a cluster make up now. A stay that ceases to be
// one goes first.
func (w *work) refoldAll(it *item, list []*store.Encounter) {
	done := map[*store.Encounter]bool{}
	for _, e := range list {
		if h := w.home(e); !done[h] {
			done[h] = true
			w.refold(it, h)
		}
	}
}

// tied are all rows that any statement ever tied to one, in the order of ids.
func (w *work) tied(e *store.Encounter) []*store.Encounter {
	if e.Cluster.IsZero() {
		return []*store.Encounter{e}
	}
	var out []*store.Encounter
	for _, x := range w.Encounters {
		if x.Cluster == e.Cluster {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *store.Encounter) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return out
}

// rows are those that make up one stay.
func (w *work) rows(e *store.Encounter) []*store.Encounter {
	list := w.tied(e)
	if len(list) < 2 {
		return list
	}
	root := w.names.Root(e.ID)
	return slices.DeleteFunc(list, func(x *store.Encounter) bool { return w.names.Root(x.ID) != root })
}

// home is the row by which others know the stay: the one whose number counts, if they know it;
// else the first that they know.
func (w *work) home(e *store.Encounter) *store.Encounter {
	if e.Cluster.IsZero() {
		return e
	}
	rows, root := w.rows(e), w.Encounters[w.names.Root(e.ID)]
	for _, fits := range []func(*store.Encounter) bool{
		func(x *store.Encounter) bool { return x == root && known(x) && x.Into.IsZero() },
		func(x *store.Encounter) bool { return known(x) && x.Into.IsZero() },
		known,
	} {
		if i := slices.IndexFunc(rows, fits); i >= 0 {
			return rows[i]
		}
	}
	return root
}

func known(e *store.Encounter) bool { return e.Known.FoldVersion > 0 }

// gatherParts makes the home of a stay its only row that others know, with the number that counts.
func (w *work) gatherParts(it *item, e *store.Encounter) *store.Encounter {
	if e.Cluster.IsZero() {
		return e
	}
	h, named := w.home(e), w.Encounters[w.names.Name(e.ID)]
	for _, x := range w.rows(e) {
		into := h.ID
		if x == h {
			into = events.ID{}
		}
		if x.Into != into {
			x.Into, x.Joined = into, true
			w.touchEncounter(x)
		}
		if x != h && known(x) && x.Known.State != encounter.EnteredInError {
			w.retire(it, x)
		}
	}
	number := named.VisitKey[min(3, len(named.VisitKey)):]
	if h.Visit != number {
		h.Visit, h.Joined = number, true
		w.touchEncounter(h)
	}
	return h
}

// retire tells that a stay is none of its own any more.
func (w *work) retire(it *item, e *store.Encounter) {
	before, wasED := e.Known, e.ED
	now := e.Known
	now.State, now.HangingSince, now.HangingRule = encounter.EnteredInError, nil, ""
	e.CheckAt, e.ED = nil, false
	w.become(it, e, now, false)
	w.stirs(it, e, &before, wasED)
}

// factsOf are the facts of a stay, whatever row they were said under, and whatever name of a patient. A
// deletion of a patient does not reach what stood for somebody else by then.
func (w *work) factsOf(e *store.Encounter) encounter.Facts {
	if w.names.Empty() && !w.moving {
		return e.Facts
	}
	rows := slices.Clone(w.rows(e))
	slices.SortFunc(rows, func(a, b *store.Encounter) int { return strings.Compare(a.VisitKey, b.VisitKey) })
	var facts encounter.Facts
	for _, x := range rows {
		for _, f := range x.Facts {
			f.Patient, f.Values.From = w.names.First(f.Patient), w.names.First(f.Values.From)
			if f.Kind != encounter.DeleteOwner || w.names.RootAt(f.Patient, f.Recorded) == f.Patient {
				facts, _ = facts.Add(f)
			}
		}
	}
	return w.moved(e, rows, facts)
}

// inheritDeletions adds to a stay the deletions of every patient that something said of it named.
func (w *work) inheritDeletions(e *store.Encounter) {
	var last events.ID
	var room [8]events.ID
	for _, x := range w.rows(e) {
		named := room[:0] // before anything is added to the facts
		for i := range x.Facts {
			if id := x.Facts[i].Patient; id != last {
				named, last = append(named, id), id
			}
		}
		for _, id := range named {
			if p := w.Patients[id]; p != nil {
				w.inherit(e, p)
			}
		}
	}
}

// inherit adds to a stay the deletions of one patient by any name that always was the patient's.
func (w *work) inherit(e *store.Encounter, p *store.Patient) {
	for _, q := range w.cluster(p) {
		if q == p || w.names.First(q.ID) == w.names.First(p.ID) {
			for _, d := range q.Deletions() {
				w.add(e, d)
			}
		}
	}
}
