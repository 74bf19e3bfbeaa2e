package directory

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// LineError is what is wrong with one line of a CSV file; the header is line 1.
type LineError struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// Line is one provider of a CSV file.
type Line struct {
	Number int
	set    []assignment
}

type assignment struct {
	col  *column
	cell string
}

// Apply puts what the line says over p and checks the result. It returns everything that is wrong.
func (l Line) Apply(p *Provider, now time.Time) (wrong []string) {
	said := map[string]bool{}
	for _, s := range l.set {
		said[s.col.name] = true
		if err := s.col.set(p, s.cell); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", s.col.name, err))
		}
	}
	if said["open_beds"] && !said["capacity_at"] {
		p.CapacityAt = &now
	}
	return append(wrong, p.Check()...)
}

// Sheet is a CSV file that was read.
type Sheet struct {
	Lines  []Line
	Errors []LineError
}

// ErrHeader says that a file's first line names no column this service knows well enough.
var ErrHeader = errors.New("the first line must name the columns: at least name and needs, or CMS Certification Number (CCN) and Provider Name")

// maxLines bounds an import: all of CMS's nursing homes are about 15,000.
const maxLines = 50_000

// Read reads a CSV file in this service's own columns (the names of Provider's JSON members; lists
// separated by ;) or in those of CMS's Care Compare downloads. Columns nobody knows are passed over.
func Read(r io.Reader) (*Sheet, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	in.ReuseRecord = true
	in.LazyQuotes = true
	header, err := in.Read()
	if err != nil {
		return nil, ErrHeader
	}
	cols, err := columnsOf(header)
	if err != nil {
		return nil, err
	}
	s := &Sheet{}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		number, _ := in.FieldPos(0)
		var parse *csv.ParseError
		switch {
		case errors.As(err, &parse):
			s.Errors = append(s.Errors, LineError{parse.StartLine, parse.Err.Error()})
			continue
		case err != nil:
			return nil, err
		case len(record) > len(header):
			s.Errors = append(s.Errors, LineError{number, fmt.Sprintf("has %d cells, the header %d", len(record), len(header))})
			continue
		case len(s.Lines) == maxLines:
			s.Errors = append(s.Errors, LineError{number, fmt.Sprintf("is past the %d lines that one import may have; the rest was not read", maxLines)})
			return s, nil
		}
		s.Lines = append(s.Lines, read(number, cols, record))
	}
}

func read(number int, cols []*column, record []string) Line {
	l := Line{Number: number}
	for i, cell := range record {
		if cell = strings.TrimSpace(cell); cell != "" && cols[i] != nil {
			l.set = append(l.set, assignment{cols[i], cell})
		}
	}
	return l
}

// columnsOf finds the column behind each cell of a header; nil: not ours.
func columnsOf(header []string) ([]*column, error) {
	cols := make([]*column, len(header))
	var names []string
	for i, cell := range header {
		if c := columns[plain(cell)]; c != nil && !slices.Contains(names, c.name) {
			cols[i] = c
			names = append(names, c.name)
		}
	}
	has := func(n string) bool { return slices.Contains(names, n) }
	if !has("name") || !has("needs") && !has("ccn") {
		return nil, ErrHeader
	}
	return cols, nil
}

// plain is a header cell in lower case without anything but letters and digits (nor a byte order mark).
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

// Merge applies the lines to the providers of org that are already known (by id) and returns those to
// store, new ones included. Lines that are wrong, or say the same provider again, become errors.
func (s *Sheet) Merge(org events.ID, known map[events.ID]*Provider, now time.Time) []*Provider {
	first := map[events.ID]int{}
	var out []*Provider
	for _, l := range s.Lines {
		id := l.ID(org)
		p, ok := known[id]
		if !ok {
			p = &Provider{ID: id}
		}
		if n, twice := first[id]; twice {
			s.Errors = append(s.Errors, LineError{l.Number, fmt.Sprintf("is the same provider as line %d", n)})
			continue
		}
		changed := *p // lists are replaced, never written into
		if wrong := l.Apply(&changed, now); len(wrong) > 0 {
			s.Errors = append(s.Errors, LineError{l.Number, strings.Join(wrong, "; ")})
			continue
		}
		first[id] = l.Number
		out = append(out, &changed)
	}
	slices.SortFunc(s.Errors, func(a, b LineError) int { return a.Line - b.Line })
	return out
}

// ID is the id of the provider that a line is about.
func (l Line) ID(org events.ID) events.ID {
	var p Provider
	for _, s := range l.set {
		switch s.col.name {
		case "ccn", "npi", "name", "zip":
			_ = s.col.set(&p, s.cell) // what is wrong is said when the line is applied
		}
	}
	p.tidy()
	return p.Key(org)
}

func number(s string) (*int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return nil, fmt.Errorf("%q is no number", s)
	}
	return &n, nil
}

func yes(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "yes", "y", "1":
		return true, nil
	case "false", "no", "n", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither yes nor no", s)
}
