package course

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a machine without time zones still has hospitals in them
)

// Sender is one hospital's interface: its code in MSH-4 and how it writes HL7.
type Sender struct {
	Code    string
	Name    string
	Zone    string // IANA
	App     string
	OID     string
	Version string // MSH-12
	Charset string // MSH-18

	Separators string // field, component, repetition, escape, subcomponent
	End        string // of a segment
	Zoned      bool   // every time carries its offset, not MSH-7 alone
	Bare       bool   // not even MSH-7 does
	Structured bool   // MSH-9.3 is sent
	Occurred   bool   // EVN-6 is sent
	Dotless    bool   // ICD-10 without its dot, numbers of one digit for dispositions
	VisitField string // where the visit's number is: PV1-19, PID-18, PV1-50; "" nowhere

	zone *time.Location
}

// Senders are all of them.
var Senders = located([]Sender{
	{
		Code: "NORTHLAKE", Name: "Northlake General Hospital", Zone: "America/Chicago", App: "NLADT", OID: "2.25.7101", Version: "2.5.1", Charset: "UNICODE UTF-8",
		Separators: `|^~\&`, End: "\r", Zoned: true, Structured: true, Occurred: true, VisitField: "PV1-19",
	},
	{
		Code: "STBRIDE", Name: "Saint Bride Hospital", Zone: "America/New_York", App: "SBREG", OID: "2.25.7102", Version: "2.3", Charset: "8859/1",
		Separators: `|^~\&`, End: "\r", Dotless: true, VisitField: "PID-18",
	},
	{
		Code: "RIVERTON", Name: "Riverton Medical Center", Zone: "America/Denver", App: "RMC", OID: "2.25.7103", Version: "2.4", Charset: "",
		Separators: `|~^\&`, End: "\r\n", Occurred: true, Bare: true, VisitField: "PV1-50",
	},
	{
		Code: "PINEHILL", Name: "Pinehill Community Hospital", Zone: "America/Los_Angeles", App: "PHADT", OID: "", Version: "2.8", Charset: "UNICODE UTF-8",
		Separators: `#!@%*`, End: "\n", Zoned: true, Structured: true, VisitField: "PV1-19",
	},
})

func located(list []Sender) []Sender {
	for i := range list {
		z, err := time.LoadLocation(list[i].Zone)
		if err != nil {
			panic(err) // they are part of the program
		}
		list[i].zone = z
	}
	return list
}

// at writes a time the sender's way.
func (s *Sender) at(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case s.Zoned:
		return t.In(s.zone).Format("20060102150405-0700")
	}
	return t.In(s.zone).Format("20060102150405")
}

// sent writes MSH-7.
func (s *Sender) sent(t time.Time) string {
	if s.Bare {
		return t.In(s.zone).Format("20060102150405")
	}
	return t.In(s.zone).Format("20060102150405-0700")
}

// id writes an identifier with its authority (CX).
func (s *Sender) id(value, kind string) string {
	if value == "" {
		return ""
	}
	if s.OID == "" {
		return value + "^^^" + s.Code + "^" + kind
	}
	return value + "^^^" + s.Code + "&" + s.OID + "&ISO^" + kind
}

// code writes an ICD-10 code.
func (s *Sender) code(c string) string {
	if s.Dotless {
		return strings.ReplaceAll(c, ".", "")
	}
	return c
}

// structures are the message structures (MSH-9.3) of the triggers.
var structures = map[string]string{
	"A01": "ADT_A01", "A02": "ADT_A02", "A03": "ADT_A03", "A04": "ADT_A01", "A05": "ADT_A05", "A06": "ADT_A06", "A07": "ADT_A06", "A08": "ADT_A01",
	"A09": "ADT_A09", "A10": "ADT_A09", "A11": "ADT_A09", "A12": "ADT_A12", "A13": "ADT_A01", "A14": "ADT_A05", "A15": "ADT_A15", "A16": "ADT_A16",
	"A17": "ADT_A17", "A20": "ADT_A20", "A21": "ADT_A21", "A22": "ADT_A21", "A23": "ADT_A21", "A24": "ADT_A24", "A25": "ADT_A21", "A26": "ADT_A21",
	"A27": "ADT_A21", "A28": "ADT_A05", "A29": "ADT_A21", "A31": "ADT_A05", "A32": "ADT_A21", "A33": "ADT_A21", "A37": "ADT_A37", "A38": "ADT_A38",
	"A39": "ADT_A39", "A40": "ADT_A39", "A41": "ADT_A39", "A42": "ADT_A39", "A43": "ADT_A43", "A44": "ADT_A44", "A45": "ADT_A45",
	"A50": "ADT_A50", "A51": "ADT_A50", "A52": "ADT_A52", "A53": "ADT_A52", "A54": "ADT_A54", "A55": "ADT_A54", "A60": "ADT_A60", "A61": "ADT_A61", "A62": "ADT_A61",
}

// segment is one line of a message, in the usual separators.
type segment struct {
	name   string
	fields []string
}

// set fills field n, counted as HL7 does.
func (s *segment) set(n int, value string) *segment {
	for len(s.fields) < n {
		s.fields = append(s.fields, "")
	}
	s.fields[n-1] = value
	return s
}

// letter is a message being written.
type letter struct {
	segments []*segment
}

func (l *letter) add(name string) *segment {
	s := &segment{name: name}
	l.segments = append(l.segments, s)
	return s
}

// text is the message in the sender's separators, line ends and characters.
func (l *letter) text(s *Sender) []byte {
	var b strings.Builder
	for _, seg := range l.segments {
		line := seg.name
		for i, f := range seg.fields {
			if seg.name == "MSH" && i == 0 {
				continue // the field separator itself
			}
			line += "|" + f
		}
		b.WriteString(strings.TrimRight(line, "|"))
		b.WriteString("\r")
	}
	return s.dress(b.String())
}

// dress changes usual separators to the sender's.
func (s *Sender) dress(text string) []byte {
	var out []byte
	for _, r := range text {
		switch r {
		case '\r':
			out = append(out, s.End...)
		case '|', '^', '~', '\\', '&':
			out = append(out, s.Separators[strings.IndexRune(`|^~\&`, r)])
		default:
			if s.Charset == "8859/1" && r < 256 {
				out = append(out, byte(r))
				continue
			}
			out = append(out, string(r)...)
		}
	}
	return out
}

// head begins a message.
func (s *Sender) head(trigger, control string, sent time.Time) *letter {
	l := &letter{}
	kind := "ADT^" + trigger
	if st := structures[trigger]; s.Structured && st != "" {
		kind += "^" + st
	}
	l.add("MSH").set(1, "|").set(2, `^~\&`).set(3, s.App).set(4, s.Code).set(5, "HANDOFF").set(6, "HUB").set(7, s.sent(sent)).
		set(9, kind).set(10, control).set(11, "P").set(12, s.Version).set(18, s.Charset)
	return l
}

// pad is a number of fixed width.
func pad(n, width int) string { return fmt.Sprintf("%0*d", width, n) }
