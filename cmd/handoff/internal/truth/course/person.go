package course

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// record is one patient record of a hospital; a person may have several.
type record struct {
	mr       string // medical record number
	regional string // an identifier that hospitals share; "" none
	member   string // of the insurance
	family   string
	given    string
	born     string // YYYYMMDD
	sex      string
	street   string
	city     string
	zip      string
	phone    string
	language string
	payer    string
	doctor   string
	kin      string
	private  bool
	dead     time.Time
	said     bool // PID-30 is N: the record says that the person lives
	updated  time.Time
	twin     *record // the mother's record, of a newborn
}

var (
	onsets    = []string{"b", "br", "d", "dr", "f", "g", "gl", "h", "j", "k", "kr", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w", "y", "z"}
	vowels    = []string{"a", "á", "e", "i", "o", "u"}
	codas     = []string{"", "ck", "l", "m", "n", "ñ", "nd", "r", "rt", "s", "sk", "th", "x"}
	women     = []string{"Adelheid", "Beatrix", "Cosima", "Delphine", "Eulalia", "Felicitas", "Guinevere", "Henrietta", "Isolde", "Josefa"}
	men       = []string{"Alaric", "Bertrand", "Cornelius", "Demetrio", "Everard", "Florian", "Godfrey", "Humphrey", "Isidro", "Jasper"}
	streets   = []string{"Alderbrook Lane", "Birchwood Court", "Copperfield Road", "Dovecote Way", "Elderberry Street", "Fernhollow Drive"}
	towns     = [][2]string{{"Evanwood", "60201"}, {"Batavon", "60510"}, {"Maple Ridge", "62301"}, {"Glen Arbor", "49636"}, {"Fort Kearny", "68847"}}
	languages = []string{"en^English^ISO639", "en^English^ISO639", "es^Spanish^ISO639", "vi^Vietnamese^ISO639"}
	payers    = []string{"MEDICARE", "MEDICAID", "BCBS", "SELFPAY", "AETNA"}
	doctors   = []string{"1982736450^Orlovsky^Pia", "1730285946^Brambilla^Cato", "1205839476^Haverkamp^Liv"}
	codes     = []string{"I50.9", "I10", "E11.9", "J44.9", "N18.6", "J18.9", "S72.001A", "F33.2", "K35.80", "I63.9", "C34.90", "Z51.11"}
	services  = []string{"MED", "SUR", "CAR", "PUL"}
	units     = []string{"4NORTH", "5SOUTH", "CCU", "TELE2", "ORTHO"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

// surname is a name unlike anybody else's: people of different cases are not to be taken for one, also
// where they are of one age, sex and town.
func (t *teller) surname() string {
	var out strings.Builder
	for range 3 {
		out.WriteString(pick(t.own, onsets) + pick(t.own, vowels) + pick(t.own, codas))
	}
	name := []rune(out.String())
	return strings.ToUpper(string(name[:1])) + string(name[1:])
}

// address and number are nobody's but this case's: people of different cases are not to be taken for one.
func (t *teller) address() string {
	return fmt.Sprintf("%d %s", 1+t.own.IntN(20000), pick(t.own, streets))
}

func (t *teller) number() string {
	return fmt.Sprintf("(%d)555-%04d", 200+t.own.IntN(800), t.own.IntN(10000))
}

// newRecord invents somebody, or another record of somebody.
func (t *teller) newRecord() *record {
	t.records++
	n := t.records
	p := &record{
		mr: fmt.Sprintf("M%s%d", t.tag, n), family: t.surname(), sex: pick(t.rng, []string{"F", "M"}),
		born:   fmt.Sprintf("%d%02d%02d", 1931+t.rng.IntN(70), 1+t.own.IntN(12), 1+t.own.IntN(28)),
		street: t.address(), phone: t.number(),
		language: pick(t.rng, languages), payer: pick(t.rng, payers), doctor: pick(t.rng, doctors), private: chance(t.rng, 3),
		member: fmt.Sprintf("W%s%d", t.tag, n),
	}
	p.given = pick(t.rng, women)
	if p.sex == "M" {
		p.given = pick(t.rng, men)
	}
	town := pick(t.rng, towns)
	p.city, p.zip, p.kin = town[0], town[1], pick(t.rng, men)
	if chance(t.rng, 40) {
		p.regional = fmt.Sprintf("R%s%d", t.tag, n)
	}
	return p
}

// again is another record of the same person, as a second clerk typed it.
func (t *teller) again(p *record) *record {
	t.records++
	q := *p
	q.mr, q.regional = fmt.Sprintf("M%s%d", t.tag, t.records), ""
	if chance(t.rng, 50) {
		q.given = q.given[:1]
	}
	if chance(t.rng, 50) {
		q.phone = t.number()
	}
	return &q
}

// pid writes PID, PD1 and NK1.
func (t *teller) pid(l *letter, p *record, account string) {
	s := t.at
	ids := s.id(p.mr, "MR")
	if p.regional != "" {
		ids += "~" + p.regional + "^^^MIDREGION&2.25.7100&ISO^PI"
	}
	if p.payer == "MEDICARE" {
		ids += "~" + p.member + "^^^CMS&2.16.840.1.113883.4.927&ISO^MC"
	}
	seg := l.add("PID").set(1, "1").set(3, ids).set(5, p.family+"^"+p.given+"^^^^^L").set(7, p.born).set(8, p.sex).
		set(11, p.street+"^^"+p.city+"^IL^"+p.zip+"^USA^H").set(13, p.phone).set(15, p.language)
	if account != "" {
		seg.set(18, s.id(account, "AN"))
	}
	switch {
	case !p.dead.IsZero():
		seg.set(29, s.at(p.dead)).set(30, "Y")
	case p.said:
		seg.set(29, `""`).set(30, "N")
	}
	if p.twin != nil {
		seg.set(21, s.id(p.twin.mr, "MR"))
	}
	seg.set(33, s.at(p.updated))
	pd1 := l.add("PD1").set(4, p.doctor)
	if p.private {
		pd1.set(12, "Y")
	}
	l.add("NK1").set(1, "1").set(2, p.family+"^"+p.kin).set(3, "SPO^Spouse^HL70063").set(5, p.phone).set(7, "C")
	if p.twin != nil {
		l.add("NK1").set(1, "2").set(2, p.twin.family+"^"+p.twin.given).set(3, "MTH^Mother^HL70063").set(33, s.id(p.twin.mr, "MR"))
	}
}
