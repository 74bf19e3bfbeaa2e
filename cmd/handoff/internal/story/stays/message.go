package stays

import (
	"fmt"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
)

// Person is an invented patient.
type Person struct {
	MRN, Family, Given     string
	Born                   string // YYYYMMDD
	Street, City, ZIP      string
	Phone, SSN             string
	KinFamily, KinGiven    string
	Payer                  string // IN1-3; "" none
	Shared                 string // an identifier that several hospitals know; "" none
	Confidential, Deceased bool
}

// Invent makes the n-th person of a run. No two share anything that identifies.
func Invent(run string, n int) Person {
	return Person{
		MRN: fmt.Sprintf("M%s%06d", run, n), Family: fmt.Sprintf("Fam%s%d", run, n), Given: fmt.Sprintf("Giv%d", n%997),
		Born:   fmt.Sprintf("19%02d%02d%02d", 30+n%50, 1+n%12, 1+n%28),
		Street: fmt.Sprintf("%d Elm Street", 1+n), City: "Springfield", ZIP: "62704",
		Phone: fmt.Sprintf("217555%04d", n%10000), KinFamily: fmt.Sprintf("Kin%s%d", run, n), KinGiven: "Ann",
	}
}

// Stay is one visit of one person, following a shape.
type Stay struct {
	Shape    *Shape
	Facility string // MSH-4
	Visit    string // PV1-19
	Person   Person
	Base     time.Time // when the course begins
	Prefix   string    // of its control ids
}

// Message is one message of a stay.
type Message struct {
	ControlID string
	Trigger   string
	Body      []byte
}

// NewStay makes the n-th stay of a run, of a person of its own.
func NewStay(shape *Shape, facility, run string, n int, base time.Time) *Stay {
	return &Stay{
		Shape: shape, Facility: facility, Visit: fmt.Sprintf("V%s%06d", run, n), Person: Invent(run, n),
		Base: base, Prefix: fmt.Sprintf("%s-%d-", run, n),
	}
}

// Messages are the stay's messages in the order things happened.
func (s *Stay) Messages() []Message {
	list := make([]Message, len(s.Shape.Steps))
	for i := range list {
		list[i] = s.Message(i)
	}
	return list
}

// Message makes the message of step i, counted from 0.
func (s *Stay) Message(i int) Message {
	return s.Tell(fmt.Sprintf("%s%d", s.Prefix, i+1), s.Shape.Steps[i])
}

// Tell makes a message of the stay that is not of its shape, under a control id.
func (s *Stay) Tell(id string, step Step) Message {
	b := hl7.NewBuilder(hl7.MSH{
		SendingApplication: "STORY", SendingFacility: s.Facility, ReceivingApplication: "HANDOFF", Time: s.at(step.After),
		Type: "ADT", Trigger: step.Trigger, ControlID: id,
	})
	b.Segment("EVN").Set(1, hl7.Text(step.Trigger)).Set(2, s.at(step.After)).Set(6, s.at(step.After))
	s.patient(b, step)
	s.visit(b, step)
	if step.Expected != 0 {
		b.Segment("PV2").Set(9, s.at(step.Expected))
	}
	for n, code := range step.Diagnoses {
		b.Segment("DG1").Set(1, hl7.Text(fmt.Sprint(n+1))).Set(3, hl7.Parts{code, "", "I10C"}).Set(6, hl7.Text("W")).Set(15, hl7.Text(fmt.Sprint(n+1)))
	}
	if s.Person.Payer != "" {
		b.Segment("IN1").Set(1, hl7.Text("1")).Set(2, hl7.Text(s.Person.Payer)).Set(3, hl7.Text(s.Person.Payer))
	}
	return Message{ControlID: id, Trigger: step.Trigger, Body: append([]byte(nil), b.Bytes()...)}
}

func (s *Stay) at(after time.Duration) hl7.DTM { return hl7.At(s.Base.Add(after)) }

func (s *Stay) patient(b *hl7.Builder, step Step) {
	p := s.Person
	known := []hl7.Value{hl7.Parts{p.MRN, "", "", s.Facility, "MR"}}
	if p.Shared != "" {
		known = append(known, hl7.Parts{p.Shared, "", "", "STATEHIE", "PI"})
	}
	b.Segment("PID").Set(1, hl7.Text("1")).Set(3, known...).
		Set(5, hl7.Parts{p.Family, p.Given}).Set(7, hl7.Text(p.Born)).Set(8, hl7.Text("F")).
		Set(11, hl7.Parts{p.Street, "", p.City, "IL", p.ZIP, "USA", "H"}).Set(13, hl7.Parts{p.Phone, "PRN", "PH"}).
		Set(19, hl7.Text(p.SSN))
	if step.Dead || p.Deceased {
		b.Set(30, hl7.Text("Y"))
	}
	if p.Confidential {
		b.Segment("PD1").Set(12, hl7.Text("Y"))
	}
	if p.KinFamily != "" {
		b.Segment("NK1").Set(1, hl7.Text("1")).Set(2, hl7.Parts{p.KinFamily, p.KinGiven}).Set(3, hl7.Parts{"SPO", "Spouse", "HL70063"}).
			Set(5, hl7.Parts{p.Phone, "PRN", "PH"})
	}
}

func (s *Stay) visit(b *hl7.Builder, step Step) {
	class := step.Class
	if class == "" {
		class = s.Shape.Class
	}
	local := ""
	if class == "OBS" { // observation is no class of HL7's table: PV1-18 says it
		class, local = "O", "OBS"
	}
	unit, bed := step.Unit, step.Bed
	if unit == "" {
		unit = "3WEST"
	}
	place := hl7.Parts{unit, "12", "A"}
	switch bed {
	case "":
	case "-":
		place = hl7.Parts{unit}
	default:
		place[2] = bed
	}
	b.Segment("PV1").Set(1, hl7.Text("1")).Set(2, hl7.Text(class)).Set(3, place)
	b.Set(18, hl7.Text(local)).Set(19, hl7.Parts{s.Visit, "", "", s.Facility, "VN"})
	if step.Disposition != "" {
		b.Set(36, hl7.Text(step.Disposition))
	}
	b.Set(44, s.at(0))
	switch {
	case step.Discharged != 0:
		b.Set(45, s.at(step.Discharged))
	case step.Trigger == "A03":
		b.Set(45, s.at(step.After))
	}
}
