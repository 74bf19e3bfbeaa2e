package referral

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
)

// Whatever is answered when: nobody is asked twice by the plan, who is let go for silence had the whole
// time, at most one holds the person, and as long as nobody does and somebody may still be asked,
// somebody is being asked.
func TestWavesNeverLeaveASearchWaitingForNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		r := &Referral{Referral: events.Referral{State: Drafted}}
		n := rapid.IntRange(1, 7).Draw(t, "providers")
		var all []events.ID
		for range n {
			all = append(all, events.NewID())
		}
		size, hours := rapid.IntRange(0, 3).Draw(t, "size"), rapid.IntRange(1, 4).Draw(t, "hours")
		if err := r.SendInWaves(all, size, hours, Act{At: now}); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 180).Draw(t, "minutes")) * time.Minute)
			for due := r.Deadline(); due != nil && !due.After(now); due = r.Deadline() {
				if !r.LetSilenceGo(Act{At: *due}) {
					t.Fatal("a deadline passed and nothing was done")
				}
			}
			if len(r.Offers) > 0 {
				o := r.Offers[rapid.IntRange(0, len(r.Offers)-1).Draw(t, "who")]
				_ = r.Answer(rapid.SampledFrom([]Action{Acknowledge, Offer, Decline, Decline, Accept}).Draw(t, "says"), o.Provider, Act{At: now, Reason: "no-bed"})
			}
			asked, held, open := map[events.ID]int{}, 0, 0
			for _, o := range r.Offers {
				asked[o.Provider]++
				switch {
				case o.State == Accepted:
					held++
				case silent(o) || o.State == Offered:
					open++
				case o.State == Withdrawn && o.Reason == NoResponse && o.Until.After(now):
					t.Fatalf("%s was let go before its time", o.Provider)
				}
				if asked[o.Provider] > 1 {
					t.Fatal("asked twice")
				}
			}
			switch {
			case held > 1 || held == 1 && r.Provider.IsZero():
				t.Fatalf("%d hold the person", held)
			case held == 0 && open == 0 && len(r.Plan.Next) > 0:
				t.Fatalf("nobody is asked, and %d waves wait: %+v", len(r.Plan.Next), r.Offers)
			case held == 1 && len(r.Plan.Next) > 0:
				t.Fatal("a place is found, and others are still to be asked")
			}
		}
	})
}
