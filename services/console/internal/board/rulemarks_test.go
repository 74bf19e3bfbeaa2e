package board

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProblemsWithRulesStandBesideTheirLines(t *testing.T) {
	text := "pack: home\nrules:\n  - {id: hh-start, version: \"1\"}\n  - id: hospice-start\n    hours: 48\n"
	lines, rest := RuleMarks(t.Context(), text, []string{
		"clock: rule hh-start: version 1 ends 2026-09-29 and 2 begins 2026-10-01: a gap or an overlap",
		"hospice-start@2008.1 says something else than before: give it a new version",
		"clock: yaml: line 5: cannot unmarshal !!str into int",
		"clock: pack home: vector of 2026-10-13 14:02: hh-start: 2026-10-14 14:02, the pack says 2026-10-15 14:02",
		"the rule tcm-contact is gone: tasks and open clocks go by it",
	})
	got := map[int][]string{}
	for _, l := range lines {
		if len(l.Wrong) > 0 {
			got[l.N] = l.Wrong
		}
	}
	want := map[int][]string{
		3: {
			"rule hh-start: version 1 ends 2026-09-29 and 2 begins 2026-10-01: a gap or an overlap",
			"An example is not true: what begins on 2026-10-13 14:02 is due 2026-10-14 14:02 by hh-start, and the example says 2026-10-15 14:02.",
		},
		4: {"hospice-start@2008.1 says something else than before: give it a new version"},
		5: {"cannot unmarshal !!str into int"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"the rule tcm-contact is gone: tasks and open clocks go by it"}, rest); diff != "" {
		t.Error(diff)
	}
}
