package encounter

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Facts is a set of facts about one stay, in the order they happened.
type Facts []Fact

// Add puts a fact in its place. It reports false, and changes nothing, if the fact's message is in the set.
func (s Facts) Add(f Fact) (Facts, bool) {
	at := len(s)
	for i := range s {
		if s[i].Message == f.Message {
			return s, false
		}
	}
	for at > 0 && f.before(&s[at-1]) {
		at--
	}
	if len(s) == cap(s) && len(s) > 0 {
		s = slices.Grow(s, 4) // more may come with the same batch
	}
	return slices.Insert(s, at, f), true
}

// Sort puts a set that was loaded in any order into the order of what happened.
func (s Facts) Sort() {
	slices.SortFunc(s, func(a, b Fact) int {
		switch {
		case a.before(&b):
			return -1
		case b.before(&a):
			return 1
		}
		return 0
	})
}

// Fold computes the stay. The set must be in order (Add, Sort).
func (s Facts) Fold() Stay {
	f := newFolder(s)
	f.voidCancelled()
	f.walk()
	f.values()
	f.times()
	return f.stay
}

// folder is the work of one Fold.
type folder struct {
	facts Facts
	said  []int // indexes in the order they were written down
	void  []int // -1 live, else the index of the cancel that took it back
	match []bool
	stay  Stay

	start, end          int  // the facts that began and ended the stay as it is now; -1 none
	announced           bool // there is a start or a plan, live or not
	planned, started    bool // there is a live one
	spoken              bool // there is anything that is about a stay
	present             bool // something else says that the patient is or was here
	lostStart, lostPlan bool // one was taken back, or will be once it arrives
	lostAt              time.Time
	presentAfterLost    bool
	erased              bool
}

func newFolder(s Facts) folder {
	n := len(s)
	order := make([]int, 2*n)
	f := folder{facts: s, said: order[:0:n], void: order[n:], match: make([]bool, n), start: -1, end: -1}
	for i := range s {
		f.void[i] = -1
		// Insertion: the two orders rarely differ.
		at := i
		f.said = append(f.said, i)
		for ; at > 0 && s[i].saidBefore(&s[f.said[at-1]]); at-- {
			f.said[at] = f.said[at-1]
		}
		f.said[at] = i
	}
	return f
}

func (f *folder) live(i int) bool { return f.void[i] < 0 }

// voidCancelled takes back what was cancelled, cancels in the order they were written down.
func (f *folder) voidCancelled() {
	previous := -1
	for _, i := range f.said {
		c := &f.facts[i]
		switch {
		case c.Kind == Delete, c.Kind == DeleteOwner && f.ownerBefore(i) == c.Patient:
			f.erase(i)
		case c.Kind.isCancel():
			// The same cancel sent twice cancels once.
			if p := previous; p >= 0 && f.facts[p].Kind == c.Kind && f.facts[p].Recorded.Equal(c.Recorded) && f.facts[p].Occurred.Equal(c.Occurred) {
				f.match[i] = f.match[p]
				continue
			}
			previous = i
			f.match[i] = f.cancel(i)
		}
	}
}

// ownerBefore is whose stay it was when a deletion of the patient was written down.
func (f *folder) ownerBefore(by int) (id events.ID) {
	for _, i := range f.said {
		if g := &f.facts[i]; i != by && f.live(i) && !g.Kind.deletes() && !g.Patient.IsZero() && !g.Recorded.After(f.facts[by].Recorded) {
			id = g.Patient
		}
	}
	return id
}

// erase voids all that was written down at or before a deletion of the visit.
func (f *folder) erase(by int) {
	d := &f.facts[by]
	f.erased, f.match[by] = true, true
	for i := range f.facts {
		if i != by && f.live(i) && !f.facts[i].Kind.deletes() && !f.facts[i].Recorded.After(d.Recorded) {
			f.void[i] = by
		}
	}
}

// cancel voids the latest live fact of the cancel's kind, and what only repeated or corrected it.
func (f *folder) cancel(by int) bool {
	c := &f.facts[by]
	last := -1
	for i := len(f.facts) - 1; i >= 0; i-- {
		g := &f.facts[i]
		if last < 0 {
			if f.live(i) && c.Kind.cancels(g.Kind) && !g.Recorded.After(c.Recorded) {
				last, f.void[i] = i, by
			}
			continue
		}
		if f.live(i) && separates(g.Kind, f.facts[last].Kind) {
			break
		}
		if f.live(i) && !g.Recorded.After(c.Recorded) && repeats(g, &f.facts[last]) {
			f.void[i] = by
		}
	}
	return last >= 0
}

// repeats: g said the same thing as the later fact x. Two transfers are two events; two admissions or
// two discharges with nothing between them are one, stated or corrected again.
func repeats(g, x *Fact) bool {
	switch {
	case g.Kind != x.Kind:
		return false
	case x.Kind == Transfer:
		return g.Occurred.Equal(x.Occurred) && g.Place == x.Place
	case x.Kind.Tracking(), x.Kind == ChangeAttending, x.Kind == ChangeConsulting:
		return g.Occurred.Equal(x.Occurred)
	case x.Kind == Register && x.Values.Class == Recurring:
		return same(g.Values.AdmitAt, x.Values.AdmitAt) // a series is registered anew for each visit of it
	}
	return true
}

// separates: a fact of kind k between two facts of the kind of makes them two events.
func separates(k, of Kind) bool {
	switch of {
	case Discharge:
		return starts(k)
	case Admit, Register:
		return k == Discharge
	case LeaveStart:
		return k == LeaveEnd
	case LeaveEnd:
		return k == LeaveStart
	}
	return false
}
