package hl7

import (
	"strconv"
	"time"
)

// Code is MSA-1. Give Ack AA, AE or AR; it says CA, CE or CR to a sender in enhanced mode.
type Code string

// The acknowledgement codes of table 0008.
const (
	AA Code = "AA" // accepted
	AE Code = "AE" // error in the content
	AR Code = "AR" // refused: not for us, or not now
	CA Code = "CA"
	CE Code = "CE"
	CR Code = "CR"
)

// Positive says that the message need not be sent again.
func (c Code) Positive() bool { return c == AA || c == CA }

// Mode is the acknowledgement mode of a reply.
type Mode uint8

// The modes: by MSH-15 and MSH-16, or as a feed's settings say.
const (
	AutoMode Mode = iota
	OriginalMode
	EnhancedMode
)

// Reply is what to answer. ID and Time are the reply's own MSH-10 and MSH-7; their uniqueness is the caller's.
type Reply struct {
	Code   Code
	ID     string
	Time   time.Time
	Mode   Mode
	Text   string  // MSA-3, for senders below 2.5 only; never a value of the message
	Faults []Fault // ERR
}

// Fault is one error of a reply. Neither text may hold anything of the message's content: it is filed in places where
// no patient belongs.
type Fault struct {
	At         Path
	Code       int    // table 0357: 100 sequence, 101 required field missing, 102 data type, 103 table value ... 207
	Severity   string // E (the default), W, I, F
	Diagnostic string // ERR-7
	Text       string // ERR-8
}

var faultTexts = map[int]string{
	0: "Message accepted", 100: "Segment sequence error", 101: "Required field missing", 102: "Data type error",
	103: "Table value not found", 104: "Value too long", 200: "Unsupported message type", 201: "Unsupported event code",
	202: "Unsupported processing id", 203: "Unsupported version id", 204: "Unknown key identifier",
	205: "Duplicate key identifier", 206: "Application record locked", 207: "Application internal error",
}

// Ack is the reply to a message: the sender's delimiters, sender and receiver swapped, MSH-9 ACK^<event>^ACK (plain ACK
// before 2.3.1), MSH-11 and MSH-12 repeated, MSA-2 the bytes of its MSH-10. The zero Header - no MSH was found - is
// answered in standard delimiters as version 2.5.1.
func Ack(to Header, r Reply) []byte { return AppendAck(make([]byte, 0, 256), to, r) }

// AppendAck is Ack into a buffer.
func AppendAck(dst []byte, to Header, r Reply) []byte {
	if to.Delimiters.Field == 0 {
		to = Header{Delimiters: Standard, Processing: []byte("P"), Version: []byte("2.5.1")}
	}
	a := acker{dst: dst, h: to, sep: to.Delimiters.Field}
	a.header(r)
	a.dst = append(a.dst, "MSA"...)
	a.raw([]byte(code(to, r)))
	a.raw(to.ControlID)
	if r.Text != "" && !to.versionAtLeast(2, 5, 0) {
		a.text(r.Text)
	}
	a.end()
	a.faults(r.Faults)
	return a.dst
}

func code(h Header, r Reply) Code {
	if r.Mode == OriginalMode || r.Mode == AutoMode && !h.Enhanced() {
		return r.Code
	}
	switch r.Code {
	case AA:
		return CA
	case AE:
		return CE
	case AR:
		return CR
	}
	return r.Code
}

// acker writes segments with the sender's delimiters.
type acker struct {
	dst []byte
	h   Header
	sep byte
}

func (a *acker) raw(b []byte) { a.dst = append(append(a.dst, a.sep), b...) }
func (a *acker) text(s string) {
	a.dst = appendEscaped(append(a.dst, a.sep), []byte(s), a.h.Delimiters)
}
func (a *acker) skip(n int) {
	for range n {
		a.dst = append(a.dst, a.sep)
	}
}
func (a *acker) end() { a.dst = append(a.dst, '\r') }

