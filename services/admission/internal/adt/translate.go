package adt

import (
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// Command is what a message asks for, in the words of this service.
type Command struct {
	Trigger     string
	Kind        encounter.Kind // 0: it is about the patient alone
	Fact        encounter.Fact // without Patient and Message
	Visit       Visit
	Identifiers []identity.Identifier
	Person      identity.Statement
	Location    *time.Location // of times without a zone
}

// Visit is how a message names the stay it is about.
type Visit struct {
	Key    string // kind and number; "" if the message names none
	Number string // as sent
}

// Verdict says why a message is not acted on; the zero Verdict means that it is.
type Verdict struct {
	State  string // Ignored or Quarantined
	Reason string
}

// The states of a message, literally as in the contract.
const (
	Kept        = "kept"
	Applied     = "applied"
	Ignored     = "ignored"
	Quarantined = "quarantined"
	Rejected    = "rejected"
)

// The reasons for not acting on a message that was kept.
const (
	NotHandled     = "trigger-not-handled"
	NoTrigger      = "no-trigger"
	NoPatient      = "no-patient-id"
	ImpossibleTime = "impossible-time"
	Fragmented     = "fragment"
)

var triggers = map[string]encounter.Kind{
	"A01": encounter.Admit, "A02": encounter.Transfer, "A03": encounter.Discharge, "A04": encounter.Register,
	"A05": encounter.PreAdmit, "A06": encounter.ToInpatient, "A07": encounter.ToOutpatient, "A08": encounter.Update,
	"A11": encounter.CancelAdmit, "A12": encounter.CancelTransfer, "A13": encounter.CancelDischarge,
	"A14": encounter.PendingAdmit, "A15": encounter.ExpectTransfer, "A16": encounter.ExpectDischarge,
	"A21": encounter.LeaveStart, "A22": encounter.LeaveEnd, "A23": encounter.Delete,
	"A25": encounter.CancelExpectDischarge, "A26": encounter.CancelExpectTransfer,
	"A27": encounter.CancelPendingAdmit, "A38": encounter.CancelPreAdmit,
}

// Translate turns an ADT message into a command. hash is the digest of its bytes, received when its
// frame came in. It never fails: what cannot be acted on has a Verdict.
func Translate(m *hl7.Message, feed *Feed, fac *Facility, hash events.ID, received time.Time) (*Command, Verdict) {
	c := &Command{Trigger: m.Trigger()}
	kind, ok := triggers[c.Trigger]
	switch {
	case c.Trigger == "":
		return c, Verdict{Quarantined, NoTrigger}
	case m.Fragment():
		return c, Verdict{Quarantined, Fragmented}
	case !ok && c.Trigger != "A28" && c.Trigger != "A31":
		return c, Verdict{Ignored, NotHandled}
	}
	c.Location = m.Zone(feed.zone(fac))
	pid := m.Segment("PID")
	if c.Identifiers = identifiers(pid, fac); len(c.Identifiers) == 0 {
		return c, Verdict{Quarantined, NoPatient}
	}
	r := reader{m: m, feed: feed, loc: c.Location, pid: pid, pv1: m.Segment("PV1"), pv2: m.Segment("PV2"), evn: m.Segment("EVN")}
	r.times(&c.Fact, kind, received)
	if f := &c.Fact; f.Occurred.After(received.AddDate(1, 0, 0)) || f.Occurred.Year() < 1900 {
		return c, Verdict{Quarantined, ImpossibleTime}
	}
	c.Fact.Control, c.Fact.Hash, c.Fact.Received = m.ControlID(), hash, received
	c.Person = r.person(c.Fact.Recorded, c.Fact.Control)
	c.Visit = r.visit()
	if kind == encounter.Update && c.Visit.Key == "" && (!r.pv1.Exists() || r.pv1.Field(2).Is("N")) {
		kind = 0 // an update of a person, sent as one of a visit
	}
	if c.Kind = kind; kind != 0 {
		r.stay(&c.Fact, kind)
	}
	return c, Verdict{}
}

// identifiers are those of PID-3 that have a value.
func identifiers(pid hl7.Segment, fac *Facility) []identity.Identifier {
	var out []identity.Identifier
	for rep := range pid.Field(3).Reps() {
		id := rep.Component(1)
		if id.IsNull() || strings.TrimSpace(id.String()) == "" {
			continue
		}
		kind := strings.ToUpper(rep.Component(5).String())
		if kind == "SS" {
			continue // a social security number is not stored
		}
		hd := rep.Component(4).HD()
		authority, stated := hd.UniversalID, true
		if authority == "" {
			authority = hd.Namespace
		}
		if authority == "" {
			authority, stated = fac.Code, false
		}
		out = append(out, identity.NewIdentifier(fac.Org, kind, authority, stated, id.String()))
	}
	return out
}

// reader reads the parts of one message.
type reader struct {
	m                  *hl7.Message
	feed               *Feed
	loc                *time.Location
	pid, pv1, pv2, evn hl7.Segment
}

// at is a field as an instant; nil where there is none, or none that can be read.
func (r *reader) at(f hl7.Field) *time.Time {
	d, err := f.DTM()
	if err != nil || d.IsZero() || d.Year == 0 {
		return nil
	}
	t := d.In(r.loc).UTC()
	return &t
}

// times are the orders of contract.md: event, recorded, sent. A cancel's EVN-6 is the time of what it cancels.
func (r *reader) times(f *encounter.Fact, kind encounter.Kind, received time.Time) {
	sent, recorded, happened := r.at(r.m.Segment("MSH").Field(7)), r.at(r.evn.Field(2)), r.at(r.evn.Field(6))
	first := func(list ...*time.Time) time.Time {
		for _, t := range list {
			if t != nil {
				return *t
			}
		}
		return received.UTC().Truncate(time.Second)
	}
	f.Sent = first(sent, recorded)
	f.Recorded = first(recorded, sent)
	f.Happened = first(happened, recorded, sent)
	var own *time.Time
	switch kind {
	case encounter.Admit, encounter.Register:
		own = r.at(r.pv1.Field(44))
	case encounter.Discharge:
		own = r.at(r.pv1.Field(45))
	}
	f.Occurred = first(happened, own, recorded, sent)
}

// visit reads the visit key by the feed's rule.
func (r *reader) visit() Visit {
	order := r.feed.Dialect.VisitKey
	if len(order) == 0 {
		order = DefaultVisitKey
	}
	for _, path := range order {
		var f hl7.Field
		var prefix string
		switch path {
		case "PV1-19":
			f, prefix = r.pv1.Field(19), "VN:"
		case "PID-18":
			f, prefix = r.pid.Field(18), "AN:"
		case "PV1-50":
			f, prefix = r.pv1.Field(50), "AV:"
		case "PV1-5":
			f, prefix = r.pv1.Field(5), "PN:"
		default:
			f, prefix = r.m.Get(path), path+":"
		}
		if v := f.String(); strings.TrimSpace(v) != "" {
			return Visit{Key: prefix + v, Number: v}
		}
	}
	return Visit{}
}

// stay reads what a message says of the stay.
func (r *reader) stay(f *encounter.Fact, kind encounter.Kind) {
	f.Kind = kind
	place := r.pv1.Field(3)
	f.Place = encounter.Place{Unit: place.Component(1).String(), Room: place.Component(2).String(), Bed: place.Component(3).String()}
	v := &f.Values
	d := &r.feed.Dialect
	v.Class = d.class(r.pv1.Value(2), r.pv1.Value(18), r.pv1.Value(4))
	v.AdmitAt, v.DischargeAt = r.at(r.pv1.Field(44)), r.at(r.pv1.Field(45))
	if v.AdmitAt != nil {
		admit, _ := r.pv1.Field(44).DTM()
		v.AdmitDay = admit.Precision <= hl7.Day
	}
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
	v.Protected = r.m.Segment("PD1").Field(12).Is("Y")
	v.Account = valueOf(r.pid.Field(18))
	v.PendingUnit = r.pv1.Field(42).Component(1).String()
	f.Diagnoses, v.DiagnosesSent = r.diagnoses()
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// deleted is encounter.Deleted for a null, else "".
func deleted(f hl7.Field) string {
	if f.IsNull() || f.Component(1).IsNull() {
		return encounter.Deleted
	}
	return ""
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

// attending is the staff id in PV1-7: an NPI where one of its repetitions is one, else the first.
func (r *reader) attending() string {
	f := r.pv1.Field(7)
	if d := deleted(f); d != "" {
		return d
	}
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

// diagnoses reads the DG1 group in snapshot mode: present, it is the whole list; one segment with ""
// in its code deletes all. Removed ones (DG1-21 = D) are left out.
func (r *reader) diagnoses() ([]encounter.Diagnosis, bool) {
	var out []encounter.Diagnosis
	sent := false
	for s := range r.m.All("DG1") {
		code := s.Field(3)
		if code.Empty() && s.Field(4).Empty() {
			continue
		}
		sent = true
		if code.Component(1).IsNull() || s.Field(21).Is("D") || code.Component(1).Empty() {
			continue
		}
		system := or(code.Component(3).String(), s.Value(2))
		if isICD10(system) {
			system = encounter.ICD10
		}
		out = append(out, encounter.Diagnosis{Code: code.Component(1).String(), System: system, Type: s.Value(6), Priority: digits(s.Value(15))})
	}
	return out, sent
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
