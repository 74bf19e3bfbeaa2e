package adt

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/phi"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// JSONEvent is an admission event as JSON, version 1, for senders without HL7. Times are RFC 3339
// with a zone. It ends in the same inbox and the same fold as ADT.
type JSONEvent struct {
	Version    int         `json:"version" enum:"1" doc:"always 1"`
	ID         string      `json:"id" minLength:"1" maxLength:"200" doc:"unique per feed: the same id with the same content is one event"`
	Facility   string      `json:"facility" doc:"the facility's code"`
	Event      string      `json:"event" enum:"pre-admit,pending-admit,register,admit,to-inpatient,to-outpatient,transfer,update,expect-transfer,expect-discharge,discharge,leave-start,leave-end,cancel-admit,cancel-transfer,cancel-discharge,cancel-expect-discharge,cancel-expect-transfer,cancel-pending-admit,cancel-pre-admit,delete,cancel-leave-start,cancel-leave-end,depart,arrive,cancel-arrive,cancel-depart,change-attending,cancel-attending,change-consulting,cancel-consulting,person"`
	OccurredAt time.Time   `json:"occurred_at"`
	RecordedAt time.Time   `json:"recorded_at"`
	Patient    JSONPatient `json:"patient"`
	Visit      JSONVisit   `json:"visit,omitempty"`
}

// JSONPatient is who an event is about.
type JSONPatient struct {
	Identifiers []JSONIdentifier        `json:"identifiers" minItems:"1"`
	Name        *identity.PersonName    `json:"name,omitempty"`
	BirthDate   string                  `json:"birth_date,omitempty" format:"date"`
	Sex         string                  `json:"sex,omitempty"`
	Address     *identity.PostalAddress `json:"address,omitempty"`
	Phones      []identity.Telecom      `json:"phones,omitempty"`
	SSN4        string                  `json:"ssn_last4,omitempty" doc:"the last four digits of the social security number; only a keyed digest of them is kept"`
	Language    string                  `json:"language,omitempty"`
	Deceased    *bool                   `json:"deceased,omitempty"`
	Restricted  *bool                   `json:"restricted,omitempty"`
	Contacts    []identity.Contact      `json:"contacts,omitempty"`
	Coverage    []identity.Coverage     `json:"coverage,omitempty"`
}

// JSONIdentifier is an identifier: HL7 table 0203 type and the authority that gave it.
type JSONIdentifier struct {
	Type      string `json:"type"`
	Authority string `json:"authority,omitempty"`
	Value     string `json:"value" minLength:"1"`
}

// JSONVisit is what an event says of the stay. Class and disposition are this system's own words.
type JSONVisit struct {
	Number       string                `json:"number,omitempty"`
	Class        string                `json:"class,omitempty" enum:"inpatient,observation,emergency,outpatient,recurring,preadmit,obstetrics,newborn,other"`
	Unit         string                `json:"unit,omitempty"`
	Room         string                `json:"room,omitempty"`
	Bed          string                `json:"bed,omitempty"`
	AdmittedAt   *time.Time            `json:"admitted_at,omitempty"`
	DischargedAt *time.Time            `json:"discharged_at,omitempty"`
	ExpectedAt   *time.Time            `json:"expected_discharge_at,omitempty"`
	Disposition  string                `json:"disposition,omitempty" doc:"UB-04 patient discharge status"`
	Service      string                `json:"service,omitempty"`
	Attending    string                `json:"attending,omitempty"`
	AdmitSource  string                `json:"admit_source,omitempty"`
	AdmitType    string                `json:"admit_type,omitempty"`
	Diagnoses    []encounter.Diagnosis `json:"diagnoses,omitempty"`
}

// ReadEvent reads an event strictly: a member that is not known is a mistake to be told.
func ReadEvent(body []byte) (*JSONEvent, error) {
	e := new(JSONEvent)
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(e); err != nil {
		return nil, fault.Wrap(fault.Malformed, err, "the event cannot be read: a member is unknown, of the wrong type, or a time has no zone")
	}
	_, known := jsonKind(e.Event)
	switch {
	case e.Version != 1:
		return nil, fault.New(fault.Invalid, "version must be 1")
	case e.ID == "" || len(e.ID) > 200:
		return nil, fault.New(fault.Invalid, "id must have 1 to 200 characters")
	case !known:
		return nil, fault.New(fault.Invalid, "event is none of those known")
	case e.OccurredAt.IsZero() || e.RecordedAt.IsZero():
		return nil, fault.New(fault.Invalid, "occurred_at and recorded_at are required")
	case len(e.Patient.Identifiers) == 0:
		return nil, fault.New(fault.Invalid, "the patient needs an identifier")
	}
	return e, nil
}

func jsonKind(name string) (encounter.Kind, bool) {
	if name == "person" {
		return 0, true
	}
	k := encounter.ParseKind(name)
	return k, k != 0 && k != encounter.Move
}

