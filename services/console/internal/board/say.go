package board

import (
	"context"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// say says a text in the reader's language; the catalogue lists it (see package text).
func say(ctx context.Context, m text.Message, args ...any) string { return text.T(ctx, m, args...) }

// sayN says how many: one and many are the English for 1 and for the rest, both with a %d.
func sayN(ctx context.Context, n int, one, many text.Message) string {
	return text.N(ctx, n, one, many)
}
