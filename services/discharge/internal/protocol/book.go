package protocol

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// The kinds of an act.
const (
	ActActivate  = "activate"
	ActRollBack  = "roll-back"
	ActShadow    = "shadow"
	ActEndShadow = "end-shadow"
)

// Act is one decision about which set is in force. Acts are added and never changed.
type Act struct {
	Version  int64     // of the organization's book: 1, 2, 3...
	Kind     string    //
	Facility string    // its code; empty: every facility that has no act of its own
	Set      events.ID // zero: the shipped set
	Inherit  bool      // the facility follows the organization again
	From     time.Time // for stays discharged from then on
}

// Book is an organization's acts, with their sets ready to plan by. It is immutable
// and safe for concurrent use.
//
// The set for a stay is that of the newest act that covers the stay's facility and
// time of discharge: a decision holds from its time on, until a newer decision. A
// facility's own acts come before the organization's; where there is none, the shipped
// set is in force.
type Book struct {
	shipped *Set
	sets    map[events.ID]*Set
	version int64
	live    map[string][]Act // by facility, newest first
	shadow  map[string]Act   // by facility
}

// NewBook binds acts, in any order, and the sets they name. An act whose set is not
// there stands for the shipped one.
func NewBook(shipped *Set, sets map[events.ID]*Set, acts ...Act) *Book {
	b := &Book{shipped: shipped, sets: sets, live: map[string][]Act{}, shadow: map[string]Act{}}
	acts = slices.SortedFunc(slices.Values(acts), func(x, y Act) int { return int(y.Version - x.Version) })
	seen := map[string]bool{} // facilities whose newest word on a shadow is known
	for _, a := range acts {
		b.version = max(b.version, a.Version)
		switch a.Kind {
		case ActShadow, ActEndShadow:
			if !seen[a.Facility] && a.Kind == ActShadow {
				b.shadow[a.Facility] = a
			}
			seen[a.Facility] = true
		default:
			b.live[a.Facility] = append(b.live[a.Facility], a)
		}
	}
	return b
}

// Version counts the acts.
func (b *Book) Version() int64 { return b.version }

// Act is the act that decides for a facility at a time of discharge; the zero Act
// where the shipped set is in force because nobody decided anything.
func (b *Book) Act(facility string, at time.Time) Act {
	if facility != "" {
		if a := newest(b.live[facility], at); a.Version > 0 && !a.Inherit {
			return a
		}
	}
	return newest(b.live[""], at)
}

func newest(acts []Act, at time.Time) Act {
	for _, a := range acts {
		if !a.From.After(at) {
			return a
		}
	}
	return Act{}
}

// At is the set in force for a stay of a facility with a time of discharge.
func (b *Book) At(facility string, at time.Time) *Set {
	if len(b.live) == 0 {
		return b.shipped
	}
	return b.Set(b.Act(facility, at).Set)
}

// Set is a set by its id; the shipped one for the zero id and for a set that is not there.
func (b *Book) Set(id events.ID) *Set {
	if s := b.sets[id]; s != nil {
		return s
	}
	return b.shipped
}

// Shadow is the set that is tried beside the one in force, and the act that says so;
// nil: none is.
func (b *Book) Shadow(facility string) (*Set, Act) {
	if len(b.shadow) == 0 {
		return nil, Act{}
	}
	a, found := b.shadow[facility]
	if !found {
		if a, found = b.shadow[""]; !found {
			return nil, Act{}
		}
	}
	return b.Set(a.Set), a
}

// Shadows are the acts by which a set is tried beside the one in force, by facility.
func (b *Book) Shadows() map[string]Act { return b.shadow }

// Facilities are the codes with acts of their own, and the empty one, if there are any acts.
func (b *Book) Facilities() []string {
	var out []string
	for f := range b.live {
		out = append(out, f)
	}
	slices.Sort(out)
	return out
}

// Newest is the newest act of exactly this facility ("": of the organization).
func (b *Book) Newest(facility string) (Act, bool) {
	if acts := b.live[facility]; len(acts) > 0 {
		return acts[0], true
	}
	return Act{}, false
}

// Former is what to go back to from the newest act of exactly this facility: while it
// has not taken effect, what is in force now; else what was in force before it. The
// zero Act stands for the shipped set, or for a facility that follows the organization.
func (b *Book) Former(facility string, now time.Time) (Act, bool) {
	acts := b.live[facility]
	if len(acts) == 0 {
		return Act{}, false
	}
	a := newest(acts[1:], now)
	if a.Version == 0 {
		a.Inherit = facility != ""
	}
	return a, true
}

// Instructions are what the owner of a task is asked to do: in the words of the set
// in force when it was planned, else of any set that knows the task.
func (b *Book) Instructions(facility string, at time.Time, code string) (instructions, source string) {
	if instructions, source = b.At(facility, at).Instructions(code); instructions != "" {
		return instructions, source
	}
	for _, s := range append([]*Set{b.shipped}, b.inOrder()...) {
		if instructions, source = s.Instructions(code); instructions != "" {
			return instructions, source
		}
	}
	return "", ""
}

// inOrder are the sets in the order of their digests, so that the answer is always the same.
func (b *Book) inOrder() []*Set {
	var out []*Set
	for _, s := range b.sets {
		out = append(out, s)
	}
	slices.SortFunc(out, func(x, y *Set) int {
		if x.digest < y.digest {
			return -1
		}
		return 1
	})
	return out
}
