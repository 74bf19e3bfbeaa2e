package notification

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// directories keeps each organization's directory in memory until its version changes.
type directories struct {
	mu sync.Mutex
	by map[events.ID]*routing.Directory
}

// get returns the directory of an organization at a version, reading it where the one in memory is
// another.
func (d *directories) get(ctx context.Context, tx pgx.Tx, org events.ID, version int64) (*routing.Directory, error) {
	d.mu.Lock()
	dir := d.by[org]
	d.mu.Unlock()
	if dir != nil && dir.Version == version {
		return dir, nil
	}
	data, err := store.Directory(ctx, tx, org)
	if err != nil {
		return nil, fmt.Errorf("read the directory: %w", err)
	}
	dir = routing.NewDirectory(data)
	d.mu.Lock()
	d.by[org] = dir
	d.mu.Unlock()
	return dir, nil
}

// settle makes of a book what it means: who is told, what is recorded, announced and woken.
func (s *service) settle(ctx context.Context, tx pgx.Tx, book *notice.Book, loaded store.Loaded, now time.Time) error {
	return s.settleWith(ctx, tx, book, loaded, now, nil, nil)
}

// settleWith is settle with further ledger rows and facts of the same transaction.
func (s *service) settleWith(ctx context.Context, tx pgx.Tx, book *notice.Book, loaded store.Loaded, now time.Time, rows []ledger.Row, facts []events.Event) error {
	book.Finish()
	d := &desk{now: now, told: map[events.ID][]store.Told{}, facts: facts}
	d.work.Ledger = rows
	if err := s.loadTold(ctx, tx, d, book, loaded); err != nil {
		return err
	}
	for i := range book.Changes {
		c := &book.Changes[i]
		dir, err := s.dirs.get(ctx, tx, c.Alert.Org, loaded.Versions[c.Alert.Org])
		if err != nil {
			return err
		}
		d.change(dir, c)
	}
	for i := range book.Skips {
		d.skip(&book.Skips[i])
	}
	for i := range book.Signals {
		d.signal(&book.Signals[i])
	}
	d.work.Fresh, d.work.Changed = book.Fresh(), book.Changed()
	if err := timer.Set(ctx, tx, d.timers()...); err != nil {
		return err
	}
	if err := store.Save(ctx, tx, &d.work, now); err != nil {
		return err
	}
	if err := s.outbox.Announce(ctx, tx, d.facts...); err != nil {
		return err
	}
	s.observe(book, d, now)
	return nil
}

// loadTold reads who was told of the alerts that were there before, if any of them changed.
func (s *service) loadTold(ctx context.Context, tx pgx.Tx, d *desk, book *notice.Book, loaded store.Loaded) error {
	if len(loaded.Alerts) == 0 || len(book.Changes) == 0 {
		return nil
	}
	ids := map[events.ID]bool{}
	for _, a := range loaded.Alerts {
		ids[a.ID] = true
	}
	told, err := store.Deliveries(ctx, tx, keys(ids))
	for _, t := range told {
		d.told[t.Alert] = append(d.told[t.Alert], t)
	}
	return err
}

// observe counts, and wakes whoever waits for what is about to be committed.
func (s *service) observe(book *notice.Book, d *desk, now time.Time) {
	for i := range book.Changes {
		if c := &book.Changes[i]; c.Act == notice.Raise {
			s.meters.alerts.WithLabelValues(c.Alert.Kind).Inc()
			s.meters.frameToAlert.WithLabelValues("raised").Observe(now.Sub(c.Alert.ReceivedAt).Seconds())
		}
	}
	for i := range d.work.Deliveries {
		v := &d.work.Deliveries[i]
		s.meters.deliveries.WithLabelValues(v.Channel, v.State).Inc()
		if p := s.posts[v.Channel]; p != nil {
			p.Ring()
		}
	}
	s.hub.Ring()
}

// desk turns the changes of one transaction into rows. Not safe for concurrent use.
type desk struct {
	now     time.Time
	told    map[events.ID][]store.Told // by alert: everyone told before, and in this transaction
	work    store.Work
	facts   []events.Event
	waiting map[timer.Timer]bool
}

func (d *desk) change(dir *routing.Directory, c *notice.Change) {
	switch c.Act {
	case notice.Raise:
		d.route(dir, c, "")
	case notice.Escalate:
		d.row(c, ledger.Escalated, c.Target, "", c.Reason)
		if c.Tell == notice.Further {
			d.route(dir, c, c.Target)
		}
		d.wait(c.Live, c.Live.EscalateAt)
	case notice.Reopen, notice.Correct:
		d.correct(c)
	case notice.Resolve:
		d.row(c, ledger.Resolved, c.By, "", c.Reason)
		if c.Tell == notice.Told {
			d.correct(c)
		}
	case notice.Fold:
		d.row(c, ledger.Suppressed, "", "", "folded into this thread: "+c.Reason)
	case notice.Acknowledge:
		d.row(c, ledger.Acknowledged, c.By, "", c.Reason)
	case notice.Hide:
		c.Live.Audience = dir.Route(question(c.Live, "")).Audience
		d.row(c, ledger.Corrected, "", "", "confidential: the owning role's console only from now on")
		d.supersede(c, "confidential")
	}
	if c.Act == notice.Raise || c.Act == notice.Reopen {
		d.schedule(dir, c.Live)
	}
	c.Alert.Audience = c.Live.Audience
	d.line(c)
	d.announce(c)
}

