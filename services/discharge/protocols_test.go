package discharge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// houseYAML is a protocol of the house's own, and its case.
func houseYAML(version, title string) map[string]any {
	return map[string]any{
		"house.yaml": fmt.Sprintf(`protocols:
  - {code: house-call, version: %q, from: 2026-01-01, kind: addon, title: %s, when: disposition == "01", tasks: [{task: %s}]}
`, version, title, map[string]string{"1": "copd-check", "2": "diabetes-check"}[version]),
		"house_test.yaml": `cases:
  - {name: house, encounter: {disposition: "01"}, protocols: [home, house-call]}
  - {name: elsewhere, encounter: {disposition: "03"}, excludes: [copd-check]}
`,
	}
}

// stored keeps the house's protocols and gives the set's id.
func (h *hospital) stored(version string) string {
	h.t.Helper()
	body := map[string]any{"title": "House " + version, "files": houseYAML(version, "House call")}
	return h.must("ada:admin", "POST", "/protocols/sets", body).body["id"].(string)
}

// book is the version of the organization's book, to decide on.
func (h *hospital) book() string {
	h.t.Helper()
	return h.must("ada:admin", "GET", "/protocols", nil).header.Get("ETag")
}

// activate puts a set in force and gives the decision.
func (h *hospital) activate(body map[string]any) map[string]any {
	h.t.Helper()
	if body["reason"] == nil {
		body["reason"] = "a test"
	}
	if body["set_id"] != nil {
		h.preview(map[string]any{"set_id": body["set_id"]})
	}
	return h.must("ada:admin", "POST", "/protocols/activate", body, "If-Match", h.book()).body
}

func dischargedAt(at time.Time) func(*events.Encounter) {
	return func(s *events.Encounter) { s.DischargedAt = &at }
}

// planOf are the protocols of an encounter's transition.
func (h *hospital) planOf(number int) string {
	h.t.Helper()
	return fmt.Sprint(h.one(number)["protocols"])
}

func TestProtocolsAreCheckedBeforeTheyAreStored(t *testing.T) {
	h := newHospital(t)
	good := map[string]any{"files": houseYAML("1", "House call")}
	c := h.must("lea:lead", "POST", "/protocols/check", good)
	if c.body["ok"] != true || fmt.Sprint(c.body["added"]) != "[house-call@1]" || fmt.Sprint(c.body["removed"]) != "[]" {
		t.Errorf("%v", c.body)
	}
	wrong := map[string]any{"files": map[string]any{"house.yaml": strings.Replace(houseYAML("1", "x")["house.yaml"].(string), "disposition ==", "dispostion ==", 1)}}
	c = h.must("lea:lead", "POST", "/protocols/check", wrong)
	if c.body["ok"] != false || !strings.Contains(fmt.Sprint(c.body["problems"]), "dispostion") {
		t.Errorf("%v", c.body)
	}
	if a := h.ask("lea:lead", "POST", "/protocols/sets", map[string]any{"title": "x", "files": wrong["files"]}); a.status != http.StatusUnprocessableEntity ||
		!strings.Contains(fmt.Sprint(a.body["errors"]), "dispostion") {
		t.Errorf("%d %v", a.status, a.body)
	}
	report := h.must("lea:lead", "POST", "/protocols/test", good).body
	if report["failed"] != 0.0 || fmt.Sprint(report["untested"]) != "[]" || len(report["cases"].([]any)) < 40 {
		t.Errorf("%v", report)
	}
	failing := houseYAML("1", "House call")
	failing["house_test.yaml"] = strings.Replace(failing["house_test.yaml"].(string), "protocols: [home, house-call]", "protocols: [home]", 1)
	if a := h.ask("lea:lead", "POST", "/protocols/sets", map[string]any{"title": "x", "files": failing}); a.status != http.StatusUnprocessableEntity ||
		!strings.Contains(fmt.Sprint(a.body["errors"]), "want home") {
		t.Errorf("a set whose cases fail: %d %v", a.status, a.body)
	}
	id := h.stored("1")
	if again := h.stored("1"); again != id {
		t.Error("the same files are another set")
	}
	same := houseYAML("1", "House call")
	same["house.yaml"] = strings.Replace(same["house.yaml"].(string), "copd-check", "copd-review", 1)
	if a := h.ask("lea:lead", "POST", "/protocols/sets", map[string]any{"title": "x", "files": same}); a.status != http.StatusUnprocessableEntity ||
		!strings.Contains(fmt.Sprint(a.body["errors"]), "house-call@1 does something else here than in set 1") {
		t.Errorf("another protocol by the same name: %d %v", a.status, a.body)
	}
	changed := map[string]any{"files": map[string]any{"base.yaml": `protocols:
  - {code: home, version: "2026.1", from: 2000-01-01, kind: base, title: Home, when: "true", setting: community, tasks: [{task: tcm-contact}]}
`}}
	c = h.must("lea:lead", "POST", "/protocols/check", changed)
	if c.body["ok"] != false || !strings.Contains(fmt.Sprint(c.body["problems"]), "home@2026.1 does something else here than in the shipped set") {
		t.Errorf("%v", c.body)
	}
	if n := len(h.must("eve:admin:elsewhere", "GET", "/protocols/sets", nil).items()); n != 0 {
		t.Errorf("another organization sees %d sets", n)
	}
	if a := h.ask("eve:admin:elsewhere", "GET", "/protocols/sets/"+id, nil); a.status != http.StatusNotFound {
		t.Errorf("another organization reads a set: %d", a.status)
	}
	files := h.must("nora:liaison", "GET", "/protocols/sets/"+id, nil).body["files"].(map[string]any)
	if files["house.yaml"] == nil || files["base.yaml"] == nil || files["tasks.yaml"] == nil {
		t.Errorf("the set is not stored whole: %d files", len(files))
	}
}

