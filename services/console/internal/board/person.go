package board

import (
	"context"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Whom is what is known of a person beside the name.
type Whom struct {
	Age   *int   // whole years
	Born  string // 2006-01-02, where the viewer may know it
	Sex   string // HL7 table 0001
	Class string // of the stay
}

// grown says how old somebody is, by what people of that age are called.
type grown int

const (
	newborn grown = iota // under 28 days
	baby                 // under a year
	child                // under 18 years
	adult
	ageless // nobody knows
)

// kinds are what people are called, by age and sex.
var kinds = map[grown]map[string]text.Message{
	newborn: {"F": "newborn girl", "M": "newborn boy", "": "newborn"},
	baby:    {"F": "baby girl", "M": "baby boy", "": "baby"},
	child:   {"F": "girl", "M": "boy", "": "child"},
	adult:   {"F": "woman", "M": "man", "O": "person", "A": "person"},
	ageless: {"F": "female", "M": "male", "O": "person", "A": "person"},
}

// Person says who it is about without the name: "81 years, woman"; "3 days, newborn girl".
func Person(ctx context.Context, w Whom, now time.Time) string {
	old, at := w.age(ctx, now)
	kind, ok := kinds[at][w.Sex]
	if !ok {
		kind = kinds[at][""]
	}
	switch {
	case kind == "":
		return old
	case old == "":
		return say(ctx, kind)
	}
	return old + ", " + say(ctx, kind)
}

// age says how old somebody is, as finely as it matters and is known.
func (w Whom) age(ctx context.Context, now time.Time) (old string, at grown) {
	if born, err := time.Parse(time.DateOnly, w.Born); err == nil && (w.Age == nil || *w.Age == 0) {
		switch days := int(now.Sub(born).Hours() / 24); {
		case days < 0:
		case days < 1:
			return say(ctx, "born today"), newborn
		case days < 28:
			return sayN(ctx, days, "%d day", "%d days"), newborn
		case born.AddDate(1, 0, 0).After(now):
			months := (now.Year()-born.Year())*12 + int(now.Month()-born.Month())
			if now.Day() < born.Day() {
				months--
			}
			if months < 1 {
				return sayN(ctx, days/7, "%d week", "%d weeks"), baby
			}
			return sayN(ctx, months, "%d month", "%d months"), baby
		}
	}
	switch {
	case w.Class == "newborn" && (w.Age == nil || *w.Age == 0):
		return "", newborn
	case w.Age == nil:
		return "", ageless
	case *w.Age < 1:
		return say(ctx, "under 1 year"), baby
	case *w.Age < 18:
		return sayN(ctx, *w.Age, "%d year", "%d years"), child
	}
	return sayN(ctx, *w.Age, "%d year", "%d years"), adult
}
