package encounter

import (
	"slices"
	"time"
)

// values takes each value from the newest live statement that has one; of a stay that was taken back
// as a whole, from what was said of it.
func (f *folder) values() {
	gone := f.stay.State == Cancelled || f.stay.State == EnteredInError
	for _, i := range f.said {
		g := &f.facts[i]
		if !f.live(i) && !gone {
			continue
		}
		if g.Kind == DeleteOwner {
			continue // it is not about this stay alone
		}
		if !g.Patient.IsZero() {
			f.stay.Patient = g.Patient
		}
		f.stay.Said = g.Recorded
		if g.Kind == CancelAdmit || g.Kind == CancelPreAdmit || g.Kind == CancelPendingAdmit || g.Kind.deletes() {
			continue // what such a message repeats is of a stay that is no more
		}
		f.class(g)
		f.expectation(g)
		f.disposition(g)
		f.admission(g)
		f.diagnoses(g)
	}
	if f.stay.Class == "" {
		f.stay.Class = OtherClass
	}
	if f.stay.State != Finished {
		f.stay.Disposition = ""
	}
	if !Open(f.stay.State) && f.stay.State != Planned {
		f.stay.ExpectedAt, f.stay.ExpectedDisp, f.stay.PendingUnit = nil, "", ""
	}
}

// diagnoses takes a whole list, or changes to single ones of it.
func (f *folder) diagnoses(g *Fact) {
	switch {
	case g.Values.DiagnosesChanged:
		list := slices.Clone(f.stay.Diagnoses)
		for _, d := range g.Diagnoses {
			at := slices.IndexFunc(list, func(x Diagnosis) bool { return x.ID == d.ID })
			switch {
			case d.Removed && at >= 0:
				list = slices.Delete(list, at, at+1)
			case d.Removed:
			case at >= 0:
				list[at] = d
			default:
				list = append(list, d)
			}
		}
		f.stay.Diagnoses = list
	case g.Values.DiagnosesSent:
		f.stay.Diagnoses = g.Diagnoses
	}
}

// class keeps the newest class, since when it has been inpatient, and since when it was observation.
func (f *folder) class(g *Fact) {
	class := g.Values.Class
	if class == "" {
		switch {
		case g.Kind == Admit, g.Kind == ToInpatient:
			class = Inpatient
		case g.Kind == ToOutpatient, g.Kind == Register && f.stay.Class == "":
			class = Outpatient
		}
	}
	if class == "" || g.Kind.Pending() && f.started {
		return
	}
	if class == Emergency && !g.Kind.Pending() {
		f.stay.ED = true
	}
	if class != Inpatient {
		f.stay.InpatientAt = nil
	} else if f.stay.Class != Inpatient {
		at := f.became(g)
		f.stay.InpatientAt = &at
	}
	switch {
	case class != Observation && class != Inpatient:
		f.stay.ObservedAt = nil
	case class == Observation && f.stay.ObservedAt == nil:
		at := f.became(g)
		f.stay.ObservedAt = &at
	}
	f.stay.Class = class
}

// became is when the statement g of a class took effect. An admission after an emergency visit often
// repeats the visit's own start in PV1-44: then its own time counts.
func (f *folder) became(g *Fact) time.Time {
	switch {
	case g.Kind == Update:
		return g.Recorded
	case g.Kind == Admit && g.Values.AdmitAt != nil && f.stay.Class == "":
		return *g.Values.AdmitAt
	case g.Kind == Admit && g.Values.AdmitAt != nil && f.start >= 0 && g.Values.AdmitAt.After(f.facts[f.start].Occurred):
		return *g.Values.AdmitAt
	case g.Kind == Admit:
		return g.Happened
	}
	return g.Occurred
}

// expectation keeps what is expected by a live announcement of it; an update may correct its time.
func (f *folder) expectation(g *Fact) {
	v := &g.Values
	switch g.Kind {
	case ExpectDischarge:
		f.stay.ExpectedAt, f.stay.ExpectedDisp = v.ExpectedAt, v.ExpectedDisposition
	case ExpectTransfer, PendingAdmit:
		f.stay.PendingUnit = ""
		text(&f.stay.PendingUnit, v.PendingUnit)
	case Transfer, Admit:
		f.stay.PendingUnit = ""
	case Update:
		if f.stay.ExpectedAt != nil && v.ExpectedAt != nil {
			f.stay.ExpectedAt = v.ExpectedAt
		}
		if v.Gone.Has(ExpectedTime) {
			f.stay.ExpectedAt, f.stay.ExpectedDisp = nil, ""
		}
		if f.stay.PendingUnit != "" {
			text(&f.stay.PendingUnit, v.PendingUnit)
		}
	}
	if v.PlannedAt != nil && (g.Kind.Pending() || g.Kind == Update && f.stay.PlannedAt != nil) {
		f.stay.PlannedAt = v.PlannedAt
	}
	if v.Gone.Has(PlannedTime) {
		f.stay.PlannedAt = nil
	}
}

