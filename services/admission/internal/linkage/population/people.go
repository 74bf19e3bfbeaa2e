package population

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// person is the truth about somebody.
type person struct {
	id                    int
	given, middle, family string
	maiden                string
	suffix                string
	sex                   string
	born                  time.Time
	ssn                   string
	mobile                string
	place                 int // among those born with it; 0: alone
	house                 *house
}

// house is where people live together.
type house struct {
	number, street, kind int
	zip, city, phone     string
	unit                 string
}

type maker struct {
	*rand.Rand
	people []*person
	opt    Options
}

func (m *maker) chance(p float64) bool { return m.Float64() < p }

// zipf picks from n values whose frequencies fall by rank, as those of names do.
func (m *maker) zipf(n int, shift, power float64) int {
	// The inverse of the integral of (x + shift)^-power over 0..n.
	a, b := math.Pow(shift, 1-power), math.Pow(float64(n)+shift, 1-power)
	return min(n-1, int(math.Pow(a+m.Float64()*(b-a), 1/(1-power))-shift))
}

func (m *maker) given(sex string) string {
	list := men
	if sex == "F" {
		list = women
	}
	if m.chance(0.82) {
		return list[m.zipf(len(list), 12, 1.15)]
	}
	return tail(m.zipf(8_000, 30, 1.1), 2)
}

func (m *maker) family() string {
	switch {
	case m.chance(0.42):
		return families[m.zipf(len(families), 15, 1.1)]
	case m.chance(0.04):
		return families[m.IntN(len(families))] + "-" + families[m.IntN(len(families))]
	}
	return tail(m.zipf(60_000, 200, 1.05)*7+3, 3)
}

func (m *maker) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + m.IntN(10))
	}
	return string(b)
}

func (m *maker) phone() string {
	return []string{"217", "618", "309", "312"}[m.IntN(4)] + "2" + m.digits(6)
}

func (m *maker) house() *house {
	zip := 62000 + m.zipf(220, 20, 1.2)
	h := &house{number: 1 + m.zipf(9_800, 300, 1.2), street: m.IntN(len(streets) * 14), kind: m.IntN(len(streetKinds)), zip: fmt.Sprint(zip), city: cities[zip%len(cities)]}
	if m.chance(0.55) {
		h.phone = m.phone()
	}
	if m.chance(0.22) {
		h.unit = fmt.Sprintf("%d%c", 1+m.IntN(30), 'A'+m.IntN(6))
	}
	return h
}

func (m *maker) person(h *house, sex, family string, born time.Time) *person {
	p := &person{id: len(m.people), sex: sex, family: family, maiden: family, given: m.given(sex), born: born, ssn: m.digits(4), house: h}
	if m.chance(0.8) {
		p.middle = m.given(sex)
	}
	if age(born) > 13 && m.chance(0.85) {
		p.mobile = m.phone()
	}
	m.people = append(m.people, p)
	return p
}

var today = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func age(born time.Time) int { return int(today.Sub(born).Hours() / 8766) }

func (m *maker) bornAt(age float64) time.Time {
	return today.AddDate(0, 0, -int((age+m.Float64())*365.25)).Truncate(24 * time.Hour)
}

// household makes the people of one home. The ages are those of hospitals' patients.
func (m *maker) household() {
	h := m.house()
	family := m.family()
	years := 19 + 72*math.Sqrt(m.Float64())*m.Float64() + 12*m.Float64()
	sexes := []string{"M", "F"}
	if m.chance(0.35) {
		m.person(h, sexes[m.IntN(2)], family, m.bornAt(years))
		return
	}
	father := m.person(h, "M", family, m.bornAt(years))
	mother := m.person(h, "F", family, m.bornAt(math.Max(18, years-6+8*m.Float64())))
	if mother.maiden = m.family(); m.chance(0.2) {
		mother.family = mother.maiden
	}
	if years > 75 {
		return
	}
	oldest := math.Min(years-19, float64(24*m.Float64()))
	for range m.IntN(4) {
		if oldest < 0 {
			return
		}
		m.children(h, family, father, oldest)
		oldest -= 1.3 + 4*m.Float64()
	}
}

func (m *maker) children(h *house, family string, father *person, years float64) {
	sexes := []string{"M", "F"}
	first := m.person(h, sexes[m.IntN(2)], family, m.bornAt(years))
	if first.sex == "M" && father.suffix == "" && m.chance(0.06) {
		first.given, first.suffix, father.suffix = father.given, "Jr", "Sr"
		if m.chance(0.7) {
			first.middle = father.middle
		}
	}
	if !m.chance(0.017) {
		return
	}
	// Twins; a third of them look alike, and many are called alike.
	sex := first.sex
	if m.chance(0.35) {
		sex = sexes[m.IntN(2)]
	}
	second := m.person(h, sex, family, first.born)
	first.place, second.place = 1, 2
	if sex == first.sex && m.chance(0.25) {
		pair := alikeTwins[sex][m.IntN(len(alikeTwins[sex]))]
		first.given, second.given = pair[0], pair[1]
	}
	for second.given == first.given {
		second.given = m.given(sex)
	}
}
