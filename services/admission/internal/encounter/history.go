package encounter

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
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

// Participant is a member of the staff's part in a stay; To is nil while it lasts.
type Participant struct {
	ID   string
	Role string // "attending" or "consulting"
	From time.Time
	To   *time.Time
}

// Participants are the attending and consulting staff of a stay, each from when they are known to be
// it. Who is named by an update is so from when that was written down.
func (s Facts) Participants() []Participant {
	f := newFolder(s)
	f.voidCancelled()
	f.walk()
	f.values()
	f.times()
	var out []Participant
	now := map[string][]string{}
	turn := func(role string, ids []string, at time.Time) {
		for i := range out {
			if p := &out[i]; p.Role == role && p.To == nil && !slices.Contains(ids, p.ID) {
				p.To = &at
			}
		}
		for _, id := range ids {
			if !slices.Contains(now[role], id) {
				out = append(out, Participant{ID: id, Role: role, From: at})
			}
		}
		now[role] = ids
	}
	for _, i := range f.said {
		g := &f.facts[i]
		if !f.live(i) || g.Kind.Pending() || g.Kind.deletes() {
			continue
		}
		at := g.Occurred
		if g.Kind == Update || g.Kind.isCancel() {
			at = g.Recorded
		}
		switch v := &g.Values; v.Attending {
		case "":
		case Deleted:
			turn("attending", nil, at)
		default:
			turn("attending", []string{v.Attending}, at)
		}
		if ids := g.Values.Consulting; len(ids) > 0 {
			turn("consulting", slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == Deleted }), at)
		}
	}
	for i := range out {
		if out[i].To == nil {
			out[i].To = f.stay.DischargedAt
		}
	}
	return out
}

// Tracked is where the patient is for a while, and since when; the zero Place where the bed is.
func (s Facts) Tracked() (at Place, since time.Time) {
	f := newFolder(s)
	f.voidCancelled()
	f.walk()
	for i := range f.facts {
		g := &f.facts[i]
		switch {
		case !f.live(i):
		case g.Kind == Arrive && g.Values.Temporary == nil, g.Kind == Transfer, g.Kind == Discharge:
			at, since = Place{}, g.Occurred // back in the bed
		case (g.Kind == Depart || g.Kind == Arrive) && g.Values.Temporary != nil:
			at, since = *g.Values.Temporary, g.Occurred
		}
	}
	return at, since
}

// Owner is whose stay it is by the newest statement that names somebody else: one says whether two
// names meant one patient when a statement was written down, so that a name in use since a merge is
// no news, and taking the merge back gives the stay back.
func (s Facts) Owner(one func(a, b events.ID, at time.Time) bool) (owner events.ID) {
	f := newFolder(s)
	f.voidCancelled()
	f.walk()
	gone := f.stay.State == Cancelled || f.stay.State == EnteredInError
	for _, i := range f.said {
		g := &f.facts[i]
		if g.Patient.IsZero() || g.Kind == DeleteOwner || !f.live(i) && !gone {
			continue
		}
		if owner.IsZero() || !one(owner, g.Patient, g.Recorded) {
			owner = g.Patient
		}
	}
	return owner
}

// Moved leaves out the moves of accounts that did not move the stay: of says whether it was of an
// account by what was written down until then, one whether two names meant one patient. An account
// takes along the stays that were the former patient's; one that was somebody else's stays so.
func (s Facts) Moved(of func(account string, at time.Time) bool, one func(a, b events.ID, at time.Time) bool) Facts {
	said := newFolder(s).said
	leave := make([]bool, len(s))
	var owner events.ID
	for _, i := range said {
		switch g := &s[i]; {
		case g.Patient.IsZero() || g.Kind == DeleteOwner:
		case g.Values.Of != "" && (owner.IsZero() || !one(owner, g.Values.From, g.Recorded) || !of(g.Values.Of, g.Recorded)):
			leave[i] = true
		default:
			owner = g.Patient
		}
	}
	out := make(Facts, 0, len(s))
	for i := range s {
		if !leave[i] {
			out = append(out, s[i])
		}
	}
	return out
}
