package board

import (
	"testing"
	"time"
)

// A newborn girl is no woman: what somebody is called goes by how old they are.
func TestPeopleAreCalledByTheirAge(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	years := func(n int) *int { return &n }
	for _, c := range []struct {
		of   Whom
		want string
	}{
		{Whom{years(81), "1945-02-01", "F", "inpatient"}, "81 years, woman"},
		{Whom{years(18), "", "M", ""}, "18 years, man"},
		{Whom{years(17), "", "M", ""}, "17 years, boy"},
		{Whom{years(1), "2025-10-01", "F", ""}, "1 year, girl"},
		{Whom{years(9), "", "U", ""}, "9 years, child"},
		{Whom{years(0), "2026-11-22", "F", "newborn"}, "born today, newborn girl"},
		{Whom{years(0), "2026-11-19", "F", "newborn"}, "3 days, newborn girl"},
		{Whom{years(0), "2026-10-26", "M", "inpatient"}, "27 days, newborn boy"},
		{Whom{years(0), "2026-10-25", "M", "inpatient"}, "4 weeks, baby boy"},
		{Whom{years(0), "2026-06-23", "F", ""}, "4 months, baby girl"},
		{Whom{years(0), "2025-11-23", "", ""}, "11 months, baby"},
		{Whom{nil, "2026-11-21", "M", ""}, "1 day, newborn boy"},
		{Whom{years(0), "", "F", "newborn"}, "newborn girl"},
		{Whom{nil, "", "", "newborn"}, "newborn"},
		{Whom{years(0), "", "F", "inpatient"}, "under 1 year, baby girl"},
		{Whom{years(44), "", "O", ""}, "44 years, person"},
		{Whom{years(44), "", "", ""}, "44 years"},
		{Whom{nil, "1960-01-01", "F", ""}, "female"},
		{Whom{nil, "", "A", ""}, "person"},
		{Whom{}, ""},
	} {
		if got := Person(t.Context(), c.of, now); got != c.want {
			t.Errorf("%+v is %q, want %q", c.of, got, c.want)
		}
	}
}
