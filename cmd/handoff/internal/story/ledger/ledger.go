package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
	"github.com/handoff-care/handoff/pkg/hl7"
)

// Outcome is what the sender of a message knows of it.
type Outcome string

// The outcomes.
const (
	InDoubt  Outcome = "in doubt"
	Accepted Outcome = "accepted"
	Refused  Outcome = "refused"
)

// Entry is one message and what was answered. Safe for concurrent use.
type Entry struct {
	stays.Message
	Facility string
	Hash     string // SHA-256 of the bytes, in hex

	mu     sync.Mutex
	answer Answer
}

// Answer is what the sender of a message has been told.
type Answer struct {
	Outcome  Outcome
	Code     string // of the first reply
	Sends    int    // how often the bytes were sent, whole or in part
	Doubts   int    // how often no reply was read
	Surprise string // a reply that should not have been
}

// Answer is the answer so far.
func (e *Entry) Answer() Answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.answer
}

// Take writes down a reply.
func (e *Entry) Take(code string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	outcome := Refused
	if hl7.Code(code).Positive() {
		outcome = Accepted
	}
	switch {
	case e.answer.Code == "":
		e.answer.Code, e.answer.Outcome = code, outcome
	case e.answer.Code != code:
		e.answer.Surprise = fmt.Sprintf("answered %s, then %s", e.answer.Code, code)
	}
}

func (e *Entry) sent() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer.Sends++
}

func (e *Entry) doubt() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer.Doubts++
}

// Case is one stay and its entries, in the order they are sent.
type Case struct {
	*stays.Stay
	Entries []*Entry
	InOrder bool // they are sent in the order things happened
}

// Done reports whether every message of the case was accepted.
func (c *Case) Done() bool {
	for _, e := range c.Entries {
		if e.Answer().Outcome != Accepted {
			return false
		}
	}
	return true
}

// Ledger is everything that was sent. Safe for concurrent use.
type Ledger struct {
	mu    sync.Mutex
	cases []*Case
}

// Open enters a stay whose messages will be sent in the given order: the n-th to be sent is message
// order[n]. A nil order is the order of what happened.
func (l *Ledger) Open(s *stays.Stay, order []int) *Case {
	messages := s.Messages()
	c := &Case{Stay: s, InOrder: true}
	for i := range messages {
		at := i
		if order != nil {
			at = order[i]
		}
		c.InOrder = c.InOrder && at == i
		c.Entries = append(c.Entries, enter(s.Facility, messages[at]))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cases = append(l.cases, c)
	return c
}

func enter(facility string, m stays.Message) *Entry {
	sum := sha256.Sum256(m.Body)
	return &Entry{Message: m, Facility: facility, Hash: hex.EncodeToString(sum[:]), answer: Answer{Outcome: InDoubt}}
}

// Cases are all stays entered.
func (l *Ledger) Cases() []*Case {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Case(nil), l.cases...)
}

// Figures are a ledger's sums.
type Figures struct {
	Stays, Messages, Accepted, Refused, InDoubt int
	Sends, Doubts                               int // attempts, and those without a reply
}

// Figures adds up.
func (l *Ledger) Figures() Figures {
	var f Figures
	for _, c := range l.Cases() {
		f.Stays++
		for _, e := range c.Entries {
			a := e.Answer()
			if a.Sends == 0 {
				continue
			}
			f.Messages++
			f.Sends += a.Sends
			f.Doubts += a.Doubts
			switch a.Outcome {
			case Accepted:
				f.Accepted++
			case Refused:
				f.Refused++
			default:
				f.InDoubt++
			}
		}
	}
	return f
}
