package notification

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
	"github.com/handoff-care/handoff/services/notification/internal/desk"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// hear applies a batch of facts: load, decide, save, announce.
func (s *service) hear(ctx context.Context, tx pgx.Tx, batch []events.Event) error {
	var threads []events.ID
	orgs := map[events.ID]bool{}
	for _, e := range batch {
		threads = append(threads, notice.Threads(e)...)
		orgs[e.Org] = true
	}
	if places := facilities(batch); len(places) > 0 {
		if err := store.PutFacilities(ctx, tx, places); err != nil {
			return err
		}
	}
	slices.SortFunc(threads, byBytes)
	loaded, err := store.Load(ctx, tx, slices.Compact(threads), keys(orgs))
	if err != nil {
		return err
	}
	now := moment()
	book := notice.NewBook(now, loaded.Alerts)
	book.Changes = make([]notice.Change, 0, openings(batch))
	if late := notice.LateOpenings(batch); len(late) > 0 {
		counted, err := store.Skipped(ctx, tx, late, notice.LateArrival)
		if err != nil {
			return err
		}
		book.Counted(counted)
	}
	for _, e := range batch {
		book.Hear(e)
	}
	return s.settle(ctx, tx, book, loaded, now)
}

// openings is how many alerts a batch raises at least: nearly all there are.
func openings(batch []events.Event) (n int) {
	for i := range batch {
		if _, is := batch[i].Fact.(events.TransitionOpened); is {
			n++
		}
	}
	return n
}

// facilities are those a batch tells of: the zone says when a shift there begins.
func facilities(batch []events.Event) (out []store.Facility) {
	for _, e := range batch {
		if f, is := e.Fact.(events.FacilityChanged); is && f.Code != "" {
			out = append(out, store.Facility{Org: e.Org, Code: f.Code, Zone: f.Zone, Version: e.Version})
		}
	}
	return out
}

// escalateAtOnce is how many alerts one transaction takes further.
const escalateAtOnce = 500

// escalate takes alerts further that nobody has acknowledged in time.
func (s *service) escalate(ctx context.Context, tx pgx.Tx, now time.Time, due []timer.Timer) error {
	set := map[events.ID]bool{}
	for _, t := range due {
		set[t.Org] = true
	}
	orgs := keys(set)
	alerts, err := store.Unanswered(ctx, tx, orgs, now, escalateAtOnce)
	if err != nil {
		return err
	}
	if len(alerts) > 0 {
		if err := s.further(ctx, tx, orgs, alerts); err != nil {
			return err
		}
	}
	next, err := store.NextEscalation(ctx, tx, orgs)
	if err != nil {
		return err
	}
	var timers []timer.Timer
	for org, at := range next {
		if at.Before(now) {
			at = now // more than one transaction takes
		}
		timers = append(timers, desk.Timer(org, at, at.Sub(now)))
	}
	return timer.Set(ctx, tx, timers...)
}

// further applies the next step of each alert's policy; where none is left, operations are told how
// many went unanswered.
func (s *service) further(ctx context.Context, tx pgx.Tx, orgs []events.ID, alerts []*notice.Alert) error {
	now := moment()
	threads := make([]events.ID, len(orgs))
	for i, org := range orgs {
		threads[i] = notice.ExhaustedThread(org, now)
		if err := store.Claim(ctx, tx, threads[i]); err != nil {
			return err
		}
	}
	loaded, err := store.Load(ctx, tx, threads, orgs)
	if err != nil {
		return err
	}
	book := notice.NewBook(now, append(alerts, loaded.Alerts...))
	exhausted := map[events.ID]int{}
	for _, a := range alerts {
		dir, err := s.dirs.get(ctx, tx, a.Org, loaded.Versions[a.Org])
		if err != nil {
			return err
		}
		step, last := dir.Next(a.Severity, a.Step)
		if last {
			book.Escalate(a, "", "nobody answered", nil, events.Event{Org: a.Org, Occurred: now, Received: now})
			exhausted[a.Org]++
			s.meters.escalations.WithLabelValues("exhausted").Inc()
			continue
		}
		following, _ := dir.Next(a.Severity, a.Step+1)
		at := now.Add(following.Wait)
		book.Escalate(a, step.Target, "no acknowledgement within "+step.Wait.String(), &at, events.Event{Org: a.Org, Occurred: now, Received: now})
		s.meters.escalations.WithLabelValues(step.Target).Inc()
	}
	for org, n := range exhausted {
		book.NobodyAnswered(events.Event{Org: org, Occurred: now, Received: now}, n)
	}
	loaded.Alerts = append(loaded.Alerts, alerts...)
	return s.settle(ctx, tx, book, loaded, now)
}

