package hospital

import (
	"fmt"
	"math/rand/v2"
	"time"
)

var (
	familyNames = []string{
		"Abbott", "Achterberg", "Bellamy", "Brandvold", "Calloway", "Castellano", "Dang", "Delacroix", "Eastman", "Espinoza",
		"Fairchild", "Fontaine", "Garrity", "Guzmán", "Haverford", "Holloway", "Ibarra", "Iverson", "Jankowski", "Jefferies",
		"Kowalczyk", "Kincaid", "Lattimore", "Lindgren", "Marchetti", "McElroy", "Muñoz", "Nakagawa", "Novak", "O'Dell",
		"Okonkwo", "Pellegrino", "Prescott", "Quiñones", "Ravenscroft", "Rutledge", "Sandoval", "Stavros", "Szymanski", "Thibodeaux",
		"Trinh", "Underhill", "Vandermeer", "Villareal", "Wainwright", "Whitcomb", "Xiong", "Yarborough", "Zamora", "Zielinski",
	}
	givenNames = map[string][]string{
		"F": {
			"Adela", "Beatrice", "Carmen", "Dolores", "Eleanor", "Frances", "Gloria", "Harriet", "Irene", "Josephine", "Katherine", "Lorraine",
			"Margaret", "Nadine", "Opal", "Patricia", "Renée", "Rosalind", "Shirley", "Theresa", "Ursula", "Vivian", "Wilma", "Yvonne", "Zora",
		},
		"M": {
			"Albert", "Bernard", "Clarence", "Desmond", "Ernest", "Franklin", "Gerald", "Harold", "Isaac", "Jerome", "Kenneth", "Leonard",
			"Marcus", "Nathaniel", "Oscar", "Percy", "Quentin", "Raymond", "Salvatore", "Theodore", "Ulises", "Vernon", "Walter", "Xavier", "José",
		},
	}
	streets  = []string{"Alder", "Birchwood", "Cedar Hill", "Dogwood", "Elmhurst", "Foxglove", "Gristmill", "Hawthorne", "Juniper", "Kestrel", "Larkspur", "Millrace", "Orchard", "Quarry", "Sycamore", "Tamarack"}
	suffixes = []string{"Street", "Avenue", "Lane", "Court", "Road"}
	towns    = []struct{ city, zip string }{
		{"Chicago", "60614"}, {"Chicago", "60629"}, {"Evanston", "60201"}, {"Oak Park", "60302"}, {"Naperville", "60540"},
		{"Joliet", "60435"}, {"Cicero", "60804"}, {"Schaumburg", "60173"},
	}
	languages = []string{"en", "en", "en", "en", "en", "en", "en", "es", "es", "vi", "zh", "ru"}
	relations = []struct{ code, text string }{{"SPO", "Spouse"}, {"CHD", "Child"}, {"SIB", "Sibling"}, {"PAR", "Parent"}, {"FND", "Friend"}}
)

type payer struct{ plan, id, name string }

var (
	medicare  = payer{"MCRA", "00431", "Medicare Part A and B"}
	advantage = payer{"MCRADV", "60054", "Summit Medicare Advantage"}
	medicaid  = payer{"MCD", "12K02", "State Medicaid"}
	employers = []payer{{"PPO", "87726", "Keystone PPO"}, {"HMO", "23281", "Lakeshore HMO"}, {"SELF", "", "Self pay"}}
)

// person is a patient: who they are at every facility.
type person struct {
	serial                     int
	family, given, middle, sex string
	birth                      time.Time // local date
	street, city, zip, phone   string
	language                   string
	kin                        string // given name of the next of kin
	relation                   int
	payer                      payer
	member                     string // id at the payer; Medicare's and Medicaid's name the person at every facility
	regional                   string // id at the regional exchange, which some feeds do not send
	doctor                     clinician
	private                    bool
	deceased                   time.Time
	records                    map[string]string // medical record number by facility
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func newPerson(r *rand.Rand, serial, age int, sex string, now time.Time) *person {
	town := pick(r, towns)
	p := &person{
		serial: serial, family: pick(r, familyNames), given: pick(r, givenNames[sex]), middle: string(rune('A' + r.IntN(26))), sex: sex,
		birth:  time.Date(now.Year()-age, time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC),
		street: fmt.Sprintf("%d %s %s", 10+r.IntN(980), pick(r, streets), pick(r, suffixes)), city: town.city, zip: town.zip,
		phone: fmt.Sprintf("555%04d", 100+r.IntN(100)), language: pick(r, languages),
		kin: pick(r, givenNames[pick(r, []string{"F", "M"})]), relation: r.IntN(len(relations)),
		regional: fmt.Sprintf("RX%09d", serial), doctor: pick(r, clinicians), private: r.IntN(50) == 0, records: map[string]string{},
	}
	if age == 0 {
		p.birth = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
		p.given = map[string]string{"F": "Babygirl", "M": "Babyboy"}[sex]
	}
	p.payer, p.member = insurance(r, age, serial)
	return p
}

func insurance(r *rand.Rand, age, serial int) (payer, string) {
	switch n := r.IntN(100); {
	case age >= 65 && n < 65:
		return medicare, medicareID(serial)
	case age >= 65:
		return advantage, medicareID(serial)
	case n < 35:
		return medicaid, fmt.Sprintf("MD%09dX", serial)
	}
	p := pick(r, employers)
	return p, fmt.Sprintf("%s%09d", p.plan, serial)
}

// medicareID has the shape of a Medicare beneficiary identifier, with letters that none has.
func medicareID(serial int) string {
	const digits, letters = "123456789", "SLOIBZ"
	id := []byte("nannannaann")
	for i, kind := range id {
		from := letters
		if kind == 'n' {
			from = digits
		}
		id[i] = from[serial%len(from)]
		serial /= len(from)
	}
	return string(id)
}

type clinician struct{ npi, family, given string }

var clinicians = []clinician{
	{"1999900011", "Aldous", "Miriam"}, {"1999900029", "Banerjee", "Anil"}, {"1999900037", "Coldwell", "Judith"}, {"1999900045", "Dvorak", "Pavel"},
	{"1999900052", "Eze", "Chidi"}, {"1999900060", "Farrow", "Stephen"}, {"1999900078", "Grünwald", "Anke"}, {"1999900086", "Huang", "Meilin"},
	{"1999900094", "Ingersoll", "Paul"}, {"1999900102", "Jacobi", "Ruth"},
}
