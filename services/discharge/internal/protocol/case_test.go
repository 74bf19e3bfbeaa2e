package protocol

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheShippedProtocolsDoWhatTheirCasesSay(t *testing.T) {
	report := shippedSet(t).Test()
	if len(report.Results) < 40 {
		t.Errorf("%d cases were read", len(report.Results))
	}
	for _, r := range report.Results {
		for _, wrong := range r.Wrong {
			t.Errorf("%s: %s: %s", r.File, r.Name, wrong)
		}
	}
	for _, ref := range report.Untested {
		t.Errorf("%s is in no case's plan", ref)
	}
}

// Each change of a shipped protocol that matters to a patient is seen by a case.
func TestTheShippedCasesSeeEveryChange(t *testing.T) {
	for _, c := range []struct{ file, old, new string }{
		{"base", `when: disposition in ["06", "86"]`, `when: disposition in ["86"]`},
		{"base", `needs: hospice`, `needs: home-health`},
		{"base", `{task: facility-review}]`, `{task: hf-call}]`},
		{"base", `due: tcm-visit-7`, `due: tcm-visit-14`},
		{"addons", `risk_min >= 10`, `risk_max >= 10`},
		{"addons", `age >= 6)`, `age >= 5)`},
		{"addons", `"mental-illness" in principal`, `"mental-illness" in conditions`},
		{"addons", `why: heart failure`, `why: a weak heart`},
		{"emergency", `chronic >= 2`, `chronic >= 1`},
		{"tasks", `priority: stat`, `priority: urgent`},
		{"conditions", `[I50, I110,`, `[I50,`},
	} {
		t.Run(c.file+" "+c.old, func(t *testing.T) {
			changed := ShippedFiles()
			name := c.file + ".yaml"
			if !strings.Contains(changed[name], c.old) {
				t.Fatalf("%s does not hold %q", name, c.old)
			}
			changed[name] = strings.Replace(changed[name], c.old, c.new, 1)
			set, err := changed.Load(rules(t))
			if err != nil {
				t.Fatal(err)
			}
			if set.Test().Failed == 0 {
				t.Error("no case fails")
			}
			if set.Digest() == shippedSet(t).Digest() {
				t.Error("the digest is the same")
			}
		})
	}
}

func TestACaseSaysHowThePlanDiffers(t *testing.T) {
	set := files(t)
	set["other.yaml"] = &fstest.MapFile{Data: []byte(`protocols:
  - {code: other, version: "1", from: 2026-01-01, kind: addon, title: Other, when: "true", needs: irf, tasks: [{task: diabetes-visit}, {task: tcm-contact, due: high-risk-contact, priority: urgent}]}
`)}
	set["house_test.yaml"] = &fstest.MapFile{Data: []byte(`cases:
  - name: all wrong
    encounter: {disposition: "06"}
    protocols: [home]
    needs: []
    tasks:
      - {task: tcm-contact, due: 2026-10-20, priority: stat, why: [because], role: lead}
      - hf-call
    excludes: [home-health-start]
`)}
	s, err := Load(set, rules(t))
	if err != nil {
		t.Fatal(err)
	}
	report := s.Test()
	if report.Failed != 1 || len(report.Results) != 1 {
		t.Fatalf("%+v", report)
	}
	all := strings.Join(report.Results[0].Wrong, "\n")
	for _, want := range []string{
		"protocols: home-health@2026.1, want home", "needs: home-health, want none", "follow-up-visit is in the plan and not expected",
		"hf-call is missing", "home-health-start is in the plan and should not be", "tcm-contact: due 2026-10-19, want 2026-10-20",
		"tcm-contact: priority urgent, want stat", "tcm-contact: role liaison, want lead", "tcm-contact: why none, want because",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q:\n%s", want, all)
		}
	}
	if strings.Contains(all, "diabetes-visit") || strings.Contains(all, "other@1") {
		t.Errorf("a case sees what a file adds that it does not know:\n%s", all)
	}
}

func TestACaseThatCannotBeReadIsToldOf(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"expects nothing":    {`{name: x, encounter: {disposition: "01"}}`, "expects nothing"},
		"no name":            {`{encounter: {disposition: "01"}, tasks: []}`, "no name"},
		"an unknown task":    {`{name: x, tasks: [nap]}`, `no task "nap"`},
		"an unknown key":     {`{name: x, encounter: {diagnosis: [I50]}, tasks: []}`, "diagnosis"},
		"a key of a task":    {`{name: x, tasks: [{task: hf-call, when: now}]}`, `"when"`},
		"a time":             {`{name: x, encounter: {discharged: tomorrow}, tasks: []}`, "discharged"},
		"a risk":             {`{name: x, encounter: {risk: 9-3}, tasks: []}`, "risk"},
		"a zone":             {`{name: x, encounter: {zone: Mars/Base}, tasks: []}`, "Mars"},
		"a day of a closure": {`{name: x, encounter: {closures: [never]}, tasks: []}`, "never"},
	} {
		t.Run(name, func(t *testing.T) {
			set := files(t)
			set["house_test.yaml"] = &fstest.MapFile{Data: []byte("cases:\n  - " + c.text + "\n")}
			if _, err := Load(set, rules(t)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want one about %q", err, c.want)
			}
		})
	}
}
