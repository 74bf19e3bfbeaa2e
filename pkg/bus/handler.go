package bus

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Handler applies a batch of events inside tx: load what they touch in a few statements, decide,
// save set-wise, announce. Returning an error rolls everything back and the events come again, one
// at a time. tx is a transaction of the service's system role (all organizations). A handler makes
// no network call and starts no goroutine.
type Handler func(ctx context.Context, tx pgx.Tx, batch []events.Event) error

// Subscription is one service's interest in one other service's facts.
type Subscription struct {
	Stream string        // the producing service's name
	Types  []events.Fact // empty facts of the types wanted; none: all
	Handle Handler

	// Pace is the least time between the starts of two transactions, so that events that come close
	// together are handled together; default 8 ms. An event that comes alone never waits.
	Pace time.Duration
}