// What people change is written from the shipped files: they are shown as they are.
func TestTheShippedFilesAreShownAndAreASetThatCanBeUsed(t *testing.T) {
	h := newHospital(t)
	files := h.must("lea:lead", "GET", "/protocols/shipped", nil).body["files"].(map[string]any)
	if text, _ := files["base.yaml"].(string); !strings.Contains(text, "protocols:") {
		t.Fatalf("base.yaml: %q", text)
	}
	checked := h.must("lea:lead", "POST", "/protocols/check", map[string]any{"files": files, "alone": true}).body
	if checked["ok"] != true || len(checked["added"].([]any)) != 0 {
		t.Errorf("what is shipped, handed back: %v", checked)
	}
}

func TestWhoMayChangeProtocols(t *testing.T) {
	h := newHospital(t)
	body := map[string]any{"title": "x", "files": houseYAML("1", "House call"), "shipped": true, "reason": "x"}
	for _, path := range []string{"sets", "activate", "rollback"} {
		for _, who := range []string{"liaison", "intake", "interface", "operations", "privacy", "auditor"} {
			if a := h.ask("x:"+who, "POST", "/protocols/"+path, body, "If-Match", "0"); a.status != http.StatusForbidden {
				t.Errorf("%s by %s: %d", path, who, a.status)
			}
		}
	}
	if a := h.ask("lea:lead", "POST", "/protocols/activate", map[string]any{"shipped": true, "reason": "x"}); a.status != http.StatusPreconditionRequired {
		t.Errorf("without If-Match: %d", a.status)
	}
}

