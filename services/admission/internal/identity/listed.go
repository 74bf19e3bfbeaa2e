package identity

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/phi"
)

// A group of several items (coverages, allergies) is stated whole, as a JSON array, or by changes of
// single items (IN1-55, IAM-6), as a JSON object. What is known is then both: the newest whole list,
// and of each item the newest change since. That does not depend on the order they came in.

// Item is one item that a change names by its key.
type Item struct {
	Key  string
	Gone bool // taken off
	Data any
}

// listed is a list with changes, as it is stored. Changes of a statement have no time of their own.
type listed struct {
	At      int64             `json:"at,omitempty"` // of the whole list
	Whole   []json.RawMessage `json:"whole,omitempty"`
	Changes map[string]change `json:"changes,omitempty"`
}

type change struct {
	At   int64           `json:"at,omitempty"`
	Gone bool            `json:"gone,omitempty"`
	Item json.RawMessage `json:"item,omitempty"`
}

// EncodeChanges makes a group's value of changes to single items.
func EncodeChanges(items []Item) phi.Text {
	l := listed{Changes: map[string]change{}}
	for _, i := range items {
		c := change{Gone: i.Gone}
		if !i.Gone {
			c.Item, _ = json.Marshal(i.Data) // plain structs of strings
		}
		l.Changes[i.Key] = c
	}
	return Encode(l)
}

func hasChanges(v string) bool {
	return strings.HasPrefix(v, `{"at"`) || strings.HasPrefix(v, `{"changes"`) || strings.HasPrefix(v, `{"whole"`)
}

// decodeListed reads either form; at is when an array was stated.
func decodeListed(v string, at int64) (l listed) {
	if hasChanges(v) {
		_ = json.Unmarshal([]byte(v), &l) // written by encode
		return l
	}
	l.At = at
	if v != "" {
		_ = json.Unmarshal([]byte(v), &l.Whole)
	}
	return l
}

func (l listed) encode() string {
	if len(l.Changes) == 0 {
		b, _ := json.Marshal(l.Whole) // null where the list was deleted
		return string(b)
	}
	b, _ := json.Marshal(l)
	return string(b)
}

// mergeListed takes a statement of the time at into what is known as of stamp.
func mergeListed(old string, stamp int64, v string, at int64) (string, int64) {
	known, said := decodeListed(old, stamp), decodeListed(v, at)
	if hasChanges(v) {
		for key, c := range said.Changes {
			if c.At == 0 {
				c.At = at
				said.Changes[key] = c
			}
		}
	}
	if !hasChanges(v) || said.At > 0 {
		if said.At > known.At || said.At == known.At && text(said.Whole) > text(known.Whole) {
			known.At, known.Whole = said.At, said.Whole
		}
	}
	changes := map[string]change{}
	for _, list := range []map[string]change{known.Changes, said.Changes} {
		for key, c := range list {
			if had, ok := changes[key]; c.At > known.At && (!ok || c.At > had.At || c.At == had.At && string(c.Item) > string(had.Item)) {
				changes[key] = c
			}
		}
	}
	known.Changes = changes
	newest := known.At
	for _, c := range changes {
		newest = max(newest, c.At)
	}
	return known.encode(), newest
}

func text(list []json.RawMessage) string {
	b, _ := json.Marshal(list)
	return string(b)
}

// keyed is an item that a change can name.
type keyed interface{ ItemKey() string }

// ItemKey names a coverage by its plan and payer.
func (c Coverage) ItemKey() string { return c.Plan + "|" + c.Payer }

// ItemKey names an allergy by its identifier, else by what it is of.
func (a Allergy) ItemKey() string {
	if a.ID != "" {
		return a.ID
	}
	return a.Code + "|" + a.Text
}

// Items reads a group of items: the newest list with the newer changes made to it.
func Items[T keyed](r *Record, g Group) []T {
	v := r.Value(g)
	if !hasChanges(v) {
		return Read[[]T](r, g)
	}
	l := decodeListed(v, 0)
	var out []T
	add := func(raw json.RawMessage) {
		var item T
		if json.Unmarshal(raw, &item) == nil {
			out = append(out, item)
		}
	}
	for _, raw := range l.Whole {
		var item T
		if _ = json.Unmarshal(raw, &item); l.Changes[item.ItemKey()].At == 0 {
			add(raw)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.Changes)) {
		if c := l.Changes[key]; !c.Gone {
			add(c.Item)
		}
	}
	return out
}

// payer is the class of the first coverage in order.
func payer(list []Coverage) string {
	best := -1
	for i, c := range list {
		if best < 0 || c.Order < list[best].Order {
			best = i
		}
	}
	if best < 0 {
		return Deleted
	}
	return list[best].Class
}
