package page

import (
	"strings"
	"testing"
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
