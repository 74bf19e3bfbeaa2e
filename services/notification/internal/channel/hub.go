package channel

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// How the hub looks for new events: often for a moment after the bell (a transaction is about to
// commit), rarely otherwise (another replica may have written), never while nobody listens.
const (
	idlePoll   = 10 * time.Millisecond
	eagerPoll  = time.Millisecond
	eagerFor   = 100 * time.Millisecond
	ringSize   = 16384
	pollAtOnce = 2000
)

// Frame is one event of the stream, ready to be written.
type Frame struct {
	Seq      int64
	Org      events.ID
	Audience []string
	Bytes    []byte
}

// Hub follows the stream table once for all open streams of this process. Safe for concurrent use.
type Hub struct {
	db   store.Querier
	log  *slog.Logger
	bell chan struct{}
	// Pushed is told of each new alert how long it took from the door to here, and its traceparent
	// ("" where nobody traces). It may be nil.
	Pushed func(took time.Duration, traceparent string)

	open   atomic.Int64
	mu     sync.Mutex
	ring   []Frame       // the last frames, oldest first
	head   int64         // the last sequence that was read; -1: not following
	change chan struct{} // closed when head moves
}

// NewHub returns a hub over the table that db reads. Run it.
func NewHub(db store.Querier, log *slog.Logger) *Hub {
	return &Hub{db: db, log: log, bell: make(chan struct{}, 1), head: -1, change: make(chan struct{})}
}

// Ring says that something is about to be committed. It never waits.
func (h *Hub) Ring() {
	select {
	case h.bell <- struct{}{}:
	default:
	}
}

// Open is how many streams are open.
func (h *Hub) Open() int64 { return h.open.Load() }

// Run follows the table while anybody listens, until ctx is done.
func (h *Hub) Run(ctx context.Context) error {
	timer := time.NewTimer(idlePoll)
	defer timer.Stop()
	var eager time.Time
	for {
		wait := idlePoll
		if time.Now().Before(eager) {
			wait = eagerPoll
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-h.bell:
			eager = time.Now().Add(eagerFor)
		case <-timer.C:
		}
		if h.open.Load() == 0 {
			h.rest()
			continue
		}
		if err := h.poll(ctx); err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "the stream cannot be read", "error", err)
			eager = time.Time{}
		}
	}
}

// rest forgets the ring: with nobody listening nobody reads on either.
func (h *Hub) rest() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open.Load() == 0 { // asked again under the lock: somebody may be joining
		h.head, h.ring = -1, nil
	}
}

// poll reads what is new.
func (h *Hub) poll(ctx context.Context) error {
	for {
		h.mu.Lock()
		head := h.head
		h.mu.Unlock()
		if head < 0 {
			return nil // the first listener sets the head
		}
		rows, err := store.Stream(ctx, h.db, head, pollAtOnce)
		if err != nil || len(rows) == 0 {
			return err
		}
		frames := make([]Frame, len(rows))
		now := time.Now()
		for i := range rows {
			frames[i] = frame(&rows[i])
			if h.Pushed != nil && rows[i].Name == "alert" {
				h.Pushed(now.Sub(rows[i].Received), rows[i].Trace)
			}
		}
		h.add(head, frames)
		if len(rows) < pollAtOnce {
			return nil
		}
	}
}

func (h *Hub) add(from int64, frames []Frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.head != from {
		return // somebody rested or joined meanwhile; they decide where to go on
	}
	h.ring = append(h.ring, frames...)
	if len(h.ring) > 2*ringSize {
		h.ring = append(make([]Frame, 0, 2*ringSize), h.ring[len(h.ring)-ringSize:]...)
	}
	h.head = frames[len(frames)-1].Seq
	close(h.change)
	h.change = make(chan struct{})
}

func frame(r *store.StreamRow) Frame {
	b := make([]byte, 0, len(r.Data)+64)
	b = append(b, "id: "...)
	b = strconv.AppendInt(b, r.Seq, 10)
	b = append(b, "\nevent: "...)
	b = append(b, r.Name...)
	b = append(b, "\ndata: "...)
	b = append(b, r.Data...)
	b = append(b, "\n\n"...)
	return Frame{Seq: r.Seq, Org: r.Org, Audience: r.Audience, Bytes: b}
}

// Reader is one listener's place in the stream.
type Reader struct {
	hub *Hub
	at  int64 // the last sequence it was given
}

// Join opens a reader after the event last (-1: after everything there is now). Close it.
func (h *Hub) Join(ctx context.Context, last int64) (*Reader, error) {
	h.mu.Lock()
	h.open.Add(1)
	h.mu.Unlock()
	head, err := store.StreamHead(ctx, h.db)
	if err != nil {
		h.open.Add(-1)
		return nil, err
	}
	h.mu.Lock()
	if h.head < 0 {
		h.head, h.ring = head, nil
	}
	h.mu.Unlock()
	if last < 0 {
		last = head
	}
	return &Reader{hub: h, at: last}, nil
}

// Close ends the reader.
func (r *Reader) Close() { r.hub.open.Add(-1) }

// Next returns the frames after the reader's place, or none and a channel that is closed when there
// may be some. A reader that fell behind what is kept in memory reads the table.
func (r *Reader) Next(ctx context.Context) ([]Frame, <-chan struct{}, error) {
	h := r.hub
	h.mu.Lock()
	head, ring, change := h.head, h.ring, h.change
	h.mu.Unlock()
	if r.at >= head {
		return nil, change, nil
	}
	if i := after(ring, r.at); i >= 0 {
		frames := ring[i:]
		r.at = head
		return frames, nil, nil
	}
	rows, err := store.Stream(ctx, h.db, r.at, pollAtOnce)
	if err != nil || len(rows) == 0 {
		return nil, change, err
	}
	frames := make([]Frame, len(rows))
	for i := range rows {
		frames[i] = frame(&rows[i])
	}
	r.at = rows[len(rows)-1].Seq
	return frames, nil, nil
}

// after finds the first frame past seq in a ring that is known to hold all since some frame at or
// before seq; -1 where it may not.
func after(ring []Frame, seq int64) int {
	if len(ring) == 0 || ring[0].Seq > seq {
		return -1
	}
	lo, hi := 0, len(ring)
	for lo < hi {
		mid := (lo + hi) / 2
		if ring[mid].Seq <= seq {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
