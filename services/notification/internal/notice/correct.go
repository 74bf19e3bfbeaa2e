package notice

import (
	"iter"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Correction names what a correction of the stay changed that everyone who was told must hear of, by
// the old values a fact carries; empty where it changed no such thing.
func Correction(was map[string]string) string {
	for _, c := range [...][2]string{
		{"patient_id", "patient-changed"}, {"facility", "facility-changed"}, {"class", "class-changed"},
		{"disposition", "disposition-changed"}, {"discharged_at", "discharge-time-changed"},
	} {
		if _, changed := was[c[0]]; changed {
			return c[1]
		}
	}
	return ""
}

// previous are the old values a fact of a transition carries.
func previous(f events.TransitionFact) map[string]string {
	switch f := f.(type) {
	case events.TransitionPlanned:
		return f.Previous
	case events.TransitionOpened:
		return f.Previous
	case events.TransitionReplanned:
		return f.Previous
	case events.TransitionUpdated:
		return f.Previous
	case events.TransitionCancelled:
		return f.Previous
	case events.TransitionExpired:
		return f.Previous
	case events.TransitionCompleted:
		return f.Previous
	case events.TransitionReadmitted:
		return f.Previous
	}
	return nil
}

func encounterThreads(encounter events.ID) []events.ID {
	out := make([]events.ID, len(EncounterKinds))
	for i, k := range EncounterKinds {
		out[i] = EncounterThread(encounter, k)
	}
	return out
}

// repointing lists the threads that speak of another patient after a correction.
func repointing(encounter events.ID, correction string) []events.ID {
	switch correction {
	case "":
		return nil
	case "patient-changed", "facility-changed":
		return encounterThreads(encounter)
	}
	return []events.ID{EncounterThread(encounter, Opened)}
}

// stands reports whether a transition says that somebody was discharged, done with or not.
func stands(state string) bool {
	return slices.Contains([]string{"active", "completed", "readmitted", "closed"}, state)
}

// over closes the alert of an opening that no longer holds, and tells everyone who was told; also
// those for whom it was done with, if the discharge stood until now.
func (b *Book) over(e events.Event, t events.Transition, was map[string]string, reason string) {
	a := b.latest[EncounterThread(t.Encounter, Opened)]
	if a != nil && a.State == Resolved {
		if !stands(was["state"]) {
			return // they have heard that it is over
		}
		b.transition(e, t, Correct, Told, reason)
		return
	}
	b.transition(e, t, Resolve, Told, reason)
}

// replanned tells of a plan made anew. One that had been done with asks for work again; where a person
// opened a task again, people know.
func (b *Book) replanned(e events.Event, t events.Transition, was map[string]string) {
	a := b.latest[EncounterThread(t.Encounter, Opened)]
	if a == nil || a.State != Resolved {
		b.transition(e, t, Correct, Told, or(Correction(was), "replanned"))
	} else if why := Correction(was); why != "" {
		b.transition(e, t, Reopen, Told, why)
	}
}

// updated tells of a correction that left the plan as it was.
func (b *Book) updated(e events.Event, t events.Transition, was map[string]string) {
	if why := Correction(was); why != "" && stands(t.State) {
		b.transition(e, t, Correct, Told, why)
	}
}

// repoint tells on the encounter's other threads that what they say is of another patient now. The
// threads follow the encounter, so there is nothing to move.
func (b *Book) repoint(e events.Event, t events.Transition, was map[string]string) {
	why := Correction(was)
	if why != "patient-changed" && why != "facility-changed" || !stands(t.State) {
		return
	}
	for _, kind := range EncounterKinds {
		if kind == Opened {
			continue
		}
		for a := range b.thread(EncounterThread(t.Encounter, kind)) {
			if a.State == Resolved || a.Subject >= t.Version {
				continue
			}
			a.Subject, a.HoldUntil = t.Version, t.SettlesAt
			if why == "facility-changed" {
				a.Facility = t.Facility
			}
			b.act(a, Change{Act: Correct, Tell: Told, Event: e, Reason: why})
		}
	}
}

// thread are all alerts of a thread: one that somebody has taken on is followed by the next, and both
// may stand.
func (b *Book) thread(id events.ID) iter.Seq[*Alert] {
	return func(yield func(*Alert) bool) {
		for _, list := range [][]*Alert{b.known, b.fresh} {
			for _, a := range list {
				if a.Thread == id && !yield(a) {
					return
				}
			}
		}
	}
}

// hold is until when nothing about an encounter leaves the house.
func (b *Book) hold(encounter events.ID) (until *time.Time) {
	if a := b.latest[EncounterThread(encounter, Opened)]; a != nil {
		return a.HoldUntil
	}
	return nil
}

// leave takes a subject out of a thread and resolves each alert of which it was the last one. Several
// that leave in one batch for one reason are one change: people are told once.
func (b *Book) leave(e events.Event, thread, subject events.ID, tell Tell, reason string) {
	for a := range b.thread(thread) {
		switch i := slices.Index(a.About, subject); {
		case i < 0:
		case a.State == Resolved:
			b.final(a)
		default:
			b.without(a, i, Change{Act: Correct, Tell: tell, Event: e, Reason: reason})
		}
	}
}

// without takes the ith subject out of an alert.
func (b *Book) without(a *Alert, i int, c Change) {
	a.About = slices.Delete(slices.Clone(a.About), i, i+1)
	if len(a.About) == 0 {
		c.Act = Resolve
	}
	if i, again := b.left[a]; again && i == b.newest[a] && b.Changes[i].Reason == c.Reason && b.Changes[i].Tell == c.Tell {
		b.amend(a, i, c)
		return
	}
	if b.act(a, c) {
		b.left[a] = len(b.Changes) - 1
	}
}

// amend lets the change just made of an alert be another one.
func (b *Book) amend(a *Alert, i int, c Change) {
	if c.Act == Resolve {
		a.State, a.ResolvedAt, a.EscalateAt = Resolved, new(b.now), nil
	}
	c.Alert, c.Live = *a, a
	b.Changes[i] = c
}

// settle: a task that was done or put off by a person is no news to those who were told that it is
// overdue; one that a correction of the stay moved or withdrew is.
func (b *Book) settle(e events.Event, t events.Task) {
	reason, tell := t.State, Nobody
	switch f := e.Fact.(type) {
	case events.TaskRescheduled:
		if t.Overdue {
			return
		}
		reason = "rescheduled"
		if f.By == "" {
			tell = Told
		}
	case events.TaskCancelled:
		if f.By == "" {
			reason, tell = or(t.Reason, t.State), Told
		}
	}
	b.leave(e, EncounterThread(t.Encounter, Overdue), t.ID, tell, reason)
}
