package web

import (
	"context"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// say says a text in the reader's language; what it says is listed in the catalogue (see package text).
func say(ctx context.Context, m text.Message, args ...any) string { return text.T(ctx, m, args...) }

// refuse is a fault in the console's own words. They are said in the reader's language where they are shown.
func refuse(kind fault.Kind, m text.Message) *fault.Error { return fault.New(kind, "%s", string(m)) }

// failing is refuse where an error says more than people are told.
func failing(kind fault.Kind, cause error, m text.Message) *fault.Error {
	return fault.Wrap(kind, cause, "%s", string(m))
}

// public is what whoever asked may be told of an error.
func public(ctx context.Context, err error) string { return say(ctx, text.Message(fault.Public(err))) }
