package notice

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Threads lists the threads a fact may touch: what must be loaded before Hear.
func Threads(e events.Event) []events.ID {
	switch f := e.Fact.(type) {
	case events.TransitionOpened:
		threads := repointing(f.Key(), Correction(f.Previous))
		if f.Transition.LateArrival {
			threads = append(threads, lateThread(e, f.Transition))
		}
		return append(threads, EncounterThread(f.Key(), Opened))
	case events.TransitionUpdated:
		if f.Transition.Sensitive {
			return encounterThreads(f.Key())
		}
		return repointing(f.Key(), Correction(f.Previous))
	case events.TransitionFact:
		return append(repointing(f.Key(), Correction(previous(f))), EncounterThread(f.Key(), Opened))
	case events.ReadmissionFact:
		return []events.ID{EncounterThread(f.Key(), Readmission)}
	case events.ClockMet, events.ClockMissed, events.ClockWithdrawn:
		return clockThreads(f.(events.ClockFact))
	case events.TaskDue:
		return nil
	case events.TaskOverdue:
		return []events.ID{EncounterThread(f.Key(), Overdue), EncounterThread(f.Key(), Opened)}
	case events.TaskFact:
		return []events.ID{EncounterThread(f.Key(), Overdue)}
	case events.ReferralFact:
		return referralThreads(f)
	case events.MessageQuarantined:
		return []events.ID{quarantineThread(f)}
	}
	return nil
}

// LateArrival is the reason of a Skip: the discharge was heard of more than a day after it happened.
const LateArrival = "late-arrival"

// LateOpenings lists the threads of openings in a batch that are late.
func LateOpenings(batch []events.Event) (threads []events.ID) {
	for _, e := range batch {
		if f, ok := e.Fact.(events.TransitionOpened); ok && f.Transition.LateArrival {
			threads = append(threads, EncounterThread(f.Key(), Opened))
		}
	}
	return threads
}

func lateThread(e events.Event, t events.Transition) events.ID {
	return Thread(e.Org.String(), Late, t.Facility, e.Received.UTC().Truncate(time.Hour).Format(time.RFC3339))
}

func quarantineThread(f events.MessageQuarantined) events.ID {
	return Thread(f.Feed.String(), Quarantined, f.Reason)
}

// Hear applies one fact. Facts of one encounter must come in the order of their versions.
func (b *Book) Hear(e events.Event) {
	if f, ok := e.Fact.(events.TransitionFact); ok {
		b.repoint(e, f.Snapshot(), previous(f))
	}
	switch f := e.Fact.(type) {
	case events.TransitionOpened:
		b.opened(e, f.Transition, f.Previous)
	case events.TransitionReplanned:
		b.replanned(e, f.Transition, f.Previous)
	case events.TransitionPlanned: // after a cancelled discharge; the first planning finds no alert
		b.over(e, f.Transition, f.Previous, "discharge-cancelled")
	case events.TransitionCancelled:
		b.over(e, f.Transition, f.Previous, or(f.Transition.Reason, "cancelled"))
	case events.TransitionExpired:
		b.over(e, f.Transition, f.Previous, or(f.Transition.Reason, "expired"))
	case events.TransitionCompleted:
		b.transition(e, f.Transition, Resolve, Nobody, "completed")
	case events.TransitionReadmitted: // the return has an alert of its own
		b.transition(e, f.Transition, Resolve, Nobody, "readmitted")
	case events.ReadmissionDetected:
		b.returned(e, f.Readmission)
	case events.ReadmissionUpdated:
		b.came(e, f.Readmission, f.Previous)
	case events.ReadmissionWithdrawn:
		b.noReturn(e, f.Readmission)
	case events.TransitionUpdated:
		b.hide(e, f.Transition)
		b.updated(e, f.Transition, f.Previous)
	case events.ClockMet, events.ClockMissed, events.ClockWithdrawn:
		b.clock(e, f.(events.ClockFact))
	case events.TaskDue:
		b.due(e, f.Task)
	case events.TaskOverdue:
		b.overdue(e, f.Task)
	case events.TaskCompleted, events.TaskCancelled, events.TaskRescheduled:
		b.settle(e, f.(events.TaskFact).Snapshot())
	case events.ReferralFact:
		b.asked(e, f)
		b.referral(e, f)
	case events.MessageQuarantined:
		b.quarantined(e, f)
	}
}

