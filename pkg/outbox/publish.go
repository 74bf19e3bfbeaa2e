package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/pkg/events"
)

const publishTimeout = 5 * time.Second

// chainMost is up to how many messages are sent as a chain: the server makes and deletes a store of
// its own for each atomic batch, which costs as much as storing about a dozen messages singly.
const chainMost = 12

// publisher puts messages on a stream in their order. A batch is atomic (ADR-50 of NATS): all of it
// is on the stream or nothing. One publisher, one goroutine.
type publisher struct {
	nc *nats.Conn
	js jetstream.JetStream
}

// publish returns nil when every message is on the stream. After an error some may be; publishing
// the same messages again is safe.
func (p publisher) publish(ctx context.Context, list []message) error {
	if len(list) == 1 {
		return p.single(ctx, list[0])
	}
	send := p.batch
	if len(list) <= chainMost {
		send = p.chain
	}
	err := send(ctx, list)
	var refused *refusal
	if err == nil || (errors.As(err, &refused) && refused.terminal()) {
		return err
	}
	// In doubt, or refused because part of it is there already: one by one, where a duplicate is a success.
	for _, m := range list {
		if err := p.single(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (p publisher) single(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	_, err := p.js.PublishMsg(ctx, m.nats(), jetstream.WithRetryAttempts(0))
	return err
}

// chain sends a few messages one after the other without waiting in between. Each names the one
// before it as the stream's last, so that none is stored whose predecessor was not.
func (p publisher) chain(ctx context.Context, list []message) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	acks := make([]jetstream.PubAckFuture, len(list))
	for i, m := range list {
		opts := []jetstream.PublishOpt{jetstream.WithRetryAttempts(0)}
		if i > 0 {
			opts = append(opts, jetstream.WithExpectLastMsgID(list[i-1].id))
		}
		var err error
		if acks[i], err = p.js.PublishMsgAsync(m.nats(), opts...); err != nil {
			return err
		}
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (p publisher) batch(ctx context.Context, list []message) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	id := events.NewID().String()
	for i, m := range list[:len(list)-1] {
		msg := m.nats()
		msg.Header[headerBatch] = []string{id}
		msg.Header[headerSequence] = []string{strconv.Itoa(i + 1)}
		if err := p.nc.PublishMsg(msg); err != nil {
			return err
		}
	}
	last := list[len(list)-1].nats()
	last.Header[headerBatch] = []string{id}
	last.Header[headerSequence] = []string{strconv.Itoa(len(list))}
	last.Header[headerCommit] = []string{"1"}
	reply, err := p.nc.RequestMsgWithContext(ctx, last)
	if err != nil {
		return err
	}
	return readAck(reply.Data, len(list))
}

// refusal is the server's word that nothing of a batch was stored.
type refusal struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the stream refused the batch: %s (%d)", r.Description, r.ErrCode)
}

// terminal tells the refusal that publishing one by one cannot get around. One for want of room can
// be: part of the batch may still fit, and then the stream is purged of what was handled.
func (r *refusal) terminal() bool { return r.Code == 404 }

func readAck(data []byte, want int) error {
	var ack struct {
		Error *refusal `json:"error"`
		Batch int      `json:"count"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return fmt.Errorf("acknowledgement of a batch: %w", err)
	}
	if ack.Error != nil {
		return ack.Error
	}
	if ack.Batch != want {
		return fmt.Errorf("the stream stored %d of a batch of %d", ack.Batch, want)
	}
	return nil
}
