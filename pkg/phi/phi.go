// Package phi holds the types for what must not be printed: names, identifiers, addresses, phones,
// free text about a person.
//
// Guarantee (G8): a value of these types prints as "[phi]" through fmt, slog, encoding/json and
// error texts alike. The only way to the value is Reveal, which reviewers can search for.
package phi

import (
	"database/sql/driver"
	"fmt"
	"log/slog"
)

const mask = "[phi]"

// Text is protected text. Its zero value is empty.
type Text struct{ s string }

// Of protects s.
func Of(s string) Text { return Text{s} }

// Reveal returns the text itself. Call it only where the text leaves through a door that may see it.
func (t Text) Reveal() string { return t.s }

// Empty reports whether there is no text.
func (t Text) Empty() bool { return t.s == "" }

// String returns the mask.
func (t Text) String() string { return mask }

// GoString returns the mask.
func (t Text) GoString() string { return mask }

// Format writes the mask for every verb.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// LogValue returns the mask.
func (t Text) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText returns the mask, so that a document made by accident holds no name.
func (t Text) MarshalText() ([]byte, error) { return []byte(mask), nil }

// Value stores the text itself: the database of its owner is the one place it lives.
func (t Text) Value() (driver.Value, error) {
	if t.s == "" {
		return nil, nil
	}
	return t.s, nil
}

// Scan reads the text from its owner's database.
func (t *Text) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		t.s = ""
	case string:
		t.s = v
	case []byte:
		t.s = string(v)
	default:
		return fmt.Errorf("phi: cannot scan %T", src)
	}
	return nil
}
