package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/a-h/templ"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

const (
	heartbeat  = 10 * time.Second
	writeLimit = 10 * time.Second
	calm       = 50 * time.Millisecond            // at least this long between two pushes to a browser
	stale      = time.Second                      // and at most this long, however slow everything is
	settled    = countsFor + 100*time.Millisecond // after the last change, what was counted before it is counted anew
)

// stream is one open server-sent event stream.
type stream struct {
	c       *Console
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	beat    *time.Ticker
	settle  *time.Timer
}

// follow opens a stream and calls push at once and after every change that is of the viewer's
// organization, with what was touched; push says what it sent of. Before each call the session and
// the role are looked at anew: a stream outlives neither.
func (c *Console) follow(w http.ResponseWriter, r *http.Request, perm web.Permission,
	push func(ctx context.Context, s *stream, touched map[events.ID]time.Time) error,
) error {
	leave, ok := c.open.enter(web.From(r.Context()).Subject)
	if !ok {
		w.Header().Set("Retry-After", "30")
		return fault.New(fault.TooMany, "Too many live pages are open. Close some of them.")
	}
	defer leave()
	sub := c.Hub.Subscribe(web.From(r.Context()).Org)
	defer sub.Close()
	s := &stream{c: c, w: w, r: r, control: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	_ = s.control.SetReadDeadline(time.Time{}) // the server's limits are for requests, not for streams
	s.beat, s.settle = time.NewTicker(heartbeat), time.NewTimer(settled)
	defer s.beat.Stop()
	defer s.settle.Stop()
	for {
		ctx, ok := c.still(r, perm)
		if !ok {
			_ = s.send("signed-out", []byte("signed out")) // the answer has begun: whoever is gone is not told
			return nil
		}
		began, touched := time.Now(), sub.Take()
		if err := push(ctx, s, touched); err != nil {
			if r.Context().Err() == nil {
				c.Log.WarnContext(ctx, "a live page broke off", "path", r.Pattern, "error", err)
			}
			return nil // the browser comes again
		}
		if len(touched) > 0 {
			s.settle.Reset(settled)
		}
		// Under a storm of changes a page takes at most a twentieth of a core. Where a push took long
		// because something else was slow, the next one still comes soon: what it would tell is due.
		if !pause(r.Context(), min(max(calm, 20*time.Since(began)), stale)) {
			return nil
		}
		if err := s.wait(r.Context(), sub.C); err != nil {
			return nil
		}
	}
}

// Streams hold a connection each: so many a person and so many together.
const (
	streamsEach = 20
	streamsAll  = 5000
)

// turnstile counts open streams.
type turnstile struct {
	mu  sync.Mutex
	all int
	by  map[string]int
}

func (t *turnstile) enter(who string) (leave func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all >= streamsAll || t.by[who] >= streamsEach {
		return nil, false
	}
	if t.by == nil {
		t.by = map[string]int{}
	}
	t.all++
	t.by[who]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.all--
		if t.by[who]--; t.by[who] == 0 {
			delete(t.by, who)
		}
	}, true
}

// wait blocks until something was touched or has settled, beating meanwhile.
func (s *stream) wait(ctx context.Context, touched <-chan struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.c.Closing.Done():
			return s.c.Closing.Err()
		case <-touched:
			return nil
		case <-s.settle.C:
			return nil
		case <-s.beat.C:
			if err := s.write([]byte(": still here\n\n")); err != nil {
				return err
			}
			if _, ok := s.c.Sessions.Still(s.r); !ok {
				return nil // push finds out, and says so
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// still is the request's context with whoever its session belongs to now.
func (c *Console) still(r *http.Request, perm web.Permission) (context.Context, bool) {
	p, ok := c.Sessions.Still(r)
	return web.WithPrincipal(r.Context(), p), ok && web.Allow(p, perm)
}

// part sends a rendered part of a page; htmx puts its partials where they belong.
func (s *stream) part(ctx context.Context, t templ.Component) error {
	var b bytes.Buffer
	if err := t.Render(ctx, &b); err != nil {
		return err
	}
	return s.send("", b.Bytes())
}

func (s *stream) send(event string, data []byte) error {
	var b bytes.Buffer
	if event != "" {
		fmt.Fprintf(&b, "event: %s\n", event)
	}
	for line := range bytes.Lines(data) {
		b.WriteString("data: ")
		b.Write(bytes.TrimRight(line, "\r\n"))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return s.write(b.Bytes())
}

func (s *stream) write(b []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}

// liveWorklist keeps a worklist up to date: the list once, then what changed in it.
func (c *Console) liveWorklist(w http.ResponseWriter, r *http.Request) error {
	v, known := viewOf(r), &memory{}
	var before []board.Shown
	var counts store.Counts
	first := true
	return c.follow(w, r, web.TasksRead, func(ctx context.Context, s *stream, touched map[events.ID]time.Time) error {
		l, err := c.list(ctx, v, store.Position{}, known)
		if err != nil {
			return err
		}
		p := c.page(r, "")
		after, byID := make([]board.Shown, len(l.Rows)), make(map[string]board.Row, len(l.Rows))
		for i, row := range l.Rows {
			after[i] = shown(row, p.Now)
			byID[after[i].ID] = row
		}
		var part templ.Component
		if first {
			part = page.WholeList(p, l)
		} else if edits := board.Diff(before, after); len(edits) > 0 || l.Counts != counts {
			part = page.ListEdits(p, l, edits, byID)
		}
		first, before, counts = false, after, l.Counts
		if part == nil {
			return nil
		}
		if err := s.part(ctx, part); err != nil {
			return err
		}
		c.observe(touched, byID)
		return nil
	})
}

// observe measures how long what was shown took from the reception of its frame.
func (c *Console) observe(touched map[events.ID]time.Time, rows map[string]board.Row) {
	now := time.Now()
	seen := map[events.ID]bool{}
	for _, row := range rows {
		if received, ok := touched[row.Encounter]; ok && !seen[row.Encounter] {
			seen[row.Encounter] = true
			took := now.Sub(received).Seconds()
			c.Screen.Observe(took)
			c.recent.add(took)
		}
	}
}

// latencies keeps the last thousand seconds-to-screen.
type latencies struct {
	mu   sync.Mutex
	ring [1000]float64
	at   [1000]time.Time
	n    int
}

func (l *latencies) add(v float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring[l.n%len(l.ring)], l.at[l.n%len(l.ring)] = v, time.Now().UTC()
	l.n++
}
