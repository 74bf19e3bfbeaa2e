package protocol

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
)

func shippedSet(t testing.TB) *Set {
	t.Helper()
	s, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newYork(t testing.TB) clock.Where {
	t.Helper()
	zone, err := calendar.Zone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return clock.Where{Zone: zone, Calendar: calendar.USFederal()}
}

func stay(class, disposition string, diagnoses ...string) Stay {
	at := time.Date(2026, 10, 16, 18, 2, 0, 0, time.UTC) // a Friday
	return Stay{Class: class, Disposition: disposition, AdmittedAt: at.AddDate(0, 0, -4), DischargedAt: at, Diagnoses: diagnoses}
}

func codes(p Plan) []string {
	var out []string
	for _, t := range p.Tasks {
		out = append(out, t.Code)
	}
	return out
}

func TestEachDispositionHasItsProtocol(t *testing.T) {
	home := []string{"tcm-contact", "follow-up-visit", "medication-reconciliation", "discharge-information"}
	handoff := []string{"handoff-report", "handoff-packet", "arrival-check"}
	for _, c := range []struct {
		dispositions []string
		protocol     string
		needs        []string
		tasks        []string
	}{
		{[]string{"01", "81", "69", "08"}, "home", nil, home},
		{[]string{"", "99", "11"}, "unspecified", nil, home},
		{[]string{"06", "86"}, "home-health", []string{"home-health"}, append([]string{"home-health-start"}, home...)},
		{[]string{"03", "61", "64", "83", "89", "92"}, "snf", []string{"snf"}, append(slices.Clone(handoff), "facility-check-in", "facility-review")},
		{[]string{"04", "84"}, "long-term-care", nil, []string{"handoff-packet", "arrival-check", "facility-check-in"}},
		{[]string{"62", "90"}, "irf", []string{"irf"}, append(slices.Clone(handoff), "facility-check-in")},
		{[]string{"63", "91"}, "ltch", []string{"ltch"}, append(slices.Clone(handoff), "facility-check-in")},
		{[]string{"50", "51"}, "hospice", []string{"hospice"}, []string{"hospice-start", "comfort-medicines", "handoff-packet"}},
		{[]string{"65", "93"}, "psychiatric", []string{"psych"}, handoff},
		{[]string{"07"}, "against-advice", nil, []string{"ama-outreach", "follow-up-visit", "medication-reconciliation", "discharge-information"}},
		{[]string{"21", "87"}, "custody", nil, []string{"handoff-report", "handoff-packet"}},
		{[]string{"02", "05", "43", "66", "70", "82", "85", "88", "94", "95"}, "transfer", nil, handoff},
	} {
		for _, d := range c.dispositions {
			t.Run(c.protocol+" "+d, func(t *testing.T) {
				plan, err := shippedSet(t).Plan(stay("inpatient", d), newYork(t))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]string{c.protocol + "@2026.1"}, plan.Protocols); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(c.tasks, codes(plan)); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(c.needs, plan.Needs); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestAddOnsApplyByConditionAndSetting(t *testing.T) {
	seventy := 70
	medicare := stay("inpatient", "01")
	medicare.Payer, medicare.Age = "medicare", &seventy
	risky := stay("inpatient", "01")
	risky.RiskMin, risky.RiskMax = 10, 14
	maybe := stay("inpatient", "01")
	maybe.RiskMin, maybe.RiskMax = 9, 19
	for _, c := range []struct {
		name string
		stay Stay
		want []string
	}{
		{"heart failure at home", stay("inpatient", "01", "I5022"), []string{"home", "heart-failure"}},
		{"heart failure to a nursing facility", stay("inpatient", "03", "I5022"), []string{"snf", "heart-failure-facility"}},
		{"heart failure transferred: handoff tasks only", stay("inpatient", "02", "I5022"), []string{"transfer"}},
		{"COPD and diabetes with home health", stay("observation", "06", "J441", "E119"), []string{"home-health", "copd", "diabetes"}},
		{"dialysis into hospice: comfort alone", stay("inpatient", "50", "N186"), []string{"hospice"}},
		{"dialysis to a nursing facility", stay("inpatient", "03", "N186"), []string{"snf", "dialysis"}},
		{"mental illness as the reason for the stay", stay("inpatient", "01", "F332"), []string{"home", "mental-health"}},
		{"mental illness beside another reason", stay("inpatient", "01", "J189", "F332"), []string{"home"}},
		{"high risk for certain", risky, []string{"home", "high-risk"}},
		{"high risk perhaps", maybe, []string{"home"}},
		{"Medicare", medicare, []string{"home", "medicare-transitions"}},
		{"a mother", stay("obstetrics", "01"), []string{"home", "postpartum"}},
		{"a newborn with home health", stay("newborn", "06"), []string{"home-health", "newborn"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := shippedSet(t).Plan(c.stay, newYork(t))
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, code := range c.want {
				want = append(want, code+"@2026.1")
			}
			if diff := cmp.Diff(want, plan.Protocols); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFoldingKeepsTheEarliestDueAndTheHighestPriority(t *testing.T) {
	s := stay("inpatient", "01", "I5022")
	s.RiskMin, s.RiskMax = 12, 12
	plan, err := shippedSet(t).Plan(s, newYork(t))
	if err != nil {
		t.Fatal(err)
	}
	visit := plan.Tasks[slices.IndexFunc(plan.Tasks, func(t Task) bool { return t.Code == "follow-up-visit" })]
	if diff := cmp.Diff([]string{"home@2026.1", "heart-failure@2026.1", "high-risk@2026.1"}, visit.Protocols); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"heart failure", "LACE of 10 or more"}, visit.Reasons); diff != "" {
		t.Error(diff)
	}
	if visit.Priority != "urgent" || visit.Rule != "hf-visit@2022.1" {
		t.Errorf("priority %s, rule %s, want urgent by hf-visit (7 days, the first of two alike)", visit.Priority, visit.Rule)
	}
	contact := plan.Tasks[0]
	if got := contact.DueAt.In(newYork(t).Zone).Format(time.DateTime); contact.Code != "tcm-contact" || got != "2026-10-20 00:00:00" {
		t.Errorf("%s due %s, want tcm-contact by the end of Monday: one business day at high risk", contact.Code, got)
	}
}

func TestEmergencyVisitsOpenOnlyByAProtocol(t *testing.T) {
	for _, c := range []struct {
		name string
		stay Stay
		want []string
	}{
		{"nothing in particular", stay("emergency", "01", "R079"), nil},
		{"one chronic condition", stay("emergency", "01", "R079", "I509"), nil},
		{"two codes of one chronic condition", stay("emergency", "01", "I509", "I110"), nil},
		{"two chronic conditions", stay("emergency", "01", "I509", "J449"), []string{"ed-chronic-follow-up"}},
		{"left against advice", stay("emergency", "07", "R079"), []string{"ama-outreach"}},
		{"mental illness", stay("emergency", "01", "F419"), []string{"ed-mental-health-7", "ed-mental-health-30"}},
		{"substance use", stay("emergency", "01", "F1020"), []string{"ed-substance-use-7", "ed-substance-use-30"}},
		{"an overdose", stay("emergency", "01", "T401X1A"), []string{"ed-substance-use-7", "ed-substance-use-30"}},
		{"two reasons at once", stay("emergency", "07", "F419"), []string{"ama-outreach", "ed-mental-health-7", "ed-mental-health-30"}},
		{"two chronic conditions, transferred: handoff tasks only", stay("emergency", "02", "I509", "J449"),
			[]string{"handoff-report", "handoff-packet", "arrival-check"}},
		{"transferred for nothing a protocol names", stay("emergency", "02", "R079"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := shippedSet(t).Plan(c.stay, newYork(t))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, codes(plan)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryPlanIsWhole(t *testing.T) {
	s, where := shippedSet(t), newYork(t)
	dx := []string{"I5022", "J449", "E119", "N186", "F332", "F1020", "R079", "84114007"}
	rapid.Check(t, func(t *rapid.T) {
		in := stay(rapid.SampledFrom([]string{"inpatient", "observation", "obstetrics", "newborn", "emergency"}).Draw(t, "class"),
			fmt.Sprintf("%02d", rapid.IntRange(0, 99).Draw(t, "disposition")))
		in.Diagnoses = rapid.SliceOfDistinct(rapid.SampledFrom(dx), func(s string) string { return s }).Draw(t, "diagnoses")
		in.RiskMin = rapid.IntRange(0, 19).Draw(t, "risk")
		plan, err := s.Plan(in, where)
		if err != nil {
			t.Fatal(err)
		}
		if in.Class != "emergency" && len(plan.Tasks) == 0 {
			t.Fatal("no task")
		}
		seen := map[string]bool{}
		for _, task := range plan.Tasks {
			if seen[task.Code] {
				t.Fatalf("%s is there twice", task.Code)
			}
			seen[task.Code] = true
			trace, err := s.Rules().Explain(task.Rule, task.Trigger, where.Zone.String(), where.Calendar.ID())
			if err != nil {
				t.Fatal(err)
			}
			if !trace.Due.Equal(task.DueAt) || !trace.Warn.Equal(task.WarnAt) {
				t.Fatalf("%+v is not what %+v explains", task, trace)
			}
			if !task.DueAt.After(in.DischargedAt) || rank(task.Priority) < 0 || len(task.Protocols) == 0 || task.Title == "" {
				t.Fatalf("%+v", task)
			}
			if how, source := s.Instructions(task.Code); how == "" || source == "" {
				t.Fatalf("%s has no instructions or no source", task.Code)
			}
		}
		again, err := s.Plan(in, where)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plan, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkPlan(b *testing.B) {
	s, where := shippedSet(b), newYork(b)
	in := stay("inpatient", "01", "I5022", "E119", "R079")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Plan(in, where); err != nil {
			b.Fatal(err)
		}
	}
}
