package referral

import (
	"maps"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// early is how long before the discharge an admission next door may be stamped and still be meant:
// the two hospitals' clerks and clocks do not agree to the hour.
const early = 12 * time.Hour

// Arrival is a stay at a facility that a provider is tied to.
type Arrival struct {
	Encounter  events.ID
	Org        events.ID
	Patient    events.ID
	FacilityID events.ID
	Facility   string // its code
	At         time.Time
	Live       bool // false: the admission was cancelled
	Fold       int64
}

// Place is where a provider works, as admission knows it.
type Place struct {
	FacilityID events.ID
	Facility   string
}

// Is reports whether a facility is the place; the code serves until the id is known.
func (p Place) Is(id events.ID, code string) bool {
	return !p.FacilityID.IsZero() && p.FacilityID == id || p.Facility != "" && p.Facility == code
}

// Persons says which person a patient is.
type Persons map[events.ID]events.ID

// Same reports whether two patients are one person.
func (p Persons) Same(a, b events.ID) bool { return p.of(a) == p.of(b) }

func (p Persons) of(patient events.ID) events.ID {
	if person, ok := p[patient]; ok {
		return person
	}
	return patient
}

// All lists the patients.
func (p Persons) All() []events.ID { return slices.Collect(maps.Keys(p)) }

// ClosedBy reports whether a stay is the arrival that the referral waits for (or was closed by): the
// same person, at the chosen provider's place, admitted after the discharge.
func (r *Referral) ClosedBy(a Arrival, at Place, persons Persons) bool {
	return a.Live && a.Org == r.Org && a.Encounter != r.Encounter && at.Is(a.FacilityID, a.Facility) &&
		persons.Same(a.Patient, r.Patient) && (r.DischargedAt == nil || !a.At.Before(r.DischargedAt.Add(-early)))
}

// Settle compares a referral with the stays that are known of its person and moves it if they say so:
// opens again one whose stay was cancelled or turned out to be somebody else's, closes one that
// waits, by the earliest stay that does. It is level-triggered: whichever of acceptance, link and
// admission is heard of last closes it.
func (r *Referral) Settle(stays []Arrival, at Place, persons Persons, act Act) {
	stands := func(a Arrival) bool { return a.Encounter == r.Arrival && a.Live && persons.Same(a.Patient, r.Patient) }
	if r.State == Arrived && !r.Arrival.IsZero() && !slices.ContainsFunc(stays, stands) {
		_ = r.CancelArrival(Act{At: act.At, By: act.By, Reason: "admission-cancelled"}) // cannot fail: it is arrived
	}
	if !Can(Arrive, r.State) {
		return
	}
	var by *Arrival
	for i := range stays {
		if a := &stays[i]; r.ClosedBy(*a, at, persons) && (by == nil || a.At.Before(by.At)) {
			by = a
		}
	}
	if by != nil {
		_ = r.Arrive(by.Encounter, act) // cannot fail: Can says so
	}
}
