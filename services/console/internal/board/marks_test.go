package board

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProblemsAreMarkedOnTheirLines(t *testing.T) {
	text := "protocols:\n  - code: home\n    kind: basis\n    when: age > 3\n  - {code: snf, kind: base}\n"
	for name, c := range map[string]struct {
		problems []string
		wrong    map[int]string
		rest     []string
	}{
		"the protocol, by what is quoted": {[]string{`base.yaml: protocol home: kind "basis" is none of base, addon, emergency`}, map[int]string{3: `protocol home: kind "basis" is none of base, addon, emergency`}, nil},
		"the protocol's first line":       {[]string{"base.yaml: protocol snf: code, version, title and at least one task are needed"}, map[int]string{5: "protocol snf: code, version, title and at least one task are needed"}, nil},
		"a line, below its heading":       {[]string{"base.yaml: yaml: unmarshal errors:", "  line 4: field wen not found in type protocol.entry"}, map[int]string{4: `there is no field "wen" here`}, nil},
		"a version of a protocol":         {[]string{"snf@2026.1 does something else here than in the shipped set: give it a new version"}, map[int]string{5: "snf@2026.1 does something else here than in the shipped set: give it a new version"}, nil},
		"a version of another file's":     {[]string{"copd@2026.1 does something else here"}, map[int]string{}, []string{"copd@2026.1 does something else here"}},
		"another file":                    {[]string{"tasks.yaml: task home: there is no role \"x\""}, map[int]string{}, []string{"tasks.yaml: task home: there is no role \"x\""}},
		"no file":                         {[]string{"no base protocol for class inpatient"}, map[int]string{}, []string{"no base protocol for class inpatient"}},
		"a line that is not there":        {[]string{"base.yaml: line 40: tab"}, map[int]string{}, []string{"base.yaml: line 40: tab"}},
		"a code that is not there":        {[]string{"base.yaml: protocol rehab: never chosen"}, map[int]string{}, []string{"base.yaml: protocol rehab: never chosen"}},
	} {
		t.Run(name, func(t *testing.T) {
			lines, rest := Marks(t.Context(), "base.yaml", text, c.problems)
			got := map[int]string{}
			for _, l := range lines {
				for _, w := range l.Wrong {
					got[l.N] += w
				}
			}
			if diff := cmp.Diff(c.wrong, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.rest, rest); diff != "" {
				t.Error(diff)
			}
		})
	}
}
