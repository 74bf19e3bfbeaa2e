package discharge

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/rulebook"
)

// ourHomeHealth is the shipped pack with a version of an organization's own: from October, a day.
const ourHomeHealth = `
pack: home-health
version: "2026.10"
title: Home health and hospice, the first visit
about: As agreed with the agencies.
rules:
  - {id: hh-start, version: "2018.1", from: 2018-01-13, until: 2026-09-30, trigger: discharge, hours: 48, title: Home-health start of care within 48 hours,
     source: "42 CFR 484.55(a)", standing: read, applies: {disposition: ["06", "86"]}, met_by: [home-health-start], pausable: true}
  - {id: hh-start, version: "2026.10", from: 2026-10-01, trigger: discharge, hours: 24, title: Home-health start of care within a day,
     source: "Agreement with the agencies, 2026", standing: house, applies: {disposition: ["06", "86"]}, met_by: [home-health-start], pausable: true}
  - {id: hospice-start, version: "2008.1", from: 2008-12-02, trigger: discharge, hours: 48, title: Hospice initial assessment within 48 hours,
     source: "42 CFR 418.54(a)", standing: common, applies: {disposition: ["50", "51"]}, met_by: [hospice-start]}
vectors:
  - {at: 2026-09-13 14:02, due: {hh-start: 2026-09-15 14:02}}
  - {at: 2026-10-13 14:02, due: {hh-start: 2026-10-14 14:02}}
`

func ours(text string) map[string]any {
	return map[string]any{"files": map[string]string{"packs/home-health.yaml": text}}
}

func titled(rules map[string]any) map[string]any {
	return map[string]any{"title": "our own", "files": rules["files"]}
}

// started is the version and due time of an encounter's home-health clock, and the due time of its task.
func (h *hospital) started(number int) []any {
	h.t.Helper()
	c := h.clocks(number, "")["hh-start"]
	return []any{c["version"], c["due_at"], h.task(number, "home-health-start")["due_at"]}
}

func (h *hospital) decides(who, what string, version int, body map[string]any) answer {
	h.t.Helper()
	return h.ask(who, "POST", "/rules/"+what, body, "If-Match", fmt.Sprintf(`"%d"`, version))
}

func TestRulesThatCannotBeUsedAreRefused(t *testing.T) {
	h := newHospital(t)
	for name, c := range map[string]struct{ text, says string }{
		"a vector that is not true":  {strings.Replace(ourHomeHealth, "due: {hh-start: 2026-10-14 14:02}", "due: {hh-start: 2026-10-15 14:02}", 1), "the pack says 2026-10-15 14:02"},
		"a version that was another": {strings.Replace(ourHomeHealth, "hours: 48, title: Hospice", "hours: 47, title: Hospice", 1), "hospice-start@2008.1 says something else"},
		"a gap":                      {strings.Replace(ourHomeHealth, "until: 2026-09-30", "until: 2026-09-29", 1), "a gap or an overlap"},
		"a rule that is gone":        {ourHomeHealth[:strings.Index(ourHomeHealth, "  - {id: hospice")] + ourHomeHealth[strings.Index(ourHomeHealth, "vectors:"):], "the rule hospice-start is gone"},
		"no source":                  {strings.Replace(ourHomeHealth, `source: "42 CFR 418.54(a)", `, "", 1), "title and source are all needed"},
	} {
		got := h.must("lena:lead", "POST", "/rules/check", ours(c.text)).body
		if got["ok"] != false || !strings.Contains(fmt.Sprint(got["problems"]), c.says) {
			t.Errorf("%s: %v", name, got)
		}
		if stored := h.ask("lena:lead", "POST", "/rules/sets", titled(ours(c.text))); stored.status != 422 {
			t.Errorf("%s was stored: %d", name, stored.status)
		}
	}
	got := h.must("lena:lead", "POST", "/rules/check", ours(ourHomeHealth)).body
	if diff := cmp.Diff([]any{"hh-start@2026.10"}, got["new"]); diff != "" || got["ok"] != true || got["vectors"].(float64) < 50 {
		t.Errorf("%s %v", diff, got)
	}
	if packs := got["packs"].([]any); len(packs) != len(h.must("nora:liaison", "GET", "/rules", nil).items()) {
		t.Errorf("%d packs", len(packs))
	}
	if got := h.ask("nora:liaison", "POST", "/rules/check", ours(ourHomeHealth)); got.status != 403 {
		t.Errorf("a liaison: %d", got.status)
	}
}

