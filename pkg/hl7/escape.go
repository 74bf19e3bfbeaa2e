package hl7

import "bytes"

// decode gives the meaning of raw bytes: escapes resolved, character set decoded, line ends inside a value (\.br\,
// \X0D\, continuation lines) all as "\n".
func (m *Message) decode(raw []byte) string {
	if m.literal {
		return string(raw)
	}
	escaped := m.delims.Escape != 0 && bytes.IndexByte(raw, m.delims.Escape) >= 0
	if m.plain && !escaped {
		return string(raw)
	}
	var room [256]byte
	b := raw
	if escaped {
		// Before decoding: \X..\ gives bytes of the message's character set, possibly parts of one character.
		b = unescape(room[:0], raw, m.delims)
	}
	b = oneLineEnd(b)
	return string(m.charset.Decode(make([]byte, 0, len(b)+8), b))
}

func oneLineEnd(b []byte) []byte {
	if bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
}

// unescape resolves escape sequences in one pass, without nesting. What is no sequence we know - C:\TEMP, \Zlocal\ , a
// lone escape character - stays as it is.
func unescape(dst, b []byte, d Delimiters) []byte {
	for len(b) > 0 {
		i := bytes.IndexByte(b, d.Escape)
		if i < 0 {
			break
		}
		dst = append(dst, b[:i]...)
		b = b[i+1:]
		end := bytes.IndexByte(b, d.Escape)
		if end < 0 {
			dst = append(dst, d.Escape)
			break
		}
		out, ok := sequence(dst, b[:end], d)
		if !ok {
			dst = append(dst, d.Escape)
			continue // the closing character may open the next sequence
		}
		dst, b = out, b[end+1:]
	}
	return append(dst, b...)
}

// sequence appends what the body of one escape sequence stands for.
func sequence(dst, body []byte, d Delimiters) ([]byte, bool) {
	if len(body) == 0 {
		return dst, false
	}
	if len(body) == 1 {
		return oneLetter(dst, body[0], d)
	}
	switch body[0] {
	case 'X':
		return hexBytes(dst, body[1:])
	case 'Z':
		// A local sequence: only the two sides know it, so it is kept whole.
		dst = append(append(append(dst, d.Escape), body...), d.Escape)
		return dst, true
	case 'C', 'M':
		// A switch to another character set, which no single-byte feed of ours uses: dropped.
		_, ok := hexBytes(nil, body[1:])
		return dst, ok && (len(body) == 5 || len(body) == 7)
	case '.':
		return formatting(dst, body[1:])
	}
	return dst, false
}

func oneLetter(dst []byte, c byte, d Delimiters) ([]byte, bool) {
	switch c {
	case 'F':
		c = d.Field
	case 'S':
		c = d.Component
	case 'R':
		c = d.Repetition
	case 'E':
		c = d.Escape
	case 'T':
		c = d.Subcomponent
	case 'P':
		if c = d.Truncation; c == 0 {
			c = '#'
		}
	case 'H', 'N': // highlighting on and off
		return dst, true
	default:
		return dst, false
	}
	if c == 0 {
		return dst, false
	}
	return append(dst, c), true
}

func hexBytes(dst, digits []byte) ([]byte, bool) {
	if len(digits) == 0 || len(digits)%2 != 0 {
		return dst, false
	}
	out := dst
	for i := 0; i < len(digits); i += 2 {
		hi, lo := hexDigit(digits[i]), hexDigit(digits[i+1])
		if hi < 0 || lo < 0 {
			return dst, false
		}
		out = append(out, byte(hi<<4|lo))
	}
	return out, true
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// formatting handles \.xx\ commands: line breaks count, layout does not.
func formatting(dst, command []byte) ([]byte, bool) {
	if len(command) < 2 || !isLetter(command[0]) || !isLetter(command[1]) {
		return dst, false
	}
	switch string(command[:2]) {
	case "br", "BR", "sp", "SP":
		return append(dst, '\n'), true
	case "in", "ti", "fi", "nf", "sk", "ce", "IN", "TI", "FI", "NF", "SK", "CE":
		return dst, true
	}
	return dst, false
}

func isLetter(c byte) bool { return isUpper(c) || c >= 'a' && c <= 'z' }

// appendEscaped writes encoded text so that reading gives it back: delimiters by their sequences, line ends as \.br\,
// other control characters (which would break framing) as \Xhh\. A sender's set without an escape character cannot
// carry any of these: they become spaces.
func appendEscaped(dst, text []byte, d Delimiters) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		name, special := d.escapeName(c)
		switch {
		case !special && c >= ' ':
			dst = append(dst, c)
		case d.Escape == 0:
			dst = append(dst, ' ')
		case special:
			dst = append(dst, d.Escape, name, d.Escape)
		case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
			// one line end, written with the LF
		case c == '\r', c == '\n':
			dst = append(append(append(dst, d.Escape), ".br"...), d.Escape)
		default:
			const hex = "0123456789ABCDEF"
			dst = append(dst, d.Escape, 'X', hex[c>>4], hex[c&15], d.Escape)
		}
	}
	return dst
}

func (d Delimiters) escapeName(c byte) (byte, bool) {
	switch {
	case c == 0:
		return 0, false
	case c == d.Escape:
		return 'E', true
	case c == d.Field:
		return 'F', true
	case c == d.Component:
		return 'S', true
	case c == d.Repetition:
		return 'R', true
	case c == d.Subcomponent:
		return 'T', true
	case c == d.Truncation:
		return 'P', true
	}
	return 0, false
}
