package discharge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/preview"
)

// previewed is what a preview said.
type previewed struct {
	result   previewView
	patients map[events.ID][]string // encounter -> what becomes of which task
	progress []previewProgress
}

func (h *hospital) rawPreview(who string, body map[string]any) *httptest.ResponseRecorder {
	h.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodPost, "/protocols/preview", bytes.NewReader(text))
	req.Header.Set("Authorization", "Bearer "+who)
	rec := httptest.NewRecorder()
	h.router.ServeHTTP(rec, req)
	return rec
}

func (h *hospital) preview(body map[string]any) previewed {
	h.t.Helper()
	rec := h.rawPreview("ada:admin", body)
	if rec.Code != http.StatusOK {
		h.t.Fatalf("preview: %d %s", rec.Code, rec.Body)
	}
	out := previewed{patients: map[events.ID][]string{}}
	lines := bufio.NewScanner(rec.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var l previewLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			h.t.Fatal(err)
		}
		switch {
		case l.Error != "":
			h.t.Fatal(l.Error)
		case l.Progress != nil:
			out.progress = append(out.progress, *l.Progress)
		case l.Patient != nil:
			for _, task := range l.Patient.Tasks {
				out.patients[l.Patient.Encounter] = append(out.patients[l.Patient.Encounter], task.Change+" "+task.Code)
			}
			slices.Sort(out.patients[l.Patient.Encounter])
		case l.Result != nil:
			out.result = *l.Result
		}
	}
	if out.result.ID.IsZero() {
		h.t.Fatal("the preview ended without figures")
	}
	return out
}

