package admission

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// Limits of the applier: messages per transaction, and in memory before it reads them from the table.
const (
	applyBatch  = 400
	applyMemory = 4096

	// applyPace is the least time between the starts of two batches (outbox.Rest).
	applyPace = 6 * time.Millisecond
)

// applier handles this process's kept messages in the order they were kept. They come to it in
// memory; after a start, a takeover, a commit in doubt or when it is far behind, it reads them from
// the table instead, until that is empty.
type applier struct {
	s    *service
	wake chan struct{}

	mu       sync.Mutex
	queue    []*adt.Inbound
	sweeping bool
	left     int // messages left to the table since sweeping began
}

func newApplier(s *service) *applier {
	return &applier{s: s, wake: make(chan struct{}, 1), sweeping: true}
}

// kept takes messages that were just committed.
func (a *applier) kept(list []*adt.Inbound) {
	a.mu.Lock()
	switch {
	case a.sweeping:
		a.left++
	case len(a.queue)+len(list) > applyMemory:
		a.sweeping = true
		a.left++
	default:
		a.queue = append(a.queue, list...)
	}
	a.mu.Unlock()
	a.ring()
}

// sweepLater makes the applier look into the table: there may be messages that it has not been told of.
func (a *applier) sweepLater() {
	a.mu.Lock()
	a.sweeping = true
	a.left++
	a.mu.Unlock()
	a.ring()
}

func (a *applier) ring() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// next is the next batch: from memory first, those are the older ones. wait says that there is none.
func (a *applier) next(ctx context.Context) (batch []*adt.Inbound, wait bool, err error) {
	a.mu.Lock()
	if n := min(len(a.queue), applyBatch); n > 0 {
		batch = append(batch, a.queue[:n]...)
		a.queue = a.queue[:copy(a.queue, a.queue[n:])]
		a.mu.Unlock()
		return batch, false, nil
	}
	sweeping, left := a.sweeping, a.left
	a.mu.Unlock()
	if !sweeping {
		return nil, true, nil
	}
	open, err := a.s.store.Opens(ctx, applyBatch)
	if err != nil || len(open) > 0 {
		return a.s.rebuild(open), false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left == left {
		a.sweeping = false
	}
	return nil, !a.sweeping, nil
}

// run applies until ctx is done and what was kept before is applied, or no more time is given for it.
func (a *applier) run(ctx context.Context) error {
	for {
		work, cancel := a.patience(ctx)
		batch, wait, err := a.next(work)
		if err == nil && len(batch) > 0 {
			started := time.Now()
			a.apply(work, batch)
			pause(work, time.Until(outbox.Rest(started, applyPace, len(batch), len(batch) == applyBatch)))
		}
		cancel()
		switch {
		case err != nil:
			a.s.log.WarnContext(ctx, "kept messages could not be read", "error", err)
			if ctx.Err() != nil {
				return nil
			}
			pause(ctx, 200*time.Millisecond)
		case wait:
			select {
			case <-a.wake:
			case <-ctx.Done():
				if a.idle() {
					return nil
				}
			}
		}
	}
}

func (a *applier) idle() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.queue) == 0 && !a.sweeping
}

// patience is the context of a batch: a stop does not cut it off, but ends it soon.
func (a *applier) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() != nil {
		return context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}

