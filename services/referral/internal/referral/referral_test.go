package referral

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/services/referral/internal/match"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func nobody(string, match.Patient, events.ID) (*match.Ranking, int64) { return &match.Ranking{}, 1 }

func drafted(t *testing.T) *Referral {
	list := Follow(nil, events.NewID(), transition("snf"), noon, nobody)
	if len(list) != 1 {
		t.Fatalf("%d drafted", len(list))
	}
	return list[0]
}

func transition(needs ...string) events.Transition {
	return events.Transition{ID: events.NewID(), Encounter: events.NewID(), Patient: events.NewID(), State: "active", Version: 3, Needs: needs}
}

// The state machine, row by row: what is in the table is possible, what is not is refused as a
// conflict and changes nothing.
func TestTheTableIsTheWholeStateMachine(t *testing.T) {
	want := map[Action]string{
		Draft: "", Update: "drafted sent acknowledged offered declined accepted booked arrived no-show withdrawn expired",
		Send:        "drafted sent acknowledged offered declined",
		Acknowledge: "sent acknowledged offered", Offer: "sent acknowledged offered", Accept: "sent acknowledged offered",
		Decline: "sent acknowledged offered accepted booked",
		Book:    "accepted booked no-show", Arrive: "accepted booked no-show", CancelArrival: "arrived", MissArrival: "accepted booked",
		Withdraw: "drafted sent acknowledged offered declined accepted booked no-show",
		Recall:   "drafted sent acknowledged offered declined accepted booked no-show",
		Expire:   "drafted sent acknowledged offered declined",
		Choose:   "drafted sent acknowledged offered declined",
		Question: "sent acknowledged offered", Lapse: "sent acknowledged offered",
		Reply: "drafted sent acknowledged offered declined accepted booked no-show",
	}
	for action, m := range moves {
		got := ""
		for i, s := range m.from {
			if i > 0 {
				got += " "
			}
			got += s
		}
		if got != want[action] {
			t.Errorf("%s from %q, want %q", action, got, want[action])
		}
	}
	if len(want) != len(moves) {
		t.Errorf("%d actions, want %d", len(moves), len(want))
	}
}

func TestTheFurthestOfferSaysWhereAReferralIs(t *testing.T) {
	a, b := events.NewID(), events.NewID()
	r := drafted(t)
	steps := []struct {
		do   func() error
		want State
	}{
		{func() error { return r.Send([]events.ID{a, b}, Act{At: noon}) }, Sent},
		{func() error { return r.Answer(Acknowledge, a, Act{At: noon}) }, Acknowledged},
		{func() error { return r.Answer(Offer, b, Act{At: noon}) }, Offered},
		{func() error { return r.Answer(Decline, b, Act{At: noon, Reason: "no-bed"}) }, Acknowledged},
		{func() error { return r.Answer(Decline, a, Act{At: noon, Reason: "no-bed"}) }, Declined},
		{func() error { return r.Send([]events.ID{b}, Act{At: noon}) }, Sent},
		{func() error { return r.Answer(Accept, events.ID{}, Act{At: noon}) }, Accepted},
		{func() error { return r.Book(noon, Act{At: noon}) }, Booked},
		{func() error { return r.Answer(Decline, b, Act{At: noon, Reason: "staffing"}) }, Declined},
	}
	for i, s := range steps {
		if err := s.do(); err != nil || r.State != s.want {
			t.Fatalf("step %d: %s, want %s (%v)", i, r.State, s.want, err)
		}
	}
	if !r.Provider.IsZero() || r.StartAt != nil {
		t.Errorf("still chosen: %+v", r.Referral)
	}
}

func TestAnAnswerWithoutAProviderNeedsToBeUnmistakable(t *testing.T) {
	r := drafted(t)
	a, b := events.NewID(), events.NewID()
	if err := r.Send([]events.ID{a, b}, Act{At: noon}); err != nil {
		t.Fatal(err)
	}
	if err := r.Answer(Accept, events.ID{}, Act{At: noon}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("two could be meant: %v", err)
	}
	if err := r.Answer(Decline, a, Act{At: noon}); err != nil {
		t.Fatal(err)
	}
	if err := r.Answer(Accept, events.ID{}, Act{At: noon}); err != nil || r.Provider != b {
		t.Errorf("only one can be meant: %s, %v", r.Provider, err)
	}
}

func TestWhateverIsDoneTheInvariantsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := transition("snf")
		r := Follow(nil, events.NewID(), tr, noon, nobody)[0]
		providers := []events.ID{events.NewID(), events.NewID(), events.NewID()}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			before, entries := r.State, len(r.Entries)
			err := anything(t, r, &tr, providers)
			if err != nil && (r.State != before || len(r.Entries) != entries || fault.KindOf(err) == fault.Internal) {
				t.Fatalf("refused (%v) and yet it changed from %s to %s", err, before, r.State)
			}
			check(t, r, before)
		}
	})
}

