package referral

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/timer"
)

func TestEachNeedOfATransitionIsDraftedOnceWithRanksAndReasons(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf", "dialysis")
	w.discharge(s.opened())
	w.discharge(events.TransitionUpdated{Of: events.Of{Transition: s.Transition}}, s.opened())

	want := []string{"snf drafted drafted", "dialysis drafted drafted"}
	if diff := cmp.Diff(want, w.told(s.Encounter)); diff != "" {
		t.Error(diff)
	}
	var needs []string
	for _, v := range w.referrals(s.Encounter) {
		needs = append(needs, v.Need+" "+v.State)
		d := w.detail(v.ID)
		if len(d.Candidates) == 0 || len(d.Candidates)+len(d.Excluded) != 34 {
			t.Errorf("%s: %d candidates and %d excluded do not make up the directory of 34", v.Need, len(d.Candidates), len(d.Excluded))
		}
		for i, c := range append(d.Candidates, d.Excluded...) {
			if len(c.Reasons) == 0 {
				t.Errorf("%s: %s has no reasons", v.Need, c.Name)
			}
			if i < len(d.Candidates) && c.Rank != i+1 {
				t.Errorf("%s: rank %d in place %d", v.Need, c.Rank, i+1)
			}
		}
	}
	slices.Sort(needs)
	if diff := cmp.Diff([]string{"dialysis drafted", "snf drafted"}, needs); diff != "" {
		t.Error(diff)
	}
	w.balanced()
}

func TestATransitionWithoutNeedsDraftsNothing(t *testing.T) {
	w := newWorld(t)
	home, planned := goingTo(), goingTo("snf")
	planned.State = "planning"
	w.discharge(home.opened(), planned.opened())
	if got := w.facts(); len(got) != 0 {
		t.Errorf("%d facts announced", len(got))
	}
}

func TestAChangedDispositionRecallsOneNeedAndDraftsTheOther(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf")
	w.discharge(s.opened(), s.replanned(func(x *events.Transition) { x.Needs = []string{"home-health"} }))
	want := []string{"snf drafted drafted", "snf recalled withdrawn", "home-health drafted drafted"}
	if diff := cmp.Diff(want, w.told(s.Encounter)); diff != "" {
		t.Error(diff)
	}
	w.balanced()
}

func TestACancelledDischargeTellsEverybodyAskedAndANewOneDraftsAnew(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf")
	w.discharge(s.opened())
	cedar, lakeside := w.provider("Cedar Grove Care Center"), w.provider("Lakeside Rehabilitation and Nursing")
	v := w.send(w.the(s.Encounter), cedar, lakeside)
	w.do(v, "decline", `{"provider_id":"`+lakeside.String()+`","reason":"no-bed"}`)
	w.do(v, "accept", whose(cedar))
	w.discharge(s.cancelledDischarge())

	got := w.detail(v.ID)
	want := []events.Offer{{Provider: cedar, State: "withdrawn", Reason: "discharge-cancelled"}, {Provider: lakeside, State: "declined", Reason: "no-bed"}}
	if diff := cmp.Diff(want, plainly(got.Offers)); diff != "" || got.State != "withdrawn" || got.Reason != "discharge-cancelled" {
		t.Errorf("%s %s: %s", got.State, got.Reason, diff)
	}
	all := w.facts()
	last := all[len(all)-1].Fact
	if r, ok := last.(events.ReferralRecalled); !ok || cmp.Diff(want, plainly(r.Referral.Offers)) != "" {
		t.Errorf("told last: %+v", last)
	}

	w.discharge(s.replanned(func(x *events.Transition) { x.State = "active" }))
	list := w.referrals(s.Encounter)
	if len(list) != 2 || list[0].State != "drafted" || list[1].ID != v.ID {
		t.Errorf("after the second discharge: %+v", list)
	}
	w.balanced()
}

func TestADeadPatientsReferralIsRecalled(t *testing.T) {
	w := newWorld(t)
	s := goingTo("hospice")
	w.discharge(s.opened())
	s.State, s.Version = "expired", 2
	w.discharge(events.TransitionExpired{Of: events.Of{Transition: s.Transition}})
	if v := w.the(s.Encounter); v.State != "withdrawn" || v.Reason != "deceased" {
		t.Errorf("%s %s", v.State, v.Reason)
	}
}

