package admission

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// bedded: the classes of stays that are counted as admissions, and that count what came before.
func bedded(class string) bool {
	return class == encounter.Inpatient || class == encounter.Observation || class == encounter.Obstetrics
}

// pastOf relates a stay to the person's other stays: emergency visits and admissions in the twelve
// months before it, the emergency visit that led to it, the mother's stay of a newborn.
func (w *work) pastOf(e *store.Encounter, s encounter.Stay, p *store.Patient) (out encounter.Past) {
	if p == nil || s.AdmittedAt == nil {
		return out
	}
	out.Mother = w.motherOf(e, s, p)
	if !bedded(s.Class) {
		return out
	}
	at := *s.AdmittedAt
	half, year, days := at.AddDate(0, -6, 0), at.AddDate(-1, 0, 0), at.AddDate(0, 0, -60)
	var n struct{ ed, edYear, edDays, admissions int } // emergency visits in the 6 months, 12 months, 60 days before
	var led store.Past
	w.others(e, p.Person, func(v store.Past) {
		switch before := v.AdmittedAt.Before(at); {
		case v.ED && v.Facility == e.Facility && v.Class == encounter.Emergency && (v.VisitKey == s.Prior || leads(&v, at)):
			if led.Encounter.IsZero() || v.AdmittedAt.After(led.AdmittedAt) || v.AdmittedAt.Equal(led.AdmittedAt) && v.VisitKey > led.VisitKey {
				led = v
			}
		case v.ED && before && !v.AdmittedAt.Before(year) && !leads(&v, at):
			n.edYear++
			if !v.AdmittedAt.Before(half) {
				n.ed++
			}
			if !v.AdmittedAt.Before(days) {
				n.edDays++
			}
		}
		if bedded(v.Class) && v.AdmittedAt.Before(at) && !v.AdmittedAt.Before(year) {
			n.admissions++
		}
	})
	out.ED6m, out.ED12m, out.ED60d, out.Admissions12m, out.Episode = &n.ed, &n.edYear, &n.edDays, &n.admissions, led.Encounter
	return out
}

// leads: an emergency visit that ended in the admission at that time, or was not over then.
func leads(v *store.Past, at time.Time) bool {
	switch {
	case v.AdmittedAt.After(at.Add(time.Hour)):
		return false
	case v.DischargedAt != nil && v.Disposition == "09":
		return v.DischargedAt.After(at.Add(-24 * time.Hour))
	case v.DischargedAt == nil || !v.DischargedAt.Before(at):
		return v.AdmittedAt.After(at.Add(-24 * time.Hour))
	}
	return false
}

// others are the stays of a person beside one: those that are loaded as they are now, the rest as they
// are in the tables.
func (w *work) others(e *store.Encounter, person events.ID, visit func(store.Past)) {
	for i := range w.past[person] {
		if v := &w.past[person][i]; w.Encounters[v.Encounter] == nil {
			visit(*v)
		}
	}
	for _, q := range w.byPerson[person] {
		for _, x := range w.byPatient[q.ID] {
			if v, ok := pastOfLoaded(x); ok && x != e {
				visit(v)
			}
		}
	}
}

func pastOfLoaded(x *store.Encounter) (store.Past, bool) {
	k := &x.Known
	if k.AdmittedAt == nil || !encounter.Open(k.State) && k.State != encounter.Finished {
		return store.Past{}, false
	}
	return store.Past{
		Patient: k.Patient, Encounter: x.ID, Facility: x.Facility, VisitKey: x.VisitKey, State: k.State, Class: k.Class, ED: x.ED,
		AdmittedAt: *k.AdmittedAt, DischargedAt: k.DischargedAt, Disposition: k.Disposition,
	}, true
}

