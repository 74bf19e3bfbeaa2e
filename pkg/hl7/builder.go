package hl7

import (
	"time"

	"github.com/handoff-care/handoff/pkg/hl7/internal/charset"
)

// MSH is the header of a message to build.
type MSH struct {
	Delimiters                              Delimiters // the zero value means Standard
	SendingApplication, SendingFacility     string
	ReceivingApplication, ReceivingFacility string
	Time                                    DTM
	Type, Trigger, Structure                string // MSH-9; Structure may be left out
	ControlID                               string
	Processing                              string // the default is P
	Version                                 string // the default is 2.5.1
	AcceptAck, ApplicationAck               string // MSH-15, MSH-16
	Country                                 string
	Charset                                 string // MSH-18 as declared; values are encoded so. Empty: UTF-8, undeclared
}

// Builder writes one message: segments in the order they are added, values escaped and encoded. It is not safe for
// concurrent use. Reset lets a sender of many messages keep its memory.
type Builder struct {
	delims  Delimiters
	charset charset.Set
	buf     []byte
	fields  int    // number of the last field written in the open segment
	pos     int    // end of the last field that holds something: trailing empty fields are cut
	scratch []byte // for encoding to a single-byte set
}

// NewBuilder starts a message with its header.
func NewBuilder(h MSH) *Builder {
	b := &Builder{buf: make([]byte, 0, 1024)}
	return b.Reset(h)
}

// Reset starts another message, whose bytes overwrite those of the one before.
func (b *Builder) Reset(h MSH) *Builder {
	b.delims = h.Delimiters
	if b.delims.Field == 0 {
		b.delims = Standard
	}
	b.charset = charset.Lookup(h.Charset)
	b.buf = append(b.buf[:0], "MSH"...)
	b.buf = append(append(b.buf, b.delims.Field), b.delims.MSH2()...)
	b.fields, b.pos = 2, len(b.buf)
	b.Set(3, Text(h.SendingApplication)).Set(4, Text(h.SendingFacility))
	b.Set(5, Text(h.ReceivingApplication)).Set(6, Text(h.ReceivingFacility))
	b.Set(7, h.Time)
	b.Set(9, Parts{h.Type, h.Trigger, h.Structure}).Set(10, Text(h.ControlID))
	b.Set(11, Text(or(h.Processing, "P"))).Set(12, Text(or(h.Version, "2.5.1")))
	b.Set(15, Text(h.AcceptAck)).Set(16, Text(h.ApplicationAck)).Set(17, Text(h.Country))
	if h.Charset != "" {
		b.Set(18, Text(h.Charset))
	}
	return b
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Segment ends the open segment and begins one of that name.
func (b *Builder) Segment(name string) *Builder {
	b.end()
	b.buf = append(b.buf, name...)
	b.fields, b.pos = 0, len(b.buf)
	return b
}

// Raw adds a whole segment as it stands: another message's, or one that is meant to be wrong.
func (b *Builder) Raw(segment []byte) *Builder {
	b.end()
	b.buf = append(b.buf, segment...)
	b.fields, b.pos = 0, len(b.buf)
	return b
}

// Set writes field n of the open segment, one repetition for each value. Fields are set in rising order: setting one
// at or before the last is a programming error and panics, as the bytes have been written.
func (b *Builder) Set(n int, reps ...Value) *Builder {
	if n <= b.fields {
		panic("hl7: fields of a segment are set in rising order")
	}
	for ; b.fields < n; b.fields++ {
		b.buf = append(b.buf, b.delims.Field)
	}
	start := len(b.buf)
	for i, v := range reps {
		if i > 0 && b.delims.Repetition != 0 {
			b.buf = append(b.buf, b.delims.Repetition)
		}
		v.write(b)
	}
	if len(b.buf) > start {
		b.pos = len(b.buf)
	}
	return b
}

// Bytes ends the message and returns it. The bytes are the builder's until its next Reset.
func (b *Builder) Bytes() []byte {
	b.end()
	return b.buf
}

// end closes the open segment; a second call changes nothing.
func (b *Builder) end() {
	if b.pos == 0 {
		return
	}
	b.buf = append(b.buf[:b.pos], '\r')
	b.pos = 0
}

// text appends one plain value.
func (b *Builder) text(s string) {
	if plainText(s, b.delims) {
		b.buf = append(b.buf, s...)
		return
	}
	b.scratch = b.charset.Encode(b.scratch[:0], s)
	b.buf = appendEscaped(b.buf, b.scratch, b.delims)
}

func plainText(s string, d Delimiters) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c >= 0x80 || c == d.Field || c == d.Component || c == d.Repetition || c == d.Escape ||
			c == d.Subcomponent || c == d.Truncation {
			return false
		}
	}
	return true
}

// list appends parts with a separator, without trailing empty ones.
func (b *Builder) list(sep byte, values ...Value) {
	kept := len(b.buf)
	for i, v := range values {
		if i > 0 {
			if sep == 0 {
				break
			}
			b.buf = append(b.buf, sep)
		}
		start := len(b.buf)
		v.write(b)
		if len(b.buf) > start {
			kept = len(b.buf)
		}
	}
	b.buf = b.buf[:kept]
}

func (b *Builder) texts(sep byte, values ...string) {
	kept := len(b.buf)
	for i, v := range values {
		if i > 0 {
			if sep == 0 {
				break
			}
			b.buf = append(b.buf, sep)
		}
		if v != "" {
			b.text(v)
			kept = len(b.buf)
		}
	}
	b.buf = b.buf[:kept]
}

// At is an instant as a timestamp with seconds and its zone, the form to prefer when writing.
func At(t time.Time) DTM { return DTMOf(t, Second, true) }
