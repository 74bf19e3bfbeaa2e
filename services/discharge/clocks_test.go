package discharge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
)

// medicare makes a stay one of a Medicare patient of 81 years.
func medicare(s *events.Encounter) {
	age := 81
	s.Payer, s.Age = "medicare", &age
}

// clocks are the clocks of an encounter by rule; each one's trace and verdict checks.
func (h *hospital) clocks(number int, query string) map[string]map[string]any {
	h.t.Helper()
	out := map[string]map[string]any{}
	for _, c := range h.must("nora:liaison", "GET", "/clocks?limit=500&encounter="+stay(number, "", "").ID.String()+query, nil).items() {
		h.check(c)
		out[c["rule"].(string)] = c
	}
	return out
}

// check follows a clock's trace as whoever reads the API could.
func (h *hospital) check(c map[string]any) {
	h.t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		h.t.Fatal(err)
	}
	var back clock.Clock
	if err := json.Unmarshal(text, &back); err != nil {
		h.t.Fatal(err)
	}
	cal := calendar.USFederal()
	if back.Trace != nil && back.Trace.Calendar != "" {
		if cal, err = calendar.Named(back.Trace.Calendar); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := back.Check(cal); err != nil {
		h.t.Error(err)
	}
}

func statesOf(clocks map[string]map[string]any) map[string]string {
	out := map[string]string{}
	for rule, c := range clocks {
		if c["state"] != "not-applicable" {
			out[rule] = c["state"].(string)
		}
	}
	return out
}

// at lets the present be an instant in New York.
func (h *hospital) at(text string) time.Time {
	h.t.Helper()
	zone, err := calendar.Zone("America/New_York")
	if err != nil {
		h.t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		h.t.Fatal(err)
	}
	h.s.clock = func() time.Time { return at }
	return at
}

// task is the task of a code of an encounter.
func (h *hospital) task(number int, code string) map[string]any {
	h.t.Helper()
	for _, t := range h.tasks(number, "") {
		if t["code"] == code {
			return t
		}
	}
	h.t.Fatalf("encounter %d has no task %s", number, code)
	return nil
}

// do acts on a task as Nora at its present version.
func (h *hospital) do(number int, code, action string, body map[string]any) {
	h.t.Helper()
	t := h.task(number, code)
	h.must("nora:liaison", "POST", fmt.Sprintf("/tasks/%s/%s", t["id"], action), body, "If-Match", fmt.Sprintf(`"%v"`, t["version"]))
}

// handle handles one event.
func (h *hospital) handle(e events.Event) {
	h.t.Helper()
	ctx := context.Background()
	err := h.out.SystemTx(ctx, func(tx pgx.Tx) error { return h.s.hear(ctx, tx, []events.Event{e}) })
	if err != nil {
		h.t.Fatal(err)
	}
}

// toldOfClocks are the facts of clocks announced so far, in order.
func (h *hospital) toldOfClocks() []string {
	h.t.Helper()
	var out []string
	for _, typ := range h.told() {
		if strings.HasPrefix(typ, "clock.") {
			out = append(out, strings.TrimPrefix(typ, "clock."))
		}
	}
	return out
}

func TestClocksOfAStayFollowItsLife(t *testing.T) {
	h := newHospital(t)
	in := stay(1, "inpatient", "in-progress")
	h.hear(admitted(in))
	if got := statesOf(h.clocks(1, "")); len(got) != 0 {
		t.Errorf("without a payer: %v", got)
	}
	medicare(&in)
	h.hear(updated(in)) // the insurance comes later, as it does
	want := map[string]string{"im-first": "missed", "trc-nia": "missed", "snf-3-day": "met"}
	if diff := cmp.Diff(want, statesOf(h.clocks(1, ""))); diff != "" {
		t.Error(diff)
	}
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	for rule, c := range h.clocks(1, "") {
		steps, _ := c["trace"].(map[string]any)
		if c["state"] == "not-applicable" && c["reason"] == nil || c["state"] != "not-applicable" && steps == nil {
			t.Errorf("%s: neither a reason nor a trace", rule)
		}
	}
	want = map[string]string{
		"im-first": "missed", "im-copy": "missed", "trc-nia": "missed", "snf-3-day": "met", "snf-admit-30": "due", "pcr-30": "due",
		"tcm-contact": "due", "tcm-visit-7": "due", "tcm-visit-14": "due", "tcm-medrec-14": "due", "tcm-period": "due",
		"trc-rdi": "due", "trc-engagement": "due", "mrp": "due",
	}
	if diff := cmp.Diff(want, statesOf(h.clocks(1, ""))); diff != "" {
		t.Error(diff)
	}
	if got := h.toldOfClocks(); len(got) > 0 {
		t.Errorf("told %v of clocks nobody was asked to see to", got)
	}
}

