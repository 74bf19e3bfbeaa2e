package page

import (
	"strings"
	"testing"
	"time"
)

// A form that showed fewer steps than there are would take the others away when it is saved.
func TestAFormHoldsEveryStepThatIsThere(t *testing.T) {
	var policy Policy
	var rule AdminRule
	for range 7 {
		policy.Steps = append(policy.Steps, PolicyStep{After: "30m0s", Target: "role:lead"})
		rule.Targets = append(rule.Targets, "unit")
	}
	var drawn strings.Builder
	if err := policyForm(Admin{}, policy).Render(t.Context(), &drawn); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(drawn.String(), `<option value="role:lead" selected>`); n != 7 {
		t.Errorf("%d of 7 steps of a policy are on its form", n)
	}
	drawn.Reset()
	if err := ruleForm(Admin{}, rule).Render(t.Context(), &drawn); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(drawn.String(), `<option value="unit" selected>`); n != 7 {
		t.Errorf("%d of 7 lines of a rule are on its form", n)
	}
}

// It is Sunday at ten: what ends next Sunday at seven did not end three hours ago.
func TestADayInAWeekIsNotTakenForToday(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }
	r := Roster{Zone: "UTC", OnCall: []OnCall{
		{From: at(22, 10), Until: at(23, 7), Members: []string{"ann"}}, {From: at(23, 7), Until: at(29, 7), Members: []string{"bob"}}, {From: at(29, 7), Until: at(29, 10)},
	}}
	for i, want := range []string{"now, until Monday 7:00 AM", "Monday 7:00 AM – Sunday 7:00 AM", "from Sunday, November 29, 7:00 AM on"} {
		if got := r.span(t.Context(), r.OnCall[i]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	r.OnCall = r.OnCall[1:]
	r.OnCall[0].From = at(22, 10)
	if got := (OnCallPage{Now: at(22, 10)}).lasts(t.Context(), r); got != "until Sunday, November 29, 7:00 AM" {
		t.Errorf("got %q", got)
	}
}
