package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// pressKey is the key under which a page sends what was pressed, so that it can send it again; zero where it
// sends none.
func pressKey(r *http.Request) events.ID {
	key, err := events.ParseID(r.Header.Get("Idempotency-Key"))
	if err != nil {
		return events.ID{}
	}
	return key
}

// keyed adds to the headers of a call the key of what was pressed; the zero key adds none.
func keyed(key events.ID, header ...string) []string {
	if key.IsZero() {
		return header
	}
	return append(header, "Idempotency-Key", key.String())
}

// under is the key of one task of what was pressed.
func under(key, task events.ID) events.ID {
	if key.IsZero() {
		return key
	}
	return events.Derive("press", key.String(), task.String())
}

// turnOf is the name of what was pressed, by which it can be taken back: its page knows it before we answer.
func turnOf(key events.ID) events.ID {
	if key.IsZero() {
		return events.NewID()
	}
	return key
}

// latest is how long after it was pressed something may be sent.
const latest = 24 * time.Hour

// pressedAt is when something was pressed: what waited for a connection says so. A time to come, or one long
// ago, is not believed.
func pressedAt(r *http.Request) time.Time {
	now := time.Now()
	at, err := time.Parse(time.RFC3339, r.Header.Get("X-Pressed-At"))
	if err != nil || at.After(now) || now.Sub(at) > latest {
		return now
	}
	return at
}

// moments are what is computed of a form from when it was pressed, and must not be computed again.
var moments = []string{"next_at", "until"}

// pressed is what is asked for under a key: the first time what was computed now, and ever after the same.
func (c *Console) pressed(ctx context.Context, key events.ID, request string, version int, body any) (int, any, error) {
	if key.IsZero() {
		return version, body, nil
	}
	said, _ := body.(map[string]any)
	computed := map[string]any{}
	for _, name := range moments {
		if v, ok := said[name]; ok {
			computed[name] = v
		}
	}
	text, err := json.Marshal(computed)
	if err != nil {
		return 0, nil, err
	}
	first, again, err := c.firstPress(ctx, key, store.Press{Request: request, Version: version, Computed: text})
	if err != nil || !again {
		return version, body, err
	}
	clear(computed)
	if err := json.Unmarshal(first.Computed, &computed); err != nil {
		return 0, nil, err
	}
	for _, name := range moments {
		delete(said, name)
		if v, ok := computed[name]; ok {
			said[name] = v
		}
	}
	return first.Version, body, nil
}

func (c *Console) firstPress(ctx context.Context, key events.ID, p store.Press) (first store.Press, again bool, err error) {
	who := web.From(ctx)
	first, again, err = c.Store.Pressed(ctx, who.Org, who.Subject, key, p)
	if err == nil && first.Request != p.Request {
		err = refuse(fault.Conflict, "This was sent under the name of something else. Please try once more.")
	}
	return first, again, err
}

// pressedTurn is what is to be taken back: what is named, else the newest that can be, and under a key what
// it was the first time. again tells that it was asked for before.
func (c *Console) pressedTurn(ctx context.Context, key events.ID, turn string, deeds []store.Deed) (_ string, again bool, err error) {
	for _, d := range deeds {
		if turn == "" && !d.Undone {
			turn = d.Turn.String()
		}
	}
	if key.IsZero() || turn == "" {
		return turn, false, nil
	}
	said, err := json.Marshal(turn)
	if err != nil {
		return "", false, err
	}
	first, again, err := c.firstPress(ctx, key, store.Press{Request: "undo", Computed: said})
	if err != nil {
		return "", false, err
	}
	return turn, again, json.Unmarshal(first.Computed, &turn)
}