// disposition follows statements of discharges and updates; a cancelled discharge clears it.
func (f *folder) disposition(g *Fact) {
	switch {
	case g.Kind == CancelDischarge:
		f.stay.Disposition = ""
	case g.Kind == Discharge || g.Kind == Update:
		text(&f.stay.Disposition, g.Values.Disposition)
	}
}

// admission keeps what is known of the stay as a whole.
func (f *folder) admission(g *Fact) {
	v := &g.Values
	text(&f.stay.AdmitType, v.AdmitType)
	text(&f.stay.AdmitSource, v.AdmitSource)
	text(&f.stay.Service, v.Service)
	text(&f.stay.Attending, v.Attending)
	text(&f.stay.Account, v.Account)
	text(&f.stay.Prior, v.Prior)
	switch {
	case len(v.Consulting) == 1 && v.Consulting[0] == Deleted:
		f.stay.Consulting = nil
	case len(v.Consulting) > 0:
		f.stay.Consulting = v.Consulting
	}
	if v.Procedures != nil {
		f.stay.Procedures = v.Procedures
	}
	if !v.Mother.IsZero() {
		f.stay.Mother = v.Mother
	}
	switch v.VIP {
	case "":
	case Deleted:
		f.stay.VIP = false
	default:
		f.stay.VIP = true
	}
}

func text(dst *string, v string) {
	switch v {
	case "":
	case Deleted:
		*dst = ""
	default:
		*dst = v
	}
}

// times are those of the stay as it is now.
func (f *folder) times() {
	s := &f.stay
	if !Open(s.State) && s.State != Finished {
		s.InpatientAt, s.ObservedAt = nil, nil
		return
	}
	s.AdmittedAt = f.admittedAt()
	if s.State == Finished && f.end >= 0 {
		s.DischargedAt = f.dischargedAt()
	}
	// A class that the stay had from the start began with it, also when its time is corrected.
	s.InpatientAt = f.since(Inpatient, s.InpatientAt)
	s.ObservedAt = f.since(Observation, s.ObservedAt)
}

func (f *folder) since(class string, at *time.Time) *time.Time {
	if in := f.stay.AdmittedAt; at != nil && in != nil && (f.start >= 0 && f.firstClass() == class || at.Before(*in)) {
		return in
	}
	return at
}

func (f *folder) firstClass() string {
	g := &f.facts[f.start]
	if g.Values.Class == "" && g.Kind != Register {
		return Inpatient
	}
	return g.Values.Class
}

// admittedAt is the newest PV1-44, else when the stay began; a mere date does not blunt a time of that day.
func (f *folder) admittedAt() *time.Time {
	var at *time.Time
	for _, i := range f.said {
		g := &f.facts[i]
		if !f.live(i) || g.Values.AdmitAt == nil && !g.Values.Gone.Has(AdmitTime) || g.Kind.Pending() || g.Kind == Move {
			continue
		}
		if f.stay.Reopened && g.before(&f.facts[f.start]) {
			continue
		}
		if g.Values.AdmitAt == nil {
			at = nil
			continue
		}
		if v := g.Values.AdmitAt; !(g.Values.AdmitDay && at != nil && at.Sub(*v) >= 0 && at.Sub(*v) < 24*time.Hour) {
			at = v
		}
	}
	if at == nil && f.start >= 0 {
		began := f.facts[f.start].Occurred
		at = &began
	}
	return at
}

// dischargedAt is the newest PV1-45 said by the discharge or after it; else when the discharge happened.
func (f *folder) dischargedAt() *time.Time {
	end := &f.facts[f.end]
	ended := end.Occurred
	at := &ended
	if end.Values.DischargeAt != nil {
		at = end.Values.DischargeAt
	}
	for _, i := range f.said {
		g := &f.facts[i]
		switch v := &g.Values; {
		case !f.live(i) || g.Kind != Discharge && g.Kind != Update || !end.saidBefore(g):
		case v.DischargeAt != nil:
			at = v.DischargeAt
		case v.Gone.Has(DischargeTime):
			at = &end.Happened
		}
	}
	return at
}
