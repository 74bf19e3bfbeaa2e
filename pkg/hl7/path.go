package hl7

import (
	"fmt"
	"strconv"
	"strings"
)

// Path is a place in a message: PID-3[1].4.2, DG1[2]-3.1, PV1-44. Numbers count from 1; a number left out of the text is
// 0 here and means the first segment or repetition, or all of the field or component.
type Path struct {
	Segment           string
	Occurrence        int // of the segment
	Field, Repetition int
	Component, Sub    int
}

// ParsePath reads the text form: a segment, its occurrence in brackets, then after '-' or '.' the field, its repetition
// in brackets, and after dots component and subcomponent.
func ParsePath(text string) (Path, error) {
	p, rest, ok := Path{}, text, len(text) >= 3
	if ok {
		p.Segment, rest = text[:3], text[3:]
		ok = classify([]byte(p.Segment), 0) != strayLine
	}
	if ok {
		p.Occurrence, rest, ok = bracketed(rest)
	}
	if ok && rest != "" {
		if rest[0] == '-' {
			rest = "." + rest[1:]
		}
		p.Field, rest, ok = dotted(rest)
	}
	if ok && p.Field > 0 {
		p.Repetition, rest, ok = bracketed(rest)
	}
	if ok && rest != "" {
		p.Component, rest, ok = dotted(rest)
	}
	if ok && rest != "" {
		p.Sub, rest, ok = dotted(rest)
	}
	if !ok || rest != "" {
		return Path{}, fmt.Errorf("hl7: %q is not a path such as PID-3[1].4.2", text)
	}
	return p, nil
}

func bracketed(s string) (n int, rest string, ok bool) {
	if !strings.HasPrefix(s, "[") {
		return 0, s, true
	}
	digits, rest, found := strings.Cut(s[1:], "]")
	n, err := strconv.Atoi(digits)
	return n, rest, found && err == nil && n > 0 && digits[0] != '+'
}

func dotted(s string) (n int, rest string, ok bool) {
	if !strings.HasPrefix(s, ".") {
		return 0, s, false
	}
	i := 1
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.Atoi(s[1:i])
	return n, s[i:], err == nil && n > 0
}

// String is the text form.
func (p Path) String() string {
	var b strings.Builder
	b.WriteString(p.Segment)
	bracket := func(n int) {
		if n > 0 {
			fmt.Fprintf(&b, "[%d]", n)
		}
	}
	bracket(p.Occurrence)
	if p.Field == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "-%d", p.Field)
	bracket(p.Repetition)
	if p.Component > 0 {
		fmt.Fprintf(&b, ".%d", p.Component)
		if p.Sub > 0 {
			fmt.Fprintf(&b, ".%d", p.Sub)
		}
	}
	return b.String()
}

// At is what stands at a path; empty where there is nothing.
func (g Group) At(p Path) Field {
	n := max(p.Occurrence, 1)
	for s := range g.All(p.Segment) {
		if n--; n > 0 {
			continue
		}
		f := s.Field(p.Field)
		if p.Repetition > 0 || p.Component > 0 {
			f = f.Rep(max(p.Repetition, 1))
		}
		if p.Component > 0 {
			f = f.Component(p.Component)
		}
		if p.Sub > 0 {
			f = f.Sub(p.Sub)
		}
		return f
	}
	return Field{}
}

// Get is At for a path written in the program. What is no path reads as empty: check configured ones with ParsePath.
func (g Group) Get(path string) Field {
	p, err := ParsePath(path)
	if err != nil {
		return Field{}
	}
	return g.At(p)
}
