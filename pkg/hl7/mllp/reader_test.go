package mllp_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// outcome is one result of ReadFrame in words.
func outcome(body []byte, err error) string {
	var fe *mllp.FrameError
	switch {
	case errors.As(err, &fe):
		return "error: " + fe.Kind.String() + ", head " + string(fe.Head)
	case err != nil:
		return "error: " + err.Error()
	}
	return string(body)
}

// readAll reads until the stream is done or out of step.
func readAll(r *mllp.Reader) (got []string) {
	for {
		body, err := r.ReadFrame()
		got = append(got, outcome(body, err))
		var fe *mllp.FrameError
		if err != nil && !(errors.As(err, &fe) && fe.InStep()) {
			return got
		}
	}
}

func TestFramesAsSendersSendThem(t *testing.T) {
	long := strings.Repeat("x", 100)
	small := mllp.Options{MaxFrame: 50, MaxSkip: 10, HeadSize: 8}
	for _, c := range []struct {
		what, in string
		want     []string
	}{
		{"as the standard says", "\x0bone\x1c\r\x0btwo\x1c\r", []string{"one", "two", "error: EOF"}},
		{"FS without CR", "\x0bone\x1c\x0btwo\x1c", []string{"one", "two", "error: EOF"}},
		{"FS LF and FS CR LF", "\x0bone\x1c\n\x0btwo\x1c\r\n", []string{"one", "two", "error: EOF"}},
		{"heartbeats without end", strings.Repeat("\r\n\x00", 1000) + "\x0bone\x1c\r", []string{"one", "error: EOF"}},
		{"a little noise", "PING 12345\x0bone\x1c\r", []string{"one", "error: EOF"}},
		{"too much noise", "GET / HTTP/1.1\r\n\x0bone\x1c\r", []string{"error: bytes that are no MLLP frame, head GET / HT"}},
		{"noise is counted for each frame", "12345678\x0bone\x1c\r12345678\x0btwo\x1c\r", []string{"one", "two", "error: EOF"}},
		{"connect and close", "", []string{"error: EOF"}},
		{"closed after noise", "abc", []string{"error: EOF"}},
		{"closed inside a frame", "\x0bone\x1c\r\x0btw", []string{"one", "error: the connection ended inside a frame, head tw"}},
		{"closed right after VT", "\x0b", []string{"error: the connection ended inside a frame, head "}},
		{"truncated by the next", "\x0bone\x0btwo\x1c\r", []string{"error: a new frame began before this one ended, head one", "two", "error: EOF"}},
		{"VT twice", "\x0b\x0bone\x1c\r", []string{"one", "error: EOF"}},
		{"empty", "\x0b\x1c\r\x0bone\x1c\r", []string{"", "one", "error: EOF"}},
		{"as long as allowed", "\x0b" + long[:50] + "\x1c\r", []string{long[:50], "error: EOF"}},
		{"one byte longer", "\x0bMSH|" + long[:47] + "\x1c\r\x0btwo\x1c\r", []string{"error: frame is longer than the limit, head MSH|xxxx", "two", "error: EOF"}},
		{"too long and truncated", "\x0b" + long + "\x0btwo\x1c\r", []string{"error: a new frame began before this one ended, head xxxxxxxx", "two", "error: EOF"}},
		{"too long to wait for", "\x0b" + strings.Repeat(long, 9), []string{"error: frame is many times longer than the limit, head xxxxxxxx"}},
		{"too long and cut", "\x0b" + long, []string{"error: the connection ended inside a frame, head xxxxxxxx"}},
	} {
		if diff := cmp.Diff(c.want, readAll(mllp.NewReader(strings.NewReader(c.in), small))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
		// The same, a byte at a time and with a buffer smaller than a frame.
		small := small
		small.Buffer = 16
		if diff := cmp.Diff(c.want, readAll(mllp.NewReader(iotest.OneByteReader(strings.NewReader(c.in)), small))); diff != "" {
			t.Errorf("%s, byte by byte (-want +got):\n%s", c.what, diff)
		}
	}
}

func TestTheSizeOfWhatWasTooLong(t *testing.T) {
	_, err := mllp.NewReader(strings.NewReader("\x0b"+strings.Repeat("x", 3<<20)+"\x1c\r"), mllp.Options{}).ReadFrame()
	var fe *mllp.FrameError
	if !errors.As(err, &fe) || fe.Kind != mllp.Oversize || fe.Size != 3<<20 || len(fe.Head) != 4<<10 {
		t.Errorf("%v", err)
	}
}

func TestAStreamsOwnErrorIsKept(t *testing.T) {
	broken := errors.New("cable pulled")
	for what, in := range map[string]string{"between frames": "", "inside one": "\x0bab"} {
		_, err := mllp.NewReader(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)), mllp.Options{}).ReadFrame()
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := mllp.NewReader(strings.NewReader("\x0bab"), mllp.Options{}).ReadFrame()
	if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		t.Errorf("cut frame: %v", err)
	}
}