// referral applies a fact to what the people who search are told.
func (b *Book) referral(e events.Event, f events.ReferralFact) {
	switch f := f.(type) {
	case events.ReferralDeclined:
		b.trouble(e, f.Referral)
	case events.ReferralAccepted:
		b.accepted(e, f.Referral)
	case events.ReferralRecalled:
		b.gone(e, f.Referral, "recalled", Told)
	case events.ReferralWithdrawn:
		b.gone(e, f.Referral, "withdrawn", Nobody)
	case events.ArrivalConfirmed:
		b.arrived(e, f.Referral)
	}
}

func (b *Book) opened(e events.Event, t events.Transition, was map[string]string) {
	thread := EncounterThread(t.Encounter, Opened)
	a := b.latest[thread]
	switch {
	case a == nil && t.LateArrival:
		b.Skips = append(b.Skips, Skip{e, thread, LateArrival})
		if !b.late[thread] {
			b.late[thread] = true
			b.count(e, Alert{Thread: lateThread(e, t), Kind: Late, Severity: Routine, Facility: t.Facility, Reason: "late-arrivals"}, 1)
		}
	case a == nil:
		b.raise(e, Alert{
			Thread: thread, Encounter: t.Encounter, Transition: t.ID, Facility: t.Facility, Unit: t.Unit,
			Kind: Opened, Severity: severityOf(t), Reason: "discharged", Subject: t.Version,
			About: []events.ID{t.ID}, Sensitive: t.Sensitive, HoldUntil: t.SettlesAt,
		})
	case a.Transition == t.ID && a.Subject >= t.Version: // told already
	case a.State == Resolved:
		rose := b.follow(a, e, t)
		reason := "discharged-again"
		switch was["state"] {
		case "expired":
			reason = "not-deceased"
		case "readmitted":
			reason = "not-readmitted"
		}
		b.act(a, Change{Act: Reopen, Tell: Told, Event: e, Reason: reason, Rose: rose})
	default:
		rose := b.follow(a, e, t)
		b.act(a, Change{Act: Correct, Tell: Told, Event: e, Reason: "discharge-changed", Rose: rose})
	}
}

// severityOf: leaving against advice cannot wait for a routine look at the list.
func severityOf(t events.Transition) Severity {
	if t.Disposition == "07" {
		return Urgent
	}
	return Routine
}

// follow lets the alert of an opening speak of the newest snapshot, and reports whether it may disturb
// more than before.
func (b *Book) follow(a *Alert, e events.Event, t events.Transition) (rose bool) {
	severity := severityOf(t)
	rose = severity.Rank() > a.Severity.Rank()
	a.Severity = severity
	a.Transition, a.Subject, a.Facility, a.Unit, a.Sensitive = t.ID, t.Version, t.Facility, t.Unit, t.Sensitive
	a.HoldUntil = t.SettlesAt
	a.Cause, a.OccurredAt, a.ReceivedAt = e.ID, precise(e.Occurred), precise(e.Received)
	return rose
}

// transition applies a later fact to the alert of an opening, if one was raised and is not behind.
func (b *Book) transition(e events.Event, t events.Transition, act Act, tell Tell, reason string) {
	a := b.latest[EncounterThread(t.Encounter, Opened)]
	if a == nil || a.Transition == t.ID && a.Subject >= t.Version {
		return
	}
	if !May(a.State, act) {
		b.final(a)
		return
	}
	rose := b.follow(a, e, t)
	b.act(a, Change{Act: act, Tell: tell, Event: e, Reason: reason, Rose: rose})
}

// hide takes the encounter's alerts back to the owning role when a stay becomes confidential.
func (b *Book) hide(e events.Event, t events.Transition) {
	if !t.Sensitive {
		return
	}
	for _, kind := range EncounterKinds {
		for a := range b.thread(EncounterThread(t.Encounter, kind)) {
			if !a.Sensitive {
				a.Sensitive = true
				b.act(a, Change{Act: Hide, Event: e, Reason: "confidential"})
			}
		}
	}
}

func (b *Book) due(e events.Event, t events.Task) {
	if t.Late {
		return
	}
	b.signal(e, t, "task-due", Routine)
}

