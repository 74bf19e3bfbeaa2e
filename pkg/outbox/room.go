package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	roomCheck = 10 * time.Second
	roomFull  = 0.7 // of MaxBytes: from here on handled events are purged
)

// makeRoom purges what every consumer has acknowledged once the stream is 70 % full: a full stream
// refuses new events, and what was handled is in the log anyway. A consumer that is away loses nothing:
// it asks the log.
func (r *Relay) makeRoom(ctx context.Context) error {
	s, err := r.pub.js.Stream(ctx, r.stream.Name)
	if err != nil {
		return err
	}
	info := s.CachedInfo()
	if info.Config.MaxBytes <= 0 {
		return nil
	}
	full := float64(info.State.Bytes) / float64(info.Config.MaxBytes)
	if r.Fullness != nil {
		r.Fullness(full)
	}
	if full < roomFull {
		return nil
	}
	floor := info.State.LastSeq
	consumers := s.ListConsumers(ctx)
	for c := range consumers.Info() {
		if c.NumPending > 0 || c.NumAckPending > 0 { // else it has handled all it wants
			floor = min(floor, c.AckFloor.Stream)
		}
	}
	if err := consumers.Err(); err != nil {
		return fmt.Errorf("consumers of %s: %w", r.stream.Name, err)
	}
	r.log.WarnContext(ctx, "the stream is filling up; what every consumer has handled is purged", "stream", r.stream.Name, "full", full, "up_to", floor)
	if floor == 0 {
		return nil
	}
	return s.Purge(ctx, jetstream.WithPurgeSequence(floor+1))
}
