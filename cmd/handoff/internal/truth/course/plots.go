package course

import "time"

// plot is what happens in a case.
type plot struct {
	name  string
	fresh bool // it must not be old: some of it has happened before, on purpose
	play  func(t *teller)
}

// Plots are the names of all plots, in the order in which cases follow them.
func Plots() []string {
	var names []string
	for _, p := range plots {
		names = append(names, p.name)
	}
	return names
}

var plots = []plot{
	{name: "a stay", play: func(t *teller) { t.stay(t.newRecord(), "I", 4) }},
	{name: "admission cancelled", play: admissionCancelled},
	{name: "discharge cancelled", play: dischargeCancelled},
	{name: "disposition told late", play: dispositionLate},
	{name: "discharge time corrected", play: timeCorrected},
	{name: "class changed", play: classChanged},
	{name: "planned", play: plannedStay},
	{name: "leave of absence", play: func(t *teller) {
		v := t.newVisit(t.newRecord(), "I")
		t.begin(v)
		t.leave(v)
		t.middle(v, 2)
		t.end(v, "01")
	}},
	{name: "emergency, sent home", play: func(t *teller) {
		v := t.newVisit(t.newRecord(), "E")
		t.begin(v)
		t.note(v)
		t.end(v, pick(t.rng, []string{"01", "07", "01", "02"}))
	}},
	{name: "emergency, admitted under the same number", play: emergencySame},
	{name: "emergency, admitted under another number", play: emergencyOther},
	{name: "observation", play: func(t *teller) { t.stay(t.newRecord(), "OBS", 3) }},
	{name: "records merged", play: recordsMerged},
	{name: "records merged in a chain", play: mergedChain},
	{name: "records merged the old ways", play: mergedOldWays},
	{name: "records merged both ways", play: mergedBothWays},
	{name: "accounts merged", play: accountsMerged},
	{name: "visits merged", play: visitsMerged},
	{name: "identifiers moved", play: identifiersMoved},
	{name: "account moved", play: accountMoved},
	{name: "visit moved", play: visitMoved},
	{name: "record number changed", play: recordRenamed},
	{name: "account number changed", play: accountRenamed},
	{name: "visit number changed", play: visitRenamed},
	{name: "linked and unlinked", play: linked},
	{name: "beds swapped", play: swapped},
	{name: "visit deleted", play: visitDeleted},
	{name: "person deleted", play: personDeleted},
	{name: "died", play: func(t *teller) {
		v := t.newVisit(t.newRecord(), "I")
		t.begin(v)
		t.middle(v, 2)
		t.end(v, "20")
	}},
	{name: "death taken back", play: deathTakenBack},
	{name: "death learned late", play: deathLate},
	{name: "mother and newborn", play: newborn},
	{name: "series account", play: series},
	{name: "readmitted", fresh: true, play: readmitted},
	{name: "person known before", play: knownBefore},
	{name: "nulls", play: nulls},
	{name: "control id used twice", play: controlReused},
	{name: "feed begins in the middle", play: feedBegins},
	{name: "participants, allergies, tracking", play: func(t *teller) {
		v := t.newVisit(t.newRecord(), "I")
		t.begin(v)
		t.staff(v)
		t.allergies(v)
		t.track(v)
		t.end(v, "06")
	}},
	{name: "not for us", play: notForUs},
	{name: "still here", play: func(t *teller) {
		v := t.newVisit(t.newRecord(), "I")
		t.begin(v)
		t.middle(v, 4)
		t.expect(v)
	}},
	{name: "moved by hand, then merged", play: movedThenMerged},
	{name: "seen before", fresh: true, play: seenBefore},
}

func admissionCancelled(t *teller) {
	v := t.newVisit(t.newRecord(), pick(t.rng, []string{"I", "I", "E"}))
	t.begin(v)
	t.middle(v, 1)
	t.late("A11", v, v.admitted)
	t.wait(10, 60)
	if chance(t.rng, 40) { // admitted again, under the same number
		v.admitted = t.now
		t.tell("A01", v)
		t.hours(1, 4)
		t.end(v, "03")
	}
}

func dischargeCancelled(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	t.begin(v)
	t.middle(v, 2)
	t.end(v, pick(t.rng, dispositions))
	t.reopen(v)
	if chance(t.rng, 60) {
		t.move(v)
	}
	if chance(t.rng, 70) {
		t.end(v, pick(t.rng, dispositions))
	}
	if chance(t.rng, 30) && !v.discharged.IsZero() {
		t.reopen(v)
		t.end(v, "06")
	}
}

