package hl7

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// A plain value is found in one pass and, of most messages, taken as it is: it is what cutting part
// by part and decoding give, whatever the delimiters and however the bytes are torn.
func TestPlainValueIsTheFirstPartOfTheFirstPart(t *testing.T) {
	dice := rand.New(rand.NewPCG(7, 7))
	for range 20_000 {
		msh2 := []string{`^~\&`, `^~\`, `^~`, `^`, ``, `!@#$%`}[dice.IntN(6)]
		body := make([]byte, dice.IntN(24))
		for i := range body {
			body[i] = "ab^^~~&&\\\\|!@#$XT41\"\"\r\x00\xfc"[dice.IntN(24)]
		}
		m, err := Parse(append([]byte("MSH|"+msh2+"|||||||ADT|1|P|2.5\rPID|"), body...))
		if err != nil {
			continue
		}
		for s := range m.Segments() {
			for n := 1; n <= s.Len(); n++ {
				whole := s.Field(n)
				for _, f := range []Field{whole, whole.Rep(1), whole.Rep(2), whole.Component(1), whole.Component(2), whole.Sub(1), whole.Sub(2)} {
					want := f.raw
					if d := m.delims; f.m != nil && f.level != verbatim {
						for at, sep := range []byte{d.Repetition, d.Component, d.Subcomponent} {
							if f.level <= level(at) {
								want = nth(want, sep, 1)
							}
						}
					}
					got := f.String()
					if !bytes.Equal(f.leaf(), want) {
						t.Fatalf("%q of %q: the plain value is %q, want %q", f.raw, m.raw, f.leaf(), want)
					}
					literal := m.literal
					m.literal = false
					if decoded := f.String(); got != decoded {
						t.Fatalf("%q of %q: read %q as it is, and %q decoded", f.raw, m.raw, got, decoded)
					}
					m.literal = literal
				}
			}
		}
	}
}
