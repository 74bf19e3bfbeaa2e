package discharge

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

func later(d time.Duration) func(*events.Encounter) {
	return func(s *events.Encounter) { at := s.DischargedAt.Add(d); s.DischargedAt = &at }
}

func hanging(since time.Time) func(*events.Encounter) {
	return func(s *events.Encounter) { s.HangingSince = &since }
}

// complete has nora do a task of an encounter.
func (h *hospital) complete(number int, code string) {
	h.t.Helper()
	for _, t := range h.tasks(number, "open") {
		if t["code"] == code {
			h.must("nora:liaison", "POST", fmt.Sprintf("/tasks/%s/complete", t["id"]), map[string]any{"outcome": "reached"},
				"If-Match", fmt.Sprintf("%q", fmt.Sprint(t["version"])))
			return
		}
	}
	h.t.Fatalf("there is no open task %s", code)
}

// works are all tasks of an encounter as "code state patient owner", sorted.
func (h *hospital) works(number int) (out []string) {
	h.t.Helper()
	for _, t := range h.must("nora:liaison", "GET", "/tasks?encounter="+stay(number, "", "").ID.String(), nil).items() {
		out = append(out, fmt.Sprint(t["code"], " ", t["state"], " ", t["patient_id"], " ", t["owner"], " ", t["due_at"]))
	}
	slices.Sort(out)
	return out
}

// lastLog is the last entry of the log of the encounter's task of a code.
func (h *hospital) lastLog(number int, code, state string) map[string]any {
	h.t.Helper()
	for _, t := range h.tasks(number, state) {
		if t["code"] == code {
			log := h.must("nora:liaison", "GET", fmt.Sprintf("/tasks/%s", t["id"]), nil).body["log"].([]any)
			if len(log) == 0 {
				h.t.Fatalf("nothing in the log of %s", code)
			}
			return log[len(log)-1].(map[string]any)
		}
	}
	h.t.Fatalf("there is no %s task %s", state, code)
	return nil
}

// Every kind of correction reaches the tasks of the stay: what is open ends, moves or
// goes to the other patient, with the reason and the old values in its log; what was
// done stays; and hearing the same again changes nothing.
func TestEveryCorrectionReachesTheTasks(t *testing.T) {
	moved := patient(7)
	for _, c := range []struct {
		name    string
		fact    events.Fact
		state   string // of the transition
		open    []string
		ended   string // why tcm-contact was cancelled
		changed string // why tcm-contact was changed
		before  string // the name of an old value
	}{
		{"admission cancelled", events.EncounterAdmissionCancelled{About: about(stay(1, "inpatient", "cancelled"))},
			"cancelled", nil, "admission-cancelled", "", "state"},
		{"visit deleted", events.EncounterAdmissionCancelled{About: about(stay(1, "inpatient", "entered-in-error"))},
			"cancelled", nil, "entered-in-error", "", "state"},
		{"discharge cancelled", events.EncounterDischargeCancelled{About: about(stay(1, "inpatient", "in-progress"))},
			"planning", nil, "discharge-cancelled", "", "state"},
		{"class changed", events.EncounterClassChanged{About: about(stay(1, "outpatient", "finished"))},
			"cancelled", nil, "not-applicable", "", "state"},
		{"disposition changed", updated(stay(1, "inpatient", "finished", disposition("02"))),
			"active", []string{"arrival-check", "handoff-packet", "handoff-report"}, "disposition-changed", "", "state"},
		{"discharge earlier", updated(stay(1, "inpatient", "finished", later(-24*time.Hour))),
			"active", []string{"follow-up-visit", "medication-reconciliation", "tcm-contact"}, "", "discharge-time-changed", "due_at"},
		{"merged or moved", events.EncounterMoved{About: about(stay(1, "inpatient", "finished", moved))},
			"active", []string{"follow-up-visit", "medication-reconciliation", "tcm-contact"}, "", "patient-changed", "patient_id"},
		{"death learned late", events.PatientUpdated{Patient: events.Patient{ID: stay(1, "", "").Patient, Deceased: true}},
			"expired", nil, "expired", "", "state"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHospital(t)
			h.hear(discharged(stay(1, "inpatient", "finished")))
			h.complete(1, "discharge-information")
			h.hear(c.fact)
			told := h.sequenceOfLog()
			h.hear(c.fact)
			if now := h.sequenceOfLog(); now != told {
				t.Errorf("planned anew, it told %v", h.told()[told:])
			}
			if got := h.one(1); got["state"] != c.state {
				t.Errorf("transition %v", got["state"])
			}
			if diff := cmp.Diff(c.open, codes(h.tasks(1, "open"))); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"discharge-information"}, codes(h.tasks(1, "completed"))); diff != "" {
				t.Errorf("what was done: %s", diff)
			}
			state, why := "cancelled", c.ended
			if why == "" {
				state, why = "open", c.changed
			}
			entry := h.lastLog(1, "tcm-contact", state)
			if entry["outcome"] != why || entry["by"] != "" || entry["cause"] == "" || entry["previous"].(map[string]any)[c.before] == "" {
				t.Errorf("log: %v", entry)
			}
			h.balanced()
		})
	}
}

