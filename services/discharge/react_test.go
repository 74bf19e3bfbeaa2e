package discharge

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
)

var homeCodes = []string{"discharge-information", "follow-up-visit", "medication-reconciliation", "tcm-contact"}

func TestOneDischargeFromAdmissionToCancellation(t *testing.T) {
	h := newHospital(t)
	h.hear(admitted(stay(1, "inpatient", "in-progress")))
	if got := h.one(1); got["state"] != "planning" || got["version"] != 1.0 {
		t.Fatalf("after admission: %v", got)
	}
	h.hear(discharged(stay(1, "inpatient", "finished")))
	got := h.one(1)
	if got["state"] != "active" || got["version"] != 2.0 || got["disposition"] != "01" || got["risk"] == nil {
		t.Errorf("after discharge: %v", got)
	}
	if diff := cmp.Diff(homeCodes, codes(h.tasks(1, "open"))); diff != "" {
		t.Error(diff)
	}
	// The first due of all is on Sunday; its reminder comes that morning.
	if diff := cmp.Diff([]time.Time{time.Date(2026, 10, 18, 12, 0, 0, 0, time.UTC)}, h.wakeUps()); diff != "" {
		t.Error(diff)
	}
	h.hear(events.EncounterDischargeCancelled{About: about(stay(1, "inpatient", "in-progress"))})
	if got := h.one(1); got["state"] != "planning" || got["version"] != 3.0 || got["discharged_at"] != nil {
		t.Errorf("after A13: %v", got)
	}
	for _, task := range h.tasks(1, "cancelled") {
		if task["reason"] != "discharge-cancelled" {
			t.Errorf("task %v: reason %v", task["code"], task["reason"])
		}
	}
	if n := len(h.tasks(1, "cancelled")); n != 4 || len(h.wakeUps()) != 0 {
		t.Errorf("%d tasks cancelled, timers %v", n, h.wakeUps())
	}
	want := []string{
		"transition.planned", "transition.opened with 4 tasks", "transition.planned", "task.cancelled", "task.cancelled", "task.cancelled", "task.cancelled",
	}
	if diff := cmp.Diff(want, h.told()); diff != "" {
		t.Error(diff)
	}
	h.balanced()
}

func TestABatchTellsEverythingItsEventsWouldHaveToldOneByOne(t *testing.T) {
	story := []events.Fact{
		admitted(stay(1, "inpatient", "in-progress")),
		admitted(stay(2, "emergency", "arrived")),
		discharged(stay(1, "inpatient", "finished")),
		events.EncounterDischargeCancelled{About: about(stay(1, "inpatient", "in-progress"))},
		discharged(stay(2, "emergency", "finished", disposition("07"))),
		discharged(stay(1, "inpatient", "finished", disposition("06"))),
		updated(stay(1, "inpatient", "finished", disposition("03"))),
	}
	apart, together := newHospital(t), newHospital(t)
	for _, f := range story {
		apart.hear(f)
	}
	together.hear(story...)
	if diff := cmp.Diff(apart.told(), together.told()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(apart.rest(1, 2), together.rest(1, 2)); diff != "" {
		t.Error(diff)
	}
	apart.balanced()
	together.balanced()
}

// Whatever way a set of stays is told in, cut into whatever batches, ends the same.
func TestAnyOrderAndAnyBatchesEndTheSame(t *testing.T) {
	direct, detour := newHospital(t), newHospital(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n += 3 // new encounters in the same two databases
		var last, before []events.Fact
		for i := range 3 {
			for range rapid.IntRange(0, 3).Draw(rt, "before") {
				before = append(before, updated(drawStay(rt, n+i, n)))
			}
			last = append(last, updated(drawStay(rt, n+i, n)))
		}
		before = rapid.Permutation(before).Draw(rt, "order")
		for len(before) > 0 {
			k := rapid.IntRange(1, len(before)).Draw(rt, "batch")
			detour.hear(before[:k]...)
			before = before[k:]
		}
		detour.hear(rapid.Permutation(last).Draw(rt, "last order")...)
		direct.hear(last...)
		told := direct.sequenceOfLog()
		if direct.hear(last...); direct.sequenceOfLog() != told {
			rt.Fatalf("what was read back is not what was saved: the same stays again told something")
		}
		if diff := cmp.Diff(direct.rest(n, n+1, n+2), detour.rest(n, n+1, n+2)); diff != "" {
			rt.Fatal(diff)
		}
	})
	direct.balanced()
	detour.balanced()
}

