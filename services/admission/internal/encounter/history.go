package encounter

import (
	"slices"
	"time"
)

// Remarks says of every fact, in order, what became of it.
func (s Facts) Remarks() []Remark {
	f := newFolder(s)
	f.voidCancelled()
	out := make([]Remark, len(s))
	for i := range s {
		out[i] = Remark{Fact: &s[i], Open: s[i].Kind.isCancel() && !f.match[i]}
		if by := f.void[i]; by >= 0 {
			out[i].Void, out[i].By = true, s[by].Message
		}
	}
	return out
}

// Movements are the places of a stay in time, each from when the patient is known to be there. The
// last one ends with the stay.
func (s Facts) Movements() []Movement {
	f := newFolder(s)
	f.voidCancelled()
	f.walk()
	f.values()
	f.times()
	var out []Movement
	f.places(func(g *Fact, from time.Time) {
		if g.Kind != Discharge { // where the patient was before: known already, or since an unknown time
			out = append(out, Movement{Place: g.Place, From: from})
		}
	})
	slices.SortStableFunc(out, func(a, b Movement) int { return a.From.Compare(b.From) })
	out = slices.CompactFunc(out, func(a, b Movement) bool { return a.Place == b.Place })
	for i := range out {
		if i+1 < len(out) {
			out[i].To = &out[i+1].From
		} else {
			out[i].To = f.stay.DischargedAt
		}
	}
	return out
}

// Units lists the units of a stay in the order of its movements.
func (s Facts) Units() []string {
	var out []string
	for i := range s {
		if u := s[i].Place.Unit; u != "" && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}
