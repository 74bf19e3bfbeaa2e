package transition

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/readmission"
	"github.com/handoff-care/handoff/services/discharge/internal/risk"
)

var (
	left     = time.Date(2026, 10, 16, 18, 2, 0, 0, time.UTC) // Friday afternoon in New York
	received = left.Add(time.Minute)
)

func shippedRules(t testing.TB) *Rules {
	t.Helper()
	set, err := protocol.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	weights, err := risk.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	hospital, err := risk.ShippedHospital(weights)
	if err != nil {
		t.Fatal(err)
	}
	returns, err := readmission.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return &Rules{Protocols: set, Comorbidities: weights, Hospital: hospital, Readmission: returns, LateAfter: 24 * time.Hour}
}

// stay is a stay of the class in the state; change makes it what a test needs.
func stay(class, state string, change ...func(*events.Encounter)) events.Encounter {
	in := left.AddDate(0, 0, -5)
	s := events.Encounter{
		ID: events.Derive("test", "encounter"), Patient: events.Derive("test", "patient"), FacilityID: events.Derive("test", "facility"),
		Facility: "MERCY", Zone: "America/New_York", Unit: "4W", Class: class, State: state, AdmittedAt: &in,
	}
	if state == "finished" {
		at := left
		s.DischargedAt, s.Disposition = &at, "01"
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

func disposition(code string) func(*events.Encounter) {
	return func(s *events.Encounter) { s.Disposition = code }
}

func diagnoses(codes ...string) func(*events.Encounter) {
	return func(s *events.Encounter) { s.Diagnoses = codes }
}

func dischargedAt(at time.Time) func(*events.Encounter) {
	return func(s *events.Encounter) { s.DischargedAt = &at }
}

// world is one encounter's rows, kept as a store would.
type world struct {
	rules *Rules
	now   time.Time
	cur   *Transition
	tasks []Task
	dead  bool
	facts []string
}

func (w *world) see(t testing.TB, s events.Encounter) Change {
	t.Helper()
	c, err := w.decide(s)
	if err != nil {
		t.Fatal(err)
	}
	w.apply(c)
	return c
}

func (w *world) decide(s events.Encounter) (Change, error) {
	now := w.now
	if now.IsZero() {
		now = received
	}
	return w.rules.Decide(Now{
		At: now, Org: events.Derive("test", "org"), Stay: s, Dead: w.dead, Received: now, Calendar: calendar.USFederal(),
		Current: w.cur, Tasks: w.tasks,
	})
}

func (w *world) apply(c Change) {
	if c.Transition != nil {
		next := *c.Transition
		w.cur = &next
	}
	for _, tc := range c.Tasks {
		i := slices.IndexFunc(w.tasks, func(t Task) bool { return t.ID == tc.ID })
		if i < 0 {
			w.tasks = append(w.tasks, tc)
			continue
		}
		w.tasks[i] = tc
	}
	for _, f := range c.Facts {
		w.facts = append(w.facts, f.Type())
	}
}

// rest is what must not depend on the way it came about: the state of the current
// transition and its open tasks with their due times.
func (w *world) rest() []string {
	if w.cur == nil {
		return nil
	}
	var out, open []string
	if w.cur.State != Cancelled && w.cur.State != None {
		out = []string{w.cur.State, fmt.Sprint(w.cur.Protocols), fmt.Sprint(w.cur.Needs)}
	}
	for _, t := range w.tasks {
		if t.Open() {
			open = append(open, fmt.Sprint(t.Code, " ", t.DueAt.UTC(), " ", t.Priority, " ", t.Patient, " ", t.Unit))
		}
	}
	slices.Sort(open)
	return append(out, open...)
}

func (w *world) openCodes() []string {
	var out []string
	for _, t := range w.tasks {
		if t.Open() {
			out = append(out, t.Code)
		}
	}
	slices.Sort(out)
	return out
}

func (w *world) state() State {
	if w.cur == nil {
		return None
	}
	return w.cur.State
}

// Every line of contract.md's table "What opens a transition", for a stay that is
// seen for the first time as it is, and for one seen before as planned.
func TestWhatOpensATransition(t *testing.T) {
	expected := left.AddDate(0, 0, 1)
	for _, c := range []struct {
		name string
		stay events.Encounter
		want State // seen for the first time
		then State // where there was a planning transition before
		open bool
	}{
		{"inpatient home", stay("inpatient", "finished"), Active, Active, true},
		{"observation home", stay("observation", "finished"), Active, Active, true},
		{"obstetrics home", stay("obstetrics", "finished"), Active, Active, true},
		{"newborn home", stay("newborn", "finished"), None, Cancelled, false},
		{"newborn with home health", stay("newborn", "finished", disposition("06")), Active, Active, true},
		{"no disposition", stay("inpatient", "finished", disposition("")), Active, Active, true},
		{"emergency, no protocol", stay("emergency", "finished"), None, Cancelled, false},
		{"emergency, left against advice", stay("emergency", "finished", disposition("07")), Active, Active, true},
		{"emergency, two chronic conditions", stay("emergency", "finished", diagnoses("I509", "J449")), Active, Active, true},
		{"emergency, substance use", stay("emergency", "finished", diagnoses("F1020")), Active, Active, true},
		{"emergency, admitted here", stay("emergency", "finished", disposition("09"), diagnoses("I509", "J449")), None, Cancelled, false},
		{"outpatient", stay("outpatient", "finished"), None, Cancelled, false},
		{"recurring", stay("recurring", "finished"), None, Cancelled, false},
		{"preadmit", stay("preadmit", "finished"), None, Cancelled, false},
		{"other", stay("other", "finished"), None, Cancelled, false},
		{"admitted here", stay("inpatient", "finished", disposition("09")), None, Cancelled, false},
		{"still a patient", stay("inpatient", "finished", disposition("30")), None, Cancelled, false},
		{"died", stay("inpatient", "finished", disposition("20")), Expired, Expired, false},
		{"died in hospice care", stay("inpatient", "finished", disposition("41")), Expired, Expired, false},
		{"died in the emergency department", stay("emergency", "finished", disposition("20")), None, Cancelled, false},
		{"transferred", stay("inpatient", "finished", disposition("02")), Active, Active, true},
		{"transferred, readmission planned", stay("inpatient", "finished", disposition("82")), Active, Active, true},
		{"admission", stay("inpatient", "in-progress"), Planning, Planning, false},
		{"admission to observation", stay("observation", "in-progress"), Planning, Planning, false},
		{"admission of a mother", stay("obstetrics", "in-progress"), Planning, Planning, false},
		{"on leave", stay("inpatient", "onleave"), Planning, Planning, false},
		{"a newborn admitted", stay("newborn", "in-progress"), None, Cancelled, false},
		{"a newborn expected to leave", stay("newborn", "in-progress", func(s *events.Encounter) { s.ExpectedAt = &expected }), Planning, Planning, false},
		{"emergency arrival", stay("emergency", "arrived"), None, Cancelled, false},
		{"pre-admission", stay("preadmit", "planned"), None, Cancelled, false},
		{"inpatient, planned", stay("inpatient", "planned"), None, Cancelled, false},
		{"admission cancelled", stay("inpatient", "cancelled"), None, Cancelled, false},
		{"entered in error", stay("inpatient", "entered-in-error"), None, Cancelled, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{rules: shippedRules(t)}
			w.see(t, c.stay)
			if w.state() != c.want {
				t.Errorf("first seen: %q, want %q", w.state(), c.want)
			}
			if open := len(w.openCodes()) > 0; open != c.open {
				t.Errorf("first seen: open tasks %v", w.openCodes())
			}
			w = &world{rules: shippedRules(t)}
			w.see(t, stay("inpatient", "in-progress"))
			w.see(t, c.stay)
			if w.state() != c.then {
				t.Errorf("after planning: %q, want %q", w.state(), c.then)
			}
			if open := len(w.openCodes()) > 0; open != c.open {
				t.Errorf("after planning: open tasks %v", w.openCodes())
			}
		})
	}
}

func TestTransfersGetHandoffTasksOnly(t *testing.T) {
	for _, code := range []string{"02", "05", "43", "66", "70", "82", "85", "88", "94", "95"} {
		w := &world{rules: shippedRules(t)}
		w.see(t, stay("inpatient", "finished", disposition(code), diagnoses("I509", "E119", "N186")))
		if diff := cmp.Diff([]string{"arrival-check", "handoff-packet", "handoff-report"}, w.openCodes()); diff != "" {
			t.Errorf("disposition %s: %s", code, diff)
		}
	}
}

func TestReasonsOfTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		stay   events.Encounter
		state  State
		reason string
	}{
		"A11":                   {stay("inpatient", "cancelled"), Cancelled, "admission-cancelled"},
		"A23":                   {stay("inpatient", "entered-in-error"), Cancelled, "entered-in-error"},
		"class corrected":       {stay("outpatient", "finished"), Cancelled, "not-applicable"},
		"disposition corrected": {stay("inpatient", "finished", disposition("30")), Cancelled, "not-applicable"},
		"A13":                   {stay("inpatient", "in-progress"), Planning, "discharge-cancelled"},
		"death":                 {stay("inpatient", "finished", disposition("20")), Expired, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{rules: shippedRules(t)}
			w.see(t, stay("inpatient", "finished"))
			before := w.cur.Version
			w.see(t, c.stay)
			if w.state() != c.state || w.cur.Version != before+1 {
				t.Errorf("%q version %d after version %d, want %q and one more", w.state(), w.cur.Version, before, c.state)
			}
			if len(w.tasks) == 0 || len(w.openCodes()) > 0 {
				t.Errorf("open: %v of %d", w.openCodes(), len(w.tasks))
			}
			for _, task := range w.tasks {
				if task.State != TaskCancelled || task.Reason != c.reason {
					t.Errorf("task %s: %s, reason %q, want %q", task.Code, task.State, task.Reason, c.reason)
				}
			}
			if c.state == Cancelled && w.cur.Reason != c.reason {
				t.Errorf("transition reason %q, want %q", w.cur.Reason, c.reason)
			}
		})
	}
}

