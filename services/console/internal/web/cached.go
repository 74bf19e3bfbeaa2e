package web

import (
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// cached keeps a value for each organization. Of those who ask while it is old, one loads and the others
// wait for it. Safe for concurrent use.
type cached[T any] struct {
	mu sync.Mutex
	by map[events.ID]*cell[T]
}

type cell[T any] struct {
	mu    sync.Mutex
	at    time.Time
	value T
}

func (c *cached[T]) get(org events.ID, good time.Duration, load func() (T, error)) (T, error) {
	c.mu.Lock()
	if c.by == nil || len(c.by) > 10_000 {
		c.by = map[events.ID]*cell[T]{}
	}
	one := c.by[org]
	if one == nil {
		one = &cell[T]{}
		c.by[org] = one
	}
	c.mu.Unlock()
	one.mu.Lock()
	defer one.mu.Unlock()
	if !one.at.IsZero() && time.Since(one.at) < good {
		return one.value, nil
	}
	began := time.Now()
	v, err := load()
	if err == nil {
		one.at, one.value = began, v
	}
	return v, err
}
