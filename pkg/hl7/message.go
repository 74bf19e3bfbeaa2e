package hl7

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/handoff-care/handoff/pkg/hl7/internal/charset"
)

// Message is one parsed message. It embeds a Group of all its segments, so Segment, All, Segments and Groups work on
// it. It is immutable and safe for concurrent readers; it must not be copied.
type Message struct {
	Group
	raw      []byte // as received
	text     []byte // what offsets point into: raw without leading noise, ADD segments joined
	delims   Delimiters
	charset  charset.Set
	plain    bool // only ASCII, no NUL, no continuation lines: values need no decoding
	literal  bool // and no escape sequences: values are their bytes
	segs     []segment
	fields   []int32 // start of every field of every segment, in order
	warnings []Warning
	segBuf   [16]segment // room for a usual message without another allocation
	fieldBuf [256]int32
}

type segment struct {
	name         [3]byte // zero for a stray line
	start, end   int32
	first, count int32 // its fields: fields[first : first+count]
}

// Parse indexes one message. raw is kept, not copied. A byte order mark, blank lines and MLLP framing bytes before MSH
// are skipped; segments may end with CR, LF or both. The error, if any, is a *ParseError; the header of what could not
// be parsed can still be had from PeekHeader, to answer it.
func Parse(raw []byte) (*Message, error) { return ParseCharset(raw, "") }

// ParseCharset is Parse with a character set that overrules MSH-18, as an HTTP header or a feed's setting does. A name
// that is not known (see charset in MSH-18: "UTF-8", "8859/15", "windows-1252"...) is ignored.
func ParseCharset(raw []byte, name string) (*Message, error) {
	m := &Message{raw: raw}
	m.segs, m.fields = m.segBuf[:0], m.fieldBuf[:0]
	start, err := m.readStart(raw)
	if err != nil {
		return nil, err
	}
	if err := m.index(start); err != nil {
		return nil, err
	}
	m.Group = Group{m: m, to: len(m.segs)}
	if len(bytes.TrimSpace(m.segs[0].field(m, 9).raw)) == 0 {
		return nil, &ParseError{Kind: NoMessageType, Offset: start}
	}
	m.chooseCharset(name)
	m.checkTrigger()
	if len(m.segs[0].field(m, 10).raw) == 0 {
		m.warn(ControlIDMissing, 0)
	}
	return m, nil
}

// Raw is the message exactly as received.
func (m *Message) Raw() []byte { return m.raw }

// Delimiters are the sender's.
func (m *Message) Delimiters() Delimiters { return m.delims }

// Charset is the character set values are decoded from: "UTF-8", "windows-1252", "8859/2"...
func (m *Message) Charset() string { return m.charset.String() }

// Warnings are the things tolerated, in order of discovery; the first MaxWarnings of them.
func (m *Message) Warnings() []Warning { return m.warnings }

// Type is MSH-9.1, such as "ADT".
func (m *Message) Type() string { return m.segs[0].field(m, 9).Component(1).String() }

// Trigger is MSH-9.2, such as "A03"; where that is empty, EVN-1. MSH-9.3 is never consulted: senders write anything.
func (m *Message) Trigger() string {
	if t := m.segs[0].field(m, 9).Component(2); !t.Empty() {
		return t.String()
	}
	return m.Segment("EVN").Value(1)
}

// ControlID is MSH-10 decoded, for reading; an ACK repeats the bytes of Header().ControlID.
func (m *Message) ControlID() string { return m.segs[0].field(m, 10).String() }

// Fragment says that the message is one part of a longer one (DSC-1 or MSH-14 valued).
func (m *Message) Fragment() bool {
	return !m.segs[0].field(m, 14).Empty() || !m.Segment("DSC").Field(1).Empty()
}

func (m *Message) warn(k WarningKind, offset int) {
	if len(m.warnings) < MaxWarnings {
		m.warnings = append(m.warnings, Warning{Kind: k, Offset: offset})
	}
}

// readStart finds MSH and its delimiters, and returns where MSH begins.
func (m *Message) readStart(raw []byte) (int, error) {
	if len(raw) > MaxBytes {
		return 0, &ParseError{Kind: TooLarge, Offset: MaxBytes}
	}
	start := skipNoise(raw)
	rest := bytes.TrimRight(raw[start:], framing)
	if kind := refuse(rest, raw); kind != 0 {
		return 0, &ParseError{Kind: kind, Offset: start}
	}
	d, assumed, ok := readDelimiters(firstLine(rest)[3:])
	if !ok {
		return 0, &ParseError{Kind: BadDelimiters, Offset: start + 3}
	}
	if assumed {
		m.warn(DelimitersAssumed, start)
	}
	m.delims = d
	m.text = raw[:start+len(rest)]
	return start, nil
}

