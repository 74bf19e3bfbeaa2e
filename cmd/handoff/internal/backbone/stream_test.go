package backbone

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/cmd/handoff/internal/broker"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/run"
)

// elsewhere is a bench whose NATS is another process's, as far as it can tell.
func elsewhere(t *testing.T, maxStore int64) *bench {
	b := newBench(t)
	b.stop()
	b.data, b.infra.Stream = t.TempDir(), run.StreamLimits{}
	b.listen("127.0.0.1:0", maxStore)
	b.infra.NATS = run.Dial(run.Config{NATSURL: b.broker.ClientURL("")})
	return b
}

func (b *bench) listen(addr string, maxStore int64) {
	b.t.Helper()
	var err error
	if b.broker, err = broker.Start(broker.Options{Data: b.data, Listen: addr, MaxStore: maxStore}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) startWith(cfg run.Config, within time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), within)
	defer cancel()
	cfg.HTTP, cfg.Data = "127.0.0.1:0", b.data
	b.program, err = run.Start(ctx, cfg, b.infra, b.producer(), b.consumer(), b.counter())
	return err
}

// size is that of alpha's stream.
func (b *bench) size() int64 {
	b.t.Helper()
	nc, err := b.broker.Connect("visitor")
	if err != nil {
		b.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		b.t.Fatal(err)
	}
	s, err := js.Stream(b.t.Context(), outbox.StreamName("alpha"))
	if err != nil {
		b.t.Fatal(err)
	}
	return s.CachedInfo().Config.MaxBytes
}

func TestStreamsFitWhatNATSAllows(t *testing.T) {
	const store = 500 << 20
	b := elsewhere(t, store)
	if err := b.startWith(run.Config{}, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if got, want := b.size(), int64((store-1)/10*9/5); got != want {
		t.Errorf("%d bytes, want %d: five of them in nine tenths of the store", got, want)
	}
	if err := b.program.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := b.startWith(run.Config{StreamMaxBytes: 32 << 20}, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if got := b.size(); got != 32<<20 {
		t.Errorf("%d bytes, want those that the operator asks for now", got)
	}
}

func TestAServiceWithoutRoomForItsStreamIsNotReadyAndSaysWhy(t *testing.T) {
	b := elsewhere(t, 100<<20)
	err := b.startWith(run.Config{StreamMaxBytes: 1 << 30}, 8*time.Second)
	if err == nil || !strings.Contains(err.Error(), "ALPHA") || !strings.Contains(err.Error(), "--stream-max-bytes") {
		t.Fatalf("error %v, want one that names the stream and the setting", err)
	}
	b.program = nil
}

// NATS goes away and comes back: the program is not ready meanwhile, and does not end.
func TestNATSMayGoAndComeBack(t *testing.T) {
	b := elsewhere(t, 0)
	addr := strings.TrimPrefix(b.broker.ClientURL(""), "nats://")
	if err := b.startWith(run.Config{StreamMaxBytes: 32 << 20}, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	b.broker.Stop()
	b.awaitReady(http.StatusServiceUnavailable, "NATS is not connected")
	b.announce(keys(1)[0])
	b.listen(addr, 0)
	b.awaitReady(http.StatusOK, "ready")
	b.await(1)
	select {
	case err := <-b.program.Failed():
		t.Fatalf("the program ended: %v", err)
	default:
	}
}

func (b *bench) awaitReady(status int, says string) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); ; {
		got, body := b.ask("GET", "/readyz", "")
		if got == status && strings.Contains(body, says) {
			return
		}
		select {
		case <-deadline:
			b.t.Fatalf("%d %s, want %d %s", got, body, status, says)
		case <-tick.C:
		}
	}
}
