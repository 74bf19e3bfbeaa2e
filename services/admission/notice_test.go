package admission

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Operations hear once of a feed and a reason, however many messages of how many batches it is about.
func TestNoticesAreOncePerFeedAndReason(t *testing.T) {
	h := start(t)
	a, b := events.NewID(), events.NewID()
	say := func(feed events.ID, reason string) events.Event {
		return events.Event{Org: DemoOrg, Fact: events.MessageQuarantined{Feed: feed, Reason: reason, Message: events.NewID()}}
	}
	notices := []events.Event{say(a, "x"), say(a, "x"), say(b, "x"), say(a, "y"), say(a, "x"), say(b, "x")}
	for round, want := range [][]events.Event{{notices[0], notices[2], notices[3]}, nil} {
		w := &work{notices: notices}
		if err := h.outbox.SystemTx(context.Background(), func(tx pgx.Tx) error { return h.notice(context.Background(), tx, w) }); err != nil {
			t.Fatal(err)
		}
		if len(w.announce) != len(want) {
			t.Fatalf("batch %d: told of %d, want %d", round, len(w.announce), len(want))
		}
		for i := range want {
			if w.announce[i].Fact != want[i].Fact {
				t.Errorf("batch %d: told of %+v, want %+v", round, w.announce[i].Fact, want[i].Fact)
			}
		}
	}
}
