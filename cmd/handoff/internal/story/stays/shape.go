package stays

import (
	"slices"
	"time"
)

// Step is one message of a stay. Zero fields are not sent, or are the stay's usual ones.
type Step struct {
	Trigger     string
	After       time.Duration // since the stay's base time: when it happened, and was sent
	Class       string        // PV1-2; default: the shape's
	Disposition string        // PV1-36
	Unit        string        // PV1-3.1; default "3WEST"
	Bed         string        // PV1-3.3; "-" for none
	Diagnoses   []string      // DG1, the whole list
	Discharged  time.Duration // PV1-45 since the base time, where it is not After
	Expected    time.Duration // PV2-9 since the base time
	Dead        bool          // PID-30
}

// Want is what must have become of a stay when everything is at rest.
type Want struct {
	State       string // of the encounter
	Class       string
	Disposition string
	Transition  string   // state of the current transition; "": none
	Cancelled   string   // reason of a cancelled transition, where there is one
	Tasks       []string // codes of the open tasks
	Need        string   // of the referral drafted; "" none
	Alert       bool     // there is an alert that it was opened, whatever came later
}

// Shape is a course of events.
type Shape struct {
	Name  string
	Class string
	Steps []Step
	Want  Want
}

var (
	home       = []string{"discharge-information", "follow-up-visit", "medication-reconciliation", "tcm-contact"}
	homeHealth = []string{"discharge-information", "follow-up-visit", "home-health-start", "medication-reconciliation", "tcm-contact"}
	nursing    = []string{"arrival-check", "facility-check-in", "facility-review", "handoff-packet", "handoff-report"}
)

const min = time.Minute

