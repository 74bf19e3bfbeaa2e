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
	"github.com/handoff-care/handoff/services/console/internal/live"
	"github.com/handoff-care/handoff/services/console/internal/page"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

const (
	heartbeat  = 10 * time.Second
	writeLimit = 10 * time.Second
	calm       = 100 * time.Millisecond           // at least this long between two pushes to a browser
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
	again   *time.Ticker
	due     bool // a look is due whatever was touched
}

// follow opens a stream and calls push at once and after every change that is of the viewer's
// organization, with what was touched; push says what it sent of. Before each call the session and
// the role are looked at anew: a stream outlives neither.
func (c *Console) follow(w http.ResponseWriter, r *http.Request, perm web.Permission,
	push func(ctx context.Context, s *stream, touched map[events.ID]live.News) error,
) error {
	// A view that asks other services takes at most a twentieth of a core under a storm of changes. Where a
	// push took long because something else was slow, the next one still comes soon: what it would tell is due.
	rest := func(took time.Duration) time.Duration { return min(max(calm, 20*took), stale) }
	return c.followWhat(w, r, perm, func(map[events.ID]live.News) bool { return true }, rest, push)
}

// followWhat is follow where only some of what is touched concerns the page, and with how long the browser is
// left alone after a push.
func (c *Console) followWhat(w http.ResponseWriter, r *http.Request, perm web.Permission,
	concerns func(map[events.ID]live.News) bool, rest func(took time.Duration) time.Duration,
	push func(ctx context.Context, s *stream, touched map[events.ID]live.News) error,
) error {
	leave, ok := c.open.enter(web.From(r.Context()).Subject)
	if !ok {
		w.Header().Set("Retry-After", "30")
		return refuse(fault.TooMany, "Too many live pages are open. Close some of them.")
	}
	defer leave()
	sub := c.Hub.Subscribe(web.From(r.Context()).Org)
	defer sub.Close()
	s := &stream{c: c, w: w, r: r, control: http.NewResponseController(w), due: true}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	_ = s.control.SetReadDeadline(time.Time{}) // the server's limits are for requests, not for streams
	s.beat, s.settle, s.again = time.NewTicker(heartbeat), time.NewTimer(settled), time.NewTicker(again)
	defer s.beat.Stop()
	defer s.again.Stop()
	defer s.settle.Stop()
	for {
		touched := sub.Take()
		if len(touched) > 0 {
			s.settle.Reset(settled)
		}
		if s.due || len(touched) == 0 || concerns(touched) { // woken without anything touched: something may have been missed
			ctx, ok := c.still(r, perm)
			if !ok {
				_ = s.send("signed-out", []byte("signed out")) // the answer has begun: whoever is gone is not told
				return nil
			}
			began := time.Now()
			if err := push(ctx, s, touched); err != nil {
				if r.Context().Err() == nil {
					c.Log.WarnContext(ctx, "a live page broke off", "path", r.Pattern, "error", err)
				}
				return nil // the browser comes again
			}
			if !pause(r.Context(), rest(time.Since(began))) {
				return nil
			}
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

// wait blocks until something was touched, or a look is due in any case, beating meanwhile.
func (s *stream) wait(ctx context.Context, touched <-chan struct{}) error {
	s.due = false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.c.Closing.Done():
			return s.c.Closing.Err()
		case <-touched:
			return nil
		case <-s.settle.C:
			s.due = true
			return nil
		case <-s.again.C:
			s.due = true
			return nil
		case <-s.beat.C:
			if err := s.write([]byte(": still here\n\n")); err != nil {
				return err
			}
			if _, ok := s.c.Sessions.Still(s.r); !ok {
				s.due = true // whoever looks finds out, and says so
				return nil
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

// again is how often a page looks anew although nothing was touched: time passes, and a touch may be missed.
const again = time.Minute

// window is what a browser shows of a worklist.
type window struct {
	view   page.View
	pages  int
	known  memory
	shown  []board.Shown
	counts store.Counts
	stays  map[events.ID]bool
	last   time.Time // the due time of the last row; the zero time where the page is not full
	at     time.Time // when the list was loaded
	told   time.Time // when the counts were looked at
}

// concerns reports whether what was touched may change the page: a stay that is on it, or one with
// something due before its end. At a hundred thousand tasks that is a small part of what happens.
func (win *window) concerns(touched map[events.ID]live.News) bool {
	if win.last.IsZero() || time.Since(win.at) > again {
		return true
	}
	for id, n := range touched {
		if win.stays[id] || (!n.Due.IsZero() && !n.Due.After(win.last)) {
			return true
		}
	}
	return false
}

// take notes a list as what is shown now, and returns the edits that make it of what was shown before.
func (win *window) take(l page.List, now time.Time) ([]board.Edit, map[string]board.Item) {
	after, byID := make([]board.Shown, len(l.Items)), make(map[string]board.Item, len(l.Items))
	win.stays, win.last, win.at = map[events.ID]bool{}, time.Time{}, now
	for i, item := range l.Items {
		after[i] = shown(item, now)
		byID[item.ID] = item
		if item.Head != nil {
			continue
		}
		first := !win.stays[item.Row.Encounter]
		win.stays[item.Row.Encounter] = true
		if l.Next != "" && item.Row.Due != nil && (first || l.View.Group != "patient") { // patients are in the order of their first
			win.last = *item.Row.Due
		}
	}
	edits := board.Diff(win.shown, after)
	win.shown = after
	return edits, byID
}

// liveWorklist keeps a worklist up to date: the list once, then what changed in it.
func (c *Console) liveWorklist(w http.ResponseWriter, r *http.Request) error {
	win := &window{view: viewOf(r), pages: pagesOf(r)}
	concerns := func(touched map[events.ID]live.News) bool {
		return win.concerns(touched) || time.Since(win.told) > countsFor
	}
	rest := func(time.Duration) time.Duration { return calm } // a list is read once for everybody who sees it
	return c.followWhat(w, r, web.TasksRead, concerns, rest, func(ctx context.Context, s *stream, touched map[events.ID]live.News) error {
		win.told = time.Now()
		if !win.concerns(touched) {
			return c.recount(ctx, s, win)
		}
		l, err := c.list(ctx, win.view, win.pages, store.Position{}, &win.known, since(touched))
		if err == nil && len(touched) == 0 { // all is calm, and nobody looks again soon: now the counts must be right
			l.Counts, err = c.counted(ctx)
		}
		if err != nil {
			return err
		}
		p, first, counts := c.page(r, ""), win.at.IsZero(), win.counts
		edits, byID := win.take(l, p.Now)
		win.counts = l.Counts
		switch {
		case first:
			err = s.part(ctx, page.WholeList(p, l))
		case len(edits) > 0 || l.Counts != counts:
			err = s.part(ctx, page.ListEdits(p, l, edits, byID))
		default:
			return nil
		}
		if err == nil {
			c.observe(touched, byID)
		}
		return err
	})
}

// since is when the newest of what was touched was told of: what was loaded after that shows it. Without
// any, it is now.
func since(touched map[events.ID]live.News) (t time.Time) {
	for _, n := range touched {
		if n.Told.After(t) {
			t = n.Told
		}
	}
	if t.IsZero() {
		return time.Now()
	}
	return t
}

// recount sends the counts alone, where they have changed.
func (c *Console) recount(ctx context.Context, s *stream, win *window) error {
	n, err := c.counted(ctx)
	if err != nil || n == win.counts {
		return err
	}
	win.counts = n
	return s.part(ctx, page.ListEdits(page.Page{}, page.List{View: win.view, Counts: n}, nil, nil))
}

// observe measures how long what was shown took from the reception of its frame.
func (c *Console) observe(touched map[events.ID]live.News, items map[string]board.Item) {
	now := time.Now()
	seen := map[events.ID]bool{}
	for _, item := range items {
		id := item.Row.Encounter
		if n, ok := touched[id]; ok && item.Head == nil && !seen[id] {
			seen[id] = true
			took := now.Sub(n.Received).Seconds()
			c.Screen.Observe(took)
			c.recent.add(took)
			c.pushed.add(id, n.Received, now)
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