func TestFlagStillPatientIsKeptAndIsNoTask(t *testing.T) {
	w := &world{rules: shippedRules(t)}
	w.see(t, stay("inpatient", "in-progress"))
	w.see(t, stay("inpatient", "finished", disposition("30")))
	if diff := cmp.Diff([]string{FlagStillPatient}, w.cur.Flags); diff != "" || len(w.tasks) != 0 {
		t.Errorf("%s; tasks %v", diff, w.tasks)
	}
}

func TestCancelledDischargeKeepsWorkAndRedischargePlansAnew(t *testing.T) {
	w := &world{rules: shippedRules(t)}
	w.see(t, stay("inpatient", "in-progress"))
	w.see(t, stay("inpatient", "finished"))
	id := w.cur.ID
	done := w.complete(t, "tcm-contact", left.Add(time.Hour))

	w.see(t, stay("inpatient", "in-progress")) // A13
	if w.state() != Planning || len(w.openCodes()) != 0 || w.task(done).State != TaskCompleted {
		t.Fatalf("%s, open %v, the finished call is %s", w.state(), w.openCodes(), w.task(done).State)
	}
	later := left.AddDate(0, 0, 2)
	w.now = later.Add(time.Minute)
	w.see(t, stay("inpatient", "finished", dischargedAt(later)))
	if w.cur.ID != id || w.state() != Active {
		t.Errorf("%s %s, want the same transition active", w.cur.ID, w.state())
	}
	want := []string{"discharge-information", "follow-up-visit", "medication-reconciliation", "tcm-contact"}
	if diff := cmp.Diff(want, w.openCodes()); diff != "" {
		t.Errorf("the call before this discharge does not stand for one after it: %s", diff)
	}
	types := []string{
		"care.transition.planned.v1", "care.transition.opened.v1", "care.transition.planned.v1", "care.transition.opened.v1",
	}
	var got []string
	for _, f := range w.facts {
		if slices.Contains(types, f) {
			got = append(got, f)
		}
	}
	if diff := cmp.Diff(types, got); diff != "" {
		t.Error(diff)
	}
}

