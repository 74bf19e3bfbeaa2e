// Package charset turns the bytes of a message into text and back, for the character sets that HL7 table 0211 lets
// a hospital declare and that can travel inside an MLLP frame.
//
// Guarantee: every byte sequence decodes to valid UTF-8 without a NUL, and nothing here fails or panics. All sets are
// supersets of ASCII, so that delimiters and escape sequences can be found in the undecoded bytes.
//
// It is written out, rather than imported, because pkg/hl7 depends on the standard library alone.
package charset

import (
	"strings"
	"unicode/utf8"
)

// Set is one character set. The zero value is Unknown.
type Set uint8

// The sets that can be decoded. 8859/1 is always read as Windows-1252, its superset in practice.
const (
	Unknown Set = iota
	UTF8
	Windows1252
	Part2
	Part3
	Part4
	Part5
	Part6
	Part7
	Part8
	Part9
	Part15
)

var names = [...]string{"unknown", "UTF-8", "windows-1252", "8859/2", "8859/3", "8859/4", "8859/5", "8859/6", "8859/7", "8859/8", "8859/9", "8859/15"}

// String is the canonical name, as hospitals write it in MSH-18 or an HTTP charset parameter.
func (s Set) String() string {
	if int(s) >= len(names) {
		return names[Unknown]
	}
	return names[s]
}

// Lookup finds a set by the names met in MSH-18, in HTTP and in feed settings, whatever their case and punctuation.
// ASCII is Unknown: who declares it and sends more bytes than ASCII has said nothing about them.
func Lookup(name string) Set {
	n := normalize(name)
	switch n {
	case "UTF8", "UNICODE", "UNICODEUTF8":
		return UTF8
	case "WINDOWS1252", "CP1252", "LATIN1":
		return Windows1252
	}
	part, ok := strings.CutPrefix(strings.TrimPrefix(n, "ISO"), "8859")
	if !ok {
		return Unknown
	}
	switch part {
	case "1":
		return Windows1252
	case "15":
		return Part15
	case "2", "3", "4", "5", "6", "7", "8", "9":
		return Part2 + Set(part[0]-'2')
	}
	return Unknown
}

// LookupBytes is Lookup, without allocating for the usual names.
func LookupBytes(name []byte) Set {
	switch string(name) {
	case "UNICODE UTF-8":
		return UTF8
	case "8859/1":
		return Windows1252
	}
	return Lookup(string(name))
}

func normalize(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}

func (s Set) upper() *half {
	switch s {
	case Part2:
		return &iso8859part2
	case Part3:
		return &iso8859part3
	case Part4:
		return &iso8859part4
	case Part5:
		return &iso8859part5
	case Part6:
		return &iso8859part6
	case Part7:
		return &iso8859part7
	case Part8:
		return &iso8859part8
	case Part9:
		return &iso8859part9
	case Part15:
		return &iso8859part15
	}
	return nil
}

// Decode appends b as UTF-8. Bytes declared UTF-8 that are not are read as Windows-1252: a sender's wrong label is
// commoner than a torn character, and half a name is worse than an odd accent. NUL becomes U+FFFD, because databases
// refuse it in text.
func (s Set) Decode(dst, b []byte) []byte {
	if (s == UTF8 || s == Unknown) && utf8.Valid(b) {
		return appendWithoutNUL(dst, b)
	}
	for _, c := range b {
		dst = utf8.AppendRune(dst, s.decodeByte(c))
	}
	return dst
}

func appendWithoutNUL(dst, b []byte) []byte {
	for _, c := range b {
		if c == 0 {
			dst = append(dst, "\uFFFD"...)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

func (s Set) decodeByte(c byte) rune {
	switch {
	case c == 0:
		return utf8.RuneError
	case c < 0x80:
		return rune(c)
	}
	if t := s.upper(); t != nil {
		if c < 0xA0 {
			return rune(c)
		}
		return rune(t[c-0xA0])
	}
	if c < 0xA0 {
		return rune(windows1252C1[c-0x80])
	}
	return rune(c)
}

// Encode appends text in the set; what the set does not have becomes '?'. Unknown encodes as UTF-8.
func (s Set) Encode(dst []byte, text string) []byte {
	if s == UTF8 || s == Unknown {
		return append(dst, text...)
	}
	for _, r := range text {
		dst = append(dst, s.encodeRune(r))
	}
	return dst
}

func (s Set) encodeRune(r rune) byte {
	if r < 0x80 {
		return byte(r)
	}
	for c := 0x80; c <= 0xFF; c++ {
		if d := s.decodeByte(byte(c)); d == r && d != utf8.RuneError {
			return byte(c)
		}
	}
	return '?'
}
