package events

import (
	"crypto/rand"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"sync"
	"time"
	"unicode"
)

// ID is an opaque identifier: a UUID (RFC 9562), 16 bytes. The zero ID means "none" and is
// written as an empty string in JSON. IDs never carry meaning a person could be known by.
type ID [16]byte

// Namespace seeds Derived ids, so that two services derive the same id from the same parts.
var namespace = ID{0x6f, 0x1c, 0x2a, 0x8e, 0x4b, 0x0d, 0x5c, 0x77, 0x9a, 0x31, 0x68, 0x61, 0x6e, 0x64, 0x6f, 0x66}

var clock struct {
	sync.Mutex
	last uint64
}

// NewID returns a UUIDv7: 48 bits of Unix milliseconds, 12 bits of sub-millisecond order, 62 random
// bits. Ids made by one process are strictly increasing. Safe for concurrent use.
func NewID() ID {
	var id ID
	if _, err := rand.Read(id[8:]); err != nil {
		panic(err) // the platform's random source never fails on supported systems
	}
	// The version nibble splits the timestamp: 48 bits of milliseconds, then 12 bits of fraction.
	now := time.Now()
	stamp := uint64(now.UnixMilli())<<12 | uint64(now.Nanosecond()%1e6)*4096/1e6
	clock.Lock()
	if stamp <= clock.last {
		stamp = clock.last + 1
	}
	clock.last = stamp
	clock.Unlock()
	ms, frac := stamp>>12, stamp&0xfff
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6] = 0x70 | byte(frac>>8)
	id[7] = byte(frac)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Derive returns the UUIDv8 that belongs to the given parts: equal parts, equal id. It is how a
// repeated decision finds the thing it made the first time.
func Derive(parts ...string) ID {
	return derive(namespace, parts...)
}

// IsZero reports whether the id is absent.
func (id ID) IsZero() bool { return id == ID{} }

// String is the canonical lower-case form with dashes, or "" for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	var b [36]byte
	id.encode(b[:])
	return string(b[:])
}

func (id ID) encode(b []byte) {
	hex.Encode(b[0:8], id[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], id[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], id[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], id[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], id[10:16])
}

// ErrNotID is returned for text that is not a UUID.
var ErrNotID = errors.New("not a UUID")

// ParseID reads the canonical form; empty text is the zero ID.
func ParseID(s string) (ID, error) {
	id, ok := parseID(s)
	if !ok {
		return ID{}, ErrNotID
	}
	return id, nil
}

// nibbles are the values of hexadecimal digits; of anything else, one that no digit has.
var nibbles = func() (t [256]byte) {
	for c := range t {
		t[c] = 0x10
	}
	for i, c := range "0123456789abcdef" {
		t[c], t[unicode.ToUpper(c)] = byte(i), byte(i)
	}
	return t
}()

func parseID[T string | []byte](s T) (id ID, ok bool) {
	if len(s) == 0 {
		return id, true
	}
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	at, wrong := 0, byte(0)
	for i := range id {
		if at == 8 || at == 13 || at == 18 || at == 23 {
			at++
		}
		high, low := nibbles[s[at]], nibbles[s[at+1]]
		id[i], wrong = high<<4|low, wrong|high|low
		at += 2
	}
	if wrong > 0xf {
		return ID{}, false
	}
	return id, true
}

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return []byte{}, nil
	}
	b := make([]byte, 36)
	id.encode(b)
	return b, nil
}

// UnmarshalText implements encoding.TextUnmarshaler; it returns ErrNotID for anything but a UUID or "".
func (id *ID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID(string(b))
	return err
}

// Value stores the id as SQL uuid; the zero ID is NULL.
func (id ID) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return id.String(), nil
}

// Scan reads SQL uuid; NULL is the zero ID.
func (id *ID) Scan(src any) (err error) {
	switch v := src.(type) {
	case nil:
		*id = ID{}
	case string:
		*id, err = ParseID(v)
	case []byte:
		if len(v) == 16 {
			copy(id[:], v)
			return nil
		}
		*id, err = ParseID(string(v))
	case [16]byte:
		*id = v
	default:
		err = ErrNotID
	}
	return err
}
