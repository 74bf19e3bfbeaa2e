package outbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
)

// Keys are locked in their order, whatever the order of the facts, and each fact knows how many of its key follow.
func TestKeysOfABatch(t *testing.T) {
	a, b, c, one, two := events.ID{1}, events.ID{2}, events.ID{3}, events.ID{101}, events.ID{102}
	r := rows{key: []events.ID{c, a, c, b, c, a}, org: []events.ID{two, one, two, one, two, one}}
	key, org, n, follow := r.keys()
	if diff := cmp.Diff([]events.ID{a, b, c}, key); diff != "" {
		t.Error("keys", diff)
	}
	if diff := cmp.Diff([]events.ID{one, one, two}, org); diff != "" {
		t.Error("organizations", diff)
	}
	if diff := cmp.Diff([]int64{2, 1, 3}, n); diff != "" {
		t.Error("numbers", diff)
	}
	if diff := cmp.Diff([]int64{2, 1, 1, 0, 0, 0}, follow); diff != "" {
		t.Error("following", diff)
	}
}
