package hl7

// Delimiters are the characters a sender declares in MSH-1 and MSH-2. A zero byte means that it has none of that kind.
type Delimiters struct {
	Field, Component, Repetition, Escape, Subcomponent, Truncation byte
}

// Standard is the usual set, |^~\&, without a truncation character.
var Standard = Delimiters{Field: '|', Component: '^', Repetition: '~', Escape: '\\', Subcomponent: '&'}

// MSH2 is the content of MSH-2: the encoding characters in the standard's order, up to the first that is missing.
func (d Delimiters) MSH2() string {
	b := make([]byte, 0, 5)
	for _, c := range [...]byte{d.Component, d.Repetition, d.Escape, d.Subcomponent, d.Truncation} {
		if c == 0 {
			break
		}
		b = append(b, c)
	}
	return string(b)
}

func (d Delimiters) splits(c byte) bool {
	return c != 0 && (c == d.Component || c == d.Repetition || c == d.Subcomponent)
}

// readDelimiters takes what follows "MSH" up to the end of its line. assumed says that the declaration was empty or
// repeated a character, so that some of it is our guess; ok is false when there is no usable declaration at all.
func readDelimiters(line []byte) (d Delimiters, assumed, ok bool) {
	if len(line) == 0 || !isDelimiter(line[0]) {
		return Delimiters{}, false, false
	}
	sep := line[0]
	declared := line[1:]
	for i, c := range declared {
		if c == sep {
			declared = declared[:i]
			break
		}
	}
	if len(declared) == 0 {
		d, assumed = Standard, true
		d.Field = sep
		return d, assumed, !d.clash(sep)
	}
	if len(declared) > 5 {
		declared, assumed = declared[:5], true
	}
	roles := [...]*byte{&d.Component, &d.Repetition, &d.Escape, &d.Subcomponent, &d.Truncation}
	for i, c := range declared {
		if !isDelimiter(c) {
			return Delimiters{}, false, false
		}
		if d.clash(c) {
			assumed = true
			continue
		}
		*roles[i] = c
	}
	d.Field = sep
	return d, assumed, true
}

func (d Delimiters) clash(c byte) bool {
	return d.splits(c) || c == d.Escape || c == d.Truncation
}

// isDelimiter: printable ASCII punctuation that HL7 does not need itself: timestamps and numbers have signs and points,
// null has quotes. Letters and digits would make every value ambiguous, and bytes above ASCII could be half a character.
func isDelimiter(c byte) bool {
	switch {
	case c <= ' ', c >= 0x7F, c == '+', c == '-', c == '.', c == '"':
		return false
	case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		return false
	}
	return true
}
