package match

import (
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Directory is an organization's providers, prepared for matching. It is immutable and safe for
// concurrent use; a change of the directory is a new one.
type Directory struct {
	Version   int64
	providers []compiled
}

// compiled is a provider as bits: one match looks at each in a few nanoseconds.
type compiled struct {
	id           events.ID
	hash         uint64
	needs        uint8
	payers       uint8
	sexes        uint8
	capabilities uint8
	active       bool
	anywhere     bool
	stated       struct{ area, payers, languages bool }
	interpreter  bool
	zip3         int16 // -1 unknown
	rating       uint8 // tenths; 0 unrated
	minAge       int32
	maxAge       int32
	open         int32 // -1 not stated
	capacityAt   time.Time
	from, until  time.Time // zero: no bound; until is exclusive
	areas        [16]uint64
	languages    [11]uint64 // two letters, 26*26 bits
}

// NewDirectory prepares providers for matching, as of one version of the directory.
func NewDirectory(version int64, providers []Provider) *Directory {
	d := &Directory{Version: version, providers: make([]compiled, len(providers))}
	for i := range providers {
		d.providers[i] = compile(&providers[i])
	}
	return d
}

func compile(p *Provider) compiled {
	c := compiled{
		id: p.ID, hash: half(p.ID), needs: bits(p.Needs, Needs), payers: bits(p.Payers, Payers), sexes: bits(p.Sexes, sexes),
		capabilities: bits(p.Capabilities, Capabilities), active: p.Active, interpreter: p.Interpreter, zip3: zip3(p.ZIP3),
		rating: uint8(p.Rating*10 + 0.5), minAge: 0, maxAge: 1 << 30, open: -1,
	}
	c.stated.payers, c.stated.languages = len(p.Payers) > 0, len(p.Languages) > 0
	for _, a := range p.Areas {
		if a == "*" {
			c.anywhere = true
		}
		c.serve(zip3(a))
	}
	if len(p.Areas) == 0 {
		c.serve(c.zip3)
	}
	c.stated.area = c.anywhere || c.areas != [16]uint64{}
	for _, l := range p.Languages {
		if n, ok := language(l); ok {
			c.languages[n>>6] |= 1 << (n & 63)
		}
	}
	if p.MinAge != nil {
		c.minAge = int32(*p.MinAge)
	}
	if p.MaxAge != nil {
		c.maxAge = int32(*p.MaxAge)
	}
	if p.Open != nil && p.CapacityAt != nil {
		c.open, c.capacityAt = int32(*p.Open), *p.CapacityAt
	}
	if p.AgreementFrom != nil {
		c.from = *p.AgreementFrom
	}
	if p.AgreementUntil != nil {
		c.until = p.AgreementUntil.AddDate(0, 0, 1)
	}
	return c
}

func (c *compiled) serve(area int16) {
	if area >= 0 {
		c.areas[area>>6] |= 1 << (area & 63)
	}
}

func (c *compiled) serves(area int16) bool { return c.anywhere || c.areas[area>>6]&(1<<(area&63)) != 0 }

func (c *compiled) speaks(n uint16) bool { return c.languages[n>>6]&(1<<(n&63)) != 0 }

var sexes = []string{"F", "M"}

// bits has bit i set for each word that is the i-th of all.
func bits(words, all []string) (b uint8) {
	for _, w := range words {
		b |= bit(w, all)
	}
	return b
}

func bit(word string, all []string) uint8 {
	for i, w := range all {
		if w == word {
			return 1 << i
		}
	}
	return 0
}

// zip3 reads the first three digits of a ZIP code; -1 is unknown.
func zip3(s string) int16 {
	if len(s) < 3 {
		return -1
	}
	n, err := strconv.ParseUint(s[:3], 10, 16)
	if err != nil {
		return -1
	}
	return int16(n)
}

// language numbers a two-letter code.
func language(s string) (uint16, bool) {
	if len(s) != 2 || s[0] < 'a' || s[0] > 'z' || s[1] < 'a' || s[1] > 'z' {
		return 0, false
	}
	return uint16(s[0]-'a')*26 + uint16(s[1]-'a'), true
}

// half folds an id into a number.
func half(id events.ID) (h uint64) {
	for i, b := range id {
		h ^= uint64(b) << (8 * (i & 7))
	}
	return mix(h)
}

// mix is splitmix64's finalizer: every bit of x changes about half of the result.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