// drawStay draws a snapshot of an encounter of one of two patients.
func drawStay(t *rapid.T, number, of int) events.Encounter {
	class := rapid.SampledFrom([]string{"inpatient", "observation", "emergency", "outpatient"}).Draw(t, "class")
	s := stay(number, class, rapid.SampledFrom([]string{"in-progress", "finished", "finished", "cancelled"}).Draw(t, "state"))
	s.Patient = events.Derive("test", "patient", fmt.Sprint(of+rapid.IntRange(0, 1).Draw(t, "patient")))
	if s.State == "finished" {
		s.Disposition = rapid.SampledFrom([]string{"", "01", "02", "03", "06", "07", "09", "20", "30"}).Draw(t, "disposition")
	}
	s.Diagnoses = rapid.SampledFrom([][]string{nil, {"I509", "J449"}}).Draw(t, "diagnoses")
	return s
}

func TestADeathEndsAllTransitionsOfThePatientAndItsCorrectionRevivesThem(t *testing.T) {
	died := stay(2, "inpatient", "finished", disposition("20"), patient(1))
	for _, c := range []struct {
		name          string
		death, undone events.Fact
	}{
		{
			"by the disposition of another stay", discharged(died),
			events.EncounterDischargeCancelled{About: about(stay(2, "inpatient", "in-progress", patient(1)))},
		},
		{
			"by the disposition of an emergency visit", discharged(stay(2, "emergency", "finished", disposition("20"), patient(1))),
			updated(stay(2, "emergency", "finished", patient(1))),
		},
		{
			"by the demographics",
			events.PatientUpdated{Patient: events.Patient{ID: died.Patient, Deceased: true}},
			events.PatientUpdated{Patient: events.Patient{ID: died.Patient}},
		},
		{
			"by another stay that knows of the demographics",
			updated(stay(2, "inpatient", "in-progress", patient(1), func(s *events.Encounter) { s.Deceased = true })),
			updated(stay(2, "inpatient", "in-progress", patient(1))),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHospital(t)
			h.hear(discharged(stay(1, "inpatient", "finished")), admitted(stay(3, "inpatient", "in-progress", patient(1))))
			h.hear(discharged(stay(9, "inpatient", "finished"))) // somebody else
			h.hear(c.death)
			for _, n := range []int{1, 3} {
				if got := h.one(n); got["state"] != "expired" {
					t.Errorf("transition %d is %v", n, got["state"])
				}
			}
			if open := h.tasks(1, "open"); len(open) != 0 || len(h.wakeUps()) != 1 {
				t.Errorf("open %v, timers %v", codes(open), h.wakeUps())
			}
			if got := h.one(9); got["state"] != "active" {
				t.Errorf("somebody else's is %v", got["state"])
			}
			h.balanced()
			h.hear(c.undone)
			if a, b := h.one(1), h.one(3); a["state"] != "active" || b["state"] != "planning" {
				t.Errorf("after the correction: %v, %v", a["state"], b["state"])
			}
			if diff := cmp.Diff(homeCodes, codes(h.tasks(1, "open"))); diff != "" {
				t.Error(diff)
			}
			h.balanced()
		})
	}
}

