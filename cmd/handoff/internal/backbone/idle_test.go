package backbone

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/pkg/outbox"
)

// A stream that is lost while nothing happens is made anew without waiting for the next fact.
func TestALostStreamComesBackInAQuietTime(t *testing.T) {
	b := newBench(t)
	b.announce(keys(1)[0])
	b.await(1)
	nc, err := b.broker.Connect("visitor")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), outbox.StreamName("alpha")); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); ; {
		if _, err := js.Stream(t.Context(), outbox.StreamName("alpha")); err == nil {
			break
		}
		select {
		case <-deadline:
			t.Fatal("nobody made the stream anew")
		case <-tick.C:
		}
	}
	b.announce(keys(1)[0])
	b.await(2)
}
