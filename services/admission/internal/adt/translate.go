package adt

import (
	"slices"
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
	Acts        []Act          // what it says of names: merges, moves, renames
	More        []*Command     // what else the same message says, of other patients or stays
}

// Parts are the command and its further ones, in the order of the message.
func (c *Command) Parts(yield func(*Command) bool) {
	if yield(c) {
		for _, m := range c.More {
			if !yield(m) {
				return
			}
		}
	}
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
	NoPrior        = "no-prior-id"    // a merge that does not say of what
	SameID         = "prior-id-same"  // a merge of something with itself
	NoVisit        = "no-visit"       // a merge or move of a stay that names none
	BedStatus      = "bed-status"     // A20: about a bed, not about a patient
	Query          = "query"          // A19
	OnePatient     = "single-patient" // a link of one patient, a swap of one bed
)

var triggers = map[string]encounter.Kind{
	"A01": encounter.Admit, "A02": encounter.Transfer, "A03": encounter.Discharge, "A04": encounter.Register,
	"A05": encounter.PreAdmit, "A06": encounter.ToInpatient, "A07": encounter.ToOutpatient, "A08": encounter.Update,
	"A11": encounter.CancelAdmit, "A12": encounter.CancelTransfer, "A13": encounter.CancelDischarge,
	"A14": encounter.PendingAdmit, "A15": encounter.ExpectTransfer, "A16": encounter.ExpectDischarge,
	"A21": encounter.LeaveStart, "A22": encounter.LeaveEnd, "A23": encounter.Delete,
	"A25": encounter.CancelExpectDischarge, "A26": encounter.CancelExpectTransfer,
	"A27": encounter.CancelPendingAdmit, "A38": encounter.CancelPreAdmit,
	"A09": encounter.Depart, "A10": encounter.Arrive, "A32": encounter.CancelArrive, "A33": encounter.CancelDepart,
	"A52": encounter.CancelLeaveStart, "A53": encounter.CancelLeaveEnd,
	"A54": encounter.ChangeAttending, "A55": encounter.CancelAttending,
	"A61": encounter.ChangeConsulting, "A62": encounter.CancelConsulting,
}

// about are the triggers that are about a person alone: demographics, allergies.
var about = map[string]bool{"A28": true, "A29": true, "A31": true, "A60": true}

// ignored are the triggers that nothing is to be done about, with why.
var ignored = map[string]string{"A19": Query, "A20": BedStatus}

// Translate turns an ADT message into a command. hash is the digest of its bytes, received when its
// frame came in. It never fails: what cannot be acted on has a Verdict.
func Translate(m *hl7.Message, feed *Feed, fac *Facility, hash events.ID, received time.Time) (*Command, Verdict) {
	c := &Command{Trigger: m.Trigger()}
	kind, stays := triggers[c.Trigger]
	read, joins := mergers[c.Trigger]
	switch {
	case c.Trigger == "":
		return c, Verdict{Quarantined, NoTrigger}
	case m.Fragment():
		return c, Verdict{Quarantined, Fragmented}
	case ignored[c.Trigger] != "":
		return c, Verdict{Ignored, ignored[c.Trigger]}
	case !stays && !joins && !about[c.Trigger]:
		return c, Verdict{Ignored, NotHandled}
	}
	r := reader{m: m, feed: feed, fac: fac, loc: m.Zone(feed.zone(fac)), hash: hash, received: received, evn: m.Segment("EVN")}
	if joins {
		return r.groups(c, read)
	}
	return c, r.command(c, m.Group, kind)
}

// command reads one patient and, unless kind is 0, one stay.
func (r *reader) command(c *Command, g hl7.Group, kind encounter.Kind) Verdict {
	r.open(g)
	c.Location = r.loc
	if c.Identifiers = identifiers(r.pid.Field(3), r.fac); len(c.Identifiers) == 0 {
		return Verdict{Quarantined, NoPatient}
	}
	r.times(&c.Fact, kind, r.received)
	if f := &c.Fact; f.Occurred.After(r.received.AddDate(1, 0, 0)) || f.Occurred.Year() < 1900 {
		return Verdict{Quarantined, ImpossibleTime}
	}
	c.Fact.Control, c.Fact.Hash, c.Fact.Received = r.m.ControlID(), r.hash, r.received
	c.Person = r.person(c.Fact.Recorded, c.Fact.Control)
	c.Visit = r.visit()
	if kind == encounter.Update && c.Visit.Key == "" && (!r.pv1.Exists() || r.pv1.Field(2).Is("N")) {
		kind = 0 // an update of a person, sent as one of a visit
	}
	if c.Kind = kind; kind != 0 {
		r.stay(&c.Fact, kind)
		if v := r.prior(r.g.Segment("MRG")); (kind == encounter.ToInpatient || kind == encounter.ToOutpatient) && v.Key != c.Visit.Key {
			c.Fact.Values.Prior = v.Key
		}
	}
	if c.Trigger == "A29" {
		c.Acts = append(c.Acts, Act{Kind: DeletePerson})
	}
	return Verdict{}
}

// identifiers are those of a field (PID-3, MRG-1) that have a value.
func identifiers(f hl7.Field, fac *Facility) []identity.Identifier {
	var out []identity.Identifier
	for rep := range f.Reps() {
		if id, ok := identifier(rep, fac); ok {
			out = append(out, id)
		}
	}
	return out
}

func identifier(rep hl7.Field, fac *Facility) (identity.Identifier, bool) {
	id := rep.Component(1)
	kind := strings.ToUpper(rep.Component(5).String())
	if id.IsNull() || strings.TrimSpace(id.String()) == "" || kind == "SS" {
		return identity.Identifier{}, false // a social security number is not stored
	}
	authority := authorityOf(rep)
	stated := authority != ""
	return identity.NewIdentifier(fac.Org, kind, or(authority, fac.Code), stated, id.String()), true
}

// authorityOf is the universal id of a CX's assigning authority, else its namespace.
func authorityOf(rep hl7.Field) string {
	hd := rep.Component(4).HD()
	return or(hd.UniversalID, hd.Namespace)
}

// reader reads the parts of one message, one group (a patient and what follows) at a time.
type reader struct {
	m        *hl7.Message
	feed     *Feed
	fac      *Facility
	loc      *time.Location
	hash     events.ID
	received time.Time

	g                  hl7.Group
	pid, pv1, pv2, evn hl7.Segment
}

func (r *reader) open(g hl7.Group) {
	r.g = g
	r.pid, r.pv1, r.pv2 = g.Segment("PID"), g.Segment("PV1"), g.Segment("PV2")
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
	v.Gone = r.gone()
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
	for bit, f := range map[encounter.Times]hl7.Field{
		encounter.AdmitTime: r.pv1.Field(44), encounter.DischargeTime: r.pv1.Field(45),
		encounter.PlannedTime: r.pv2.Field(8), encounter.ExpectedTime: r.pv2.Field(9),
	} {
		if deleted(f) != "" {
			t |= bit
		}
	}
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
	if deleted(f) != "" {
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