// A merge and its inverse leave the tasks as they were, and everything that was
// written down about them.
func TestAMergeAndItsInverseKeepTasksAndTrail(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")), discharged(stay(2, "inpatient", "finished", disposition("03"))))
	h.complete(1, "tcm-contact")
	h.must("nora:liaison", "POST", fmt.Sprintf("/tasks/%s/claim", h.tasks(1, "open")[0]["id"]), nil)
	before := [][]string{h.works(1), h.works(2)}
	trail := h.trail()
	h.hear(events.EncounterMoved{About: about(stay(1, "inpatient", "finished", patient(2)))})
	for _, task := range h.tasks(1, "") {
		if task["patient_id"] != stay(2, "", "").Patient.String() {
			t.Errorf("%v is still of %v", task["code"], task["patient_id"])
		}
	}
	h.hear(events.EncounterMoved{About: about(stay(1, "inpatient", "finished"))})
	if diff := cmp.Diff(before, [][]string{h.works(1), h.works(2)}); diff != "" {
		t.Error(diff)
	}
	after := h.trail()
	for _, line := range trail {
		if !slices.Contains(after, line) {
			t.Errorf("gone from the trail: %s", line)
		}
	}
	if len(after) != len(trail)+2+2*3 {
		t.Errorf("the trail had %d lines, now %d: not two versions more, and each open task there and back", len(trail), len(after))
	}
	h.balanced()
}

// trail is everything that was written down: versions of transitions, and what was done to tasks.
func (h *hospital) trail() []string {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `
		SELECT concat_ws(' ', encounter_id, version, type, state, reason, previous) FROM transition_history
		UNION ALL SELECT concat_ws(' ', task_id, id, action, by, outcome, previous) FROM task_log`)
	if err != nil {
		h.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return lines
}

// A correction that says the work came before the discharge asks for it again; when
// it is taken back, the work stands, and what nobody has begun is withdrawn.
func TestWorkDoneStandsAgainWhenACorrectionIsTakenBack(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	h.complete(1, "tcm-contact") // an hour after the discharge
	h.hear(updated(stay(1, "inpatient", "finished", later(2*time.Hour))))
	if diff := cmp.Diff(homeCodes, codes(h.tasks(1, "open"))); diff != "" {
		t.Fatal(diff)
	}
	h.hear(updated(stay(1, "inpatient", "finished")))
	want := []string{"discharge-information", "follow-up-visit", "medication-reconciliation"}
	if diff := cmp.Diff(want, codes(h.tasks(1, "open"))); diff != "" {
		t.Error(diff)
	}
	if gone := h.tasks(1, "cancelled"); len(gone) != 1 || gone[0]["reason"] != "done-already" {
		t.Errorf("%v", gone)
	}
	told := h.sequenceOfLog()
	if h.hear(updated(stay(1, "inpatient", "finished"))); h.sequenceOfLog() != told {
		t.Error("and again")
	}
	h.balanced()
}

