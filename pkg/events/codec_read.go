package events

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"sync"
	"time"
	"unicode/utf8"
)

// reader goes through one document. It stands before a member, an element or the end of what they
// are in: who reads a value passes the comma behind it. Having declined it has nothing left to read,
// so that every further step declines, too.
type reader struct {
	doc      []byte
	at       int
	declined bool
	words    [1024]string // met before, by their hash: codes, names of states and places come again and again
}

// longestWord is the longest text that is worth remembering.
const longestWord = 96

var (
	pool = sync.Pool{New: func() any { return new(reader) }}
	seed = maphash.MakeSeed()
)

func newReader(doc []byte) *reader {
	r := pool.Get().(*reader)
	r.doc, r.at, r.declined = doc, 0, false
	return r
}

func (r *reader) free() {
	r.doc = nil
	pool.Put(r)
}

func (r *reader) decline() { r.doc, r.at, r.declined = nil, 0, true }

// whole reports whether a document was read, to its end.
func (r *reader) whole() bool {
	return !r.declined && r.at > 0 && r.at == len(r.doc) && r.doc[r.at-1] == '}'
}

// is passes text if it comes next.
func (r *reader) is(text string) bool {
	end := r.at + len(text)
	if end > len(r.doc) || string(r.doc[r.at:end]) != text {
		return false
	}
	r.at = end
	return true
}

// expect passes text, which has to come next.
func (r *reader) expect(text string) {
	if !r.is(text) {
		r.decline()
	}
}

// next passes what is between a value and whatever comes next.
func (r *reader) next() {
	if r.at < len(r.doc) {
		switch r.doc[r.at] {
		case ',':
			r.at++
		case '}', ']':
		default:
			r.decline()
		}
	}
}

// close passes the end of an object or array, which no comma comes before.
func (r *reader) close(end byte) {
	if r.at >= len(r.doc) || r.doc[r.at] != end || r.doc[r.at-1] == ',' {
		r.decline()
		return
	}
	r.at++
	r.next()
}

// more reports whether an object or array goes on.
func (r *reader) more(end byte) bool { return r.at < len(r.doc) && r.doc[r.at] != end }

// null passes a null.
func (r *reader) null() bool {
	if !r.is("null") {
		return false
	}
	r.next()
	return true
}

func (r *reader) bool() bool {
	yes := r.is("true")
	if !yes {
		r.expect("false")
	}
	r.next()
	return yes
}

// number passes a whole number of at most 18 digits.
func (r *reader) number() (n int64) {
	negative := r.is("-")
	from := r.at
	for ; r.at < len(r.doc); r.at++ {
		digit := r.doc[r.at] - '0'
		if digit > 9 {
			break
		}
		n = n*10 + int64(digit)
	}
	if length := r.at - from; length == 0 || length > 18 || length > 1 && r.doc[from] == '0' {
		r.decline()
		return 0
	}
	if negative {
		return -n
	}
	return n
}

func (r *reader) int64() int64 {
	n := r.number()
	r.next()
	return n
}

func (r *reader) int() int {
	n := r.int64()
	if int64(int(n)) != n {
		r.decline()
	}
	return int(n)
}

func (r *reader) id() (id ID) {
	const length = len(`"00000000-0000-0000-0000-000000000000"`)
	if !r.is(`""`) {
		end, ok := r.at+length, false
		if end <= len(r.doc) && r.doc[r.at] == '"' && r.doc[end-1] == '"' {
			id, ok = parseID(r.doc[r.at+1 : end-1])
			r.at = end
		}
		if !ok {
			r.decline()
		}
	}
	r.next()
	return id
}

func (r *reader) time() (t time.Time) {
	if r.is(`"`) {
		if n := bytes.IndexByte(r.doc[r.at:], '"'); n >= 0 {
			text := r.doc[r.at : r.at+n]
			r.at += n + 1
			if t.UnmarshalText(text) == nil { // which is what UnmarshalJSON does with what is between the quotes
				r.next()
				return t
			}
		}
	}
	r.decline()
	return time.Time{}
}

// quoted passes a string and gives what it says, until the next document is read.
func (r *reader) quoted() []byte {
	if !r.is(`"`) {
		r.decline()
		return nil
	}
	rest := r.doc[r.at:]
	for i, c := range rest {
		if plain[c] {
			continue
		}
		if c != '"' {
			return r.awkward()
		}
		r.at += i + 1
		return rest[:i]
	}
	r.decline()
	return nil
}

// awkward passes a string of another language, and leaves one with escapes to encoding/json.
func (r *reader) awkward() []byte {
	from, as := r.at, true
	for ; r.at < len(r.doc) && r.doc[r.at] != '"'; r.at++ {
		if c := r.doc[r.at]; c < ' ' {
			as = false
		} else if c == '\\' {
			as = false
			r.at++
		}
	}
	if r.at >= len(r.doc) {
		r.decline()
		return nil
	}
	text := r.doc[from:r.at]
	r.at++
	if as && utf8.Valid(text) {
		return text
	}
	var s string
	if json.Unmarshal(r.doc[from-1:r.at], &s) != nil {
		r.decline()
	}
	return []byte(s)
}

// word is b as a string, the same one as the last time where it was met before.
func (r *reader) word(b []byte) string {
	if len(b) > longestWord {
		return string(b)
	}
	known := &r.words[maphash.Bytes(seed, b)%uint64(len(r.words))]
	if *known != string(b) {
		*known = string(b)
	}
	return *known
}

func (r *reader) text() string {
	s := r.word(r.quoted())
	r.next()
	return s
}

func (r *reader) texts() []string {
	if r.null() {
		return nil
	}
	var few [8]string
	list := few[:0]
	for r.expect("["); r.more(']'); {
		list = append(list, r.text())
	}
	r.close(']')
	return append(make([]string, 0, len(list)), list...)
}

func (r *reader) pairs() map[string]string {
	if r.null() {
		return nil
	}
	pairs := map[string]string{}
	for r.expect("{"); r.more('}'); {
		name := r.word(r.quoted())
		r.expect(":")
		pairs[name] = r.text()
	}
	r.close('}')
	return pairs
}