func TestTheTimeOfDischargeChoosesTheSet(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	set := h.stored("1")
	at := left.Add(3 * time.Hour)
	act := h.activate(map[string]any{"set_id": set, "from": at})
	if act["by"] != "ada" || act["version"] != 1.0 {
		t.Errorf("%v", act)
	}
	h.hear(
		discharged(stay(2, "inpatient", "finished", dischargedAt(at.Add(-time.Second)))),
		discharged(stay(3, "inpatient", "finished", dischargedAt(at))),
		updated(stay(1, "inpatient", "finished", func(s *events.Encounter) { s.Unit = "5E" })), // an open transition keeps its plan
	)
	for n, want := range map[int]string{1: "[home@2026.1]", 2: "[home@2026.1]", 3: "[home@2026.1 house-call@1]"} {
		if got := h.planOf(n); got != want {
			t.Errorf("encounter %d: %s, want %s", n, got, want)
		}
	}
	if got := codes(h.tasks(3, "open")); !slices.Contains(got, "copd-check") {
		t.Errorf("%v", got)
	}
	// A corrected discharge time is another discharge: the set follows, both ways.
	h.hear(updated(stay(2, "inpatient", "finished", dischargedAt(at))), updated(stay(3, "inpatient", "finished", dischargedAt(at.Add(-time.Minute)))))
	if h.planOf(2) != "[home@2026.1 house-call@1]" || h.planOf(3) != "[home@2026.1]" {
		t.Errorf("%s, %s after the times were corrected", h.planOf(2), h.planOf(3))
	}
	sets := h.must("nora:liaison", "GET", "/protocols/sets", nil).items()
	if fmt.Sprint(sets[0]["coming"], sets[0]["live"]) != "[all] []" {
		t.Errorf("%v", sets[0])
	}
	if list := h.must("nora:liaison", "GET", "/protocols?at="+at.Format(time.RFC3339), nil); list.body["set_id"] != set {
		t.Errorf("in force at that time: %v", list.body["set_id"])
	}
	h.balanced()
}

func TestGoingBackToTheFormerProtocols(t *testing.T) {
	h := newHospital(t)
	if a := h.ask("ada:admin", "POST", "/protocols/rollback", map[string]any{"reason": "x"}, "If-Match", h.book()); a.status != http.StatusConflict {
		t.Errorf("nothing to go back from: %d %v", a.status, a.body)
	}
	one, two := h.stored("1"), h.stored("2")
	now := left.Add(time.Hour)
	h.s.clock = func() time.Time { return now }
	h.activate(map[string]any{"set_id": one})
	now = now.Add(time.Hour)
	h.activate(map[string]any{"set_id": two})
	now = now.Add(time.Hour)
	h.hear(discharged(stay(1, "inpatient", "finished", dischargedAt(now))))
	stale := h.book()
	act := h.must("ada:admin", "POST", "/protocols/rollback", map[string]any{"reason": "too many tasks"}, "If-Match", stale).body
	if act["set_id"] != one || act["kind"] != "roll-back" {
		t.Errorf("%v", act)
	}
	if a := h.ask("ada:admin", "POST", "/protocols/rollback", map[string]any{"reason": "x"}, "If-Match", stale); a.status != http.StatusPreconditionFailed {
		t.Errorf("decided on a book that has changed: %d %v", a.status, a.body)
	}
	now = now.Add(time.Hour)
	h.hear(discharged(stay(2, "inpatient", "finished", dischargedAt(now))))
	if h.planOf(1) != "[home@2026.1 house-call@2]" || h.planOf(2) != "[home@2026.1 house-call@1]" {
		t.Errorf("%s before, %s after", h.planOf(1), h.planOf(2))
	}
	acts := h.must("aud:auditor", "GET", "/protocols/acts", nil).items()
	var said []string
	for _, a := range acts {
		said = append(said, fmt.Sprint(a["version"], " ", a["kind"], " ", a["by"], " ", a["reason"]))
	}
	want := []string{"3 roll-back ada too many tasks", "2 activate ada a test", "1 activate ada a test"}
	if !slices.Equal(said, want) {
		t.Errorf("%v, want %v", said, want)
	}
	for _, change := range []string{`UPDATE protocol_act SET reason = 'none'`, `DELETE FROM protocol_act`} {
		if _, err := h.db.System.Exec(context.Background(), change); err == nil {
			t.Errorf("%s: what was decided can be changed", change)
		}
	}
}

