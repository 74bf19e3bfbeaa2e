package linkage

import "math"

// TermKind is a kind of value whose frequency weighs.
type TermKind int

// The kinds. Their numbers are stored: add at the end, never renumber.
const (
	FamilyTerm TermKind = iota
	GivenTerm
	RootTerm // what a given name may be short for
	BirthTerm
	HomeTerm
	ZIPTerm
	PhoneTerm
	termKinds
)

var termNames = [termKinds]string{"family", "given", "root", "birth", "home", "zip", "phone"}

// Term is a value of a kind.
type Term struct {
	Kind  TermKind
	Value string
}

// Terms are a profile's values that are counted, each once.
func (p *Profile) Terms() []Term {
	var out []Term
	add := func(k TermKind, v string) {
		for _, t := range out {
			if t.Kind == k && t.Value == v {
				return
			}
		}
		if v != "" {
			out = append(out, Term{k, v})
		}
	}
	add(FamilyTerm, p.family)
	for _, w := range p.parts {
		add(FamilyTerm, w)
	}
	add(GivenTerm, p.given)
	add(GivenTerm, p.first)
	if p.first != "" {
		for _, r := range roots(p.first) {
			add(RootTerm, r)
		}
	}
	if len(p.birth) == 8 {
		add(BirthTerm, p.birth)
	}
	for _, h := range p.homes {
		if h.street != "" {
			add(HomeTerm, h.number+" "+h.street)
		}
		add(ZIPTerm, h.zip)
	}
	for _, n := range p.phones {
		add(PhoneTerm, n)
	}
	return out
}

// Digest is a term as it is stored.
func (t Term) Digest(d *Digester, scope string) int64 {
	return d.Digest("term", termNames[t.Kind], t.Value, scope)
}

// Name reports whether the term is a name, whose count is needed on both sides of a pair.
func (t Term) Name() bool { return t.Kind == FamilyTerm || t.Kind == GivenTerm }

// Stats is what is known of an organization's patients as a whole. Counts needs to hold the terms of
// one side of the pairs that are scored, and the names of both: what agrees is on both.
type Stats struct {
	Patients int
	Counts   map[Term]int
}

// enough is how many patients tell which names are rare.
const enough = 10_000

// rare reports whether a name is none that several people have: one that somebody misspelled, if
// another name is like it.
func (s *Stats) rare(kind TermKind, name string) bool {
	return s.Patients >= enough && s.Counts[Term{kind, name}] <= 2+s.Patients/50_000
}

// share is how many of the patients have a value, smoothed by what is usual: of a small organization
// as if those who were not here yet had the usual values, so that its first patients' names are not
// taken for everybody's.
func (m *Model) share(s *Stats, t Term) float64 {
	smoothing := math.Max(m.smoothing[t.Kind], m.population-float64(s.Patients))
	return (float64(s.Counts[t]) + smoothing*m.usual[t.Kind]) / (float64(s.Patients) + smoothing)
}
