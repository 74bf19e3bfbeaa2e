package hospital

import (
	"fmt"
	"math"
	"time"
)

// arrive plans everything that will happen to one more patient of a hospital. The shares are those
// of a community hospital; corrections are more frequent than in life, so that they can be seen.
func (w *World) arrive(f *facility, at time.Duration) {
	r := w.rng
	switch n := r.IntN(100); {
	case n < 44:
		w.emergency(f, at)
	case n < 60:
		c := pick(r, conditions)
		w.direct(w.newStay(f, w.newPatient(c, r), c, at))
	case n < 74:
		w.elective(f, at)
	case n < 84:
		w.observed(f, at)
	case n < 90:
		w.birth(f, at)
	default:
		w.dialysed(f, at)
	}
}

// length is a stay's hours: the usual length, spread as lengths of stay are.
func (s *stay) length() float64 {
	return math.Max(s.cond.days*24*math.Exp(s.rng.NormFloat64()*.35), s.cond.days*6)
}

// direct is an admission from outside: a transfer, a clinic, the police.
func (w *World) direct(s *stay) {
	s.source = draw(s.rng, []weight{{"1", 50}, {"2", 20}, {"4", 18}, {"5", 10}, {"8", 2}})
	s.hours(0, "A01", s.admit("I", s.at.bed(s.cond.unit)))
	if chance(s.rng, 3) {
		s.cancel(1.5, "A11", "A01", nil)
		w.schedule(s)
		return
	}
	w.inside(s, 0, s.length())
}

// emergency is a visit to the emergency department, which may become an admission.
func (w *World) emergency(f *facility, at time.Duration) {
	r := w.rng
	admitted := chance(r, 42)
	c := pick(r, brief)
	if admitted {
		c = pick(r, conditions[:14])
	}
	s := w.newStay(f, w.newPatient(c, r), c, at)
	w.fromEmergency(s, admitted)
}

func (w *World) fromEmergency(s *stay, admitted bool) {
	r := s.rng
	s.hours(0, "A04", s.admit("E", s.at.bed("emergency")))
	if chance(r, 2) {
		s.cancel(.4, "A11", "A04", nil)
		w.schedule(s)
		return
	}
	s.hours(.5, "A08", s.code(1))
	stays := 2 + 3*r.Float64()
	switch {
	case !admitted:
		s.ends = s.begins + time.Duration(stays*float64(time.Hour)/s.speed)
		s.hours(stays, "A03", s.leave(draw(r, emergency)))
		w.schedule(s)
	case s.at.admitsAnew:
		next := w.newStay(s.at, s.who, s.cond, s.begins+time.Duration((stays+.1)*float64(time.Hour)/s.speed))
		next.known = 1
		next.hours(0, "A01", next.admit("I", s.at.bed(s.cond.unit)))
		w.inside(next, 0, next.length())
		// Both parts are told on the way to one discharge, so both are as old as they would be.
		s.ends = next.ends
		s.hours(stays, "A03", s.leave("09"))
		w.schedule(s)
	default:
		trigger := pick(r, []string{"A06", "A01"})
		s.hours(stays, trigger, s.admit("I", s.at.bed(s.cond.unit)))
		w.inside(s, stays, stays+s.length())
	}
}

// elective is planned surgery.
func (w *World) elective(f *facility, at time.Duration) {
	c := conditions[14+w.rng.IntN(3)]
	s := w.newStay(f, w.newPatient(c, w.rng), c, at)
	r := s.rng
	waits := 24 + 72*r.Float64()
	s.admitType = "3"
	bed := s.at.bed(c.unit)
	s.hours(0, "A05", func(s *stay, when time.Time) {
		s.class, s.known = "P", 1
		s.expected = when.Add(time.Duration(waits * float64(time.Hour)))
	})
	if chance(r, 35) {
		s.hours(waits/2, "A14", func(s *stay, _ time.Time) { s.planned = bed })
		if chance(r, 12) {
			s.cancel(waits*.7, "A27", "A14", func(s *stay, _ time.Time) { s.planned = location{} })
		}
	}
	if chance(r, 8) {
		s.cancel(waits*.9, "A38", "A05", nil)
		w.schedule(s)
		return
	}
	s.hours(waits, "A01", s.admit("I", bed))
	w.inside(s, waits, waits+s.length())
}

