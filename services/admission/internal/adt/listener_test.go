package adt

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// shelf is a keeper in memory; while it is stuck it keeps nothing.
type shelf struct {
	stuck bool
	mu    sync.Mutex
	got   []string
}

func (s *shelf) Submit(_ context.Context, in *Inbound) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got = append(s.got, in.Control); !s.stuck {
		in.Finish(nil)
	}
	return nil
}

func (s *shelf) Current(f *Feed) *Feed { return f }
func (s *shelf) EnsureFacility(context.Context, *Feed, string) (*Facility, error) {
	return nil, errors.New("no facility is made here")
}

// listen serves one feed with one facility until the test ends.
func listen(t *testing.T, s *shelf, change func(*Listener)) string {
	t.Helper()
	org := events.Derive("org", "test")
	feed := &Feed{ID: events.Derive("feed"), Org: org, Name: "test", Enabled: true, Facilities: []*Facility{{ID: events.Derive("facility"), Org: org, Code: "GENERAL", Zone: "UTC", Location: time.UTC}}}
	l := &Listener{
		Keeper: s, Directory: s, Feed: func(*tls.ConnectionState) *Feed { return feed }, MaxFrame: 4096, Patience: 200 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: NewMetrics(prometheus.NewRegistry()), Tracer: otel.Tracer("test"), IDs: NewReplyIDs(time.Now()),
	}
	if change != nil {
		change(l)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

func dial(t *testing.T, address string) (net.Conn, *mllp.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c, mllp.NewReader(c, mllp.Options{})
}

const small = "MSH|^~\\&|S|GENERAL|R|F|20260302100000||ADT^A08|1|P|2.5\rPID|||7^^^H^MR\rPV1||I\r"

// What cannot be kept gets no reply, and the connection is closed.
func TestNothingIsAnsweredThatIsNotKept(t *testing.T) {
	c, r := dial(t, listen(t, &shelf{stuck: true}, nil))
	if err := mllp.WriteFrame(c, []byte(small)); err != nil {
		t.Fatal(err)
	}
	if reply, err := r.ReadFrame(); err == nil {
		t.Fatalf("answered %q", reply)
	} else if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		t.Fatal("the connection stays open")
	}
}

// A sender that reads nothing is not read for ever: what is in flight is bounded.
func TestReadingStopsWhileNothingIsKept(t *testing.T) {
	s := &shelf{stuck: true}
	c, _ := dial(t, listen(t, s, func(l *Listener) { l.Patience = time.Second }))
	var many []byte
	for range 10 * inFlight {
		many, _ = mllp.AppendFrame(many, []byte(small))
	}
	_, _ = c.Write(many)
	_, _ = io.Copy(io.Discard, c) // until it is closed
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.got); n < inFlight || n > inFlight+2 {
		t.Errorf("%d messages were read", n)
	}
}

func TestConnectionsPerFeed(t *testing.T) {
	address := listen(t, &shelf{}, nil)
	open := func() error {
		c, r := dial(t, address)
		if err := mllp.WriteFrame(c, []byte(small)); err != nil {
			return err
		}
		_, err := r.ReadFrame()
		return err
	}
	for i := range connsPerFeed {
		if err := open(); err != nil {
			t.Fatalf("connection %d: %v", i+1, err)
		}
	}
	if err := open(); err == nil {
		t.Error("one connection too many is answered")
	}
}

// A cut frame leaves nothing; a new frame inside a frame takes its place; a half-closed connection is still answered.
func TestFrames(t *testing.T) {
	s := &shelf{}
	address := listen(t, s, nil)
	c, _ := dial(t, address)
	_, _ = c.Write([]byte("\x0b" + small[:30]))
	_ = c.Close()
	c, r := dial(t, address)
	_, _ = c.Write([]byte("\r\n\x0b" + small[:30] + "\x0b" + small + "\x1c"))
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadFrame(); err != nil {
		t.Fatalf("no reply: %v", err)
	}
	if _, err := r.ReadFrame(); !errors.Is(err, io.EOF) {
		t.Errorf("after the reply: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.got) != 1 {
		t.Errorf("%d messages", len(s.got))
	}
}