func TestTasksAreTheEvidenceOfClocks(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	h.at("2026-10-19 09:00")
	h.do(1, "tcm-contact", "attempt", map[string]any{"channel": "phone", "outcome": "no-answer"})
	h.at("2026-10-20 09:00")
	h.do(1, "tcm-contact", "attempt", map[string]any{"channel": "phone", "outcome": "left-message"})
	if got := h.clocks(1, "")["tcm-contact"]; got["state"] != "attempted" || len(got["evidence"].([]any)) != 2 {
		t.Errorf("after two attempts: %v", got)
	}
	h.at("2026-10-26 09:00")
	refused := h.ask("nora:liaison", "POST", "/tasks/"+h.task(1, "follow-up-visit")["id"].(string)+"/complete",
		map[string]any{"performed_at": "2026-10-27T09:00:00-04:00"}, "If-Match", `"1"`)
	if refused.status != 400 && refused.status != 422 {
		t.Errorf("a visit of tomorrow: %d %v", refused.status, refused.body)
	}
	h.do(1, "follow-up-visit", "complete", map[string]any{"outcome": "seen", "performed_at": "2026-10-22T10:00:00-04:00"})
	got := h.clocks(1, "")
	for _, rule := range []string{"tcm-visit-7", "tcm-visit-14", "trc-engagement"} {
		if got[rule]["state"] != "met" || got[rule]["met_at"] != "2026-10-22T14:00:00Z" {
			t.Errorf("%s: %v at %v", rule, got[rule]["state"], got[rule]["met_at"])
		}
	}
	h.do(1, "medication-reconciliation", "complete", map[string]any{"performed_at": "2026-10-22T11:00:00-04:00"})
	tcm := h.must("nora:liaison", "GET", "/encounters/"+stay(1, "", "").ID.String()+"/tcm?mdm=high", nil).body
	if tcm["code"] != "review" || !strings.Contains(fmt.Sprint(tcm["reasons"]), "2 timely attempts") {
		t.Errorf("tcm: %v", tcm)
	}
	h.do(1, "follow-up-visit", "reopen", map[string]any{})
	if got := h.clocks(1, ""); got["tcm-visit-14"]["state"] != "due" || got["tcm-visit-7"]["state"] != "missed" {
		t.Errorf("reopened: %v", statesOf(got))
	}
	h.do(1, "follow-up-visit", "complete", map[string]any{})
	if got := h.clocks(1, ""); got["tcm-visit-14"]["state"] != "met" || got["tcm-visit-7"]["state"] != "missed" {
		t.Errorf("completed without a time: %v", statesOf(got))
	}
	told := h.toldOfClocks()
	slices.Sort(told)
	// missed: the discharge information, which nobody sent
	want := []string{"met", "met", "met", "met", "met", "met", "met", "missed", "withdrawn", "withdrawn", "withdrawn"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	h.balanced()
}

func TestAMissedClockIsToldOnceWhenItsTimeHasPassed(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	h.tick(h.at("2026-10-18 23:59"))
	if got := h.toldOfClocks(); len(got) > 0 {
		t.Errorf("told %v before its time", got)
	}
	due := h.at("2026-10-19 00:00") // the discharge information
	h.tick(due)
	h.tick(due.Add(time.Minute))
	if diff := cmp.Diff([]string{"missed"}, h.toldOfClocks()); diff != "" {
		t.Error(diff)
	}
	if got := h.clocks(1, "&state=missed"); got["trc-rdi"] == nil {
		t.Errorf("missed: %v", statesOf(got))
	}
	// The discharge turns out to have been two days later: it is due again.
	later := left.AddDate(0, 0, 2)
	h.hear(updated(stay(1, "inpatient", "finished", medicare, func(s *events.Encounter) { s.DischargedAt, s.FoldVersion = &later, 2 })))
	if diff := cmp.Diff([]string{"missed", "withdrawn"}, h.toldOfClocks()); diff != "" {
		t.Error(diff)
	}
	if got := h.clocks(1, "")["trc-rdi"]; got["state"] != "due" {
		t.Errorf("after the correction: %v", got)
	}
}

// The clock outlives its task: with every task done, the timer still wakes it.
func TestAClockWakesWithoutAnyOpenTask(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", disposition("50")))) // hospice
	for _, k := range h.tasks(1, "open") {
		action, body := "complete", map[string]any{}
		if k["code"] == "hospice-start" {
			body["outcome"] = "failed"
		}
		h.do(1, k["code"].(string), action, body)
	}
	due := left.Add(48 * time.Hour)
	if diff := cmp.Diff([]time.Time{due}, h.wakeUps()); diff != "" {
		t.Error(diff)
	}
	h.s.clock = func() time.Time { return due }
	h.tick(due)
	if diff := cmp.Diff([]string{"missed"}, h.toldOfClocks()); diff != "" {
		t.Error(diff)
	}
	if got := h.wakeUps(); len(got) > 0 {
		t.Errorf("timers are left: %v", got)
	}
}

func TestPeopleSayOfAClockWhatNoTaskSays(t *testing.T) {
	h := newHospital(t)
	h.hear(admitted(stay(1, "inpatient", "in-progress", medicare)))
	of := "/encounters/" + stay(1, "", "").ID.String() + "/clocks/"
	got := h.must("nora:liaison", "POST", of+"im-first/record", map[string]any{"kind": "met", "at": left.AddDate(0, 0, -4)}).body
	h.check(got)
	if got["state"] != "met" {
		t.Errorf("delivered on day 1: %v", got["state"])
	}
	if diff := cmp.Diff([]string{"met"}, h.toldOfClocks()); diff != "" {
		t.Error(diff)
	}
	if got := h.must("nora:liaison", "POST", of+"im-first/undo", nil).body; got["state"] != "missed" {
		t.Errorf("taken back: %v", got["state"])
	}
	for name, c := range map[string]struct {
		who, path string
		body      map[string]any
		status    int
	}{
		"no kind":                   {"nora:liaison", "im-first/record", nil, 400},
		"in the future":             {"nora:liaison", "im-first/record", map[string]any{"kind": "met", "at": left.AddDate(0, 0, 4)}, 400},
		"a rule without a clock":    {"nora:liaison", "tcm-contact/record", map[string]any{"kind": "met"}, 404},
		"a period":                  {"nora:liaison", "snf-3-day/record", map[string]any{"kind": "met"}, 404},
		"a pause it does not allow": {"nora:liaison", "im-first/pause", map[string]any{"reason": "patient-request"}, 409},
		"an auditor":                {"ada:auditor", "im-first/record", map[string]any{"kind": "met"}, 403},
	} {
		if got := h.ask(c.who, "POST", of+c.path, c.body); got.status != c.status && (c.status != 400 || got.status != 422) {
			t.Errorf("%s: %d %v", name, got.status, got.body)
		}
	}
}

func TestAClockIsPausedAndRunsAgain(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", disposition("06"))))
	of := "/encounters/" + stay(1, "", "").ID.String() + "/clocks/hh-start/"
	h.at("2026-10-17 14:02")
	h.must("nora:liaison", "POST", of+"pause", map[string]any{"reason": "patient-request"})
	h.tick(h.at("2026-10-19 15:00"))
	if got := h.clocks(1, "")["hh-start"]; got["state"] != "paused" {
		t.Errorf("paused: %v", got)
	}
	got := h.must("nora:liaison", "POST", of+"resume", map[string]any{"at": "2026-10-19T14:02:00-04:00"}).body
	h.check(got)
	if got["state"] != "due" || got["due_at"] != "2026-10-20T18:02:00Z" {
		t.Errorf("running again: %v due %v", got["state"], got["due_at"])
	}
	if diff := cmp.Diff([]string(nil), h.toldOfClocks()); diff != "" {
		t.Error(diff)
	}
}

func TestClocksOfTransitionsThatEndAreGoneAndComeBack(t *testing.T) {
	h := newHospital(t)
	out := stay(1, "inpatient", "finished", medicare)
	h.hear(discharged(out))
	before := statesOf(h.clocks(1, ""))
	again := stay(1, "inpatient", "in-progress", medicare, func(s *events.Encounter) { s.FoldVersion = 2 })
	h.hear(events.EncounterDischargeCancelled{About: about(again)})
	if got := slices.Sorted(maps.Keys(statesOf(h.clocks(1, "")))); !slices.Equal(got, []string{"im-first", "snf-3-day", "trc-nia"}) {
		t.Errorf("planning again: %v", got)
	}
	out.FoldVersion = 3
	h.hear(discharged(out))
	if diff := cmp.Diff(before, statesOf(h.clocks(1, ""))); diff != "" {
		t.Error(diff)
	}
	out.FoldVersion, out.Deceased = 4, true
	h.hear(updated(out))
	for rule, c := range h.clocks(1, "") {
		if c["state"] != "not-applicable" || c["reason"] != "the transition is expired" {
			t.Errorf("%s after a death: %v (%v)", rule, c["state"], c["reason"])
		}
	}
}

func TestLateArrivalsClocksAreNoNews(t *testing.T) {
	h := newHospital(t)
	h.at("2026-10-25 09:00")
	e := h.event(discharged(stay(1, "inpatient", "finished", medicare)))
	e.Received = h.s.clock()
	h.handle(e)
	if got := h.clocks(1, ""); got["tcm-contact"]["state"] != "missed" || got["tcm-visit-14"]["state"] != "due" {
		t.Errorf("%v", statesOf(got))
	}
	h.tick(h.at("2026-10-25 09:01"))
	if got := h.toldOfClocks(); len(got) > 0 {
		t.Errorf("told %v", got)
	}
	h.tick(h.at("2026-10-31 00:00"))
	if got := h.toldOfClocks(); len(got) != 2 { // the visit and the medicines, by day 14
		t.Errorf("told %v", got)
	}
}

func TestLocalClosuresMoveClocks(t *testing.T) {
	h := newHospital(t)
	h.hear(events.FacilityChanged{ID: facility, Code: "MERCY", Zone: "America/New_York"})
	h.hear(discharged(stay(1, "inpatient", "finished")))
	if got := h.clocks(1, "")["tcm-contact"]["due_at"]; got != "2026-10-21T04:00:00Z" {
		t.Errorf("due %v", got)
	}
	h.hear(events.FacilityChanged{ID: facility, Code: "MERCY", Zone: "America/Chicago", Closures: []string{"2026-10-19"}})
	h.tick(h.s.clock())
	if got := h.clocks(1, "")["tcm-contact"]["due_at"]; got != "2026-10-22T05:00:00Z" {
		t.Errorf("with a closure, in Chicago: due %v", got)
	}
}

// kept are the clocks of an encounter as they are stored.
func (h *hospital) kept(number int) (text string) {
	h.t.Helper()
	err := h.db.System.QueryRow(context.Background(), `SELECT clocks::text FROM transition WHERE encounter_id = $1`, stay(number, "", "").ID).Scan(&text)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

// Whatever was heard first, the facility's days or the stay, and however often: the
// clocks are kept alike, to the byte.
func TestClocksDoNotDependOnTheOrderOfFacts(t *testing.T) {
	place := events.FacilityChanged{ID: facility, Code: "MERCY", Zone: "America/Chicago", Closures: []string{"2026-10-19"}}
	in := stay(1, "inpatient", "in-progress", fold(1))
	insured := stay(1, "inpatient", "in-progress", fold(2), medicare)
	first := stay(1, "inpatient", "finished", fold(3), medicare, disposition("06"))
	last := stay(1, "inpatient", "finished", fold(4), medicare)
	var want string
	for i, order := range [][]events.Fact{
		{place, admitted(in), updated(insured), discharged(first), updated(last)},
		{admitted(in), updated(insured), place, discharged(first), updated(last)},
		{admitted(in), updated(insured), discharged(first), updated(last), place, updated(last)},
		{updated(last), place},
	} {
		for _, together := range []bool{true, false} {
			h := newHospital(t)
			if together {
				h.hear(order...)
			} else {
				for _, f := range order {
					h.hear(f)
				}
			}
			h.tick(h.s.clock())
			got := h.kept(1)
			if want == "" {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("order %d, together: %v: %s", i, together, diff)
			}
		}
	}
}

func TestAReadmissionEndsTheClocksOfTheEpisode(t *testing.T) {
	h := newReturns(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)), linked(2, 1))
	h.hear(admitted(stay(2, "inpatient", "in-progress", lake(onDay(5), nil), medicare)))
	got := h.clocks(1, "")
	for rule, want := range map[string]string{
		"pcr-30": "missed", "mrp": "not-applicable", "trc-engagement": "not-applicable", "snf-admit-30": "not-applicable", "tcm-visit-14": "due",
	} {
		if got[rule]["state"] != want {
			t.Errorf("%s: %v (%v), want %s", rule, got[rule]["state"], got[rule]["reason"], want)
		}
	}
}