// record writes what became of a batch of tries on outside channels. A failure for good takes its
// alert to the next escalation step at once.
func (s *service) record(ctx context.Context, tx pgx.Tx, outcomes []store.Outcome, gone []store.Parcel) error {
	ids := map[events.ID]bool{}
	for _, o := range outcomes {
		ids[o.Parcel.Alert] = true
	}
	alerts, err := store.Lock(ctx, tx, keys(ids))
	if err != nil {
		return err
	}
	if outcomes, err = store.Finish(ctx, tx, outcomes); err != nil {
		return err
	}
	now := moment()
	lost, err := s.disable(ctx, tx, gone)
	if err != nil {
		return err
	}
	if err := s.lose(ctx, tx, outcomes); err != nil {
		return err
	}
	w := &tellings{}
	for _, o := range outcomes {
		s.meters.deliveries.WithLabelValues(o.Parcel.Channel, o.State).Inc()
		if o.State == channel.Pending {
			continue
		}
		w.outcome(o, alerts, now)
	}
	if err := store.EscalateNow(ctx, tx, w.failed, now); err != nil {
		return err
	}
	if err := timer.Set(ctx, tx, w.wake(now)...); err != nil {
		return err
	}
	if len(lost) > 0 {
		return s.tellLost(ctx, tx, w, lost, now)
	}
	if err := store.Log(ctx, tx, w.rows, now); err != nil {
		return err
	}
	return s.outbox.Announce(ctx, tx, w.facts...)
}

// lose ends devices that push services do not know any more, organization by organization.
func (s *service) lose(ctx context.Context, tx pgx.Tx, outcomes []store.Outcome) error {
	by := map[events.ID][]events.ID{}
	for _, o := range outcomes {
		if len(o.Lost) > 0 {
			by[o.Parcel.Org] = append(by[o.Parcel.Org], o.Lost...)
		}
	}
	for org, ids := range by {
		if err := store.LoseDevices(ctx, tx, org, ids); err != nil {
			return err
		}
	}
	return nil
}

// tellings is what a batch of tries comes to.
type tellings struct {
	rows   []ledger.Row
	facts  []events.Event
	failed []events.ID // alerts
	orgs   map[events.ID]bool
}

func (w *tellings) outcome(o store.Outcome, alerts []*notice.Alert, now time.Time) {
	p := o.Parcel
	w.rows = append(w.rows, ledger.Row{Org: p.Org, Decision: o.State, Alert: p.Alert, Version: p.Version,
		Recipient: p.Recipient, Channel: p.Channel, Reason: o.Reason})
	i := slices.IndexFunc(alerts, func(a *notice.Alert) bool { return a.ID == p.Alert })
	if i < 0 {
		return
	}
	e := events.Event{Org: p.Org, Occurred: now, Received: now}
	switch o.State {
	case channel.Delivered:
		e.Fact = events.AlertDelivered{Notice: events.Notice{Alert: desk.Published(alerts[i])}}
	case channel.Failed:
		e.Fact = events.AlertFailed{Notice: events.Notice{Alert: desk.Published(alerts[i])}}
		w.failed = append(w.failed, p.Alert)
		if w.orgs == nil {
			w.orgs = map[events.ID]bool{}
		}
		w.orgs[p.Org] = true
	default:
		return
	}
	w.facts = append(w.facts, e)
}

func (w *tellings) wake(now time.Time) (timers []timer.Timer) {
	for _, org := range keys(w.orgs) {
		timers = append(timers, desk.Timer(org, now, 0))
	}
	return timers
}

// disable switches off webhook receivers that answered 410, and returns those that were on.
func (s *service) disable(ctx context.Context, tx pgx.Tx, gone []store.Parcel) (lost []store.Parcel, err error) {
	for _, p := range gone {
		was, err := store.DisableEndpoint(ctx, tx, p.Org, p.Endpoint, "answered 410")
		if err != nil {
			return nil, err
		}
		if was {
			lost = append(lost, p)
		}
	}
	return lost, nil
}

// tellLost tells operations of receivers that are gone, together with the rest of the batch.
func (s *service) tellLost(ctx context.Context, tx pgx.Tx, w *tellings, lost []store.Parcel, now time.Time) error {
	var threads []events.ID
	orgs := map[events.ID]bool{}
	for _, p := range lost {
		threads = append(threads, notice.EndpointThread(p.Endpoint))
		orgs[p.Org] = true
	}
	loaded, err := store.Load(ctx, tx, threads, keys(orgs))
	if err != nil {
		return err
	}
	book := notice.NewBook(now, loaded.Alerts)
	for _, p := range lost {
		book.EndpointDisabled(events.Event{Org: p.Org, Occurred: now, Received: now}, p.Endpoint)
	}
	return s.settleWith(ctx, tx, book, loaded, now, w.rows, w.facts)
}

func byBytes(a, b events.ID) int { return slices.Compare(a[:], b[:]) }

// keys are the ids of a set in a fixed order, so that locks are taken in one.
func keys(set map[events.ID]bool) []events.ID {
	return slices.SortedFunc(maps.Keys(set), byBytes)
}

// moment is now in the database's precision.
func moment() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
