package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/pkg/outbox"
)

const (
	streamBytes = 1 << 30 // where neither operator nor NATS says how much there is
	streams     = 5       // of handoff's services, which share an account
	lookEvery   = 2 * time.Second
	lookAgain   = 250 * time.Millisecond
	lookWithin  = 2 * time.Second
	streamGrace = 10 * time.Second // NATS that restarts is back by then

	storageExceeded jetstream.ErrorCode = 10047 // no room for a stream of that size
)

// stream sees to it that a service's stream is there, and knows when it last was. Safe for
// concurrent use.
type stream struct {
	js    jetstream.JetStream
	cfg   jetstream.StreamConfig
	asked int64 // bytes the operator asks for; 0: none said
	log   *slog.Logger
	made  chan struct{} // closed when it was there for the first time; cfg does not change any more

	mu   sync.Mutex
	seen time.Time // when it was last there; zero: never yet
	err  error     // why it is not, since then
}

// newStream takes the size that the operator asks for, else that of limits, else what NATS has room for.
func newStream(js jetstream.JetStream, service string, asked int64, limits StreamLimits, log *slog.Logger) *stream {
	cfg := outbox.Stream(service, limits.MaxBytes, max(limits.Replicas, 1))
	if asked > 0 {
		cfg.MaxBytes = asked
	}
	return &stream{js: js, cfg: cfg, asked: asked, log: log, made: make(chan struct{})}
}

// watch looks after the stream until ctx is done. That NATS is away ends no program: facts wait in the
// outbox, and readiness says so.
func (s *stream) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		pause := lookEvery
		if err := s.look(ctx); err != nil {
			pause = lookAgain
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// look makes the stream where it is missing, and notes how that went.
func (s *stream) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	err := s.provision(ctx)
	if refused := (*jetstream.APIError)(nil); errors.As(err, &refused) && refused.ErrorCode == storageExceeded {
		err = fmt.Errorf("%w: no room for %d bytes; give NATS a larger store, or set --stream-max-bytes lower for all services", err, s.cfg.MaxBytes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if s.err == nil && !errors.Is(err, context.Canceled) {
			s.log.WarnContext(ctx, "the stream does not answer, or is not there; it is tried again", "error", err)
		}
		s.err = err
		return err
	}
	if s.seen.IsZero() {
		close(s.made)
	}
	s.seen, s.err = time.Now(), nil
	return nil
}

func (s *stream) provision(ctx context.Context) error {
	if s.cfg.MaxBytes == 0 {
		n, err := share(ctx, s.js)
		if err != nil {
			return err
		}
		s.cfg.MaxBytes = n
	}
	if _, err := outbox.Provision(ctx, s.js, s.cfg); err != nil || s.asked == 0 {
		return err
	}
	return s.resize(ctx)
}

// resize gives a stream of an earlier start the size that the operator asks for now.
func (s *stream) resize(ctx context.Context) error {
	have, err := s.js.Stream(ctx, s.cfg.Name)
	if err != nil {
		return err
	}
	cfg := have.CachedInfo().Config
	if cfg.MaxBytes == s.asked {
		return nil
	}
	cfg.MaxBytes = s.asked
	_, err = s.js.UpdateStream(ctx, cfg)
	return err
}

// share is what a service's stream may take of an account of NATS: all of them together nine tenths of
// what is allowed, so that a stream is full before the store is.
func share(ctx context.Context, js jetstream.JetStream) (int64, error) {
	info, err := js.AccountInfo(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask NATS for its limits: %w", err)
	}
	most := info.Limits.MaxStore
	if tier, ok := info.Tiers["R1"]; ok {
		most = tier.Limits.MaxStore
	}
	if most <= 0 {
		return streamBytes, nil
	}
	return max(most/10*9/streams, 1), nil
}

// missing says why the service cannot publish: its stream was never there yet, or not for a while.
func (s *stream) missing(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.seen.IsZero() && now.Sub(s.seen) <= streamGrace {
		return nil
	}
	if s.err == nil {
		return fmt.Errorf("stream %s is not there yet", s.cfg.Name)
	}
	return fmt.Errorf("facts wait: %w", s.err)
}