func TestAnOrganizationsOwnRulesAreActivatedMovedToAndRolledBack(t *testing.T) {
	h := newHospital(t)
	ctx := context.Background()
	home := func(number int) {
		h.hear(discharged(stay(number, "inpatient", "finished", disposition("06"))))
		if err := h.s.shelf.refresh(ctx); err != nil {
			t.Fatal(err)
		}
	}
	day, twoDays := left.Add(24*time.Hour).Format(time.RFC3339), left.Add(48*time.Hour).Format(time.RFC3339)
	was, is := []any{"2018.1", twoDays, twoDays}, []any{"2026.10", day, day}
	home(1)
	set := h.must("lena:lead", "POST", "/rules/sets", titled(ours(ourHomeHealth))).body
	files := h.must("nora:liaison", "GET", "/rules/sets/"+set["id"].(string), nil).body["files"].(map[string]any)
	shipped := h.must("nora:liaison", "GET", "/rules/shipped", nil).body["files"].(map[string]any)
	if files["packs/home-health.yaml"] != ourHomeHealth || files["packs/tcm.yaml"] != shipped["packs/tcm.yaml"] || len(files) != len(shipped) {
		t.Errorf("%d files, %d shipped", len(files), len(shipped))
	}
	if got := h.ask("bob:admin:other", "GET", "/rules/sets/"+set["id"].(string), nil); got.status != 404 {
		t.Errorf("another organization: %d", got.status)
	}
	activate := map[string]any{"set_id": set["id"], "reason": "agreed"}
	if got := h.decides("lena:lead", "activate", 0, activate); got.status != 409 {
		t.Errorf("nobody looked at what it does: %d %v", got.status, got.body)
	}
	p := h.must("lena:lead", "POST", "/rules/preview", map[string]any{"set_id": set["id"]}).body
	open := p["open"].([]any)[0].(map[string]any)
	if len(p["open"].([]any)) != 1 || open["rule"] != "hh-start" || open["clocks"] != 1.0 || open["tasks"] != 1.0 || open["sooner"] != 2.0 {
		t.Errorf("%v", p["open"])
	}
	wouldBe := map[string]any{"encounter_id": stay(1, "", "").ID.String(), "what": "hh-start", "was": twoDays, "is": day}
	if diff := cmp.Diff([]any{wouldBe}, p["changes"]); diff != "" || p["stays"] != 1.0 || p["other"] != 1.0 {
		t.Errorf("%s %v", diff, p)
	}
	if diff := cmp.Diff(was, h.started(1)); diff != "" {
		t.Errorf("a preview changed something: %s", diff)
	}
	if got := h.decides("lena:lead", "activate", 0, activate); got.status != 200 || got.header.Get("ETag") != `"1"` {
		t.Fatalf("%d %v", got.status, got.body)
	}
	if got := h.decides("lena:lead", "activate", 0, map[string]any{"shipped": true, "reason": "no"}); got.status != 412 {
		t.Errorf("decided on an older book: %d", got.status)
	}
	home(2)
	if diff := cmp.Diff(was, h.started(2)); diff != "" {
		t.Errorf("before it takes effect: %s", diff)
	}
	h.s.clock = func() time.Time { return left.Add(time.Hour + time.Minute) }
	home(3)
	if diff := cmp.Diff(is, h.started(3)); diff != "" {
		t.Error(diff)
	}
	h.hear(updated(stay(1, "inpatient", "finished", disposition("06"), func(s *events.Encounter) { s.Unit, s.FoldVersion = "5E", 2 })))
	if diff := cmp.Diff(was, h.started(1)); diff != "" {
		t.Errorf("an open clock did not keep its version: %s", diff)
	}
	if got := h.must("bob:admin:other", "GET", "/rules/book", nil).body; got["version"] != 0.0 {
		t.Errorf("another organization: %v", got)
	}
	m := h.must("lena:lead", "POST", "/rules/move", map[string]any{"rule": "hh-start", "from": "2018.1", "to": "2026.10"}).body
	if m["clocks"] != 2.0 || m["tasks"] != 2.0 {
		t.Errorf("%v", m)
	}
	if diff := cmp.Diff(is, h.started(1)); diff != "" {
		t.Errorf("moved: %s", diff)
	}
	if got := h.decides("lena:lead", "rollback", 1, map[string]any{"reason": "the agencies cannot"}); got.status != 200 || got.body["kind"] != "roll-back" {
		t.Fatalf("%d %v", got.status, got.body)
	}
	h.s.clock = func() time.Time { return left.Add(time.Hour + 2*time.Minute) }
	home(4)
	if diff := cmp.Diff(was, h.started(4)); diff != "" {
		t.Errorf("rolled back: %s", diff)
	}
	h.hear(updated(stay(3, "inpatient", "finished", disposition("06"), func(s *events.Encounter) { s.Unit, s.FoldVersion = "5E", 2 })))
	if diff := cmp.Diff(is, h.started(3)); diff != "" {
		t.Errorf("what runs by a version that is no more in force runs on, and is explained: %s", diff)
	}
	if got := h.must("lena:lead", "GET", "/rules/acts", nil).items(); len(got) != 2 {
		t.Errorf("%v", got)
	}
	h.balanced()
}