func TestWhatAPersonWithdrewIsNotDraftedAgain(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf")
	w.discharge(s.opened())
	w.do(w.the(s.Encounter), "withdraw", `{"reason":"patient-choice"}`)
	w.discharge(s.replanned(func(x *events.Transition) { x.ZIP3 = "600" }))
	if v := w.the(s.Encounter); v.State != "withdrawn" || v.Reason != "patient-choice" {
		t.Errorf("%s %s", v.State, v.Reason)
	}
}

func TestAnotherPayerRanksAgain(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf")
	w.discharge(s.opened())
	before := w.detail(w.the(s.Encounter).ID)
	w.discharge(s.replanned(func(x *events.Transition) { x.Payer = "medicaid" }))
	after := w.detail(before.ID)
	north := w.provider("North Shore Pavilion") // takes medicare alone
	in := func(list []choice) bool {
		return slices.ContainsFunc(list, func(c choice) bool { return c.ProviderID == north })
	}
	if !in(before.Excluded) && !in(before.Candidates) || in(after.Candidates) || after.Version != before.Version+1 {
		t.Errorf("before %+v\nafter %+v", before.Candidates, after.Candidates)
	}
	if got := w.told(s.Encounter); got[len(got)-1] != "snf updated drafted" {
		t.Errorf("told %v", got)
	}
	w.balanced()
}

func TestAnArrivalClosesTheReferralInWhateverOrderItIsHeardOf(t *testing.T) {
	for _, order := range [][]string{
		{"link", "accept", "admit"}, {"link", "admit", "accept"}, {"accept", "link", "admit"},
		{"accept", "admit", "link"}, {"admit", "link", "accept"}, {"admit", "accept", "link"},
	} {
		t.Run(strings.Join(order, " "), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s, there := goingTo("snf"), events.NewID()
			w.discharge(s.opened())
			v := w.send(w.the(s.Encounter), w.provider("Cedar Grove Care Center"))
			closing := admitted(there, "CEDARGROVE", noon.Add(3*time.Hour))
			for i, step := range order {
				if got := w.the(s.Encounter); got.State == "arrived" {
					t.Fatalf("arrived before %v", order[i:])
				}
				switch step {
				case "link":
					w.admission(linked(there, s.Patient))
				case "accept":
					w.do(v, "accept", "")
				case "admit":
					w.admission(admission(closing))
				}
			}
			got := w.the(s.Encounter)
			if got.State != "arrived" || got.Arrival != closing.ID {
				t.Errorf("%s by %s, want arrived by %s", got.State, got.Arrival, closing.ID)
			}
			told := w.told(s.Encounter)
			if told[len(told)-1] != "snf arrived arrived" {
				t.Errorf("told %v", told)
			}
			w.balanced()
		})
	}
}

func TestWhatDoesNotCloseAReferral(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf")
	w.discharge(s.opened())
	v := w.send(w.the(s.Encounter), w.provider("Cedar Grove Care Center"))
	w.do(v, "accept", "")
	cancelled := admitted(s.Patient, "CEDARGROVE", noon.Add(time.Hour))
	cancelled.State, cancelled.FoldVersion = "cancelled", 2
	w.admission(
		admission(admitted(s.Patient, "LAKESIDE", noon.Add(time.Hour))),          // another provider's
		admission(admitted(events.NewID(), "CEDARGROVE", noon.Add(time.Hour))),   // another person
		admission(admitted(s.Patient, "CEDARGROVE", noon.Add(-30*24*time.Hour))), // an earlier stay
		events.EncounterAdmissionCancelled{About: events.About{Encounter: cancelled}},
	)
	if got := w.the(s.Encounter); got.State != "accepted" {
		t.Errorf("%s by %s", got.State, got.Arrival)
	}
	// Nor does another organization's facility of the same code.
	w.hear(w.s.hearAdmission, events.Derive("org", "other"), admission(admitted(s.Patient, "CEDARGROVE", noon.Add(time.Hour))))
	if got := w.the(s.Encounter); got.State != "accepted" {
		t.Errorf("closed by another organization: %+v", got)
	}
}