// observed is a stay for observation, which may become an admission.
func (w *World) observed(f *facility, at time.Duration) {
	c := brief[w.rng.IntN(2)]
	s := w.newStay(f, w.newPatient(c, w.rng), c, at)
	s.hours(0, "A04", s.admit("OBS", s.at.bed("observation")))
	s.hours(3, "A08", s.code(2))
	if chance(s.rng, 25) {
		from := 16 + 8*s.rng.Float64()
		s.hours(from, "A06", s.admit("I", s.at.bed("medical")))
		w.inside(s, from, from+48+24*s.rng.Float64())
		return
	}
	w.inside(s, 3, 18+18*s.rng.Float64())
}

// birth is a mother and her child.
func (w *World) birth(f *facility, at time.Duration) {
	mother := w.newStay(f, w.newPatient(delivery, w.rng), delivery, at)
	mother.hours(0, "A01", mother.admit("B", f.bed("maternity")))
	length := mother.length()
	w.inside(mother, 0, length)
	child := w.newPatient(newborn, w.rng)
	child.family, child.kin, child.relation = mother.who.family, mother.who.given, 3
	child.street, child.city, child.zip, child.phone = mother.who.street, mother.who.city, mother.who.zip, mother.who.phone
	s := w.newStay(f, child, newborn, at+time.Duration(8*float64(time.Hour)/w.cfg.Speed))
	s.kind, s.admitType, s.source = "N", "4", "1"
	s.hours(0, "A01", s.admit("I", f.bed("nursery")))
	w.inside(s, 0, math.Max(length-8, 12))
}

// dialysed is a treatment of a series.
func (w *World) dialysed(f *facility, at time.Duration) {
	s := w.newStay(f, w.newPatient(dialysis, w.rng), dialysis, at)
	s.admitType, s.source = "3", "2"
	s.hours(0, "A04", s.admit("R", f.bed("dialysis")))
	s.ends = s.begins + time.Duration(4*float64(time.Hour)/s.speed)
	s.hours(4, "A03", s.leave("01"))
	w.schedule(s)
}

// inside plans a stay between its admission and its discharge, both in hours after it begins, the
// discharge itself, and what follows.
func (w *World) inside(s *stay, from, to float64) {
	r, span := s.rng, to-from
	s.ends = s.begins + time.Duration(to*float64(time.Hour)/s.speed)
	s.hours(from+span*.15, "A08", s.code(1+r.IntN(2)))
	w.moves(s, from, span)
	if chance(r, 5) {
		moved := fmt.Sprintf("%d %s %s", 10+r.IntN(980), pick(r, streets), pick(r, suffixes))
		s.hours(from+span*.45, "A31", func(s *stay, _ time.Time) { s.who.street = moved })
	}
	if chance(r, 4) {
		other := pick(r, clinicians)
		s.hours(from+span*.5, "A54", func(s *stay, _ time.Time) { s.attender = other })
	}
	if s.cond.sensitive && chance(r, 25) || chance(r, 1) {
		s.hours(from+span*.55, "A21", nil)
		s.hours(from+span*.62, "A22", nil)
	}
	final := draw(r, s.cond.leaves)
	w.expect(s, from, to, final)
	if s.cond.unit == "medical" && chance(r, 5) {
		s.hours(from+span*.4, "A07", func(s *stay, _ time.Time) { s.class = "OBS" })
	}
	w.discharge(s, to, final)
	w.schedule(s)
}