func (b *Book) signal(e events.Event, t events.Task, kind string, s Severity) {
	audience := t.Owner
	if audience == "" || t.Sensitive {
		audience = "role:" + or(t.OwnerRole, "liaison")
	}
	b.Signals = append(b.Signals, Signal{
		Event: e, Name: "task", Kind: kind, ID: t.ID, Encounter: t.Encounter, Transition: t.Transition, Task: t.ID,
		State: t.State, Severity: s, Audience: []string{audience},
	})
}

func (b *Book) overdue(e events.Event, t events.Task) {
	thread := EncounterThread(t.Encounter, Overdue)
	if t.Late {
		b.Skips = append(b.Skips, Skip{e, thread, LateArrival})
		return
	}
	severity := Urgent
	if t.Priority == "stat" || t.Priority == "asap" {
		severity = Critical
	}
	b.signal(e, t, Overdue, severity)
	b.join(e, t.ID, Alert{
		Thread: thread, Encounter: t.Encounter, Transition: t.Transition, Task: t.ID, Facility: t.Facility, Unit: t.Unit,
		Kind: Overdue, Severity: severity, Reason: "overdue", Sensitive: t.Sensitive, Owner: t.Owner, OwnerRole: t.OwnerRole,
		HoldUntil: b.hold(t.Encounter),
	})
}

// join adds a subject to the thread's alert while nobody has taken that on, else raises the next one.
func (b *Book) join(e events.Event, subject events.ID, a Alert) {
	last := b.latest[a.Thread]
	if last == nil || last.State != Raised {
		a.About = []events.ID{subject}
		b.raise(e, a)
		return
	}
	if !slices.Contains(last.About, subject) {
		last.About = append(slices.Clone(last.About), subject)
	}
	last.Count++
	last.Task, last.Sensitive = a.Task, a.Sensitive
	if a.Severity.Rank() > last.Severity.Rank() {
		last.Severity = a.Severity
	}
	b.act(last, Change{Act: Fold, Event: e, Reason: a.Reason})
}

func referralAlert(r events.Referral, kind string, s Severity, reason string) Alert {
	return Alert{
		Thread: EncounterThread(r.Encounter, kind), Encounter: r.Encounter, Transition: r.Transition,
		Facility: r.Facility, Unit: r.Unit, Kind: kind, Severity: s, Reason: reason, Sensitive: r.Sensitive,
		HoldUntil: r.SettlesAt,
	}
}

func (b *Book) trouble(e events.Event, r events.Referral) {
	if r.Late {
		b.Skips = append(b.Skips, Skip{e, EncounterThread(r.Encounter, Declined), LateArrival})
		return
	}
	b.join(e, r.ID, referralAlert(r, Declined, Urgent, "declined "+r.Need))
}

func (b *Book) accepted(e events.Event, r events.Referral) {
	b.leave(e, EncounterThread(r.Encounter, Declined), r.ID, Nobody, "accepted")
	if r.Late {
		b.Skips = append(b.Skips, Skip{e, EncounterThread(r.Encounter, Accepted), LateArrival})
		return
	}
	b.join(e, r.ID, referralAlert(r, Accepted, Routine, "accepted "+r.Need))
}

// gone: whoever was told of an acceptance must hear that it no longer holds. A decline that was
// overtaken just closes, unless it was the stay that made it pointless.
func (b *Book) gone(e events.Event, r events.Referral, reason string, declined Tell) {
	b.leave(e, EncounterThread(r.Encounter, Declined), r.ID, declined, reason)
	b.leave(e, EncounterThread(r.Encounter, Accepted), r.ID, Told, reason)
}

func (b *Book) arrived(e events.Event, r events.Referral) {
	b.leave(e, EncounterThread(r.Encounter, Declined), r.ID, Nobody, "arrived")
	b.leave(e, EncounterThread(r.Encounter, Accepted), r.ID, Nobody, "arrived")
}

func (b *Book) quarantined(e events.Event, f events.MessageQuarantined) {
	b.Signals = append(b.Signals, Signal{
		Event: e, Name: "feed", Kind: Quarantined, ID: f.Feed, State: "quarantined", Severity: Urgent,
		Audience: []string{"role:operations", "role:interface"},
	})
	b.join(e, f.Message, Alert{
		Thread: quarantineThread(f), Facility: f.Facility, Kind: Quarantined, Severity: Urgent, Reason: f.Reason,
	})
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