func TestCorrectedDispositionReplansWithADiff(t *testing.T) {
	w := &world{rules: shippedRules(t)}
	w.see(t, stay("inpatient", "finished"))
	done := w.complete(t, "discharge-information", left.Add(time.Hour))
	visit := w.byCode("follow-up-visit")
	w.claim(t, visit.ID, "nora")

	c := w.see(t, stay("inpatient", "finished", disposition("06")))
	replanned, ok := c.Facts[0].(events.TransitionReplanned)
	if !ok {
		t.Fatalf("first fact is %s", c.Facts[0].Type())
	}
	if diff := cmp.Diff(map[string]string{"disposition": "01", "protocols": "home@2026.1", "needs": ""}, replanned.Previous); diff != "" {
		t.Error(diff)
	}
	want := []string{"follow-up-visit", "home-health-start", "medication-reconciliation", "tcm-contact"}
	if diff := cmp.Diff(want, w.openCodes()); diff != "" {
		t.Error(diff)
	}
	if w.task(done).State != TaskCompleted || w.task(visit.ID).Owner != "nora" || w.task(visit.ID).State != TaskAccepted {
		t.Errorf("work was lost: %+v", w.task(visit.ID))
	}
	w.see(t, stay("inpatient", "finished", disposition("03")))
	if got := w.task(visit.ID); got.State != TaskCancelled || got.Reason != WhyDisposition {
		t.Errorf("the visit is %s, %q", got.State, got.Reason)
	}
}

