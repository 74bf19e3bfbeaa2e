package discharge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
)

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
