package web

import (
	"sync"
	"time"
)

// mostCached is how many keys a cache holds before it starts anew.
const mostCached = 500

// cached keeps a value for each key. Of those who ask while it is old, one loads and the others wait for
// it. Safe for concurrent use.
type cached[K comparable, T any] struct {
	mu sync.Mutex
	by map[K]*cell[T]
}

type cell[T any] struct {
	mu    sync.Mutex
	at    time.Time // when its loading began
	again bool      // it is being loaded anew behind it
	value T
}

// get returns a value whose loading began at since or later.
func (c *cached[K, T]) get(key K, since time.Time, load func() (T, error)) (T, error) {
	one := c.cell(key)
	one.mu.Lock()
	defer one.mu.Unlock()
	if !one.at.IsZero() && !one.at.Before(since) {
		return one.value, nil
	}
	began := time.Now()
	v, err := load()
	if err == nil {
		one.at, one.value = began, v
	}
	return v, err
}

// lately returns a value whose loading began at since or later, or an older one of at least oldest while it is
// loaded anew behind it.
func (c *cached[K, T]) lately(key K, since, oldest time.Time, load func() (T, error)) (T, error) {
	one := c.cell(key)
	one.mu.Lock()
	v, at := one.value, one.at
	stale := at.Before(since) && !at.Before(oldest)
	begin := stale && !one.again
	if begin {
		one.again = true
	}
	one.mu.Unlock()
	if !stale {
		return c.get(key, since, load)
	}
	if begin {
		go func() {
			began := time.Now()
			fresh, err := load()
			one.mu.Lock()
			defer one.mu.Unlock()
			if one.again = false; err == nil && one.at.Before(began) {
				one.at, one.value = began, fresh
			}
		}()
	}
	return v, nil
}

func (c *cached[K, T]) cell(key K) *cell[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil || len(c.by) >= mostCached && c.by[key] == nil {
		c.by = map[K]*cell[T]{}
	}
	one := c.by[key]
	if one == nil {
		one = &cell[T]{}
		c.by[key] = one
	}
	return one
}

// ago is the moment that long ago: what is younger will do.
func ago(d time.Duration) time.Time { return time.Now().Add(-d) }