func question(a *notice.Alert, target string) routing.Question {
	q := routing.Question{Kind: a.Kind, Facility: a.Facility, Unit: a.Unit, Severity: a.Severity,
		Owner: a.Owner, OwnerRole: a.OwnerRole, Target: target, Sensitive: a.Sensitive}
	if target != "" {
		q.Severity = q.Severity.Raised() // what nobody answered may disturb more
	}
	return q
}

// route tells whom the directory names.
func (d *desk) route(dir *routing.Directory, c *notice.Change, target string) {
	answer := dir.Route(question(&c.Alert, target))
	for _, r := range answer.Audience {
		if !slices.Contains(c.Live.Audience, r) {
			c.Live.Audience = append(slices.Clip(c.Live.Audience), r)
		}
	}
	for _, x := range answer.Decisions {
		d.row(c, x.What, x.Recipient, x.Channel, x.Reason)
		if x.What == routing.Selected {
			d.deliver(c, x.Recipient, x.Channel)
		}
	}
}

// deliver makes a delivery. The console's is made by being written: the alert is in the recipient's
// inbox, and on the stream of whoever looks.
func (d *desk) deliver(c *notice.Change, recipient, road string) {
	v := store.Delivery{Alert: c.Alert.ID, Org: c.Alert.Org, Recipient: recipient, Channel: road, Version: c.Alert.Version, State: channel.Pending}
	if road == routing.Console {
		v.State, v.Reason = channel.Delivered, "in the console"
		d.row(c, ledger.Delivered, recipient, road, v.Reason)
	}
	d.work.Deliveries = append(d.work.Deliveries, v)
	d.told[v.Alert] = append(d.told[v.Alert], store.Told{Alert: v.Alert, Recipient: recipient, Channel: road, Version: v.Version, State: v.State})
}

// correct tells everyone who was told before. What nobody has tried to send yet is overtaken.
func (d *desk) correct(c *notice.Change) {
	if c.Tell != notice.Told {
		d.row(c, ledger.Corrected, "", "", c.Reason)
		return
	}
	unsent := d.supersede(c, "superseded")
	done := map[[2]string]bool{}
	for _, t := range slices.Clone(d.told[c.Alert.ID]) {
		key := [2]string{t.Recipient, t.Channel}
		heard := t.State == channel.Delivered || t.State == channel.Pending && t.Attempts > 0
		// Nobody who has heard nothing needs to hear that it is over.
		stands := unsent[key] && c.Alert.State != notice.Resolved
		if done[key] || !heard && !stands {
			continue
		}
		done[key] = true
		if c.Alert.Sensitive && t.Channel != routing.Console {
			d.row(c, ledger.Suppressed, t.Recipient, t.Channel, "confidential")
			continue
		}
		d.row(c, ledger.Corrected, t.Recipient, t.Channel, c.Reason)
		d.deliver(c, t.Recipient, t.Channel)
	}
	if len(done) == 0 {
		d.row(c, ledger.Corrected, "", "", c.Reason)
	}
}

// supersede takes back the deliveries of an alert that nobody has tried yet, and says to whom.
func (d *desk) supersede(c *notice.Change, why string) map[[2]string]bool {
	unsent := map[[2]string]bool{}
	told := d.told[c.Alert.ID]
	for i, t := range told {
		if t.State != channel.Pending || t.Attempts > 0 {
			continue
		}
		unsent[[2]string{t.Recipient, t.Channel}] = true
		told[i].State = channel.Suppressed
		d.row(c, ledger.Suppressed, t.Recipient, t.Channel, why)
		made := slices.IndexFunc(d.work.Deliveries, func(v store.Delivery) bool {
			return v.Alert == t.Alert && v.Recipient == t.Recipient && v.Channel == t.Channel && v.Version == t.Version
		})
		if made >= 0 {
			d.work.Deliveries[made].State, d.work.Deliveries[made].Reason = channel.Suppressed, why
		} else {
			d.work.Superseded = append(d.work.Superseded, t)
		}
	}
	return unsent
}

func (d *desk) row(c *notice.Change, decision, recipient, road, reason string) {
	d.work.Ledger = append(d.work.Ledger, ledger.Row{
		Org: c.Alert.Org, Decision: decision, Alert: c.Alert.ID, Version: c.Alert.Version,
		Recipient: recipient, Channel: road, Reason: reason, Event: c.Event.ID, Actor: c.By,
	})
}

