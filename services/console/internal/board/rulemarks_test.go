package board

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProblemsWithRulesStandBesideTheirLines(t *testing.T) {
	text := "pack: home\nrules:\n  - {id: hh-start, version: \"1\"}\n  - id: hospice-start\n    hours: 48\n"
	lines, rest := RuleMarks(text, []string{
		"clock: rule hh-start: version 1 ends 2026-09-29 and 2 begins 2026-10-01: a gap or an overlap",
		"hospice-start@2008.1 says something else than before: give it a new version",
		"clock: yaml: line 5: cannot unmarshal !!str into int",
		"the rule tcm-contact is gone: tasks and open clocks go by it",
	})
	got := map[int][]string{}
	for _, l := range lines {
		if len(l.Wrong) > 0 {
			got[l.N] = l.Wrong
		}
	}
	want := map[int][]string{
		3: {"rule hh-start: version 1 ends 2026-09-29 and 2 begins 2026-10-01: a gap or an overlap"},
		4: {"hospice-start@2008.1 says something else than before: give it a new version"},
		5: {"yaml: line 5: cannot unmarshal !!str into int"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"the rule tcm-contact is gone: tasks and open clocks go by it"}, rest); diff != "" {
		t.Error(diff)
	}
}
