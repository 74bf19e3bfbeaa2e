package clock

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// Subject is what clocks know of a stay.
type Subject struct {
	Class        string
	Disposition  string // two digits; empty where it is not known
	Payer        string
	Age          *int
	Diagnoses    []string // ICD-10-CM without dots, principal first
	AdmittedAt   *time.Time
	InpatientAt  *time.Time // when it became an inpatient stay; nil: from the start, if it is one
	ObservedAt   *time.Time // when observation began; nil: from the start, if it is one
	ExpectedAt   *time.Time
	DischargedAt *time.Time
	Readmitted   bool
	Ended        bool // the stay was called off, or the patient died: only requests that outlive it have clocks
	// Groups are the named groups of conditions that diagnoses belong to, Chronic how
	// many of a list of groups are chronic conditions. Either may be nil.
	Groups  func(diagnoses []string) []string
	Chronic func(groups []string) int
}

// starts are the instants of the triggers, as far as the stay tells them.
func (s *Subject) starts() Starts {
	var out Starts
	out.set(Discharge, s.DischargedAt)
	out.set(Admission, s.AdmittedAt)
	out.set(Leaving, s.ExpectedAt)
	out.set(Leaving, s.DischargedAt)
	switch s.Class {
	case "inpatient":
		out.set(Inpatient, s.AdmittedAt)
		out.set(Inpatient, s.InpatientAt)
	case "observation":
		out.set(Observation, s.AdmittedAt)
	}
	out.set(Observation, s.ObservedAt)
	return out
}

// ends is when what started a clock is over: of observation that is when the stay
// became an inpatient one, too.
func (s *Subject) ends(trigger Trigger) *time.Time {
	if trigger == Observation && s.Class == "inpatient" && s.InpatientAt != nil {
		return s.InpatientAt
	}
	return s.DischargedAt
}

// Condition says for whose stays a rule runs a clock: every part that is given has to
// hold. It is plain data, so that a clock that does not apply can say why.
type Condition struct {
	Class              []string `yaml:"class" json:"class,omitempty"`
	Disposition        []string `yaml:"disposition" json:"disposition,omitempty"` // "unknown" stands for none
	NotDisposition     []string `yaml:"not_disposition" json:"not_disposition,omitempty"`
	Payer              []string `yaml:"payer" json:"payer,omitempty"`
	MinAge             int      `yaml:"min_age" json:"min_age,omitempty"`
	Principal          []string `yaml:"principal" json:"principal,omitempty"`                 // groups of the principal diagnosis
	NotPrincipal       []string `yaml:"not_principal" json:"not_principal,omitempty"`         // beginnings of its code
	Chronic            int      `yaml:"chronic" json:"chronic,omitempty"`                     // so many chronic conditions
	UntilDay           string   `yaml:"until_day" json:"until_day,omitempty"`                 // MM-DD: discharged up to this day of a year
	Overnight          bool     `yaml:"overnight" json:"overnight,omitempty"`                 // discharged on a later day than admitted
	Observed           bool     `yaml:"observed" json:"observed,omitempty"`                   // it is observation, or was before it became inpatient
	ObservationHours   int      `yaml:"observation_hours" json:"observation_hours,omitempty"` // longer than so many
	InpatientMidnights int      `yaml:"inpatient_midnights" json:"inpatient_midnights,omitempty"`
	NotReadmitted      bool     `yaml:"not_readmitted" json:"not_readmitted,omitempty"`
}

const noDisposition = "unknown"

// untilDay is the day as a number that compares: 1201 for 12-01.
func (c *Condition) untilDay() int {
	d := func(i int) int { return int(c.UntilDay[i] - '0') }
	return d(0)*1000 + d(1)*100 + d(3)*10 + d(4)
}

func (c *Condition) check() error {
	if c.UntilDay != "" {
		if _, err := time.Parse("2006-01-02", "2024-"+c.UntilDay); err != nil {
			return fmt.Errorf("until_day %q is no day like 12-01", c.UntilDay)
		}
	}
	return nil
}

// clause is a part of a condition.
type clause int

const (
	holds clause = iota
	ofClass
	ofPayer
	ofUnknownAge
	ofAge
	ofDisposition
	ofExcludedDisposition
	ofReadmission
	ofSeason
	ofNight
	ofNoObservation
	ofObservation
	ofInpatientDays
	ofPrincipal
	ofExcludedPrincipal
	ofChronic
)

