package bus

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/pkg/outbox"
)

const (
	askTimeout = 10 * time.Second
	settleWait = 20 * time.Millisecond
)

// catchUp handles what the stream no longer holds from the producer's event log, up to a horizon
// beyond which everything is on the stream, then makes the position one just before the stream's
// first message.
func (c *Consumer) catchUp(ctx context.Context, at position, info *jetstream.StreamInfo) error {
	page := outbox.Page{Since: at.watermark}
	if !page.Since.IsZero() {
		page.Since = page.Since.Add(-5 * time.Minute) // longer than any transaction may hold a sequence back
	}
	c.log.InfoContext(ctx, "catching up from the producer's event log", "since", page.Since)
	for first := true; ; first = false {
		a, err := c.ask(ctx, page)
		if err != nil {
			return err
		}
		page.Horizon = a.Horizon
		switch {
		case first:
			continue
		case a.Unsettled:
			sleep(ctx, settleWait)
		case len(a.Docs) == 0:
			return c.store.restart(ctx, info.Created, max(info.State.FirstSeq, 1)-1)
		default:
			if page.After, err = c.applyLog(ctx, a.Docs); err != nil {
				return err
			}
		}
		if held, err := c.store.lease(ctx); err != nil || !held {
			return errors.Join(err, errFenced)
		}
	}
}

// applyLog handles a page and returns its last sequence.
func (c *Consumer) applyLog(ctx context.Context, docs []json.RawMessage) (int64, error) {
	batch := make([]received, len(docs))
	for i, d := range docs {
		batch[i] = received{doc: d}
	}
	err := c.apply(ctx, batch, nil)
	return batch[len(batch)-1].event.Sequence, err
}

// ask asks the producer for a page of its event log.
func (c *Consumer) ask(ctx context.Context, p outbox.Page) (a outbox.Answer, err error) {
	question, err := json.Marshal(p)
	if err != nil {
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	m, err := c.nc.RequestWithContext(ctx, outbox.LogSubject(c.sub.Stream), question)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return a, err
	}
	if a.Error != "" {
		err = errors.New(a.Error)
	}
	return a, err
}
