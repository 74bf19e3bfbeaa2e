package course

// Plots about who is who: merges, moves, changes of identifiers, links.

// merge tells that from's record is p's.
func (t *teller) merge(trigger string, p, from *record) {
	t.send(telling{trigger: trigger, who: p, extra: func(l *letter) { t.mrg(l, from, "", "") }})
	t.wait(5, 40)
}

// recordsMerged: A40, with stays on both records, before and after.
func recordsMerged(t *teller) {
	p := t.newRecord()
	q := t.again(p)
	if chance(t.rng, 70) {
		t.stay(q, "I", 1)
	}
	v := t.newVisit(p, "I")
	t.begin(v)
	if chance(t.rng, 30) {
		t.end(v, "03")
	}
	t.merge("A40", p, q)
	if chance(t.rng, 30) {
		t.merge("A40", p, q) // told again
	}
	if chance(t.rng, 50) { // a system that has not heard of it yet
		w := t.newVisit(q, "O")
		t.begin(w)
	}
	if v.discharged.IsZero() {
		t.end(v, pick(t.rng, dispositions))
	}
}

// mergedChain: A into B, B into C; one message with two groups; one that closes a circle.
func mergedChain(t *teller) {
	c := t.newRecord()
	b := t.again(c)
	a := t.again(c)
	t.stay(a, "I", 0)
	v := t.newVisit(b, "I")
	t.begin(v)
	switch t.rng.IntN(3) {
	case 0:
		t.merge("A40", b, a)
		t.merge("A40", c, b)
	case 1:
		t.merge("A40", c, b)
		t.merge("A40", b, a)
	case 2: // both in one message
		t.send(telling{trigger: "A40", who: c, extra: func(l *letter) {
			t.mrg(l, b, "", "")
			t.pid(l, c, "")
			t.mrg(l, a, "", "")
		}})
		t.wait(5, 30)
	}
	v.who = c
	t.end(v, pick(t.rng, dispositions))
	if chance(t.rng, 25) {
		t.merge("A40", a, c) // round in a circle
	}
}

// mergedOldWays: what A40 was called before.
func mergedOldWays(t *teller) {
	p := t.newRecord()
	q := t.again(p)
	w := t.stay(q, "I", 1)
	v := t.newVisit(p, "I")
	t.begin(v)
	switch trigger := pick(t.rng, []string{"A34", "A36", "A30", "A18", "A39"}); trigger {
	case "A36":
		t.send(telling{trigger: trigger, who: p, visit: v, extra: func(l *letter) { t.mrg(l, q, w.account, "") }})
	case "A18":
		t.send(telling{trigger: trigger, who: p, visit: v, extra: func(l *letter) { t.mrg(l, q, "", "") }})
	default:
		t.merge(trigger, p, q)
	}
	t.wait(5, 30)
	t.end(v, pick(t.rng, dispositions))
}

// mergedBothWays: the wrong record was kept; the merge is told the other way round.
func mergedBothWays(t *teller) {
	p := t.newRecord()
	q := t.again(p)
	t.stay(q, "I", 1)
	v := t.newVisit(p, "I")
	t.begin(v)
	t.merge("A40", q, p)
	t.merge("A40", p, q)
	t.end(v, pick(t.rng, dispositions))
}

func accountsMerged(t *teller) {
	p := t.newRecord()
	v := t.newVisit(p, "I")
	t.begin(v)
	w := t.newVisit(p, "O")
	t.begin(w)
	t.send(telling{trigger: pick(t.rng, []string{"A41", "A35"}), who: p, visit: v, extra: func(l *letter) { t.mrg(l, p, w.account, "") }})
	t.wait(5, 40)
	t.end(v, pick(t.rng, dispositions))
}

func visitsMerged(t *teller) {
	p := t.newRecord()
	v := t.newVisit(p, "I")
	t.begin(v)
	w := t.newVisit(p, "I") // the same stay, registered twice
	w.admitted, w.account = v.admitted, v.account
	t.tell("A01", w)
	t.wait(10, 40)
	t.send(telling{trigger: "A42", who: p, visit: v, extra: func(l *letter) { t.mrg(l, p, v.account, w.number) }})
	t.wait(5, 40)
	t.end(v, pick(t.rng, dispositions))
}

// identifiersMoved: A43, a record number was put to the wrong person.
func identifiersMoved(t *teller) {
	p, q := t.newRecord(), t.newRecord()
	t.stay(q, "I", 1)
	v := t.newVisit(p, "I")
	t.begin(v)
	t.send(telling{trigger: "A43", who: p, extra: func(l *letter) { t.mrg(l, q, "", "") }})
	t.wait(5, 40)
	t.end(v, pick(t.rng, dispositions))
}

// accountMoved: A44, an account with its visits was opened under the wrong person.
func accountMoved(t *teller) {
	p, q := t.newRecord(), t.newRecord()
	w := t.newVisit(q, "I")
	t.begin(w)
	if chance(t.rng, 40) {
		t.end(w, "03")
	}
	w.who = p
	t.send(telling{trigger: "A44", who: p, visit: w, extra: func(l *letter) { t.mrg(l, q, w.account, "") }})
	t.wait(5, 40)
	if w.discharged.IsZero() {
		t.end(w, pick(t.rng, dispositions))
	}
}

