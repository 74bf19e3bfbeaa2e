package desk

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/services/notification/internal/channel"
	"github.com/handoff-care/handoff/services/notification/internal/ledger"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
	"github.com/handoff-care/handoff/services/notification/internal/routing"
	"github.com/handoff-care/handoff/services/notification/internal/store"
)

// Desk turns the changes of one transaction into rows and facts. Not safe for concurrent use.
type Desk struct {
	Work  store.Work
	Facts []events.Event

	now     time.Time
	told    map[events.ID][]store.Told // by alert: everyone told before, and in this transaction
	waiting map[timer.Timer]bool
}

// New returns an empty desk at a time.
func New(now time.Time) *Desk { return &Desk{now: now, told: map[events.ID][]store.Told{}} }

// Told says who was told of the alerts before.
func (d *Desk) Told(list []store.Told) {
	for _, t := range list {
		d.told[t.Alert] = append(d.told[t.Alert], t)
	}
}

// Timer wakes an organization's escalations at due or a little later: times are rounded up so that
// alerts share timers. wait is how long that is from now.
func Timer(org events.ID, due time.Time, wait time.Duration) timer.Timer {
	grain := time.Second
	if wait >= 5*time.Minute {
		grain = 15 * time.Second
	}
	at := due.Truncate(grain).Add(grain)
	return timer.Timer{Name: Escalation, Key: events.Derive(Escalation, org.String(), at.UTC().Format(time.RFC3339)), Org: org, Due: at}
}

// Escalation is the name of the timers that wake escalations: one per organization and few seconds,
// not one per alert. Alerts know themselves when their next step is due.
const Escalation = "escalation"

// Change records, tells and announces one change.
func (d *Desk) Change(dir *routing.Directory, c *notice.Change) {
	switch c.Act {
	case notice.Raise:
		d.route(dir, c, d.question(&c.Alert, ""))
	case notice.Escalate:
		d.row(c, ledger.Escalated, c.Target, "", c.Reason)
		if c.Tell == notice.Further {
			d.route(dir, c, d.question(&c.Alert, c.Target))
		}
		d.wait(c.Live, c.Live.EscalateAt)
	case notice.Reopen, notice.Correct:
		if c.Alert.Sensitive { // it may have become so while there was nothing to hide
			c.Live.Audience = dir.Route(d.question(c.Live, "")).Audience
		}
		d.correct(c)
		if c.Rose && c.Alert.State != notice.Resolved {
			d.widen(dir, c)
		}
	case notice.Resolve:
		d.row(c, ledger.Resolved, c.By, "", c.Reason)
		if c.Tell == notice.Told {
			d.correct(c)
		}
	case notice.Fold:
		d.row(c, ledger.Suppressed, "", "", "folded into this thread: "+c.Reason)
	case notice.Acknowledge:
		d.row(c, ledger.Acknowledged, c.By, "", c.Reason)
	case notice.HandOver:
		d.row(c, ledger.HandedOver, c.Target, "", c.Reason)
		c.Live.Audience = nil
		q := d.question(&c.Alert, c.Target)
		q.Handed = true
		d.route(dir, c, q)
	case notice.TakeBack:
		d.row(c, ledger.TakenBack, c.By, "", string(c.Undone.Act))
		d.recall(c)
		d.wait(c.Live, c.Live.EscalateAt)
	case notice.Hide:
		c.Live.Audience = dir.Route(d.question(c.Live, "")).Audience
		d.row(c, ledger.Corrected, "", "", "confidential: the owning role's console only from now on")
		d.supersede(c, "confidential")
	}
	if c.Act == notice.Raise || c.Act == notice.Reopen || c.Act == notice.HandOver || c.Rose {
		d.schedule(dir, c.Live)
	}
	c.Alert.Audience = c.Live.Audience
	d.line(c)
	d.announce(c)
}

func (d *Desk) question(a *notice.Alert, target string) routing.Question {
	q := routing.Question{Kind: a.Kind, Facility: a.Facility, Unit: a.Unit, Severity: a.Severity,
		Owner: a.Owner, OwnerRole: a.OwnerRole, Target: target, Sensitive: a.Sensitive, At: d.now}
	if target != "" {
		q.Severity = q.Severity.Raised() // what nobody answered may disturb more
	}
	return q
}

