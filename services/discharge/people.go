package discharge

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/readmission"
	"github.com/handoff-care/handoff/services/discharge/internal/store"
	"github.com/handoff-care/handoff/services/discharge/internal/transition"
)

// people is who of a batch is which person, and the stays of each: what is on record,
// changed as the batch has it. What changed between two stays that may matter to each
// other is settled at the end of the batch, see settle.
type people struct {
	rules     *readmission.Rules
	kin       map[events.ID]store.Kin // by patient; a patient without is a person alone
	members   map[events.ID][]events.ID
	visits    map[events.ID]readmission.Visit // by encounter
	of        map[events.ID][]events.ID       // encounters by patient
	whole     map[events.ID]bool              // encounters whose surroundings are all here
	touched   map[events.ID]events.Event      // persons, with what touched them last
	ghosts    map[events.ID][]readmission.Visit
	newKin    map[events.ID]bool
	newVisits map[events.ID]bool
}

func newPeople(rules *readmission.Rules) *people {
	return &people{
		rules: rules, kin: map[events.ID]store.Kin{}, members: map[events.ID][]events.ID{}, visits: map[events.ID]readmission.Visit{},
		of: map[events.ID][]events.ID{}, whole: map[events.ID]bool{}, touched: map[events.ID]events.Event{},
		ghosts: map[events.ID][]readmission.Visit{}, newKin: map[events.ID]bool{}, newVisits: map[events.ID]bool{},
	}
}

// never is later than anything that ended.
var never = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// wanted is what a batch needs to know of people.
func (p *people) wanted(batch []events.Event) store.WantedVisits {
	w := store.WantedVisits{ReachDays: p.rules.Reach() + 2}
	everything := false
	person := func(f events.Patient, other ...events.ID) {
		if f.Person != f.ID && !f.Person.IsZero() || len(other) > 0 {
			w.Patients = append(append(w.Patients, f.ID, f.Person), other...)
			everything = true // two stays may meet however old they are
		}
	}
	w.Since = never
	for _, e := range batch {
		switch f := e.Fact.(type) {
		case events.EncounterFact:
			s := f.Snapshot()
			w.Patients, w.Encounters = append(w.Patients, s.Patient), append(w.Encounters, s.ID)
			if at := s.AdmittedAt; at != nil && at.Before(w.Since) {
				w.Since = *at
			}
		case events.PatientRegistered:
			person(f.Patient)
		case events.PatientUpdated:
			person(f.Patient)
		case events.PatientLinked:
			person(f.Patient, f.Other)
		case events.PatientUnlinked:
			person(f.Patient, f.Other)
		}
	}
	w.Since = w.Since.AddDate(0, 0, -w.ReachDays)
	if everything {
		w.Since = time.Time{}
	}
	w.Patients, w.Encounters = unique(w.Patients), unique(w.Encounters)
	return w
}

// take takes what was loaded. What the batch has changed already stays.
func (p *people) take(found store.People) {
	for _, k := range found.Kin {
		if _, known := p.kin[k.Patient]; !known {
			p.kin[k.Patient] = k
			p.members[k.Person] = append(p.members[k.Person], k.Patient)
		}
	}
	for _, v := range found.Visits {
		if _, known := p.visits[v.Encounter]; !known {
			p.put(v)
		}
	}
}

func (p *people) put(v readmission.Visit) {
	if was, known := p.visits[v.Encounter]; known && was.Patient != v.Patient {
		p.of[was.Patient] = slices.DeleteFunc(p.of[was.Patient], func(id events.ID) bool { return id == v.Encounter })
	} else if known {
		p.visits[v.Encounter] = v
		return
	}
	p.visits[v.Encounter] = v
	p.of[v.Patient] = append(p.of[v.Patient], v.Encounter)
}

func (p *people) person(patient events.ID) events.ID {
	if k, known := p.kin[patient]; known {
		return k.Person
	}
	return patient
}

// stays are all stays of a person.
func (p *people) stays(person events.ID) []readmission.Visit {
	out := make([]readmission.Visit, 0, p.count(person))
	add := func(patient events.ID) {
		for _, encounter := range p.of[patient] {
			out = append(out, p.visits[encounter])
		}
	}
	if p.alone(person) {
		add(person)
	}
	for _, patient := range p.members[person] {
		add(patient)
	}
	return out
}

