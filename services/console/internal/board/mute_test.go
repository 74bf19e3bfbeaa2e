package board

import (
	"testing"
	"time"
)

func TestAShiftEndsAtTheNextChangeThatIsNotAboutToCome(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string][2]string{
		"2026-11-22T03:00": {"2026-11-22T07:00", "2026-11-22T19:00"},
		"2026-11-22T06:45": {"2026-11-22T19:00", "2026-11-23T07:00"},
		"2026-11-22T12:00": {"2026-11-22T19:00", "2026-11-23T07:00"},
		"2026-10-31T20:00": {"2026-11-01T07:00", "2026-11-01T19:00"}, // clocks go back in that night
	} {
		now, err := time.ParseInLocation("2006-01-02T15:04", at, zone)
		if err != nil {
			t.Fatal(err)
		}
		end, next := shiftEnds(now, zone)
		if got := [2]string{end.Format("2006-01-02T15:04"), next.Format("2006-01-02T15:04")}; got != want {
			t.Errorf("at %s: %v, want %v", at, got, want)
		}
		for _, m := range MuteEnds(t.Context(), now, zone) {
			if limit := map[bool]time.Duration{false: 24 * time.Hour, true: 7 * 24 * time.Hour}[m.Long]; !m.At.After(now) || m.At.Sub(now) > limit {
				t.Errorf("at %s: %s ends %s", at, m.Code, m.At)
			}
		}
	}
}
