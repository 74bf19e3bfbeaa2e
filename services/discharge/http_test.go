package discharge

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

func opened(t testing.TB) (h *hospital, task string) {
	t.Helper()
	h = newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	return h, h.tasks(1, "open")[0]["id"].(string)
}

func TestAListedTaskSaysAllTheContractNames(t *testing.T) {
	h, _ := opened(t)
	task := h.tasks(1, "open")[0]
	for _, name := range []string{
		"id", "transition_id", "encounter_id", "code", "title", "state", "version", "owner", "owner_role", "priority", "due_at", "due_trace", "reason",
	} {
		if _, ok := task[name]; !ok {
			t.Errorf("no %s", name)
		}
	}
	one := h.one(1)
	for _, name := range []string{
		"id", "encounter_id", "patient_id", "facility", "state", "version", "disposition", "class", "discharged_at", "protocols", "risk", "late_arrival",
	} {
		if _, ok := one[name]; !ok {
			t.Errorf("no %s", name)
		}
	}
	if task["transition_id"] != one["id"] {
		t.Errorf("the task is of transition %v, not %v", task["transition_id"], one["id"])
	}
	trace := task["due_trace"].(map[string]any)
	if trace["rule"] != "trc-rdi" || trace["due_at"] != task["due_at"] || len(trace["steps"].([]any)) == 0 {
		t.Errorf("trace %v", trace)
	}
}

func TestListsFilterAndPage(t *testing.T) {
	h := newHospital(t)
	var facts []events.Fact
	for n := range 7 {
		facts = append(facts, discharged(stay(n, "inpatient", "finished")))
	}
	h.hear(append(facts, admitted(stay(8, "inpatient", "in-progress", func(s *events.Encounter) { s.Facility = "NORTH" })))...)
	count := func(path string) int { return len(h.must("ada:auditor", "GET", path, nil).items()) }
	for path, want := range map[string]int{
		"/transitions": 8, "/transitions?state=active": 7, "/transitions?state=planning,active": 8, "/transitions?facility=NORTH": 1,
		"/transitions?patient=" + stay(3, "", "").Patient.String(): 1, "/transitions?state=closed": 0,
		"/tasks": 28, "/tasks?state=requested": 28, "/tasks?owner=none": 28, "/tasks?owner=nora": 0, "/tasks?state=completed": 0,
		"/tasks?due_before=2026-10-19T04:00:00Z": 0, "/tasks?state=open&due_before=2026-10-19T04:00:01Z": 7,
		"/tasks?transition=" + h.one(3)["id"].(string): 4,
	} {
		if got := count(path); got != want {
			t.Errorf("%s: %d items, want %d", path, got, want)
		}
	}
	for _, path := range []string{"/tasks?limit=5", "/tasks?state=open&limit=5", "/transitions?limit=3"} {
		seen, next, pages := map[string]bool{}, "", 0
		for {
			a := h.must("ada:auditor", "GET", path+"&cursor="+next, nil)
			for _, item := range a.items() {
				seen[item["id"].(string)] = true
			}
			pages++
			if a.body["next"] == nil {
				break
			}
			next = a.body["next"].(string)
		}
		if want := map[bool]int{true: 8, false: 28}[path[1:4] == "tra"]; len(seen) != want || pages < 2 {
			t.Errorf("%s: %d different items on %d pages, want %d", path, len(seen), pages, want)
		}
	}
	open := h.must("ada:auditor", "GET", "/tasks?state=open", nil).items()
	if !slices.IsSortedFunc(open, func(a, b map[string]any) int {
		return at(t, a["due_at"]).Compare(at(t, b["due_at"]))
	}) {
		t.Error("open tasks are not in the order of their due times")
	}
}