func TestACancelledArrivalOpensTheReferralAgain(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf")
	w.discharge(s.opened())
	v := w.send(w.the(s.Encounter), w.provider("Cedar Grove Care Center"))
	w.do(v, "accept", "")
	w.do(v, "book", `{"start_at":"2026-03-02T20:00:00Z"}`)
	there := admitted(s.Patient, "CEDARGROVE", noon.Add(time.Hour))
	w.admission(admission(there))
	if got := w.the(s.Encounter); got.State != "arrived" {
		t.Fatalf("%s", got.State)
	}
	there.State, there.FoldVersion = "cancelled", 2
	w.admission(events.EncounterAdmissionCancelled{About: events.About{Encounter: there}})
	if got := w.the(s.Encounter); got.State != "booked" || !got.Arrival.IsZero() {
		t.Errorf("%s by %s, want booked again", got.State, got.Arrival)
	}
	w.balanced()
}

func TestAnArrivalThatWasSomebodyElsesOpensTheReferralAgain(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf")
	w.discharge(s.opened())
	w.do(w.send(w.the(s.Encounter), w.provider("Cedar Grove Care Center")), "accept", "")
	there := admitted(s.Patient, "CEDARGROVE", noon.Add(time.Hour))
	w.admission(admission(there))
	there.Patient, there.FoldVersion = events.NewID(), 2
	w.admission(events.EncounterMoved{About: events.About{Encounter: there}})
	if got := w.the(s.Encounter); got.State != "accepted" {
		t.Errorf("%s", got.State)
	}
	// and closes it once the two turn out to be one person
	w.admission(linked(s.Patient, there.Patient))
	if got := w.the(s.Encounter); got.State != "arrived" {
		t.Errorf("%s", got.State)
	}
	w.balanced()
}

func TestAReferralThatBecomesAnotherPatientsIsClosedByThatOnesArrival(t *testing.T) {
	w := newWorld(t)
	s, other := goingTo("snf"), events.NewID()
	w.discharge(s.opened())
	w.do(w.send(w.the(s.Encounter), w.provider("Cedar Grove Care Center")), "accept", "")
	w.admission(admission(admitted(other, "CEDARGROVE", noon.Add(time.Hour))))
	w.discharge(s.replanned(func(x *events.Transition) { x.Patient = other }))
	if got := w.the(s.Encounter); got.State != "arrived" || got.PatientID != other {
		t.Errorf("%s of %s", got.State, got.PatientID)
	}
	all := w.facts()
	if last := all[len(all)-1]; last.Org != demoOrg || last.Cause.IsZero() || !last.Received.Equal(noon) {
		t.Errorf("the arrival does not say what it follows from: %+v", last)
	}
	w.balanced()
}

func TestAnArrivedReferralIsNotRecalled(t *testing.T) {
	w := newWorld(t)
	s := goingTo("snf")
	w.discharge(s.opened())
	v := w.send(w.the(s.Encounter), w.provider("Cedar Grove Care Center"))
	w.do(v, "accept", "")
	w.do(v, "arrive", "")
	w.discharge(s.cancelledDischarge())
	w.discharge(s.replanned(func(x *events.Transition) { x.State = "active" }))
	if got := w.the(s.Encounter); got.State != "arrived" {
		t.Errorf("%s", got.State)
	}
}

// An acceptance and an arrival that know nothing of each other are in two transactions at once; the
// one that commits later must see the other.
func TestAnArrivalAtTheMomentOfTheAcceptanceIsNotMissed(t *testing.T) {
	w := newWorld(t)
	cedar := w.provider("Cedar Grove Care Center")
	for range 20 {
		s := goingTo("snf")
		w.discharge(s.opened())
		v := w.send(w.the(s.Encounter), cedar)
		var both sync.WaitGroup
		both.Go(func() { w.do(v, "accept", "") })
		both.Go(func() { w.admission(admission(admitted(s.Patient, "CEDARGROVE", noon.Add(time.Hour)))) })
		both.Wait()
		if got := w.the(s.Encounter); got.State != "arrived" {
			t.Fatalf("%s", got.State)
		}
	}
}