// While another word of the death stands, the correction of this stay's own is kept
// for the day the other is corrected too.
func TestACorrectionAfterADeathIsNotForgotten(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", disposition("20"))), discharged(stay(2, "inpatient", "finished", disposition("20"), patient(1))))
	h.hear(updated(stay(1, "inpatient", "finished", disposition("06"))))
	if got := h.one(1); got["state"] != "expired" || got["disposition"] != "06" {
		t.Errorf("%v to %v", got["state"], got["disposition"])
	}
	h.hear(updated(stay(2, "inpatient", "finished", patient(1))))
	if got := h.one(1); got["state"] != "active" || len(h.tasks(1, "open")) != 5 {
		t.Errorf("%v with %v", got["state"], codes(h.tasks(1, "open")))
	}
	h.balanced()
}

func TestAnOlderWordOfADeathDoesNotOvertakeANewerOne(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	id := stay(1, "", "").Patient
	dead := h.event(events.PatientUpdated{Patient: events.Patient{ID: id, Deceased: true}})
	alive := h.event(events.PatientUpdated{Patient: events.Patient{ID: id}})
	newest := h.event(events.PatientUpdated{Patient: events.Patient{ID: id, Deceased: true}})
	for _, e := range []events.Event{dead, newest, alive} {
		if err := h.out.SystemTx(context.Background(), func(tx pgx.Tx) error {
			return h.s.hear(context.Background(), tx, []events.Event{e})
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.one(1); got["state"] != "expired" {
		t.Errorf("state %v", got["state"])
	}
}

func TestAStayThatMovesToAnotherPatientTakesItsTransitionAlong(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")), discharged(stay(2, "inpatient", "finished", disposition("20"), patient(1))))
	if got := h.one(1); got["state"] != "expired" {
		t.Fatalf("state %v", got["state"])
	}
	h.hear(events.EncounterMoved{About: about(stay(2, "inpatient", "finished", disposition("20"), patient(7)))})
	if got := h.one(1); got["state"] != "active" {
		t.Errorf("the patient who did not die after all: %v", got["state"])
	}
	h.hear(events.EncounterMoved{About: about(stay(1, "inpatient", "finished", patient(7)))})
	if got := h.one(1); got["state"] != "expired" || got["patient_id"] != events.Derive("test", "patient", "7").String() {
		t.Errorf("moved to the one who died: %v of %v", got["state"], got["patient_id"])
	}
	h.balanced()
}

func TestDueAndOverdueAreToldOnceAndNeverEarly(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	before := len(h.told())
	reminder := h.wakeUps()[0]
	h.tick(reminder.Add(-time.Microsecond))
	if got := h.told()[before:]; len(got) != 0 {
		t.Errorf("early: %v", got)
	}
	h.tick(reminder)
	h.tick(reminder)
	if diff := cmp.Diff([]string{"task.due"}, h.told()[before:]); diff != "" {
		t.Error(diff)
	}
	due := h.wakeUps()[0]
	h.tick(due)
	if diff := cmp.Diff([]string{"task.due", "task.overdue"}, h.told()[before:]); diff != "" {
		t.Error(diff)
	}
	h.tick(due.AddDate(1, 0, 0))
	// four tasks overdue, and of the clocks the contact, the visit and the medicines missed
	if got := h.told()[before:]; len(got) != 8 || len(h.wakeUps()) != 0 {
		t.Errorf("a year later: %v, timers %v", got, h.wakeUps())
	}
	for _, task := range h.tasks(1, "open") {
		if task["overdue"] != true {
			t.Errorf("%v is not overdue", task["code"])
		}
	}
}

// A timer that meets a transition somebody holds does not wait for it: the holder may
// be waiting for the timer.
func TestATimerDoesNotWaitForWhoHoldsTheTransition(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	reminder, before := h.wakeUps()[0], len(h.told())
	ctx := context.Background()
	err := h.out.SystemTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT FROM transition FOR UPDATE`); err != nil {
			return err
		}
		h.tick(reminder)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Time{reminder.Add(time.Second)}, h.wakeUps()); diff != "" || len(h.told()) != before {
		t.Errorf("told %v, timers %s", h.told()[before:], diff)
	}
	h.tick(reminder.Add(time.Second))
	if diff := cmp.Diff([]string{"task.due"}, h.told()[before:]); diff != "" {
		t.Error(diff)
	}
}

func TestAnOldFeedWakesNobody(t *testing.T) {
	h := newHospital(t)
	h.s.clock = func() time.Time { return left.AddDate(0, 6, 0) }
	e := h.event(discharged(stay(1, "inpatient", "finished")))
	e.Received = left.AddDate(0, 6, 0)
	if err := h.out.SystemTx(context.Background(), func(tx pgx.Tx) error {
		return h.s.hear(context.Background(), tx, []events.Event{e})
	}); err != nil {
		t.Fatal(err)
	}
	got, task := h.one(1), h.tasks(1, "open")[0]
	if got["late_arrival"] != true || task["late_arrival"] != true || task["overdue"] != true || len(h.wakeUps()) != 0 {
		t.Errorf("%v, %v, timers %v", got["late_arrival"], task, h.wakeUps())
	}
	if task["due_at"] != "2026-10-19T04:00:00Z" {
		t.Errorf("due %v, want the true due time", task["due_at"])
	}
}

func TestAClosureMovesDueTimesOfOpenTransitions(t *testing.T) {
	h := newHospital(t)
	settings := events.FacilityChanged{ID: facility, Code: "MERCY", Zone: "America/New_York"}
	h.hear(settings, discharged(stay(1, "inpatient", "finished")))
	call := func() map[string]any {
		tasks := h.tasks(1, "open")
		return tasks[slices.IndexFunc(tasks, func(t map[string]any) bool { return t["code"] == "tcm-contact" })]
	}
	if got := call()["due_at"]; got != "2026-10-21T04:00:00Z" {
		t.Fatalf("due %v", got)
	}
	settings.Closures = []string{"2026-10-19"}
	h.hear(settings)
	h.tick(left.Add(2 * time.Hour))
	got := call()
	if got["due_at"] != "2026-10-22T04:00:00Z" || got["version"] != 2.0 {
		t.Errorf("with Monday closed: due %v, version %v", got["due_at"], got["version"])
	}
	steps := got["due_trace"].(map[string]any)["steps"].([]any)
	if want := "Mon 19 Oct 2026 does not count: closed for a local closure"; !slices.Contains(steps, any(want)) {
		t.Errorf("steps %v", steps)
	}
	settings.Zone = "America/Los_Angeles"
	h.hear(settings)
	h.tick(left.Add(3 * time.Hour))
	if got := call()["due_at"]; got != "2026-10-22T07:00:00Z" {
		t.Errorf("three hours west: due %v", got)
	}
	// A later snapshot, made before admission knew of the zone, does not undo it.
	h.hear(updated(stay(1, "inpatient", "finished")))
	if got := call()["due_at"]; got != "2026-10-22T07:00:00Z" {
		t.Errorf("after an update: due %v", got)
	}
	h.balanced()
}

func TestCauseAndReceptionTravelWithTheFacts(t *testing.T) {
	h := newHospital(t)
	e := h.event(discharged(stay(1, "inpatient", "finished")))
	e.Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	if err := h.out.SystemTx(context.Background(), func(tx pgx.Tx) error {
		return h.s.hear(context.Background(), tx, []events.Event{e})
	}); err != nil {
		t.Fatal(err)
	}
	rows, err := h.db.System.Query(context.Background(), `SELECT doc FROM event_log`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			t.Fatal(err)
		}
		got, err := events.Decode([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		n++
		if got.Cause != e.ID || !got.Received.Equal(e.Received) || got.Traceparent != e.Traceparent || got.Org != mercy {
			t.Errorf("%s: %+v", got.Fact.Type(), got)
		}
	}
	if n != 1 {
		t.Errorf("%d events", n)
	}
}
