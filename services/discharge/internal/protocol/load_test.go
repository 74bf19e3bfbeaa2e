package protocol

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/services/discharge/internal/clock"
)

// files is the shipped set as a folder a test may change.
func files(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	for _, name := range []string{"conditions", "tasks", "base", "addons", "emergency"} {
		text, err := fs.ReadFile(shipped, "shipped/"+name+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		out[name+".yaml"] = &fstest.MapFile{Data: text}
	}
	return out
}

func rules(t *testing.T) *clock.Table {
	t.Helper()
	r, err := clock.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLoadSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ file, old, new, want string }{
		"a condition that does not compile": {"addons", `risk_min >= 10`, `risk_min >=`, "high-risk"},
		"a name no stay has":                {"addons", `risk_min >= 10`, `lace >= 10`, "lace"},
		"a condition that is a number":      {"emergency", `chronic >= 2`, `chronic`, "not true or false"},
		"an unknown task":                   {"base", "{task: tcm-contact}", "{task: tcm-contcat}", `no task "tcm-contcat"`},
		"an unknown due rule":               {"addons", "due: hf-visit", "due: hf-vist", `no due rule "hf-vist"`},
		"an unknown priority":               {"tasks", "priority: stat", "priority: now", `priority "now"`},
		"an unknown role":                   {"tasks", "owner_role: liaison", "owner_role: nobody", `no role "nobody"`},
		"an unknown need":                   {"base", "needs: ltch", "needs: spa", `no need "spa"`},
		"an unknown key":                    {"base", "setting: community", "seting: community", "seting"},
		"an unknown kind":                   {"base", "kind: base", "kind: basis", `kind "basis"`},
		"a last base that does not catch":   {"base", `when: "true"`, `when: disposition == ""`, "no base protocol"},
		"a code that is none":               {"conditions", "I50,", "50I,", "50I"},
		"no source":                         {"tasks", "source: House rule", "source: ''", "source"},
	} {
		t.Run(name, func(t *testing.T) {
			set := files(t)
			text := string(set[c.file+".yaml"].Data)
			if !strings.Contains(text, c.old) {
				t.Fatalf("%s.yaml does not hold %q", c.file, c.old)
			}
			set[c.file+".yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(text, c.old, c.new, 1))}
			_, err := Load(set, rules(t))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want one about %q", err, c.want)
			}
		})
	}
}

func TestTheVersionInForceOnTheDayOfDischargeApplies(t *testing.T) {
	set := files(t)
	set["addons.yaml"] = &fstest.MapFile{Data: []byte(`protocols:
  - {code: copd, version: "1", from: 2026-01-01, until: 2026-10-15, kind: addon, title: Old, when: '"copd" in conditions', tasks: [{task: copd-check}]}
  - {code: copd, version: "2", from: 2026-10-16, kind: addon, title: New, when: '"copd" in conditions', tasks: [{task: copd-review}]}
`)}
	s, err := Load(set, rules(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 10, 16, 3, 0, 0, 0, time.UTC), "copd@1"}, // still the 15th in New York
		{time.Date(2026, 10, 16, 5, 0, 0, 0, time.UTC), "copd@2"},
		{time.Date(2020, 5, 5, 5, 0, 0, 0, time.UTC), "copd@1"},
	} {
		in := stay("inpatient", "01", "J449")
		in.DischargedAt = c.at
		plan, err := s.Plan(in, newYork(t))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"home@2026.1", c.want}, plan.Protocols); diff != "" {
			t.Errorf("%s: %s", c.at, diff)
		}
	}
}
