package adt

import (
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

// stay reads what a message says of the stay.
func (r *reader) stay(f *encounter.Fact, kind encounter.Kind) {
	f.Kind = kind
	place := r.pv1.Field(3)
	f.Place = encounter.Place{Unit: place.Component(1).String(), Room: place.Component(2).String(), Bed: place.Component(3).String()}
	v := &f.Values
	d := &r.feed.Dialect
	v.Class = d.class(r.pv1.Value(2), r.pv1.Value(18), r.pv1.Value(4))
	admit, known := r.dtm(r.pv1.Field(44))
	v.AdmitAt, v.DischargeAt = r.instant(admit, known), r.at(r.pv1.Field(45))
	v.AdmitDay = known && admit.Precision <= hl7.Day
	v.Gone = r.gone()
	v.PlannedAt, v.ExpectedAt = r.at(r.pv2.Field(8)), r.at(r.pv2.Field(9))
	if kind == encounter.ExpectDischarge && v.ExpectedAt == nil {
		v.ExpectedAt = r.at(r.evn.Field(3))
	}
	disposition := r.pv1.Field(36)
	v.Disposition = or(deleted(disposition), d.disposition(disposition.String()))
	if kind == encounter.ExpectDischarge {
		v.ExpectedDisposition, v.Disposition = or(d.disposition(r.pv2.Value(27)), v.Disposition), ""
	}
	v.AdmitType = or(deleted(r.pv1.Field(4)), admitType(r.pv1.Value(4)))
	v.AdmitSource = valueOf(r.pv1.Field(14))
	v.Service = valueOf(r.pv1.Field(10))
	v.Attending = r.attending()
	v.VIP = vip(r.pv1.Field(16))
	v.Protected = r.g.Segment("PD1").Field(12).Is("Y")
	v.Account = valueOf(r.pid.Field(18))
	v.PendingUnit = valueOf(r.pv1.Field(42))
	v.Consulting = r.consulting()
	if away := r.pv1.Field(11); kind.Tracking() && !away.Empty() && !away.IsNull() {
		v.Temporary = &encounter.Place{Unit: away.Component(1).String(), Room: away.Component(2).String(), Bed: away.Component(3).String()}
	}
	f.Diagnoses, v.DiagnosesSent, v.DiagnosesChanged = r.diagnoses()
	v.Procedures = r.procedures()
	if mother, ok := identifier(r.pid.Field(21).Rep(1), r.fac); ok {
		v.Mother = mother.Key
	}
}

// gone are the times that were sent as deleted.
func (r *reader) gone() (t encounter.Times) {
	note := func(bit encounter.Times, f hl7.Field) {
		if deleted(f) != "" {
			t |= bit
		}
	}
	note(encounter.AdmitTime, r.pv1.Field(44))
	note(encounter.DischargeTime, r.pv1.Field(45))
	note(encounter.PlannedTime, r.pv2.Field(8))
	note(encounter.ExpectedTime, r.pv2.Field(9))
	return t
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// deleted is encounter.Deleted for a null, else "".
func deleted(f hl7.Field) string {
	if null(f) {
		return encounter.Deleted
	}
	return ""
}

// null: the field is, or begins with, a null.
func null(f hl7.Field) bool {
	raw := f.Raw()
	return len(raw) > 0 && raw[0] == '"' && (f.IsNull() || f.Component(1).IsNull())
}

func valueOf(f hl7.Field) string { return or(deleted(f), f.String()) }

func vip(f hl7.Field) string {
	if d := deleted(f); d != "" {
		return d
	}
	switch v := strings.ToUpper(f.String()); v {
	case "":
		return ""
	case "N", "NO", "0":
		return encounter.Deleted
	}
	return "Y"
}

// attending is the staff id in PV1-7, else of the attending among the visit's ROL or PRT.
func (r *reader) attending() string {
	f := r.pv1.Field(7)
	if d := deleted(f); d != "" {
		return d
	}
	if id := staffID(f); id != "" {
		return id
	}
	visit := r.g.From("PV1").Before("DG1").Before("PR1").Before("IN1")
	for s := range visit.All("ROL") {
		if role := s.Field(3); role.Is("AT") && !s.Field(2).Is("DE") {
			return staffID(s.Field(4))
		}
	}
	for s := range visit.All("PRT") {
		if role := s.Field(4); role.Is("AT") && !s.Field(2).Is("DE") {
			return staffID(s.Field(5))
		}
	}
	return ""
}

// staffID is an NPI where one of a field's repetitions is one, else the first.
func staffID(f hl7.Field) string {
	first := ""
	for rep := range f.Reps() {
		id := rep.Component(1).String()
		if rep.Component(13).Is("NPI") || rep.Component(9).Sub(1).Is("NPI") {
			return id
		}
		if first == "" {
			first = id
		}
	}
	return first
}

// consulting lists the staff ids in PV1-9. Repetitions of one name are one person with several ids.
func (r *reader) consulting() (out []string) {
	f := r.pv1.Field(9)
	switch {
	case f.Empty():
		return nil
	case deleted(f) != "":
		return []string{encounter.Deleted}
	}
	seen := map[string]int{}
	for rep := range f.Reps() {
		x := rep.XCN()
		if x.ID == "" {
			continue
		}
		name := x.Family + "^" + x.Given
		at, known := seen[name]
		switch npi := x.IDType == "NPI" || x.Authority.Namespace == "NPI"; {
		case known && name != "^" && npi:
			out[at] = x.ID
		case known && name != "^":
		default:
			seen[name] = len(out)
			out = append(out, x.ID)
		}
	}
	return out
}

// procedures counts the PR1 group, in snapshot mode; nil where there is none.
func (r *reader) procedures() *int {
	n, sent := 0, false
	for s := range r.g.All("PR1") {
		code := s.Field(3)
		if code.Empty() && s.Field(4).Empty() {
			continue
		}
		sent = true
		if deleted(code) == "" && !s.Field(20).Is("D") {
			n++
		}
	}
	if !sent {
		return nil
	}
	return &n
}

// diagnoses reads the DG1 group. In snapshot mode it is the whole list, if it is there at all; one
// segment with "" in its code deletes all, and removed ones (DG1-21 = D) are left out. Where every
// segment has an identifier and an action (DG1-20, DG1-21) they are changes to single diagnoses.
func (r *reader) diagnoses() (out []encounter.Diagnosis, whole, changes bool) {
	single := true
	for s := range r.g.All("DG1") {
		code := s.Field(3)
		if code.Empty() && s.Field(4).Empty() && s.Field(20).Empty() {
			continue
		}
		whole = true
		removed := s.Field(21).Is("D")
		d := encounter.Diagnosis{ID: s.Value(20), Removed: removed}
		single = single && d.ID != "" && !s.Field(21).Empty()
		if system := or(code.Component(3).String(), s.Value(2)); isICD10(system) {
			d.System = encounter.ICD10
		} else {
			d.System = system
		}
		d.Code, d.Type, d.Priority = code.Component(1).String(), s.Value(6), digits(s.Value(15))
		if d.Code != "" || removed {
			out = append(out, d)
		}
	}
	if whole && single && len(out) > 0 {
		return out, false, true
	}
	return slices.DeleteFunc(out, func(d encounter.Diagnosis) bool { return d.Removed || d.Code == "" }), whole, false
}

func isICD10(system string) bool {
	switch s := strings.ToUpper(system); s {
	case "I10", "I10C", "ICD10", "ICD-10", "ICD10CM", "ICD-10-CM", "10", "2.16.840.1.113883.6.90":
		return true
	}
	return false
}

func digits(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 999 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}