// fails is the first part of the condition that does not hold of a stay.
func (c *Condition) fails(s *Subject, zone *time.Location) clause {
	switch {
	case len(c.Class) > 0 && !slices.Contains(c.Class, s.Class):
		return ofClass
	case len(c.Payer) > 0 && !slices.Contains(c.Payer, s.Payer):
		return ofPayer
	case c.MinAge > 0 && s.Age == nil:
		return ofUnknownAge
	case c.MinAge > 0 && *s.Age < c.MinAge:
		return ofAge
	case s.DischargedAt != nil && len(c.Disposition) > 0 && !slices.Contains(c.Disposition, s.disposition()):
		return ofDisposition
	case slices.Contains(c.NotDisposition, s.disposition()):
		return ofExcludedDisposition
	case c.NotReadmitted && s.Readmitted:
		return ofReadmission
	}
	if part := c.failsObservation(s); part != holds {
		return part
	}
	if s.DischargedAt != nil {
		if part := c.failsTimes(s, *s.DischargedAt, zone); part != holds {
			return part
		}
	}
	return c.failsDiagnoses(s)
}

func (s *Subject) disposition() string {
	if s.Disposition == "" {
		return noDisposition
	}
	return s.Disposition
}

func (c *Condition) failsTimes(s *Subject, left time.Time, zone *time.Location) clause {
	if c.UntilDay != "" {
		if d := calendar.DateOf(left, zone); int(d.Month)*100+d.Day > c.untilDay() {
			return ofSeason
		}
	}
	if c.Overnight && s.AdmittedAt != nil && calendar.Midnights(*s.AdmittedAt, left, zone) < 1 {
		return ofNight
	}
	if n := c.InpatientMidnights; n > 0 {
		starts := s.starts()
		if in, ok := starts.at(Inpatient); !ok || calendar.Midnights(in, left, zone) < n {
			return ofInpatientDays
		}
	}
	return holds
}

func (c *Condition) failsObservation(s *Subject) clause {
	if !c.Observed && c.ObservationHours == 0 {
		return holds
	}
	starts := s.starts()
	began, ok := starts.at(Observation)
	end := s.ends(Observation)
	switch {
	case !ok && c.Observed:
		return ofNoObservation
	case ok && end != nil && end.Sub(began) <= time.Duration(c.ObservationHours)*time.Hour:
		return ofObservation
	}
	return holds
}

func (c *Condition) failsDiagnoses(s *Subject) clause {
	principal := s.Diagnoses[:min(1, len(s.Diagnoses))]
	if len(c.Principal) > 0 {
		var groups []string
		if s.Groups != nil {
			groups = s.Groups(principal)
		}
		if !slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(c.Principal, g) }) {
			return ofPrincipal
		}
	}
	for _, prefix := range c.NotPrincipal {
		if len(principal) > 0 && strings.HasPrefix(principal[0], prefix) {
			return ofExcludedPrincipal
		}
	}
	if c.Chronic > 0 && s.chronic() < c.Chronic {
		return ofChronic
	}
	return holds
}

func (s *Subject) chronic() int {
	if s.Groups == nil || s.Chronic == nil {
		return 0
	}
	return s.Chronic(s.Groups(s.Diagnoses))
}

// why says in words which part does not hold; empty where all do.
func (c *Condition) why(s *Subject, zone *time.Location) string {
	switch c.fails(s, zone) {
	case ofClass:
		return "the class of the stay is " + orUnknown(s.Class) + ", not " + orList(c.Class)
	case ofPayer:
		return "the payer is " + orUnknown(s.Payer) + ", not " + orList(c.Payer)
	case ofUnknownAge:
		return "the age is unknown"
	case ofAge:
		return fmt.Sprintf("the patient is %d years old, under %d", *s.Age, c.MinAge)
	case ofDisposition:
		return "the disposition is " + s.disposition() + ", none of " + strings.Join(c.Disposition, " ")
	case ofExcludedDisposition:
		return "the disposition is " + s.disposition()
	case ofReadmission:
		return "the patient was readmitted: the last discharge of the episode counts"
	case ofSeason:
		return "discharges after " + c.UntilDay + " of a year are not counted"
	case ofNight:
		return "admitted and discharged on the same day"
	case ofNoObservation:
		return "the patient was not under observation"
	case ofObservation:
		return fmt.Sprintf("observation lasted no more than %d hours", c.ObservationHours)
	case ofInpatientDays:
		return fmt.Sprintf("the stay has fewer than %d inpatient days", c.InpatientMidnights)
	case ofPrincipal:
		return "the principal diagnosis is not " + orList(c.Principal)
	case ofExcludedPrincipal:
		return "the principal diagnosis begins with one of " + orList(c.NotPrincipal)
	case ofChronic:
		return fmt.Sprintf("%d chronic conditions are known, fewer than %d", s.chronic(), c.Chronic)
	}
	return ""
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func orList(list []string) string { return strings.Join(list, " or ") }
