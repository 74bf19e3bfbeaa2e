package player

import (
	"bytes"
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/hospital"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// receiver takes messages like admission does, and breaks a connection now and then.
type receiver struct {
	t      *testing.T
	listen net.Listener
	breaks int // every so many messages the connection is closed instead of a reply
	mu     sync.Mutex
	bytes  map[string][]byte   // by control id
	order  map[string][]string // control ids by facility, first receipt only
	taken  int
	enough chan struct{}
	want   int
}

func newReceiver(t *testing.T, breaks, want int) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, listen: l, breaks: breaks, want: want, bytes: map[string][]byte{}, order: map[string][]string{}, enough: make(chan struct{})}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(c)
		}
	}()
	return r
}

func (r *receiver) serve(c net.Conn) {
	defer c.Close()
	frames := mllp.NewReader(c, mllp.Options{})
	for {
		frame, err := frames.ReadFrame()
		if err != nil {
			return
		}
		h, _ := hl7.PeekHeader(frame)
		if r.take(string(h.SendingFacility), string(h.ControlID), frame) {
			return
		}
		if mllp.WriteFrame(c, hl7.Ack(h, hl7.Reply{Code: hl7.AA, ID: "r", Time: time.Now()})) != nil {
			return
		}
	}
}

// take keeps a message and says whether to break the connection.
func (r *receiver) take(facility, id string, frame []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.bytes[id]; ok && !bytes.Equal(old, frame) {
		r.t.Errorf("control id %s names other bytes:\n%q\n%q", id, old, frame)
	} else if !ok {
		r.order[facility] = append(r.order[facility], id)
	}
	r.bytes[id] = frame
	r.taken++
	if r.taken == r.want {
		close(r.enough)
	}
	return r.breaks > 0 && r.taken%r.breaks == 0
}

func options(to, file string) Options {
	return Options{To: to, File: file, Config: hospital.Config{Seed: 3, Rate: 200, Speed: 480}}
}

func TestNothingIsSkippedWhenConnectionsBreak(t *testing.T) {
	r := newReceiver(t, 37, 0)
	o := options(r.listen.Addr().String(), filepath.Join(t.TempDir(), "play.json"))
	o.Count = 160
	result, err := Play(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if result.Sent < 160 || result.Codes[hl7.AA] != result.Sent {
		t.Fatalf("%d sent, codes %v; want 160 and more, all accepted", result.Sent, result.Codes)
	}
	sameAsWorld(t, r, o.File)
}

func TestAPlayThatWasKilledGoesOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "play.json")
	first := newReceiver(t, 0, 120)
	ctx, kill := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := Play(ctx, options(first.listen.Addr().String(), file))
		done <- err
	}()
	<-first.enough
	kill()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	o := options(first.listen.Addr().String(), file)
	o.Count = 120
	if _, err := Play(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	sameAsWorld(t, first, file)
}

// sameAsWorld checks that each facility's control ids arrived in order and without a gap.
func sameAsWorld(t *testing.T, r *receiver, file string) {
	t.Helper()
	m, err := remember(file, options("", "").Config, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w := hospital.New(m.page.Config, []hospital.Span{{Wall: time.Now()}})
	at := map[string]int{}
	for len(at) == 0 || at["MERCYWEST"] < len(r.order["MERCYWEST"]) {
		m := w.Next(nil)
		h, _ := hl7.PeekHeader(m.Bytes)
		got, i := r.order[m.Facility], at[m.Facility]
		if i > 0 && i <= len(got) && got[i-1] == string(h.ControlID) {
			continue // a repetition
		}
		if i < len(got) && got[i] != string(h.ControlID) {
			t.Fatalf("%s: message %d is %s, want %s", m.Facility, i, got[i], h.ControlID)
		}
		at[m.Facility]++
	}
}

func TestOtherSettingsBeginAnotherGeneration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "play.json")
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	cfg := hospital.Config{Seed: 1, Rate: 1, Speed: 10}
	last := 0
	for i, c := range []struct {
		speed float64
		same  bool
		spans int
	}{{10, false, 1}, {10, true, 2}, {20, false, 1}, {20, true, 2}} {
		cfg.Speed = c.speed
		m, err := remember(file, cfg, now)
		if err != nil {
			t.Fatal(err)
		}
		if g := m.page.Config.Generation; (g == last) != c.same || len(m.page.Spans) != c.spans {
			t.Fatalf("start %d: generation %d after %d with %d spans, want the same %v with %d", i, g, last, len(m.page.Spans), c.same, c.spans)
		}
		last = m.page.Config.Generation
	}
}

func TestTimeIsLostAtTheHorizon(t *testing.T) {
	file := filepath.Join(t.TempDir(), "play.json")
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	m, err := remember(file, hospital.Config{Seed: 1, Rate: 1, Speed: 10}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.reach(7 * time.Second); err != nil {
		t.Fatal(err)
	}
	again, err := remember(file, hospital.Config{Seed: 1, Rate: 1, Speed: 10}, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if got := again.page.Spans[1].From; got <= 7*time.Second {
		t.Fatalf("a message due at 7 s may have been sent, and its time changes from %s on", got)
	}
}

func TestASpeedThatCannotBeTold(t *testing.T) {
	o := options("127.0.0.1:1", "")
	o.Config.Speed = 0
	if _, err := Play(t.Context(), o); err == nil || errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want one about the speed", err)
	}
}
