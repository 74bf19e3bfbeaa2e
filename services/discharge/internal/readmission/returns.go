package readmission

import (
	"slices"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Around is what a person's other stays mean for one of them. Its zero value is that
// of a person with no other stay.
type Around struct {
	Returns []events.Readmission // after its discharge, in the order of arrival; without what the transition adds
	Before  []Before             // stays that ended in the days before it began, the latest first
	// Not says of other stays why they are no return.
	Not map[events.ID]string
}

// Before is a stay that ended before another began.
type Before struct {
	Class       string `json:"class"`
	Disposition string `json:"disposition,omitempty"`
	Days        int    `json:"days"` // from its end; 0 where it has not ended
	Kind        string `json:"facility_type,omitempty"`
	NotAcute    bool   `json:"not_acute,omitempty"`
}

// The outcomes of an arrival.
const (
	Admitted    = "admitted"
	Observation = "observation"
	Released    = "treated-and-released"
	Transferred = "transferred"
	Left        = "left" // before or against advice
	Died        = "died"
)

// Why another stay is no return, or is none any more.
const (
	WhyCancelled   = "arrival-cancelled"
	WhyError       = "entered-in-error"
	WhyPerson      = "another-person"      // moved to another patient, or unlinked
	WhyDischarge   = "discharge-cancelled" // there is no discharge it could be a return after
	WhyTransfer    = "transfer"
	WhyWindow      = "not-within-window"
	WhyClass       = "not-an-arrival"
	WhyReadmission = "readmitted-before" // an earlier return was an admission already
	WhyNotAcute    = "not-acute-care"    // at a nursing facility, rehabilitation...: an arrival there
	WhyJoined      = "same-return"       // the emergency visit that led to it is the return
)

// ID is the id of a return.
func ID(discharged, arrival events.ID) events.ID {
	return events.Derive("readmission", discharged.String(), arrival.String())
}

// Around gives what the other stays of a person mean for one of them. all are the
// person's stays, that one among them or not; zone is the discharging facility's.
func (r *Rules) Around(stay Visit, all []Visit, zone *time.Location) Around {
	var a Around
	if len(all) > 1 || len(all) == 1 && all[0].Encounter != stay.Encounter {
		a.Before = r.before(stay, all, zone)
		a.Returns, a.Not = r.returns(stay, all, zone)
	}
	return a
}

func (r *Rules) before(stay Visit, all []Visit, zone *time.Location) []Before {
	if stay.AdmittedAt == nil {
		return nil
	}
	var earlier []Visit
	for _, v := range all {
		if v.Encounter != stay.Encounter && v.Class != "emergency" && (r.until(v, stay, zone) || r.residence(v, stay)) {
			earlier = append(earlier, v)
		}
	}
	slices.SortFunc(earlier, func(a, b Visit) int {
		if c := b.over(stay).Compare(a.over(stay)); c != 0 {
			return c
		}
		return a.compare(b)
	})
	var out []Before
	for _, v := range earlier {
		b := Before{Class: v.Class, Disposition: v.Disposition, Days: days(v.over(stay), *stay.AdmittedAt, zone), Kind: v.Kind, NotAcute: r.cared(v)}
		if !r.until(v, stay, zone) {
			b.Disposition = "" // it ends later, with what is said of it then
		}
		out = append(out, b)
	}
	return out
}

// until reports whether a stay ended in the days before another began.
func (r *Rules) until(v, stay Visit, zone *time.Location) bool {
	return v.left() && !v.DischargedAt.After(*stay.AdmittedAt) && days(*v.DischargedAt, *stay.AdmittedAt, zone) <= r.reach
}

// residence reports whether a person came from a stay without acute care that went on: a
// nursing facility often keeps the place.
func (r *Rules) residence(v, stay Visit) bool {
	return r.cared(v) && !r.cared(stay) && v.present() && v.AdmittedAt.Before(*stay.AdmittedAt) &&
		(v.DischargedAt == nil || v.DischargedAt.After(*stay.AdmittedAt))
}

// over is when a stay was over for a later one.
func (v Visit) over(later Visit) time.Time {
	if v.DischargedAt == nil || v.DischargedAt.After(*later.AdmittedAt) {
		return *later.AdmittedAt
	}
	return *v.DischargedAt
}

func (r *Rules) returns(index Visit, all []Visit, zone *time.Location) (list []events.Readmission, not map[events.ID]string) {
	not = map[events.ID]string{}
	over := ""
	if !index.left() {
		over = WhyDischarge
	}
	for _, a := range r.arrivals(all, index.Encounter) {
		if a.led != nil {
			not[a.led.Encounter] = WhyJoined
		}
		switch {
		case r.cared(a.Visit):
			not[a.Encounter] = WhyNotAcute
		case over != "":
			not[a.Encounter] = over
		case a.AdmittedAt.Before(*index.DischargedAt), days(*index.DischargedAt, *a.AdmittedAt, zone) > r.Window:
			not[a.Encounter] = WhyWindow
		default:
			if t := r.transferred(index, a.Visit, zone); t != nil {
				not[a.Encounter] = WhyTransfer
				if t.Ends {
					over = WhyTransfer
				}
				continue
			}
			list = append(list, r.one(index, a, zone))
			if slices.Contains(r.Admitted, a.last().Class) {
				over = WhyReadmission
			}
		}
	}
	return list, not
}

// Why says why a stay is no return after a discharge, where it was taken for one.
func (r *Rules) Why(around Around, arrival events.ID, all []Visit) string {
	if why := around.Not[arrival]; why != "" {
		return why
	}
	for _, v := range all {
		switch {
		case v.Encounter != arrival:
		case v.State == "cancelled":
			return WhyCancelled
		case v.State == "entered-in-error":
			return WhyError
		default:
			return WhyClass
		}
	}
	return WhyPerson
}

// transferred is the rule by which an arrival is the same care going on elsewhere, or nil.
func (r *Rules) transferred(index, a Visit, zone *time.Location) *transferRule {
	d := days(*index.DischargedAt, *a.AdmittedAt, zone)
	i := slices.IndexFunc(r.Transfers, func(t transferRule) bool {
		return d <= t.Within && slices.Contains(t.Dispositions, index.Disposition) && slices.Contains(t.Classes, a.Class) &&
			(!t.Elsewhere || a.FacilityID != index.FacilityID)
	})
	if i < 0 {
		return nil
	}
	return &r.Transfers[i]
}

func (r *Rules) one(index Visit, a arrival, zone *time.Location) events.Readmission {
	last := a.last()
	out := events.Readmission{
		ID: ID(index.Encounter, a.Encounter), Encounter: index.Encounter, Patient: index.Patient, Facility: index.Facility,
		Class: index.Class, Disposition: index.Disposition, DischargedAt: index.DischargedAt,
		Arrival: events.Arrival{
			Encounter: a.Encounter, Patient: a.Patient, Facility: a.Facility, FacilityID: a.FacilityID, Class: last.Class,
			AdmitType: last.AdmitType, ArrivedAt: a.AdmittedAt,
		},
		Days: days(*index.DischargedAt, *a.AdmittedAt, zone), Rules: r.Version, Outcome: a.outcome(), State: "detected",
		Sensitive: index.Sensitive || a.Sensitive || last.Sensitive,
	}
	if a.led != nil {
		out.Arrival.Admission = a.led.Encounter
	}
	out.Planned, out.Reasons = r.planned(index, last)
	for _, m := range r.Measures {
		out.Measures = append(out.Measures, m.classify(index, last, out.Planned, r.cared(index), zone))
	}
	return out
}

// outcome is what an arrival came to; empty while nobody knows.
func (a arrival) outcome() string {
	last := a.last()
	switch last.Class {
	case "inpatient", "obstetrics":
		return Admitted
	case "observation":
		return Observation
	}
	if last.State != "finished" {
		return ""
	}
	switch last.Disposition {
	case "20", "40", "41", "42":
		return Died
	case "09":
		return Admitted
	case "07":
		return Left
	case "30":
		return ""
	case "02", "05", "43", "65", "66", "70", "82", "85", "88", "93", "94", "95":
		return Transferred
	}
	return Released
}

// planned reports whether a return was planned, and by which rules; or why not.
func (r *Rules) planned(index, came Visit) (yes bool, reasons []string) {
	for _, p := range r.Planned {
		switch {
		case len(p.IndexLeftBy) > 0 && !slices.Contains(p.IndexLeftBy, index.Disposition),
			len(p.Classes) > 0 && !slices.Contains(p.Classes, came.Class),
			len(p.AdmitTypes) > 0 && !slices.Contains(p.AdmitTypes, came.AdmitType),
			len(p.Principal) > 0 && !begins(came.Principal, p.Principal):
			continue
		}
		yes = true
		reasons = append(reasons, "planned: "+p.Title)
	}
	switch {
	case !yes:
		reasons = append(reasons, "unplanned: nothing says that it was expected")
	case came.Class == "emergency" || came.AdmitType == "emergency" || came.AdmitType == "trauma":
		reasons = append(reasons, "but came as an emergency: it may not be the return that was planned")
	}
	return yes, reasons
}

// classify says whether a return counts in a measure, with every reason why not.
func (m measureRule) classify(index, came Visit, planned, cared bool, zone *time.Location) events.Measure {
	out := events.Measure{ID: m.ID}
	no := func(holds bool, why string) {
		if holds {
			out.Reasons = append(out.Reasons, why)
		}
	}
	apart := days(*index.DischargedAt, *came.AdmittedAt, zone)
	no(cared, "the discharge is from no acute care: "+index.Kind)
	no(!slices.Contains(m.IndexClasses, index.Class), "the discharge is of class "+index.Class)
	no(!slices.Contains(m.ReturnClasses, came.Class), "the return is of class "+came.Class)
	no(apart > m.Window, strconv.Itoa(apart)+" days from discharge to admission, more than "+strconv.Itoa(m.Window))
	no(apart < m.DistinctDays, "one stay: fewer than "+strconv.Itoa(m.DistinctDays)+" days from discharge to admission, a direct transfer")
	no(!m.SameDayIndex && index.AdmittedAt != nil && days(*index.AdmittedAt, *index.DischargedAt, zone) == 0, "the discharged stay ended on the day it began")
	no(index.Age != nil && *index.Age < m.MinAge, "younger than "+strconv.Itoa(m.MinAge))
	no(begins(index.Principal, m.Pregnancy), "the discharged stay was for pregnancy")
	no(planned && !m.Planned, "planned")
	out.Counts = len(out.Reasons) == 0
	return out
}

// Ends reports whether one of the returns is an admission: then the transition of
// care of the discharge is readmitted.
func (r *Rules) Ends(returns []events.Readmission) (by *events.Readmission) {
	for i := range returns {
		if slices.Contains(r.Admitted, returns[i].Arrival.Class) {
			return &returns[i]
		}
	}
	return nil
}

// Judge gives the flags of a patient's use of care, each once with all the rules
// that hold. What is not known makes no flag.
func (r *Rules) Judge(stay events.Encounter, before []Before) []events.Flag {
	var out []events.Flag
	for _, f := range r.Flags {
		why := f.holds(stay, before)
		if why == "" {
			continue
		}
		i := slices.IndexFunc(out, func(g events.Flag) bool { return g.Code == f.Code })
		if i < 0 {
			i = len(out)
			out = append(out, events.Flag{Code: f.Code})
		}
		out[i].Reasons, out[i].Rules = append(out[i].Reasons, why), append(out[i].Rules, f.Rule)
	}
	return out
}

// holds gives the reason in words, or nothing.
func (f *flagRule) holds(stay events.Encounter, before []Before) string {
	switch {
	case f.ED12mOver != nil:
		if n := stay.PriorED12m; n != nil && *n > *f.ED12mOver {
			return strconv.Itoa(*n) + " emergency visits in the 12 months before"
		}
	case f.ED60dOver != nil:
		if n := stay.PriorED60d; n != nil && *n > *f.ED60dOver {
			return strconv.Itoa(*n) + " emergency visits in the 60 days before"
		}
	case len(f.AdmitSources) > 0:
		if slices.Contains(f.AdmitSources, stay.AdmitSource) {
			return f.Title
		}
	case f.Before != nil:
		for _, b := range before {
			if b.Days <= f.Before.Days && (len(f.Before.Dispositions) == 0 || slices.Contains(f.Before.Dispositions, b.Disposition)) &&
				(len(f.Before.Classes) == 0 || slices.Contains(f.Before.Classes, b.Class)) &&
				(len(f.Before.Types) == 0 || slices.Contains(f.Before.Types, b.Kind)) && !(f.Before.Acute && b.NotAcute) {
				return f.Title + ": " + strconv.Itoa(b.Days) + " days"
			}
		}
	}
	return ""
}
