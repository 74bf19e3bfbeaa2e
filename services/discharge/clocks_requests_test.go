package discharge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// tell tells of a request of an encounter's transition as Nora, at the version the list is at.
func (h *hospital) tell(number int, body map[string]any) answer {
	h.t.Helper()
	path := "/transitions/" + h.one(number)["id"].(string) + "/clocks"
	list := h.must("nora:liaison", "GET", path, nil)
	if list.header.Get("ETag") != fmt.Sprintf(`"%v"`, list.body["version"]) {
		h.t.Fatalf("ETag %s of version %v", list.header.Get("ETag"), list.body["version"])
	}
	return h.ask("nora:liaison", "POST", path, body, "If-Match", list.header.Get("ETag"))
}

// asked are the clocks of an encounter's requests, as number, rule, state and due time; each one's trace checks.
func (h *hospital) asked(number int) []string {
	h.t.Helper()
	out := []string{}
	for _, c := range h.must("nora:liaison", "GET", "/transitions/"+h.one(number)["id"].(string)+"/clocks", nil).items() {
		h.check(c)
		if r, is := c["request"].(map[string]any); is {
			out = append(out, fmt.Sprintf("%v %v %v %v", r["n"], c["rule"], c["state"], c["due_at"]))
		}
	}
	slices.Sort(out)
	return out
}

// toldOfRequests are the facts of requests' clocks so far, in order: what, request, rule, what had been told.
func (h *hospital) toldOfRequests() []string {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `SELECT concat_ws(' ', split_part(type, '.', 3), c->'clock'->>'request', c->'clock'->>'rule',
		c->'previous'->>'state') FROM (SELECT sequence, type, doc::json->'data' AS c FROM event_log) e WHERE c->'clock'->>'request' IS NOT NULL ORDER BY sequence`)
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func (h *hospital) wants(what string, want, got []string) {
	h.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("%s: %s", what, diff)
	}
}

func TestAnAuthorizationIsAskedForMissedDecidedAndCorrected(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	got := h.tell(1, map[string]any{"event": "authorization-requested", "at": "2026-10-16T14:30:00-04:00", "referral_id": events.Derive("r").String()})
	if got.status != 200 || got.body["request"] != 1.0 || got.header.Get("ETag") != `"1"` {
		t.Fatalf("%d %v", got.status, got.body)
	}
	h.wants("asked", []string{"1 pa-standard due 2026-10-24T04:00:00Z"}, h.asked(1)) // the status has to be shown from 2027 only
	h.at("2026-10-18 09:00")
	if got := h.tell(1, map[string]any{"event": "information-requested", "request": 1, "reason": "clinical-notes"}); got.status != 200 {
		t.Fatalf("%d %v", got.status, got.body)
	}
	h.wants("the payer asks for more", []string{"1 pa-standard due 2026-10-24T04:00:00Z"}, h.asked(1))
	due := h.at("2026-10-24 00:00")
	h.tick(due)
	h.tick(due)
	h.wants("nobody decided", []string{"1 pa-standard missed 2026-10-24T04:00:00Z"}, h.asked(1))
	h.wants("told", []string{"missed 1 pa-standard"}, h.toldOfRequests())

	decided := map[string]any{"event": "authorization-decided", "request": 1, "outcome": "approved", "at": "2026-10-23T17:00:00-04:00"}
	if got := h.tell(1, decided); got.status != 200 || !strings.Contains(fmt.Sprint(got.body), "Authorization decided Fri 23 Oct 2026 17:00 EDT: in time") {
		t.Fatalf("%d %v", got.status, got.body)
	}
	h.wants("it was decided, nobody had said so", []string{"1 pa-standard met 2026-10-24T04:00:00Z"}, h.asked(1))
	if got := h.tell(1, map[string]any{"event": "undo", "request": 1}); got.status != 200 {
		t.Fatalf("%d %v", got.status, got.body)
	}
	h.wants("taken back", []string{"1 pa-standard missed 2026-10-24T04:00:00Z"}, h.asked(1))
	h.wants("told", []string{"missed 1 pa-standard", "met 1 pa-standard missed", "missed 1 pa-standard met"}, h.toldOfRequests())
	h.balanced()
}

