package identity

import (
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/phi"
)

// Identifier is one identifier of a patient. Value is kept byte for byte: leading zeros matter.
type Identifier struct {
	Kind      string // table 0203: MR, PI, MC...; "MR" where the sender does not say
	Authority string // its universal id, else its namespace, else the facility's code
	Stated    bool   // the sender named the authority
	Value     phi.Text
	Key       events.ID // what is compared: a digest of organization, kind, authority and value
}

// NewIdentifier makes an identifier comparable.
func NewIdentifier(org events.ID, kind, authority string, stated bool, value string) Identifier {
	if kind == "" {
		kind = "MR"
	}
	return Identifier{
		Kind: kind, Authority: authority, Stated: stated, Value: phi.Of(value),
		Key: events.Derive("identifier", org.String(), kind, authority, value),
	}
}

// Own reports whether this kind names a patient within a facility.
func (i Identifier) Own() bool { return i.Kind == "MR" || i.Kind == "PI" || i.Kind == "PT" }

// Links reports whether two patients who share this identifier are one person: its authority was
// named, it belongs to a person (not to a visit or an account), and it is no placeholder.
func (i Identifier) Links() bool {
	switch i.Kind {
	case "AN", "VN", "SS", "U", "BCN", "ANON":
		return false
	}
	return i.Stated && !placeholder(i.Value.Reveal())
}

// placeholder: what registrars type where they know nothing.
func placeholder(v string) bool {
	v = strings.TrimSpace(v)
	if len(v) < 4 || strings.Trim(v, v[:1]) == "" {
		return true
	}
	switch strings.ToUpper(v) {
	case "UNKNOWN", "NONE", "TEST", "123456789", "1234567890", "12345678":
		return true
	}
	return false
}

// Primary picks the identifiers that name the patient within the facility: all of an own kind, else
// the first of any.
func Primary(list []Identifier) []Identifier {
	n := 0 // how many it begins with
	for n < len(list) && list[n].Own() {
		n++
	}
	if !slices.ContainsFunc(list[n:], Identifier.Own) {
		n = min(max(n, 1), len(list))
		return list[:n:n]
	}
	var out []Identifier
	for _, i := range list {
		if i.Own() {
			out = append(out, i)
		}
	}
	return out
}