// Shapes are the courses that a hospital's day is made of. The times are all within an hour, so that
// a stay whose base time is an hour ago is news.
var Shapes = []Shape{
	{Name: "home", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A02", After: 5 * min, Unit: "4EAST", Bed: "B"}, {Trigger: "A08", After: 10 * min, Diagnoses: []string{"K35.80"}},
		{Trigger: "A03", After: 30 * min, Disposition: "01", Unit: "4EAST"},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "01", Transition: "active", Tasks: home, Alert: true}},
	{Name: "home health with heart failure", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A08", After: 10 * min, Diagnoses: []string{"I50.9", "I10"}}, {Trigger: "A03", After: 30 * min, Disposition: "06"},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "06", Transition: "active", Tasks: with(homeHealth, "hf-call"), Need: "home-health", Alert: true}},
	{Name: "nursing facility", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A02", After: 5 * min, Unit: "ICU"}, {Trigger: "A03", After: 30 * min, Disposition: "03", Unit: "ICU"},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "03", Transition: "active", Tasks: nursing, Need: "snf", Alert: true}},
	{Name: "hospice", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A03", After: 30 * min, Disposition: "50"},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "50", Transition: "active",
		Tasks: []string{"comfort-medicines", "handoff-packet", "hospice-start"}, Need: "hospice", Alert: true}},
	{Name: "transferred", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A03", After: 30 * min, Disposition: "02"},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "02", Transition: "active",
		Tasks: []string{"arrival-check", "handoff-packet", "handoff-report"}, Alert: true}},
	{Name: "emergency, home", Class: "E", Steps: []Step{
		{Trigger: "A04", Unit: "ED", Bed: "-"}, {Trigger: "A03", After: 30 * min, Disposition: "01", Unit: "ED", Bed: "-"},
	}, Want: Want{State: "finished", Class: "emergency", Disposition: "01"}},
	{Name: "emergency, left against advice", Class: "E", Steps: []Step{
		{Trigger: "A04", Unit: "ED", Bed: "-"}, {Trigger: "A03", After: 30 * min, Disposition: "07", Unit: "ED", Bed: "-"},
	}, Want: Want{State: "finished", Class: "emergency", Disposition: "07", Transition: "active", Tasks: []string{"ama-outreach"}, Alert: true}},
	{Name: "emergency, then admitted", Class: "I", Steps: []Step{
		{Trigger: "A04", Class: "E", Unit: "ED", Bed: "-"}, {Trigger: "A01", After: 10 * min}, {Trigger: "A03", After: 40 * min, Disposition: "01"},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "01", Transition: "active", Tasks: home, Alert: true}},
	{Name: "emergency, admitted here under another number", Class: "E", Steps: []Step{
		{Trigger: "A04", Unit: "ED", Bed: "-"}, {Trigger: "A03", After: 30 * min, Disposition: "09", Unit: "ED", Bed: "-"},
	}, Want: Want{State: "finished", Class: "emergency", Disposition: "09"}},
	{Name: "discharge cancelled", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A03", After: 30 * min, Disposition: "01"}, {Trigger: "A13", After: 35 * min},
	}, Want: Want{State: "in-progress", Class: "inpatient", Transition: "planning", Alert: true}},
	{Name: "discharged again", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A03", After: 30 * min, Disposition: "01"}, {Trigger: "A13", After: 35 * min},
		{Trigger: "A03", After: 50 * min, Disposition: "03"},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "03", Transition: "active", Tasks: nursing, Need: "snf", Alert: true}},
	{Name: "admission cancelled", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A11", After: 5 * min},
	}, Want: Want{State: "cancelled", Class: "inpatient", Cancelled: "admission-cancelled"}},
	{Name: "registration cancelled", Class: "E", Steps: []Step{
		{Trigger: "A04", Unit: "ED", Bed: "-"}, {Trigger: "A11", After: 5 * min, Unit: "ED", Bed: "-"},
	}, Want: Want{State: "cancelled", Class: "emergency"}},
	{Name: "disposition corrected", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A03", After: 30 * min, Disposition: "01"}, {Trigger: "A08", After: 45 * min, Disposition: "03", Discharged: 30 * min},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "03", Transition: "active", Tasks: nursing, Need: "snf", Alert: true}},
	{Name: "disposition told late", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A03", After: 30 * min}, {Trigger: "A08", After: 45 * min, Disposition: "06", Discharged: 30 * min},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "06", Transition: "active", Tasks: homeHealth, Need: "home-health", Alert: true}},
	{Name: "discharge expected", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A16", After: 10 * min, Expected: 48 * time.Hour},
	}, Want: Want{State: "in-progress", Class: "inpatient", Transition: "planning"}},
	{Name: "discharge no longer expected", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A16", After: 10 * min, Expected: 48 * time.Hour}, {Trigger: "A25", After: 20 * min},
	}, Want: Want{State: "in-progress", Class: "inpatient", Transition: "planning"}},
	{Name: "outpatient", Class: "O", Steps: []Step{
		{Trigger: "A04", Unit: "CLINIC", Bed: "-"}, {Trigger: "A03", After: 30 * min, Disposition: "01", Unit: "CLINIC", Bed: "-"},
	}, Want: Want{State: "finished", Class: "outpatient", Disposition: "01"}},
	{Name: "died", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A03", After: 30 * min, Disposition: "20", Dead: true},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "20", Transition: "expired"}},
	{Name: "still a patient", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A03", After: 30 * min, Disposition: "30"},
	}, Want: Want{State: "finished", Class: "inpatient", Disposition: "30", Cancelled: "not-applicable"}},
	{Name: "observation", Class: "OBS", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A03", After: 30 * min, Disposition: "01"},
	}, Want: Want{State: "finished", Class: "observation", Disposition: "01", Transition: "active", Tasks: home, Alert: true}},
	{Name: "entered in error", Class: "I", Steps: []Step{
		{Trigger: "A01"}, {Trigger: "A23", After: 5 * min},
	}, Want: Want{State: "entered-in-error", Class: "inpatient", Cancelled: "entered-in-error"}},
}

func with(list []string, more ...string) []string {
	all := append(slices.Clone(list), more...)
	slices.Sort(all)
	return all
}

// ByName returns a shape; it panics where there is none of that name.
func ByName(name string) *Shape {
	for i := range Shapes {
		if Shapes[i].Name == name {
			return &Shapes[i]
		}
	}
	panic("there is no shape " + name)
}

// Cancels reports whether the course takes something back: whether it was ever told to anybody
// depends on the order in which its messages arrive.
func (s *Shape) Cancels() bool {
	for _, step := range s.Steps {
		switch step.Trigger {
		case "A11", "A13", "A23", "A25":
			return true
		}
	}
	return false
}
