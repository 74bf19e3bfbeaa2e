package admission

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Emergency visits are counted over linked identities, in three windows before an admission, and again
// when one is heard of late.
func TestEmergencyVisitsBeforeAnAdmissionAreCountedByWindow(t *testing.T) {
	h := start(t)
	const pid = "PID=PID|1||7^^^OWN^MR~1EG4TE5MK72^^^CMS&2.16.840.1.113883.4.927&ISO^MC||Canary^Nightingale||19500101|F"
	n := 0
	visit := func(facility, day string) [][]byte {
		n++
		key := fmt.Sprint("E", n)
		return [][]byte{
			adtMessage(fmt.Sprint("a", n), "A04", day+"0800", "", key, "MSH-4="+facility, "PV1-2=E", "PV1-44="+day+"0800", pid),
			adtMessage(fmt.Sprint("b", n), "A03", day+"1000", "", key, "MSH-4="+facility, "PV1-2=E", "PV1-36=01", "PV1-44="+day+"0800", "PV1-45="+day+"1000", pid),
		}
	}
	counted := func() string {
		h.settle()
		var d60, m6, m12 *string
		h.scan(`SELECT snapshot::json->>'prior_ed_60d', snapshot::json->>'prior_ed_6m', snapshot::json->>'prior_ed_12m' FROM encounter WHERE visit = 'I1'`, nil, &d60, &m6, &m12)
		text := func(s *string) string {
			if s == nil {
				return "-"
			}
			return *s
		}
		return text(d60) + " " + text(m6) + " " + text(m12)
	}
	for _, of := range [][][]byte{visit("NORTH", "20240601"), visit("NORTH", "20250401"), visit("SOUTH", "20251201"), visit("NORTH", "20260301")} {
		h.send(of...)
	}
	h.send(adtMessage("i", "A01", "202603100800", "", "I1", "MSH-4=SOUTH", "PV1-44=202603100800", pid))
	if diff := cmp.Diff("1 2 3", counted()); diff != "" {
		t.Error(diff)
	}
	h.send(visit("NORTH", "20260220")...) // heard of after the admission
	if diff := cmp.Diff("2 3 4", counted()); diff != "" {
		t.Error(diff)
	}
}
