package notice

import (
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
)

// Readmission is the kind of an alert that a discharged patient is back in hospital.
const Readmission = "readmission"

// OwnersSeparator stands between the persons of an alert with several owners.
const OwnersSeparator = "\n"

// returned tells the discharging team of a return: the roster, and whoever owns a
// task that was open.
func (b *Book) returned(e events.Event, r events.Readmission) {
	thread := EncounterThread(r.Encounter, Readmission)
	if r.Late {
		b.Skips = append(b.Skips, Skip{e, thread, LateArrival})
		return
	}
	severity, reason := importance(r)
	b.join(e, r.ID, Alert{
		Thread: thread, Encounter: r.Encounter, Transition: r.Transition, Facility: r.Facility, Unit: r.Unit, Kind: Readmission,
		Severity: severity, Reason: reason, Sensitive: r.Sensitive, Owner: owners(r), OwnerRole: ownerRole(r),
	})
}

// importance: a return that was planned can wait for a look at the list.
func importance(r events.Readmission) (Severity, string) {
	if r.Planned {
		return Routine, "planned-return"
	}
	return Urgent, "unplanned-return"
}

// owners are the persons who own a task that was open, each once.
func owners(r events.Readmission) string {
	var list []string
	for _, t := range r.OpenTasks {
		if t.Owner != "" && !slices.Contains(list, t.Owner) {
			list = append(list, t.Owner)
		}
	}
	return strings.Join(list, OwnersSeparator)
}

func ownerRole(r events.Readmission) string {
	if len(r.OpenTasks) == 0 {
		return ""
	}
	return r.OpenTasks[0].OwnerRole
}

// came corrects what was said of a return. That the patient was admitted, and whether
// it was planned, is told to everyone who was told; the rest is in the console.
func (b *Book) came(e events.Event, r events.Readmission, previous map[string]string) {
	a := b.holding(EncounterThread(r.Encounter, Readmission), r.ID)
	if a == nil || a.State == Resolved {
		return
	}
	if r.Sensitive && !a.Sensitive {
		a.Sensitive = true
		b.act(a, Change{Act: Hide, Event: e, Reason: "confidential"})
	}
	severity, reason := importance(r)
	_, replanned := previous["planned"]
	_, outcome := previous["outcome"]
	tell := Nobody
	switch {
	case replanned:
		a.Severity, tell = severity, Told
	case outcome && r.Outcome == "admitted":
		reason, tell = r.Outcome, Told
	case outcome && r.Outcome != "":
		reason = r.Outcome
	}
	a.Cause, a.OccurredAt, a.ReceivedAt = e.ID, precise(e.Occurred), precise(e.Received)
	b.act(a, Change{Act: Correct, Tell: tell, Event: e, Reason: reason})
}

// noReturn takes back what was said of a return that was none, from everyone who was
// told of it.
func (b *Book) noReturn(e events.Event, r events.Readmission) {
	a := b.holding(EncounterThread(r.Encounter, Readmission), r.ID)
	if a == nil {
		return
	}
	if a.State == Resolved {
		b.final(a)
		return
	}
	a.About = slices.DeleteFunc(slices.Clone(a.About), func(id events.ID) bool { return id == r.ID })
	if len(a.About) == 0 {
		b.act(a, Change{Act: Resolve, Tell: Told, Event: e, Reason: r.Reason})
		return
	}
	b.act(a, Change{Act: Correct, Tell: Nobody, Event: e, Reason: r.Reason})
}

// holding is the newest alert of a thread that is about a subject, which need not be
// the thread's newest: one that somebody has taken on is followed by the next.
func (b *Book) holding(thread, subject events.ID) *Alert {
	var found *Alert
	for a := range b.thread(thread) {
		if slices.Contains(a.About, subject) && (found == nil || found.Ordinal < a.Ordinal) {
			found = a
		}
	}
	return found
}
