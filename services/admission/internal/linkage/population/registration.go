package population

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/phi"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// Options say how many, how messy and which of all populations.
type Options struct {
	Records int
	Seed    uint64
	// Mess scales the rates of all mistakes, changes and omissions; 0 means 1: about one registration
	// in four has a mistake or an old value, one social security number in three is missing.
	Mess float64
}

// Population is registrations in random order and whose they are.
type Population struct {
	Records  []identity.Record
	Person   []int // by record
	Facility []int // by record: a person is registered at each once at most
	Persons  int
}

// Facilities is how many hospitals register.
const Facilities = 6

// Make makes a population.
func Make(o Options) *Population {
	if o.Mess == 0 {
		o.Mess = 1
	}
	m := &maker{Rand: rand.New(rand.NewPCG(o.Seed, 1)), opt: o}
	out := &Population{}
	for done := 0; len(out.Records) < o.Records; {
		if done == len(m.people) {
			m.household()
		}
		for ; done < len(m.people) && len(out.Records) < o.Records; done++ {
			m.register(out, m.people[done])
		}
	}
	m.Shuffle(len(out.Records), func(i, j int) {
		out.Records[i], out.Records[j] = out.Records[j], out.Records[i]
		out.Person[i], out.Person[j] = out.Person[j], out.Person[i]
		out.Facility[i], out.Facility[j] = out.Facility[j], out.Facility[i]
	})
	return out
}

// Pairs is how many pairs of records are one person's.
func (p *Population) Pairs() int {
	n, count := 0, map[int]int{}
	for _, who := range p.Person {
		n += count[who]
		count[who]++
	}
	return n
}

// register makes a person's registrations at one hospital or more, in the order of time.
func (m *maker) register(out *Population, p *person) {
	n := 1
	for n < Facilities && m.chance(0.4) {
		n++
	}
	out.Persons++
	facilities := m.Perm(Facilities)
	now := *p
	for i := range n {
		if i > 0 {
			m.live(&now)
		}
		out.Records = append(out.Records, m.registration(&now, i == 0))
		out.Person = append(out.Person, p.id)
		out.Facility = append(out.Facility, facilities[i])
	}
}

func (m *maker) messy(p float64) bool { return m.chance(p * m.opt.Mess) }

// live is what happens between two registrations.
func (m *maker) live(p *person) {
	if m.messy(0.18) {
		p.house = m.house()
	}
	if m.messy(0.12) && p.mobile != "" {
		p.mobile = m.phone()
	}
	if p.sex == "F" && age(p.born) > 19 && m.messy(0.05) {
		switch {
		case p.family != p.maiden && m.chance(0.4):
			p.family = p.maiden // divorced
		case m.chance(0.15):
			p.family = p.family + "-" + m.family()
		case m.chance(0.3):
			p.middle, p.family = p.family, m.family()
		default:
			p.family = m.family()
		}
	}
}

// registration is what one hospital writes down.
func (m *maker) registration(p *person, first bool) (r identity.Record) {
	set := func(g identity.Group, v phi.Text) { r.Stamps[g], r.Values[g] = 1, v }
	set(identity.Name, identity.Encode(m.name(p, first)))
	if b := m.birth(p.born); b != "" {
		set(identity.Birth, phi.Of(b))
	}
	if sex := p.sex; !m.messy(0.006) {
		if m.messy(0.004) {
			sex = map[string]string{"M": "F", "F": "M"}[sex]
		}
		set(identity.Sex, phi.Of(sex))
	}
	if !m.messy(0.04) {
		set(identity.Address, identity.Encode([]identity.PostalAddress{m.address(p.house)}))
	}
	if list := m.phones(p); len(list) > 0 {
		set(identity.Phones, identity.Encode(list))
	}
	missing := 0.3
	if age(p.born) < 16 {
		missing = 0.6
	}
	if !m.messy(missing) {
		ssn := p.ssn
		if m.messy(0.02) {
			ssn = m.digits(4)
		}
		set(identity.SSN4, phi.Of("digest of "+ssn))
	}
	if p.place > 0 && m.chance(0.3) {
		set(identity.Multiple, phi.Of(fmt.Sprintf("Y %d", p.place)))
	}
	return r
}

