package linkage

import (
	"math"
	"strconv"
)

// Verdict is what to do with a pair.
type Verdict string

// The verdicts.
const (
	Link   Verdict = "link"
	Look   Verdict = "review"
	Ignore Verdict = "ignore"
)

// Weight is a part of a score: how far a comparison speaks for one person, in bits: with 3 it is
// eight times as likely of one person as of the leading other story.
type Weight struct {
	Field Field
	Level Level
	Bits  float64
}

// Explanation is a score with its parts: Score = Prior + all weights + Rest.
type Explanation struct {
	Score   float64 // log2 of the odds that the two are one person
	Verdict Verdict
	Rival   Story   // what the two most probably are if not one person
	Prior   float64 // how often a record is met by its own person's rather than by such others
	Weights [Fields]Weight
	Rest    float64 // what the other stories take off
	Veto    string  // why the pair is never linked; or ""
	Hold    string  // why it is not linked without somebody's look; or ""
	Model   int     // version of the model
}

// Probability is that of one person, given the score.
func (e *Explanation) Probability() float64 { return 1 / (1 + math.Exp2(-e.Score)) }

// Score weighs a pair.
func (m *Model) Score(a, b *Profile, s *Stats) Explanation {
	found := compare(a, b, s)
	e := Explanation{Model: m.Version}
	var total [stories]float64
	for story := range total {
		partners := m.partners[story]
		if Story(story) == Strangers {
			partners = math.Max(float64(s.Patients), m.population)
		}
		total[story] = math.Log2(partners)
	}
	var bits [Fields]chance
	for f := range found {
		e.Weights[f] = Weight{Field: Field(f), Level: found[f].level}
		if found[f].level == Missing {
			continue
		}
		bits[f] = m.bits(Field(f), found[f], s)
		for story := range total {
			total[story] += bits[f][story]
		}
	}
	e.Rival = Strangers
	for story := Strangers; story < stories; story++ {
		if total[story] > total[e.Rival] {
			e.Rival = story
		}
	}
	m.explain(&e, bits, total, s)
	e.Veto, e.Hold = veto(a, b, &found), hold(a, b, &found)
	switch {
	case e.Veto != "" || e.Score < m.Review:
		e.Verdict = Ignore
	case e.Score >= m.Link && e.Hold == "":
		e.Verdict = Link
	default:
		e.Verdict = Look
	}
	return e
}

// bits is how probable what a comparison found is in each story.
func (m *Model) bits(f Field, a agreement, s *Stats) (out chance) {
	c, known := m.chances[f][a.level]
	if !known {
		return out // a model without this level: it weighs nothing
	}
	share := 0.0
	for story, p := range c {
		if math.IsNaN(p) {
			if share == 0 {
				share = m.share(s, a.term)
			}
			p = share
		}
		out[story] = math.Log2(p)
	}
	return out
}

// explain splits the score into the parts it is the sum of.
func (m *Model) explain(e *Explanation, bits [Fields]chance, total [stories]float64, s *Stats) {
	others := 0.0
	for story := Strangers; story < stories; story++ {
		others += math.Exp2(total[story] - total[e.Rival])
	}
	e.Rest = -math.Log2(others)
	partners := m.partners[e.Rival]
	if e.Rival == Strangers {
		partners = math.Max(float64(s.Patients), m.population)
	}
	e.Prior = math.Log2(m.partners[OnePerson] / partners)
	e.Score = e.Prior + e.Rest
	for f := range bits {
		e.Weights[f].Bits = bits[f][OnePerson] - bits[f][e.Rival]
		e.Score += e.Weights[f].Bits
	}
}

// Vetoed reports whether two patients are never linked by their score, nor by way of others.
func Vetoed(a, b *Profile) bool {
	found := compare(a, b, &Stats{})
	return veto(a, b, &found) != ""
}

// Contradicts reports whether two patients who share an identifier are, by all else that is known, two:
// a newborn under its mother's number, twins under one, a husband on his wife's card.
func Contradicts(a, b *Profile) bool {
	found := compare(a, b, &Stats{})
	if found[SSN].level == Same {
		return false
	}
	given := found[Given].level
	switch found[Birth].level {
	case Exact:
		apart := a.sex != "" && b.sex != "" && a.sex != b.sex || a.many || b.many
		return veto(a, b, &found) != "" && apart
	case Different:
		apart := a.sex != "" && b.sex != "" && a.sex != b.sex || generation(a.birth, b.birth)
		return (given == Different || given == Missing) && apart
	}
	return false
}

// generation reports whether two births are ten years apart, or more.
func generation(a, b string) bool {
	x, err := strconv.Atoi(a[:4])
	y, other := strconv.Atoi(b[:4])
	return err == nil && other == nil && max(x, y)-min(x, y) >= 10
}

// veto is why two patients are not one whatever the score: what is known of siblings and of fathers
// and sons. A social security number that agrees speaks for a clerk's mistake instead.
func veto(a, b *Profile, found *[Fields]agreement) string {
	ssn, given := found[SSN].level == Same, found[Given].level
	if a.order != "" && b.order != "" && a.order != b.order && found[Birth].level == Exact && !ssn {
		return "born together, in another order"
	}
	if found[Suffix].level == Different && found[Birth].level != Exact && !ssn {
		return "another generation of the name"
	}
	if found[Birth].level != Exact || ssn || !together(found) {
		return ""
	}
	sexes := found[Sex].level == Different || found[SexForName].level == Different
	switch {
	case given == Different:
		return "born on one day into one household, called differently"
	case sexes && given != Exact && given != Missing:
		return "born on one day into one household, of different sex and name"
	case a.many && b.many && given != Exact && given != Missing:
		return "of one multiple birth, called differently"
	}
	return ""
}

// together: something that a household shares.
func together(found *[Fields]agreement) bool {
	switch found[Family].level {
	case Exact, Part, Misspelled, Similar, Sounds:
		return true
	}
	return found[Home].level == Same || found[Home].level == Similar || found[Phone].level == Same
}

// hold is why a pair needs somebody's look however high its score is: what tells one person of a
// household or of a name from another is not known, or speaks against it, and no social security number speaks
// for it.
func hold(a, b *Profile, found *[Fields]agreement) string {
	if found[SSN].level == Same {
		return ""
	}
	switch {
	case a.card != "" && b.card != "" && a.card != b.card:
		return "each has a Medicare number of its own"
	case (a.many || b.many) && found[Given].level != Exact:
		return "of a multiple birth, called differently"
	case found[Given].level == Missing:
		return "no given name to compare"
	case found[Birth].level == Missing:
		return "no birth date to compare"
	case found[Family].level == Missing:
		return "no family name to compare"
	case found[Given].level == Different:
		return "given names differ"
	case found[Birth].level == Different:
		return "birth dates differ"
	case found[SexForName].level == Different && found[Given].level != Exact:
		return "of different sex"
	}
	return ""
}
