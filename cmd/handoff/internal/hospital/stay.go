package hospital

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// stay is one visit of a patient, as it will be told.
type stay struct {
	at       *facility
	who      *person
	rng      *rand.Rand
	cond     condition
	visit    string
	account  string
	attender clinician

	begins, ends time.Duration // on the play's clock: first step, first discharge
	speed        float64       // how many times faster than life it passes
	after        *stay         // the stay of the same person that it must not overlap
	steps        []step

	// What the hospital knows at the step being told.
	class       string // I, E, O, OBS, B, R, P
	kind        string // PV1-4: "", N newborn
	admitType   string // UB-04 FL14
	source      string // UB-04 FL15
	here, prior location
	planned     location
	known       int // diagnoses coded so far
	disposition string
	expected    time.Time // admission or discharge
	admitted    time.Time
	discharged  time.Time
	last        map[string]time.Time // when each trigger happened last
}

// step is one message to be told.
type step struct {
	at, due time.Duration // when it happens; when it is sent
	order   uint64
	stay    *stay
	trigger string
	change  func(s *stay, when time.Time) // what becomes known with it; may be nil
	cancels string                        // the trigger whose event it takes back
}

// hours plans a step so many hours (of life) after the stay begins.
func (s *stay) hours(h float64, trigger string, change func(*stay, time.Time)) {
	at := s.begins + time.Duration(h*float64(time.Hour)/s.speed)
	s.steps = append(s.steps, step{at: at, due: at, stay: s, trigger: trigger, change: change})
}

// cancel plans a step that takes back the last event of a trigger.
func (s *stay) cancel(h float64, trigger, of string, change func(*stay, time.Time)) {
	s.hours(h, trigger, change)
	s.steps[len(s.steps)-1].cancels = of
}

// newStay begins a stay; number is unique in the facility.
func (w *World) newStay(f *facility, who *person, c condition, begins time.Duration) *stay {
	w.serial++
	s := &stay{
		at: f, who: who, cond: c, begins: begins, ends: begins, speed: w.cfg.Speed, admitType: "1", source: "1",
		rng: rand.New(rand.NewPCG(w.cfg.Seed, uint64(w.serial))), last: map[string]time.Time{},
	}
	s.attender = pick(s.rng, clinicians)
	s.number(w)
	if who.records[f.code] == "" {
		who.records[f.code] = fmt.Sprintf("%s%03d%06d", f.prefix, w.cfg.Generation, w.serial)
	}
	return s
}

// number gives the stay a visit number and an account of its own.
func (s *stay) number(w *World) {
	w.visits++
	s.visit = fmt.Sprintf("%sV%03d%07d", s.at.prefix, w.cfg.Generation, w.visits)
	s.account = fmt.Sprintf("%sA%03d%07d", s.at.prefix, w.cfg.Generation, w.visits)
}

// newPatient invents somebody with the condition.
func (w *World) newPatient(c condition, r *rand.Rand) *person {
	w.people++
	sex := c.sex
	if sex == "" {
		sex = pick(r, []string{"F", "M"})
	}
	age := c.age[0] + r.IntN(c.age[1]-c.age[0]+1)
	return newPerson(r, w.cfg.Generation*peoplePerGeneration+w.people, age, sex, w.wall(0))
}

func (s *stay) moveTo(l location) func(*stay, time.Time) {
	return func(s *stay, _ time.Time) { s.prior, s.here = s.here, l }
}

func (s *stay) admit(class string, l location) func(*stay, time.Time) {
	return func(s *stay, when time.Time) {
		s.class, s.here, s.prior = class, l, location{}
		s.planned, s.expected = location{}, time.Time{}
		if s.admitted.IsZero() {
			s.admitted = when
		}
	}
}

func (s *stay) leave(disposition string) func(*stay, time.Time) {
	return func(s *stay, when time.Time) {
		s.discharged, s.disposition, s.expected = when, disposition, time.Time{}
		s.known = len(s.cond.codes)
		if died(disposition) {
			s.who.deceased = when
		}
	}
}

func died(disposition string) bool { return disposition == "20" || disposition == "41" }

func (s *stay) comeBack(_ *stay, _ time.Time) {
	s.discharged, s.disposition, s.who.deceased = time.Time{}, "", time.Time{}
}

func (s *stay) code(n int) func(*stay, time.Time) {
	return func(s *stay, _ time.Time) { s.known = min(max(s.known, n), len(s.cond.codes)) }
}
