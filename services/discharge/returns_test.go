package discharge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// Stays 1 to 3 in these tests: 1 was discharged from MERCY at left; 2 and 3 are of another patient record,
// at LAKE, that is linked to the first unless a test says otherwise.

// onDay is so many days after the discharge.
func onDay(days float64) *time.Time {
	return new(left.Add(time.Duration(days * 24 * float64(time.Hour))))
}

// lake moves a stay to another facility and time.
func lake(from, to *time.Time) func(*events.Encounter) {
	return func(s *events.Encounter) {
		s.Facility, s.FacilityID, s.AdmittedAt, s.DischargedAt = "LAKE", events.Derive("test", "LAKE"), from, to
	}
}

func fold(n int64) func(*events.Encounter) { return func(s *events.Encounter) { s.FoldVersion = n } }

func linked(a, b int) events.Fact {
	person := events.Derive("test", "patient", fmt.Sprint(b))
	return events.PatientLinked{Patient: events.Patient{ID: events.Derive("test", "patient", fmt.Sprint(a)), Person: person}, Other: person, Reason: "identifier"}
}

func unlinked(a, b int) events.Fact {
	alone, other := events.Derive("test", "patient", fmt.Sprint(a)), events.Derive("test", "patient", fmt.Sprint(b))
	return events.PatientUnlinked{Patient: events.Patient{ID: alone, Person: alone}, Other: other, Reason: "person"}
}

// news is one fact of a return.
type news struct {
	kind string
	events.Readmission
}

// news are the facts of returns told so far.
func (h *hospital) news() []news {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `SELECT type, doc::json->'data' FROM event_log
		WHERE type LIKE 'care.readmission.%' ORDER BY sequence`)
	if err != nil {
		h.t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n news, err error) {
		var data []byte
		if err := row.Scan(&n.kind, &data); err != nil {
			return n, err
		}
		n.kind = strings.TrimSuffix(strings.TrimPrefix(n.kind, "care.readmission."), ".v1")
		var f events.Return
		err = json.Unmarshal(data, &f)
		n.Readmission = f.Readmission
		return n, err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

// returns are the facts of returns told so far, as text.
func (h *hospital) returns() []string {
	h.t.Helper()
	var out []string
	for _, n := range h.news() {
		out = append(out, strings.Join(strings.Fields(fmt.Sprint(n.kind, " ", n.Arrival.Facility, " ", n.Arrival.Class, " ", n.Outcome, " ", n.Reason)), " "))
	}
	return out
}

// shown is the one transition of a stay, as the API shows it.
func (h *hospital) shown(number int) map[string]any {
	h.t.Helper()
	items := h.must("ada:auditor", "GET", "/transitions?encounter="+stay(number, "", "").ID.String(), nil).items()
	if len(items) != 1 {
		h.t.Fatalf("%d transitions of stay %d", len(items), number)
	}
	return items[0]
}

// standing are the returns of a stay as the API shows them, with the state of its transition.
func (h *hospital) standing(number int) []string {
	t := h.shown(number)
	out := []string{fmt.Sprint(t["state"], " ", t["reason"])}
	for _, r := range t["readmissions"].([]any) {
		back := r.(map[string]any)
		arrival := back["arrival"].(map[string]any)
		out = append(out, fmt.Sprint(arrival["facility"], " ", arrival["class"], " ", back["days"], " ", back["outcome"], " ", back["planned"]))
	}
	return out
}

func (h *hospital) open(number int) int {
	return len(h.must("ada:auditor", "GET", "/tasks?state=open&encounter="+stay(number, "", "").ID.String(), nil).items())
}

func newReturns(t *testing.T) *hospital {
	h := newHospital(t)
	h.s.clock = func() time.Time { return left.AddDate(0, 0, 5) }
	return h
}

func TestAReturnIsDetectedAtTheEmergencyDepartmentOfAnotherFacility(t *testing.T) {
	h := newReturns(t)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	tasks := h.open(1)
	first := h.must("ada:auditor", "GET", "/tasks?encounter="+stay(1, "", "").ID.String(), nil).items()[0]
	h.must("nora:liaison", "POST", "/tasks/"+first["id"].(string)+"/claim", nil)
	h.hear(linked(2, 1))
	h.hear(admitted(stay(2, "emergency", "arrived", lake(onDay(5), nil))))
	if diff := cmp.Diff([]string{"detected LAKE emergency"}, h.returns()); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"active ", "LAKE emergency 5 <nil> <nil>"}, h.standing(1)); diff != "" {
		t.Error(diff)
	}
	back := h.shown(1)["readmissions"].([]any)[0].(map[string]any)
	if open := back["open_tasks"].([]any); len(open) != tasks || !strings.Contains(fmt.Sprint(open), "nora") {
		t.Errorf("the open context: %v", open)
	}
	h.hear(updated(stay(2, "emergency", "in-progress", lake(onDay(5), nil)))) // nothing new
	h.hear(discharged(stay(2, "emergency", "finished", lake(onDay(5), onDay(5.2)), disposition("01"))))
	if diff := cmp.Diff([]string{"detected LAKE emergency", "updated LAKE emergency treated-and-released"}, h.returns()); diff != "" {
		t.Error(diff)
	}
	if h.open(1) != tasks {
		t.Error("who was treated and released still needs the follow-up")
	}
	h.balanced()
}

