package mllp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
)

// ClientOptions of a Client. Zero values mean the defaults.
type ClientOptions struct {
	TLS      *tls.Config   // nil: plain
	Dial     time.Duration // patience for connecting, TLS included; default 10 s
	Reply    time.Duration // patience for a reply; default 30 s
	Attempts int           // how often a message is sent before Send gives up; default 3
	Backoff  time.Duration // wait before the second attempt, doubled for each further one; default 200 ms
}

// Reply is the answer to one message.
type Reply struct {
	Code      hl7.Code // MSA-1
	ControlID string   // MSA-2
	Text      string   // MSA-3, else ERR-8 or the text of ERR-3 or ERR-1
	Raw       []byte
	Attempts  int // how often the message was sent
	Stale     int // replies to other messages that were discarded
}

// Client sends messages over one connection, one in flight at a time. It connects when it first needs to, and again
// after a failure. It is safe for concurrent use: concurrent Sends take turns.
type Client struct {
	addr   string
	opts   ClientOptions
	mu     sync.Mutex
	conn   net.Conn
	frames *Reader
}

// NewClient will send to addr ("host:port"). It does not connect yet.
func NewClient(addr string, o ClientOptions) *Client {
	o.Attempts = orDefault(o.Attempts, 3)
	o.Dial = orDuration(o.Dial, 10*time.Second)
	o.Reply = orDuration(o.Reply, 30*time.Second)
	o.Backoff = orDuration(o.Backoff, 200*time.Millisecond)
	return &Client{addr: addr, opts: o}
}

func orDuration(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// Connect connects now, so that an unreachable address is known before the first message.
func (c *Client) Connect(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connect(ctx)
}

// Close closes the connection. A later Send connects again.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drop()
}

// Send sends one message and waits for its reply, the one whose MSA-2 is its MSH-10; replies to anything else are
// discarded. When none comes, the connection is closed before the same bytes are sent again on a new one: on the old
// one a late reply could be taken for the next message's. A negative reply is not an error here; see Reply.Code.
// Errors: the last attempt's, ErrBody, or ctx's.
func (c *Client) Send(ctx context.Context, msg []byte) (Reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	frame, err := AppendFrame(make([]byte, 0, len(msg)+3), msg)
	if err != nil {
		return Reply{}, err
	}
	header, _ := hl7.PeekHeader(msg)
	wait := c.opts.Backoff
	for attempt := 1; ; attempt++ {
		reply, err := c.try(ctx, frame, header.ControlID)
		reply.Attempts = attempt
		if err == nil {
			return reply, nil
		}
		_ = c.drop() // its error would hide the cause
		if ctx.Err() != nil {
			return reply, ctx.Err()
		}
		if attempt == c.opts.Attempts {
			return reply, fmt.Errorf("mllp: no reply after %d attempts: %w", attempt, err)
		}
		if err := pause(ctx, wait); err != nil {
			return reply, err
		}
		wait *= 2
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (c *Client) connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Dial)
	defer cancel()
	dialer := net.Dialer{KeepAlive: 15 * time.Second}
	var err error
	if c.opts.TLS != nil {
		c.conn, err = (&tls.Dialer{NetDialer: &dialer, Config: c.opts.TLS}).DialContext(ctx, "tcp", c.addr)
	} else {
		c.conn, err = dialer.DialContext(ctx, "tcp", c.addr)
	}
	if err != nil {
		c.conn = nil
		return err
	}
	// The whole wait for a reply has one deadline, set in try; the reader must not move it.
	c.frames = NewReader(c.conn, Options{Buffer: 4 << 10, SetReadDeadline: func(time.Time) error { return nil }})
	return nil
}

func (c *Client) drop() error {
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn, c.frames = nil, nil
	return err
}

func (c *Client) try(ctx context.Context, frame, id []byte) (Reply, error) {
	if err := c.connect(ctx); err != nil {
		return Reply{}, err
	}
	deadline := time.Now().Add(c.opts.Reply)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	conn := c.conn
	if err := conn.SetDeadline(deadline); err != nil {
		return Reply{}, err
	}
	// A cancelled context ends a read that has begun.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() {
			_ = c.drop() // its deadline may yet be moved
		}
	}()
	if _, err := conn.Write(frame); err != nil {
		return Reply{}, err
	}
	stale := 0
	for {
		raw, err := c.frames.ReadFrame()
		if inStep := (*FrameError)(nil); errors.As(err, &inStep) && inStep.InStep() {
			stale++
			continue
		}
		if err != nil {
			return Reply{Stale: stale}, err
		}
		if reply, ok := match(raw, id); ok {
			reply.Stale = stale
			return reply, nil
		}
		stale++
	}
}

// match reads a reply and says whether it is to the message with that control id. A refusal without any MSA-2 is ours
// too: the receiver could not read so far.
func match(raw, id []byte) (Reply, bool) {
	m, err := hl7.Parse(raw)
	if err != nil {
		return Reply{}, false
	}
	msa := m.Segment("MSA")
	r := Reply{Code: hl7.Code(msa.Value(1)), ControlID: msa.Value(2), Raw: raw}
	if r.Code == "" {
		return r, false
	}
	r.Text = replyText(m)
	got := msa.Field(2).Raw()
	return r, bytes.Equal(got, id) || len(got) == 0 && !r.Code.Positive()
}

func replyText(m *hl7.Message) string {
	e := m.Segment("ERR")
	for _, f := range []hl7.Field{
		m.Segment("MSA").Field(3), e.Field(8), e.Field(3).Component(2), e.Field(1).Component(4).Sub(2),
	} {
		if s := f.String(); s != "" {
			return s
		}
	}
	return ""
}