// framing is what may stand after the last segment.
const framing = "\x1c\r\n"

func refuse(rest, raw []byte) ErrorKind {
	switch {
	case isWide(raw):
		return WideEncoding
	case len(rest) == 0:
		return Blank
	case hasName(rest, "FHS"), hasName(rest, "BHS"):
		return IsBatch
	case !bytes.HasPrefix(rest, []byte("MSH")):
		return NoMSH
	case len(firstLine(rest)) < 5:
		return ShortMSH
	}
	return 0
}

// skipNoise is the number of bytes before the first segment: byte order mark, blank lines, framing bytes.
func skipNoise(raw []byte) int {
	for i := 0; i < len(raw); {
		switch raw[i] {
		case '\r', '\n', ' ', '\t', 0x0B, 0:
			i++
			continue
		}
		if bytes.HasPrefix(raw[i:], []byte("\xEF\xBB\xBF")) {
			i += 3
			continue
		}
		return i
	}
	return len(raw)
}

func isWide(raw []byte) bool {
	if len(raw) < 2 {
		return false
	}
	bom := raw[0] == 0xFF && raw[1] == 0xFE || raw[0] == 0xFE && raw[1] == 0xFF
	return bom || bytes.HasPrefix(raw, []byte("M\x00S\x00")) || bytes.HasPrefix(raw, []byte("\x00M\x00S"))
}

func firstLine(b []byte) []byte {
	if i := bytes.IndexAny(b, "\r\n"); i >= 0 {
		return b[:i]
	}
	return b
}

// hasName: b starts with a header segment of that name, whatever its separator.
func hasName(b []byte, name string) bool {
	return len(b) > 3 && string(b[:3]) == name && isDelimiter(b[3])
}

// chooseCharset follows MSH-18, which senders often get wrong; empty officially means ASCII and really means UTF-8 or
// Windows-1252.
func (m *Message) chooseCharset(override string) {
	ascii, nul := scan(m.text)
	if nul {
		m.warn(NulBytes, 0)
	}
	m.plain = m.plain && ascii && !nul
	values := m.text[m.fields[2]:] // MSH-2 declares the escape character
	m.literal = m.plain && (m.delims.Escape == 0 || bytes.IndexByte(values, m.delims.Escape) < 0)
	declared := m.segs[0].field(m, 18).Rep(1).Component(1).Raw()
	if override != "" {
		m.charset = charset.Lookup(override)
	}
	if m.charset == charset.Unknown && len(declared) > 0 {
		m.charset = charset.LookupBytes(declared)
	}
	switch {
	case ascii:
		if m.charset == charset.Unknown {
			m.charset = charset.UTF8
		}
	case m.charset == charset.UTF8:
		if !utf8.Valid(m.text) {
			m.warn(CharsetContradicted, 0)
		}
	case m.charset == charset.Unknown:
		m.guessCharset(len(declared) > 0)
	}
}

func (m *Message) guessCharset(declared bool) {
	m.charset = charset.Windows1252
	if utf8.Valid(m.text) {
		m.charset = charset.UTF8
	}
	if declared {
		m.warn(CharsetUnknown, 0)
		return
	}
	m.warn(CharsetGuessed, 0)
}

func scan(b []byte) (ascii, nul bool) {
	nul = bytes.IndexByte(b, 0) >= 0
	var or uint64
	for ; len(b) >= 8; b = b[8:] {
		or |= binary.LittleEndian.Uint64(b)
	}
	for _, c := range b {
		or |= uint64(c)
	}
	return or&0x8080808080808080 == 0, nul
}

func (m *Message) checkTrigger() {
	evn := m.Segment("EVN").Field(1)
	if evn.Empty() {
		return
	}
	header := m.segs[0].field(m, 9).Component(2)
	switch {
	case header.Empty():
		m.warn(TriggerFromEVN, 0)
	case !bytes.Equal(header.leaf(), evn.leaf()):
		m.warn(TriggerMismatch, 0)
	}
}