func TestAnAdmissionReadmitsAndItsCorrectionBringsBack(t *testing.T) {
	h := newReturns(t)
	h.hear(discharged(stay(1, "inpatient", "finished")), linked(2, 1))
	tasks := h.open(1)
	h.hear(admitted(stay(2, "inpatient", "in-progress", lake(onDay(4.5), nil))))
	if diff := cmp.Diff([]string{"readmitted readmitted", "LAKE inpatient 5 admitted <nil>"}, h.standing(1)); diff != "" {
		t.Error(diff)
	}
	if h.open(1) != 0 || !slices.Contains(h.told(), "transition.readmitted") {
		t.Errorf("%d open tasks; told %v", h.open(1), h.told())
	}
	for _, task := range h.must("ada:auditor", "GET", "/tasks?encounter="+stay(1, "", "").ID.String(), nil).items() {
		if task["state"] != "cancelled" || task["reason"] != "readmitted" {
			t.Errorf("%v is %v, %v", task["code"], task["state"], task["reason"])
		}
	}
	h.balanced()
	h.hear(events.EncounterAdmissionCancelled{About: about(stay(2, "inpatient", "cancelled", lake(onDay(4.5), nil)))})
	if diff := cmp.Diff([]string{"active "}, h.standing(1)); diff != "" {
		t.Error(diff)
	}
	if h.open(1) != tasks {
		t.Errorf("%d open tasks, %d before", h.open(1), tasks)
	}
	if got := h.returns(); got[len(got)-1] != "withdrawn LAKE inpatient admitted arrival-cancelled" {
		t.Errorf("%v", got)
	}
	h.balanced()
}

func TestWhatWasDoneBeforeAReturnStaysDone(t *testing.T) {
	h := newReturns(t)
	h.hear(discharged(stay(1, "inpatient", "finished")), linked(2, 1))
	of := "/tasks?encounter=" + stay(1, "", "").ID.String()
	tasks := h.must("ada:auditor", "GET", of, nil).items()
	h.must("nora:liaison", "POST", "/tasks/"+tasks[0]["id"].(string)+"/complete", map[string]any{"outcome": "reached"}, "If-Match", `"1"`)
	in := stay(2, "inpatient", "in-progress", lake(onDay(4), nil))
	h.hear(admitted(in))
	in.State = "cancelled"
	h.hear(events.EncounterAdmissionCancelled{About: about(in)})
	if h.open(1) != len(tasks)-1 {
		t.Errorf("%d open of %d, one of them done", h.open(1), len(tasks))
	}
	h.balanced()
}