// count is how many stays of a person there are.
func (p *people) count(person events.ID) (n int) {
	if p.alone(person) {
		n = len(p.of[person])
	}
	for _, patient := range p.members[person] {
		n += len(p.of[patient])
	}
	return n
}

// alone reports whether a person is a patient that nobody has said anything of.
func (p *people) alone(person events.ID) bool {
	_, known := p.kin[person]
	return !known
}

// hears takes in what a stay says of itself now.
func (p *people) hears(s events.Encounter, kind string, e events.Event) {
	p.whole[s.ID] = true
	have, known := p.visits[s.ID]
	is := readmission.Of(e.Org, s, kind)
	switch {
	case known && (have.FoldVersion > is.FoldVersion || have.Same(is)):
		return
	case !known && (!is.Present() || !p.rules.Counts(is.Class)):
		return // nobody has reckoned with it, and nobody has to
	}
	if known {
		p.touch(p.person(have.Patient), e, have)
	}
	p.put(is)
	p.newVisits[s.ID] = true
	p.touch(p.person(is.Patient), e)
}

// links takes in which person a patient is.
func (p *people) links(f events.Patient, e events.Event) {
	have, known := p.kin[f.ID]
	is := store.Kin{Org: e.Org, Patient: f.ID, Person: f.Person, AsOf: e.Sequence}
	if is.Person.IsZero() || known && have.AsOf >= is.AsOf || !known && is.Person == f.ID {
		return
	}
	was := p.person(f.ID)
	if was != is.Person {
		before := append(p.stays(was), p.stays(is.Person)...)
		p.touch(was, e, before...)
		p.touch(is.Person, e, before...)
	}
	if known {
		p.members[was] = slices.DeleteFunc(p.members[was], func(id events.ID) bool { return id == f.ID })
	}
	p.kin[f.ID] = is
	p.members[is.Person] = append(p.members[is.Person], f.ID)
	p.newKin[f.ID] = true
}

// touch notes that a person's stays changed; ghosts are what they were.
func (p *people) touch(person events.ID, e events.Event, ghosts ...readmission.Visit) {
	p.touched[person] = e
	p.ghosts[person] = append(p.ghosts[person], ghosts...)
}

// around is what the person's other stays mean for a stay; nil where not all of them
// are here, and what was known before holds.
func (p *people) around(s events.Encounter, kind string, current *transition.Transition) *readmission.Around {
	if p == nil || !p.whole[s.ID] {
		return nil
	}
	person := p.person(s.Patient)
	if p.count(person) < 2 && (current == nil || len(current.Returns) == 0) {
		return &readmission.Around{}
	}
	all := p.stays(person)
	this, known := p.visits[s.ID]
	if !known {
		this = readmission.Of(events.ID{}, s, kind)
	}
	around := p.rules.Around(this, all, zoneOf(s.Zone))
	if current == nil {
		return &around
	}
	for _, r := range current.Returns {
		if around.Not[r.Arrival.Encounter] == "" && !slices.ContainsFunc(around.Returns, func(x events.Readmission) bool { return x.ID == r.ID }) {
			if around.Not == nil {
				around.Not = map[events.ID]string{}
			}
			around.Not[r.Arrival.Encounter] = p.rules.Why(around, r.Arrival.Encounter, all)
		}
	}
	return &around
}

// concerned are the stays for which another stay of the same person changed that may
// matter to them, with what changed it.
func (p *people) concerned() map[events.ID]events.Event {
	out := map[events.ID]events.Event{}
	for person, e := range p.touched {
		is, ghosts := p.stays(person), p.ghosts[person]
		if len(is) == 0 || len(is)+len(ghosts) < 2 {
			continue
		}
		for _, v := range is {
			near := func(u readmission.Visit) bool { return p.rules.Near(u, v) }
			if slices.ContainsFunc(is, near) || slices.ContainsFunc(ghosts, near) {
				out[v.Encounter] = e
			}
		}
	}
	return out
}

// changed are the rows to save.
func (p *people) changed() (kin []store.Kin, visits []readmission.Visit) {
	kin, visits = make([]store.Kin, 0, len(p.newKin)), make([]readmission.Visit, 0, len(p.newVisits))
	for patient := range p.newKin {
		kin = append(kin, p.kin[patient])
	}
	for encounter := range p.newVisits {
		visits = append(visits, p.visits[encounter])
	}
	return kin, visits
}

func zoneOf(name string) *time.Location {
	zone, err := calendar.Zone(name)
	if err != nil {
		return time.UTC // Decide fails on it anyway
	}
	return zone
}