func dispositionLate(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	t.begin(v)
	t.middle(v, 2)
	t.end(v, pick(t.rng, []string{"", "01", "07"}))
	v.disposition = pick(t.rng, []string{"03", "06", "62", "09", "30", "20"})
	v.codes = append(v.codes, pick(t.rng, codes))
	t.tell("A08", v)
	t.wait(10, 60)
	if chance(t.rng, 40) {
		v.disposition = "06"
		t.tell("A08", v)
	}
}

func timeCorrected(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	t.begin(v)
	t.middle(v, 2)
	t.wait(100, 200)
	t.end(v, pick(t.rng, dispositions))
	v.discharged = v.discharged.Add(-time.Duration(10+t.rng.IntN(80)) * time.Minute)
	t.tell("A08", v)
	t.wait(10, 40)
	if chance(t.rng, 50) { // the discharge is told once more, as of another time
		v.discharged = v.discharged.Add(5 * time.Minute)
		t.late("A03", v, v.discharged)
	}
}

func classChanged(t *teller) {
	v := t.newVisit(t.newRecord(), pick(t.rng, []string{"E", "OBS", "I"}))
	t.begin(v)
	if v.class == "I" {
		v.class, v.local = "O", "OBS"
		t.tell("A07", v)
	} else {
		v.class, v.local = "I", ""
		t.bed(v)
		t.tell("A06", v)
	}
	t.hours(1, 5)
	t.middle(v, 1)
	if chance(t.rng, 40) {
		v.class, v.local = "O", "OBS"
		t.tell("A07", v)
		t.hours(1, 3)
	}
	t.end(v, pick(t.rng, dispositions))
	if chance(t.rng, 40) { // corrected after the discharge
		v.class, v.local = "I", ""
		t.tell("A08", v)
	}
}

func plannedStay(t *teller) {
	v := t.newVisit(t.newRecord(), "P")
	v.planned = t.now.Add(20 * time.Hour)
	first := pick(t.rng, []string{"A05", "A14"})
	v.pending = v.place()
	when := t.now
	t.tell(first, v)
	t.hours(1, 4)
	switch t.rng.IntN(4) {
	case 0:
		t.late(map[string]string{"A05": "A38", "A14": "A27"}[first], v, when)
		return
	case 1:
		t.tell("A31", v)
		t.wait(10, 50)
	}
	v.class, v.pending, v.planned = "I", "", time.Time{}
	t.begin(v)
	t.middle(v, 2)
	t.end(v, pick(t.rng, dispositions))
}

func emergencySame(t *teller) {
	v := t.newVisit(t.newRecord(), "E")
	t.begin(v)
	v.class = "I"
	t.bed(v)
	t.tell(pick(t.rng, []string{"A01", "A06"}), v)
	t.hours(2, 8)
	t.middle(v, 2)
	t.end(v, pick(t.rng, dispositions))
}

func emergencyOther(t *teller) {
	p := t.newRecord()
	v := t.newVisit(p, "E")
	t.begin(v)
	t.end(v, "09")
	next := t.newVisit(p, "I")
	next.source = "7"
	t.begin(next)
	t.middle(next, 2)
	t.end(next, pick(t.rng, dispositions))
}

func deathTakenBack(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	t.begin(v)
	t.end(v, "20")
	t.reopen(v)
	if chance(t.rng, 60) {
		t.end(v, "03")
	}
}

func deathLate(t *teller) {
	p := t.newRecord()
	t.stay(p, "I", 1)
	p.dead, p.updated = t.now, t.now
	t.person("A31", p)
	t.wait(10, 50)
	if chance(t.rng, 40) { // somebody else of the same name
		p.dead, p.said, p.updated = time.Time{}, true, t.now
		t.person("A31", p)
	}
}

func newborn(t *teller) {
	mother := t.newRecord()
	mother.sex, mother.given = "F", pick(t.rng, women)
	m := t.newVisit(mother, "B")
	t.begin(m)
	child := t.newRecord()
	child.family, child.given, child.twin, child.payer = mother.family, "Girl", mother, mother.payer
	child.born = t.now.In(t.at.zone).Format("20060102")
	c := t.newVisit(child, "I")
	c.kind = "4"
	t.begin(c)
	t.hours(2, 6)
	t.end(m, "01")
	t.end(c, pick(t.rng, []string{"01", "01", "05"}))
}

