package linkage

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// Profile is what is compared of one patient, in the one spelling in which it is compared. Zero
// members are not known. It holds names: it prints as nothing.
type Profile struct {
	family string   // all of it, without gaps
	parts  []string // its words, particles joined to them
	given  string   // all of it, without gaps
	first  string   // its first word
	middle string
	suffix string // generation: "1" senior, "2" junior...
	order  string // of a child without a name among its siblings
	many   bool   // one of twins or more
	birth  string // yyyymmdd, or less of it
	sex    string // M or F
	homes  []home
	phones []string
	ssn    string // keyed digest of the last four
	card   string // keyed digest of the Medicare number
}

// home is an address.
type home struct {
	number, street, zip string
}

// Most of each that is compared: a patient with twenty old phones is not compared twenty times.
const (
	mostHomes  = 2
	mostPhones = 3
)

// Read makes a profile of what is known of a patient.
func Read(r *identity.Record) Profile {
	var p Profile
	p.name(identity.Read[identity.PersonName](r, identity.Name))
	p.birth = strings.ReplaceAll(r.Value(identity.Birth), "-", "")
	if s := r.Value(identity.Sex); s == "M" || s == "F" {
		p.sex = s
	}
	for _, a := range identity.Read[[]identity.PostalAddress](r, identity.Address) {
		if h, ok := address(a); ok && len(p.homes) < mostHomes {
			p.homes = append(p.homes, h)
		}
	}
	for _, t := range identity.Read[[]identity.Telecom](r, identity.Phones) {
		if n := phone(t.Number); n != "" && len(p.phones) < mostPhones && !slices.Contains(p.phones, n) {
			p.phones = append(p.phones, n)
		}
	}
	p.ssn, p.card = r.Value(identity.SSN4), r.Value(identity.Medicare)
	if multiple := r.Value(identity.Multiple); multiple != "" {
		p.many = true
		if order := strings.TrimSpace(strings.TrimPrefix(multiple, "Y")); order != "" {
			p.order = order
		}
	}
	return p
}

// name takes a name apart.
func (p *Profile) name(n identity.PersonName) {
	p.suffix = generations[strings.ReplaceAll(letters(n.Suffix), " ", "")]
	p.familyName(n.Family)
	var given []string
	child := false
	for _, w := range strings.Fields(letters(n.Given)) {
		switch {
		case nobody[w]:
			child = child || newborn[w]
		case child && len(w) == 1:
			p.order = orderOf(w)
		default:
			given = append(given, w)
		}
	}
	if child {
		given = nil // a child called after its mother has no name yet
	}
	p.given = strings.Join(given, "")
	if len(given) > 0 {
		p.first = given[0]
	}
	middle := strings.Fields(letters(n.Middle))
	if child {
		return
	}
	if len(middle) > 0 && !nobody[middle[0]] {
		p.middle = middle[0]
	} else if len(given) > 1 {
		p.middle = given[1]
	}
}

func (p *Profile) familyName(text string) {
	var held string
	list := strings.Fields(letters(text))
	for i, w := range list {
		switch {
		case i > 0 && i == len(list)-1 && generations[w] != "" && held == "":
			if p.suffix == "" {
				p.suffix = generations[w]
			}
		case particles[w] && i < len(list)-1:
			held += w
		default:
			p.parts = append(p.parts, held+w)
			held = ""
		}
	}
	if !slices.ContainsFunc(p.parts, func(w string) bool { return !nobody[w] && w != "doe" }) {
		p.parts = nil
	}
	p.family = strings.Join(p.parts, "")
}

// orderOf makes A, B, C and 1, 2, 3 one.
func orderOf(w string) string {
	if w[0] >= 'a' && w[0] <= 'f' {
		return string(rune('1' + w[0] - 'a'))
	}
	return w
}

// address takes an address apart; false if it is none.
func address(a identity.PostalAddress) (home, bool) {
	var h home
	if a.Use == "BA" || a.Use == "O" || a.Use == "B" {
		return h, false // bad, or an office
	}
	var street []string
	list := strings.Fields(letters(a.Street))
	for i, w := range list {
		switch {
		case nowhere[w]:
			return home{}, false
		case i == 0 && w[0] >= '0' && w[0] <= '9':
			h.number = w
			continue
		case units[w] && i > 1:
			list = nil
		default:
			if s := streetWords[w]; s != "" {
				w = s
			}
			street = append(street, w)
		}
		if list == nil {
			break
		}
	}
	h.street = strings.Join(street, "")
	if zip := letters(a.Zip); len(zip) >= 5 && strings.Trim(zip[:5], zip[:1]) != "" {
		h.zip = zip[:5]
	}
	return h, h.street != "" || h.zip != ""
}

// phone is a number's ten digits, or "" for what cannot be one.
func phone(s string) string {
	d := make([]byte, 0, 11)
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			d = append(d, s[i])
		}
		if s[i] == 'x' || s[i] == 'X' {
			break // an extension
		}
	}
	if len(d) == 11 && d[0] == '1' {
		d = d[1:]
	}
	if len(d) != 10 || d[0] < '2' {
		return ""
	}
	n := string(d)
	if strings.Trim(n[3:], n[9:]) == "" || n == "2345678901" {
		return ""
	}
	return n
}

const (
	fieldEnd = "\x1f"
	itemEnd  = "\x1e"
)

// Encode writes a profile as it is stored, in the schema where names live.
func (p *Profile) Encode() string {
	homes := make([]string, len(p.homes))
	for i, h := range p.homes {
		homes[i] = h.number + "\x1d" + h.street + "\x1d" + h.zip
	}
	many := ""
	if p.many {
		many = "y"
	}
	return strings.Join([]string{
		strings.Join(p.parts, itemEnd), p.given, p.first, p.middle, p.suffix, p.order, many, p.birth, p.sex,
		strings.Join(homes, itemEnd), strings.Join(p.phones, itemEnd), p.ssn, p.card,
	}, fieldEnd)
}

// Decode reads what Encode wrote.
func Decode(s string) Profile {
	next := func() (v string) {
		v, s, _ = strings.Cut(s, fieldEnd)
		return v
	}
	items := func() []string {
		if v := next(); v != "" {
			return strings.Split(v, itemEnd)
		}
		return nil
	}
	p := Profile{parts: items()}
	p.family = strings.Join(p.parts, "")
	p.given, p.first, p.middle, p.suffix, p.order = next(), next(), next(), next(), next()
	p.many, p.birth, p.sex = next() != "", next(), next()
	for _, v := range items() {
		var h home
		h.number, v, _ = strings.Cut(v, "\x1d")
		h.street, h.zip, _ = strings.Cut(v, "\x1d")
		p.homes = append(p.homes, h)
	}
	p.phones, p.ssn, p.card = items(), next(), next()
	return p
}

// Format writes a mask for every verb: a profile holds names.
func (p Profile) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[phi]")) }

// LogValue returns the mask.
func (p Profile) LogValue() slog.Value { return slog.StringValue("[phi]") }
