package referral

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// last is the last fact told of a referral of an encounter.
func (w *world) last(encounter events.ID) (events.Fact, events.Referral) {
	w.t.Helper()
	list := w.facts()
	for _, e := range slices.Backward(list) {
		if f, ok := e.Fact.(events.ReferralFact); ok && f.Key() == encounter {
			return f, f.Snapshot()
		}
	}
	w.t.Fatal("nothing was told")
	return nil, events.Referral{}
}

// Every kind of correction reaches a referral somebody was asked for: it is recalled with
// the reason, or pointed at the other person or day, and says so to everybody asked; and
// hearing the same again changes nothing.
func TestEveryCorrectionReachesTheReferral(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*events.Transition)
		fact   func(events.Of) events.Fact
		state  string // of the referral
		offer  string // of the provider asked
		reason string
		before string // the name of an old value
	}{
		{"admission cancelled", func(t *events.Transition) { t.State, t.Reason = "cancelled", "admission-cancelled" },
			func(o events.Of) events.Fact { return events.TransitionCancelled{Of: o} }, "withdrawn", "withdrawn", "admission-cancelled", ""},
		{"visit deleted", func(t *events.Transition) { t.State, t.Reason = "cancelled", "entered-in-error" },
			func(o events.Of) events.Fact { return events.TransitionCancelled{Of: o} }, "withdrawn", "withdrawn", "entered-in-error", ""},
		{"discharge cancelled", func(t *events.Transition) { t.State, t.DischargedAt, t.Needs = "planning", nil, nil },
			func(o events.Of) events.Fact { return events.TransitionPlanned{Of: o} }, "withdrawn", "withdrawn", "discharge-cancelled", ""},
		{"class changed", func(t *events.Transition) { t.State, t.Reason = "cancelled", "not-applicable" },
			func(o events.Of) events.Fact { return events.TransitionCancelled{Of: o} }, "withdrawn", "withdrawn", "not-applicable", ""},
		{"disposition changed", func(t *events.Transition) { t.Needs = []string{"home-health"} },
			func(o events.Of) events.Fact { return events.TransitionReplanned{Of: o} }, "withdrawn", "withdrawn", "no-longer-needed", ""},
		{"death learned late", func(t *events.Transition) { t.State = "expired" },
			func(o events.Of) events.Fact { return events.TransitionExpired{Of: o} }, "withdrawn", "withdrawn", "deceased", ""},
		{"discharged another day", func(t *events.Transition) { at := t.DischargedAt.Add(24 * time.Hour); t.DischargedAt = &at },
			func(o events.Of) events.Fact { return events.TransitionReplanned{Of: o} }, "sent", "sent", "discharge-time-changed", "discharged_at"},
		{"merged or moved", func(t *events.Transition) { t.Patient = events.Derive("survivor") },
			func(o events.Of) events.Fact { return events.TransitionUpdated{Of: o} }, "sent", "sent", "patient-changed", "patient_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			tr := goingTo("snf")
			w.discharge(tr.opened())
			r := w.send(w.the(tr.Encounter), w.tied())
			corrected := tr.Transition
			corrected.Version++
			c.change(&corrected)
			w.discharge(c.fact(events.Of{Transition: corrected}))
			n := len(w.facts())
			w.discharge(c.fact(events.Of{Transition: corrected}))
			if again := len(w.facts()); again != n {
				t.Errorf("heard again, it told %d facts more", again-n)
			}
			var got store.View
			w.must(200, "GET", "/referrals/"+r.ID.String(), "").into(t, &got)
			if got.State != c.state || got.Offers[0].State != c.offer || got.PatientID != corrected.Patient {
				t.Errorf("%s, offer %s, of patient %s", got.State, got.Offers[0].State, got.PatientID)
			}
			var lines web.List[store.Line]
			w.must(200, "GET", "/referrals/"+r.ID.String()+"/history", "").into(t, &lines)
			line := lines.Items[len(lines.Items)-1]
			if line.Reason != c.reason || line.By != "" || c.before != "" && line.Previous[c.before] == "" {
				t.Errorf("the history ends with %+v", line)
			}
			if c.before == "" {
				return
			}
			fact, said := w.last(tr.Encounter)
			f, ok := fact.(events.ReferralUpdated)
			if !ok || f.Previous[c.before] == "" || len(said.Offers) != 1 || said.Places[said.Offers[0].Provider.String()] == "" {
				t.Errorf("told: %+v", fact)
			}
			w.balanced()
		})
	}
}

// A merge and its inverse leave the referral as it was, but for its version, and add to its history.
func TestAMergeAndItsInverseKeepTheReferral(t *testing.T) {
	w := newWorld(t)
	tr := goingTo("snf")
	w.discharge(tr.opened())
	before := w.send(w.the(tr.Encounter), w.tied())
	merged := tr.Transition
	merged.Version, merged.Patient = tr.Version+1, events.Derive("survivor")
	w.discharge(events.TransitionUpdated{Of: events.Of{Transition: merged}})
	if got := w.the(tr.Encounter); got.PatientID != merged.Patient {
		t.Errorf("of patient %s", got.PatientID)
	}
	back := tr.Transition
	back.Version += 2
	w.discharge(events.TransitionUpdated{Of: events.Of{Transition: back}})
	after := w.the(tr.Encounter)
	if after.Version != before.Version+2 {
		t.Errorf("version %d after %d", after.Version, before.Version)
	}
	after.Version, after.UpdatedAt = before.Version, before.UpdatedAt
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	w.balanced()
}

// What settles says so in every fact of its referral, also in one that a person leads to.
func TestAReferralKnowsUntilWhenItsDischargeSettles(t *testing.T) {
	w := newWorld(t)
	tr := goingTo("snf")
	until := noon.Add(10 * time.Minute)
	tr.SettlesAt = &until
	w.discharge(tr.opened())
	w.send(w.the(tr.Encounter), w.tied())
	if fact, said := w.last(tr.Encounter); said.SettlesAt == nil || !said.SettlesAt.Equal(until) {
		t.Errorf("%s: %v", fact.Type(), said.SettlesAt)
	}
}

// tied is a skilled nursing facility that is tied to a facility of its own.
func (w *world) tied() events.ID {
	w.t.Helper()
	var page web.List[provider]
	w.must(200, "GET", "/providers?limit=500", "").into(w.t, &page)
	for _, p := range page.Items {
		if p.Facility != "" && slices.Contains(p.Needs, "snf") {
			return p.ID
		}
	}
	w.t.Fatal("no provider is tied to a facility")
	return events.ID{}
}
