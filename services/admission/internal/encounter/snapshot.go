package encounter

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Whose is what a snapshot says of the patient; it comes from the newest demographics.
type Whose struct {
	Birth     time.Time // zero: not known
	Sex       string
	ZIP3      string
	Language  string
	Payer     string
	Deceased  bool
	Sensitive bool
}

// Where is what a snapshot says of the facility.
type Where struct {
	Facility       string
	FacilityID     events.ID
	Zone           string
	Location       *time.Location // of Zone
	SensitiveUnits []string
}

// Past is what a snapshot says of a stay's relation to other stays.
type Past struct {
	ED6m, ED12m, ED60d, Admissions12m *int
	Episode, Mother                   events.ID
}

// Know turns a stay into what others are told of it.
func Know(id events.ID, s Stay, whose Whose, where Where, past Past) Known {
	e := events.Encounter{
		ID: id, Patient: s.Patient, Facility: where.Facility, FacilityID: where.FacilityID, Zone: where.Zone,
		Unit: s.Place.Unit, Class: s.Class, State: s.State,
		AdmittedAt: utc(s.AdmittedAt), InpatientAt: utc(s.InpatientAt), ObservationAt: utc(s.ObservedAt), DischargedAt: utc(s.DischargedAt), ExpectedAt: utc(s.ExpectedAt),
		Disposition: s.Disposition, AdmitType: s.AdmitType, AdmitSource: s.AdmitSource, Service: s.Service,
		Attending: s.Attending, Diagnoses: icd10(s.Diagnoses),
		Sex: whose.Sex, ZIP3: whose.ZIP3, Language: whose.Language, Payer: whose.Payer,
		Deceased:  whose.Deceased || died(s.Disposition),
		Sensitive: whose.Sensitive || s.VIP || s.Place.Unit != "" && slices.Contains(where.SensitiveUnits, s.Place.Unit),
		Implicit:  s.Implicit, Procedures: s.Procedures,
		PriorED6m: past.ED6m, PriorED12m: past.ED12m, PriorED60d: past.ED60d, PriorAdmissions12m: past.Admissions12m, Episode: past.Episode, Mother: past.Mother,
	}
	if s.Disposition == Unmapped {
		e.Disposition, e.RawDisposition = "", true
	}
	e.Age = age(whose.Birth, s.AdmittedAt, where.Location)
	return Known{Encounter: e, Place: s.Place}
}

// died: the discharge dispositions that mean death.
func died(disposition string) bool {
	switch disposition {
	case "20", "40", "41", "42":
		return true
	}
	return false
}

// age is in whole years on the local day of admission.
func age(birth time.Time, admitted *time.Time, loc *time.Location) *int {
	if birth.IsZero() || admitted == nil {
		return nil
	}
	day := *admitted
	if loc != nil {
		day = day.In(loc)
	}
	years := day.Year() - birth.Year()
	if day.Month() < birth.Month() || day.Month() == birth.Month() && day.Day() < birth.Day() {
		years--
	}
	if years < 0 || years > 150 {
		return nil
	}
	return &years
}

// icd10 lists the ICD-10-CM codes without dot, principal first, each once.
func icd10(list []Diagnosis) []string {
	var out []string
	byOrder := func(a, b Diagnosis) int { return cmp.Compare(order(a), order(b)) }
	if !slices.IsSortedFunc(list, byOrder) {
		list = slices.Clone(list)
		slices.SortStableFunc(list, byOrder)
	}
	for _, d := range list {
		if code := strings.ToUpper(strings.ReplaceAll(d.Code, ".", "")); d.System == ICD10 && code != "" && !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	return out
}

// ICD10 is the system of any ICD-10 coding.
const ICD10 = "icd-10"

func order(d Diagnosis) int {
	if d.Priority > 0 {
		return d.Priority
	}
	return 1000
}

func utc(t *time.Time) *time.Time {
	if t == nil || t.Location() == time.UTC {
		return t
	}
	u := t.UTC()
	return &u
}

func decimal(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}
