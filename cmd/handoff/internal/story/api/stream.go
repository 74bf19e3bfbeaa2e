package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Notice is one event of the stream of notices.
type Notice struct {
	ID           string    `json:"-"` // the stream's own sequence
	Event        string    `json:"-"` // alert, alert-update, task, feed
	Subject      string    `json:"id"`
	Kind         string    `json:"kind"`
	EncounterID  string    `json:"encounter_id"`
	TransitionID string    `json:"transition_id"`
	State        string    `json:"state"`
	Severity     string    `json:"severity"`
	Cause        string    `json:"cause"`
	OccurredAt   time.Time `json:"occurred_at"`
	ReceivedAt   time.Time `json:"received_at"`
	RaisedAt     time.Time `json:"raised_at"`
	Data         string    `json:"-"`
}

// Screen is somebody who watches the stream of notices without a break: when the connection ends it
// goes on at the next replica, after the last notice it has seen. Safe for concurrent use.
type Screen struct {
	Since time.Time // when it was connected for the first time

	client *Client
	stop   context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	seen   []Notice
	last   string
	opened chan struct{} // closed once the first connection is there
	breaks int
	err    error
}

// Watch opens a screen for the client's role and returns when it is connected.
func (c *Client) Watch(ctx context.Context) (*Screen, error) {
	run, stop := context.WithCancel(context.Background())
	s := &Screen{client: c, stop: stop, done: make(chan struct{}), opened: make(chan struct{})}
	go s.run(run)
	select {
	case <-s.opened:
		s.Since = time.Now()
		return s, nil
	case <-ctx.Done():
		s.Close()
		return nil, fmt.Errorf("the stream does not open: %w (%v)", ctx.Err(), s.err)
	}
}

// Close ends the screen.
func (s *Screen) Close() {
	s.stop()
	<-s.done
}

// Seen are the notices so far, in the order they came.
func (s *Screen) Seen() []Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Notice(nil), s.seen...)
}

// Breaks is how often the connection ended.
func (s *Screen) Breaks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.breaks
}

func (s *Screen) run(ctx context.Context) {
	defer close(s.done)
	for n := 0; ctx.Err() == nil; n++ {
		bases := s.client.system.API("notification")
		err := s.connect(ctx, bases[n%len(bases)])
		s.mu.Lock()
		s.err = err
		s.breaks++
		s.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s *Screen) connect(ctx context.Context, base string) error {
	token, err := s.client.system.Token(ctx, s.client.role, s.client.org)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/notification/stream", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "text/event-stream")
	s.mu.Lock()
	if s.last != "" {
		req.Header.Set("Last-Event-ID", s.last)
	}
	s.mu.Unlock()
	// A comment line comes every 10 s: silence for longer is a replica that is gone.
	silence := time.AfterFunc(15*time.Second, cancel)
	defer silence.Stop()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("stream: %d", res.StatusCode)
	}
	s.open()
	var n Notice
	var data []string
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		silence.Reset(15 * time.Second)
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			s.take(n, strings.Join(data, "\n"))
			n, data = Notice{}, nil
		case name == "id":
			n.ID = value
		case name == "event":
			n.Event = value
		case name == "data":
			data = append(data, value)
		}
	}
	return fmt.Errorf("the stream ended")
}

func (s *Screen) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.opened:
	default:
		close(s.opened)
	}
}

func (s *Screen) take(n Notice, data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.ID != "" {
		s.last = n.ID
	}
	if data == "" {
		return
	}
	if err := json.Unmarshal([]byte(data), &n); err != nil {
		s.err = err
		return
	}
	n.Data = data
	s.seen = append(s.seen, n)
}
