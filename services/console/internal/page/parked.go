package page

import (
	"context"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// ParkedKey is a parked key as its own sheet shows it.
type ParkedKey struct {
	Service, Stream string
	Key             events.ID
	Reason          string
	Since           time.Time
	Events          []ParkedEvent // in order; the first is the one that failed
}

// ParkedEvent is one event of a parked key.
type ParkedEvent struct {
	Type               string
	Occurred, Received time.Time
	ParkedAt           time.Time
	Message            events.ID // the hospital's message it follows from; zero where none is
	Doc                string
}

func (k ParkedKey) path(action string) string {
	return "/operations/parked/" + k.Service + "/" + k.Stream + "/" + k.Key.String() + action
}

// Replayed is what a replay did, or would do.
type Replayed struct {
	Dry    bool   `json:"dry_run"`
	Events int    `json:"events"`
	Fails  string `json:"-"`
	Told   []struct {
		Type string `json:"type"`
		N    int    `json:"n"`
	} `json:"told"`
}

// Verdict is the outcome in a sentence.
func (r Replayed) verdict(ctx context.Context) string {
	switch {
	case r.Fails != "" && r.Dry:
		return say(ctx, "It would fail again: %s.", r.Fails)
	case r.Fails != "":
		return say(ctx, "It failed again, and nothing was changed: %s.", r.Fails)
	case r.Dry:
		return sayN(ctx, r.Events, "It would go well: %d event handled in order. Nothing was changed by this trial.", "It would go well: %d events handled in order. Nothing was changed by this trial.")
	}
	return sayN(ctx, r.Events, "Replayed: %d event in order.", "Replayed: %d events in order.")
}

// Proof is what recomputing the ledger's chain found.
type Proof struct {
	Holds    bool      `json:"holds"`
	Problem  string    `json:"problem"`
	Links    int64     `json:"links"`
	From     int64     `json:"from_link"`
	Rows     int64     `json:"rows"`
	Unsealed int64     `json:"unsealed"`
	Hash     string    `json:"hash"`
	At       time.Time `json:"at"`
}

func (p Proof) verdict(ctx context.Context) string {
	if !p.Holds {
		return say(ctx, "The chain is broken: %s.", p.Problem)
	}
	if p.Rows == 0 {
		return say(ctx, "Nothing was written down in this time. The chain stands.")
	}
	if p.Rows == 1 {
		return say(ctx, "1 row verified, unbroken.")
	}
	return say(ctx, "%s rows verified, unbroken.", Number(float64(p.Rows)))
}
