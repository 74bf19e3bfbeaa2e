package discharge

import (
	"maps"
	"slices"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
)

// deaths is who says that a patient died: each stay by its disposition, and the
// demographics. A patient is dead while any of them says so, so that the correction
// of one word leaves the others standing, in whatever order they come.
type deaths struct {
	said  map[events.ID]map[events.ID]store.Death // by patient, then source
	dirty map[[2]events.ID]bool
	cause map[events.ID]events.Event // the last event that changed a patient's lot
}

func newDeaths(rows []store.Death) *deaths {
	d := &deaths{
		said:  make(map[events.ID]map[events.ID]store.Death),
		dirty: make(map[[2]events.ID]bool), cause: make(map[events.ID]events.Event),
	}
	d.add(rows)
	return d
}

// add takes what was loaded; what the batch has changed already stays.
func (d *deaths) add(rows []store.Death) {
	for _, r := range rows {
		if d.said[r.Patient] == nil {
			d.said[r.Patient] = make(map[events.ID]store.Death)
		}
		if _, known := d.said[r.Patient][r.Source]; !known {
			d.said[r.Patient][r.Source] = r
		}
	}
}

// movedFrom withdraws a stay's word from every patient but the one whose it is now.
func (d *deaths) movedFrom(stay events.Encounter, e events.Event) {
	for patient, by := range d.said {
		if patient != stay.Patient && by[stay.ID].Dead {
			d.says(patient, stay.ID, false, e)
		}
	}
}

// demographics is the word of the patient's own record.
func (d *deaths) demographics(patient events.ID, dead bool, e events.Event) {
	d.says(patient, patient, dead, e)
}

// says takes the word of one source. Older words than the one on record are
// ignored: facts of a patient and of a stay may overtake each other.
func (d *deaths) says(patient, source events.ID, dead bool, e events.Event) {
	have, known := d.said[patient][source]
	if known && e.Sequence <= have.AsOf || !known && !dead {
		return // an older word; or life, where nobody spoke of death
	}
	before := d.dead(patient)
	if d.said[patient] == nil {
		d.said[patient] = make(map[events.ID]store.Death)
	}
	d.said[patient][source] = store.Death{Org: e.Org, Patient: patient, Source: source, Dead: dead, AsOf: e.Sequence}
	d.dirty[[2]events.ID{patient, source}] = true
	if d.dead(patient) != before {
		d.cause[patient] = e
	}
}

func (d *deaths) dead(patient events.ID) bool {
	for _, s := range d.said[patient] {
		if s.Dead {
			return true
		}
	}
	return false
}

// turned are the patients whose lot changed in this transaction, also those for whom
// it changed back: a stay may have been decided on in between.
func (d *deaths) turned() []events.ID { return slices.Collect(maps.Keys(d.cause)) }

func (d *deaths) changed() []store.Death {
	var out []store.Death
	for k := range d.dirty {
		out = append(out, d.said[k[0]][k[1]])
	}
	return out
}
