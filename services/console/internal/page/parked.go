package page

import (
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
func (r Replayed) verdict() string {
	switch {
	case r.Fails != "" && r.Dry:
		return "It would fail again: " + r.Fails + "."
	case r.Fails != "":
		return "It failed again, and nothing was changed: " + r.Fails + "."
	case r.Dry:
		return "It would go well: " + Plural(r.Events, "event", "events") + " handled in order. Nothing was changed by this trial."
	}
	return "Replayed: " + Plural(r.Events, "event", "events") + " in order."
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

func (p Proof) verdict() string {
	if !p.Holds {
		return "The chain is broken: " + p.Problem + "."
	}
	if p.Rows == 0 {
		return "Nothing was written down in this time. The chain stands."
	}
	rows := Number(float64(p.Rows)) + " rows"
	if p.Rows == 1 {
		rows = "1 row"
	}
	return rows + " verified, unbroken."
}
