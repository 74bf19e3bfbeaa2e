package hanging

import (
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

var day = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestDue(t *testing.T) {
	hours := func(n int) *time.Time { at := day.Add(time.Duration(n) * time.Hour); return &at }
	for name, tt := range map[string]struct {
		stay encounter.Stay
		rule string
		want *time.Time
	}{
		"an emergency visit":                     {encounter.Stay{State: encounter.Arrived, Class: encounter.Emergency, AdmittedAt: &day, Said: day}, "emergency-day", hours(24)},
		"an emergency visit that is spoken of":   {encounter.Stay{State: encounter.InProgress, Class: encounter.Emergency, AdmittedAt: &day, Said: *hours(30)}, "emergency-day", hours(36)},
		"an observation":                         {encounter.Stay{State: encounter.InProgress, Class: encounter.Observation, AdmittedAt: &day, Said: day}, "observation-three-days", hours(72)},
		"an inpatient":                           {encounter.Stay{State: encounter.InProgress, Class: encounter.Inpatient, AdmittedAt: &day, Said: *hours(24)}, "inpatient-silent", hours(144)},
		"an inpatient who was to leave":          {encounter.Stay{State: encounter.InProgress, Class: encounter.Inpatient, AdmittedAt: &day, ExpectedAt: hours(30), Said: *hours(24)}, "expected-discharge-passed", hours(78)},
		"on leave":                               {encounter.Stay{State: encounter.OnLeave, Class: encounter.Inpatient, AdmittedAt: &day, Said: *hours(24)}, "leave-too-long", hours(192)},
		"a series":                               {encounter.Stay{State: encounter.InProgress, Class: encounter.Recurring, AdmittedAt: &day, Said: *hours(24)}, "series-silent", hours(61 * 24)},
		"a plan with a date":                     {encounter.Stay{State: encounter.Planned, Class: encounter.PreAdmitted, PlannedAt: hours(24), Said: day}, "plan-passed", hours(96)},
		"a plan without one":                     {encounter.Stay{State: encounter.Planned, Class: encounter.PreAdmitted, Said: day}, "plan-forgotten", hours(90 * 24)},
		"a stay that has ended":                  {encounter.Stay{State: encounter.Finished, Class: encounter.Inpatient, AdmittedAt: &day, Said: day}, "", nil},
		"a stay whose start was not sent":        {encounter.Stay{State: encounter.InProgress, Class: encounter.Outpatient, Said: day}, "outpatient-over", hours(36)},
		"a class that nobody knows":              {encounter.Stay{State: encounter.InProgress, Class: encounter.OtherClass, Said: day}, "other-silent", hours(168)},
		"a newborn in intensive care, spoken of": {encounter.Stay{State: encounter.InProgress, Class: encounter.Newborn, AdmittedAt: &day, Said: *hours(2000)}, "newborn-silent", hours(2120)},
	} {
		t.Run(name, func(t *testing.T) {
			rule, at, ok := Shipped.Due(&tt.stay)
			if ok != (tt.want != nil) || rule != tt.rule || ok && !at.Equal(*tt.want) {
				t.Errorf("%s at %v, not %s at %v", rule, at, tt.rule, tt.want)
			}
		})
	}
}

// Every class hangs some time, in every state that a patient can be in.
func TestEveryClassHasARule(t *testing.T) {
	for _, class := range []string{encounter.Inpatient, encounter.Observation, encounter.Emergency, encounter.Outpatient, encounter.Recurring, encounter.Obstetrics, encounter.Newborn, encounter.OtherClass} {
		if _, _, ok := Shipped.Due(&encounter.Stay{State: encounter.InProgress, Class: class, Said: day}); !ok {
			t.Errorf("%s never hangs", class)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	good := "version: 1\nrules:\n- {code: a, classes: [inpatient], states: [in-progress], since: said, after: 1d, quiet: 1h, source: s, why: w}\n"
	if _, err := Read([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]string{
		"no reason":        strings.Replace(good, "why: w", "why: ''", 1),
		"a finished state": strings.Replace(good, "in-progress", "finished", 1),
		"no such time":     strings.Replace(good, "since: said", "since: ever", 1),
		"no length":        strings.Replace(good, "1d", "1", 1),
		"a member more":    strings.Replace(good, "why: w", "why: w, how: h", 1),
		"twice":            good + strings.SplitN(good, "rules:\n", 2)[1],
	} {
		if _, err := Read([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}
