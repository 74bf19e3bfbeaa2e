package notice

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
)

var epoch = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// world keeps alerts between batches as the database does.
type world struct {
	alerts  map[events.ID]*Alert
	changes []Change
}

func (w *world) batch(list ...events.Event) {
	threads := map[events.ID]bool{}
	for _, e := range list {
		for _, id := range Threads(e) {
			threads[id] = true
		}
	}
	var known []*Alert
	for _, a := range w.alerts {
		if threads[a.Thread] {
			c := *a
			known = append(known, &c)
		}
	}
	b := NewBook(epoch, known)
	for _, e := range list {
		b.Hear(e)
	}
	b.Finish()
	for _, a := range append(b.Fresh(), b.Changed()...) {
		w.alerts[a.ID] = a
	}
	w.changes = append(w.changes, b.Changes...)
}

func random(t *rapid.T, version *int) events.Event {
	tr := events.Transition{ID: events.Derive("t"), Encounter: events.Derive("e"), Facility: "A", LateArrival: false}
	of := func() events.Of {
		*version++
		tr.Version = *version
		return events.Of{Transition: tr}
	}
	task := events.Work{Task: events.Task{ID: events.Derive(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "task")), Encounter: tr.Encounter, State: "completed"}}
	ref := events.Search{Referral: events.Referral{ID: events.Derive("r"), Encounter: tr.Encounter}}
	facts := []func() events.Fact{
		func() events.Fact { return events.TransitionOpened{Of: of()} },
		func() events.Fact { return events.TransitionPlanned{Of: of()} },
		func() events.Fact { return events.TransitionReplanned{Of: of()} },
		func() events.Fact { return events.TransitionCancelled{Of: of()} },
		func() events.Fact { return events.TransitionCompleted{Of: of()} },
		func() events.Fact { return events.TaskOverdue{Work: task} },
		func() events.Fact { return events.TaskCompleted{Work: task} },
		func() events.Fact { return events.ReferralDeclined{Search: ref} },
		func() events.Fact { return events.ReferralAccepted{Search: ref} },
		func() events.Fact { return events.ReferralRecalled{Search: ref} },
		func() events.Fact { return events.ArrivalConfirmed{Search: ref} },
	}
	return events.Event{ID: events.NewID(), Org: events.Derive("org"), Occurred: epoch, Received: epoch, Fact: rapid.SampledFrom(facts).Draw(t, "fact")()}
}

// However facts are cut into batches, and whatever they are: an encounter has one alert about its
// opening, versions have no gap, moves are legal, what was acknowledged stays so, and at most one
// alert of a kind waits for an answer.
func TestThreadsHoldWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, version := &world{alerts: map[events.ID]*Alert{}}, 0
		for range rapid.IntRange(1, 12).Draw(t, "batches") {
			var list []events.Event
			for range rapid.IntRange(1, 4).Draw(t, "size") {
				list = append(list, random(t, &version))
			}
			w.batch(list...)
			if rapid.Bool().Draw(t, "acknowledge") {
				w.acknowledgeAll()
			}
		}
		check(t, w)
	})
}

func (w *world) acknowledgeAll() {
	for _, a := range w.alerts {
		b := NewBook(epoch, []*Alert{a})
		b.Acknowledge(a, "ann", events.Event{Org: a.Org})
		w.changes = append(w.changes, b.Changes...)
	}
}

func check(t *rapid.T, w *world) {
	last := map[events.ID]Alert{}
	for _, c := range w.changes {
		before, known := last[c.Alert.ID]
		if c.Alert.Version != before.Version+1 {
			t.Fatalf("%s %s: version %d after %d", c.Act, c.Alert.Kind, c.Alert.Version, before.Version)
		}
		if !known != (c.Act == Raise) {
			t.Fatalf("%s of an alert that was known: %v", c.Act, known)
		}
		if before.AcknowledgedAt != nil && c.Alert.State == Raised {
			t.Fatalf("%s took an acknowledgement back", c.Act)
		}
		if known && !May(before.State, c.Act) {
			t.Fatalf("%s from %s", c.Act, before.State)
		}
		last[c.Alert.ID] = c.Alert
	}
	raised, openings := map[string]int{}, 0
	for _, a := range w.alerts {
		if a.State == Raised {
			raised[a.Kind]++
		}
		if a.Kind == Opened {
			openings++
		}
		if a.State != last[a.ID].State || a.Version != last[a.ID].Version {
			t.Fatalf("kept %s at %d, announced %s at %d", a.State, a.Version, last[a.ID].State, last[a.ID].Version)
		}
	}
	for kind, n := range raised {
		if n > 1 {
			t.Fatalf("%d raised alerts of kind %s", n, kind)
		}
	}
	if openings > 1 {
		t.Fatalf("%d alerts about one opening", openings)
	}
}

func TestARepeatedFactChangesNothing(t *testing.T) {
	w := &world{alerts: map[events.ID]*Alert{}}
	tr := events.Transition{ID: events.Derive("t"), Encounter: events.Derive("e"), Version: 2}
	e := events.Event{ID: events.NewID(), Org: events.Derive("org"), Fact: events.TransitionOpened{Of: events.Of{Transition: tr}}}
	w.batch(e, e)
	w.batch(e)
	if len(w.changes) != 1 {
		t.Errorf("%d changes: %+v", len(w.changes), w.changes)
	}
}

func TestTheTableOfMoves(t *testing.T) {
	acts := []Act{Raise, Correct, Fold, Reopen, Hide, Escalate, Acknowledge, Resolve}
	want := map[State][]Act{
		"":           {Raise},
		Raised:       {Correct, Fold, Hide, Escalate, Acknowledge, Resolve},
		Acknowledged: {Correct, Fold, Hide, Resolve},
		Resolved:     {Correct, Reopen, Hide},
	}
	for state, legal := range want {
		for _, act := range acts {
			if got := May(state, act); got != slices.Contains(legal, act) {
				t.Errorf("%s from %q: %v", act, state, got)
			}
		}
	}
	if s := fmt.Sprintln(Routine.Raised(), Urgent.Raised(), Critical.Raised()); s != "urgent critical critical\n" {
		t.Error(s)
	}
}