// A table of risk is of the organization's own, too: scores say by which table they came.
func TestAnOrganizationsOwnTableOfRisk(t *testing.T) {
	h := newHospital(t)
	shipped := rulebook.ShippedFiles()["comorbidity.yaml"]
	heavier := strings.Replace(shipped, "lace-quan-icd10cm@2026.1", "lace-ours@1", 1)
	i := strings.Index(heavier, "name: dementia")
	if i < 0 {
		t.Fatal("the table has no group dementia")
	}
	heavier = heavier[:i] + strings.Replace(heavier[i:], "points: 3", "points: 4", 1)
	files := map[string]any{"files": map[string]string{"comorbidity.yaml": heavier}}
	demented := func(s *events.Encounter) { s.Diagnoses = []string{"F0390"} }
	h.hear(discharged(stay(1, "inpatient", "finished", demented)))
	set := h.must("lena:lead", "POST", "/rules/sets", titled(files)).body
	p := h.must("lena:lead", "POST", "/rules/preview", map[string]any{"set_id": set["id"]}).body
	if p["scores"] != 1.0 || p["more"] != 0.0 || p["other"] != 0.0 {
		t.Errorf("%v", p)
	}
	if got := h.decides("lena:lead", "activate", 0, map[string]any{"set_id": set["id"], "reason": "validated here"}); got.status != 200 {
		t.Fatalf("%d %v", got.status, got.body)
	}
	before := h.one(1)["risk"].(map[string]any)
	h.s.clock = func() time.Time { return left.Add(time.Hour + time.Minute) }
	h.hear(discharged(stay(2, "inpatient", "finished", demented)))
	after := h.one(2)["risk"].(map[string]any)
	if after["min"].(float64) <= before["min"].(float64) || !strings.Contains(fmt.Sprint(after["variant"]), "lace-ours@1") {
		t.Errorf("%v, before %v", after, before)
	}
	h.balanced()
}