func (a *acker) header(r Reply) {
	h := a.h
	a.dst = append(append(a.dst, "MSH"...), a.sep)
	if h.encodingCharacters != nil {
		a.dst = append(a.dst, h.encodingCharacters...)
	} else {
		a.dst = append(a.dst, h.Delimiters.MSH2()...)
	}
	a.raw(h.ReceivingApplication)
	a.raw(h.ReceivingFacility)
	a.raw(h.SendingApplication)
	a.raw(h.SendingFacility)
	a.raw(nil)
	if !r.Time.IsZero() {
		a.dst = DTMOf(r.Time, Second, true).append(a.dst)
	}
	a.skip(1)
	a.raw([]byte("ACK"))
	if event, c := h.trigger(), h.Delimiters.Component; len(event) > 0 && c != 0 && h.versionAtLeast(2, 3, 1) {
		a.dst = append(append(append(a.dst, c), event...), c)
		a.dst = append(a.dst, "ACK"...)
	}
	a.text(r.ID)
	a.raw(h.Processing)
	a.raw(h.Version)
	if len(h.Charset) > 0 && !a.ascii() {
		a.skip(5)
		a.raw(h.Charset)
	}
	a.end()
}

// ascii says whether what the reply repeats needs no character set to be named.
func (a *acker) ascii() bool {
	for _, b := range [...][]byte{a.h.ReceivingApplication, a.h.ReceivingFacility, a.h.SendingApplication, a.h.SendingFacility, a.h.ControlID} {
		if ok, _ := scan(b); !ok {
			return false
		}
	}
	return true
}

func (a *acker) faults(faults []Fault) {
	if len(faults) == 0 {
		return
	}
	if !a.h.versionAtLeast(2, 5, 0) {
		a.oldFaults(faults)
		return
	}
	for _, f := range faults {
		a.dst = append(a.dst, "ERR"...)
		a.skip(1)
		a.raw(nil)
		a.location(f.At)
		a.raw(nil)
		a.codedFault(f.Code, a.h.Delimiters.Component)
		severity := f.Severity
		if severity == "" {
			severity = "E"
		}
		a.text(severity)
		if f.Diagnostic != "" || f.Text != "" {
			a.skip(2)
			a.text(f.Diagnostic)
			a.text(f.Text)
		}
		a.end()
	}
}

// location is ERR-2: segment, its sequence, field, repetition, component, subcomponent.
func (a *acker) location(p Path) {
	a.dst = append(a.dst, p.Segment...)
	parts := [...]int{max(p.Occurrence, 1), p.Field, p.Repetition, p.Component, p.Sub}
	if p.Component > 0 || p.Sub > 0 {
		parts[2] = max(p.Repetition, 1)
	}
	for _, n := range parts {
		if n == 0 || a.h.Delimiters.Component == 0 || p.Segment == "" {
			return
		}
		a.dst = strconv.AppendInt(append(a.dst, a.h.Delimiters.Component), int64(n), 10)
	}
}

func (a *acker) codedFault(code int, sep byte) {
	a.dst = strconv.AppendInt(a.dst, int64(code), 10)
	if sep == 0 {
		return
	}
	a.dst = append(append(a.dst, sep), faultTexts[code]...)
	a.dst = append(append(a.dst, sep), "HL70357"...)
}

// oldFaults is ERR-1 as it was before 2.5: segment, sequence, field, and the code in subcomponents; it repeats.
func (a *acker) oldFaults(faults []Fault) {
	a.dst = append(append(a.dst, "ERR"...), a.sep)
	d := a.h.Delimiters
	for i, f := range faults {
		if i > 0 {
			if d.Repetition == 0 {
				break
			}
			a.dst = append(a.dst, d.Repetition)
		}
		a.dst = append(a.dst, f.At.Segment...)
		if d.Component == 0 {
			continue
		}
		a.dst = strconv.AppendInt(append(a.dst, d.Component), int64(max(f.At.Occurrence, 1)), 10)
		a.dst = append(a.dst, d.Component)
		if f.At.Field > 0 {
			a.dst = strconv.AppendInt(a.dst, int64(f.At.Field), 10)
		}
		a.dst = append(a.dst, d.Component)
		a.codedFault(f.Code, d.Subcomponent)
	}
	a.end()
}