func TestClocksAreListedByStateAndDueTimeInPages(t *testing.T) {
	h := newHospital(t)
	for i := range 5 {
		h.hear(discharged(stay(i, "inpatient", "finished", medicare, func(s *events.Encounter) {
			at := left.Add(time.Duration(i) * time.Minute)
			s.DischargedAt = &at
		})))
	}
	var rules []string
	path := "/clocks?state=due&limit=3&due_before=2026-10-22T00:00:00Z"
	for next := ""; ; {
		page := h.must("nora:liaison", "GET", path+next, nil)
		for _, c := range page.items() {
			h.check(c)
			rules = append(rules, c["rule"].(string))
		}
		if page.body["next"] == nil {
			break
		}
		next = "&cursor=" + page.body["next"].(string)
	}
	slices.Sort(rules)
	want := slices.Repeat([]string{"tcm-contact"}, 5)
	want = append(want, slices.Repeat([]string{"trc-rdi"}, 5)...)
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Error(diff)
	}
	if got := h.must("x:auditor:other", "GET", "/clocks", nil).items(); len(got) > 0 {
		t.Errorf("another organization sees %d clocks", len(got))
	}
}

func TestRulesAreOpenData(t *testing.T) {
	h := newHospital(t)
	packs := map[string]map[string]any{}
	for _, p := range h.must("ada:auditor", "GET", "/rules", nil).items() {
		packs[p["pack"].(string)] = p
	}
	if len(packs) < 16 || len(packs["tcm"]["vectors"].([]any)) < 9 || packs["tcm"]["rules"].([]any)[0].(map[string]any)["source"] == "" {
		t.Errorf("%d packs, tcm: %v", len(packs), packs["tcm"])
	}
	due := h.must("ada:auditor", "GET", "/rules/pa-standard/due?at=2026-10-13T14:02:00-04:00&zone=America/New_York", nil).body
	if due["due_at"] != "2026-10-21T04:00:00Z" {
		t.Errorf("a standard decision: %v", due)
	}
	if got := h.ask("ada:auditor", "GET", "/rules/pa-standard/due?at=2026-10-13T14:02:00-04:00&facility=NOWHERE", nil); got.status != 404 {
		t.Errorf("of no facility: %d", got.status)
	}
}