func series(t *teller) {
	v := t.newVisit(t.newRecord(), "R")
	for range 2 + t.rng.IntN(3) {
		v.admitted, v.discharged, v.disposition = t.now, time.Time{}, ""
		t.tell("A04", v)
		t.hours(2, 4)
		v.discharged, v.disposition = t.now, "01"
		t.tell("A03", v)
		t.hours(2, 4)
	}
}

func readmitted(t *teller) {
	p := t.newRecord()
	t.stay(p, "I", 1)
	t.hours(3, 8)
	v := t.newVisit(p, "E")
	t.begin(v)
	if chance(t.rng, 60) {
		v.class = "I"
		t.bed(v)
		t.tell("A01", v)
		t.hours(1, 3)
		if chance(t.rng, 50) {
			t.end(v, "06")
		}
	} else {
		t.end(v, "01")
	}
}

func knownBefore(t *teller) {
	p := t.newRecord()
	t.person("A28", p)
	t.hours(1, 3)
	v := t.newVisit(p, "I")
	t.begin(v)
	p.street, p.updated = t.address(), t.now
	t.person("A31", p)
	t.wait(10, 50)
	p.language, p.updated = "es^Spanish^ISO639", t.now
	t.tell("A08", v)
	t.wait(10, 50)
	t.end(v, pick(t.rng, dispositions))
	p.phone, p.updated = t.number(), t.now
	t.person("A31", p)
}

// nulls says "" where something was.
func nulls(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	v.vip = "Y"
	t.begin(v)
	v.vip, v.service = `""`, `""`
	t.tell("A08", v)
	t.wait(10, 50)
	v.vip, v.service = "", ""
	t.send(telling{trigger: "A08", who: v.who, visit: v, extra: func(l *letter) {
		l.add("AL1").set(1, "1").set(3, `""`)
	}})
	t.wait(10, 50)
	t.end(v, "06")
	v.disposition = `""`
	t.tell("A08", v)
	t.wait(10, 50)
	v.disposition = "03"
	if chance(t.rng, 50) {
		t.tell("A08", v)
		t.wait(10, 50)
	}
	v.codes = []string{`""`}
	t.tell("A08", v)
}

// controlReused: the sender's counter began anew.
func controlReused(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	t.begin(v)
	t.move(v)
	t.reused = t.told[0].Control
	t.end(v, "03")
}

// feedBegins: the first that is heard of a stay is in its middle.
func feedBegins(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	v.admitted, v.codes = t.now.Add(-48*time.Hour), []string{pick(t.rng, codes)}
	switch t.rng.IntN(3) {
	case 0:
		t.move(v)
	case 1:
		t.note(v)
	case 2:
		t.expect(v)
	}
	t.end(v, pick(t.rng, dispositions))
}

// notForUs: what is ignored, or set aside, and changes nothing.
func notForUs(t *teller) {
	v := t.newVisit(t.newRecord(), "I")
	t.begin(v)
	l := t.at.head("A20", t.tag+"-BED", t.now)
	l.add("EVN").set(1, "A20").set(2, t.at.at(t.now))
	l.add("NPU").set(1, v.place()).set(2, "C")
	t.keep("A20", t.tag+"-BED", t.now, l)
	t.wait(5, 20)
	l = t.at.head("A08", t.tag+"-NOPID", t.now) // nobody is named
	l.add("EVN").set(1, "A08").set(2, t.at.at(t.now))
	l.add("PID").set(1, "1").set(5, "Nemo")
	t.keep("A08", t.tag+"-NOPID", t.now, l)
	t.wait(5, 20)
	l = t.at.head("A19", t.tag+"-QRY", t.now)
	l.add("QRD").set(1, t.at.at(t.now))
	t.keep("A19", t.tag+"-QRY", t.now, l)
	t.wait(5, 20)
	for _, trigger := range []string{"A56", "A57", "A58", "A59"} { // numbers that the standard has not given a meaning
		t.tell(trigger, v)
	}
	t.end(v, "01")
}

// seenBefore: an emergency visit and a stay, weeks before.
func seenBefore(t *teller) {
	p := t.newRecord()
	v := t.newVisit(p, "E")
	t.begin(v)
	t.end(v, "01")
	t.hours(24*20, 24*40)
	if chance(t.rng, 60) {
		t.stay(p, "I", 0)
		t.hours(24*10, 24*40)
	}
	t.stay(p, pick(t.rng, []string{"I", "OBS"}), 1)
}
