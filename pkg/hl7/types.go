package hl7

// The data types below are read from one field, repetition or component: the first repetition where there are several.
// They hold plain values, unescaped and decoded, with "" for what was not sent; a null also reads as "". The same
// structs are written by a Builder.

// HD names an authority or a facility: by a local namespace, by a universal id (mostly an OID), or both.
type HD struct{ Namespace, UniversalID, UniversalIDType string }

// CX is an identifier. Never compare identifiers of different authorities.
type CX struct {
	ID, CheckDigit, CheckScheme string
	Authority                   HD
	Type                        string // table 0203: MR, AN, VN, MC...
	Facility                    HD
}

// XPN is a person's name. OwnPrefix is the "van" of a family name sent in subcomponents.
type XPN struct {
	Family, OwnPrefix, Own, Given, Middle, Suffix, Prefix, Degree, Type string
}

// XAD is an address. Street is the first subcomponent or the whole street line.
type XAD struct {
	Street, Other, City, State, Zip, Country, Type, Geographic, County string
}

// XTN is a telephone number or a mail address, in the old way (Number) or the newer (CountryCode, Area, Local), or as
// sent at all in Unformatted.
type XTN struct {
	Number, Use, Equipment, Email, CountryCode, Area, Local, Extension, Any, Unformatted string
}

// PL is a location of a patient.
type PL struct {
	PointOfCare, Room, Bed                     string
	Facility                                   HD
	Status, Type, Building, Floor, Description string
}

// XCN is a person of the staff with an identifier.
type XCN struct {
	ID, Family, Given, Middle, Suffix, Prefix, Degree, Source string
	Authority                                                 HD
	NameType, CheckDigit, CheckScheme, IDType                 string
	Facility                                                  HD
}

// CWE is a coded value, also CE, CNE and plain codes.
type CWE struct {
	Code, Text, System, AltCode, AltText, AltSystem, SystemVersion, AltSystemVersion, OriginalText string
}

// Name is the name a person goes by: the repetition of type L (legal), else the first.
func (f Field) Name() XPN {
	var first XPN
	seen := false
	for r := range f.Reps() {
		n := r.XPN()
		if n.Type == "L" {
			return n
		}
		if !seen {
			first, seen = n, true
		}
	}
	return first
}

// HD reads an authority: from a component's subcomponents, or from a whole field's components (MSH-3 to MSH-6).
func (f Field) HD() HD {
	if f.level >= component {
		return HD{f.Sub(1).String(), f.Sub(2).String(), f.Sub(3).String()}
	}
	c := f.parts()
	return HD{c.text(1), c.text(2), c.text(3)}
}

// CX reads an identifier.
func (f Field) CX() CX {
	c := f.parts()
	return CX{
		ID: c.text(1), CheckDigit: c.text(2), CheckScheme: c.text(3),
		Authority: c.at(4).HD(), Type: c.text(5), Facility: c.at(6).HD(),
	}
}

// XPN reads a name.
func (f Field) XPN() XPN {
	c := f.parts()
	family := c.at(1)
	return XPN{
		Family: family.String(), OwnPrefix: family.Sub(2).String(), Own: family.Sub(3).String(),
		Given: c.text(2), Middle: c.text(3), Suffix: c.text(4), Prefix: c.text(5), Degree: c.text(6), Type: c.text(7),
	}
}

// XAD reads an address.
func (f Field) XAD() XAD {
	c := f.parts()
	return XAD{
		Street: c.text(1), Other: c.text(2), City: c.text(3), State: c.text(4), Zip: c.text(5),
		Country: c.text(6), Type: c.text(7), Geographic: c.text(8), County: c.text(9),
	}
}

// XTN reads a telephone number.
func (f Field) XTN() XTN {
	c := f.parts()
	return XTN{
		Number: c.text(1), Use: c.text(2), Equipment: c.text(3), Email: c.text(4), CountryCode: c.text(5),
		Area: c.text(6), Local: c.text(7), Extension: c.text(8), Any: c.text(9), Unformatted: c.text(12),
	}
}

// PL reads a location.
func (f Field) PL() PL {
	c := f.parts()
	return PL{
		PointOfCare: c.text(1), Room: c.text(2), Bed: c.text(3), Facility: c.at(4).HD(), Status: c.text(5),
		Type: c.text(6), Building: c.text(7), Floor: c.text(8), Description: c.text(9),
	}
}

// XCN reads a member of the staff.
func (f Field) XCN() XCN {
	c := f.parts()
	return XCN{
		ID: c.text(1), Family: c.text(2), Given: c.text(3), Middle: c.text(4), Suffix: c.text(5), Prefix: c.text(6),
		Degree: c.text(7), Source: c.text(8), Authority: c.at(9).HD(), NameType: c.text(10), CheckDigit: c.text(11),
		CheckScheme: c.text(12), IDType: c.text(13), Facility: c.at(14).HD(),
	}
}

// CWE reads a coded value.
func (f Field) CWE() CWE {
	c := f.parts()
	return CWE{
		Code: c.text(1), Text: c.text(2), System: c.text(3), AltCode: c.text(4), AltText: c.text(5),
		AltSystem: c.text(6), SystemVersion: c.text(7), AltSystemVersion: c.text(8), OriginalText: c.text(9),
	}
}

// parts are the components of one repetition - of a component, its subcomponents - split once for all reads.
type parts struct {
	m     *Message
	level level
	raw   [14][]byte
}

func (f Field) parts() parts {
	p := parts{m: f.m, level: component}
	if f.m == nil || f.level == verbatim || f.level == subcomponent {
		p.raw[0] = f.raw
		return p
	}
	rest, sep := f.Rep(1).raw, f.m.delims.Component
	if f.level == component {
		rest, sep, p.level = f.raw, f.m.delims.Subcomponent, subcomponent
	}
	more := true
	for i := 0; more && i < len(p.raw); i++ {
		p.raw[i], rest, more = cut(rest, sep)
	}
	return p
}

func (p *parts) at(n int) Field    { return Field{m: p.m, raw: p.raw[n-1], level: p.level} }
func (p *parts) text(n int) string { return p.at(n).String() }
