package transition

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/risk"
)

// scores are LACE and, beside it, HOSPITAL in its variants, over what the stay tells;
// none where they are not meant for its class.
func (r *Rules) scores(stay *events.Encounter, zone *time.Location) (lace *events.Risk, others []events.Risk) {
	if stay.Class != "inpatient" && stay.Class != "observation" {
		return nil, nil
	}
	days, acute := lengthOfStay(stay, zone), acute(stay.AdmitType)
	s := r.Comorbidities.LACE(risk.Inputs{Diagnoses: stay.Diagnoses, EDVisits: stay.PriorED6m, LengthOfStay: days, Acute: acute})
	told := score(s)
	told.Variant += "; " + s.Version
	if r.Hospital == nil {
		return &told, nil
	}
	of := r.Hospital.Scores(risk.Admission{
		Service: stay.Service, Procedures: stay.Procedures, Urgent: acute, Admissions: stay.PriorAdmissions12m,
		LengthOfStay: days, Diagnoses: stay.Diagnoses,
	})
	others = make([]events.Risk, len(of))
	for i := range of {
		others[i] = score(of[i])
	}
	return &told, others
}

// Scores are the scores of a stay, for whoever compares tables: LACE first.
func (r *Rules) Scores(stay events.Encounter, zone *time.Location) []events.Risk {
	lace, others := r.scores(&stay, zone)
	if lace == nil {
		return nil
	}
	return append([]events.Risk{*lace}, others...)
}

func score(s risk.Score) events.Risk {
	return events.Risk{
		Score: s.Name, Variant: s.Variant, Version: s.Version, Min: s.Min, Max: s.Max, Band: s.Band(), Missing: s.Missing, Reasons: s.Reasons,
	}
}

func lengthOfStay(stay *events.Encounter, zone *time.Location) *int {
	if stay.AdmittedAt == nil || stay.DischargedAt == nil {
		return nil
	}
	return new(max(0, calendar.Midnights(*stay.AdmittedAt, *stay.DischargedAt, zone)))
}

// acute is whether an admission type means an acute admission; nil where it says nothing.
func acute(admitType string) *bool {
	switch admitType {
	case "emergency", "urgent", "trauma":
		return new(true)
	case "elective", "newborn":
		return new(false)
	}
	return nil
}

// risks notes a change of the scores.
func (p previous) risks(was, is *events.Transition) {
	p.text("risk", interval(was.Risk), interval(is.Risk))
	if !slices.EqualFunc(was.Risks, is.Risks, sameScore) {
		p["risks"] = intervals(was.Risks)
	}
}

func sameScore(a, b events.Risk) bool {
	return a.Score == b.Score && a.Variant == b.Variant && a.Min == b.Min && a.Max == b.Max
}

// intervals are scores as text, for the comparison of two versions.
func intervals(list []events.Risk) string {
	var out []string
	for i := range list {
		out = append(out, fmt.Sprintf("%s-%s:%s", list[i].Score, list[i].Variant, interval(&list[i])))
	}
	return strings.Join(out, " ")
}
