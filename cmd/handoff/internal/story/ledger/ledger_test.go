package ledger

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// listener answers each frame by turns: "" hangs up, "?" answers another message, else the code.
type listener struct {
	net.Listener
	mu    sync.Mutex
	turns []string
	ids   []string // of the frames that came whole
}

func listen(t *testing.T, turns ...string) *listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	out := &listener{Listener: l, turns: turns}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			out.serve(conn)
		}
	}()
	return out
}

func (l *listener) serve(conn net.Conn) {
	defer conn.Close()
	in := mllp.NewReader(conn, mllp.Options{})
	for {
		raw, err := in.ReadFrame()
		if err != nil {
			return
		}
		h, _ := hl7.PeekHeader(raw)
		l.mu.Lock()
		l.ids = append(l.ids, string(h.ControlID))
		turn := "AA"
		if len(l.turns) > 0 {
			turn, l.turns = l.turns[0], l.turns[1:]
		}
		l.mu.Unlock()
		if turn == "" {
			return
		}
		if turn == "?" {
			turn, h.ControlID = "AA", []byte("another")
		}
		frame, err := mllp.AppendFrame(nil, hl7.Ack(h, hl7.Reply{Code: hl7.Code(turn), ID: "r", Time: time.Now()}))
		if err != nil {
			return
		}
		if _, err := conn.Write(frame); err != nil {
			return
		}
	}
}

func (l *listener) came() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.ids...)
}

func entry() *Entry {
	c := (&Ledger{}).Open(stays.NewStay(stays.ByName("home"), "F", "T", 1, time.Now()), nil)
	return c.Entries[0]
}

func TestWhatIsWrittenDownIsWhatWasAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		turns   []string
		sends   int // calls of Send
		outcome Outcome
		code    string
		doubts  int
		odd     bool
	}{
		"accepted at once":                      {[]string{"AA"}, 1, Accepted, "AA", 0, false},
		"refused":                               {[]string{"AR"}, 1, Refused, "AR", 0, false},
		"hung up on, then accepted":             {[]string{"", "", "AA"}, 1, Accepted, "AA", 2, false},
		"another's reply is no reply":           {[]string{"?", "AA"}, 1, Accepted, "AA", 1, false},
		"sent again after it was accepted":      {[]string{"AA", "AA"}, 2, Accepted, "AA", 0, false},
		"accepted, and refused the next time":   {[]string{"AA", "AE"}, 2, Accepted, "AA", 0, true},
		"refused, and accepted the next time":   {[]string{"AE", "AA"}, 2, Refused, "AE", 0, true},
		"in enhanced mode accepted is accepted": {[]string{"CA"}, 1, Accepted, "CA", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, c.turns...)
			line := NewLine([]string{l.Addr().String()}, 0)
			defer line.Close()
			e := entry()
			for range c.sends {
				if err := line.Send(t.Context(), e, false); err != nil {
					t.Fatal(err)
				}
			}
			a := e.Answer()
			if a.Outcome != c.outcome || a.Code != c.code || a.Doubts != c.doubts || a.Sends != len(c.turns) || (a.Surprise != "") != c.odd {
				t.Fatalf("%+v, want %+v", a, c)
			}
		})
	}
}

func TestAReplyThatWasNotReadIsDoubtAndTheMessageIsSentAgain(t *testing.T) {
	l := listen(t)
	line := NewLine([]string{l.Addr().String()}, 0)
	defer line.Close()
	e := entry()
	if err := line.Send(t.Context(), e, true); err != nil {
		t.Fatal(err)
	}
	if a := e.Answer(); a.Outcome != Accepted || a.Sends != 2 || a.Doubts != 1 || len(l.came()) == 0 {
		t.Fatalf("%+v; the listener got %v", a, l.came())
	}
}

func TestWithoutAnAnswerAMessageStaysInDoubt(t *testing.T) {
	l := listen(t)
	gone := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	e := entry()
	if err := NewLine([]string{gone}, 0).Send(ctx, e, false); err == nil {
		t.Fatal("a message nobody took was sent")
	}
	if a := e.Answer(); a.Outcome != InDoubt || a.Sends != 0 {
		t.Fatalf("%+v", a)
	}
}

func TestALineGoesOnAtTheNextListener(t *testing.T) {
	gone := listen(t)
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	line := NewLine([]string{gone.Addr().String(), l.Addr().String()}, 0)
	defer line.Close()
	e := entry()
	if err := line.Send(t.Context(), e, false); err != nil || e.Answer().Outcome != Accepted {
		t.Fatalf("%v, %+v", err, e.Answer())
	}
}

func TestALoadFinishesTheStaysItBegan(t *testing.T) {
	l := listen(t)
	more := listen(t)
	book := &Ledger{}
	load := &Load{
		Addrs: []string{l.Addr().String(), more.Addr().String()}, Facility: "F", ID: "L", Shapes: stays.Shapes, Base: time.Now(),
		Connections: 2, Seed: 1, Lost: 20, Repeated: 20, Shuffled: 50,
	}
	var mu sync.Mutex
	left := 40
	err := load.Run(t.Context(), book, func() bool { mu.Lock(); defer mu.Unlock(); left--; return left >= 0 })
	if err != nil {
		t.Fatal(err)
	}
	if n := len(book.Cases()); n != 40 {
		t.Fatalf("%d stays, want 40", n)
	}
	shuffled := 0
	for _, c := range book.Cases() {
		if !c.Done() {
			t.Fatalf("stay %s was left unfinished", c.Visit)
		}
		if !c.InOrder {
			shuffled++
		}
	}
	f := book.Figures()
	if f.Accepted != f.Messages || f.Doubts == 0 || f.Sends <= f.Messages || shuffled == 0 {
		t.Fatalf("figures %+v, %d shuffled", f, shuffled)
	}
}
