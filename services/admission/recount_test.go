package admission

import (
	"testing"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

// What a person had before is counted over all records of the person, also when they are found to be
// one only after the stay was told.
func TestWhatAPersonHadBeforeIsCountedWhenTheRecordsAreLinked(t *testing.T) {
	h := start(t)
	counted := func(facility string) (n int) {
		h.t.Helper()
		h.scan(`SELECT coalesce((snapshot::json->>'prior_admissions_12m')::int, -1) FROM encounter e JOIN facility f ON f.id = e.facility_id WHERE f.code = $1`, []any{facility}, &n)
		return n
	}
	name, birth := "Nightingale^Canary", "19500101"
	h.send(somebodyAt("202603100800", "WEST", 1, name, birth, "F", walnut, phone, ssn))
	h.settle()
	if n := counted("WEST"); n != 0 {
		t.Fatalf("%d admissions before the first", n)
	}
	h.send(somebodyAt("202601100800", "EAST", 2, name, birth, "F", walnut, phone, ssn))
	h.compared()
	h.settle()
	if groups := h.persons(); groups["WEST1"] != groups["EAST2"] {
		t.Fatalf("the records were not linked: %v", groups)
	}
	if n := counted("WEST"); n != 1 {
		t.Errorf("%d admissions before, want the one at the other hospital", n)
	}
	if n := counted("EAST"); n != 0 {
		t.Errorf("%d admissions before the earlier one", n)
	}

	// Somebody looks at the two and parts them, and takes that back, and parts them for good: each time the
	// stay has the past of the person it is of then, and others are told so.
	id := func(mr string) (id events.ID) {
		h.scan(`SELECT patient_id FROM patient_identifier WHERE value = $1`, []any{mr}, &id)
		return id
	}
	pair := get[object](h, web.Lead, "POST", "/identity/pairs", object{"patient_ids": []events.ID{id("WEST1"), id("EAST2")}})
	for _, act := range []struct {
		what string
		want int
	}{{"reject", 0}, {"undo", 1}, {"reject", 0}} {
		before := len(h.events())
		status, next := h.decide(pair, act.what)
		if status != 200 {
			t.Fatalf("%s: %d %v", act.what, status, next)
		}
		pair = next
		h.compared()
		if n := counted("WEST"); n != act.want {
			t.Errorf("after %s: %d admissions before, want %d; persons %v", act.what, n, act.want, h.persons())
		}
		told := -1
		for _, e := range h.events()[before:] {
			if f, ok := e.Fact.(events.EncounterUpdated); ok && f.Encounter.Facility == "WEST" && f.Encounter.PriorAdmissions12m != nil {
				told = *f.Encounter.PriorAdmissions12m
			}
		}
		if told != act.want {
			t.Errorf("after %s others were told %d, want %d", act.what, told, act.want)
		}
	}
	h.balanced()
}