// Whoever looks on hears of every word on a request, and of every word taken back.
func TestEveryWordOnARequestIsAFact(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	h.tell(1, map[string]any{"event": "authorization-requested", "urgency": "expedited", "at": "2026-10-16T14:30:00-04:00", "referral_id": events.Derive("r").String()})
	h.at("2026-10-17 09:00")
	h.tell(1, map[string]any{"event": "authorization-decided", "request": 1, "outcome": "approved"})
	h.tell(1, map[string]any{"event": "undo", "request": 1})
	h.tell(1, map[string]any{"event": "undo", "request": 1})
	h.tell(1, map[string]any{"event": "undo", "request": 1}) // it is gone already
	rows, err := h.db.System.Query(t.Context(), `SELECT doc FROM event_log WHERE type LIKE 'care.request.%' ORDER BY sequence`)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, doc := range docs {
		e, err := events.Decode(doc)
		if err != nil {
			t.Fatal(err)
		}
		r := e.Fact.(events.RequestFact).Snapshot()
		said := []string{}
		for _, w := range r.Said {
			said = append(said, strings.TrimSpace(w.Event+" "+w.Outcome)+" by "+w.By)
		}
		line := fmt.Sprintf("%s %d v%d %s %v %s", strings.TrimPrefix(e.Fact.Type(), "care.request."), r.N, r.Version, r.Urgency, said, e.Occurred.UTC().Format("15:04"))
		if f, is := e.Fact.(events.RequestCorrected); is {
			line += " without " + f.Undone.Event + ", said " + f.By
		}
		got = append(got, line)
		if r.Encounter != stay(1, "", "").ID || r.Referral != events.Derive("r") || r.Transition.IsZero() {
			t.Errorf("%+v", r)
		}
	}
	h.wants("announced", []string{
		"received.v1 1 v1 expedited [authorization-requested by nora] 18:30",
		"updated.v1 1 v2 expedited [authorization-requested by nora authorization-decided approved by nora] 13:00",
		"corrected.v1 1 v3 expedited [authorization-requested by nora] 13:00 without authorization-decided, said nora",
		"corrected.v1 1 v4 expedited [] 13:00 without authorization-requested, said nora",
	}, got)
	h.balanced()
}

func TestAnExpeditedRequestIsExtendedOnce(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	h.tell(1, map[string]any{"event": "authorization-requested", "urgency": "expedited", "at": "2026-10-16T14:30:00-04:00"})
	h.wants("asked", []string{"1 pa-expedited due 2026-10-19T18:30:00Z"}, h.asked(1))
	h.at("2026-10-17 09:00")
	if got := h.tell(1, map[string]any{"event": "extended", "request": 1, "reason": "payer"}); got.status != 200 {
		t.Fatalf("%d %v", got.status, got.body)
	}
	h.wants("extended over the change of clocks", []string{"1 pa-expedited due 2026-11-02T19:30:00Z"}, h.asked(1))
	h.tell(1, map[string]any{"event": "authorization-requested"}) // for another service
	h.at("2026-10-20 09:00")
	h.tell(1, map[string]any{"event": "withdrawn", "request": 2})
	h.wants("two", []string{"1 pa-expedited due 2026-11-02T19:30:00Z", "2 pa-standard not-applicable 2026-10-25T04:00:00Z"}, h.asked(1))
	h.tick(h.at("2026-11-02 14:30"))
	h.wants("told", []string{"missed 1 pa-expedited"}, h.toldOfRequests())
}

func TestAGrievanceStandsStillAndOutlivesTheStay(t *testing.T) {
	h := newHospital(t)
	out := stay(1, "inpatient", "finished", medicare)
	h.hear(discharged(out))
	h.tell(1, map[string]any{"event": "grievance-received", "scheme": "hospital", "at": "2026-10-16T14:30:00-04:00"})
	h.tell(1, map[string]any{"event": "authorization-requested", "at": "2026-10-16T14:30:00-04:00"})
	h.at("2026-10-18 09:00")
	h.tell(1, map[string]any{"event": "information-requested", "request": 1})
	h.tick(h.at("2026-10-20 08:00"))
	grievance, authorization := "1 grievance-hospital paused 2026-10-24T04:00:00Z", "2 pa-standard due 2026-10-24T04:00:00Z"
	h.wants("paused", []string{grievance, authorization}, h.asked(1))
	h.at("2026-10-20 09:00")
	h.tell(1, map[string]any{"event": "information-received", "request": 1})
	grievance = "1 grievance-hospital due 2026-10-26T04:00:00Z"
	h.wants("running again", []string{grievance, authorization}, h.asked(1))
	out.FoldVersion, out.Deceased = 2, true
	h.hear(updated(out))
	h.wants("the patient died", []string{grievance}, h.asked(1))
	out.FoldVersion, out.Deceased = 3, false
	h.hear(updated(out))
	h.wants("it was a mistake", []string{grievance, authorization}, h.asked(1))
	h.at("2026-10-22 09:00")
	h.tell(1, map[string]any{"event": "grievance-resolved", "request": 1, "outcome": "answered-in-writing"})
	h.wants("answered", []string{"1 grievance-hospital met 2026-10-26T04:00:00Z", authorization}, h.asked(1))
	h.wants("told", []string{"met 1 grievance-hospital"}, h.toldOfRequests())
}

