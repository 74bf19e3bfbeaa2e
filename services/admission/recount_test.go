package admission

import "testing"

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
	h.balanced()
}
