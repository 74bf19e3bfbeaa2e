package hl7

import (
	"bytes"
	"iter"
)

// Field is a field, one of its repetitions, a component or a subcomponent: what Field, Rep, Component and Sub give.
// Going further down than there are parts is harmless: the first part of a thing without parts is the thing itself, any
// other is empty. The zero Field is empty.
type Field struct {
	m     *Message
	raw   []byte
	level level
}

type level uint8

const (
	wholeField level = iota
	repetition
	component
	subcomponent
	verbatim // MSH-1 and MSH-2: never split, never unescaped
)

// Raw is exactly what was received, delimiters and escapes included. It must not be changed.
func (f Field) Raw() []byte { return f.raw }

// Empty says that nothing was sent: no bytes, or delimiters only. In an update that means "no information".
func (f Field) Empty() bool {
	if f.m == nil {
		return true
	}
	if f.level == verbatim {
		return len(f.raw) == 0
	}
	for _, c := range f.raw {
		if !f.m.delims.splits(c) {
			return false
		}
	}
	return true
}

// IsNull says that the value is exactly "" (two quotes), which in an update means "delete".
func (f Field) IsNull() bool { return string(f.raw) == null }

const null = `""`

// Is compares the plain value with an ASCII string without allocating.
func (f Field) Is(s string) bool { return string(f.leaf()) == s }

// Rep is repetition i, from 1.
func (f Field) Rep(i int) Field {
	if f.level != wholeField {
		return f.only(i)
	}
	return Field{m: f.m, raw: nth(f.raw, f.delims().Repetition, i), level: repetition}
}

// Component is component n, from 1, of the first repetition.
func (f Field) Component(n int) Field {
	if f.level == wholeField {
		f = f.Rep(1)
	}
	if f.level != repetition {
		return f.only(n)
	}
	return Field{m: f.m, raw: nth(f.raw, f.delims().Component, n), level: component}
}

// Sub is subcomponent n, from 1, of the first component.
func (f Field) Sub(n int) Field {
	if f.level < component {
		f = f.Component(1)
	}
	if f.level != component {
		return f.only(n)
	}
	return Field{m: f.m, raw: nth(f.raw, f.delims().Subcomponent, n), level: subcomponent}
}

// Reps are the repetitions that are not empty, in order. A field that was not sent has none; a null field has one, the
// null.
func (f Field) Reps() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		if f.level != wholeField {
			if !f.Empty() {
				yield(f)
			}
			return
		}
		for rest, more := f.raw, f.m != nil; more; {
			r := Field{m: f.m, level: repetition}
			r.raw, rest, more = cut(rest, f.delims().Repetition)
			if !r.Empty() && !yield(r) {
				return
			}
		}
	}
}

// String is the plain value: the first subcomponent of the first component of the first repetition, unescaped and
// decoded to UTF-8. A receiver that expects a plain value is to ignore components it does not know, so this is right for
// PV1-2 sent as I^Inpatient too. It is "" for a null; IsNull tells the difference.
func (f Field) String() string {
	raw := f.leaf()
	if len(raw) == 0 || string(raw) == null {
		return ""
	}
	if f.level == verbatim {
		return string(f.m.charset.Decode(nil, raw))
	}
	return f.m.decode(raw)
}

// Text is all of the value unescaped and decoded, delimiters included: for free text whose sender does not escape.
func (f Field) Text() string {
	if len(f.raw) == 0 || f.IsNull() {
		return ""
	}
	if f.level == verbatim {
		return string(f.m.charset.Decode(nil, f.raw))
	}
	return f.m.decode(f.raw)
}

// DTM is the value as a timestamp. A value that was not sent, or is null, gives the zero DTM and no error.
func (f Field) DTM() (DTM, error) {
	raw := f.leaf()
	if len(raw) == 0 || string(raw) == null {
		return DTM{}, nil
	}
	return parseDTM(raw)
}

func (f Field) delims() Delimiters {
	if f.m == nil {
		return Delimiters{}
	}
	return f.m.delims
}

func (f Field) only(n int) Field {
	if n == 1 {
		return f
	}
	return Field{m: f.m, level: f.level}
}

func (f Field) leaf() []byte {
	if f.m == nil || f.level == verbatim {
		return f.raw
	}
	// The first part of the first part ends at the first separator, of whichever kind. What does not
	// separate here is the separator of fields, which no field holds.
	d := &f.m.delims
	rep, comp, sub := d.Field, d.Field, d.Field
	if f.level <= wholeField && d.Repetition != 0 {
		rep = d.Repetition
	}
	if f.level <= repetition && d.Component != 0 {
		comp = d.Component
	}
	if f.level <= component && d.Subcomponent != 0 {
		sub = d.Subcomponent
	}
	for i, c := range f.raw {
		if c == rep || c == comp || c == sub {
			return f.raw[:i:i]
		}
	}
	return f.raw
}

// nth is part n, from 1, of b; a zero separator does not occur.
func nth(b []byte, sep byte, n int) []byte {
	if n < 1 {
		return nil
	}
	part, rest, more := cut(b, sep)
	for ; n > 1; n-- {
		if !more {
			return nil
		}
		part, rest, more = cut(rest, sep)
	}
	return part
}

func cut(b []byte, sep byte) (part, rest []byte, more bool) {
	if sep == 0 {
		return b, nil, false
	}
	if i := bytes.IndexByte(b, sep); i >= 0 {
		return b[:i:i], b[i+1:], true
	}
	return b, nil, false
}
