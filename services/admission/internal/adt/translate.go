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
	value, kind := id.String(), strings.ToUpper(rep.Component(5).String())
	if id.IsNull() || strings.TrimSpace(value) == "" || kind == "SS" {
		return identity.Identifier{}, false // a social security number is not stored
	}
	authority := authorityOf(rep)
	stated := authority != ""
	return identity.NewIdentifier(fac.Org, kind, or(authority, fac.Code), stated, value), true
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

// dtm is a field as a timestamp; false where there is none, or none that can be read.
func (r *reader) dtm(f hl7.Field) (hl7.DTM, bool) {
	d, err := f.DTM()
	return d, err == nil && !d.IsZero() && d.Year != 0
}

// instant is a timestamp as an instant; nil where there is none.
func (r *reader) instant(d hl7.DTM, known bool) *time.Time {
	if !known {
		return nil
	}
	t := d.In(r.loc).UTC()
	return &t
}

// at is a field as an instant; nil where there is none, or none that can be read.
func (r *reader) at(f hl7.Field) *time.Time { return r.instant(r.dtm(f)) }

// moment is an instant that may not be known.
type moment struct {
	at    time.Time
	known bool
}

// when is a field as a moment.
func (r *reader) when(f hl7.Field) (m moment) {
	d, known := r.dtm(f)
	if known {
		m = moment{d.In(r.loc).UTC(), true}
	}
	return m
}

// times are the orders of contract.md: event, recorded, sent. A cancel's EVN-6 is the time of what it cancels.
func (r *reader) times(f *encounter.Fact, kind encounter.Kind, received time.Time) {
	sent, recorded, happened := r.when(r.m.Segment("MSH").Field(7)), r.when(r.evn.Field(2)), r.when(r.evn.Field(6))
	first := func(list ...moment) time.Time {
		for _, m := range list {
			if m.known {
				return m.at
			}
		}
		return received.UTC().Truncate(time.Second)
	}
	f.Sent = first(sent, recorded)
	f.Recorded = first(recorded, sent)
	f.Happened = first(happened, recorded, sent)
	var own moment
	switch kind {
	case encounter.Admit, encounter.Register:
		own = r.when(r.pv1.Field(44))
	case encounter.Discharge:
		own = r.when(r.pv1.Field(45))
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
