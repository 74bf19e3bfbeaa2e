// Package hl7 reads and writes HL7 v2 messages as hospitals send them: any version, any segment, any delimiters.
//
// Guarantee: whatever bytes come in, nothing panics, nothing is changed and nothing is lost. A Message is an index over
// the bytes it was parsed from: Raw gives exactly those back, at every level; String gives their meaning (unescaped,
// decoded to UTF-8, valid, free of NUL). What could not be used is named in Warnings or in a *ParseError, by place and
// kind and never by content, so that both may be logged. Only what makes a message unanswerable or unroutable is an
// error: no MSH, no delimiters, no MSH-9, several messages at once. Everything else - unknown segments, extra fields,
// stray lines, wrong character sets - is tolerated.
//
// There is no schema. Positions count from 1, as in the standard, and a place that does not exist reads as empty:
//
//	m, err := hl7.Parse(frame)
//	m.Trigger()                                                  // "A03"
//	m.Get("PID-3[2].4.2").String()                               // by path
//	m.Segment("PID").Field(3).Rep(2).Component(4).Sub(2).String() // the same by steps
//	for id := range m.Segment("PID").Field(3).Reps() { id.CX() }  // typed
//
// A Message aliases the bytes it was parsed from, which must not change afterwards; it is then immutable and may be read
// by any number of goroutines. Parsing allocates once for a usual message and decodes nothing until it is asked for.
//
// Messages are written with a Builder, replies with Ack. Neither reads a clock nor invents an id: both are arguments.
package hl7