// moves plans transfers, some of them pending first, some taken back.
func (w *World) moves(s *stay, from, span float64) {
	r := s.rng
	n := r.IntN(3)
	if s.cond.unit == "nursery" || s.cond.unit == "behavioral" || s.cond.unit == "observation" {
		n = 0
	}
	if s.cond.unit == "icu" {
		n = max(n, 1)
	}
	for i := range n {
		at := from + span*(.2+.25*float64(i))
		l := s.at.bed(pick(r, []string{"medical", "cardiac", "surgical", "medical"}))
		if chance(r, 20) {
			s.hours(at-span*.04, "A15", func(s *stay, _ time.Time) { s.planned = l })
			if chance(r, 25) {
				s.cancel(at-span*.02, "A26", "A15", func(s *stay, _ time.Time) { s.planned = location{} })
				continue
			}
		}
		s.hours(at, "A02", func(s *stay, when time.Time) { s.moveTo(l)(s, when); s.planned = location{} })
		if chance(r, 7) {
			s.cancel(at+span*.02, "A12", "A02", func(s *stay, _ time.Time) { s.here, s.prior = s.prior, location{} })
		}
	}
}

// expect plans the announcement of the discharge.
func (w *World) expect(s *stay, from, to float64, final string) {
	r, lead := s.rng, math.Min(22, (to-from)*.3)
	tell := func(s *stay, when time.Time) {
		s.expected = when.Add(time.Duration(lead * float64(time.Hour)))
		if !died(final) && final != "07" {
			s.disposition = final
		}
	}
	if died(final) || chance(r, 35) {
		return
	}
	s.hours(to-lead, "A16", tell)
	if chance(r, 12) {
		s.cancel(to-lead*.7, "A25", "A16", func(s *stay, _ time.Time) { s.expected, s.disposition = time.Time{}, "" })
		if chance(r, 70) {
			s.hours(to-lead*.4, "A16", tell)
		}
	}
}

// discharge plans the discharge as it is told: sometimes without a disposition or with a preliminary
// one, sometimes taken back; then what follows from it.
func (w *World) discharge(s *stay, at float64, final string) {
	r, told := s.rng, final
	corrected := false
	switch {
	case died(final) || final == "07":
	case chance(r, 7):
		told, corrected = "", true
	case final != "01" && chance(r, 10):
		told, corrected = "01", true
	}
	s.hours(at, "A03", s.leave(told))
	switch {
	case chance(r, .4):
		s.cancel(at+2, "A23", "", nil)
		return
	case !died(final) && chance(r, 6):
		s.cancel(at+.3+1.2*r.Float64(), "A13", "A03", s.comeBack)
		at += 14 + 10*r.Float64()
		if chance(r, 20) {
			final = draw(r, s.cond.leaves)
		}
		s.hours(at, "A03", s.leave(final))
		corrected = false
	}
	if corrected {
		s.hours(at+8+40*r.Float64(), "A08", func(s *stay, _ time.Time) { s.disposition = final })
	}
	w.follow(s, at, final)
}

// follow plans the arrival at the next facility, and the return to hospital.
func (w *World) follow(s *stay, at float64, final string) {
	r := s.rng
	left := s.begins + time.Duration(at*float64(time.Hour)/s.speed)
	if need := needs[final]; need != "" && chance(r, 88) {
		w.receive(s, need, left)
	}
	if died(final) || s.kind == "N" || s.cond.unit == "maternity" || final == "02" || final == "66" || !chance(r, 11) {
		return
	}
	back := left + time.Duration((40+200*r.Float64())*float64(time.Hour)/s.speed)
	f := pick(r, w.hospitals)
	next := w.newStay(f, s.who, s.cond, back)
	next.after, next.known = s, 1
	w.fromEmergency(next, chance(r, 70))
}

// receive plans the arrival at a facility that gives what is needed.
func (w *World) receive(s *stay, need string, left time.Duration) {
	var fitting []*facility
	for _, f := range w.receivers {
		if f.receives(need) {
			fitting = append(fitting, f)
		}
	}
	if len(fitting) == 0 {
		return
	}
	f := pick(s.rng, fitting)
	trigger, class, after := "A01", "I", 1+3*s.rng.Float64()
	if need == "home-health" {
		trigger, class, after = "A04", "O", 14+26*s.rng.Float64()
	}
	next := w.newStay(f, s.who, s.cond, left+time.Duration(after*float64(time.Hour)/s.speed))
	next.after, next.known, next.source, next.admitType = s, 1, "4", "3"
	next.hours(0, trigger, next.admit(class, f.bed("bed")))
	w.schedule(next)
}
