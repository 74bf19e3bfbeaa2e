package channel

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// The states of a delivery (contract.md).
const (
	Pending    = "pending"
	Delivered  = "delivered"
	Failed     = "failed"
	Suppressed = "suppressed"
)

// Result is what became of one try. Pending means: try again, not before NotBefore from now.
type Result struct {
	State     string
	Reason    string // shown to people and kept for ever: codes and plain words only
	NotBefore time.Duration
	Gone      bool        // the receiver asked never to be called again
	Lost      []events.ID // devices that a push service does not know any more
}

// Sender tries one delivery. It must come back when ctx is done, and be safe for concurrent use.
type Sender interface {
	Send(ctx context.Context, p *store.Parcel) Result
}

// Schedule is how long to wait before the second try, the third, ...; after the last one the
// delivery has failed. It is the schedule that Standard Webhooks recommends.
var Schedule = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

const (
	postBatch  = 32
	postTries  = 20 * time.Second
	postRecord = 10 * time.Second
	// A delivery whose try was cut off by a crash is tried again after this. It is longer than the others
	// together, so that no second try begins while the first may still end well.
	postLease = postTries + postRecord + 5*time.Second
)

// ReferenceOf is the id that all tries of one delivery carry: webhook-id, and the left part of the
// Message-ID.
func ReferenceOf(p *store.Parcel) string {
	return "msg_" + events.Derive("delivery", p.Alert.String(), p.Recipient, p.Channel, itoa(p.Version)).String()
}

// Post sends one channel's deliveries that wait, outside of any transaction: claim, try, record.
type Post struct {
	Outbox  *outbox.Outbox
	Channel string
	Sender  Sender // nil: this channel is not set up here
	// Record writes what became of a batch of tries: states, ledger, facts, escalation.
	Record   func(ctx context.Context, tx pgx.Tx, outcomes []store.Outcome, gone []store.Parcel) error
	Schedule []time.Duration
	Log      *slog.Logger
	bell     chan struct{}
}

// NewPost returns a channel's post with the usual schedule.
func NewPost(o *outbox.Outbox, channel string, sender Sender, log *slog.Logger) *Post {
	return &Post{Outbox: o, Channel: channel, Sender: sender, Schedule: Schedule, Log: log, bell: make(chan struct{}, 1)}
}

// Ring says that there may be deliveries. It never waits.
func (p *Post) Ring() {
	select {
	case p.bell <- struct{}{}:
	default:
	}
}

// Run sends until ctx is done: at once when rung, else every second.
func (p *Post) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		n, err := p.RunOnce(ctx)
		if err != nil && ctx.Err() == nil {
			p.Log.WarnContext(ctx, "deliveries cannot be worked on", "error", err)
		}
		if n == postBatch && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-p.bell:
		}
	}
}

// RunOnce claims a batch, tries it and records what became of it. It returns how many it claimed.
func (p *Post) RunOnce(ctx context.Context) (int, error) {
	var parcels []store.Parcel
	err := p.Outbox.SystemTx(ctx, func(tx pgx.Tx) (err error) {
		if parcels, err = store.ClaimDeliveries(ctx, tx, p.Channel, postBatch, postLease); err != nil || len(parcels) == 0 {
			return err
		}
		rows := make([]ledger.Row, len(parcels))
		for i, c := range parcels {
			why := "try " + itoa(c.Attempts)
			if c.Attempts > 1 {
				why += "; before: " + c.Reason
			}
			rows[i] = ledger.Row{Org: c.Org, Decision: ledger.Attempted, Alert: c.Alert, Version: c.Version,
				Recipient: c.Recipient, Channel: c.Channel, Reason: why}
		}
		return store.Log(ctx, tx, rows, now())
	})
	if err != nil || len(parcels) == 0 {
		return 0, err
	}
	outcomes, gone := p.try(ctx, parcels)
	// What was sent is recorded even when the program is stopping.
	record, cancel := context.WithTimeout(context.WithoutCancel(ctx), postRecord)
	defer cancel()
	return len(parcels), p.Outbox.SystemTx(record, func(tx pgx.Tx) error { return p.Record(record, tx, outcomes, gone) })
}

// try sends the parcels, side by side: one that hangs holds up no other.
func (p *Post) try(ctx context.Context, parcels []store.Parcel) (outcomes []store.Outcome, gone []store.Parcel) {
	trying, cancel := context.WithTimeout(ctx, postTries)
	defer cancel()
	results := make([]Result, len(parcels))
	var wg sync.WaitGroup
	for i := range parcels {
		wg.Go(func() { results[i] = p.send(trying, &parcels[i]) })
	}
	wg.Wait()
	for i, r := range results {
		o := store.Outcome{Parcel: parcels[i], State: r.State, Reason: r.Reason, Lost: r.Lost}
		switch {
		case r.State == Pending && ctx.Err() != nil:
			o.Cut, o.Reason = true, "cut off: the program was stopping"
		case r.State == Pending:
			o.State, o.Wait = p.again(parcels[i].Failures+1, r.NotBefore)
		}
		if r.Gone {
			gone = append(gone, parcels[i])
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, gone
}

func (p *Post) send(ctx context.Context, parcel *store.Parcel) Result {
	if parcel.Sensitive {
		return Result{State: Suppressed, Reason: "confidential"}
	}
	if p.Sender == nil {
		return Result{State: Suppressed, Reason: p.Channel + " is not set up here"}
	}
	return p.Sender.Send(ctx, parcel)
}

// again gives the wait before the next try, with up to a tenth more at random so that receivers that
// come back are not met by everybody at once; after the last try the delivery has failed.
func (p *Post) again(failures int, notBefore time.Duration) (string, time.Duration) {
	if failures > len(p.Schedule) {
		return Failed, 0
	}
	wait := p.Schedule[failures-1]
	wait += time.Duration(rand.Int64N(int64(wait)/10 + 1))
	return Pending, max(wait, min(notBefore, 24*time.Hour))
}
