package ledger

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// patience for a reply. The listener closes a connection on which it cannot answer after 10 s.
const patience = 12 * time.Second

// Line is one connection to whichever listener answers. Not safe for concurrent use.
type Line struct {
	addrs []string
	at    int
	conn  net.Conn
	in    *mllp.Reader
}

// NewLine will connect to one of addrs; where it starts is by n.
func NewLine(addrs []string, n int) *Line { return &Line{addrs: addrs, at: n} }

// Close hangs up.
func (l *Line) Close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn, l.in = nil, nil
	}
}

func (l *Line) dial(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	d := net.Dialer{Timeout: 2 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", l.addrs[l.at%len(l.addrs)])
	if err != nil {
		l.at++ // the next one may be there
		return err
	}
	l.conn, l.in = conn, mllp.NewReader(conn, mllp.Options{SetReadDeadline: func(time.Time) error { return nil }})
	return nil
}

var errLost = errors.New("hung up without reading the reply")

// once sends an entry one time and reads the reply, unless lose says to hang up first. Only an error
// before anything was written leaves the entry without a send.
func (l *Line) once(ctx context.Context, e *Entry, lose bool) (code string, err error) {
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	if err := l.dial(ctx); err != nil {
		return "", err
	}
	frame, err := mllp.AppendFrame(nil, e.Body)
	if err != nil {
		return "", err
	}
	if err := l.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	e.sent()
	if _, err := l.conn.Write(frame); err != nil {
		return "", err
	}
	if lose {
		return "", errLost
	}
	raw, err := l.in.ReadFrame()
	if err != nil {
		return "", err
	}
	m, err := hl7.Parse(raw)
	if err != nil {
		return "", err
	}
	if of := m.Get("MSA-2").String(); of != e.ControlID {
		return "", fmt.Errorf("a reply to %q, not to %q", of, e.ControlID)
	}
	return m.Get("MSA-1").String(), nil
}

// Send sends an entry until it is answered, and writes down what was. It returns an error only when
// ctx ended first.
func (l *Line) Send(ctx context.Context, e *Entry, loseFirst bool) error {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		sends := e.Answer().Sends
		code, err := l.once(ctx, e, loseFirst)
		loseFirst = false
		if err == nil {
			e.Take(code)
			return nil
		}
		if e.Answer().Sends > sends {
			e.doubt()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("message %s has no reply: %w (%w)", e.ControlID, ctx.Err(), err)
		case <-time.After(wait):
		}
	}
}