// episodes are corrections of a return: the facts of each patient's and stay's key in their order, and
// what must stand in the end, whatever order facts of different keys come in.
func episodes() map[string]struct {
	keys [][]events.Fact
	want []string
} {
	index := stay(1, "inpatient", "finished", fold(2))
	planning := stay(1, "inpatient", "in-progress", fold(1))
	e1 := stay(2, "emergency", "arrived", lake(onDay(3), nil), fold(1))
	released := stay(2, "emergency", "finished", lake(onDay(3), onDay(3.1)), fold(2))
	admission := stay(2, "inpatient", "in-progress", lake(onDay(3), nil), fold(2))
	observation := stay(2, "observation", "in-progress", lake(onDay(3), nil), fold(3))
	handedOver := stay(2, "emergency", "finished", lake(onDay(3), onDay(3.1)), disposition("09"), fold(2))
	second := stay(3, "inpatient", "in-progress", lake(onDay(3.1), nil), patient(2), fold(1))
	cancelled := func(s events.Encounter) events.Fact {
		s.State = "cancelled"
		s.FoldVersion++
		return events.EncounterAdmissionCancelled{About: about(s)}
	}
	moved := e1
	moved.Patient, moved.FoldVersion = events.Derive("test", "patient", "9"), 2
	link := []events.Fact{linked(2, 1)}
	dead := index
	dead.Deceased = true
	type episode = struct {
		keys [][]events.Fact
		want []string
	}
	return map[string]episode{
		"treated and released": {[][]events.Fact{{admitted(planning), discharged(index)}, {admitted(e1), discharged(released)}, link},
			[]string{"active ", "LAKE emergency 3 treated-and-released <nil>"}},
		"admitted from there": {[][]events.Fact{{admitted(planning), discharged(index)}, {admitted(e1), events.EncounterClassChanged{About: about(admission)}}, link},
			[]string{"readmitted readmitted", "LAKE inpatient 3 admitted <nil>"}},
		"admitted, then only observed": {[][]events.Fact{{discharged(index)}, {admitted(e1), events.EncounterClassChanged{About: about(admission)}, events.EncounterClassChanged{About: about(observation)}}, link},
			[]string{"active ", "LAKE observation 3 observation <nil>"}},
		"under a number of its own": {[][]events.Fact{{discharged(index)}, {admitted(e1), discharged(handedOver)}, {admitted(second)}, link},
			[]string{"readmitted readmitted", "LAKE inpatient 3 admitted <nil>"}},
		"cancelled": {[][]events.Fact{{admitted(planning), discharged(index)}, {admitted(e1), cancelled(e1)}, link}, []string{"active "}},
		"the admission cancelled, the visit not": {[][]events.Fact{{discharged(index)}, {admitted(e1), discharged(handedOver)}, {admitted(second), cancelled(second)}, link},
			[]string{"active ", "LAKE emergency 3 admitted <nil>"}},
		"moved to another patient": {[][]events.Fact{{discharged(index)}, {admitted(e1), events.EncounterMoved{About: about(moved)}}, link}, []string{"active "}},
		"unlinked":                 {[][]events.Fact{{discharged(index)}, {admitted(e1), discharged(released)}, {linked(2, 1), unlinked(2, 1)}}, []string{"active "}},
		"unlinked and linked again": {[][]events.Fact{{discharged(index)}, {admitted(e1)}, {linked(2, 1), unlinked(2, 1), linked(2, 1)}},
			[]string{"active ", "LAKE emergency 3 <nil> <nil>"}},
		"the discharge cancelled": {[][]events.Fact{{discharged(index), events.EncounterDischargeCancelled{About: about(stay(1, "inpatient", "in-progress", fold(3)))}}, {admitted(e1)}, link},
			[]string{"planning "}},
		"the discharge was a transfer": {[][]events.Fact{{discharged(index), updated(stay(1, "inpatient", "finished", disposition("02"), fold(3)))},
			{admitted(stay(2, "inpatient", "in-progress", lake(onDay(0.2), nil), fold(1)))}, link}, []string{"active "}},
		"died there": {[][]events.Fact{{discharged(index)}, {admitted(e1), events.EncounterClassChanged{About: about(admission)}, discharged(stay(2, "inpatient", "finished", lake(onDay(3), onDay(4)), disposition("20"), fold(3)))},
			link}, []string{"readmitted readmitted", "LAKE inpatient 3 admitted <nil>"}},
		"died at home": {[][]events.Fact{{discharged(dead)}, {admitted(e1), discharged(released)}, link,
			{events.PatientUpdated{Patient: events.Patient{ID: index.Patient, Person: index.Patient, Deceased: true}}}},
			[]string{"expired expired", "LAKE emergency 3 treated-and-released <nil>"}},
	}
}