func (m *maker) name(p *person, first bool) identity.PersonName {
	n := identity.PersonName{Family: p.family, Given: p.given, Middle: p.middle}
	if first && age(p.born) < 1 && m.chance(0.5) {
		n.Given, n.Middle = "Baby Boy", ""
		if p.sex == "F" {
			n.Given = "Baby Girl"
		}
		if p.place > 0 {
			n.Given += " " + string(rune('A'+p.place-1))
		}
		return n
	}
	if m.chance(0.5) {
		n.Suffix = p.suffix
	}
	if names := called[n.Given]; len(names) > 0 && m.messy(0.09) {
		n.Given = names[m.IntN(len(names))]
	} else if n.Middle != "" && m.messy(0.012) {
		n.Given, n.Middle = n.Middle, n.Given[:1]
	}
	switch {
	case n.Middle == "" || m.messy(0.3):
		n.Middle = ""
	case m.chance(0.45):
		n.Middle = n.Middle[:1]
	}
	if m.messy(0.025) {
		n.Family = m.slip(n.Family)
	}
	if m.messy(0.02) {
		n.Given = m.slip(n.Given)
	}
	if i := strings.IndexByte(n.Family, '-'); i > 0 && m.messy(0.25) {
		n.Family = []string{n.Family[:i], n.Family[i+1:], strings.Replace(n.Family, "-", " ", 1)}[m.IntN(3)]
	}
	if m.messy(0.003) {
		n.Family, n.Given = n.Given, n.Family
	}
	if m.chance(0.5) {
		n.Family, n.Given, n.Middle = strings.ToUpper(n.Family), strings.ToUpper(n.Given), strings.ToUpper(n.Middle)
	}
	return n
}

// slip is a word with one slip of the hand.
func (m *maker) slip(w string) string {
	b := []byte(w)
	if len(b) < 3 {
		return w
	}
	i := 1 + m.IntN(len(b)-1)
	switch m.IntN(5) {
	case 0:
		return string(b[:i]) + string(b[i+1:])
	case 1:
		return string(b[:i]) + string(rune('a'+m.IntN(26))) + string(b[i:])
	case 2:
		if i+1 < len(b) {
			b[i], b[i+1] = b[i+1], b[i]
		}
	case 3:
		return m.heard(w)
	default:
		b[i] = byte('a' + m.IntN(26))
	}
	return string(b)
}

// heard is a word as somebody may spell it who only hears it.
func (m *maker) heard(w string) string {
	for range 6 {
		pair := [][2]string{{"ph", "f"}, {"f", "ph"}, {"ie", "y"}, {"y", "ie"}, {"c", "k"}, {"k", "c"}, {"ll", "l"}, {"l", "ll"}, {"nn", "n"}, {"n", "nn"}, {"ei", "ie"}, {"s", "z"}, {"sen", "son"}, {"e", "a"}, {"a", "e"}, {"tt", "t"}}[m.IntN(16)]
		if i := strings.LastIndex(w, pair[0]); i > 0 {
			return w[:i] + pair[1] + w[i+len(pair[0]):]
		}
	}
	return w + "e"
}

func (m *maker) birth(t time.Time) string {
	y, mo, d := t.Date()
	switch {
	case m.messy(0.003):
		return ""
	case m.messy(0.002):
		mo, d = 1, 1
	case m.messy(0.004) && d <= 12:
		mo, d = time.Month(d), int(mo)
	case m.messy(0.003):
		y += []int{-10, -1, 1, 10, 100, -100}[m.IntN(6)]
	case m.messy(0.010):
		switch m.IntN(3) {
		case 0:
			d = 1 + (d+m.IntN(27))%28
		case 1:
			mo = time.Month(1 + (int(mo)+m.IntN(11))%12)
		default:
			y = y - y%10 + m.IntN(10)
		}
	}
	return fmt.Sprintf("%04d-%02d-%02d", y, int(mo), d)
}

func (m *maker) address(h *house) identity.PostalAddress {
	street := streets[h.street%len(streets)]
	if n := h.street / len(streets); n > 0 {
		street = []string{"", "East", "West", "North", "South", "Old", "New", "Upper", "Lower", "Little", "Big", "Great", "Saint", "Fort"}[n] + " " + street
	}
	if m.messy(0.025) {
		street = m.slip(street)
	}
	number := fmt.Sprint(h.number)
	if m.messy(0.01) {
		number = m.slip(number)
	}
	a := identity.PostalAddress{Street: number + " " + street + " " + streetKinds[h.kind][m.IntN(2)], City: h.city, State: "IL", Zip: h.zip, Use: "H"}
	if h.unit != "" && !m.messy(0.3) {
		if m.chance(0.5) {
			a.Street += " Apt " + h.unit
		} else {
			a.Other = "Apt " + h.unit
		}
	}
	if m.messy(0.01) {
		a.Zip = a.Zip[:3] + m.digits(2)
	}
	if m.chance(0.2) {
		a.Zip += "-" + m.digits(4)
	}
	return a
}

func (m *maker) phones(p *person) []identity.Telecom {
	var out []identity.Telecom
	for _, n := range []string{p.mobile, p.house.phone} {
		if n == "" || m.messy(0.2) {
			continue
		}
		if m.messy(0.015) {
			i := 3 + m.IntN(7)
			n = n[:i] + m.digits(1) + n[i+1:]
		}
		switch m.IntN(3) {
		case 0:
			n = "(" + n[:3] + ")" + n[3:6] + "-" + n[6:]
		case 1:
			n = n[:3] + "-" + n[3:6] + "-" + n[6:]
		}
		out = append(out, identity.Telecom{Use: "PRN", Number: n})
	}
	if len(out) == 0 && m.messy(0.03) {
		out = append(out, identity.Telecom{Number: "(000)000-0000"})
	}
	return out
}