// footprint is everything of consequence there is: rows of care, timers and facts.
func (h *hospital) footprint() string {
	h.t.Helper()
	var text string
	err := h.db.System.QueryRow(context.Background(), `SELECT concat_ws(' ', (SELECT count(*) FROM event_log), (SELECT count(*) FROM timer),
		(SELECT string_agg(t::text, ' ' ORDER BY encounter_id) FROM transition t), (SELECT string_agg(t::text, ' ' ORDER BY id) FROM task t),
		(SELECT string_agg(t::text, ' ' ORDER BY encounter_id) FROM unopened t))`).Scan(&text)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

// wards hears of stays of many kinds and gives how many open a transition.
func (h *hospital) wards() int {
	dispositions := []string{"01", "03", "06", "07", "01", "50", "02", "01"}
	diagnoses := [][]string{nil, {"I5022"}, {"J441", "E119"}, {"R079"}, {"J459"}}
	opened := 0
	for i := range 40 {
		class := []string{"inpatient", "emergency", "observation"}[i%3]
		at := left.Add(time.Duration(-i) * time.Hour)
		h.hear(discharged(stay(i, class, "finished", disposition(dispositions[i%len(dispositions)]), dischargedAt(at), func(s *events.Encounter) {
			s.Diagnoses = diagnoses[i%len(diagnoses)]
		})))
		if len(h.must("ada:auditor", "GET", "/transitions?encounter="+stay(i, "", "").ID.String(), nil).items()) == 1 {
			opened++
		}
	}
	return opened
}

// candidateFiles change much at once: a house call, another home, an emergency protocol.
func candidateFiles() map[string]any {
	return map[string]any{
		"base.yaml": `protocols:
  - {code: transfer, version: "2", from: 2000-01-01, kind: base, title: Transferred, when: 'disposition in ["02", "05"]', alone: true, tasks: [{task: handoff-report}]}
  - {code: snf, version: "2", from: 2000-01-01, kind: base, title: SNF, when: 'disposition == "03"', setting: facility, needs: snf, tasks: [{task: handoff-report, due: arrival-check}, {task: facility-review}]}
  - {code: home, version: "2", from: 2000-01-01, kind: base, title: Home, when: "true", setting: community, tasks: [{task: tcm-contact, priority: urgent}, {task: follow-up-visit}]}
`,
		"base_test.yaml": `cases:
  - {name: home, encounter: {disposition: "01"}, tasks: [tcm-contact, follow-up-visit]}
`,
		"addons_test.yaml": "cases: []\n", "emergency_test.yaml": "cases: []\n",
		"house.yaml": `protocols:
  - {code: house-call, version: "1", from: 2026-01-01, kind: addon, title: House call, when: disposition == "01", tasks: [{task: copd-check}]}
  - {code: ed-asthma, version: "1", from: 2026-01-01, kind: emergency, title: Asthma, when: '"asthma" in conditions', tasks: [{task: ed-chronic-follow-up}]}
`,
	}
}

// What a preview says of each patient is what comes of the change; and until somebody
// decides on it, nothing does.
func TestAPreviewIsWhatWouldHappen(t *testing.T) {
	h := newHospital(t)
	now := left.Add(time.Hour)
	h.s.clock = func() time.Time { return now }
	opened := h.wards()
	set := h.must("ada:admin", "POST", "/protocols/sets", map[string]any{"title": "much", "files": candidateFiles()}).body["id"].(string)
	task := h.tasks(0, "open")[0]
	h.must("nora:liaison", "POST", "/tasks/"+task["id"].(string)+"/claim", map[string]any{})
	before := h.footprint()
	p := h.preview(map[string]any{"files": candidateFiles(), "days": 7})
	if h.footprint() != before {
		t.Fatal("the preview left something behind")
	}
	if p.result.Stays != 40 || p.result.Tasks.Today == 0 || p.result.Opened == 0 || p.result.Changed != len(p.patients) {
		t.Errorf("%+v, of %d stays that opened %d", p.result, 40, opened)
	}
	if last := p.progress[len(p.progress)-1]; last.Done != last.Of || last.Of != 40 {
		t.Errorf("%+v", last)
	}
	if !slices.ContainsFunc(p.result.People, func(o preview.Person) bool { return o.Owner == "nora" }) {
		t.Errorf("nora's days are not told apart: %+v", p.result.People)
	}
	if again := h.preview(map[string]any{"set_id": set, "days": 7}); again.result.Digest != p.result.Digest || cmp.Diff(again.patients, p.patients) != "" {
		t.Error("the stored set is another than its files")
	}
	kept := h.must("lea:lead", "GET", "/protocols/previews/"+p.result.ID.String(), nil).body
	if kept["changed"] != float64(p.result.Changed) || kept["by"] != "ada" || len(kept["load"].([]any)) == 0 {
		t.Errorf("%v", kept)
	}

	was := map[int][]string{}
	for i := range 40 {
		was[i] = taskLines(h.tasks(i, "open"))
	}
	from := left.AddDate(0, 0, -3)
	for _, c := range []struct {
		body map[string]any
		want string
	}{
		{map[string]any{"set_id": set, "from": from}, "say replan"},
		{map[string]any{"set_id": set, "from": left.AddDate(0, 0, -20), "replan": true}, "looked back to"},
	} {
		c.body["reason"] = "x"
		if a := h.ask("ada:admin", "POST", "/protocols/activate", c.body, "If-Match", h.book()); a.status < 400 || !strings.Contains(fmt.Sprint(a.body["detail"]), c.want) {
			t.Errorf("%d %v, want %q", a.status, a.body, c.want)
		}
	}
	act := h.must("ada:admin", "POST", "/protocols/activate", map[string]any{"set_id": set, "from": from, "replan": true, "reason": "x"}, "If-Match", h.book()).body
	if act["preview_id"] == "" || act["replan"] != true {
		t.Errorf("%v", act)
	}
	h.tick(now.Add(bookLead))
	work := h.must("ada:admin", "GET", "/protocols/replans", nil).items()[0]
	if work["looked"] != float64(opened) || work["done_at"] == nil {
		t.Errorf("%v, want %d looked at", work, opened)
	}
	for i := range 40 {
		encounter := stay(i, "", "").ID
		if len(was[i]) == 0 && len(h.tasks(i, "open")) == 0 {
			continue // a visit that opened nothing: only its own next message may change that
		}
		if got := changes(was[i], taskLines(h.tasks(i, "open"))); cmp.Diff(p.patients[encounter], got) != "" {
			t.Errorf("encounter %d: the preview said %v, and it became %v", i, p.patients[encounter], got)
		}
	}
	h.balanced()

	// And back, with what was planned since: everything is as it was.
	h.preview(map[string]any{"shipped": true, "days": 7})
	now = now.Add(time.Minute)
	h.must("ada:admin", "POST", "/protocols/rollback", map[string]any{"replan": true, "reason": "too much"}, "If-Match", h.book())
	h.tick(now.Add(bookLead))
	for i := range 40 {
		if diff := cmp.Diff(was[i], taskLines(h.tasks(i, "open"))); diff != "" {
			t.Errorf("encounter %d after going back: %s", i, diff)
		}
	}
	h.balanced()
}

// taskLines are open tasks, each as code, due, priority and role.
func taskLines(tasks []map[string]any) []string {
	var out []string
	for _, t := range tasks {
		out = append(out, fmt.Sprint(t["code"], " ", t["due_at"], " ", t["priority"], " ", t["owner_role"]))
	}
	slices.Sort(out)
	return out
}

// changes tells lists of tasks apart in a preview's words and order.
func changes(was, is []string) (out []string) {
	parse := func(lines []string) map[string][]string {
		m := map[string][]string{}
		for _, l := range lines {
			f := strings.Fields(l)
			m[f[0]] = f[1:]
		}
		return m
	}
	a, b := parse(was), parse(is)
	for code, now := range b {
		before, had := a[code]
		switch {
		case !had:
			out = append(out, "gained "+code)
		case before[0] != now[0]:
			out = append(out, "moved "+code)
		case !slices.Equal(before, now):
			out = append(out, "changed "+code)
		}
	}
	for code := range a {
		if _, still := b[code]; !still {
			out = append(out, "lost "+code)
		}
	}
	slices.Sort(out)
	return out
}

func TestAPreviewLooksAtVisitsThatOpenedNothing(t *testing.T) {
	h := newHospital(t)
	asthma := func(s *events.Encounter) { s.Diagnoses = []string{"J459"} }
	h.hear(discharged(stay(1, "emergency", "finished", asthma)), discharged(stay(2, "emergency", "finished", asthma)), discharged(stay(3, "emergency", "finished", asthma)))
	h.hear(events.EncounterDischargeCancelled{About: about(stay(2, "emergency", "in-progress", asthma))})                   // not over after all
	h.hear(updated(stay(3, "emergency", "finished", func(s *events.Encounter) { s.Diagnoses = []string{"I509", "J449"} }))) // opens one today
	p := h.preview(map[string]any{"files": candidateFiles()})
	want := map[events.ID][]string{stay(1, "", "").ID: {"gained ed-chronic-follow-up"}}
	if diff := cmp.Diff(want, p.patients); diff != "" || p.result.Opened != 1 || p.result.Stays != 2 {
		t.Errorf("%+v %s", p.result, diff)
	}
	old := h.s.clock
	h.s.clock = func() time.Time { return old().AddDate(0, 0, previewDays+2) }
	h.hear(events.FacilityChanged{ID: facility, Code: "MERCY", Zone: "America/New_York"})
	newAPI(h.s, h.db, context.Background()).forgetUnopened(context.Background())
	h.s.clock = old
	if p := h.preview(map[string]any{"files": candidateFiles()}); p.result.Stays != 1 {
		t.Errorf("%d stays after old visits were forgotten", p.result.Stays)
	}
}

func TestWhoMayPreview(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	for who, want := range map[string]int{
		"x:liaison": 403, "x:auditor": 403, "x:lead": 200, "x:operations": 200, "x:admin:elsewhere": 200,
	} {
		rec := h.rawPreview(who, map[string]any{"shipped": true, "patients": "none"})
		if rec.Code != want {
			t.Errorf("%s: %d", who, rec.Code)
		}
		if who == "x:admin:elsewhere" && !strings.Contains(rec.Body.String(), `"stays":0`) {
			t.Errorf("another organization's stays are looked at: %s", rec.Body)
		}
	}
	for name, c := range map[string]struct {
		body map[string]any
		want string
	}{
		"nothing":     {map[string]any{}, "exactly one"},
		"too far":     {map[string]any{"shipped": true, "days": 91}, "90"},
		"not a set":   {map[string]any{"set_id": events.NewID()}, "no such set"},
		"a mistake":   {map[string]any{"files": map[string]any{"x.yaml": "protocols: ["}}, "cannot be used"},
		"a misspelt":  {map[string]any{"shipped": true, "day": 9}, "cannot be read"},
		"other words": {map[string]any{"shipped": true, "patients": "some"}, "patients"},
	} {
		if rec := h.rawPreview("x:lead", c.body); rec.Code < 400 || !strings.Contains(rec.Body.String(), c.want) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

func TestASetIsTriedBesideTheOneInForce(t *testing.T) {
	h := newHospital(t)
	set := h.must("ada:admin", "POST", "/protocols/sets", map[string]any{"title": "much", "files": candidateFiles()}).body["id"].(string)
	none := h.must("lea:lead", "GET", "/protocols/shadow", nil).body
	if none["since"] != nil {
		t.Errorf("%v", none)
	}
	h.must("ada:admin", "POST", "/protocols/shadow", map[string]any{"set_id": set, "reason": "to see"}, "If-Match", h.book())
	plain := newHospital(t) // the same without a shadow
	for _, hospital := range []*hospital{h, plain} {
		hospital.hear(
			discharged(stay(1, "inpatient", "finished")),                                                                               // a house call more, and less
			discharged(stay(2, "inpatient", "finished", disposition("21"))),                                                            // other tasks
			discharged(stay(3, "emergency", "finished", func(s *events.Encounter) { s.Diagnoses = []string{"J459"} })),                 // opens one by the candidate alone
			discharged(stay(4, "emergency", "finished", func(s *events.Encounter) { s.Diagnoses = []string{"I509", "J449"} })),         // alike
			discharged(stay(5, "emergency", "finished")),                                                                               // no tasks by either
			discharged(stay(6, "inpatient", "finished")),                                                                               //
			events.EncounterDischargeCancelled{About: about(stay(6, "inpatient", "in-progress"))},                                      // not over after all
			updated(stay(2, "inpatient", "finished", disposition("03"), func(s *events.Encounter) { s.Diagnoses = []string{"R079"} })), // corrected
		)
	}
	if diff := cmp.Diff(plain.told(), h.told()); diff != "" {
		t.Errorf("what is tried is told: %s", diff)
	}
	if diff := cmp.Diff(plain.rest(1, 2, 3, 4, 5, 6), h.rest(1, 2, 3, 4, 5, 6)); diff != "" {
		t.Errorf("what is tried has effects: %s", diff)
	}
	got := h.must("lea:lead", "GET", "/protocols/shadow", nil)
	if got.body["stays"] != 4.0 || got.body["differing"] != 3.0 || got.body["set_id"] != set {
		t.Errorf("%v", got.body)
	}
	items := map[string]int{}
	for _, item := range got.items() {
		items[item["encounter_id"].(string)] = len(item["tasks"].([]any))
	}
	if len(items) != 3 || items[stay(3, "", "").ID.String()] != 1 {
		t.Errorf("%v", items)
	}
	if page := h.must("lea:lead", "GET", "/protocols/shadow?limit=2", nil); len(page.items()) != 2 || page.body["next"] == nil {
		t.Errorf("%v", page.body)
	}
	var codes []string
	for _, c := range got.body["codes"].([]any) {
		codes = append(codes, c.(map[string]any)["code"].(string))
	}
	if !slices.Contains(codes, "copd-check") || !slices.Contains(codes, "ed-chronic-follow-up") {
		t.Errorf("%v", codes)
	}
	h.must("ada:admin", "POST", "/protocols/shadow", map[string]any{"end": true, "reason": "seen"}, "If-Match", h.book())
	if over := h.must("lea:lead", "GET", "/protocols/shadow", nil).body; over["since"] != nil {
		t.Errorf("%v", over)
	}
	h.balanced()
}