// NewEventInbound is an event at the door.
func NewEventInbound(feed *Feed, fac *Facility, e *JSONEvent, body []byte, received time.Time) *Inbound {
	in := newInbound(feed, body, received)
	in.Event, in.Facility, in.Control, in.Trigger = e, fac, clean(e.ID), e.Event
	sent := e.RecordedAt.UTC()
	in.Sent = &sent
	return in
}

// Translate turns the event into a command, as Translate does for a message.
func (e *JSONEvent) Translate(feed *Feed, fac *Facility, hash events.ID, received time.Time) (*Command, Verdict) {
	kind, _ := jsonKind(e.Event)
	c := &Command{Trigger: e.Event, Kind: kind, Location: feed.zone(fac)}
	for _, i := range e.Patient.Identifiers {
		if strings.TrimSpace(i.Value) == "" || i.Type == "SS" {
			continue
		}
		authority, stated := or(i.Authority, fac.Code), i.Authority != ""
		c.Identifiers = append(c.Identifiers, identity.NewIdentifier(fac.Org, strings.ToUpper(i.Type), authority, stated, i.Value))
	}
	if len(c.Identifiers) == 0 {
		return c, Verdict{Quarantined, NoPatient}
	}
	occurred, recorded := e.OccurredAt.UTC(), e.RecordedAt.UTC()
	if occurred.After(received.AddDate(1, 0, 0)) || occurred.Year() < 1900 {
		return c, Verdict{Quarantined, ImpossibleTime}
	}
	v := &e.Visit
	if v.Number != "" {
		c.Visit = Visit{Key: "VN:" + v.Number, Number: v.Number}
	}
	c.Person = e.Patient.statement(recorded, e.ID)
	c.Person.Values[identity.SSN4], c.Person.Values[identity.Medicare] = e.Patient.ssn4(feed), e.Patient.medicare(feed)
	c.Fact = encounter.Fact{
		Kind: kind, Occurred: occurred, Happened: occurred, Recorded: recorded, Sent: recorded, Received: received, Control: e.ID, Hash: hash,
		Place: encounter.Place{Unit: v.Unit, Room: v.Room, Bed: v.Bed}, Diagnoses: v.diagnoses(),
		Values: encounter.Values{
			Class: v.Class, AdmitAt: utc(v.AdmittedAt), DischargeAt: utc(v.DischargedAt), ExpectedAt: utc(v.ExpectedAt),
			Service: v.Service, Attending: v.Attending, AdmitSource: v.AdmitSource, AdmitType: v.AdmitType, DiagnosesSent: len(v.Diagnoses) > 0,
		},
	}
	if kind == encounter.ExpectDischarge {
		c.Fact.Values.ExpectedDisposition = feed.Dialect.disposition(v.Disposition)
	} else {
		c.Fact.Values.Disposition = feed.Dialect.disposition(v.Disposition)
	}
	return c, Verdict{}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func (v *JSONVisit) diagnoses() []encounter.Diagnosis {
	out := make([]encounter.Diagnosis, len(v.Diagnoses))
	for i, d := range v.Diagnoses {
		if d.System == "" || isICD10(d.System) {
			d.System = encounter.ICD10
		}
		out[i] = d
	}
	return out
}

func (p *JSONPatient) statement(recorded time.Time, id string) identity.Statement {
	s := identity.Statement{At: identity.Stamp(recorded, id)}
	set := func(g identity.Group, present bool, v func() phi.Text) {
		if present {
			s.Values[g] = v()
		}
	}
	yes := func(b *bool) func() phi.Text {
		return func() phi.Text { return phi.Of(map[bool]string{true: "Y", false: "N"}[*b]) }
	}
	set(identity.Name, p.Name != nil, func() phi.Text { return identity.Encode(p.Name) })
	set(identity.Birth, p.BirthDate != "", func() phi.Text { return phi.Of(p.BirthDate) })
	set(identity.Sex, p.Sex != "", func() phi.Text { return phi.Of(strings.ToUpper(p.Sex)) })
	set(identity.Language, p.Language != "", func() phi.Text { return phi.Of(language(p.Language, p.Language)) })
	set(identity.Phones, len(p.Phones) > 0, func() phi.Text { return identity.Encode(p.Phones) })
	set(identity.Contacts, len(p.Contacts) > 0, func() phi.Text { return identity.Encode(p.Contacts) })
	set(identity.Death, p.Deceased != nil, yes(p.Deceased))
	set(identity.Protection, p.Restricted != nil, yes(p.Restricted))
	if p.Address != nil {
		list := []identity.PostalAddress{*p.Address}
		s.Values[identity.Address], s.Values[identity.ZIP3] = identity.Encode(list), phi.Of(zip3(list))
	}
	if len(p.Coverage) > 0 {
		first := p.Coverage[0]
		s.Values[identity.Coverages], s.Values[identity.Payer] = identity.Encode(p.Coverage), phi.Of(or(first.Class, payerClass(first.Payer, first.Name, first.Plan)))
	}
	return s
}
