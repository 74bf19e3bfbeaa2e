package mllp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

func message(id string) []byte {
	return hl7.NewBuilder(hl7.MSH{SendingFacility: "SIM", Type: "ADT", Trigger: "A01", ControlID: id}).Segment("PID").Set(1, hl7.Text("1")).Bytes()
}

func ackTo(t *testing.T, msg []byte, code hl7.Code) []byte {
	h, ok := hl7.PeekHeader(msg)
	if !ok {
		t.Error("no header in what was sent")
	}
	return hl7.Ack(h, hl7.Reply{Code: code, ID: "R", Time: time.Unix(0, 0), Faults: faultsOf(code)})
}

func faultsOf(code hl7.Code) []hl7.Fault {
	if code.Positive() {
		return nil
	}
	return []hl7.Fault{{At: hl7.Path{Segment: "MSH", Field: 9}, Code: 200, Text: "not for us"}}
}

// server accepts connections and hands each, with its number from 1, to serve.
func server(t *testing.T, config *tls.Config, serve func(n int, conn net.Conn, frames *mllp.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(n, conn, mllp.NewReader(conn, mllp.Options{}))
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// answerAll answers every frame until the client leaves.
func answerAll(t *testing.T, conn net.Conn, frames *mllp.Reader, code hl7.Code) {
	for {
		msg, err := frames.ReadFrame()
		if err != nil {
			return
		}
		write(t, conn, ackTo(t, msg, code))
	}
}

func write(t *testing.T, conn net.Conn, body []byte) {
	if err := mllp.WriteFrame(conn, body); err != nil {
		t.Error(err)
	}
}

func client(t *testing.T, addr string, o mllp.ClientOptions) *mllp.Client {
	c := mllp.NewClient(addr, o)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestAClientGetsItsReplies(t *testing.T) {
	for _, code := range []hl7.Code{hl7.AA, hl7.AE, hl7.AR} {
		addr := server(t, nil, func(_ int, conn net.Conn, frames *mllp.Reader) { answerAll(t, conn, frames, code) })
		c := client(t, addr, mllp.ClientOptions{})
		for _, id := range []string{"1", "2", ""} {
			r, err := c.Send(t.Context(), message(id))
			if err != nil || r.Code != code || r.ControlID != id || r.Attempts != 1 || r.Stale != 0 {
				t.Errorf("%s to %q: %+v, %v", code, id, r, err)
			}
			if !code.Positive() && r.Text != "not for us" {
				t.Errorf("text is %q", r.Text)
			}
		}
	}
}

func TestRepliesToOtherMessagesAreDiscarded(t *testing.T) {
	addr := server(t, nil, func(_ int, conn net.Conn, frames *mllp.Reader) {
		msg, err := frames.ReadFrame()
		if err != nil {
			t.Error(err)
		}
		write(t, conn, ackTo(t, message("earlier"), hl7.AA))
		write(t, conn, []byte("no reply at all"))
		write(t, conn, msg) // a message, not a reply
		write(t, conn, ackTo(t, message(""), hl7.AA))
		write(t, conn, ackTo(t, msg, hl7.AA))
		answerAll(t, conn, frames, hl7.AA)
	})
	c := client(t, addr, mllp.ClientOptions{})
	r, err := c.Send(t.Context(), message("mine"))
	if err != nil || r.Code != hl7.AA || r.ControlID != "mine" || r.Stale != 4 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestARefusalWithoutControlIDIsOurs(t *testing.T) {
	addr := server(t, nil, func(_ int, conn net.Conn, frames *mllp.Reader) {
		if _, err := frames.ReadFrame(); err != nil {
			t.Error(err)
		}
		write(t, conn, hl7.Ack(hl7.Header{}, hl7.Reply{Code: hl7.AE, ID: "R"}))
	})
	r, err := client(t, addr, mllp.ClientOptions{}).Send(t.Context(), message("mine"))
	if err != nil || r.Code != hl7.AE || r.ControlID != "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestWithoutReplyTheSameBytesGoOverANewConnection(t *testing.T) {
	var first, second []byte
	closed := make(chan error, 1)
	addr := server(t, nil, func(n int, conn net.Conn, frames *mllp.Reader) {
		msg, err := frames.ReadFrame()
		if err != nil {
			t.Error(err)
		}
		if n == 1 {
			first = msg
			_, err = frames.ReadFrame() // nothing else may come here: it is closed
			closed <- err
			return
		}
		second = msg
		write(t, conn, ackTo(t, msg, hl7.AA))
	})
	c := client(t, addr, mllp.ClientOptions{Reply: 100 * time.Millisecond, Backoff: time.Millisecond})
	r, err := c.Send(t.Context(), message("mine"))
	if err != nil || r.Attempts != 2 || r.ControlID != "mine" {
		t.Errorf("%+v, %v", r, err)
	}
	if err := <-closed; err == nil {
		t.Error("it was sent again on the old connection")
	}
	if !bytes.Equal(first, second) {
		t.Errorf("sent %q and then %q", first, second)
	}
}

func TestAClientGivesUpAndSaysWhy(t *testing.T) {
	hangUp := server(t, nil, func(int, net.Conn, *mllp.Reader) {})
	r, err := client(t, hangUp, mllp.ClientOptions{Attempts: 2, Backoff: time.Millisecond}).Send(t.Context(), message("1"))
	if err == nil || r.Attempts != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	c := client(t, nobody, mllp.ClientOptions{Attempts: 1})
	var dial *net.OpError
	if _, err := c.Send(t.Context(), message("1")); !errors.As(err, &dial) {
		t.Errorf("nobody listens: %v", err)
	}
	if err := c.Connect(t.Context()); !errors.As(err, &dial) {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := c.Send(t.Context(), []byte("MSH\x0b")); !errors.Is(err, mllp.ErrBody) {
		t.Errorf("framing byte: %v", err)
	}
}

func TestACancelledContextEndsTheWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := server(t, nil, func(_ int, _ net.Conn, frames *mllp.Reader) {
		if _, err := frames.ReadFrame(); err == nil {
			cancel()
			_, _ = frames.ReadFrame() // until the client leaves
		}
	})
	if _, err := client(t, addr, mllp.ClientOptions{}).Send(ctx, message("1")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestAClientOverTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	addr := server(t, &tls.Config{Certificates: certified.TLS.Certificates}, func(_ int, conn net.Conn, frames *mllp.Reader) {
		answerAll(t, conn, frames, hl7.AA)
	})
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	c := client(t, addr, mllp.ClientOptions{TLS: &tls.Config{RootCAs: roots, ServerName: "example.com"}})
	if r, err := c.Send(t.Context(), message("1")); err != nil || r.Code != hl7.AA {
		t.Errorf("%+v, %v", r, err)
	}
	if err := c.Close(); err != nil { // the server takes one connection at a time
		t.Error(err)
	}
	stranger := client(t, addr, mllp.ClientOptions{Attempts: 1, TLS: &tls.Config{ServerName: "example.com", RootCAs: x509.NewCertPool()}})
	var unknown x509.UnknownAuthorityError
	if _, err := stranger.Send(t.Context(), message("1")); !errors.As(err, &unknown) {
		t.Errorf("an unknown certificate is accepted: %v", err)
	}
}

func TestWriteFrameIsOneWrite(t *testing.T) {
	var w writes
	for _, body := range []string{"one", "two"} {
		if err := mllp.WriteFrame(&w, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(writes{"\x0bone\x1c\r", "\x0btwo\x1c\r"}, w); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"a\x0b", "a\x1c"} {
		if err := mllp.WriteFrame(&w, []byte(bad)); !errors.Is(err, mllp.ErrBody) || len(w) != 2 {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func BenchmarkSend(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		frames := mllp.NewReader(conn, mllp.Options{})
		for {
			msg, err := frames.ReadFrame()
			if err != nil {
				return
			}
			h, _ := hl7.PeekHeader(msg)
			if mllp.WriteFrame(conn, hl7.Ack(h, hl7.Reply{Code: hl7.AA, ID: "R"})) != nil {
				return
			}
		}
	}()
	c := mllp.NewClient(l.Addr().String(), mllp.ClientOptions{})
	defer c.Close()
	msg := message("1")
	b.ReportAllocs()
	for b.Loop() {
		if r, err := c.Send(b.Context(), msg); err != nil || !r.Code.Positive() {
			b.Fatal(err)
		}
	}
}
