package linkage

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"strings"
)

// Digester makes digests of what must not be stored in the open, by one secret key. Not safe for
// concurrent use.
type Digester struct {
	mac  hash.Hash
	sum  [sha256.Size]byte
	text []byte
}

// NewDigester returns a digester by key.
func NewDigester(key []byte) *Digester { return &Digester{mac: hmac.New(sha256.New, key)} }

// Digest is 64 bits of the keyed digest of parts.
func (d *Digester) Digest(parts ...string) int64 {
	d.text = d.text[:0]
	for _, p := range parts {
		d.part(p)
	}
	return d.digest()
}

// part adds one part to what is digested.
func (d *Digester) part(p string) { d.text = append(append(d.text, byte(len(p))), p...) }

func (d *Digester) digest() int64 {
	d.mac.Reset()
	d.mac.Write(d.text)
	return int64(binary.BigEndian.Uint64(d.mac.Sum(d.sum[:0])))
}

// Keys are digests by which a profile finds those worth comparing with it: who shares none is not
// compared. Each key leaves out, or folds together, what a typical mistake spoils; so one mistake,
// and most pairs of mistakes, leave one whole. scope is what patients are found within: the
// organization.
func (p *Profile) Keys(d *Digester, scope string) []int64 {
	var out []int64
	add := func(parts ...string) {
		d.text = d.text[:0]
		for _, p := range parts {
			if p == "" {
				return
			}
			d.part(p)
		}
		d.part(scope)
		if k := d.digest(); !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	year, day, birth := "", "", ""
	if len(p.birth) >= 4 {
		year = p.birth[:4]
	}
	if len(p.birth) == 8 {
		day = sorted(p.birth[4:6], p.birth[6:8])
		birth = year + day
	}
	zip := ""
	if len(p.homes) > 0 {
		zip = p.homes[0].zip
	}
	var given []string
	if len(p.first) > 1 {
		for _, r := range roots(p.first) {
			given = append(given, sound(r))
		}
	}
	for _, g := range given {
		add("given, birth", g, birth)
		add("given, ssn", g, p.ssn)
	}
	for _, w := range p.parts {
		f := sound(w)
		add("family, birth", f, birth)
		for _, g := range given {
			names := sorted(f, g)
			add("names, year", names, year)
			add("names, day", names, day)
			add("names, zip", names, zip)
		}
	}
	add("ssn, year", p.ssn, year)
	for _, n := range p.phones {
		add("phone", n)
	}
	return out
}

// sorted is two words, whichever came first.
func sorted(a, b string) string {
	if a == "" || b == "" {
		return ""
	}
	return strings.Join([]string{min(a, b), max(a, b)}, "/")
}

// MostPerKey is how many patients one key may find: what more share (a shelter's telephone) finds
// nobody. The other keys are there for that.
const MostPerKey = 200