func TestCorrectedDateMovesTheDueTimes(t *testing.T) {
	w := &world{rules: shippedRules(t)}
	w.see(t, stay("inpatient", "finished"))
	before := w.byCode("tcm-contact")
	c := w.see(t, stay("inpatient", "finished", dischargedAt(left.AddDate(0, 0, -1))))
	after := w.byCode("tcm-contact")
	if after.ID != before.ID || after.DueAt.Format(time.RFC3339) != "2026-10-20T04:00:00Z" || after.Version != before.Version+1 {
		t.Errorf("due %s version %d, want the same task due at the end of Monday the 19th", after.DueAt, after.Version)
	}
	trace, err := w.rules.Protocols.Rules().Explain(after.Rule, after.Trigger, after.Zone, after.Calendar)
	if err != nil || !trace.Due.Equal(*after.DueAt) {
		t.Errorf("trace %+v, %v", trace, err)
	}
	if _, ok := c.Facts[1].(events.TaskRescheduled); !ok {
		t.Errorf("second fact is %s", c.Facts[1].Type())
	}
}

func TestDeathElsewhereExpiresAndItsCorrectionRevives(t *testing.T) {
	w := &world{rules: shippedRules(t)}
	s := stay("inpatient", "finished")
	w.see(t, s)
	want := w.rest()
	w.dead = true
	w.see(t, s)
	if w.state() != Expired || len(w.openCodes()) != 0 {
		t.Fatalf("%s, open %v", w.state(), w.openCodes())
	}
	w.dead = false
	w.see(t, s)
	if diff := cmp.Diff(want, w.rest()); diff != "" {
		t.Error(diff)
	}
}

func TestLateArrivals(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		late  bool
	}{{24 * time.Hour, false}, {24*time.Hour + time.Second, true}, {-time.Hour, false}} {
		w := &world{rules: shippedRules(t), now: left.Add(c.after)}
		w.see(t, stay("inpatient", "finished"))
		if w.cur.LateArrival != c.late || w.byCode("tcm-contact").Late != c.late {
			t.Errorf("heard of %s after: late %v, task %v", c.after, w.cur.LateArrival, w.byCode("tcm-contact").Late)
		}
		due := w.byCode("tcm-contact").DueAt.Format(time.RFC3339)
		if due != "2026-10-21T04:00:00Z" {
			t.Errorf("due %s: a late arrival has its true due time", due)
		}
	}
	w := &world{rules: shippedRules(t)}
	w.see(t, stay("inpatient", "finished"))
	w.now = left.AddDate(0, 0, 3)
	w.see(t, stay("inpatient", "finished", disposition("06")))
	if w.cur.LateArrival {
		t.Error("a late correction of a discharge heard of in time made it a late arrival")
	}
}

func TestPlanningTakesNoNoticeOfTransfers(t *testing.T) {
	w := &world{rules: shippedRules(t)}
	w.see(t, stay("inpatient", "in-progress"))
	moved := stay("inpatient", "in-progress", diagnoses("I509"))
	moved.Unit = "ICU"
	if c := w.see(t, moved); !c.Empty() {
		t.Errorf("a transfer made version %d", c.Transition.Version)
	}
	expected := left
	moved.ExpectedAt = &expected
	c := w.see(t, moved)
	if len(c.Facts) != 1 || c.Facts[0].Type() != "care.transition.planned.v1" || w.cur.Version != 2 {
		t.Errorf("an expected discharge gave %v, version %d", w.facts, w.cur.Version)
	}
}

func TestOlderSnapshotsAreIgnored(t *testing.T) {
	w := &world{rules: shippedRules(t)}
	newer := stay("inpatient", "finished")
	newer.FoldVersion = 7
	w.see(t, newer)
	older := stay("inpatient", "in-progress")
	older.FoldVersion = 6
	if c := w.see(t, older); !c.Empty() {
		t.Errorf("an older snapshot changed %v", c.Facts)
	}
}