// interleavings are orders of several lists that keep each list's own order: all of them, or as many as
// wanted, spread over all.
func interleavings(keys [][]events.Fact, most int) (out [][]events.Fact) {
	var walk func(taken []int, so []events.Fact)
	walk = func(taken []int, so []events.Fact) {
		done := true
		for k := range keys {
			if taken[k] == len(keys[k]) {
				continue
			}
			done = false
			next := slices.Clone(taken)
			next[k]++
			walk(next, append(slices.Clip(so), keys[k][taken[k]]))
		}
		if done {
			out = append(out, so)
		}
	}
	walk(make([]int, len(keys)), nil)
	if len(out) <= most {
		return out
	}
	spread := make([][]events.Fact, most)
	for i := range spread {
		spread[i] = out[i*(len(out)-1)/(most-1)]
	}
	return spread
}

func TestReturnsDoNotDependOnTheOrderOfFacts(t *testing.T) {
	h := newReturns(t)
	for name, c := range episodes() {
		t.Run(name, func(t *testing.T) {
			h.t = t
			orders := interleavings(c.keys, 24)
			if len(orders) < 2 {
				t.Fatalf("%d orders", len(orders))
			}
			for i, facts := range orders {
				h.forget()
				if i%2 == 0 {
					h.hear(facts...)
				} else {
					for _, f := range facts {
						h.hear(f)
					}
				}
				var order []string
				for _, f := range facts {
					order = append(order, f.Type())
				}
				if diff := cmp.Diff(c.want, h.standing(1)); diff != "" {
					t.Fatalf("after %v: %s", order, diff)
				}
				if (h.open(1) > 0) != strings.HasPrefix(c.want[0], "active") {
					t.Fatalf("%s with %d open tasks after %v", c.want[0], h.open(1), order)
				}
				h.toldOnce(len(c.want) - 1)
				h.balanced()
			}
		})
	}
}

// forget empties the service's tables, for another try on the same database.
func (h *hospital) forget() {
	h.t.Helper()
	_, err := h.db.System.Exec(context.Background(), `TRUNCATE transition, transition_history, task, death, visit, kin, tally, event_log, timer`)
	if err != nil {
		h.t.Fatal(err)
	}
}

// toldOnce fails unless detections and withdrawals of each return take turns, and so many stand.
func (h *hospital) toldOnce(standing int) {
	h.t.Helper()
	stands := map[events.ID]bool{}
	for _, n := range h.news() {
		if stands[n.ID] != (n.kind != "detected") {
			h.t.Fatalf("%s of %s, which stands: %v", n.kind, n.Arrival.Class, stands[n.ID])
		}
		stands[n.ID] = n.kind != "withdrawn"
	}
	n := 0
	for _, s := range stands {
		if s {
			n++
		}
	}
	if n != standing {
		h.t.Fatalf("%d stand: %v", standing, h.returns())
	}
}

func TestAReturnHeardOfLateIsMarked(t *testing.T) {
	h := newReturns(t)
	h.s.clock = func() time.Time { return left.AddDate(0, 2, 0) }
	h.hear(discharged(stay(1, "inpatient", "finished")), admitted(stay(2, "emergency", "arrived", lake(onDay(3), nil))), linked(2, 1))
	if back := h.shown(1)["readmissions"].([]any)[0].(map[string]any); back["late_arrival"] != true {
		t.Errorf("%v", back)
	}
}

func TestFlagsOfUseAreShownWithTheirReasonsAndAreNoTasks(t *testing.T) {
	h := newReturns(t)
	h.hear(discharged(stay(1, "inpatient", "finished", disposition("03"))), linked(2, 1))
	h.hear(admitted(stay(2, "inpatient", "in-progress", lake(onDay(4), nil), func(s *events.Encounter) { s.PriorED12m = new(6) })))
	t1 := h.shown(2)
	var codes []string
	for _, f := range t1["patient_flags"].([]any) {
		flag := f.(map[string]any)
		codes = append(codes, flag["code"].(string))
		if len(flag["reasons"].([]any)) == 0 || len(flag["rules"].([]any)) == 0 {
			t.Errorf("%v does not say why", flag)
		}
	}
	if diff := cmp.Diff([]string{"high-utilizer", "recent-snf", "recent-inpatient"}, codes); diff != "" {
		t.Error(diff)
	}
	if n := h.open(2); n != 0 {
		t.Errorf("%d tasks", n)
	}
	// The nursing facility was a mistake, and the stay before is somebody else's.
	h.hear(unlinked(2, 1))
	if flags := h.shown(2)["patient_flags"].([]any); len(flags) != 1 {
		t.Errorf("after unlinking: %v", flags)
	}
	h.balanced()
}
