package notice

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// OnDuty is the target of a hand-over that names nobody: whoever the routing rules name now.
const OnDuty = "on-duty"

// Deed is what a person did to an alert last, with how it stood before. It can be taken back while
// nothing else has changed.
type Deed struct {
	Act     Act
	By      string
	At      time.Time
	Version int    // of the alert after the deed
	To      string `json:",omitempty"` // of a hand-over
	Reason  string `json:",omitempty"`
	Was     Standing
}

// Standing is what a person's act changes about an alert.
type Standing struct {
	State          State
	Reason         string
	Audience       []string
	AcknowledgedBy string     `json:",omitempty"`
	AcknowledgedAt *time.Time `json:",omitempty"`
	ResolvedAt     *time.Time `json:",omitempty"`
	EscalateAt     *time.Time `json:",omitempty"`
}

func standing(a *Alert) Standing {
	return Standing{a.State, a.Reason, slices.Clone(a.Audience), a.AcknowledgedBy, a.AcknowledgedAt, a.ResolvedAt, a.EscalateAt}
}

// deed does what a person says, and notes how it was before.
func (b *Book) deed(a *Alert, c Change) bool {
	was := standing(a)
	if !b.act(a, c) {
		return false
	}
	a.Last = &Deed{Act: c.Act, By: c.By, At: b.now, Version: a.Version, To: c.Target, Reason: c.Reason, Was: was}
	return true
}

// Acknowledge records that a person has taken the alert on. It reports false where the alert is not
// raised any more.
func (b *Book) Acknowledge(a *Alert, by string, e events.Event) bool {
	return b.deed(a, Change{Act: Acknowledge, Event: e, Reason: "acknowledged", By: by})
}

// Close records that a person says nothing is left to do about the alert.
func (b *Book) Close(a *Alert, by, reason string, e events.Event) bool {
	return b.deed(a, Change{Act: Resolve, Tell: Nobody, Event: e, Reason: reason, By: by})
}

// HandOver gives the alert to somebody else: it is raised for them, and goes further if they do not
// answer, as any alert does.
func (b *Book) HandOver(a *Alert, to, by, reason string, e events.Event) bool {
	return b.deed(a, Change{Act: HandOver, Tell: Further, Event: e, Reason: reason, By: by, Target: to, Before: a.Audience})
}

// CanTakeBack reports whether by did the last thing that happened to the alert.
func (a *Alert) CanTakeBack(by string) bool {
	return a.Last != nil && a.Last.By == by && a.Last.Version == a.Version
}

// TakeBack lets the alert stand as before the person's last act.
func (b *Book) TakeBack(a *Alert, by string, e events.Event) bool {
	if !a.CanTakeBack(by) {
		return false
	}
	last, before := a.Last, a.Audience
	if !b.act(a, Change{Act: TakeBack, Event: e, Reason: "taken-back", By: by}) {
		return false
	}
	w := last.Was
	a.State, a.Reason, a.Audience, a.Last = w.State, w.Reason, w.Audience, nil
	a.AcknowledgedBy, a.AcknowledgedAt, a.ResolvedAt, a.EscalateAt = w.AcknowledgedBy, w.AcknowledgedAt, w.ResolvedAt, w.EscalateAt
	if a.EscalateAt != nil && a.EscalateAt.Before(b.now) {
		a.EscalateAt = new(b.now)
	}
	c := &b.Changes[len(b.Changes)-1]
	c.Alert, c.Before, c.Undone = *a, before, last
	return true
}

// final lets what a person settled stay settled: its cause is gone since.
func (b *Book) final(a *Alert) {
	if a.Last == nil || a.State != Resolved {
		return
	}
	a.Last = nil
	if !b.made[a] {
		b.dirty[a] = true
	}
}
