package course

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Message is one message of a case.
type Message struct {
	Control string // MSH-10
	Trigger string
	Sent    time.Time // MSH-7
	Body    []byte
}

// Case is a small group of patients whose messages belong together.
type Case struct {
	Number   int
	Tag      string
	Plot     string
	Sender   *Sender
	Old      bool // its discharges are days old when they are told
	Messages []Message
}

// teller tells one case.
type teller struct {
	rng     *rand.Rand
	own     *rand.Rand // of what tells people of different tags apart
	at      *Sender
	tag     string
	now     time.Time
	records int
	visits  int
	told    []Message
	control int    // how many control ids were given out before
	reused  string // a control id that is given out once more
}

// Make invents case n of a seed. Its last message is sent within the three hours before base; nobody
// is discharged more than 20 hours before that, unless the whole case is old.
func Make(seed uint64, n int, tag string, base time.Time) *Case {
	plot := &plots[n%len(plots)]
	sender := &Senders[(n/len(plots))%len(Senders)]
	tell := func(begin time.Time) *teller {
		t := &teller{rng: rand.New(rand.NewPCG(seed, uint64(n))), own: rand.New(rand.NewPCG(seed, hashed(tag))), at: sender, tag: tag, now: begin}
		plot.play(t)
		return t
	}
	// Told once to see how long it takes, then again so that it ends when it should.
	zero := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	length := tell(zero).now.Sub(zero)
	r := rand.New(rand.NewPCG(seed+1, uint64(n)))
	end := base.Add(-time.Duration(5+r.IntN(175)) * time.Minute)
	old := chance(r, 12) && !plot.fresh
	if old {
		end = end.AddDate(0, 0, -3-r.IntN(20))
	}
	t := tell(end.Add(-length).Truncate(time.Minute))
	return &Case{Number: n, Tag: tag, Plot: plot.name, Sender: sender, Old: old, Messages: t.told}
}

func hashed(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // it never fails
	return h.Sum64()
}

// visit is one stay as its hospital knows it.
type visit struct {
	who         *record
	number      string
	account     string
	class       string // PV1-2
	local       string // PV1-18
	kind        string // PV1-4
	source      string // PV1-14
	service     string
	unit        string
	room        string
	bed         string
	prior       string // PV1-6
	temporary   string // PV1-11
	pending     string // PV1-42
	attending   string
	admitting   string
	consulting  []string
	admitted    time.Time
	discharged  time.Time
	disposition string
	expected    time.Time // PV2-9
	planned     time.Time // PV2-8
	back        time.Time // PV2-47
	codes       []string
	final       bool
	vip         string
}

// newVisit begins a stay of a record; nothing is told yet.
func (t *teller) newVisit(p *record, class string) *visit {
	t.visits++
	v := &visit{
		who: p, number: fmt.Sprintf("V%s%d", t.tag, t.visits), account: fmt.Sprintf("A%s%d", t.tag, t.visits),
		class: class, kind: pick(t.rng, []string{"1", "2", "3"}), source: pick(t.rng, []string{"1", "2", "4", "5"}),
		service: pick(t.rng, services), attending: pick(t.rng, doctors), admitting: pick(t.rng, doctors),
	}
	if class == "OBS" {
		v.class, v.local = "O", "OBS"
	}
	t.bed(v)
	if class == "E" || class == "O" || class == "R" {
		v.unit, v.room, v.bed = map[string]string{"E": "EMERG", "O": "CLINIC", "R": "INFUSION"}[class], "", ""
	}
	return v
}

// bed gives the stay another place.
func (t *teller) bed(v *visit) {
	v.unit, v.room, v.bed = pick(t.rng, units), fmt.Sprint(201+t.rng.IntN(40)), pick(t.rng, []string{"A", "B"})
}

func (v *visit) place() string {
	if v.unit == "" {
		return ""
	}
	return v.unit + "^" + v.room + "^" + v.bed
}

// wait lets minutes pass.
func (t *teller) wait(from, to int) {
	t.now = t.now.Add(time.Duration(from+t.rng.IntN(to-from+1)) * time.Minute)
}

// hours lets hours pass, to the minute.
func (t *teller) hours(from, to int) { t.wait(from*60, to*60) }

// telling is one message being made.
type telling struct {
	trigger  string
	occurred time.Time // when it happened, or when that happened which it takes back; zero: now
	planned  time.Time // EVN-3
	who      *record
	visit    *visit // nil: none
	bare     bool   // PV1-2 is N, nothing more of a visit
	extra    func(l *letter)
}