// visitMoved: A45, the same for one visit.
func visitMoved(t *teller) {
	p, q := t.newRecord(), t.newRecord()
	w := t.newVisit(q, "I")
	t.begin(w)
	t.middle(w, 1)
	if chance(t.rng, 40) {
		t.end(w, "06")
	}
	w.who = p
	t.send(telling{trigger: "A45", who: p, extra: func(l *letter) {
		t.mrg(l, q, w.account, w.number)
		t.pv1(l, w)
	}})
	t.wait(5, 40)
	if w.discharged.IsZero() {
		t.end(w, pick(t.rng, dispositions))
	}
}

func movedThenMerged(t *teller) {
	p := t.newRecord()
	q, r := t.again(p), t.newRecord()
	w := t.newVisit(r, "I")
	t.begin(w)
	w.who = q
	t.send(telling{trigger: "A45", who: q, extra: func(l *letter) {
		t.mrg(l, r, w.account, w.number)
		t.pv1(l, w)
	}})
	t.wait(5, 40)
	t.merge("A40", p, q)
	w.who = p
	t.end(w, pick(t.rng, dispositions))
}

func recordRenamed(t *teller) {
	p := t.newRecord()
	v := t.newVisit(p, "I")
	t.begin(v)
	old := *p
	p.mr = "N" + p.mr
	t.merge(pick(t.rng, []string{"A47", "A46", "A48"}), p, &old)
	if chance(t.rng, 40) { // a system that has not heard of it yet
		was := *v
		was.who = &old
		t.note(&was)
		p.phone, p.updated = old.phone, old.updated
		v.codes, v.service, v.attending, v.kind = was.codes, was.service, was.attending, was.kind
	}
	t.end(v, pick(t.rng, dispositions))
}

func accountRenamed(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	t.begin(v)
	old := v.account
	v.account = "N" + v.account
	t.send(telling{trigger: "A49", who: v.who, visit: v, extra: func(l *letter) { t.mrg(l, v.who, old, "") }})
	t.wait(5, 40)
	t.end(v, pick(t.rng, dispositions))
}

func visitRenamed(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	t.begin(v)
	old := v.number
	v.number = "N" + v.number
	trigger := "A50"
	if t.at.VisitField == "PV1-50" {
		trigger = "A51"
	}
	t.send(telling{trigger: trigger, who: v.who, visit: v, extra: func(l *letter) {
		t.mrg(l, v.who, v.account, old)
		if trigger == "A51" {
			l.segments[len(l.segments)-1].set(5, "").set(6, t.at.id(old, "VN"))
		}
	}})
	t.wait(5, 40)
	t.end(v, pick(t.rng, dispositions))
}

// linked: A24 says that two records are one person's, A37 that they are not.
func linked(t *teller) {
	p := t.newRecord()
	q := t.again(p)
	v := t.newVisit(p, "I")
	t.begin(v)
	w := t.newVisit(q, "O")
	t.begin(w)
	tie := func(trigger string) {
		t.send(telling{trigger: trigger, who: p, extra: func(l *letter) { t.pid(l, q, "") }})
		t.wait(5, 40)
	}
	tie("A24")
	if chance(t.rng, 60) {
		tie("A37")
		if chance(t.rng, 40) {
			tie("A24")
		}
	}
	t.end(v, pick(t.rng, dispositions))
}

// swapped: A17, two patients change beds.
func swapped(t *teller) {
	p, q := t.newRecord(), t.newRecord()
	v := t.newVisit(p, "I")
	t.begin(v)
	w := t.newVisit(q, "I")
	t.begin(w)
	vp, wp := v.place(), w.place()
	v.unit, w.unit = w.unit, v.unit
	v.room, w.room = w.room, v.room
	v.bed, w.bed = w.bed, v.bed
	v.prior, w.prior = vp, wp
	t.send(telling{trigger: "A17", who: p, visit: v, extra: func(l *letter) {
		t.pid(l, q, w.account)
		t.pv1(l, w)
	}})
	t.wait(10, 50)
	t.end(v, pick(t.rng, dispositions))
	t.end(w, pick(t.rng, dispositions))
}

func visitDeleted(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	t.begin(v)
	t.middle(v, 1)
	if chance(t.rng, 50) {
		t.end(v, pick(t.rng, dispositions))
	}
	t.tell("A23", v)
	t.wait(10, 40)
}

func personDeleted(t *teller) {
	p := t.newRecord()
	t.person("A28", p)
	t.wait(5, 40)
	if chance(t.rng, 60) {
		v := t.newVisit(p, "I")
		t.begin(v)
		if chance(t.rng, 50) {
			t.end(v, "03")
		}
	}
	t.person("A29", p)
	t.wait(5, 40)
}
