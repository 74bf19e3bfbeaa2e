package notice

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Tell is who hears of a change.
type Tell int

// Who hears of a change, besides the ledger and the consoles that show the alert.
const (
	Nobody  Tell = iota
	Routed       // whoever the routing rules name
	Told         // everyone who was told before
	Further      // whoever the escalation step names
)

// Change is one step of one alert, to be recorded, told and announced.
type Change struct {
	Alert  Alert  // as it is after the change
	Live   *Alert // the alert itself, as it will be saved
	Act    Act
	Tell   Tell
	Event  events.Event // what led to it; its Fact is nil when a person or a timer did
	Reason string
	By     string   // the person who did it
	Target string   // of an escalation: "role:lead", a person, ...
	Undone *Deed    // what was taken back
	Before []string // whose consoles showed it until now, where that changes
	Rose   bool     // it may disturb more than before: also those whom it did not
}

// Signal is a line on the stream that is no alert: something about a task or a feed.
type Signal struct {
	Event      events.Event
	Name       string // "task" or "feed"
	Kind       string
	ID         events.ID
	Encounter  events.ID
	Transition events.ID
	Task       events.ID
	State      string
	Severity   Severity
	Audience   []string
}

// Skip is a trigger that raised nothing, and why.
type Skip struct {
	Event  events.Event
	Alert  events.ID // the alert it would have been
	Reason string
}

// Book is the alerts a batch of facts touches, and what becomes of them. Not safe for concurrent use.
type Book struct {
	Changes []Change
	Signals []Signal
	Skips   []Skip

	now    time.Time
	known  []*Alert             // as loaded
	latest map[events.ID]*Alert // by thread: its newest alert
	dirty  map[*Alert]bool      // loaded and changed
	fresh  []*Alert             // made here
	made   map[*Alert]bool      // the same, to ask
	folded map[*Alert]int       // index in Changes of a fold that may still grow
	newest map[*Alert]int       // index in Changes of the last change
	left   map[*Alert]int       // index in Changes of the last change by a subject that left
	late   map[events.ID]bool   // threads whose late arrival has been counted
}

// NewBook opens a book on the alerts that are already known. Of several alerts of one thread the
// newest counts.
func NewBook(now time.Time, known []*Alert) *Book {
	b := &Book{
		now: now, known: known, latest: make(map[events.ID]*Alert, len(known)), dirty: map[*Alert]bool{}, made: map[*Alert]bool{},
		folded: map[*Alert]int{}, newest: map[*Alert]int{}, left: map[*Alert]int{}, late: map[events.ID]bool{},
	}
	for _, a := range known {
		if old := b.latest[a.Thread]; old == nil || old.Ordinal < a.Ordinal {
			b.latest[a.Thread] = a
		}
	}
	return b
}

// Counted says for which threads a late arrival has been counted before, so that a late discharge that
// is opened again counts once.
func (b *Book) Counted(threads []events.ID) {
	for _, id := range threads {
		b.late[id] = true
	}
}

