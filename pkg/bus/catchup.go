package bus

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/handoff-care/handoff/pkg/outbox"
)

// page asks the producer for a page of its event log.
func (c *Consumer) page(ctx context.Context, p outbox.Page) ([]json.RawMessage, error) {
	ask, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	m, err := c.nc.RequestWithContext(ctx, outbox.LogSubject(c.sub.Stream), ask)
	if err != nil {
		return nil, err
	}
	var a outbox.Answer
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return nil, err
	}
	if a.Error != "" {
		return nil, errors.New(a.Error)
	}
	return a.Docs, nil
}