// apply handles a batch: in one transaction, again while the database is in trouble, and one by one
// if a message spoils it. A message that cannot be applied alone either is quarantined.
func (a *applier) apply(ctx context.Context, batch []*adt.Inbound) {
	wait := 20 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := a.s.Apply(ctx, batch)
		switch {
		case err == nil:
			return
		case passing(err), race(err) && attempt < 4:
			a.s.log.WarnContext(ctx, "messages not applied yet", "messages", len(batch), "attempt", attempt, "error", err)
			pause(ctx, wait)
			if wait = min(2*wait, time.Second); ctx.Err() != nil {
				a.sweepLater() // they are in the table
				return
			}
		case len(batch) > 1:
			for i := range batch {
				a.apply(ctx, batch[i:i+1])
			}
			return
		default:
			a.s.log.ErrorContext(ctx, "message quarantined: it cannot be applied", "message", batch[0].ID.String(), "error", err)
			if err := a.s.quarantine(ctx, batch[0], cannotApply); err != nil {
				a.sweepLater()
				pause(ctx, time.Second)
			}
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// keepLease says that this process lives, and takes over the messages of those that do not.
func (s *service) keepLease(ctx context.Context) error {
	err := every(ctx, store.LeaseTime/4, func() {
		if err := s.store.Renew(ctx); err != nil {
			return // the messages of a process without a lease are handled by whoever takes them
		}
		if list := s.heard.take(); len(list) > 0 {
			if err := s.store.Pulse(ctx, list); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "feeds' pulse not noted", "error", err)
			}
		}
		if by := s.quality.take(); len(by) > 0 {
			if err := s.store.SaveQuality(ctx, by); err != nil {
				s.log.WarnContext(ctx, "how feeds did not noted", "error", err)
			}
		}
		n, err := s.store.TakeOver(ctx)
		if n > 0 {
			s.log.InfoContext(ctx, "messages taken over", "messages", n)
			s.applier.sweepLater()
		}
		if err == nil {
			s.metrics.backlog(ctx, s.store)
		}
	})
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = s.store.Leave(leave)
	return err
}

// heard is when feeds were last heard of, until it is written down.
type heard struct {
	mu   sync.Mutex
	last map[events.ID]store.Heard
}

func (h *heard) note(list []*adt.Inbound) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last == nil {
		h.last = map[events.ID]store.Heard{}
	}
	for _, in := range list {
		h.last[in.Feed.ID] = store.Heard{Org: in.Feed.Org, At: in.Received}
	}
}

func (h *heard) take() map[events.ID]store.Heard {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.last
	h.last = nil
	return out
}

// kept takes what the keeper has just committed.
func (s *service) kept(list []*adt.Inbound) {
	s.applier.kept(list)
	s.heard.note(list)
}

// listener opens the MLLP address and returns its loop.
func (s *service) listener() (func(context.Context) error, error) {
	c := s.config
	if c.MLLP == "" {
		return func(ctx context.Context) error { <-ctx.Done(); return nil }, nil
	}
	l := &adt.Listener{
		Keeper: s.keeper, Directory: s.directory, MaxFrame: c.MaxFrame, Unlimited: c.Dev,
		Log: s.log, Metrics: s.doors, Tracer: s.tracer, IDs: s.replies,
		Feed: s.feedOf,
	}
	var err error
	if l.TLS, err = s.tls(); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", c.MLLP)
	if err != nil {
		return nil, err
	}
	if host := ln.Addr().(*net.TCPAddr); l.TLS == nil && !host.IP.IsLoopback() {
		_ = ln.Close()
		return nil, errors.New("plain MLLP is allowed on loopback only: set --mllp-tls-cert, --mllp-tls-key and --mllp-client-ca, or listen on 127.0.0.1")
	}
	s.address = ln.Addr().String()
	s.log.Info("listening for HL7 v2", "mllp", ln.Addr().String(), "tls", l.TLS != nil)
	return func(ctx context.Context) error { return l.Serve(ctx, ln) }, nil
}

// tls is the listener's TLS: mutual, 1.3 unless the feed (known only after the handshake) accepts 1.2.
func (s *service) tls() (*tls.Config, error) {
	c := s.config
	if c.MLLPTLSCert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(c.MLLPTLSCert, c.MLLPTLSKey)
	if err != nil {
		return nil, err
	}
	authorities, err := os.ReadFile(c.MLLPClientCA)
	if err != nil {
		return nil, errors.Join(errors.New("MLLP over TLS is mutual: --mllp-client-ca is needed"), err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, errors.New("--mllp-client-ca holds no certificate")
	}
	return &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientCAs: pool,
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}, nil
}

// feedOf finds the feed of a connection: by its certificate's fingerprint or names, else by loopback.
func (s *service) feedOf(state *tls.ConnectionState) *adt.Feed {
	setup := s.directory.Setup()
	if state == nil {
		return setup.Loopback()
	}
	if len(state.PeerCertificates) == 0 {
		return nil
	}
	cert := state.PeerCertificates[0]
	sum := sha256.Sum256(cert.Raw)
	names := append([]string{hex.EncodeToString(sum[:])}, cert.DNSNames...)
	for _, u := range cert.URIs {
		names = append(names, u.String())
	}
	return setup.Certificate(names...)
}