func TestFramesSurviveAnyDivisionIntoReads(t *testing.T) {
	body := rapid.SliceOfN(rapid.ByteRange(0x20, 0xFF), 0, 300)
	rapid.Check(t, func(rt *rapid.T) {
		bodies := rapid.SliceOfN(body, 0, 8).Draw(rt, "bodies")
		var stream []byte
		for _, b := range bodies {
			stream = append(stream, rapid.SampledFrom([]string{"", "\r\n", "\x00", "noise"}).Draw(rt, "before")...)
			stream = append(append(stream, mllp.VT), b...)
			stream = append(stream, rapid.SampledFrom([]string{"\x1c\r", "\x1c", "\x1c\n", "\x1c\r\n"}).Draw(rt, "after")...)
		}
		pieces := make([]io.Reader, 0)
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(rt, "piece")
			pieces = append(pieces, bytes.NewReader(stream[:n]))
			stream = stream[n:]
		}
		r := mllp.NewReader(io.MultiReader(pieces...), mllp.Options{Buffer: 64})
		var got [][]byte
		for {
			b, err := r.ReadFrame()
			if err == io.EOF {
				break
			}
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, b)
		}
		// Only now: a frame given out must not be overwritten by later ones.
		if len(got) != len(bodies) {
			rt.Fatalf("%d frames of %d", len(got), len(bodies))
		}
		for i := range got {
			if !bytes.Equal(got[i], bodies[i]) {
				rt.Fatalf("frame %d is %q, was %q", i, got[i], bodies[i])
			}
		}
	})
}

func TestPatienceIsForTheInsideOfAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		r := mllp.NewReader(ours, mllp.Options{})
		results := make(chan string)
		go func() {
			for _, s := range readAll(r) {
				results <- s
			}
			close(results)
		}()
		start := time.Now()
		step := func(wait time.Duration, text string) {
			<-time.After(wait)
			if _, err := theirs.Write([]byte(text)); err != nil {
				t.Error(err)
			}
		}
		step(5*time.Hour, "\x0bone\x1c\r") // silence between frames is allowed
		step(5*time.Hour, "\x0btw")
		step(29*time.Second, "o\x1c\r")
		step(time.Minute, "\x0bdribble")
		for range 6 { // a byte now and then buys no time
			step(4*time.Second, "x")
		}
		stalled := time.Now()
		var got []string
		for s := range results {
			got = append(got, s)
		}
		want := []string{"one", "two", "error: the frame did not end in time, head dribblexxxxxx"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if waited := time.Since(stalled); waited < 5*time.Second || waited > 7*time.Second {
			t.Errorf("gave up %s after the last byte, %s after the start", waited, time.Since(start))
		}
	})
}

func TestALongFrameOnASlowLineGetsMoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() {
			piece := append([]byte{mllp.VT}, bytes.Repeat([]byte("x"), 32<<10)...)
			for range 60 { // 32 KiB/s for a minute, in pieces
				<-time.After(time.Second)
				if _, err := theirs.Write(piece); err != nil {
					t.Error(err)
					return
				}
				piece[0] = 'x'
			}
			if _, err := theirs.Write([]byte{mllp.FS}); err != nil {
				t.Error(err)
			}
		}()
		body, err := mllp.NewReader(ours, mllp.Options{}).ReadFrame()
		if err != nil || len(body) < 60*32<<10 {
			t.Errorf("%d bytes, %v", len(body), err)
		}
	})
}

func TestDeadlinesAreOnlySetWhenWaiting(t *testing.T) {
	calls := 0
	count := func(time.Time) error { calls++; return nil }
	r := mllp.NewReader(strings.NewReader("\x0bone\x1c\r\x0btwo\x1c\r"), mllp.Options{SetReadDeadline: count})
	readAll(r)
	if calls != 0 {
		t.Errorf("%d calls for frames that had arrived", calls)
	}
}

func TestBufferedTellsOfMoreToCome(t *testing.T) {
	r := mllp.NewReader(strings.NewReader("\x0bone\x1c\r\x0btwo\x1c"), mllp.Options{})
	for _, want := range []bool{true, false} {
		if _, err := r.ReadFrame(); err != nil {
			t.Fatal(err)
		}
		if got := r.Buffered() > 0; got != want {
			t.Errorf("more buffered: %v", got)
		}
	}
}

// FuzzReader: however a stream is divided into reads, it gives the same frames and errors, none with a framing byte in
// it and none longer than the limit.
func FuzzReader(f *testing.F) {
	f.Add([]byte("\x0bMSH|^~\\&|a\x1c\r"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o := mllp.Options{MaxFrame: 64, MaxSkip: 16, HeadSize: 8}
		whole := readAll(mllp.NewReader(bytes.NewReader(data), o))
		o.Buffer = 16
		pieces := readAll(mllp.NewReader(iotest.HalfReader(bytes.NewReader(data)), o))
		bytewise := readAll(mllp.NewReader(iotest.OneByteReader(bytes.NewReader(data)), o))
		if diff := cmp.Diff(pieces, bytewise); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(whole, bytewise); diff != "" {
			t.Fatal(diff)
		}
		for _, s := range whole {
			if !strings.HasPrefix(s, "error: ") && (len(s) > 64 || strings.ContainsAny(s, "\x0b\x1c")) {
				t.Fatalf("frame %q", s)
			}
		}
	})
}

func BenchmarkReadFrame(b *testing.B) {
	frame, err := mllp.AppendFrame(nil, bytes.Repeat([]byte("x"), 1500))
	if err != nil {
		b.Fatal(err)
	}
	r := mllp.NewReader(&endless{frame: frame}, mllp.Options{})
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		if _, err := r.ReadFrame(); err != nil {
			b.Fatal(err)
		}
	}
}

// endless is a stream of one frame again and again, in reads of any size.
type endless struct {
	frame []byte
	at    int
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		m := copy(p[n:], e.frame[e.at:])
		n, e.at = n+m, (e.at+m)%len(e.frame)
	}
	return n, nil
}