// tell writes a message about a stay, as of now.
func (t *teller) tell(trigger string, v *visit) {
	t.send(telling{trigger: trigger, who: v.who, visit: v})
}

// back writes a message about a stay of something that happened before it was written down.
func (t *teller) late(trigger string, v *visit, occurred time.Time) {
	t.send(telling{trigger: trigger, who: v.who, visit: v, occurred: occurred})
}

// person writes a message about a record alone.
func (t *teller) person(trigger string, p *record) {
	t.send(telling{trigger: trigger, who: p, bare: true})
}

func (t *teller) send(m telling) {
	sent := t.now.Add(time.Duration(t.rng.IntN(50)) * time.Second)
	control := fmt.Sprintf("%s-%s", t.tag, pad(t.control+len(t.told)+1, 3))
	if t.reused != "" {
		control, t.reused = t.reused, ""
	}
	l := t.at.head(m.trigger, control, sent)
	t.evn(l, m)
	account := ""
	if m.visit != nil {
		account = m.visit.account
	}
	t.pid(l, m.who, account)
	switch {
	case m.visit != nil:
		t.pv1(l, m.visit)
		t.clinical(l, m)
	case m.bare:
		l.add("PV1").set(1, "1").set(2, "N")
	}
	if m.extra != nil {
		m.extra(l)
	}
	t.keep(m.trigger, control, sent, l)
}

func (t *teller) keep(trigger, control string, sent time.Time, l *letter) {
	t.told = append(t.told, Message{Control: control, Trigger: trigger, Sent: sent, Body: l.text(t.at)})
}

// evn says when the event was written down and, where the sender says it, when it happened.
func (t *teller) evn(l *letter, m telling) {
	seg := l.add("EVN").set(1, m.trigger).set(2, t.at.at(t.now)).set(3, t.at.at(m.planned))
	if t.at.Occurred {
		when := m.occurred
		if when.IsZero() {
			when = t.now
		}
		seg.set(6, t.at.at(when))
	}
}

func (t *teller) pv1(l *letter, v *visit) {
	s := t.at
	seg := l.add("PV1").set(1, "1").set(2, v.class).set(3, v.place()).set(4, v.kind).set(6, v.prior).set(7, v.attending).set(10, v.service).
		set(11, v.temporary).set(14, v.source).set(16, v.vip).set(17, v.admitting).set(18, v.local)
	for _, c := range v.consulting {
		seg.set(9, joined(seg, 9, c))
	}
	switch s.VisitField {
	case "PV1-19":
		seg.set(19, s.id(v.number, "VN"))
	case "PV1-50":
		seg.set(50, s.id(v.number, "VN"))
	}
	disposition := v.disposition
	if s.Dotless && len(disposition) == 2 && disposition[0] == '0' {
		disposition = disposition[1:]
	}
	seg.set(36, disposition).set(42, v.pending).set(44, s.at(v.admitted)).set(45, s.at(v.discharged))
	if !v.expected.IsZero() || !v.planned.IsZero() || !v.back.IsZero() {
		l.add("PV2").set(8, s.at(v.planned)).set(9, s.at(v.expected)).set(47, s.at(v.back))
	}
}

func joined(s *segment, n int, value string) string {
	if len(s.fields) >= n && s.fields[n-1] != "" {
		return s.fields[n-1] + "~" + value
	}
	return value
}

// clinical writes diagnoses and insurance, which short messages leave out.
func (t *teller) clinical(l *letter, m telling) {
	switch m.trigger {
	case "A01", "A03", "A04", "A05", "A06", "A07", "A08", "A13", "A14":
	default:
		return
	}
	system, kind := "I10C", "W"
	if t.at.Dotless {
		system = "I10"
	}
	if m.visit.final {
		kind = "F"
	}
	for i, c := range m.visit.codes {
		l.add("DG1").set(1, fmt.Sprint(i+1)).set(3, t.at.code(c)+"^^"+system).set(6, kind).set(15, fmt.Sprint(i+1))
	}
	p := m.who
	l.add("IN1").set(1, "1").set(2, p.payer).set(3, p.payer).set(4, p.payer).set(17, "SEL").set(36, p.member)
}

// mrg writes what a merge, move or change of identifiers is from.
func (t *teller) mrg(l *letter, p *record, account, number string) {
	seg := l.add("MRG").set(1, t.at.id(p.mr, "MR"))
	if account != "" {
		seg.set(3, t.at.id(account, "AN"))
	}
	if number != "" {
		seg.set(5, t.at.id(number, "VN"))
	}
	seg.set(7, p.family+"^"+p.given)
}