// skip records a trigger that raised nothing.
func (d *desk) skip(k *notice.Skip) {
	d.work.Ledger = append(d.work.Ledger, ledger.Row{Org: k.Event.Org, Decision: ledger.Suppressed, Alert: k.Alert, Reason: k.Reason, Event: k.Event.ID})
}

// schedule sets when the alert is taken further, counted from now.
func (d *desk) schedule(dir *routing.Directory, a *notice.Alert) {
	if a.State != notice.Raised || !notice.Escalates(a.Kind) {
		return
	}
	step, _ := dir.Next(a.Severity, a.Step)
	if step.Wait <= 0 {
		return
	}
	a.EscalateAt = new(d.now.Add(step.Wait))
	d.wait(a, a.EscalateAt)
}

func (d *desk) wait(a *notice.Alert, at *time.Time) {
	if at == nil {
		return
	}
	if d.waiting == nil {
		d.waiting = map[timer.Timer]bool{}
	}
	d.waiting[escalationTimer(a.Org, *at, at.Sub(d.now))] = true
}

func (d *desk) timers() []timer.Timer {
	out := make([]timer.Timer, 0, len(d.waiting))
	for t := range d.waiting {
		out = append(out, t)
	}
	return out
}

// data is the stream's data, as contract.md fixes it: no names.
type data struct {
	ID         events.ID       `json:"id"`
	Kind       string          `json:"kind"`
	Encounter  events.ID       `json:"encounter_id"`
	Transition events.ID       `json:"transition_id"`
	Task       events.ID       `json:"task_id"`
	State      string          `json:"state"`
	Severity   notice.Severity `json:"severity"`
	Cause      events.ID       `json:"cause"`
	OccurredAt time.Time       `json:"occurred_at"`
	ReceivedAt time.Time       `json:"received_at"`
	RaisedAt   time.Time       `json:"raised_at"`
}

func (d *desk) line(c *notice.Change) {
	name := "alert-update"
	if c.Act == notice.Raise {
		name = "alert"
	}
	a := &c.Alert
	d.send(&c.Event, name, a.Audience, data{
		ID: a.ID, Kind: a.Kind, Encounter: a.Encounter, Transition: a.Transition, Task: a.Task, State: string(a.State), Severity: a.Severity,
		Cause: a.Cause, OccurredAt: a.OccurredAt, ReceivedAt: a.ReceivedAt, RaisedAt: a.RaisedAt,
	})
}

func (d *desk) signal(g *notice.Signal) {
	d.send(&g.Event, g.Name, g.Audience, data{
		ID: g.ID, Kind: g.Kind, Encounter: g.Encounter, Transition: g.Transition, Task: g.Task, State: g.State, Severity: g.Severity,
		Cause: g.Event.ID, OccurredAt: g.Event.Occurred, ReceivedAt: g.Event.Received, RaisedAt: d.now,
	})
}

func (d *desk) send(e *events.Event, name string, audience []string, v data) {
	v.OccurredAt, v.ReceivedAt, v.RaisedAt = v.OccurredAt.UTC(), v.ReceivedAt.UTC(), v.RaisedAt.UTC()
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // ids, codes and times always encode
	}
	d.work.Lines = append(d.work.Lines, store.Line{
		Org: e.Org, Received: v.ReceivedAt, Name: name, Audience: audience, Data: b, Trace: e.Traceparent,
	})
}

// announce tells other services.
func (d *desk) announce(c *notice.Change) {
	n := events.Notice{Alert: published(&c.Alert)}
	n.Alert.By = c.By
	var f events.Fact
	switch c.Act {
	case notice.Raise:
		f = events.AlertRaised{Notice: n}
	case notice.Acknowledge:
		f = events.AlertAcknowledged{Notice: n}
	case notice.Escalate:
		f = events.AlertEscalated{Notice: n}
	case notice.Resolve:
		f = events.AlertResolved{Notice: n}
	default:
		f = events.AlertCorrected{Notice: n}
	}
	occurred := d.now
	if c.Act == notice.Raise {
		occurred = c.Event.Occurred
	}
	d.facts = append(d.facts, c.Event.Caused(f, occurred))
}

// published is an alert as other services see it.
func published(a *notice.Alert) events.Alert {
	return events.Alert{
		ID: a.ID, Encounter: a.Encounter, Transition: a.Transition, Task: a.Task, Facility: a.Facility, Unit: a.Unit,
		Kind: a.Kind, Cause: a.Cause, State: string(a.State), Severity: string(a.Severity), Reason: a.Reason, Version: a.Version,
		Recipients: a.Audience, OccurredAt: a.OccurredAt.UTC(), ReceivedAt: a.ReceivedAt.UTC(), RaisedAt: a.RaisedAt.UTC(), By: a.AcknowledgedBy,
	}
}
