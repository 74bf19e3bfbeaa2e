package web

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/handoff-care/handoff/pkg/fault"
)

// List is every list answer: items and where the next page starts (null on the last).
type List[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"`
}

// Listed is a List as huma output.
type Listed[T any] struct{ Body List[T] }

// PageIn is embedded by inputs of lists.
type PageIn struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"at most this many"`
	Cursor string `query:"cursor" doc:"the 'next' of the page before"`
}

// Page makes a list answer of up to limit items from up to limit+1 rows: ask the database for one
// more than wanted. cursor gives the keyset position of an item.
func Page[T any](rows []T, limit int, cursor func(T) any) *Listed[T] {
	out := &Listed[T]{Body: List[T]{Items: rows}}
	if rows == nil {
		out.Body.Items = []T{}
	}
	if len(rows) > limit {
		out.Body.Items = rows[:limit]
		next := EncodeCursor(cursor(rows[limit-1]))
		out.Body.Next = &next
	}
	return out
}

// EncodeCursor makes an opaque cursor of a keyset position.
func EncodeCursor(position any) string {
	b, err := json.Marshal(position)
	if err != nil {
		panic(err) // positions are plain structs of this program
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// DecodeCursor reads a cursor into position; an empty cursor leaves it alone and returns false.
func DecodeCursor(cursor string, position any) (bool, error) {
	if cursor == "" {
		return false, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, position)
	}
	if err != nil {
		return false, fault.New(fault.Malformed, "the cursor is not one of ours; start again without it")
	}
	return true, nil
}

// IfMatch reads the version a writer decided on from an If-Match header: "3", 3 or W/"3".
func IfMatch(header string) (int, error) {
	if header == "" {
		return 0, fault.New(fault.Required, "send If-Match with the version you decided on")
	}
	n, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(strings.TrimSpace(header), "W/"), `"`))
	if err != nil {
		return 0, fault.New(fault.Malformed, "If-Match is not a version")
	}
	return n, nil
}

// Law is one conservation law of a service: left must equal right.
type Law struct {
	Law        string `json:"law"`
	Left       int64  `json:"left"`
	Right      int64  `json:"right"`
	Difference int64  `json:"difference"`
}

// Balance states a law.
func Balance(law string, left, right int64) Law { return Law{law, left, right, left - right} }
