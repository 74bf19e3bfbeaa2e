// Package fault is how errors travel: every error a caller may have to act on has a kind to switch
// on, a public text that is safe to show to the caller, and a cause for the operator's log.
//
// Guarantee: Public never contains the cause, so a cause may hold anything; the kind is mapped to a
// transport's own code (an HTTP status, an HL7 acknowledgement) once, at the edge that owns the transport.
package fault

import (
	"errors"
	"fmt"
)

// Kind is the class of a fault, the only thing callers switch on.
type Kind string

// The kinds, with the HTTP status each one becomes at the edge.
const (
	Invalid      Kind = "invalid"      // 422: the request is understood and wrong
	Malformed    Kind = "malformed"    // 400: the request cannot be read
	Unknown      Kind = "not-found"    // 404
	Unauthorized Kind = "unauthorized" // 401: who are you?
	Forbidden    Kind = "forbidden"    // 403: you may not
	Gone         Kind = "gone"         // 410: it was there, and was destroyed
	Conflict     Kind = "conflict"     // 409: somebody was first, or the state does not allow it
	Stale        Kind = "stale"        // 412: you decided on an old version
	Required     Kind = "required"     // 428: a precondition header is missing
	TooLarge     Kind = "too-large"    // 413
	TooMany      Kind = "too-many"     // 429
	Unavailable  Kind = "unavailable"  // 503: try again
	Internal     Kind = "internal"     // 500
)

// Error is a fault. Text is public; Cause is not.
type Error struct {
	Kind   Kind
	Text   string         // one sentence for the person or program that asked; no PHI
	Fields map[string]any // further public facts, for example who won a lost race
	Cause  error
}

// New returns a fault with a public text.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// Wrap returns a fault that hides cause behind a public text.
func Wrap(kind Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...), Cause: cause}
}

// With adds a public fact and returns the fault.
func (e *Error) With(key string, value any) *Error {
	if e.Fields == nil {
		e.Fields = map[string]any{}
	}
	e.Fields[key] = value
	return e
}

// Error is the operator's text: public text and cause.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Text
	}
	return e.Text + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of the outermost fault in err's chain, or Internal. A nil error has no kind ("").
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var f *Error
	if errors.As(err, &f) {
		return f.Kind
	}
	return Internal
}

// Public returns the text that may be shown to whoever asked.
func Public(err error) string {
	var f *Error
	if errors.As(err, &f) {
		return f.Text
	}
	return "something went wrong here; it has been recorded"
}
