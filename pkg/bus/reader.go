package bus

import (
	"sync"

	"github.com/handoff-care/handoff/pkg/events"
)

// Reader decodes documents for the consumers of one process. Several services hear the same stream
// at the same time, and reading a document is the dearest part of hearing it; so each of the newest
// is read once and shared. Handlers therefore never change what is inside a fact. Safe for
// concurrent use.
type Reader struct {
	mu   sync.Mutex
	read map[string]*reading // by event id
	ring [readerSize]string  // ids in order of arrival: the oldest makes room
	next int
}

// readerSize is how many events are shared: more than the consumers of a process are apart.
const readerSize = 8192

type reading struct {
	once  sync.Once
	event events.Event
	err   error
}

// NewReader returns an empty reader.
func NewReader() *Reader { return &Reader{read: make(map[string]*reading, readerSize)} }

// decode reads doc, whose event id is id ("" where it is not known).
func (r *Reader) decode(id string, doc []byte) (events.Event, error) {
	if r == nil || id == "" {
		return events.Decode(doc)
	}
	x := r.entry(id)
	x.once.Do(func() { x.event, x.err = events.Decode(doc) })
	return x.event, x.err
}

func (r *Reader) entry(id string) *reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.read[id]
	if x == nil {
		x = &reading{}
		delete(r.read, r.ring[r.next])
		r.read[id] = x
		r.ring[r.next] = id
		r.next = (r.next + 1) % readerSize
	}
	return x
}