// route tells whom the directory names. Somebody who has muted the alert finds it in the console and
// nowhere else; what is passed up or handed over is never muted.
func (d *Desk) route(dir *routing.Directory, c *notice.Change, q routing.Question) {
	answer := dir.Route(q)
	for _, r := range answer.Audience {
		if !slices.Contains(c.Live.Audience, r) {
			c.Live.Audience = append(slices.Clip(c.Live.Audience), r)
		}
	}
	for _, x := range answer.Decisions {
		if m, muted := dir.Muted(x.Recipient, &c.Alert, d.now); muted && x.What == routing.Selected && q.Target == "" {
			x.Reason += "; muted by themselves until " + m.Until.UTC().Format(time.RFC3339) + ": " + m.Reason
			if x.Channel != routing.Console {
				x.What = routing.Suppressed
			}
		}
		if x.What == routing.Selected && x.Channel != routing.Console && d.held(&c.Alert) {
			x.Reason += "; " + settling
		}
		d.row(c, x.What, x.Recipient, x.Channel, x.Reason)
		if x.What == routing.Selected {
			d.deliver(c, x.Recipient, x.Channel)
		}
	}
}

// deliver makes a delivery. The console's is made by being written: the alert is in the recipient's
// inbox, and on the stream of whoever looks.
func (d *Desk) deliver(c *notice.Change, recipient, road string) {
	v := store.Delivery{Alert: c.Alert.ID, Org: c.Alert.Org, Recipient: recipient, Channel: road, Version: c.Alert.Version, State: channel.Pending}
	switch {
	case road == routing.Console:
		v.State, v.Reason = channel.Delivered, "in the console"
		d.row(c, ledger.Delivered, recipient, road, v.Reason)
	case d.held(&c.Alert):
		v.Hold, v.Reason = c.Alert.HoldUntil, settling
	}
	d.Work.Deliveries = append(d.Work.Deliveries, v)
	d.told[v.Alert] = append(d.told[v.Alert], store.Told{Alert: v.Alert, Recipient: recipient, Channel: road, Version: v.Version, State: v.State})
}

// settling is why a delivery waits: a discharge that is taken back within its protocols' window is
// nobody's business outside.
const settling = "held until the discharge settles"

func (d *Desk) held(a *notice.Alert) bool { return a.HoldUntil != nil && d.now.Before(*a.HoldUntil) }

// superseded is why a delivery that nobody had tried was taken back: something newer is to be told.
const superseded = "superseded"

// correct tells everyone who was told before, and whoever would have been, had it not been overtaken.
// What nobody has tried to send yet is taken back.
func (d *Desk) correct(c *notice.Change) {
	if c.Tell != notice.Told {
		d.row(c, ledger.Corrected, "", "", c.Reason)
		return
	}
	d.supersede(c, superseded)
	roads := d.standing(c.Alert.ID)
	told := false
	for _, r := range roads {
		// Nobody who has heard nothing needs to hear that it is over. But what stands again, or still,
		// is owed to them.
		if !r.heard && (!r.owed || c.Alert.State == notice.Resolved) {
			continue
		}
		told = true
		if c.Alert.Sensitive && r.channel != routing.Console {
			d.row(c, ledger.Suppressed, r.recipient, r.channel, "confidential")
			continue
		}
		d.row(c, ledger.Corrected, r.recipient, r.channel, c.Reason)
		d.deliver(c, r.recipient, r.channel)
	}
	if !told {
		d.row(c, ledger.Corrected, "", "", c.Reason)
	}
}

// widen tells those whom the milder alert did not disturb.
func (d *Desk) widen(dir *routing.Directory, c *notice.Change) {
	roads := d.standing(c.Alert.ID)
	for _, x := range dir.Route(d.question(&c.Alert, "")).Decisions {
		known := func(r road) bool { return r.recipient == x.Recipient && r.channel == x.Channel }
		if x.What != routing.Selected || slices.ContainsFunc(roads, known) {
			continue
		}
		d.row(c, x.What, x.Recipient, x.Channel, x.Reason+"; it is "+string(c.Alert.Severity)+" now")
		d.deliver(c, x.Recipient, x.Channel)
		if x.Channel == routing.Console && !slices.Contains(c.Live.Audience, x.Recipient) {
			c.Live.Audience = append(slices.Clip(c.Live.Audience), x.Recipient)
		}
	}
}

