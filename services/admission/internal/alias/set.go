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

// Set is a set of statements. The zero Set is empty and resolves every name to itself.
type Set struct {
	list []Statement // in the order they were written down
	into map[events.ID]int
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
	s.list = slices.Insert(s.list, at, st)
	s.into = replay(s.list)
	return true
}

// Without is the set without one statement.
func (s *Set) Without(st Statement) Set {
	list := slices.DeleteFunc(slices.Clone(s.list), func(x Statement) bool { return x.From == st.From && x.Message == st.Message })
	return Set{list: list, into: replay(list)}
}

// Empty reports whether nothing was stated.
func (s *Set) Empty() bool { return len(s.list) == 0 }

// replay goes through statements in order. Of each retired name it gives the statement that counts.
func replay(list []Statement) map[events.ID]int {
	into := make(map[events.ID]int, len(list))
	for i := range list {
		st := &list[i]
		switch {
		case st.To.IsZero():
			delete(into, st.From)
			continue
		case st.From == st.To:
			continue
		}
		for at, n := st.To, 0; n <= len(list); n++ {
			if at == st.From {
				delete(into, st.To) // the circle is opened where this statement says that somebody survives
				break
			}
			next, ok := into[at]
			if !ok {
				break
			}
			at = list[next].To
		}
		into[st.From] = i
	}
	return into
}

// Root is what a name stands for now.
func (s *Set) Root(id events.ID) events.ID { return root(s.list, s.into, id) }

func root(list []Statement, into map[events.ID]int, id events.ID) events.ID {
	for {
		i, ok := into[id]
		if !ok {
			return id
		}
		id = list[i].To
	}
}

// RootAt is what a name stood for by the statements written down until then.
func (s *Set) RootAt(id events.ID, t time.Time) events.ID {
	n := len(s.list)
	for n > 0 && s.list[n-1].Recorded.After(t) {
		n--
	}
	return root(s.list[:n], replay(s.list[:n]), id)
}

// Reason is why a name stands for another, or "" if it stands for itself.
func (s *Set) Reason(id events.ID) string {
	if i, ok := s.into[id]; ok {
		return s.list[i].Reason
	}
	return ""
}

// Last is the newest statement about a name.
func (s *Set) Last(id events.ID) (st Statement, ok bool) {
	for i := range s.list {
		if s.list[i].From == id {
			st, ok = s.list[i], true
		}
	}
	return st, ok
}
