package channel

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Listener is who a stream is for, decided anew at every heartbeat.
type Listener struct {
	Org     events.ID
	Inboxes []string // person id and "role:x" entries; nil: everything in the organization
}

func (l Listener) hears(f *Frame) bool {
	if f.Org != l.Org {
		return false
	}
	if l.Inboxes == nil {
		return true
	}
	for _, a := range f.Audience {
		if slices.Contains(l.Inboxes, a) {
			return true
		}
	}
	return false
}

const (
	heartbeat    = 10 * time.Second
	writeTimeout = 10 * time.Second
	maxStreams   = 5000 // of one process: a flood of consoles may not take it down
)

// Serve writes the stream to w until the client goes, closing is done or who no longer vouches for
// the listener. It begins after Last-Event-ID, or with what happens from now on.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, closing context.Context, who func() (Listener, bool)) {
	last := int64(-1)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil && n >= 0 {
			last = n
		}
	}
	me, ok := who()
	if !ok {
		http.Error(w, "sign in again", http.StatusUnauthorized)
		return
	}
	if h.Open() >= maxStreams {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many streams are open here", http.StatusServiceUnavailable)
		return
	}
	reader, err := h.Join(r.Context(), last)
	if err != nil {
		http.Error(w, "the stream is not there just now", http.StatusServiceUnavailable)
		return
	}
	defer reader.Close()
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no")
	s := &stream{out: w, control: http.NewResponseController(w), reader: reader, me: me}
	if s.write([]byte("retry: 1000\n: hello\n\n")) != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		wake, err := s.drain(r.Context())
		if err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-closing.Done():
			return
		case <-wake:
		case <-beat.C:
			if s.me, ok = who(); !ok || s.write([]byte(": still here\n\n")) != nil {
				return
			}
		}
	}
}

type stream struct {
	out     http.ResponseWriter
	control *http.ResponseController
	reader  *Reader
	me      Listener
	buf     []byte
}

// drain writes what there is, and returns what to wait for.
func (s *stream) drain(ctx context.Context) (<-chan struct{}, error) {
	for {
		frames, wake, err := s.reader.Next(ctx)
		if err != nil || wake != nil {
			return wake, err
		}
		s.buf = s.buf[:0]
		for i := range frames {
			if s.me.hears(&frames[i]) {
				s.buf = append(s.buf, frames[i].Bytes...)
			}
		}
		if len(s.buf) > 0 {
			if err := s.write(s.buf); err != nil {
				return nil, err
			}
		}
	}
}

// write sends at once, and gives up on a client that does not read for a while.
func (s *stream) write(b []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every writer has one
	if _, err := s.out.Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}
