package referral

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/telemetry"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/referral"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// now is the time that is recorded: as fine as the database keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// work is what one transaction does to referrals: it remembers which were touched and which of their
// entries have been told as facts, so that everything is saved and announced once, at the end.
type work struct {
	at    time.Time
	cause func(*referral.Referral) events.Event // what moves a referral just now
	list  []*referral.Referral
	told  map[*referral.Referral]int
	facts []events.Event
}

func newWork(at time.Time, cause func(*referral.Referral) events.Event) *work {
	return &work{at: at, cause: cause, told: map[*referral.Referral]int{}}
}

// byItself is the cause of what the service does of its own accord.
func byItself(at time.Time) func(*referral.Referral) events.Event {
	return func(r *referral.Referral) events.Event { return events.Event{Org: r.Org, Received: at} }
}

// take notes what was done to referrals since it was last noted.
func (w *work) take(list ...*referral.Referral) {
	for _, r := range list {
		n, seen := w.told[r]
		if !seen {
			w.list = append(w.list, r)
		}
		for _, entry := range r.Entries[n:] {
			cause := w.cause(r)
			w.facts = append(w.facts, cause.Caused(entry.Fact, occurred(entry, cause)))
		}
		w.told[r] = len(r.Entries)
	}
}

// occurred is when a change happened in the world: an arrival when the person was admitted, all else
// when it was done here.
func occurred(entry referral.Entry, cause events.Event) time.Time {
	if _, admission := cause.Fact.(events.EncounterFact); admission && entry.Action == referral.Arrive {
		return cause.Occurred
	}
	return entry.At
}

// moved are the referrals whose place or person may have changed under a provider already chosen.
func (w *work) moved() (list []*referral.Referral) {
	for _, r := range w.list {
		if len(r.Entries) > 0 && (slices.Contains(referral.Chosen, r.State) || r.State == referral.Arrived) {
			list = append(list, r)
		}
	}
	return list
}

// settle compares referrals with the stays that are known, and moves those that the stays close.
func (s *service) settle(ctx context.Context, tx pgx.Tx, w *work, directories map[events.ID]*held, list []*referral.Referral) error {
	var patients []events.ID
	for _, r := range list {
		if slices.Contains(referral.Chosen, r.State) || r.State == referral.Arrived {
			patients = append(patients, r.Patient)
		}
	}
	if len(patients) == 0 {
		return nil
	}
	persons, err := store.Kin(ctx, tx, patients)
	if err != nil {
		return err
	}
	stays, err := store.ArrivalsOf(ctx, tx, persons.All())
	if err != nil {
		return err
	}
	for _, r := range list {
		if d := directories[r.Org]; d != nil {
			r.Settle(stays, d.places[r.Provider], persons, referral.Act{At: w.at})
		}
	}
	w.take(list...)
	return nil
}

// finish saves what was touched and announces what was done: the last statements of a transaction.
func (s *service) finish(ctx context.Context, tx pgx.Tx, w *work) error {
	var dirty []*referral.Referral
	var timers []timer.Timer
	for _, r := range w.list {
		if len(r.Entries) == 0 && !r.Dirty {
			continue
		}
		dirty = append(dirty, r)
		if len(r.Entries) > 0 && r.Entries[0].Action == referral.Draft {
			timers = append(timers, timer.Timer{Name: expireTimer, Key: r.ID, Org: r.Org, Due: w.at.Add(patience)})
		}
		if due := r.Deadline(); due != nil && asks(r) {
			timers = append(timers, timer.Timer{Name: waveTimer, Key: r.ID, Org: r.Org, Due: *due})
		}
	}
	if err := store.Save(ctx, tx, dirty); err != nil {
		return err
	}
	if err := timer.Set(ctx, tx, timers...); err != nil {
		return err
	}
	return s.outbox.Announce(ctx, tx, w.facts...)
}

// asks reports whether providers were asked just now: only then a deadline is new.
func asks(r *referral.Referral) bool {
	return slices.ContainsFunc(r.Entries, func(e referral.Entry) bool { return e.Action == referral.Send })
}

// act is one person's request to change one referral.
type act struct {
	id      events.ID
	match   *int // the version they decided on; nil: any
	request string
	accept  bool // a lost acceptance is told who won, whatever version it was decided on
	act     referral.Act
	do      func(d *held, r *referral.Referral, a referral.Act) error
}

// change does what a person asks: load, decide, save, announce. It returns the referral as it is after it.
func (s *service) change(ctx context.Context, a act) (out *store.View, err error) {
	who := web.From(ctx)
	err = s.outbox.Tx(ctx, who.Org, func(tx pgx.Tx) error {
		out, err = web.Once(ctx, tx, a.request, func() (*store.View, error) {
			if err := s.changeOne(ctx, tx, who, a); err != nil {
				return nil, err
			}
			return store.One(ctx, tx, a.id)
		})
		return err
	})
	return out, err
}

func (s *service) changeOne(ctx context.Context, tx pgx.Tx, who web.Principal, a act) error {
	r, err := store.Lock(ctx, tx, a.id)
	if err != nil {
		return err
	}
	if a.match != nil && *a.match != r.Version && !(a.accept && r.Taken()) {
		return fault.New(fault.Stale, "the referral is at version %d now", r.Version).With("version", r.Version).With("state", r.State)
	}
	directories, err := s.directories.of(ctx, tx, who.Org)
	if err != nil {
		return err
	}
	asked := events.Event{Org: who.Org, Received: now(), Traceparent: telemetry.Inject(ctx)}
	w := newWork(asked.Received, func(*referral.Referral) events.Event { return asked })
	a.act.At, a.act.By = w.at, who.Subject
	directories[who.Org].help(&a.act, r)
	if err := a.do(directories[who.Org], r, a.act); err != nil {
		return err
	}
	w.take(r)
	if err := s.settle(ctx, tx, w, directories, w.moved()); err != nil {
		return err
	}
	return s.finish(ctx, tx, w)
}
