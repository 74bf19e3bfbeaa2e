package store

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/handoff-care/handoff/services/admission/internal/adt"
)

// Limits of one commit: messages and bytes.
const (
	maxBatch = 500
	maxBytes = 16 << 20
)

// Limits of gather: the longest wait, and the batch that is large enough without.
const (
	gatherMost = time.Millisecond
	gatherSize = 16
)

// Keeper commits messages, all connections' in one place: whatever came during the last commit goes
// into the next one, together with what those send next who were answered by the last.
type Keeper struct {
	store *Store
	log   *slog.Logger
	queue chan *adt.Inbound
	kept  func([]*adt.Inbound) // called after the commit, before anyone is told, with those to handle
	doubt func()               // called when a commit's result is not known: some may be kept
	size  prometheus.Histogram
	trace trace.Tracer
}

// NewKeeper returns a keeper that hands what it kept to kept.
func NewKeeper(s *Store, log *slog.Logger, metrics prometheus.Registerer, tracer trace.Tracer, kept func([]*adt.Inbound), doubt func()) *Keeper {
	k := &Keeper{store: s, log: log, queue: make(chan *adt.Inbound, 2*maxBatch), kept: kept, doubt: doubt, trace: tracer}
	k.size = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "handoff_admission_keep_batch_messages", Help: "Messages per commit of received messages.",
		Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512},
	})
	metrics.MustRegister(k.size)
	return k
}

// Submit hands a message over; its Done channel tells the rest. It blocks while the keeper is behind.
func (k *Keeper) Submit(ctx context.Context, in *adt.Inbound) error {
	select {
	case k.queue <- in:
		return nil
	default:
	}
	select {
	case k.queue <- in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run keeps until ctx is done; what was submitted before is still kept.
func (k *Keeper) Run(ctx context.Context) error {
	defer k.store.Release(ctx)
	batch := make([]*adt.Inbound, 0, maxBatch)
	want, patience := 0, time.Duration(0)
	for {
		batch = batch[:0]
		select {
		case in := <-k.queue:
			batch = append(batch, in)
		case <-ctx.Done():
			if batch = k.drain(batch, 0); len(batch) == 0 {
				return nil
			}
		}
		batch = k.drain(batch, bytesOf(batch))
		if ctx.Err() == nil {
			batch = k.gather(batch, want, patience)
		}
		began := time.Now()
		k.keep(context.WithoutCancel(ctx), batch)
		want, patience = len(batch)+len(k.queue), min(time.Since(began)/2, gatherMost)
	}
}

// gather waits, no longer than patience, until want messages are there. Senders wait for an answer
// before they send again: without this, half of them would always just have missed the commit, and
// wait for two.
func (k *Keeper) gather(batch []*adt.Inbound, want int, patience time.Duration) []*adt.Inbound {
	if want = min(want, gatherSize); len(batch) >= want {
		return batch
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	size := bytesOf(batch)
	for len(batch) < want && size < maxBytes {
		select {
		case in := <-k.queue:
			batch, size = append(batch, in), size+len(in.Raw)
		case <-late.C:
			return batch
		}
	}
	return batch
}

func bytesOf(batch []*adt.Inbound) (n int) {
	for _, in := range batch {
		n += len(in.Raw)
	}
	return n
}

// drain adds what is waiting, up to the limits of a commit.
func (k *Keeper) drain(batch []*adt.Inbound, size int) []*adt.Inbound {
	for len(batch) < maxBatch && size < maxBytes {
		select {
		case in := <-k.queue:
			batch, size = append(batch, in), size+len(in.Raw)
		default:
			return batch
		}
	}
	return batch
}

// keep commits a batch, again and again while the database does not answer, but not longer than
// anyone waits for it.
func (k *Keeper) keep(ctx context.Context, batch []*adt.Inbound) {
	k.size.Observe(float64(len(batch)))
	began := time.Now()
	wait := 10 * time.Millisecond
	for {
		attempt, cancel := context.WithTimeout(ctx, adt.KeepWithin)
		err := k.store.Keep(attempt, batch)
		cancel()
		if err == nil {
			break
		}
		k.doubt()
		k.log.ErrorContext(ctx, "messages not kept yet", "messages", len(batch), "error", err)
		if batch = waitedFor(batch, err); len(batch) == 0 {
			return
		}
		time.Sleep(wait)
		wait = min(2*wait, time.Second)
	}
	fresh := make([]*adt.Inbound, 0, len(batch))
	for _, in := range batch {
		if in.State == adt.Kept && !in.Duplicate {
			fresh = append(fresh, in)
		}
	}
	if len(fresh) > 0 {
		k.kept(fresh)
	}
	for _, in := range batch {
		in.Finish(nil)
		if in.Span.IsSampled() {
			_, span := k.trace.Start(trace.ContextWithRemoteSpanContext(ctx, in.Span), "keep message", trace.WithTimestamp(began))
			span.End()
		}
	}
}

// waitedFor drops the messages whose senders have given up by now.
func waitedFor(batch []*adt.Inbound, err error) []*adt.Inbound {
	out := batch[:0]
	for _, in := range batch {
		if time.Since(in.Received) < adt.KeepWithin {
			out = append(out, in)
		} else {
			in.Finish(err)
		}
	}
	return out
}
