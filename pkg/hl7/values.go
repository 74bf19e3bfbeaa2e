package hl7

// Value is something that can be written as one repetition of a field: Text, Parts, Null, RawValue, DTM and the data
// types CX, XPN, XAD, XTN, PL, XCN, CWE and HD.
type Value interface{ write(b *Builder) }

// Text is a plain value.
type Text string

// Parts are plain components.
type Parts []string

// RawValue is written as it stands, neither escaped nor encoded.
type RawValue string

// Null is "", which tells the receiver to delete.
const Null = RawValue(null)

func (v Text) write(b *Builder)     { b.text(string(v)) }
func (v Parts) write(b *Builder)    { b.texts(b.delims.Component, v...) }
func (v RawValue) write(b *Builder) { b.buf = append(b.buf, v...) }
func (t DTM) write(b *Builder)      { b.buf = t.append(b.buf) }

func (v HD) write(b *Builder) {
	b.texts(b.delims.Component, v.Namespace, v.UniversalID, v.UniversalIDType)
}

// nested is an authority inside another type, one level down.
func (v HD) nested(b *Builder) {
	b.texts(b.delims.Subcomponent, v.Namespace, v.UniversalID, v.UniversalIDType)
}

type nestedHD HD

func (v nestedHD) write(b *Builder) { HD(v).nested(b) }

type family struct{ name, ownPrefix, own string }

func (v family) write(b *Builder) { b.texts(b.delims.Subcomponent, v.name, v.ownPrefix, v.own) }

func (v CX) write(b *Builder) {
	b.list(b.delims.Component, Text(v.ID), Text(v.CheckDigit), Text(v.CheckScheme), nestedHD(v.Authority), Text(v.Type), nestedHD(v.Facility))
}

func (v XPN) write(b *Builder) {
	b.list(b.delims.Component, family{v.Family, v.OwnPrefix, v.Own}, Text(v.Given), Text(v.Middle), Text(v.Suffix), Text(v.Prefix), Text(v.Degree), Text(v.Type))
}

func (v XAD) write(b *Builder) {
	b.texts(b.delims.Component, v.Street, v.Other, v.City, v.State, v.Zip, v.Country, v.Type, v.Geographic, v.County)
}

func (v XTN) write(b *Builder) {
	b.texts(b.delims.Component, v.Number, v.Use, v.Equipment, v.Email, v.CountryCode, v.Area, v.Local, v.Extension, v.Any, "", "", v.Unformatted)
}

func (v PL) write(b *Builder) {
	b.list(b.delims.Component, Text(v.PointOfCare), Text(v.Room), Text(v.Bed), nestedHD(v.Facility), Text(v.Status), Text(v.Type), Text(v.Building), Text(v.Floor), Text(v.Description))
}

func (v XCN) write(b *Builder) {
	b.list(b.delims.Component, Text(v.ID), Text(v.Family), Text(v.Given), Text(v.Middle), Text(v.Suffix), Text(v.Prefix),
		Text(v.Degree), Text(v.Source), nestedHD(v.Authority), Text(v.NameType), Text(v.CheckDigit), Text(v.CheckScheme),
		Text(v.IDType), nestedHD(v.Facility))
}

func (v CWE) write(b *Builder) {
	b.texts(b.delims.Component, v.Code, v.Text, v.System, v.AltCode, v.AltText, v.AltSystem, v.SystemVersion, v.AltSystemVersion, v.OriginalText)
}