// precise is a time as the database keeps it.
func precise(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Fresh are the alerts to insert, in the order they were raised.
func (b *Book) Fresh() []*Alert { return b.fresh }

// Changed are the alerts to update.
func (b *Book) Changed() []*Alert {
	out := make([]*Alert, 0, len(b.dirty))
	for a := range b.dirty {
		out = append(out, a)
	}
	slices.SortFunc(out, func(x, y *Alert) int { return slices.Compare(x.ID[:], y.ID[:]) })
	return out
}

// raise starts a new alert on a thread: its first, or the next after one that was dealt with.
func (b *Book) raise(e events.Event, a Alert) *Alert {
	if last := b.latest[a.Thread]; last != nil {
		a.Ordinal = last.Ordinal + 1
	}
	a.ID, a.Org, a.Cause, a.State, a.Version = alertID(a.Thread, a.Ordinal), e.Org, e.ID, Raised, 1
	a.Count = max(a.Count, 1)
	a.OccurredAt, a.ReceivedAt, a.RaisedAt = precise(e.Occurred), precise(e.Received), b.now
	p := &a
	b.latest[a.Thread] = p
	b.fresh = append(b.fresh, p)
	b.made[p] = true
	b.note(p, Change{Act: Raise, Tell: Routed, Event: e, Reason: a.Reason})
	return p
}

// act moves an alert, if the move is legal, and notes the change.
func (b *Book) act(a *Alert, c Change) bool {
	next, ok := moves[a.State][c.Act]
	if !ok {
		return false
	}
	if i, again := b.folded[a]; again && c.Act == Fold && i == b.newest[a] {
		return true // the count has grown; one line per batch is enough
	}
	switch c.Act {
	case Reopen:
		a.ResolvedAt = nil
		if a.AcknowledgedAt != nil {
			next = Acknowledged // what was acknowledged stays so
		}
	case Acknowledge:
		a.AcknowledgedBy, a.AcknowledgedAt = c.By, new(b.now)
	case HandOver:
		a.AcknowledgedBy, a.AcknowledgedAt = "", nil
	case Resolve:
		a.ResolvedAt = new(b.now)
	}
	if next != Raised {
		a.EscalateAt = nil
	}
	a.State, a.Reason = next, c.Reason
	a.Version++
	if !b.made[a] {
		b.dirty[a] = true
	}
	b.note(a, c)
	if c.Act == Fold {
		b.folded[a] = len(b.Changes) - 1
	}
	return true
}

func (b *Book) note(a *Alert, c Change) {
	c.Alert, c.Live = *a, a
	b.Changes = append(b.Changes, c)
	b.newest[a] = len(b.Changes) - 1
}

// Finish gives every change of a growing digest its last count. Call it after the last fact.
func (b *Book) Finish() {
	for a, i := range b.folded {
		if i == b.newest[a] {
			b.Changes[i].Alert = *a
		}
	}
	for i, c := range b.Changes {
		if c.Act == Raise && Quiet(c.Alert.Kind) {
			b.Changes[i].Alert.Count = b.latest[c.Alert.Thread].Count
		}
	}
}

// Escalate takes the alert one step further, to target. The next step is due at next, if there is one.
func (b *Book) Escalate(a *Alert, target, reason string, next *time.Time, e events.Event) bool {
	if !May(a.State, Escalate) {
		return false
	}
	a.Step++
	a.EscalateAt = next
	tell := Further
	if target == "" {
		tell = Nobody
	}
	return b.act(a, Change{Act: Escalate, Tell: tell, Event: e, Reason: reason, Target: target})
}

// Count raises the digest of this thread, or adds n to it.
func (b *Book) count(e events.Event, a Alert, n int) {
	last := b.latest[a.Thread]
	if last == nil || last.State == Resolved {
		a.Count = n
		b.raise(e, a)
		return
	}
	last.Count += n
	if b.made[last] {
		return // raised in this very batch: it says the final count from the start
	}
	b.act(last, Change{Act: Fold, Event: e, Reason: last.Reason})
}

// NobodyAnswered counts an alert that went through all its escalation steps without an answer: one
// digest per organization and hour, for operations.
func (b *Book) NobodyAnswered(e events.Event, n int) {
	hour := b.now.UTC().Truncate(time.Hour).Format(time.RFC3339)
	b.count(e, Alert{Thread: ExhaustedThread(e.Org, b.now), Kind: Exhausted, Severity: Urgent, Reason: "nobody-answered " + hour}, n)
}

// ExhaustedThread is the digest of unanswered alerts of one organization in the hour of now.
func ExhaustedThread(org events.ID, now time.Time) events.ID {
	return Thread(org.String(), Exhausted, now.UTC().Truncate(time.Hour).Format(time.RFC3339))
}

// EndpointThread is the thread about one webhook receiver.
func EndpointThread(endpoint events.ID) events.ID { return Thread(endpoint.String(), EndpointGone) }

// EndpointDisabled tells operations that a webhook receiver said it is gone (410).
func (b *Book) EndpointDisabled(e events.Event, endpoint events.ID) {
	thread := EndpointThread(endpoint)
	if last := b.latest[thread]; last == nil || last.State != Raised {
		b.raise(e, Alert{Thread: thread, Kind: EndpointGone, Severity: Urgent, Reason: "gone", About: []events.ID{endpoint}})
	}
}
