package player

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/hospital"
	"github.com/handoff-care/handoff/pkg/run/durable"
)

const (
	// tooLong is how many messages of a play are passed over again at a start at most; a longer play
	// is followed by a new one, with other patients.
	tooLong = 2_000_000
	// ahead is how much further than needed the horizon is moved, so that it is not saved for every message.
	ahead = 2 * time.Second
)

// memory is what is remembered of a play. Safe for concurrent use.
type memory struct {
	file string
	mu   sync.Mutex
	page page
}

// page is the file's content.
type page struct {
	Edition int             `json:"edition"`
	Config  hospital.Config `json:"config"`
	Spans   []hospital.Span `json:"spans"`
	Sent    map[string]int  `json:"sent"` // messages with a reply, by facility
	// Horizon is the moment of the play before which messages may have been sent: their bytes must
	// not change any more, so the time that is lost by an interruption is lost at the horizon.
	Horizon time.Duration `json:"horizon"`
}

// remember reads the play of a file and lets it go on at now; where there is none, or one with other
// settings, a new generation begins. Without a file nothing is remembered, and it is always the first.
func remember(file string, cfg hospital.Config, now time.Time) (*memory, error) {
	m := &memory{file: file}
	text, err := os.ReadFile(file)
	switch {
	case file == "" || errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(text, &m.page); err != nil {
			return nil, fmt.Errorf("%s: %w (delete it, and a new play begins)", file, err)
		}
	}
	p := &m.page
	cfg.Generation = max(p.Config.Generation, 1)
	if p.Edition == hospital.Edition && p.Config == cfg && p.total() <= tooLong {
		p.Spans = append(p.Spans, hospital.Span{From: p.Horizon, Wall: now})
		return m, m.save()
	}
	if file != "" {
		// Drawn, not counted: another play may send to the same receiver.
		for cfg.Generation == max(p.Config.Generation, 1) {
			cfg.Generation = 1 + rand.IntN(hospital.Generations)
		}
	}
	*p = page{Edition: hospital.Edition, Config: cfg, Spans: []hospital.Span{{Wall: now}}, Sent: map[string]int{}}
	return m, m.save()
}

func (p *page) total() (n int) {
	for _, sent := range p.Sent {
		n += sent
	}
	return n
}

// sent returns a copy of how many messages of each facility have a reply.
func (m *memory) sent() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.page.Sent)
}

// replied notes that a message has a reply.
func (m *memory) replied(msg hospital.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.page.Sent[msg.Facility] = msg.Number
}

// reach moves the horizon beyond a message that is about to be sent.
func (m *memory) reach(due time.Duration) error {
	m.mu.Lock()
	near := due < m.page.Horizon
	if !near {
		m.page.Horizon = due + ahead
	}
	m.mu.Unlock()
	if near {
		return nil
	}
	return m.save()
}

// save writes the file whole or not at all.
func (m *memory) save() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.file == "" {
		return nil
	}
	text, err := json.Marshal(m.page)
	if err != nil {
		return err
	}
	return durable.Write(m.file, text, 0o600)
}
