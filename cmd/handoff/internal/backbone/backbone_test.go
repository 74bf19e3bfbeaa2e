package backbone

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/broker"
	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
)

func keys(n int) []events.ID {
	list := make([]events.ID, n)
	for i := range list {
		list[i] = events.NewID()
	}
	return list
}

func TestEveryCommittedEventIsHandledOnceAndInOrder(t *testing.T) {
	b := newBench(t)
	const writers, rounds = 8, 50
	shared := keys(5)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := range rounds {
				b.announce(shared[i%len(shared)], shared[(i+1)%len(shared)])
			}
		})
	}
	wg.Wait()
	b.inOrder(b.await(writers * rounds * 2))
}

// G6: the JetStream store is deleted while the program is down; what was not handled comes from the
// producer's log, what was is known.
func TestALostStreamIsFilledFromTheLog(t *testing.T) {
	b := newBench(t)
	list := keys(3)
	for range 20 {
		b.announce(list...)
	}
	b.inOrder(b.await(60))
	b.stop()
	if err := os.RemoveAll(filepath.Join(b.data, broker.StoreDir)); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.announce(list...)
	b.inOrder(b.await(63))
}

func TestAPoisonKeyIsParkedAndReplayedInOrder(t *testing.T) {
	b := newBench(t)
	list := keys(2)
	good, bad := list[0], list[1]
	b.mu.Lock()
	b.poison[bad] = true
	b.mu.Unlock()
	start := time.Now()
	b.announce(bad, good)
	b.inOrder(b.await(1))
	if held := time.Since(start); held > 5*time.Second {
		t.Errorf("a failing event held another key up for %s", held)
	}
	b.announce(bad, good) // parked behind its elder, the other key goes on
	b.await(2)

	desk := bus.Desk{DB: b.beta.DB, Outbox: b.beta.Outbox, Hears: b.hears()}
	parked, err := desk.List(t.Context(), org, 10)
	if err != nil || len(parked) != 1 || parked[0].Key != bad || parked[0].Events != 2 {
		t.Fatalf("parked: %+v, %v", parked, err)
	}
	if _, err := desk.Replay(t.Context(), org, "alpha", bad, false); err == nil {
		t.Fatal("a replay of what still fails succeeded")
	}
	b.mu.Lock()
	delete(b.poison, bad)
	b.mu.Unlock()
	if n, err := desk.Replay(t.Context(), org, "alpha", bad, true); err != nil || n != 2 {
		t.Fatalf("dry run: %d, %v", n, err)
	}
	b.await(2)
	if n, err := desk.Replay(t.Context(), org, "alpha", bad, false); err != nil || n != 2 {
		t.Fatalf("replay: %d, %v", n, err)
	}
	b.announce(bad)
	b.inOrder(b.await(5))
}
