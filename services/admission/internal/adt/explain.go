package adt

import (
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// Line says of one field what was sent and how it is understood.
type Line struct {
	Field      string `json:"field" doc:"the field of the message: PV1-36"`
	About      string `json:"about" doc:"what it is, in words"`
	Sent       string `json:"sent" doc:"as sent; empty where it was not"`
	Understood string `json:"understood" doc:"what is made of it; empty where nothing is"`
	Advice     string `json:"advice,omitempty" doc:"what to look at, where something should be different"`
}

// Explain says field by field how a message is understood. c is what Translate made of the same message;
// nothing is kept of it.
func Explain(in *Inbound, c *Command) []Line {
	m, feed, fac := in.Message, in.Feed, in.Facility
	if m == nil {
		return nil
	}
	e := explainer{m: m, group: m.Group, c: c, zone: time.UTC}
	if fac != nil {
		e.zone = m.Zone(feed.zone(fac))
	}
	e.header(in)
	if fac == nil {
		return e.lines
	}
	e.person()
	e.visit(feed)
	e.rest()
	return e.lines
}

type explainer struct {
	m     *hl7.Message
	group hl7.Group
	c     *Command
	zone  *time.Location
	lines []Line
}

// field is a field as it was sent, by its path.
func (e *explainer) field(path string) hl7.Field {
	name, n, _ := strings.Cut(path, "-")
	at, _ := strconv.Atoi(n)
	return e.group.Segment(name).Field(at)
}

// say adds a line; where something was sent and nothing is understood, or nothing was sent, advice stays.
func (e *explainer) say(path, about, understood, advice string) {
	sent := clean(string(e.field(path).Raw()))
	if understood != "" && sent != "" {
		advice = ""
	}
	if sent == "" && understood == "" && advice == "" {
		return
	}
	e.lines = append(e.lines, Line{path, about, sent, understood, advice})
}

// at is an instant as it is understood: in the facility's zone, said.
func (e *explainer) at(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.In(e.zone).Format("Mon 2 Jan 2006, 15:04 MST")
}

func (e *explainer) time(path string) *time.Time {
	d, err := e.field(path).DTM()
	if err != nil || d.IsZero() || d.Year == 0 {
		return nil
	}
	t := d.In(e.zone)
	return &t
}

func (e *explainer) header(in *Inbound) {
	hospital := ""
	if in.Facility != nil {
		hospital = or(in.Facility.Name, in.Facility.Code)
	}
	e.say("MSH-4", "Hospital", hospital, "Add this hospital to the feed, or give the hospital this name as an alias.")
	e.say("MSH-7", "Sent", e.at(in.Sent), "The time cannot be read. Send it like 20260302103000-0600.")
	kind, idle := "", "Nothing is done about this kind of message."
	if e.c == nil {
		idle = "" // it was refused before anybody looked at what happened
	}
	if e.c != nil && e.c.Kind != 0 {
		kind = strings.ReplaceAll(e.c.Kind.String(), "-", " ")
	} else if e.c != nil && len(e.c.Acts) > 0 {
		kind = "which records belong together"
	} else if about[e.m.Trigger()] {
		kind = "about the person alone"
	}
	e.say("MSH-9", "What happened", kind, idle)
	e.say("MSH-10", "Message number", in.Control, "Every message needs a number of its own: the same message sent twice is recognized by it.")
	e.say("MSH-11", "Real or test", map[string]string{"P": "real patients", "T": "test", "D": "test"}[clean(e.field("MSH-11").String())], "P means real patients; T and D are test messages.")
	if e.c == nil {
		return
	}
	f := &e.c.Fact
	e.say("EVN-2", "Recorded", e.at(e.time("EVN-2")), "")
	e.say("EVN-6", "Happened", e.at(e.time("EVN-6")), "")
	if !f.Occurred.IsZero() {
		e.lines = append(e.lines, Line{"", "Counts as happened at", "", e.at(&f.Occurred), ""})
	}
}

func (e *explainer) person() {
	var ids []string
	for _, id := range e.c.Identifiers {
		ids = append(ids, id.Value.Reveal()+" ("+id.Kind+" of "+id.Authority+")")
	}
	e.say("PID-3", "Patient’s numbers", strings.Join(ids, ", "), "Without a record number nobody knows whose message this is: it is set aside.")
	value := func(g identity.Group) string {
		if v := e.c.Person.Values[g].Reveal(); v != identity.Deleted {
			return v
		}
		return "taken away"
	}
	name := personName(e.field("PID-5").Name())
	e.say("PID-5", "Name", strings.TrimSpace(name.Given+" "+name.Family), "")
	e.say("PID-7", "Born", value(identity.Birth), "The birth date cannot be read. Send it like 19500101.")
	e.say("PID-8", "Sex", value(identity.Sex), "")
	e.say("PID-11", "Home", or(value(identity.ZIP3)+"** (first three digits of the ZIP code)", ""), "")
	e.say("PID-15", "Language", value(identity.Language), "")
	dead := ""
	if v := value(identity.Death); strings.HasPrefix(v, "Y") {
		dead = "yes"
	} else if v != "" {
		dead = "no"
	}
	e.say("PID-30", "Has died", dead, "")
}

func (e *explainer) visit(feed *Feed) {
	f, v := &e.c.Fact, &e.c.Fact.Values
	if e.c.Kind == 0 {
		return
	}
	order := feed.Dialect.VisitKey
	if len(order) == 0 {
		order = DefaultVisitKey
	}
	path := order[0]
	for _, p := range order {
		if !e.field(p).Empty() {
			path = p
			break
		}
	}
	e.say(path, "Visit number", e.c.Visit.Number, "No visit number: the stay is found by the patient and the time of arrival, which is less certain. Name another field in the feed’s settings.")
	e.say("PV1-2", "Kind of stay", known(v.Class), "No kind of stay: an arrival without one counts as inpatient.")
	if v.Class == encounter.OtherClass {
		e.advise("No word of ours for this kind of stay. Map it in the feed’s settings (classes).")
	}
	e.say("PV1-3", "Unit, room, bed", strings.Trim(strings.Join([]string{f.Place.Unit, f.Place.Room, f.Place.Bed}, " "), " "), "")
	e.say("PV1-4", "How they came", known(v.AdmitType), "")
	e.say("PV1-7", "Attending", known(v.Attending), "")
	e.say("PV1-10", "Service", known(v.Service), "")
	e.say("PV1-14", "Came from", known(v.AdmitSource), "")
	e.say("PV1-44", "Arrived", e.at(v.AdmitAt), "")
	e.say("PV1-45", "Left", e.at(v.DischargeAt), leaving(e.c.Kind, "No time of discharge: the clocks run from the time of the event instead."))
	went := known(v.Disposition)
	if v.Disposition == encounter.Unmapped {
		went = ""
	}
	advice := leaving(e.c.Kind, "No disposition: nobody knows where the patient went, and no place is looked for.")
	if v.Disposition == encounter.Unmapped {
		advice = "No UB-04 code of ours. Map it in the feed’s settings (dispositions); until then it counts as not known."
	}
	e.say("PV1-36", "Went to", went, advice)
	e.say("PV2-9", "Expected to leave", e.at(v.ExpectedAt), "")
}

// leaving is advice that only a discharge needs.
func leaving(kind encounter.Kind, advice string) string {
	if kind == encounter.Discharge {
		return advice
	}
	return ""
}

func known(v string) string {
	if v == encounter.Deleted {
		return "taken away"
	}
	return v
}

// advise adds to the last line.
func (e *explainer) advise(text string) { e.lines[len(e.lines)-1].Advice = text }

func (e *explainer) rest() {
	var codes []string
	for _, d := range e.c.Fact.Diagnoses {
		codes = append(codes, d.Code)
	}
	e.say("DG1-3", "Diagnoses", strings.Join(codes, ", "), leaving(e.c.Kind, "No diagnoses: protocols and risk that go by them do without."))
	e.say("IN1-3", "Payer", e.c.Person.Values[identity.Payer].Reveal(), "")
	e.say("PD1-4", "Primary care", strings.TrimSpace(e.field("PD1-4").XCN().Given+" "+e.field("PD1-4").XCN().Family), leaving(e.c.Kind, "No primary care clinician: nobody to book the visit with is known."))
	for i := range e.c.Acts {
		a := &e.c.Acts[i]
		from, to := a.From.Value.Reveal(), a.To.Value.Reveal()
		e.lines = append(e.lines, Line{"MRG", actWords[a.Kind], or(from, a.FromVisit.Number), or(to, a.ToVisit.Number), ""})
	}
}

var actWords = map[ActKind]string{
	MergePatients: "Two records of one patient; the second stays", MovePatient: "A number given to another patient", RenamePatient: "The patient has another number",
	JoinVisits: "Two stays are one; the second stays", RenameVisit: "The stay has another number", MoveAccount: "Stays given to another patient",
	LinkPatients: "Two records of one person", UnlinkPatients: "Two records of two persons", DeletePerson: "The person was entered in error",
}