func TestOpenClocksMoveToAnotherVersionWhenToldTo(t *testing.T) {
	h := newHospital(t)
	for i := range 3 {
		h.hear(discharged(stay(i, "inpatient", "finished", medicare)))
	}
	h.at("2026-10-16 20:00")
	h.do(2, "discharge-information", "complete", map[string]any{})
	ask := map[string]any{"rule": "trc-rdi", "from": "MY2020", "to": "MY2019", "preview": true}
	if got := h.ask("nora:liaison", "POST", "/rules/move", ask); got.status != 403 {
		t.Errorf("a liaison: %d", got.status)
	}
	preview := h.must("lena:lead", "POST", "/rules/move", ask).body
	if preview["clocks"] != 2.0 || preview["tasks"] != 2.0 || preview["sooner"] != 4.0 || len(preview["changes"].([]any)) != 4 {
		t.Errorf("preview: %v", preview)
	}
	if got := h.clocks(0, "")["trc-rdi"]; got["version"] != "MY2020" {
		t.Error("the preview moved something")
	}
	ask["preview"] = false
	h.must("lena:lead", "POST", "/rules/move", ask)
	for i, version := range []string{"MY2019", "MY2019", "MY2020"} {
		if got := h.clocks(i, "")["trc-rdi"]; got["version"] != version {
			t.Errorf("clock of %d runs by %v, want %s", i, got["version"], version)
		}
	}
	moved := h.task(0, "discharge-information")
	if moved["due_at"] != "2026-10-18T04:00:00Z" || moved["due_trace"].(map[string]any)["version"] != "MY2019" {
		t.Errorf("its task: %v", moved)
	}
	// A correction that leaves the trigger alone leaves the version alone.
	h.hear(updated(stay(0, "inpatient", "finished", medicare, func(s *events.Encounter) { s.Diagnoses, s.FoldVersion = []string{"I509"}, 2 })))
	if got := h.clocks(0, "")["trc-rdi"]; got["version"] != "MY2019" {
		t.Errorf("after a diagnosis it runs by %v", got["version"])
	}
	if got := h.task(0, "discharge-information"); got["due_at"] != moved["due_at"] {
		t.Errorf("after a diagnosis its task is due %v", got["due_at"])
	}
	if again := h.must("lena:lead", "POST", "/rules/move", ask).body; again["clocks"] != 0.0 || again["tasks"] != 0.0 {
		t.Errorf("moved again: %v", again)
	}
	h.balanced()
}