// motherOf is the stay of a newborn's mother: of the patient that PID-21 names, the newest that was
// open when the newborn was admitted. What is not loaded stays as it was told.
func (w *work) motherOf(e *store.Encounter, s encounter.Stay, p *store.Patient) (id events.ID) {
	if s.Mother.IsZero() || s.Class != encounter.Newborn {
		return id
	}
	mother := w.holder(s.Mother, e.Facility)
	if mother == nil || mother == p || !w.asked[asked{"stays", mother.ID}] && !mother.New {
		return e.Known.Mother
	}
	var newest *store.Encounter
	for _, x := range w.byPatient[w.root(mother).ID] {
		if v, ok := pastOfLoaded(x); ok && x != e && x.Facility == e.Facility && !v.AdmittedAt.After(*s.AdmittedAt) && (v.DischargedAt == nil || !v.DischargedAt.Before(*s.AdmittedAt)) &&
			(newest == nil || v.AdmittedAt.After(*newest.Known.AdmittedAt)) {
			newest = x
		}
	}
	if newest != nil {
		id = newest.ID
	}
	return id
}

// newborns looks again at the newborns of a mother whose stay is other than it was.
func (w *work) newborns(it *item, p *store.Patient) {
	for key, names := range w.named {
		for _, n := range names {
			if !n.Own || n.Patient != p.ID {
				continue
			}
			for _, child := range w.named[motherOf(key)] {
				if q := w.Patients[child.Patient]; q != nil {
					for _, x := range slices.Clone(w.byPatient[w.root(q).ID]) {
						w.retell(it, x)
					}
				}
			}
		}
	}
}

// stir notes that a stay counts otherwise than it did for stays of the same person that began later.
type stir struct {
	it   *item
	from time.Time
	by   events.ID // the stay, if it is one alone
	many bool
}

func (w *work) stir(it *item, person events.ID, from time.Time, by events.ID) {
	st, ok := w.stirred[person]
	if !ok || from.Before(st.from) {
		st.from = from
	}
	st.it, st.many = it, st.many || ok && st.by != by || by.IsZero()
	st.by = by
	w.stirred[person] = st
}

// stirs compares what a stay was and is to other stays of the person.
func (w *work) stirs(it *item, e *store.Encounter, before *encounter.Known, wasED bool) {
	now := &e.Known
	if !historical(before) && !historical(now) {
		return
	}
	if same(before.AdmittedAt, now.AdmittedAt) && same(before.DischargedAt, now.DischargedAt) && historical(before) == historical(now) &&
		before.Class == now.Class && before.Disposition == now.Disposition && before.Patient == now.Patient && wasED == e.ED {
		return
	}
	for _, k := range []*encounter.Known{before, now} {
		if p := w.Patients[k.Patient]; p != nil && historical(k) {
			w.stir(it, p.Person, *k.AdmittedAt, e.ID)
		}
	}
}

func historical(k *encounter.Known) bool {
	return k.AdmittedAt != nil && (encounter.Open(k.State) || k.State == encounter.Finished)
}

func same(a, b *time.Time) bool { return a == nil && b == nil || a != nil && b != nil && a.Equal(*b) }

// counts: a stay that began then counts one that began from on.
func counts(class string, admitted, from time.Time) bool {
	return bedded(class) && admitted.After(from.Add(-2*time.Hour)) && admitted.Before(from.AddDate(1, 0, 1))
}

// later are the stays that are not loaded and count what has changed.
func (w *work) later() (ids []events.ID) {
	for person, st := range w.stirred {
		for _, v := range w.past[person] {
			if w.Encounters[v.Encounter] == nil && (counts(v.Class, v.AdmittedAt, st.from) || st.from.IsZero() && bedded(v.Class)) {
				ids = append(ids, v.Encounter)
			}
		}
	}
	return ids
}

// settleLater looks again at every loaded stay that counts what has changed.
func (w *work) settleLater() {
	for person, st := range w.stirred {
		for _, q := range slices.Clone(w.byPerson[person]) {
			for _, x := range slices.Clone(w.byPatient[q.ID]) {
				if v, ok := pastOfLoaded(x); ok && (x.ID != st.by || st.many) && (counts(v.Class, v.AdmittedAt, st.from) || st.from.IsZero() && bedded(v.Class)) {
					w.retell(st.it, x)
				}
			}
		}
	}
}
