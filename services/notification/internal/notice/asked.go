package notice

import (
	"github.com/handoff-care/handoff/pkg/events"
)

// referralThreads lists the threads a referral's fact may touch: of those who search, and of every
// provider that was asked.
func referralThreads(f events.ReferralFact) (threads []events.ID) {
	r := f.Snapshot()
	switch f.(type) {
	case events.ReferralDeclined, events.ReferralAccepted, events.ReferralRecalled, events.ReferralWithdrawn, events.ArrivalConfirmed:
		threads = append(threads, EncounterThread(r.Encounter, Declined), EncounterThread(r.Encounter, Accepted))
	}
	for _, o := range r.Offers {
		threads = append(threads, AskedThread(r.ID, o.Provider))
	}
	return threads
}

// asked tells the providers that are asked for a place, each on a thread of its own: that it is asked,
// that what it was asked for was corrected, that it is needed no more. What it answers it knows.
func (b *Book) asked(e events.Event, f events.ReferralFact) {
	r := f.Snapshot()
	_, sent := f.(events.ReferralSent)
	why := ""
	if u, ok := f.(events.ReferralUpdated); ok {
		why = Correction(u.Previous)
	}
	for _, o := range r.Offers {
		a := b.latest[AskedThread(r.ID, o.Provider)]
		switch {
		case a == nil && sent && o.State == "sent":
			b.raise(e, Alert{
				Thread: AskedThread(r.ID, o.Provider), Encounter: r.Encounter, Transition: r.Transition, Facility: place(r, o),
				Kind: Asked, Severity: Urgent, Reason: "asked " + r.Need, Subject: r.Version, About: []events.ID{r.ID, o.Provider},
				Sensitive: r.Sensitive, OwnerRole: "intake", HoldUntil: r.SettlesAt,
			})
		case a != nil && a.Subject < r.Version:
			b.offer(e, a, r, o, sent, why)
		}
	}
}

// place is the facility whose people speak for a provider; "" where it is tied to none.
func place(r events.Referral, o events.Offer) string { return r.Places[o.Provider.String()] }

// offer applies what became of one provider's offer to what it was told.
func (b *Book) offer(e events.Event, a *Alert, r events.Referral, o events.Offer, sent bool, why string) {
	change := Change{Event: e}
	switch {
	case o.State == "declined":
		change.Act, change.Reason = Resolve, "declined"
	case o.State == "withdrawn":
		change.Act, change.Tell, change.Reason = Resolve, Told, or(o.Reason, "withdrawn")
	case o.State == "sent" && sent && a.State == Resolved:
		change.Act, change.Tell, change.Reason = Reopen, Told, "asked-again"
	case why != "":
		change.Act, change.Tell, change.Reason = Correct, Told, why
	case r.Sensitive && !a.Sensitive:
		change.Act, change.Reason = Hide, "confidential"
	case r.State == "arrived":
		change.Act, change.Reason = Resolve, "arrived"
	case o.State != "sent":
		change.Act, change.Reason = Acknowledge, "answered"
	default:
		return
	}
	if !May(a.State, change.Act) {
		return
	}
	a.Subject, a.Facility, a.Sensitive, a.HoldUntil = r.Version, place(r, o), r.Sensitive, r.SettlesAt
	if change.Act == Resolve || change.Act == Acknowledge {
		a.HoldUntil = nil
	}
	a.Cause, a.OccurredAt, a.ReceivedAt = e.ID, precise(e.Occurred), precise(e.Received)
	b.act(a, change)
}
