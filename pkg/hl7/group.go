package hl7

import "iter"

// Group is a run of consecutive segments of a message: all of them (see Message), or one of the repeated parts of an
// A17 or A40 (see Groups). The zero Group is empty.
type Group struct {
	m        *Message
	from, to int
}

// Segments are the segments in order, stray lines included (their Name is "").
func (g Group) Segments() iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		for i := g.from; i < g.to; i++ {
			if !yield(Segment{m: g.m, i: i + 1}) {
				return
			}
		}
	}
}

// Len is the number of segments.
func (g Group) Len() int { return g.to - g.from }

// Segment is the first segment of that name; the zero Segment, which reads as empty, where there is none.
func (g Group) Segment(name string) Segment {
	if i := g.find(name, g.from); i < g.to {
		return Segment{m: g.m, i: i + 1}
	}
	return Segment{}
}

// All are the segments of that name in order.
func (g Group) All(name string) iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		for i := g.find(name, g.from); i < g.to; i = g.find(name, i+1) {
			if !yield(Segment{m: g.m, i: i + 1}) {
				return
			}
		}
	}
}

// Groups are the parts of g that begin with a segment of that name: Groups("PID") of an A40 are its merges, of an A17
// its two patients. Segments before the first are in none of them. Groups of a group work alike (the MRGs of an A45).
func (g Group) Groups(name string) iter.Seq[Group] {
	return func(yield func(Group) bool) {
		for from := g.find(name, g.from); from < g.to; {
			to := g.find(name, from+1)
			if !yield(Group{m: g.m, from: from, to: to}) {
				return
			}
			from = to
		}
	}
}

// Before is the part of g before its first segment of that name, or all of g; From is the rest. ROL and PRT mean
// something else before PV1 (the person) than after it (the visit).
func (g Group) Before(name string) Group {
	return Group{m: g.m, from: g.from, to: g.find(name, g.from)}
}

// From is the part of g from its first segment of that name on; empty where there is none.
func (g Group) From(name string) Group { return Group{m: g.m, from: g.find(name, g.from), to: g.to} }

// find is the index of the first segment of that name at or after i, or g.to.
func (g Group) find(name string, i int) int {
	for ; i < g.to; i++ {
		if string(g.m.segs[i].name[:]) == name {
			break
		}
	}
	return min(i, g.to)
}

// Segment is one segment. The zero Segment does not exist and reads as empty.
type Segment struct {
	m *Message
	i int // index + 1
}

// Exists tells a segment from one that was looked for in vain.
func (s Segment) Exists() bool { return s.m != nil }

// Name is its three letters, or "" for a stray line.
func (s Segment) Name() string {
	if s.m == nil || s.at().name[0] == 0 {
		return ""
	}
	return string(s.at().name[:])
}

// Raw is the segment as received, without its terminator.
func (s Segment) Raw() []byte {
	if s.m == nil {
		return nil
	}
	return s.m.text[s.at().start:s.at().end]
}

// Len is the number of its last field, empty ones included.
func (s Segment) Len() int {
	if s.m == nil {
		return 0
	}
	return int(s.at().count)
}

// Field is field n, from 1. In MSH, field 1 is the separator and field 2 the encoding characters, as in the standard.
func (s Segment) Field(n int) Field {
	if s.m == nil {
		return Field{}
	}
	return s.at().field(s.m, n)
}

// Value is Field(n).String(): the plain value of a field of which only the first component is of interest.
func (s Segment) Value(n int) string { return s.Field(n).String() }

func (s Segment) at() *segment { return &s.m.segs[s.i-1] }

func (s *segment) field(m *Message, n int) Field {
	if n < 1 || n > int(s.count) {
		return Field{}
	}
	i := s.first + int32(n) - 1
	start, end := m.fields[i], s.end
	if n < int(s.count) {
		end = m.fields[i+1] - 1
	}
	f := Field{m: m}
	if n <= 2 && s.isHeader() {
		f.level = verbatim
		if n == 1 {
			end = start + 1
		}
	}
	f.raw = m.text[start:end:end]
	return f
}
