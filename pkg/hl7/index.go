package hl7

import "bytes"

// index walks the text once, from the M of MSH, and notes where every segment and field begins.
func (m *Message) index(start int) error {
	m.plain = true
	before := len(m.warnings)
	for p := start; p < len(m.text); {
		line := m.text[p:]
		if n := blank(line); n > 0 {
			p += n
			continue
		}
		kind := classify(line, m.delims.Field)
		if kind == addLine && len(m.segs) > 1 {
			// ADD goes on where the segment before it stopped, which no offset into the received bytes can say.
			m.text = joinADD(m.text, start, m.delims.Field)
			m.segs, m.fields, m.warnings = m.segs[:0], m.fields[:0], m.warnings[:before]
			return m.index(start)
		}
		if kind == headerLine && len(m.segs) > 0 {
			return &ParseError{Kind: SeveralMessages, Offset: p}
		}
		p = m.indexLine(p, kind)
		if len(m.segs) > MaxSegments || len(m.fields) > MaxFields {
			return &ParseError{Kind: TooLarge, Offset: p}
		}
	}
	return nil
}

// blank is the length of the blank line, or end of line, that b begins with; 0 if there is none.
func blank(b []byte) int {
	for i, c := range b {
		switch c {
		case '\r', '\n':
			return i + 1
		case ' ', '\t', 0:
		default:
			return 0
		}
	}
	return len(b)
}

type lineKind uint8

const (
	strayLine lineKind = iota // not ^[A-Z][A-Z0-9]{2} followed by a field separator or the end
	segmentLine
	headerLine // MSH
	addLine    // ADD
)

func classify(line []byte, sep byte) lineKind {
	if len(line) < 3 || !isUpper(line[0]) || !isUpperOrDigit(line[1]) || !isUpperOrDigit(line[2]) {
		return strayLine
	}
	if len(line) > 3 && line[3] != sep && line[3] != '\r' && line[3] != '\n' {
		return strayLine
	}
	switch string(line[:3]) {
	case "MSH":
		return headerLine
	case "ADD":
		return addLine
	}
	return segmentLine
}

func isUpper(c byte) bool        { return c >= 'A' && c <= 'Z' }
func isUpperOrDigit(c byte) bool { return isUpper(c) || c >= '0' && c <= '9' }

// indexLine adds the line at p and returns where it ends.
func (m *Message) indexLine(p int, kind lineKind) int {
	body := p // from here on separators count
	switch {
	case kind != strayLine:
		body = m.openSegment(p)
	case len(m.segs) == 1 || m.segs[len(m.segs)-1].count == 0:
		// The header is never continued: one odd line after it must not change the version or the character set.
		// Nor is a segment without any field.
		m.warn(StrayLine, p)
		m.segs = append(m.segs, segment{start: int32(p), first: int32(len(m.fields))})
		m.fields = append(m.fields, int32(p))
		m.plain = false
	default:
		m.warn(ContinuationLine, p)
		m.plain = false
	}
	end, sep, text, fields := body, m.delims.Field, m.text, m.fields
	for ; end < len(text); end++ {
		c := text[end]
		if c == sep {
			fields = append(fields, int32(end+1))
		} else if c == '\r' || c == '\n' {
			break
		}
	}
	m.fields = fields
	s := &m.segs[len(m.segs)-1]
	s.end = int32(end)
	s.count = int32(len(fields)) - s.first
	return end
}

// openSegment starts the segment at p and returns where its first ordinary field begins. In MSH (and the batch
// headers) the separator itself is field 1.
func (m *Message) openSegment(p int) int {
	s := segment{name: [3]byte(m.text[p : p+3]), start: int32(p), first: int32(len(m.fields))}
	m.segs = append(m.segs, s)
	if p+3 >= len(m.text) || m.text[p+3] != m.delims.Field {
		return p + 3
	}
	if s.isHeader() {
		m.fields = append(m.fields, int32(p+3))
	}
	m.fields = append(m.fields, int32(p+4))
	return p + 4
}

func (s *segment) isHeader() bool {
	switch string(s.name[:]) {
	case "MSH", "FHS", "BHS":
		return true
	}
	return false
}

// endsBare says that text ends with a segment without any field.
func endsBare(text []byte, sep byte) bool {
	name := text[len(text)-3:]
	before := text[len(text)-4] // MSH and its delimiters are longer than that
	return (before == '\r' || before == '\n') && classify(name, sep) != strayLine
}

// joinADD copies the text with every "<end of line>ADD|" taken out, so that the segment before it goes on. An ADD
// directly after MSH stays: it continues a segment of another message.
func joinADD(text []byte, start int, sep byte) []byte {
	out := append(make([]byte, 0, len(text)), text[:start]...)
	segments := 0
	for p := start; p < len(text); {
		lineEnd := p + len(firstLine(text[p:]))
		next := lineEnd
		for next < len(text) && (text[next] == '\r' || text[next] == '\n') {
			next++
		}
		line := text[p:lineEnd]
		if segments > 1 && classify(line, sep) == addLine {
			out = bytes.TrimRight(out, "\r\n")
			line = line[3:]
			if len(line) > 0 && !endsBare(out, sep) {
				line = line[1:] // the field before it goes on; after a bare name it is the first
			}
		}
		out = append(append(out, line...), text[lineEnd:next]...)
		segments++
		p = next
	}
	return out
}
