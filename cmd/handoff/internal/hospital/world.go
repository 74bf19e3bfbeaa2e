package hospital

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Edition changes whenever the same Config gives other messages than before.
const Edition = 2

// Generations is how many there can be.
const Generations = 999

// peoplePerGeneration keeps the identifiers of people of different generations apart.
const peoplePerGeneration = 5_000_000

// Config of a World.
type Config struct {
	Seed       uint64
	Generation int     // 1 to Generations; part of every number given out: another one never gives the same
	Rate       float64 // messages per second, on average
	Speed      float64 // how many times faster than in life a stay passes
}

// Span says that from the play's time From on, Wall was (or is) the time of day and went on from
// there. A play that was interrupted has several.
type Span struct {
	From time.Duration `json:"from"`
	Wall time.Time     `json:"wall"`
}

// Message is one message to be sent.
type Message struct {
	Facility string
	Number   int           // 1..n of this facility
	Due      time.Duration // on the play's clock
	Trigger  string
	Bytes    []byte
}

const (
	perArrival = 5.8 // messages that one arrival leads to, on average: see the test
	mostInside = 160 // patients that are in a hospital when the play begins
	warmEvery  = 20 * time.Millisecond
	lifeOfStay = 8 * 24 * time.Hour // longer than nearly every stay
)

// World makes messages in the order in which they are due. It never ends. Not safe for concurrent use.
type World struct {
	cfg                    Config
	spans                  []Span
	rng                    *rand.Rand
	hospitals, receivers   []*facility
	next                   []time.Duration // next arrival of each hospital
	queue                  queue
	order                  uint64
	serial, visits, people int
	sent                   map[string]int
	controls               map[string]int
	early                  []step // of stays that began before the play, while they are collected
	begun                  bool
	writer                 writer
	again                  *Message // to be sent once more
}

// New returns the world of a play that has passed through spans, the first of which begins at 0.
func New(cfg Config, spans []Span) *World {
	w := &World{
		cfg: cfg, spans: spans, rng: rand.New(rand.NewPCG(cfg.Seed, 0)), hospitals: hospitals(), receivers: receivers(),
		sent: map[string]int{}, controls: map[string]int{},
	}
	w.warmUp()
	return w
}

// Facilities are the codes (MSH-4) of all senders.
func (w *World) Facilities() []string {
	var codes []string
	for _, f := range slices.Concat(w.hospitals, w.receivers) {
		codes = append(codes, f.code)
	}
	return codes
}

// gap draws the time to a hospital's next arrival.
func (w *World) gap() time.Duration {
	mean := perArrival * float64(len(w.hospitals)) / w.cfg.Rate
	return time.Duration(w.rng.ExpFloat64() * mean * float64(time.Second))
}

// warmUp fills the beds: stays that began before the play are told quickly at its beginning.
func (w *World) warmUp() {
	before := time.Duration(float64(lifeOfStay) / w.cfg.Speed)
	for range w.hospitals {
		w.next = append(w.next, 0)
	}
	for i, f := range w.hospitals {
		from := -before
		if mean := perArrival * float64(len(w.hospitals)) / w.cfg.Rate; before.Seconds()/mean > mostInside {
			from = -time.Duration(mostInside * mean * float64(time.Second))
		}
		at := from
		for ; at < 0; at += w.gap() {
			w.arrive(f, at)
		}
		w.next[i] = at
	}
	w.begun = true
	slices.SortStableFunc(w.early, func(a, b step) int { return int(a.at - b.at) })
	warm := time.Duration(len(w.early)) * warmEvery
	for i := range w.queue {
		w.queue[i].due += warm
	}
	for i := range w.next {
		w.next[i] += warm
	}
	for i, s := range w.early {
		s.due = time.Duration(i) * warmEvery
		w.queue = append(w.queue, s)
	}
	heap.Init(&w.queue)
	w.shift(warm)
	w.early = nil
}

// shift moves the play's zero so that stays are told after those that began before it.
func (w *World) shift(by time.Duration) {
	moved := map[*stay]bool{}
	for i := range w.queue {
		s := w.queue[i].stay
		w.queue[i].at += by
		if !moved[s] {
			moved[s] = true
			s.begins, s.ends = s.begins+by, s.ends+by
		}
	}
}

// schedule puts a stay's steps into the queue.
func (w *World) schedule(s *stay) {
	over := !w.begun && s.steps[len(s.steps)-1].at < 0
	for _, st := range s.steps {
		w.order++
		st.order = w.order
		switch {
		case over: // came and went before the play
		case !w.begun && st.at < 0:
			w.early = append(w.early, st)
		case !w.begun:
			w.queue = append(w.queue, st)
		default:
			heap.Push(&w.queue, st)
		}
	}
	s.steps = nil
}

// Next returns the message that is due next. Where skip says that the facility has already sent as
// many, its Bytes are nil.
func (w *World) Next(skip map[string]int) Message {
	if w.again != nil {
		m := *w.again
		w.again = nil
		return w.count(m, skip)
	}
	w.arrivals()
	st := heap.Pop(&w.queue).(step)
	s, code := st.stay, st.stay.at.code
	when := w.occurred(s, st)
	if st.change != nil {
		st.change(s, when)
	}
	if st.cancels == "" {
		s.last[st.trigger] = when
	}
	w.controls[code]++
	m := Message{Facility: code, Due: st.due, Trigger: st.trigger}
	again := s.rng.IntN(60) == 0 // the sender does not hear the reply and sends once more
	if again || w.sent[code] >= skip[code] {
		control := fmt.Sprintf("%s%03d-%08d", s.at.prefix, w.cfg.Generation, w.controls[code])
		m.Bytes = w.writer.write(s, st, control, when, w.wallAt(st.due, st.due))
	}
	if again {
		w.again = &m
	}
	return w.count(m, skip)
}

func (w *World) count(m Message, skip map[string]int) Message {
	w.sent[m.Facility]++
	m.Number = w.sent[m.Facility]
	if m.Number <= skip[m.Facility] {
		m.Bytes = nil
	}
	return m
}

// arrivals plans those who come before the next step is due.
func (w *World) arrivals() {
	for i, f := range w.hospitals {
		for len(w.queue) == 0 || w.next[i] <= w.queue[0].due {
			at := w.next[i]
			w.next[i] += max(w.gap(), time.Nanosecond)
			w.arrive(f, at)
		}
	}
}
