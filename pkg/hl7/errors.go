package hl7

import "fmt"

// ErrorKind says why bytes are not a message.
type ErrorKind uint8

// The kinds of ParseError.
const (
	Blank           ErrorKind = iota + 1 // nothing but white space
	NoMSH                                // does not begin with MSH
	WideEncoding                         // UTF-16 or UTF-32, which cannot travel in HL7 framing
	ShortMSH                             // MSH ends before its delimiters
	BadDelimiters                        // MSH-1 or MSH-2 holds what cannot be a delimiter
	NoMessageType                        // MSH-9 is missing or empty
	SeveralMessages                      // more than one MSH: use Split
	IsBatch                              // begins with FHS or BHS: use Split
	TooLarge                             // more bytes, segments or fields than MaxBytes, MaxSegments, MaxFields
)

// Limits of one message. They bound the memory a hostile message can claim, and are far above any real one.
const (
	MaxBytes    = 64 << 20
	MaxSegments = 50_000
	MaxFields   = 1_000_000
	MaxWarnings = 100
)

var kindTexts = [...]string{
	Blank:           "message is nothing but white space",
	NoMSH:           "message does not begin with an MSH segment",
	WideEncoding:    "message is UTF-16 or UTF-32, which HL7 framing cannot carry",
	ShortMSH:        "MSH ends before its delimiters",
	BadDelimiters:   "MSH-1 or MSH-2 cannot be delimiters",
	NoMessageType:   "MSH-9 (message type) is missing or empty",
	SeveralMessages: "message holds more than one MSH segment",
	IsBatch:         "input is a batch (FHS or BHS), not one message",
	TooLarge:        "message has more bytes, segments or fields than are accepted",
}

// String is the reason in words, without any content of the message.
func (k ErrorKind) String() string {
	if int(k) >= len(kindTexts) || k == 0 {
		return "unknown"
	}
	return kindTexts[k]
}

// ParseError says what is wrong and at which byte of the input; it never quotes the input.
type ParseError struct {
	Kind   ErrorKind
	Offset int
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("hl7: %s (byte %d)", e.Kind, e.Offset)
}

// Fault is the error as an ERR segment tells it to the sender.
func (e *ParseError) Fault() Fault {
	f := Fault{At: Path{Segment: "MSH"}, Code: 100, Text: e.Kind.String()}
	switch e.Kind {
	case ShortMSH, BadDelimiters:
		f.At.Field, f.Code = 2, 101
	case NoMessageType:
		f.At.Field, f.Code = 9, 101
	case TooLarge:
		f.Code = 104
	case WideEncoding:
		f.Code = 102
	}
	return f
}

// WarningKind says what was tolerated.
type WarningKind uint8

// The kinds of Warning.
const (
	ContinuationLine    WarningKind = iota + 1 // a line that is no segment was taken as more of the field before it
	StrayLine                                  // a line that is no segment, with no field before it to go on: kept as a nameless segment
	DelimitersAssumed                          // MSH-2 was empty, repeated a character or was too long
	TriggerMismatch                            // MSH-9.2 and EVN-1 differ: MSH-9.2 counts
	TriggerFromEVN                             // MSH-9.2 is empty: EVN-1 counts
	CharsetUnknown                             // MSH-18 names a set that is not supported: guessed
	CharsetContradicted                        // MSH-18 says UTF-8 but the bytes are not: those values read as Windows-1252
	CharsetGuessed                             // bytes beyond ASCII and no set declared: guessed
	ControlIDMissing                           // MSH-10 is empty
	NulBytes                                   // NUL in the message: read as U+FFFD
)

var warningTexts = [...]string{
	ContinuationLine:    "line is no segment: taken as more of the field before it",
	StrayLine:           "line is no segment and has no field to continue: kept without a name",
	DelimitersAssumed:   "MSH-2 is empty, repeats a character or is too long",
	TriggerMismatch:     "MSH-9.2 and EVN-1 differ: MSH-9.2 counts",
	TriggerFromEVN:      "MSH-9.2 is empty: EVN-1 counts",
	CharsetUnknown:      "MSH-18 names an unsupported character set: guessed",
	CharsetContradicted: "MSH-18 says UTF-8 but some bytes are not",
	CharsetGuessed:      "bytes beyond ASCII without a declared character set: guessed",
	ControlIDMissing:    "MSH-10 (control id) is empty",
	NulBytes:            "NUL bytes: read as U+FFFD",
}

// String is the remark in words, without any content of the message.
func (k WarningKind) String() string {
	if int(k) >= len(warningTexts) || k == 0 {
		return "unknown"
	}
	return warningTexts[k]
}

// Warning is something tolerated, and where: a byte offset into the message, or 0 for the message as a whole.
type Warning struct {
	Kind   WarningKind
	Offset int
}

func (w Warning) String() string { return fmt.Sprintf("%s (byte %d)", w.Kind, w.Offset) }