func at(t *testing.T, v any) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339Nano, v.(string))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOfManyClaimsOneWinsAndTheOthersLearnWho(t *testing.T) {
	h, task := opened(t)
	const people = 12
	answers := make([]answer, people)
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			answers[i] = h.ask(fmt.Sprintf("liaison-%d:liaison", i), "POST", "/tasks/"+task+"/claim", nil)
		})
	}
	wg.Wait()
	owner := h.must("ada:auditor", "GET", "/tasks/"+task, nil).body["owner"]
	won := 0
	for i, a := range answers {
		switch {
		case a.status == http.StatusOK && a.body["owner"] == fmt.Sprintf("liaison-%d", i):
			won++
		case a.status != http.StatusConflict || a.body["owner"] != owner:
			t.Errorf("%d %v, want 409 that names %v", a.status, a.body, owner)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}

func TestWritesCarryTheVersionTheyWereDecidedOn(t *testing.T) {
	h, task := opened(t)
	path := "/tasks/" + task + "/complete"
	if a := h.ask("nora:liaison", "POST", path, map[string]any{"outcome": "reached"}); a.status != http.StatusPreconditionRequired {
		t.Errorf("without If-Match: %d", a.status)
	}
	claimed := h.must("nora:liaison", "POST", "/tasks/"+task+"/claim", nil)
	if etag := claimed.header.Get("ETag"); etag != `"2"` || claimed.body["version"] != 2.0 {
		t.Errorf("ETag %s, version %v", etag, claimed.body["version"])
	}
	if a := h.ask("nora:liaison", "POST", path, map[string]any{"outcome": "reached"}, "If-Match", `"1"`); a.status != http.StatusPreconditionFailed {
		t.Errorf("stale: %d %v", a.status, a.body)
	}
	h.must("nora:liaison", "POST", path, map[string]any{"outcome": "reached"}, "If-Match", `"2"`)
}

func TestTheSameKeyGivesTheSameAnswerAndOneEffect(t *testing.T) {
	h, task := opened(t)
	next := left.AddDate(0, 0, 1)
	body := map[string]any{"channel": "phone", "outcome": "no-answer", "duration_s": 40, "note": "rang twice", "next_at": next}
	send := func() answer {
		return h.ask("nora:liaison", "POST", "/tasks/"+task+"/attempt", body, "If-Match", "1", "Idempotency-Key", "k1")
	}
	first, again := send(), send()
	if first.status != 200 || again.status != 200 {
		t.Fatalf("%d %v, then %d %v", first.status, first.body, again.status, again.body)
	}
	if diff := cmp.Diff(first.body, again.body); diff != "" {
		t.Error(diff)
	}
	detail := h.must("nora:liaison", "GET", "/tasks/"+task, nil).body
	log := detail["log"].([]any)
	if detail["attempts"] != 1.0 || len(log) != 1 {
		t.Fatalf("%v attempts, log %v", detail["attempts"], log)
	}
	entry := log[0].(map[string]any)
	want := map[string]any{
		"action": "attempt", "by": "nora", "at": entry["at"], "channel": "phone", "outcome": "no-answer", "duration_s": 40.0,
		"note": "rang twice", "next_at": "2026-10-17T18:02:00Z",
	}
	if diff := cmp.Diff(want, entry); diff != "" {
		t.Error(diff)
	}
	body["outcome"] = "reached"
	if a := send(); a.status != http.StatusConflict {
		t.Errorf("the same key for another request: %d", a.status)
	}
}

func TestTheLifeOfATask(t *testing.T) {
	h, _ := opened(t)
	for _, task := range h.tasks(1, "open") {
		id := task["id"].(string)
		version := func() string { return fmt.Sprint(h.must("nora:liaison", "GET", "/tasks/"+id, nil).body["version"]) }
		h.must("nora:liaison", "POST", "/tasks/"+id+"/claim", nil)
		h.must("nora:liaison", "POST", "/tasks/"+id+"/start", nil, "If-Match", version())
		h.must("nora:liaison", "POST", "/tasks/"+id+"/snooze", map[string]any{"until": left.AddDate(0, 0, 1), "reason": "asleep"}, "If-Match", version())
		h.must("nora:liaison", "POST", "/tasks/"+id+"/release", nil, "If-Match", version())
		h.must("lea:lead", "POST", "/tasks/"+id+"/assign", map[string]any{"owner": "omar"}, "If-Match", version())
		h.must("omar:liaison", "POST", "/tasks/"+id+"/complete", map[string]any{"outcome": "reached", "note": "well"}, "If-Match", version())
	}
	if got := h.one(1); got["state"] != "completed" || len(h.wakeUps()) != 0 {
		t.Fatalf("%v, timers %v", got["state"], h.wakeUps())
	}
	h.balanced()
	undone := h.tasks(1, "completed")[0]
	a := h.must("omar:liaison", "POST", "/tasks/"+undone["id"].(string)+"/reopen", nil, "If-Match", fmt.Sprint(undone["version"]))
	if a.body["state"] != "accepted" || a.body["owner"] != "omar" || a.body["closed_at"] != nil {
		t.Errorf("after undo: %v", a.body)
	}
	if got := h.one(1); got["state"] != "active" || len(h.wakeUps()) != 1 {
		t.Errorf("after undo: %v, timers %v", got["state"], h.wakeUps())
	}
	h.must("nora:liaison", "POST", "/tasks/"+undone["id"].(string)+"/cancel", map[string]any{"reason": "not-needed"},
		"If-Match", fmt.Sprint(a.body["version"]))
	if got := h.one(1); got["state"] != "completed" {
		t.Errorf("after the cancel: %v", got["state"])
	}
	h.balanced()
	history := h.must("ada:auditor", "GET", "/transitions/"+h.one(1)["id"].(string)+"/history", nil).items()
	var types []any
	for i, v := range history {
		if v["version"] != float64(i+1) {
			t.Errorf("version %v at place %d", v["version"], i+1)
		}
		types = append(types, v["type"])
	}
	want := []any{"care.transition.opened.v1", "care.transition.completed.v1", "care.transition.replanned.v1", "care.transition.completed.v1"}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
	// What people did keeps the snapshot that a correction will start from.
	h.hear(updated(stay(2, "inpatient", "finished", disposition("20"), patient(1))), updated(stay(2, "inpatient", "finished", patient(1))))
	h.hear(updated(stay(1, "inpatient", "finished", disposition("06"))))
	if diff := cmp.Diff([]string{"home-health-start"}, codes(h.tasks(1, "open"))); diff != "" {
		t.Errorf("what was done stays done, what is new is new: %s", diff)
	}
}

func TestAnotherOrganizationSeesAndChangesNothing(t *testing.T) {
	h, task := opened(t)
	for _, path := range []string{"/transitions", "/tasks", "/tasks?encounter=" + stay(1, "", "").ID.String()} {
		if items := h.must("eve:liaison:other", "GET", path, nil).items(); len(items) != 0 {
			t.Errorf("%s: %v", path, items)
		}
	}
	transition := h.one(1)["id"].(string)
	for _, path := range []string{"/tasks/" + task, "/transitions/" + transition, "/transitions/" + transition + "/history"} {
		if a := h.ask("eve:liaison:other", "GET", path, nil); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := h.ask("eve:liaison:other", "POST", "/tasks/"+task+"/claim", nil); a.status != http.StatusNotFound {
		t.Errorf("claim: %d", a.status)
	}
}

func TestRolesMayDoWhatTheirPermissionsSay(t *testing.T) {
	h, task := opened(t)
	for _, c := range []struct {
		role, action string
		status       int
	}{
		{"auditor", "claim", 403},
		{"operations", "claim", 403},
		{"intake", "claim", 403},
		{"liaison", "claim", 200},
		{"liaison", "assign", 403},
		{"lead", "assign", 200},
	} {
		version := fmt.Sprint(h.must("ada:auditor", "GET", "/tasks/"+task, nil).body["version"])
		body := map[string]any{}
		if c.action == "assign" {
			body["owner"] = "p"
		}
		if a := h.ask("p:"+c.role, "POST", "/tasks/"+task+"/"+c.action, body, "If-Match", version); a.status != c.status {
			t.Errorf("%s %s: %d %v, want %d", c.role, c.action, a.status, a.body, c.status)
		}
	}
}

func TestRefusalsSayWhat(t *testing.T) {
	h, task := opened(t)
	for _, c := range []struct {
		action string
		body   map[string]any
		status int
	}{
		{"attempt", map[string]any{}, 422},
		{"attempt", map[string]any{"outcome": "Mrs. Smith was asleep"}, 422}, // codes travel, sentences do not
		{"snooze", map[string]any{"until": left.AddDate(0, 0, -1)}, 422},
		{"cancel", map[string]any{}, 422},
		{"reopen", map[string]any{}, 409},
		{"release", map[string]any{"note": "not mine"}, 409},
	} {
		if a := h.ask("nora:liaison", "POST", "/tasks/"+task+"/"+c.action, c.body, "If-Match", "1"); a.status != c.status {
			t.Errorf("%s %v: %d %v, want %d", c.action, c.body, a.status, a.body, c.status)
		}
	}
	if a := h.ask("nora:liaison", "POST", "/tasks/"+events.NewID().String()+"/claim", nil); a.status != 404 {
		t.Errorf("an unknown task: %d", a.status)
	}
	if a := h.ask("nora:liaison", "GET", "/tasks?cursor=zzz", nil); a.status != 400 {
		t.Errorf("a cursor of nobody: %d", a.status)
	}
	if a := h.ask("nora:liaison", "GET", "/tasks?encounter=12", nil); a.status != 422 && a.status != 400 {
		t.Errorf("an encounter that is no id: %d", a.status)
	}
}

func TestEveryRouteHasAPermission(t *testing.T) {
	h := newHospital(t)
	for _, r := range h.router.Routes() {
		if r.Permission == web.Anyone {
			t.Errorf("%s %s is open to anyone", r.Method, r.Path)
		}
	}
	if doc := h.router.OpenAPI(); len(doc.Paths) < 12 {
		t.Errorf("%d paths are documented", len(doc.Paths))
	}
}

func TestInstructionsComeWithATask(t *testing.T) {
	h, task := opened(t)
	body := h.must("nora:liaison", "GET", "/tasks/"+task, nil).body
	if body["instructions"] == "" || body["source"] == "" {
		t.Errorf("%v", body)
	}
	if n := len(h.must("nora:liaison", "GET", "/protocols", nil).items()); n < 20 {
		t.Errorf("%d protocols", n)
	}
}

func TestLintProtocols(t *testing.T) {
	list, err := LintProtocols(nil, false)
	if err != nil || len(list) < 20 {
		t.Errorf("%d shipped protocols, %v", len(list), err)
	}
	if _, err := LintProtocols(fstest.MapFS{}, false); err == nil {
		t.Error("an empty folder passed")
	}
}