// settling has the shipped protocols wait ten minutes for a discharge home to be taken back.
func settling(t *testing.T) *protocol.Set {
	t.Helper()
	rules, err := clock.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	set, err := protocol.Load(fstest.MapFS{
		"conditions.yaml": {Data: []byte("version: '1'\nconditions: []\n")},
		"tasks.yaml": {Data: []byte(`
version: '1'
tasks: [{code: call, title: Call, owner_role: liaison, due: tcm-contact, priority: routine, instructions: Call., source: House rule}]
`)},
		"base.yaml": {Data: []byte(`
protocols:
  - {code: urgent, version: '1', from: 2000-01-01, kind: base, title: Urgent, when: 'disposition == "07"', settle: 0s, tasks: [{task: call}]}
  - {code: home, version: '1', from: 2000-01-01, kind: base, title: Home, when: 'true', settle: 10m, tasks: [{task: call}]}
`)},
	}, rules)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestADischargeSettlesFromWhenItWasHeardOf(t *testing.T) {
	h := newHospital(t)
	h.s.rules.Protocols = settling(t)
	h.s.shelf = newShelf(h.db, h.s.rules.Protocols, slog.New(slog.DiscardHandler))
	heard := left.Add(time.Minute)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	h.settles(1, heard.Add(10*time.Minute))
	if n := len(h.tasks(1, "open")); n != 1 {
		t.Errorf("%d tasks: they never wait", n)
	}
	// A correction does not prolong it.
	e := h.event(updated(stay(1, "inpatient", "finished", later(-time.Hour))))
	e.Received = heard.Add(5 * time.Minute)
	h.deliver(e)
	h.settles(1, heard.Add(10*time.Minute))
	// It may end it.
	h.hear(updated(stay(1, "inpatient", "finished", later(-time.Hour), disposition("07"))))
	h.settles(1, time.Time{})
	// Taken back and told again, it settles anew.
	h.hear(events.EncounterDischargeCancelled{About: about(stay(1, "inpatient", "in-progress"))})
	h.settles(1, time.Time{})
	e = h.event(discharged(stay(1, "inpatient", "finished")))
	e.Received = heard.Add(time.Hour)
	h.deliver(e)
	h.settles(1, heard.Add(70*time.Minute))
	// What a person does keeps it.
	h.complete(1, "call")
	h.settles(1, heard.Add(70*time.Minute))
}

// deliver handles one event.
func (h *hospital) deliver(e events.Event) {
	h.t.Helper()
	ctx := context.Background()
	if err := h.out.SystemTx(ctx, func(tx pgx.Tx) error { return h.s.hear(ctx, tx, []events.Event{e}) }); err != nil {
		h.t.Fatal(err)
	}
}

// settles checks until when the last told transition of an encounter settles; zero: it does not wait.
func (h *hospital) settles(number int, want time.Time) {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `SELECT doc FROM event_log WHERE type LIKE 'care.transition.%' ORDER BY sequence`)
	if err != nil {
		h.t.Fatal(err)
	}
	docs, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	var got time.Time
	for _, doc := range docs {
		e, err := events.Decode([]byte(doc))
		if err != nil {
			h.t.Fatal(err)
		}
		got = time.Time{}
		if at := e.Fact.(events.TransitionFact).Snapshot().SettlesAt; at != nil {
			got = at.UTC()
		}
	}
	if !got.Equal(want) {
		h.t.Errorf("settles at %s, want %s", got, want)
	}
}

func TestAStayThatNobodyEndedIsWorkUntilItIsHeardOfOrEnds(t *testing.T) {
	for _, c := range []struct {
		class, state   string
		role, priority string
	}{
		{"inpatient", "in-progress", "liaison", "urgent"},
		{"emergency", "arrived", "liaison", "routine"},
		{"outpatient", "arrived", "lead", "routine"},
	} {
		t.Run(c.class, func(t *testing.T) {
			h := newHospital(t)
			since := left.Add(-time.Hour)
			h.hear(updated(stay(1, c.class, c.state, hanging(since))))
			open := h.tasks(1, "open")
			if len(open) != 1 || open[0]["code"] != "close-the-visit" || open[0]["owner_role"] != c.role || open[0]["priority"] != c.priority {
				t.Fatalf("open: %v", open)
			}
			if (open[0]["transition_id"] != "") != (c.class == "inpatient") {
				t.Errorf("of transition %q", open[0]["transition_id"])
			}
			told := h.sequenceOfLog()
			if h.hear(updated(stay(1, c.class, c.state, hanging(since)))); h.sequenceOfLog() != told {
				t.Errorf("again: %v", h.told()[told:])
			}
			h.balanced()
			h.hear(events.EncounterMoved{About: about(stay(1, c.class, c.state, hanging(since), patient(7)))})
			if got := h.tasks(1, "open")[0]["patient_id"]; got != stay(7, "", "").Patient.String() {
				t.Errorf("moved: of patient %v", got)
			}
			h.hear(updated(stay(1, c.class, c.state)))
			if gone := h.tasks(1, "cancelled"); len(gone) != 1 || gone[0]["reason"] != "heard-of-again" || len(h.wakeUps()) != 0 {
				t.Errorf("heard of again: %v", gone)
			}
			h.hear(updated(stay(1, c.class, c.state, hanging(since.Add(time.Minute)))))
			h.hear(discharged(stay(1, c.class, "finished", disposition("20"))))
			if open := h.tasks(1, "open"); len(open) != 0 || h.reasonOfLast(1) != "visit-ended" {
				t.Errorf("ended: open %v, %s", open, h.reasonOfLast(1))
			}
			h.balanced()
		})
	}
}