func anything(t *rapid.T, r *Referral, tr *events.Transition, providers []events.ID) error {
	act := Act{At: noon, By: "maria", Reason: "other"}
	p := rapid.SampledFrom(append([]events.ID{{}}, providers...)).Draw(t, "provider")
	switch rapid.SampledFrom([]Action{Send, Acknowledge, Offer, Decline, Accept, Book, Arrive, CancelArrival, MissArrival, Withdraw, Recall, Expire, Update}).Draw(t, "action") {
	case Send:
		return r.Send(providers[:rapid.IntRange(0, 3).Draw(t, "how many")], act)
	case Acknowledge:
		return r.Answer(Acknowledge, p, act)
	case Offer:
		return r.Answer(Offer, p, act)
	case Decline:
		return r.Answer(Decline, p, act)
	case Accept:
		return r.Answer(Accept, p, act)
	case Book:
		return r.Book(noon, act)
	case Arrive:
		return r.Arrive(events.NewID(), act)
	case CancelArrival:
		return r.CancelArrival(act)
	case MissArrival:
		return r.MissArrival(act)
	case Withdraw:
		return r.Withdraw(act)
	case Expire:
		return r.Expire(act)
	default:
		tr.Version++
		tr.Unit = rapid.StringMatching("[0-9]W").Draw(t, "unit")
		tr.State = rapid.SampledFrom([]string{"active", "active", "active", "completed", "planning", "expired"}).Draw(t, "transition")
		Follow([]*Referral{r}, r.Org, *tr, noon, nobody)
		return nil
	}
}

func check(t *rapid.T, r *Referral, before State) {
	accepted := 0
	for _, o := range r.Offers {
		if o.State == Accepted {
			accepted++
			if o.Provider != r.Provider {
				t.Fatalf("the accepted offer is %s's, the chosen provider %s", o.Provider, r.Provider)
			}
		}
	}
	chosen := slices.Contains(Chosen, r.State) || r.State == Arrived
	if chosen != (accepted == 1) || accepted > 1 {
		t.Fatalf("%d accepted offers in state %s", accepted, r.State)
	}
	if (before == Withdrawn || before == Expired) && r.State != before {
		t.Fatalf("went on from %s to %s", before, r.State)
	}
	if before == Arrived && r.State != Arrived && r.Entries[len(r.Entries)-1].Action != CancelArrival {
		t.Fatalf("an arrival was undone by %s", r.Entries[len(r.Entries)-1].Action)
	}
	for i, e := range r.Entries {
		if e.Version != i+1 || e.Fact.Key() != r.Encounter {
			t.Fatalf("entry %d has version %d", i, e.Version)
		}
	}
	if r.Version != len(r.Entries) {
		t.Fatalf("version %d after %d entries", r.Version, len(r.Entries))
	}
}

func TestAnOlderSnapshotChangesNothing(t *testing.T) {
	tr := transition("snf")
	org := events.NewID()
	r := Follow(nil, org, tr, noon, nobody)[0]
	tr.Version, tr.State = 4, "planning"
	Follow([]*Referral{r}, org, tr, noon, nobody)
	tr.Version, tr.State = 3, "active"
	if again := Follow([]*Referral{r}, org, tr, noon, nobody); again != nil || r.State != Withdrawn || r.Current {
		t.Errorf("%s, drafted %v", r.State, again)
	}
}

func TestWhichStayIsTheArrival(t *testing.T) {
	left := noon
	r := &Referral{Org: events.NewID()}
	r.Patient, r.Encounter, r.DischargedAt = events.NewID(), events.NewID(), &left
	place := Place{FacilityID: events.NewID(), Facility: "CEDAR"}
	other := events.NewID()
	persons := Persons{r.Patient: events.ID{1}, other: events.ID{1}}
	good := Arrival{Encounter: events.NewID(), Org: r.Org, Patient: other, FacilityID: place.FacilityID, At: noon.Add(time.Hour), Live: true}
	for _, c := range []struct {
		name   string
		change func(*Arrival)
		want   bool
	}{
		{"the linked patient at the provider's facility", func(*Arrival) {}, true},
		{"the same patient", func(a *Arrival) { a.Patient = r.Patient }, true},
		{"by the facility's code", func(a *Arrival) { a.FacilityID, a.Facility = events.NewID(), "CEDAR" }, true},
		{"stamped a little before the discharge", func(a *Arrival) { a.At = noon.Add(-early) }, true},
		{"an earlier stay", func(a *Arrival) { a.At = noon.Add(-early - time.Second) }, false},
		{"another person", func(a *Arrival) { a.Patient = events.NewID() }, false},
		{"another facility", func(a *Arrival) { a.FacilityID = events.NewID() }, false},
		{"another organization", func(a *Arrival) { a.Org = events.NewID() }, false},
		{"a cancelled admission", func(a *Arrival) { a.Live = false }, false},
		{"the stay that is being left", func(a *Arrival) { a.Encounter = r.Encounter }, false},
	} {
		a := good
		c.change(&a)
		if got := r.ClosedBy(a, place, persons); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if r.ClosedBy(good, Place{}, persons) {
		t.Error("a provider that is tied to nothing")
	}
}
