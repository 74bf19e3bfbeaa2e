package alias

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Statement says that From stands for To from now on; a zero To that it stands for itself again.
type Statement struct {
	From, To events.ID
	Message  events.ID // the message or request that said so
	Org      events.ID
	Recorded time.Time
	Sent     time.Time
	Control  string
	Hash     events.ID
	Place    int // among the statements of its message
	Reason   string
}

func (s *Statement) compare(t *Statement) int {
	return cmp.Or(s.Recorded.Compare(t.Recorded), s.Sent.Compare(t.Sent), strings.Compare(s.Control, t.Control),
		bytes.Compare(s.Hash[:], t.Hash[:]), cmp.Compare(s.Place, t.Place), bytes.Compare(s.From[:], t.From[:]), bytes.Compare(s.Message[:], t.Message[:]))
}

// Renamed is the reason of a statement that says a name was changed: From and To are two names of one
// thing for good, whatever is said of either. All other reasons say that a thing stands for another.
const Renamed = "identifier-changed"

// Set is a set of statements. The zero Set is empty and resolves every name to itself.
type Set struct {
	resolved // of the list, which is in the order statements were written down
}

// resolved is what a list of statements amounts to.
type resolved struct {
	list []Statement
	same map[events.ID]events.ID // of a name that was changed, or is another's new one: the lowest of all its names
	into map[events.ID]int       // of a lowest name: the statement that retired it
}

// Add puts a statement in. It reports false, and changes nothing, if it is there already.
func (s *Set) Add(st Statement) bool {
	for i := range s.list {
		if s.list[i].From == st.From && s.list[i].Message == st.Message {
			return false
		}
	}
	at := len(s.list)
	for at > 0 && st.compare(&s.list[at-1]) < 0 {
		at--
	}
	s.resolved = replay(slices.Insert(slices.Clone(s.list), at, st))
	return true
}

// Without is the set without one statement.
func (s *Set) Without(st Statement) Set {
	list := slices.DeleteFunc(slices.Clone(s.list), func(x Statement) bool { return x.From == st.From && x.Message == st.Message })
	return Set{replay(list)}
}

// Empty reports whether nothing was stated.
func (s *Set) Empty() bool { return len(s.list) == 0 }

// replay goes through statements in order: first what names are of one thing, then what stands for what.
func replay(list []Statement) resolved {
	r := resolved{list: list, same: map[events.ID]events.ID{}, into: map[events.ID]int{}}
	for i := range list {
		if st := &list[i]; st.Reason == Renamed && !st.To.IsZero() {
			r.unify(st.From, st.To)
		}
	}
	for i := range list {
		if list[i].Reason != Renamed {
			r.retire(i)
		}
	}
	return r
}

func (r *resolved) unify(a, b events.ID) {
	a, b = r.first(a), r.first(b)
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	for name, first := range r.same {
		if first == b {
			r.same[name] = a
		}
	}
	r.same[a], r.same[b] = a, a
}

// first is the lowest of all names of a thing.
func (r *resolved) first(id events.ID) events.ID {
	if f, ok := r.same[id]; ok {
		return f
	}
	return id
}

// First is the lowest of all names of what a name is of; itself, unless it was changed.
func (s *Set) First(id events.ID) events.ID { return s.first(id) }

func (r *resolved) retire(i int) {
	st := &r.list[i]
	from := r.first(st.From)
	if st.To.IsZero() {
		delete(r.into, from)
		return
	}
	to := r.first(st.To)
	if from == to {
		return
	}
	for at, n := to, 0; n <= len(r.list); n++ {
		if at == from {
			delete(r.into, to) // the circle is opened where this statement says that somebody survives
			break
		}
		next, ok := r.into[at]
		if !ok {
			break
		}
		at = r.first(r.list[next].To)
	}
	r.into[from] = i
}

func (r *resolved) root(id events.ID) events.ID {
	for {
		id = r.first(id)
		i, ok := r.into[id]
		if !ok {
			return id
		}
		id = r.list[i].To
	}
}

// Root is what a name stands for now: the lowest of the names of that thing.
func (s *Set) Root(id events.ID) events.ID { return s.root(id) }

// RootAt is what a name stood for by the statements written down until then. That a name was changed
// counts from the beginning.
func (s *Set) RootAt(id events.ID, t time.Time) events.ID {
	r := resolved{list: s.list, same: s.same, into: map[events.ID]int{}}
	for i := range s.list {
		if st := &s.list[i]; st.Reason != Renamed && !st.Recorded.After(t) {
			r.retire(i)
		}
	}
	return r.root(id)
}

// Name is the newest of the names of what a name stands for.
func (s *Set) Name(id events.ID) events.ID {
	root := s.Root(id)
	name := root
	into := map[events.ID]events.ID{}
	end := func(id events.ID) events.ID {
		for next, ok := into[id]; ok; next, ok = into[id] {
			id = next
		}
		return id
	}
	for i := range s.list {
		st := &s.list[i]
		if st.Reason != Renamed || st.From == st.To || s.first(st.To) != root {
			continue
		}
		for id, ok := st.To, true; ok; id, ok = into[id] {
			if id == st.From {
				delete(into, st.To) // it has an old name again
				break
			}
		}
		into[st.From], name = st.To, st.To
	}
	return end(name)
}

// Reason is why a name stands for another, or "" if it stands for itself.
func (s *Set) Reason(id events.ID) string {
	if i, ok := s.into[s.first(id)]; ok {
		return s.list[i].Reason
	}
	if s.first(id) != id {
		return Renamed
	}
	return ""
}

// Last is when the newest statement of a set was written down.
func (s *Set) Last() (t time.Time) {
	if n := len(s.list); n > 0 {
		t = s.list[n-1].Recorded
	}
	return t
}
