package hl7

import "bytes"

// Header is what MSH says, as raw bytes, with what is needed to answer. Its slices are parts of the message and nil
// where nothing was sent.
type Header struct {
	Delimiters                                 Delimiters
	SendingApplication, SendingFacility        []byte // MSH-3, MSH-4
	ReceivingApplication, ReceivingFacility    []byte // MSH-5, MSH-6
	Time, Type, ControlID, Processing, Version []byte // MSH-7, 9, 10, 11, 12
	AcceptAck, ApplicationAck, Charset         []byte // MSH-15, 16, 18
	encodingCharacters                         []byte // MSH-2 as sent
}

// Header is the message's header.
func (m *Message) Header() Header {
	return headerOf(m.delims, func(n int) []byte { return m.segs[0].field(m, n).raw })
}

// PeekHeader reads the header of anything, also of what Parse refuses or of the first bytes of a frame that was too
// long, so that it can be answered and filed. ok is false where there is no MSH with delimiters: the zero Header can be
// answered all the same. A header that is cut off may have its last field cut.
func PeekHeader(raw []byte) (h Header, ok bool) {
	line := bytes.TrimRight(firstLine(raw[skipNoise(raw):]), framing)
	if len(line) < 5 || string(line[:3]) != "MSH" {
		return Header{}, false
	}
	d, _, ok := readDelimiters(line[3:])
	if !ok {
		return Header{}, false
	}
	return headerOf(d, func(n int) []byte {
		if n > 1 {
			return nth(line[4:], d.Field, n-1)
		}
		return line[3:4]
	}), true
}

func headerOf(d Delimiters, field func(int) []byte) Header {
	get := func(n int) []byte {
		if b := field(n); len(b) > 0 {
			return b
		}
		return nil
	}
	return Header{
		Delimiters:           d,
		SendingApplication:   get(3),
		SendingFacility:      get(4),
		ReceivingApplication: get(5),
		ReceivingFacility:    get(6),
		Time:                 get(7),
		Type:                 get(9),
		ControlID:            get(10),
		Processing:           get(11),
		Version:              get(12),
		AcceptAck:            get(15),
		ApplicationAck:       get(16),
		Charset:              get(18),
		encodingCharacters:   get(2),
	}
}

// Enhanced says that the sender asked for the enhanced mode: MSH-15 and MSH-16 both valued.
func (h Header) Enhanced() bool { return len(h.AcceptAck) > 0 && len(h.ApplicationAck) > 0 }

// trigger is the bytes of MSH-9.2.
func (h Header) trigger() []byte {
	return nth(nth(h.Type, h.Delimiters.Repetition, 1), h.Delimiters.Component, 2)
}

// versionAtLeast compares MSH-12.1 with major.minor.patch; what is no version is older than all.
func (h Header) versionAtLeast(major, minor, patch int) bool {
	v := bytes.TrimSpace(nth(h.Version, h.Delimiters.Component, 1))
	want := [3]int{major, minor, patch}
	for _, w := range want {
		part, rest, _ := cut(v, '.')
		n := 0
		for _, c := range part {
			if c < '0' || c > '9' || n > 1000 {
				return false
			}
			n = n*10 + int(c-'0')
		}
		if n != w {
			return n > w
		}
		v = rest
	}
	return true
}
