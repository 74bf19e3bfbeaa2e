package identity

import (
	"encoding/json"
	"strconv"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/phi"
)

// Encode makes a group's value of a struct or list: its JSON, byte for byte as encoding/json writes
// it. What a message says most often is written without it.
func Encode(v any) phi.Text {
	var room [256]byte
	if b, known := appendGroup(room[:0], v); known {
		return phi.Of(string(b))
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of strings
	}
	return phi.Of(string(b))
}

func appendGroup(b []byte, v any) ([]byte, bool) {
	switch v := v.(type) {
	case PersonName:
		return v.appendTo(b), true
	case []PostalAddress:
		return appendAddresses(b, v), true
	case []Telecom:
		return appendTelecoms(b, v), true
	case []Contact:
		return appendContacts(b, v), true
	case []Coverage:
		return appendCoverages(b, v), true
	}
	return b, false
}

func (n *PersonName) appendTo(b []byte) []byte {
	b = append(b, '{')
	b = member(b, `"family":`, n.Family)
	b = member(b, `"given":`, n.Given)
	b = member(b, `"middle":`, n.Middle)
	b = member(b, `"suffix":`, n.Suffix)
	b = member(b, `"prefix":`, n.Prefix)
	return append(b, '}')
}

func (a *PostalAddress) appendTo(b []byte) []byte {
	b = append(b, '{')
	b = member(b, `"street":`, a.Street)
	b = member(b, `"other":`, a.Other)
	b = member(b, `"city":`, a.City)
	b = member(b, `"state":`, a.State)
	b = member(b, `"zip":`, a.Zip)
	b = member(b, `"country":`, a.Country)
	b = member(b, `"use":`, a.Use)
	return append(b, '}')
}

func (t *Telecom) appendTo(b []byte) []byte {
	b = append(b, '{')
	b = member(b, `"use":`, t.Use)
	b = member(b, `"number":`, t.Number)
	b = member(b, `"email":`, t.Email)
	return append(b, '}')
}

func (c *Contact) appendTo(b []byte) []byte {
	b = append(b, '{')
	b = c.Name.appendTo(append(b, `"name":`...))
	b = member(b, `"relation":`, c.Relation)
	b = member(b, `"role":`, c.Role)
	if len(c.Phones) > 0 {
		b = appendTelecoms(append(b, `,"phones":`...), c.Phones)
	}
	return append(b, '}')
}

func (c *Coverage) appendTo(b []byte) []byte {
	b = append(b, '{')
	if c.Order != 0 {
		b = strconv.AppendInt(append(b, `"order":`...), int64(c.Order), 10)
	}
	b = member(b, `"plan":`, c.Plan)
	b = member(b, `"payer":`, c.Payer)
	b = member(b, `"name":`, c.Name)
	b = member(b, `"member":`, c.Member)
	b = member(b, `"group":`, c.Group)
	b = events.AppendText(next(b, `"class":`), c.Class)
	return append(b, '}')
}

// next begins a member of the object that b ends in.
func next(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(b, name...)
}

// member writes a text, unless it is empty.
func member(b []byte, name, v string) []byte {
	if v == "" {
		return b
	}
	return events.AppendText(next(b, name), v)
}

// The lists are written one by one: by a function for any item, each would be on the heap.

func appendAddresses(b []byte, list []PostalAddress) []byte {
	for i := range list {
		b = list[i].appendTo(append(b, before(i)))
	}
	return closed(b, len(list), list == nil)
}

func appendTelecoms(b []byte, list []Telecom) []byte {
	for i := range list {
		b = list[i].appendTo(append(b, before(i)))
	}
	return closed(b, len(list), list == nil)
}

func appendContacts(b []byte, list []Contact) []byte {
	for i := range list {
		b = list[i].appendTo(append(b, before(i)))
	}
	return closed(b, len(list), list == nil)
}

func appendCoverages(b []byte, list []Coverage) []byte {
	for i := range list {
		b = list[i].appendTo(append(b, before(i)))
	}
	return closed(b, len(list), list == nil)
}

// before is what stands before item i of a list.
func before(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}

// closed ends a list of n items; none is a list too, null is not.
func closed(b []byte, n int, null bool) []byte {
	switch {
	case null:
		return append(b, "null"...)
	case n == 0:
		return append(b, "[]"...)
	}
	return append(b, ']')
}
