package adt

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

// Limits of a connection. A reply that cannot be given in KeepWithin closes it: the sender's own
// timeout has gone by, and it will send again.
const (
	KeepWithin   = 10 * time.Second
	writeWithin  = 5 * time.Second
	shakeWithin  = 5 * time.Second
	inFlight     = 64 // frames read and not yet answered, per connection
	bigFrame     = 64 << 10
	bigInFlight  = 4 // of these may be longer than bigFrame
	connsPerFeed = 16
)

// Keeper stores messages. Submit may block: that is the back-pressure. The message's Done channel
// tells when it is stored; an abandoned one need not be.
type Keeper interface {
	Submit(ctx context.Context, in *Inbound) error
}

// Listener takes HL7 v2 over MLLP.
type Listener struct {
	Keeper    Keeper
	Directory Directory
	// Feed finds the feed of a connection: by its TLS state, or nil for a plain one. A nil feed is refused.
	Feed      func(state *tls.ConnectionState) *Feed
	TLS       *tls.Config   // nil: plain
	MaxFrame  int           // bytes
	Unlimited bool          // no limit of connections per feed
	Patience  time.Duration // how long a message may take to be kept; 0: KeepWithin
	Log       *slog.Logger
	Metrics   *Metrics
	Tracer    trace.Tracer
	IDs       *ReplyIDs

	mu   sync.Mutex
	open map[*conn]struct{}
}

// Serve accepts connections until ctx is done, then lets every connection answer what it has read.
func (l *Listener) Serve(ctx context.Context, ln net.Listener) error {
	l.open = map[*conn]struct{}{}
	if l.Patience == 0 {
		l.Patience = KeepWithin
	}
	var running sync.WaitGroup
	stop := context.AfterFunc(ctx, func() { _ = ln.Close(); l.stopReading() })
	defer stop()
	for {
		nc, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				l.stopReading()
				running.Wait()
				return nil
			}
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() || isTooManyFiles(err) {
				time.Sleep(50 * time.Millisecond)
				continue
			}
			return err
		}
		running.Go(func() { l.serve(ctx, nc) })
	}
}

func isTooManyFiles(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Temporary() //nolint:staticcheck // accept errors are the one place it means something
}

// conn is one connection of a feed.
type conn struct {
	net.Conn
	l       *Listener
	feed    *Feed
	reader  *mllp.Reader
	pending chan *Inbound // read and submitted, in order
	big     chan struct{}
	reply   []byte      // room for one, of whoever writes
	broken  atomic.Bool // no reply can be given any more: what is still in the buffer is not taken
}

func (l *Listener) serve(ctx context.Context, nc net.Conn) {
	defer nc.Close()
	feed, nc := l.identify(ctx, nc)
	if feed == nil {
		return
	}
	c := &conn{Conn: nc, l: l, feed: feed, pending: make(chan *Inbound, inFlight), big: make(chan struct{}, bigInFlight)}
	if !l.enter(c) {
		l.Log.WarnContext(ctx, "connection refused: the feed has as many as it may", "feed", feed.Name)
		return
	}
	defer l.leave(c)
	c.reader = mllp.NewReader(nc, mllp.Options{MaxFrame: l.MaxFrame, SetReadDeadline: func(t time.Time) error {
		if ctx.Err() != nil {
			t = time.Unix(1, 0) // stopping: no more patience inside a frame
		}
		return nc.SetReadDeadline(t)
	}})
	var writing sync.WaitGroup
	writing.Go(func() { c.write(context.WithoutCancel(ctx)) })
	c.read(ctx)
	close(c.pending)
	writing.Wait()
}

// identify finds out whose connection it is, after the handshake where there is one.
func (l *Listener) identify(ctx context.Context, nc net.Conn) (*Feed, net.Conn) {
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4})
	}
	if l.TLS == nil {
		feed := l.Feed(nil)
		if feed == nil {
			l.Log.WarnContext(ctx, "connection refused: no feed takes plain connections here")
		}
		return feed, nc
	}
	secure := tls.Server(nc, l.TLS)
	shake, cancel := context.WithTimeout(ctx, shakeWithin)
	defer cancel()
	if err := secure.HandshakeContext(shake); err != nil {
		l.Log.WarnContext(ctx, "TLS handshake failed", "error", err)
		return nil, nc
	}
	state := secure.ConnectionState()
	feed := l.Feed(&state)
	switch {
	case feed == nil:
		l.Log.WarnContext(ctx, "connection refused: the certificate belongs to no feed", "event", "security")
	case state.Version < tls.VersionTLS13 && !feed.Dialect.TLS12:
		l.Log.WarnContext(ctx, "connection refused: the feed requires TLS 1.3", "feed", feed.Name, "event", "security")
		feed = nil
	}
	return feed, secure
}

