package admission

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The story of a stay: planned nowhere, registered in the ED, admitted, moved, expected to leave,
// discharged, back, discharged again with another disposition, which a late update corrects.
func TestStoryOfAStay(t *testing.T) {
	h := start(t)
	codes := h.send(
		adtMessage("1", "A04", "202603020800", "77", "V1", "PV1-2=E", "PV1-44=202603020800"),
		adtMessage("2", "A01", "202603021000", "77", "V1", "PV1-3=3W^1^2", "PV1-44=202603021000"),
		adtMessage("3", "A02", "202603021200", "77", "V1", "PV1-3=4E^3^1"),
		adtMessage("4", "A16", "202603030900", "77", "V1", "PV2|||||||||202603041200"),
		adtMessage("5", "A03", "202603041130", "77", "V1", "PV1-36=01", "PV1-45=202603041100"),
		adtMessage("6", "A13", "202603041300", "77", "V1", "PV1-3=4E^3^1", "EVN-6=202603041130"),
		adtMessage("7", "A03", "202603050900", "77", "V1", "PV1-36=01", "PV1-45=202603050900"),
		adtMessage("8", "A08", "202603080900", "77", "V1", "PV1-36=03", "DG1|1||I50.9^Heart failure^I10|||F"),
	)
	if diff := cmp.Diff([]string{"AA", "AA", "AA", "AA", "AA", "AA", "AA", "AA"}, codes); diff != "" {
		t.Fatal(diff)
	}
	h.settle()
	if diff := cmp.Diff([]string{"admitted", "class-changed", "transferred", "transferred", "discharge-expected", "discharged", "discharge-cancelled", "discharged", "updated"},
		h.facts("care.encounter.")); diff != "" {
		t.Error(diff)
	}
	var class, state, disposition, unit, admitted, discharged string
	h.scan(`SELECT class, state, disposition, unit, to_char(admitted_at, 'MM-DD HH24:MI'), to_char(discharged_at, 'MM-DD HH24:MI') FROM encounter`, nil,
		&class, &state, &disposition, &unit, &admitted, &discharged)
	// The facility's zone is New York: five hours behind UTC on that day.
	if diff := cmp.Diff([]string{"inpatient", "finished", "03", "4E", "03-02 15:00", "03-05 14:00"}, []string{class, state, disposition, unit, admitted, discharged}); diff != "" {
		t.Error(diff)
	}
	h.balanced()
}