func TestAFacilityMayHaveProtocolsOfItsOwn(t *testing.T) {
	h := newHospital(t)
	h.hear(events.FacilityChanged{ID: facility, Code: "MERCY", Zone: "America/New_York"},
		events.FacilityChanged{ID: events.Derive("test", "east"), Code: "EAST", Zone: "America/New_York"})
	one := h.stored("1")
	if a := h.ask("ada:admin", "POST", "/protocols/activate", map[string]any{"set_id": one, "reason": "x"}, "If-Match", h.book()); a.status != http.StatusConflict ||
		!strings.Contains(fmt.Sprint(a.body["detail"]), "preview") {
		t.Errorf("activated and nobody has looked at what it does: %d %v", a.status, a.body)
	}
	h.activate(map[string]any{"set_id": one, "facility": "EAST"})
	later := dischargedAt(left.Add(5 * time.Hour))
	east := func(s *events.Encounter) { s.Facility, s.FacilityID = "EAST", events.Derive("test", "east") }
	h.hear(discharged(stay(1, "inpatient", "finished", later)), discharged(stay(2, "inpatient", "finished", later, east)))
	if h.planOf(1) != "[home@2026.1]" || h.planOf(2) != "[home@2026.1 house-call@1]" {
		t.Errorf("%s elsewhere, %s at EAST", h.planOf(1), h.planOf(2))
	}
	if a := h.ask("ada:admin", "POST", "/protocols/activate", map[string]any{"set_id": one, "facility": "WSET", "reason": "x"}, "If-Match", h.book()); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a facility that is none: %d", a.status)
	}
	h.activate(map[string]any{"inherit": true, "facility": "EAST", "from": left.Add(6 * time.Hour)})
	h.hear(discharged(stay(3, "inpatient", "finished", dischargedAt(left.Add(6*time.Hour)), east)))
	if h.planOf(3) != "[home@2026.1]" {
		t.Errorf("%s at EAST, which follows the organization again", h.planOf(3))
	}
}

// A replica that did not take the decision knows it within a second, without being told.
func TestEveryReplicaLearnsOfADecision(t *testing.T) {
	h := newHospital(t)
	other := newShelf(h.db, h.s.rules.Protocols, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- other.run(ctx) }()
	set := h.stored("1")
	before := other.look()
	h.activate(map[string]any{"set_id": set})
	decided := time.Now()
	for other.look().book(mercy).Version() != 1 {
		if time.Since(decided) > 20*time.Second {
			t.Fatal("the other replica does not know of the decision")
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Logf("known after %s", time.Since(decided).Round(time.Millisecond))
	if before.book(mercy).Version() != 0 {
		t.Error("a look that was taken before has changed")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	// One whose loop stands still looks for itself before it plans.
	stuck := newShelf(h.db, h.s.rules.Protocols, slog.New(slog.DiscardHandler))
	if err := stuck.fresh(context.Background()); err != nil || stuck.look().book(mercy).Version() != 1 {
		t.Errorf("version %d, %v", stuck.look().book(mercy).Version(), err)
	}
}

// A set that this build cannot read is replaced by the shipped one: nobody goes without tasks.
func TestASetThatCannotBeReadAnyMore(t *testing.T) {
	h := newHospital(t)
	set := h.stored("1")
	h.preview(map[string]any{"set_id": set})
	_, err := h.db.System.Exec(context.Background(), `UPDATE protocol_set SET files = '{"house.yaml": "protocols: ["}'`)
	if err != nil {
		t.Fatal(err)
	}
	if a := h.ask("ada:admin", "POST", "/protocols/activate", map[string]any{"set_id": set, "reason": "x"}, "If-Match", h.book()); a.status != http.StatusConflict {
		t.Errorf("it was activated: %d %v", a.status, a.body)
	}
	err = h.db.SystemTx(context.Background(), func(tx pgx.Tx) error {
		_, err := tx.Exec(context.Background(), `INSERT INTO protocol_act (org_id, version, kind, facility, set_id, inherit, from_at, replan, reason, by, at)
			SELECT org_id, 1, 'activate', '', id, false, '2026-01-01', false, '', '', now() FROM protocol_set`)
		if err == nil {
			_, err = tx.Exec(context.Background(), `UPDATE protocol_book SET version = 1`)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.s.shelf.refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.hear(discharged(stay(1, "inpatient", "finished")))
	if h.planOf(1) != "[home@2026.1]" {
		t.Errorf("%s", h.planOf(1))
	}
	if s := h.must("nora:liaison", "GET", "/protocols/sets", nil).items()[0]; s["wrong"] == "" {
		t.Error("nobody is told that the set cannot be used")
	}
}