func TestAFacilityTiesTheProvidersThatNameItsCode(t *testing.T) {
	w := newWorld(t)
	id := events.NewID()
	w.admission(events.FacilityChanged{ID: id, Code: "LAKESIDE", Name: "Lakeside"})
	var p provider
	w.must(200, "GET", "/providers/"+w.provider("Lakeside Rehabilitation and Nursing").String(), "").into(t, &p)
	if p.FacilityID == nil || *p.FacilityID != id || p.Version != 2 {
		t.Errorf("tied to %v at version %d", p.FacilityID, p.Version)
	}
}

func TestASearchThatNobodyMovesExpires(t *testing.T) {
	w := newWorld(t)
	s, moved := goingTo("snf"), goingTo("snf")
	w.discharge(s.opened(), moved.opened())
	w.send(w.the(moved.Encounter), w.provider("Cedar Grove Care Center"))
	var due []timer.Timer
	w.system(func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT name, key, org_id, due_at FROM timer WHERE name = 'expire' ORDER BY due_at`)
		if err == nil {
			due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (x timer.Timer, err error) {
				err = row.Scan(&x.Name, &x.Key, &x.Org, &x.Due)
				return x, err
			})
		}
		return err
	})
	if len(due) != 2 {
		t.Fatalf("%d timers", len(due))
	}
	w.system(func(ctx context.Context, tx pgx.Tx) error { return w.s.expire(ctx, tx, due[1].Due, due) })
	if got := w.the(s.Encounter); got.State != "expired" || got.Reason != "no-answer" {
		t.Errorf("%s %s", got.State, got.Reason)
	}
	if got := w.the(moved.Encounter); got.State != "sent" {
		t.Errorf("%s", got.State)
	}
	w.balanced()
}

func (w *world) system(fn func(ctx context.Context, tx pgx.Tx) error) {
	w.t.Helper()
	ctx := context.Background()
	if err := w.db.SystemTx(ctx, func(tx pgx.Tx) error { return fn(ctx, tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func TestAChangedDirectoryRanksOpenReferralsAgain(t *testing.T) {
	w := newWorld(t)
	s, chosen := goingTo("snf"), goingTo("snf")
	w.discharge(s.opened(), chosen.opened())
	v := w.send(w.the(chosen.Encounter), w.provider("Cedar Grove Care Center"))
	w.do(v, "accept", "")
	before := w.detail(w.the(s.Encounter).ID)
	var p provider
	w.must(201, "POST", "/providers", `{"name":"New House","needs":["snf"],"zip":"60601","areas":["606"]}`).into(t, &p)
	w.system(func(ctx context.Context, tx pgx.Tx) error {
		return w.s.rankAgain(ctx, tx, now(), []timer.Timer{{Name: rankTimer, Key: demoOrg, Org: demoOrg}})
	})
	after := w.detail(before.ID)
	if !slices.ContainsFunc(after.Candidates, func(c choice) bool { return c.ProviderID == p.ID }) || after.Version != before.Version+1 {
		t.Errorf("version %d, candidates %+v", after.Version, after.Candidates)
	}
	if got := w.detail(v.ID); len(got.Candidates) != len(before.Candidates) || got.State != "accepted" {
		t.Errorf("a list that was chosen from changed: %d candidates", len(got.Candidates))
	}
	w.balanced()
}

// statements counts what is sent to the database.
type statements struct{ n atomic.Int64 }

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.n.Add(1)
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestABatchOfManyStaysTakesAsManyStatementsAsASmallOne(t *testing.T) {
	w := newWorld(t)
	count := func(stays int) int64 {
		var opened, cancelled []events.Fact
		for range stays {
			s := goingTo("snf")
			opened = append(opened, s.opened())
			cancelled = append(cancelled, s.cancelledDischarge())
		}
		before := w.statements.n.Load()
		w.discharge(opened...)
		w.discharge(cancelled...)
		return w.statements.n.Load() - before
	}
	count(1) // reads the directory
	if small, large := count(2), count(300); small != large || small > 20 {
		t.Errorf("%d statements for 2 stays, %d for 300", small, large)
	}
	w.balanced()
}

// plainly are offers without the times of asking and answering.
func plainly(offers []events.Offer) (out []events.Offer) {
	for _, o := range offers {
		out = append(out, events.Offer{Provider: o.Provider, State: o.State, Reason: o.Reason})
	}
	return out
}
