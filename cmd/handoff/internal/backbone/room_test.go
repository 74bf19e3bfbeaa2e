package backbone

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/pkg/outbox"
)

// A stream that is 70 % full loses what every consumer has handled, and nothing else.
func TestAFillingStreamIsPurgedOfWhatWasHandled(t *testing.T) {
	const limit = 256 << 10
	b := newBenchOf(t, limit)
	list := keys(200)
	sent := 0
	nc, err := b.broker.Connect("visitor")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	state := func() jetstream.StreamState {
		s, err := js.Stream(t.Context(), outbox.StreamName("alpha"))
		if err != nil {
			t.Fatal(err)
		}
		return s.CachedInfo().State
	}
	b.announce(list[:1]...)
	sent++
	b.await(sent)
	for state().Bytes < limit*8/10 {
		b.announce(list[:20]...)
		sent += 20
		b.await(sent)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); state().Bytes > limit/2; {
		select {
		case <-deadline:
			t.Fatalf("%d of %d bytes after 30 s", state().Bytes, limit)
		case <-tick.C:
		}
	}
	// More at once than the whole stream holds.
	b.announce(append(append(list, list...), list...)...)
	sent += 3 * len(list)
	b.inOrder(b.await(sent))
}
