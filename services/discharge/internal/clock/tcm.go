package clock

import (
	"fmt"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// TCM is what the outcome of transitional care management follows from. Days are
// counted from the day of discharge, which is day 0; nil is not known, or not yet.
type TCM struct {
	Ineligible bool   `yaml:"ineligible" json:"ineligible,omitempty"` // no such discharge, or not to a community setting
	Contact    State  `yaml:"contact" json:"contact"`
	Attempts   int    `yaml:"attempts" json:"attempts,omitempty"`
	VisitDay   *int   `yaml:"visit_day" json:"visit_day"`
	MDM        string `yaml:"mdm" json:"mdm"` // high, moderate, low, straightforward; empty: not known
	MedRecDay  *int   `yaml:"medrec_day" json:"medrec_day"`
	Reported   bool   `yaml:"reported" json:"reported,omitempty"`     // reported already in these 30 days
	Readmitted bool   `yaml:"readmitted" json:"readmitted,omitempty"` // within the period
}

// TCMOf is what the clocks of a record say of transitional care management. Whether it
// was reported already and how complex the decisions were, they do not know.
func (t *Table) TCMOf(rec Record, as As) (TCM, error) {
	zone, err := calendar.Zone(as.Zone)
	if err != nil {
		return TCM{}, err
	}
	list, err := t.View(rec, as)
	if err != nil {
		return TCM{}, err
	}
	out := TCM{Ineligible: true, Readmitted: as.Readmitted}
	left := rec.Starts[Discharge]
	for _, c := range list {
		var day *int
		for _, e := range c.Evidence {
			if e.Kind == Done {
				n := calendar.Midnights(left, e.At, zone)
				day = &n
			}
		}
		switch c.Rule {
		case "tcm-contact":
			out.Ineligible, out.Contact = false, c.State
			for _, r := range c.Verdict {
				if r.Do == "attempt" && r.Counts {
					out.Attempts++
				}
			}
		case "tcm-visit-14":
			out.VisitDay = day
		case "tcm-medrec-14":
			out.MedRecDay = day
		}
	}
	return out, nil
}

// What a transition can be reported as.
const (
	TCM99496  = "99496"
	TCM99495  = "99495"
	TCMNone   = "none"
	TCMReview = "review" // a person has to look: the reasons say at what
)

// Outcome is what the transition can be reported as, and why. What rules a code out
// counts before what a person has to judge.
func (t TCM) Outcome() (code string, reasons []string) {
	code, no := t.visit()
	no = append(t.excluded(), no...)
	if len(no) > 0 {
		return TCMNone, no
	}
	review := t.review()
	if t.Readmitted {
		reasons = append(reasons, "the patient was readmitted within the 30 days: it may still be reported once")
	}
	if len(review) > 0 {
		return TCMReview, append(reasons, review...)
	}
	return code, append(reasons, fmt.Sprintf("contact in time, %s complexity, visit on day %d, medicines reconciled on day %d", t.MDM, *t.VisitDay, *t.MedRecDay))
}

// excluded are the reasons apart from the visit for which nothing can be reported.
func (t TCM) excluded() (no []string) {
	if t.Ineligible {
		no = append(no, "the discharge does not qualify")
	}
	if t.Reported {
		no = append(no, "transitional care was reported already in these 30 days")
	}
	if t.Contact == StateMissed {
		no = append(no, fmt.Sprintf("no contact within 2 business days and %d attempts on record, fewer than 2", t.Attempts))
	}
	if t.VisitDay != nil && t.MedRecDay != nil && *t.MedRecDay > *t.VisitDay {
		no = append(no, fmt.Sprintf("the medicines were reconciled on day %d, after the visit on day %d", *t.MedRecDay, *t.VisitDay))
	}
	return no
}

// visit is the code that the visit and its complexity allow, or why none.
func (t TCM) visit() (code string, no []string) {
	switch {
	case t.VisitDay == nil:
		return "", []string{"no face-to-face visit is on record"}
	case *t.VisitDay > 14:
		return "", []string{fmt.Sprintf("the visit was on day %d, after day 14", *t.VisitDay)}
	case t.MDM == "low" || t.MDM == "straightforward":
		return "", []string{"decision making of " + t.MDM + " complexity does not qualify"}
	case t.MDM == "high" && *t.VisitDay <= 7:
		return TCM99496, nil
	}
	return TCM99495, nil
}

// review are the questions a person has to answer.
func (t TCM) review() (ask []string) {
	switch t.Contact {
	case StateMet:
	case StateAttempted:
		ask = append(ask, fmt.Sprintf("nobody was reached in %d timely attempts: sources disagree on whether that may be reported", t.Attempts))
	default:
		ask = append(ask, "contact within 2 business days is not on record yet")
	}
	if *t.VisitDay == 0 {
		ask = append(ask, "the visit was on the day of discharge: it does not count if the discharging provider made it")
	}
	if t.MDM != "high" && t.MDM != "moderate" {
		ask = append(ask, "the complexity of the decision making is not on record")
	}
	if t.MedRecDay == nil {
		ask = append(ask, "the reconciliation of medicines, by the day of the visit, is not on record")
	}
	return ask
}