func (l *Listener) enter(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Counted by id: settings may have changed since the others came.
	n := 0
	for other := range l.open {
		if other.feed.ID == c.feed.ID {
			n++
		}
	}
	if n >= connsPerFeed && !l.Unlimited {
		return false
	}
	l.open[c] = struct{}{}
	l.Metrics.connections.WithLabelValues(c.feed.Name).Inc()
	return true
}

func (l *Listener) leave(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	l.Metrics.connections.WithLabelValues(c.feed.Name).Dec()
}

// stopReading makes every connection's next read fail, so that it answers what it has and closes.
func (l *Listener) stopReading() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
}

// read takes frames until the connection ends or is out of step.
func (c *conn) read(ctx context.Context) {
	for ctx.Err() == nil && !c.broken.Load() {
		raw, err := c.reader.ReadFrame()
		received := time.Now()
		var bad *mllp.FrameError
		switch {
		case err == nil:
		case errors.As(err, &bad) && bad.Kind == mllp.Oversize:
			if !c.submit(ctx, ReceiveOversize(c.feed, bad.Head, received)) {
				return
			}
			continue
		case errors.As(err, &bad):
			c.l.Metrics.badFrames.WithLabelValues(bad.Kind.String()).Inc()
			c.l.Log.WarnContext(ctx, "frame dropped", "feed", c.feed.Name, "kind", bad.Kind.String(), "bytes", bad.Size)
			if bad.InStep() {
				continue
			}
			return
		default:
			return
		}
		if !c.take(ctx, raw, received) {
			return
		}
	}
}

// take judges and submits one message.
func (c *conn) take(ctx context.Context, raw []byte, received time.Time) bool {
	spanCtx, span := c.l.Tracer.Start(ctx, "mllp frame", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(received))
	defer span.End()
	feed := c.l.Directory.Current(c.feed)
	if feed == nil {
		c.l.Log.WarnContext(ctx, "connection closed: the feed is switched off", "feed", c.feed.Name)
		return false
	}
	in, err := Receive(spanCtx, c.l.Directory, feed, raw, "", received)
	if err != nil {
		// A facility could not be made: the database does not answer, so neither do we.
		c.l.Log.ErrorContext(ctx, "message not taken", "feed", c.feed.Name, "error", err)
		return false
	}
	in.Span = span.SpanContext()
	if in.Reason == UnknownFacility {
		c.l.Log.WarnContext(ctx, "message for a facility that is not the feed's", "feed", c.feed.Name, "event", "security")
	}
	return c.submit(ctx, in)
}

// submit hands a message to the keeper and queues its reply. While the keeper is behind it blocks,
// and with it the reading of this connection.
func (c *conn) submit(ctx context.Context, in *Inbound) bool {
	limit, cancel := context.WithTimeout(ctx, c.l.Patience)
	defer cancel()
	if len(in.Raw) > bigFrame {
		select {
		case c.big <- struct{}{}:
		case <-limit.Done():
			return false
		}
	}
	if err := c.l.Keeper.Submit(limit, in); err != nil {
		return false
	}
	c.pending <- in
	return true
}

// write answers messages in the order they came. Replies that are ready together share a write.
func (c *conn) write(ctx context.Context) {
	defer c.Close() // also ends the reading
	patience := time.NewTimer(c.l.Patience)
	defer patience.Stop()
	var buf []byte
	broken := false
	for in := range c.pending {
		if !broken {
			patience.Reset(time.Until(in.Received.Add(c.l.Patience)))
			broken = !c.answer(ctx, in, patience.C, &buf) || len(c.pending) == 0 && !c.flush(&buf)
		}
		if broken {
			c.broken.Store(true)
			_ = c.Close() // what is still read is not answered: the sender sends it again
		}
		if len(in.Raw) > bigFrame {
			<-c.big
		}
	}
	if !broken {
		c.flush(&buf)
	}
}

// answer waits until a message is kept and appends its reply.
func (c *conn) answer(ctx context.Context, in *Inbound, patience <-chan time.Time, buf *[]byte) bool {
	select {
	case err := <-in.Done():
		if err != nil {
			return false
		}
	default:
		// What is ready goes out before waiting for more.
		if !c.flush(buf) {
			return false
		}
		select {
		case err := <-in.Done():
			if err != nil {
				return false
			}
		case <-patience:
			c.l.Log.ErrorContext(ctx, "connection closed: a message could not be kept in time", "feed", c.feed.Name)
			return false
		}
	}
	now := time.Now()
	c.reply = in.Reply(c.reply[:0], c.l.IDs.Next(), now)
	framed, err := mllp.AppendFrame(*buf, c.reply)
	if err != nil {
		return false
	}
	*buf = framed
	c.l.Metrics.Answered(in, now)
	return true
}

func (c *conn) flush(buf *[]byte) bool {
	if len(*buf) == 0 {
		return true
	}
	_ = c.SetWriteDeadline(time.Now().Add(writeWithin))
	_, err := c.Write(*buf)
	*buf = (*buf)[:0]
	return err == nil
}
