package events

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
	"unicode/utf8"
)

//go:generate go run ./internal/codecgen .

// The codec writes and reads the structs of this package without reflection: codec_gen.go has a
// function for each of them, made from its declaration, and this file has what they are made of.
//
// Guarantee: what it writes is, byte for byte, what encoding/json writes; a document it accepts is
// read to the value encoding/json reads. It knows one shape, the one it writes: no white space,
// members once, in the order of the fields, named exactly so. Whatever else it meets it declines,
// and encoding/json decides: so it takes nothing from what is tolerated and what is refused, and in
// which words.

// AppendJSON appends v as json.Marshal writes it. A snapshot or fact of this package, a pointer to a
// snapshot, and texts by name are written fast.
func AppendJSON(b []byte, v any) ([]byte, error) {
	if out, known := appendKnown(b, v); known && writable(out[len(b):]) {
		return out, nil
	}
	text, err := json.Marshal(v)
	return append(b, text...), err
}

// ReadJSON reads doc into v as json.Unmarshal does; what was in v is gone. A snapshot of this
// package, or texts by name, are read fast, and share no memory with doc.
func ReadJSON[T any](doc []byte, v *T) error {
	*v = *new(T)
	r := newReader(doc)
	known := readKnown(r, v) && r.whole()
	r.free()
	if known {
		return nil
	}
	*v = *new(T)
	return json.Unmarshal(doc, v)
}

// appendHead is Head without encoding/json; false: it has to do it.
func (e *Event) appendHead(b []byte) ([]byte, bool) {
	from := len(b)
	b = appendID(append(b, `{"specversion":"1.0","id":`...), e.ID)
	b = appendText(append(b, `,"source":`...), "/"+e.Source)
	b = appendText(append(b, `,"type":`...), e.Fact.Type())
	b = appendID(append(b, `,"subject":`...), e.Fact.Key())
	b = appendTime(append(b, `,"time":`...), e.Occurred.UTC())
	b = appendID(append(b, `,"datacontenttype":"application/json","organization":`...), e.Org)
	b = appendTime(append(b, `,"receivedtime":`...), e.Received.UTC())
	b = appendTime(append(b, `,"recordedtime":`...), e.Recorded.UTC())
	if !e.Cause.IsZero() {
		b = appendID(append(b, `,"causeid":`...), e.Cause)
	}
	if e.Traceparent != "" {
		b = appendText(append(b, `,"traceparent":`...), e.Traceparent)
	}
	b, known := appendKnown(append(b, `,"data":`...), e.Fact)
	return append(b, `,"aggregateversion":`...), known && writable(b[from:])
}

// decodeFast is Decode without encoding/json; false: it has to do it.
func decodeFast(doc []byte) (e Event, ok bool) {
	r := newReader(doc)
	defer r.free()
	r.expect("{")
	if r.is(`"specversion":`) {
		r.text()
	}
	if r.is(`"id":`) {
		e.ID = r.id()
	}
	if r.is(`"source":`) {
		if source := r.text(); len(source) > 1 {
			e.Source = source[1:]
		}
	}
	if !r.is(`"type":`) {
		return Event{}, false
	}
	typ := r.text()
	if r.is(`"subject":`) {
		r.id()
	}
	if r.is(`"time":`) {
		e.Occurred = r.time()
	}
	if r.is(`"datacontenttype":`) {
		r.text()
	}
	if r.is(`"organization":`) {
		e.Org = r.id()
	}
	if r.is(`"receivedtime":`) {
		e.Received = r.time()
	}
	if r.is(`"recordedtime":`) {
		e.Recorded = r.time()
	}
	if r.is(`"causeid":`) {
		e.Cause = r.id()
	}
	if r.is(`"traceparent":`) {
		e.Traceparent = string(r.quoted()) // a new one each time: no word to remember
		r.next()
	}
	if !r.is(`"data":`) {
		return Event{}, false
	}
	if e.Fact = readFact(r, typ); e.Fact == nil {
		return Event{}, false
	}
	if r.is(`"aggregateversion":`) {
		e.Version = r.int64()
	}
	if !r.is(`"sequence":"`) {
		return Event{}, false
	}
	e.Sequence = r.number()
	r.expect(`"`)
	r.next()
	r.close('}')
	if !r.whole() {
		return Event{}, false
	}
	return e, true
}

// unwritable marks what encoding/json refuses to write. No document holds this byte: it is not UTF-8.
const unwritable = 0xff

func writable(b []byte) bool { return bytes.IndexByte(b, unwritable) < 0 }

// plain are the bytes that encoding/json writes in a string, and reads there, as they are.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return t
}()

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if !plain[s[i]] {
			return appendAwkward(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// appendAwkward appends words of other languages, and leaves what has to be escaped to encoding/json.
func appendAwkward(b []byte, s string) []byte {
	for _, c := range s {
		if c < utf8.RuneSelf && !plain[c] || c == utf8.RuneError || c == '\u2028' || c == '\u2029' {
			text, err := json.Marshal(s)
			if err != nil {
				return append(b, unwritable)
			}
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendID(b []byte, id ID) []byte {
	if id.IsZero() {
		return append(b, `""`...)
	}
	at := len(b) + 1
	b = append(b, `"00000000-0000-0000-0000-000000000000"`...)
	id.encode(b[at:])
	return b
}

func appendTime(b []byte, t time.Time) []byte {
	text, err := t.AppendText(append(b, '"'))
	if err != nil {
		return append(b, unwritable)
	}
	return append(text, '"')
}

func appendTexts(b []byte, list []string) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	at := len(b)
	for _, s := range list {
		b = appendText(append(b, ','), s)
	}
	return enclose(b, at, '[', ']')
}

func appendPairs(b []byte, pairs map[string]string) []byte {
	if pairs == nil {
		return append(b, "null"...)
	}
	names := make([]string, 0, 16)
	for name := range pairs {
		names = append(names, name)
	}
	slices.Sort(names)
	at := len(b)
	for _, name := range names {
		b = append(appendText(append(b, ','), name), ':')
		b = appendText(b, pairs[name])
	}
	return enclose(b, at, '{', '}')
}

func appendList[T any](b []byte, list []T, one func([]byte, *T) []byte) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	at := len(b)
	for i := range list {
		b = one(append(b, ','), &list[i])
	}
	return enclose(b, at, '[', ']')
}

// enclose makes an object or array of what was appended since at, each part after a comma.
func enclose(b []byte, at int, open, end byte) []byte {
	if len(b) == at {
		return append(b, open, end)
	}
	b[at] = open
	return append(b, end)
}