// Written down when its time had passed already: nobody is woken, and the list says how it stands.
func TestARequestWrittenDownLateIsNoNews(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	h.at("2026-12-01 09:00")
	h.tell(1, map[string]any{"event": "records-requested", "at": "2026-10-16T14:30:00-04:00"})
	h.wants("late", []string{"1 access-30 missed 2026-11-16T05:00:00Z"}, h.asked(1))
	h.wants("told", []string{}, append([]string{}, h.toldOfRequests()...))
}

func TestWhatCannotHaveHappenedToARequestIsRefused(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	path := "/transitions/" + h.one(1)["id"].(string) + "/clocks"
	first := map[string]any{"event": "authorization-requested"}
	if got := h.ask("nora:liaison", "POST", path, first); got.status != 428 {
		t.Errorf("without a version: %d %v", got.status, got.body)
	}
	a := h.must("nora:liaison", "POST", path, first, "If-Match", `"0"`, "Idempotency-Key", "k1")
	b := h.must("nora:liaison", "POST", path, first, "If-Match", `"0"`, "Idempotency-Key", "k1")
	if diff := cmp.Diff(a.body["request"], b.body["request"]); diff != "" || len(h.asked(1)) != 1 {
		t.Errorf("the same again: %s %v", diff, h.asked(1))
	}
	if got := h.ask("ann:liaison", "POST", path, first, "If-Match", `"0"`); got.status != 412 {
		t.Errorf("somebody else was first: %d %v", got.status, got.body)
	}
	if got := h.ask("ada:auditor", "POST", path, first, "If-Match", `"1"`); got.status != 403 {
		t.Errorf("an auditor: %d", got.status)
	}
	for name, c := range map[string]struct {
		status int
		body   map[string]any
	}{
		"a grievance under nobody's rules": {422, map[string]any{"event": "grievance-received"}},
		"a request before the rule":        {422, map[string]any{"event": "authorization-requested", "at": "2025-12-31T12:00:00Z"}},
		"in the future":                    {422, map[string]any{"event": "authorization-requested", "at": "2026-10-20T12:00:00Z"}},
		"an answer to nothing":             {409, map[string]any{"event": "authorization-decided", "request": 2}},
		"another request's answer":         {409, map[string]any{"event": "grievance-resolved", "request": 1}},
		"before it was received":           {409, map[string]any{"event": "authorization-decided", "request": 1, "at": "2026-10-16T12:00:00Z"}},
		"information nobody asked for":     {409, map[string]any{"event": "information-received", "request": 1}},
		"undone, and never told of":        {404, map[string]any{"event": "undo", "request": 9}},
	} {
		if got := h.tell(1, c.body); got.status != c.status {
			t.Errorf("%s: %d %v", name, got.status, got.body)
		}
	}
	h.tell(1, map[string]any{"event": "undo", "request": 1})
	if got := h.asked(1); len(got) > 0 {
		t.Errorf("the request itself was taken back: %v", got)
	}
}

// Three requests of one kind are three clocks, and pages of the list lose none.
func TestClocksOfRequestsAreInTheListOfAllClocks(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished", medicare)))
	for range 3 {
		h.tell(1, map[string]any{"event": "authorization-requested"})
	}
	seen, cursor := []string{}, ""
	for {
		page := h.must("nora:liaison", "GET", "/clocks?limit=2"+cursor, nil)
		for _, c := range page.items() {
			seen = append(seen, c["id"].(string))
		}
		next, more := page.body["next"].(string)
		if !more {
			break
		}
		cursor = "&cursor=" + next
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(seen)))); n != len(seen) || n < 4 {
		t.Errorf("%d clocks, %d different", len(seen), n)
	}
	if got := h.must("nora:liaison", "GET", "/clocks?limit=500&state=due", nil).items(); !slices.ContainsFunc(got, func(c map[string]any) bool { return c["rule"] == "pa-standard" }) {
		t.Error("no clock of a request is due")
	}
}
