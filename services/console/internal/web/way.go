package web

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/board"
)

// way follows a message from its frame to the screens, from the times that every service wrote down.
func (c *Console) way(ctx context.Context, message, stay events.ID, received time.Time, kept *time.Time) (board.Way, error) {
	f := board.Facts{Message: message, Received: received, Kept: kept, Said: make([]board.By, 4)}
	each(4, func(i int) {
		f.Said[i].Service = services[i]
		var list web.List[struct {
			ID       events.ID `json:"id"`
			Cause    events.ID `json:"cause_id"`
			Type     string    `json:"type"`
			Recorded time.Time `json:"recorded_at"`
		}]
		if err := c.call(ctx, http.MethodGet, services[i], "/trace/"+stay.String(), nil, &list); err != nil {
			c.Log.WarnContext(ctx, "a message's way is not known in a service", "service", services[i], "error", err)
			return
		}
		for _, x := range list.Items {
			f.Said[i].Said = append(f.Said[i].Said, board.Said{ID: x.ID, Cause: x.Cause, Type: x.Type, Recorded: x.Recorded})
		}
	})
	var err error
	if f.Heard, err = c.Store.Heard(ctx, web.From(ctx).Org, stay); err != nil {
		return board.Way{}, err
	}
	if at, ok := c.pushed.of(stay, received); ok {
		f.Pushed = &at
	}
	return board.Follow(ctx, f), nil
}

// pushes remembers the newest pushes of this process: which stay, of which frame, when. A screen is not
// written down: nobody needs it tomorrow.
type pushes struct {
	mu   sync.Mutex
	ring [4096]push
	n    int
}

type push struct {
	stay     events.ID
	received int64 // microseconds: as precisely as the frame's time is kept
	at       time.Time
}

func (p *pushes) add(stay events.ID, received, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ring[p.n%len(p.ring)] = push{stay, received.UnixMicro(), at}
	p.n++
}

// of is when a frame's stay was pushed first.
func (p *pushes) of(stay events.ID, received time.Time) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var at time.Time
	for _, x := range p.ring {
		if x.stay == stay && x.received == received.UnixMicro() && (at.IsZero() || x.at.Before(at)) {
			at = x.at
		}
	}
	return at, !at.IsZero()
}
