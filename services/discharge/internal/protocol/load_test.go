package protocol

import (
	"io/fs"
	"slices"
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
		"a class that is misspelt":          {"addons", `class == "newborn"`, `class == "newborne"`, `class is never "newborne"`},
		"a disposition that is none":        {"base", `disposition == "07"`, `disposition == "7"`, `disposition is never "7"`},
		"a condition nobody named":          {"addons", `"copd" in conditions`, `"cpod" in conditions`, `no condition "cpod"`},
		"a condition in a macro":            {"addons", `"copd" in conditions`, `conditions.exists(c, c == "cpod")`, `no condition "cpod"`},
		"a payer that is none":              {"addons", `payer == "medicare"`, `payer in ["medicare", "Medicare"]`, `payer is never "Medicare"`},
		"a number for a text":               {"base", `disposition == "07"`, `disposition == 7`, "no matching overload"},
		"a diagnosis with its dot":          {"addons", `"copd" in conditions`, `diagnoses.exists(d, d.startsWith("J44.1"))`, "without their dot"},
		"a setting before it is known":      {"base", `disposition == "07"`, `setting == "community"`, "setting is what the base protocol says"},
		"an index that may be out of range": {"addons", `"copd" in conditions`, `diagnoses[0] == "J441"`, "can fail"},
		"a division":                        {"addons", `risk_min >= 10`, `risk_min / chronic > 1`, "can fail"},
		"a conversion":                      {"addons", `risk_min >= 10`, `int(unit) > 3`, "can fail"},
		"too much work":                     {"addons", `"copd" in conditions`, `diagnoses.exists(a, diagnoses.exists(b, diagnoses.exists(c, a == b && b == c)))`, "steps"},
		"a setting that is none":            {"base", "setting: facility", "setting: hospital", `setting "hospital"`},
		"a version that is there twice":     {"addons", "code: diabetes", "code: copd", "there twice"},
		"a space in a code":                 {"addons", "code: diabetes", "code: dia betes", "space"},
		"a base that is never chosen":       {"base", `when: disposition == "07"`, `when: "true"`, "never chosen"},
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

func TestWhatMayBeAskedOfAStay(t *testing.T) {
	seventy := 70
	in := stay("inpatient", "01", "J441", "I10")
	in.Facility, in.Unit, in.AdmitType, in.AdmitSource, in.ZIP3 = "MERCY", "4W", "urgent", "7", "021"
	in.Age, in.Sex, in.Language, in.Payer, in.Service = &seventy, "F", "es", "medicaid", "CAR"
	in.RiskMin, in.RiskMax = 8, 12
	for _, when := range []string{
		`facility == "MERCY" && unit == "4W"`, `admit_type == "urgent" && admit_source == "7"`, `zip3 == "021"`,
		`diagnoses.exists(d, d.startsWith("J44"))`, `diagnoses.filter(d, d.startsWith("I")).size() == 1`,
		`age == 70 && sex == "F" && language == "es" && payer == "medicaid" && service == "CAR"`,
		`risk_max - risk_min > 3`, `!("copd" in conditions) || "copd" in principal`, `conditions.all(c, c != "dialysis")`,
	} {
		set := files(t)
		text := string(set["addons.yaml"].Data)
		set["addons.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(text, `when: class == "newborn" && setting == "community"`, "when: '"+when+"'", 1))}
		s, err := Load(set, rules(t))
		if err != nil {
			t.Error(err)
			continue
		}
		plan, err := s.Plan(in, newYork(t))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(plan.Protocols, "newborn@2026.1") {
			t.Errorf("%s does not hold: %v", when, plan.Protocols)
		}
	}
}

func TestAPrintSaysWhetherAVersionIsStillTheSame(t *testing.T) {
	before := shippedSet(t).Prints()
	for name, c := range map[string]struct {
		file, old, new string
		changes        []string
	}{
		"a due rule":             {"addons", "due: hf-visit", "due: tcm-visit-14", []string{"heart-failure@2026.1"}},
		"a condition":            {"addons", "risk_min >= 10", "risk_min >= 9", []string{"high-risk@2026.1"}},
		"codes behind a name":    {"conditions", "[J40-J44,", "[J41-J44,", []string{"copd@2026.1", "ed-chronic-conditions@2026.1"}},
		"a task":                 {"tasks", "priority: stat", "priority: urgent", []string{"dialysis@2026.1"}},
		"a comment, and nothing": {"base", "# Base", "# The base", nil},
		"instructions":           {"tasks", "Headache, sight", "Headache and sight", nil},
	} {
		t.Run(name, func(t *testing.T) {
			changed := ShippedFiles()
			file := c.file + ".yaml"
			changed[file] = strings.Replace(changed[file], c.old, c.new, 1)
			set, err := changed.Load(rules(t))
			if err != nil {
				t.Fatal(err)
			}
			var differ []string
			for ref, print := range set.Prints() {
				if before[ref] != print {
					differ = append(differ, ref)
				}
			}
			slices.Sort(differ)
			if diff := cmp.Diff(c.changes, differ); diff != "" {
				t.Error(diff)
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
