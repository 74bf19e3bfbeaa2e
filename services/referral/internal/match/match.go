package match

import (
	"cmp"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Choice is one provider with its reasons, as bits (reasons.go).
type Choice struct {
	Provider events.ID
	Why      Why
}

// Ranking is what a match found.
type Ranking struct {
	Candidates []Choice // best first
	Excluded   []Choice // in the directory's order
	Elsewhere  int      // excluded too, and not named: another licence or area, past maxElsewhere
}

// maxElsewhere is how many providers of another licence or area are named. A national directory has
// thousands; whoever is licensed and near is always named.
const maxElsewhere = 500

// Sum is equal for equal rankings, and (but for chance) for no others.
func (r *Ranking) Sum() uint64 {
	h := mix(uint64(len(r.Candidates))<<32 | uint64(r.Elsewhere))
	for _, list := range [...][]Choice{r.Candidates, r.Excluded} {
		for i := range list {
			h = mix(h ^ half(list[i].Provider) + uint64(list[i].Why))
		}
	}
	return h
}

// capacityBelieved is how long a provider's word on its free places is taken for true.
const capacityBelieved = 24 * time.Hour

// unrated is the place of a provider without a rating, in tenths: the middle of the scale.
const unrated = 25

// question is a patient and a need, as bits.
type question struct {
	at       time.Time
	need     uint8
	payer    uint8 // 0 unknown, or one that no network is stated for
	sex      uint8
	requires uint8
	zip3     int16
	language uint16
	speaks   bool // the language is known and not English
	age      int32
	seed     uint64
}

// place is where a candidate comes, as one number, so that ordering hundreds is ordering integers: the
// key (higher first), the hash that orders equals, and which candidate it is.
func place(key uint32, tie uint64, candidate int) uint64 {
	return uint64(maxKey-key)<<47 | tie>>37<<20 | uint64(candidate)
}

const (
	maxKey        = 1<<17 - 1
	maxCandidates = 1 << 20
)

// Rank matches a patient's need against the directory, at a time. seed (the referral) orders equals.
func (d *Directory) Rank(need string, p Patient, at time.Time, seed events.ID) *Ranking {
	q := ask(need, p, at, seed)
	found := make([]Choice, 0, len(d.providers))
	places := make([]uint64, 0, len(d.providers))
	out := &Ranking{Excluded: make([]Choice, 0, min(len(d.providers), maxElsewhere))}
	far := 0
	for i := range d.providers {
		c := &d.providers[i]
		if why := c.against(&q); why != 0 {
			if why&(NoLicence|OutOfArea) != 0 {
				if far++; far > maxElsewhere {
					continue
				}
			}
			out.Excluded = append(out.Excluded, Choice{c.id, why})
			continue
		}
		why, key := c.favour(&q)
		places = append(places, place(key, mix(q.seed^c.hash), len(found)))
		found = append(found, Choice{c.id, why})
	}
	slices.Sort(places)
	out.Elsewhere = max(0, far-maxElsewhere)
	out.Candidates = make([]Choice, len(found))
	for i, at := range places {
		out.Candidates[i] = found[at%maxCandidates]
	}
	return out
}

func ask(need string, p Patient, at time.Time, seed events.ID) question {
	q := question{
		at: at, need: bit(need, Needs), payer: bit(p.Payer, Payers), sex: bit(p.Sex, sexes),
		requires: bits(p.Requires, Capabilities), zip3: zip3(p.ZIP3), age: -1, seed: half(seed),
	}
	if p.Payer == "other" {
		q.payer = 0 // says nothing about whose network
	}
	if n, ok := language(p.Language); ok && p.Language != "en" {
		q.language, q.speaks = n, true
	}
	if p.Age != nil {
		q.age = int32(*p.Age)
	}
	return q
}

// against collects every reason to exclude; 0 admits.
func (c *compiled) against(q *question) (why Why) {
	if !c.active {
		why |= Inactive
	}
	if c.needs&q.need == 0 {
		why |= NoLicence
	}
	if q.zip3 >= 0 && c.stated.area && !c.serves(q.zip3) {
		why |= OutOfArea
	}
	if q.payer&^selfPay != 0 && c.stated.payers && c.payers&q.payer == 0 {
		why |= OutOfNetwork
	}
	if q.speaks && c.stated.languages && !c.interpreter && !c.speaks(q.language) {
		why |= NoLanguage
	}
	if c.sexes != 0 && q.sex != 0 && c.sexes&q.sex == 0 {
		why |= OtherSex
	}
	if q.age >= 0 && (q.age < c.minAge || q.age > c.maxAge) {
		why |= OtherAge
	}
	if missing := q.requires &^ c.capabilities; missing != 0 {
		why |= Why(missing) << lackShift
	}
	if c.open == 0 && c.believed(q.at) {
		why |= Full
	}
	if q.at.Before(c.from) {
		why |= AgreementNotBegun
	}
	if !c.until.IsZero() && !q.at.Before(c.until) {
		why |= AgreementEnded
	}
	return why
}

func (c *compiled) believed(at time.Time) bool { return at.Sub(c.capacityAt) < capacityBelieved }

// favour says what speaks for a candidate, and the key it is ordered by.
func (c *compiled) favour(q *question) (why Why, key uint32) {
	switch {
	case q.zip3 < 0:
		why |= AreaUnknown
	case !c.stated.area:
		why |= AreaNotStated
	case c.zip3 == q.zip3:
		why |= SameArea
		key |= 1 << 16
	default:
		why |= InArea
	}
	switch {
	case q.payer == 0:
		why |= PayerUnknown
	case q.payer == selfPay:
		why |= PaysSelf
	case !c.stated.payers:
		why |= NetworkNotStated
	default:
		why |= InNetwork
	}
	if q.speaks {
		switch {
		case c.speaks(q.language):
			why |= Speaks
			key |= 2 << 12
		case c.interpreter:
			why |= Interpreter
			key |= 1 << 12
		default:
			why |= LanguagesNotStated
		}
	}
	if c.open > 0 && c.believed(q.at) {
		why |= Free
		key |= 1 << 8
	}
	if !c.from.IsZero() || !c.until.IsZero() {
		why |= Agreement
	}
	why |= Why(q.requires)<<canShift | Why(c.rating)<<ratingShift
	return why, key | uint32(cmp.Or(c.rating, unrated))
}

// selfPay is the bit of that payer.
var selfPay = bit("self-pay", Payers)

// Licensed says why a provider cannot be asked for a need at all (inactive, not licensed); 0 if it
// can. known is false if the directory does not have it.
func (d *Directory) Licensed(provider events.ID, need string) (why Why, known bool) {
	i := slices.IndexFunc(d.providers, func(c compiled) bool { return c.id == provider })
	if i < 0 {
		return 0, false
	}
	return d.providers[i].against(&question{need: bit(need, Needs), zip3: -1, age: -1}) & (Inactive | NoLicence), true
}
