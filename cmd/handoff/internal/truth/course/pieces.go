package course

import "time"

// What stays are made of. Each piece tells some messages and leaves the stay as the hospital knows it then.

// begin admits or registers.
func (t *teller) begin(v *visit) {
	v.admitted = t.now
	v.codes = []string{pick(t.rng, codes)}
	trigger := "A01"
	if v.class == "E" || v.class == "R" || v.class == "O" && v.local == "" {
		trigger = "A04"
	}
	t.tell(trigger, v)
	if chance(t.rng, 15) { // told again, by a second system of the hospital
		t.wait(1, 3)
		t.tell(trigger, v)
	}
	t.hours(1, 6)
}

// move transfers, in one of the ways that happen.
func (t *teller) move(v *visit) {
	before, prior := *v, v.place()
	t.bed(v)
	v.prior = prior
	switch {
	case chance(t.rng, 20): // it was announced
		target := v.place()
		*v = before
		v.pending = target
		t.tell("A15", v)
		t.wait(10, 50)
		if chance(t.rng, 40) {
			v.pending = ""
			t.tell("A26", v)
			t.wait(10, 50)
			return
		}
		v.pending, v.prior = "", prior
		t.bed(v)
		t.tell("A02", v)
	case chance(t.rng, 20): // it was written down late
		t.wait(20, 80)
		t.late("A02", v, t.now.Add(-time.Duration(15)*time.Minute))
	default:
		t.tell("A02", v)
	}
	t.wait(10, 200)
	if chance(t.rng, 20) { // it was a mistake
		moved := v.place()
		v.unit, v.room, v.bed, v.prior = before.unit, before.room, before.bed, moved
		t.tell("A12", v)
		t.wait(10, 60)
	}
}

// note updates what is known of the stay or the person.
func (t *teller) note(v *visit) {
	switch t.rng.IntN(5) {
	case 0:
		v.codes = append(v.codes, pick(t.rng, codes))
	case 1:
		v.service = pick(t.rng, services)
	case 2:
		v.who.phone, v.who.updated = t.number(), t.now
	case 3:
		v.attending = pick(t.rng, doctors)
	case 4:
		v.kind = pick(t.rng, []string{"1", "2", "3"})
	}
	t.tell("A08", v)
	t.wait(10, 200)
}

// leave is a leave of absence, and what may be taken back of it.
func (t *teller) leave(v *visit) {
	went := t.now
	v.back = t.now.Add(8 * time.Hour)
	t.tell("A21", v)
	t.wait(20, 90)
	if chance(t.rng, 35) {
		v.back = time.Time{}
		t.late("A52", v, went)
		t.wait(20, 90)
		return
	}
	came := t.now
	t.tell("A22", v)
	t.wait(20, 90)
	if chance(t.rng, 35) {
		t.late("A53", v, came)
		t.wait(20, 60)
		t.tell("A22", v)
		t.wait(10, 30)
	}
	v.back = time.Time{}
}

// track sends the patient somewhere for an hour.
func (t *teller) track(v *visit) {
	v.temporary = "XRAY"
	went := t.now
	t.tell("A09", v)
	t.wait(5, 20)
	if chance(t.rng, 30) {
		v.temporary = ""
		t.late("A33", v, went)
		t.wait(5, 20)
		return
	}
	came := t.now
	t.tell("A10", v)
	t.wait(5, 20)
	if chance(t.rng, 30) {
		t.late("A32", v, came)
		t.wait(5, 20)
	}
	v.temporary = ""
}

// staff changes who looks after the patient.
func (t *teller) staff(v *visit) {
	was := v.attending
	when := t.now
	v.attending = pick(t.rng, doctors)
	t.tell("A54", v)
	t.wait(10, 60)
	if chance(t.rng, 40) {
		v.attending = was
		t.late("A55", v, when)
		t.wait(10, 60)
	}
	when = t.now
	v.consulting = append(v.consulting, pick(t.rng, doctors))
	t.tell("A61", v)
	t.wait(10, 60)
	if chance(t.rng, 40) {
		v.consulting = v.consulting[:len(v.consulting)-1]
		t.late("A62", v, when)
		t.wait(10, 60)
	}
}

// allergies adds one and takes one away again.
func (t *teller) allergies(v *visit) {
	for i, action := range []string{"A", "A", "D"}[:1+t.rng.IntN(3)] {
		t.send(telling{trigger: "A60", who: v.who, visit: v, extra: func(l *letter) {
			code := []string{"PCN^Penicillin", "LATEX^Latex", "PCN^Penicillin"}[i]
			l.add("IAM").set(1, "1").set(2, "DA").set(3, code).set(4, "SV").set(5, "Rash").set(6, action).set(7, "AL"+t.tag+code[:3])
		}})
		t.wait(5, 30)
	}
}

// expect announces the discharge, and may take the announcement back.
func (t *teller) expect(v *visit) {
	v.expected = t.now.Add(time.Duration(4+t.rng.IntN(20)) * time.Hour).Truncate(time.Hour)
	when := t.now
	t.send(telling{trigger: "A16", who: v.who, visit: v, planned: v.expected})
	t.wait(20, 90)
	if chance(t.rng, 40) {
		v.expected = time.Time{}
		t.late("A25", v, when)
		t.wait(20, 90)
	}
}

// middle is whatever happens between admission and discharge.
func (t *teller) middle(v *visit, most int) {
	for range t.rng.IntN(most + 1) {
		switch t.rng.IntN(8) {
		case 0, 1:
			t.move(v)
		case 2, 3:
			t.note(v)
		case 4:
			t.track(v)
		case 5:
			t.staff(v)
		case 6:
			t.allergies(v)
		case 7:
			t.expect(v)
		}
	}
}

var dispositions = []string{"01", "01", "01", "03", "03", "06", "06", "07", "02", "50", "62", "65", "83"}

// end discharges.
func (t *teller) end(v *visit, disposition string) {
	v.discharged, v.disposition, v.expected, v.final = t.now, disposition, time.Time{}, true
	if disposition == "20" {
		v.who.dead, v.who.updated = t.now, t.now
	}
	t.tell("A03", v)
	t.wait(10, 40)
}

// reopen takes a discharge back.
func (t *teller) reopen(v *visit) {
	was := v.discharged
	v.discharged, v.disposition, v.final = time.Time{}, "", false
	if !v.who.dead.IsZero() {
		v.who.dead, v.who.said, v.who.updated = time.Time{}, true, t.now
	}
	t.late("A13", v, was)
	t.wait(10, 60)
}

// stay is a whole one, from door to door.
func (t *teller) stay(p *record, class string, most int) *visit {
	v := t.newVisit(p, class)
	t.begin(v)
	t.middle(v, most)
	t.end(v, pick(t.rng, dispositions))
	return v
}
