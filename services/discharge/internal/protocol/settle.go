package protocol

import (
	"fmt"
	"time"
)

// longest is how long a settle window may be: whoever wants to wait longer wants
// another protocol.
const longest = 24 * time.Hour

// settle reads a settle window: how long after a discharge was heard of nothing about
// it leaves the house (mail, webhooks, notices to facilities), since a discharge that
// is taken back within minutes is common. Tasks and consoles never wait. "0s" says
// that there must be no waiting, whatever other protocols of the plan say.
func settle(text string) (*time.Duration, error) {
	if text == "" {
		return nil, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, err
	}
	if d < 0 || d > longest {
		return nil, fmt.Errorf("%s is not between 0s and %s", text, longest)
	}
	return &d, nil
}

// sooner is the shorter of two windows: of a plan's protocols the most urgent wins,
// as with due times.
func sooner(a, b *time.Duration) *time.Duration {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}