func (h *hospital) reasonOfLast(number int) string {
	h.t.Helper()
	var reason string
	err := h.db.System.QueryRow(context.Background(), `SELECT reason FROM task WHERE encounter_id = $1 ORDER BY nth DESC LIMIT 1`,
		stay(number, "", "").ID).Scan(&reason)
	if err != nil {
		h.t.Fatal(err)
	}
	return reason
}

// A stay that opens no transition has no open follow-up task once it ended, and its row
// is in no list of transitions.
func TestWorkWithoutATransitionIsNoTransition(t *testing.T) {
	h := newHospital(t)
	h.hear(updated(stay(1, "outpatient", "arrived", hanging(left))))
	if items := h.must("nora:liaison", "GET", "/transitions", nil).items(); len(items) != 0 {
		t.Errorf("transitions: %v", items)
	}
	if diff := cmp.Diff([]string{"task.created"}, h.told()); diff != "" {
		t.Error(diff)
	}
	h.complete(1, "close-the-visit")
	h.hear(updated(stay(1, "outpatient", "arrived", hanging(left), func(s *events.Encounter) { s.Unit = "CLINIC" })))
	if open := h.tasks(1, "open"); len(open) != 0 {
		t.Errorf("what somebody looked into is asked again: %v", open)
	}
	// It turns out to be an admission, and ends as one.
	h.hear(events.EncounterClassChanged{About: about(stay(1, "inpatient", "in-progress"))})
	h.hear(discharged(stay(1, "inpatient", "finished")))
	if got := h.one(1); got["state"] != "active" || got["version"] != 2.0 {
		t.Errorf("%v at version %v", got["state"], got["version"])
	}
	if diff := cmp.Diff(homeCodes, codes(h.tasks(1, "open"))); diff != "" {
		t.Error(diff)
	}
	h.balanced()
}

// An old feed is full of stays that nobody ended: each is work, from today on, and wakes nobody.
func TestStaysThatHungForLongWakeNobody(t *testing.T) {
	h := newHospital(t)
	h.hear(updated(stay(1, "inpatient", "in-progress", hanging(left.AddDate(-3, 0, 0)))))
	h.s.clock = func() time.Time { return left.AddDate(0, 0, 2) }
	told := h.sequenceOfLog()
	h.hear(updated(stay(1, "inpatient", "in-progress", hanging(left.AddDate(-3, 0, 0)))))
	if now := h.sequenceOfLog(); now != told {
		t.Errorf("decided again: %v", h.told()[told:])
	}
	got := h.tasks(1, "open")[0]
	if got["due_at"] != left.Add(25*time.Hour).Format(time.RFC3339) || got["late_arrival"] != true || got["overdue"] != false {
		t.Errorf("due %v, late %v, overdue %v", got["due_at"], got["late_arrival"], got["overdue"])
	}
	h.tick(left.AddDate(0, 0, 3))
	if got := h.tasks(1, "open")[0]; got["overdue"] != true || got["late_arrival"] != true {
		t.Errorf("when its time has passed: %v", got)
	}
	h.balanced()
}

// What ended for good follows its stay to another patient too: whoever looks for the patient's past
// finds it.
func TestAnEndedTransitionFollowsItsStayToo(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	for _, code := range homeCodes {
		h.complete(1, code)
	}
	dead := events.PatientUpdated{Patient: events.Patient{ID: stay(7, "", "").Patient, Deceased: true}}
	h.hear(dead, events.EncounterMoved{About: about(stay(1, "inpatient", "finished", patient(7)))})
	if got := h.one(1); got["state"] != "completed" || got["patient_id"] != stay(7, "", "").Patient.String() {
		t.Errorf("%v, of %v", got["state"], got["patient_id"])
	}
	told := h.sequenceOfLog()
	if h.hear(events.EncounterMoved{About: about(stay(1, "inpatient", "finished", patient(7)))}); h.sequenceOfLog() != told {
		t.Errorf("again: %v", h.told()[told:])
	}
	h.balanced()
}
