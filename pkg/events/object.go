package events

import (
	"errors"
	"strconv"
	"time"
)

// Object writes a JSON object member by member, byte for byte as encoding/json writes a struct with
// fields of these names: for the small documents that services write by the thousand and that are no
// fact. Members whose names begin with Some are left out where they are empty.
//
// Names have to be plain: nothing in them that JSON escapes.
type Object struct{ text []byte }

// ErrUnwritable is returned for what JSON cannot say: a time of no year from 0 to 9999.
var ErrUnwritable = errors.New("this cannot be written in JSON")

// NewObject begins an object in room, whose content is gone.
func NewObject(room []byte) Object { return Object{append(room[:0], '{')} }

// Close ends the object and returns its text.
func (o *Object) Close() ([]byte, error) {
	o.text = append(o.text, '}')
	if !writable(o.text) {
		return nil, ErrUnwritable
	}
	return o.text, nil
}

// name begins a member.
func (o *Object) name(name string) []byte {
	b := o.text
	if len(b) > 1 {
		b = append(b, ',')
	}
	return append(append(append(b, '"'), name...), `":`...)
}

// Text writes a text.
func (o *Object) Text(name, v string) { o.text = appendText(o.name(name), v) }

// SomeText writes a text that is not empty.
func (o *Object) SomeText(name, v string) {
	if v != "" {
		o.Text(name, v)
	}
}

// SomeTexts writes a list that is not empty.
func (o *Object) SomeTexts(name string, v []string) {
	if len(v) > 0 {
		o.text = appendTexts(o.name(name), v)
	}
}

// SomePairs writes texts by name, sorted, if there are any.
func (o *Object) SomePairs(name string, v map[string]string) {
	if len(v) > 0 {
		o.text = appendPairs(o.name(name), v)
	}
}

// ID writes an id; the zero ID as an empty text.
func (o *Object) ID(name string, v ID) { o.text = appendID(o.name(name), v) }

// SomeID writes an id that is not zero.
func (o *Object) SomeID(name string, v ID) {
	if !v.IsZero() {
		o.ID(name, v)
	}
}

// Time writes an instant.
func (o *Object) Time(name string, v time.Time) { o.text = appendTime(o.name(name), v) }

// SomeTime writes an instant that is there.
func (o *Object) SomeTime(name string, v *time.Time) {
	if v != nil {
		o.Time(name, *v)
	}
}

// SomeInt writes a number that is there.
func (o *Object) SomeInt(name string, v *int) {
	if v != nil {
		o.text = strconv.AppendInt(o.name(name), int64(*v), 10)
	}
}

// SomeTrue writes what is true.
func (o *Object) SomeTrue(name string, v bool) {
	if v {
		o.text = append(o.name(name), "true"...)
	}
}

// AppendText appends a text as JSON, byte for byte as encoding/json writes it.
func AppendText(b []byte, v string) []byte { return appendText(b, v) }