// road is how one recipient is told of an alert by one channel, and how that stands.
type road struct {
	recipient, channel string
	heard              bool // something has reached them, or may have
	owed               bool // the last that was for them was taken back, in this change or before
}

// standing lists the roads of an alert's deliveries so far, in the order of the first on each.
func (d *Desk) standing(alert events.ID) []road {
	var roads []road
	at := map[[2]string]int{}
	for _, t := range d.told[alert] { // of one road: in the order of versions
		key := [2]string{t.Recipient, t.Channel}
		i, known := at[key]
		if !known {
			i = len(roads)
			at[key] = i
			roads = append(roads, road{recipient: t.Recipient, channel: t.Channel})
		}
		r := &roads[i]
		r.heard = r.heard || t.State == channel.Delivered || t.State == channel.Pending && t.Attempts > 0
		r.owed = t.State == channel.Suppressed && t.Reason == superseded
	}
	return roads
}

// supersede takes back the deliveries of an alert that nobody has tried yet.
func (d *Desk) supersede(c *notice.Change, why string) {
	told := d.told[c.Alert.ID]
	for i, t := range told {
		if t.State != channel.Pending || t.Attempts > 0 {
			continue
		}
		told[i].State, told[i].Reason = channel.Suppressed, why
		d.row(c, ledger.Suppressed, t.Recipient, t.Channel, why)
		made := slices.IndexFunc(d.Work.Deliveries, func(v store.Delivery) bool {
			return v.Alert == t.Alert && v.Recipient == t.Recipient && v.Channel == t.Channel && v.Version == t.Version
		})
		if made >= 0 {
			d.Work.Deliveries[made].State, d.Work.Deliveries[made].Reason = channel.Suppressed, why
		} else {
			d.Work.Superseded = append(d.Work.Superseded, told[i])
		}
	}
}

func (d *Desk) row(c *notice.Change, decision, recipient, road, reason string) {
	d.Work.Ledger = append(d.Work.Ledger, ledger.Row{
		Org: c.Alert.Org, Decision: decision, Alert: c.Alert.ID, Version: c.Alert.Version,
		Recipient: recipient, Channel: road, Reason: reason, Event: c.Event.ID, Actor: c.By,
	})
}

// Skip records a trigger that raised nothing.
func (d *Desk) Skip(k *notice.Skip) {
	d.Work.Ledger = append(d.Work.Ledger, ledger.Row{Org: k.Event.Org, Decision: ledger.Suppressed, Alert: k.Alert, Reason: k.Reason, Event: k.Event.ID})
}

// schedule sets when the alert is taken further, counted from now.
func (d *Desk) schedule(dir *routing.Directory, a *notice.Alert) {
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

func (d *Desk) wait(a *notice.Alert, at *time.Time) {
	if at == nil {
		return
	}
	if d.waiting == nil {
		d.waiting = map[timer.Timer]bool{}
	}
	d.waiting[Timer(a.Org, *at, at.Sub(d.now))] = true
}

// Timers are what is to be set for the alerts to be taken further.
func (d *Desk) Timers() []timer.Timer {
	out := make([]timer.Timer, 0, len(d.waiting))
	for t := range d.waiting {
		out = append(out, t)
	}
	return out
}

// recall tells those whom a hand-over told that it was taken back. What nobody had tried to send yet is
// not sent.
func (d *Desk) recall(c *notice.Change) {
	if c.Undone.Act != notice.HandOver {
		return
	}
	var heard []store.Told
	for _, t := range d.told[c.Alert.ID] {
		if t.Version == c.Undone.Version && (t.State == channel.Delivered || t.State == channel.Pending && t.Attempts > 0) {
			heard = append(heard, t)
		}
	}
	d.supersede(c, superseded)
	for _, t := range heard {
		d.row(c, ledger.Corrected, t.Recipient, t.Channel, "taken-back")
		d.deliver(c, t.Recipient, t.Channel)
	}
}
