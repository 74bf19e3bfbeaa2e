package admission

import (
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

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
	return w.newStay(fac, key, c.Visit.Number, p)
}

// newStay makes a row for a visit key that nothing was said of before.
func (w *work) newStay(fac *adt.Facility, key, number string, p *store.Patient) *store.Encounter {
	e := &store.Encounter{ID: events.NewID(), Org: fac.Org, Facility: fac.ID, VisitKey: key, Visit: number, New: true}
	r := w.root(p)
	w.byVisit[store.Visit{Facility: fac.ID, Key: key}], w.Encounters[e.ID] = e, e
	w.byPatient[r.ID] = append(w.byPatient[r.ID], e)
	e.Known.Patient, w.indexed[e.ID] = r.ID, true
	w.touchEncounter(e)
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
	for _, e := range w.byPatient[w.root(p).ID] {
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
