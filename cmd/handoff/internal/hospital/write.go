package hospital

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a machine without time zones still has a hospital in one

	"github.com/handoff-care/handoff/pkg/hl7"
)

var zone = func() *time.Location {
	z, err := time.LoadLocation("America/Chicago")
	if err != nil {
		panic(err) // it is part of the program
	}
	return z
}()

var structures = map[string]string{
	"A01": "ADT_A01", "A04": "ADT_A01", "A08": "ADT_A01", "A13": "ADT_A01", "A05": "ADT_A05", "A14": "ADT_A05", "A31": "ADT_A05",
	"A06": "ADT_A06", "A07": "ADT_A06", "A11": "ADT_A09", "A12": "ADT_A09", "A02": "ADT_A02", "A03": "ADT_A03", "A15": "ADT_A15", "A16": "ADT_A16",
	"A21": "ADT_A21", "A22": "ADT_A21", "A23": "ADT_A21", "A25": "ADT_A21", "A26": "ADT_A21", "A27": "ADT_A21", "A38": "ADT_A38", "A54": "ADT_A54",
}

var languageNames = map[string]string{"en": "English", "es": "Spanish", "vi": "Vietnamese", "zh": "Chinese", "ru": "Russian"}

// writer writes a step of a stay the way its facility does.
type writer struct{ b *hl7.Builder }

func (wr *writer) write(s *stay, st step, control string, when, now time.Time) []byte {
	f := s.at
	h := hl7.MSH{
		SendingApplication: f.app, SendingFacility: f.code, ReceivingApplication: "HANDOFF", ReceivingFacility: "HUB",
		Time: hl7.At(now.In(zone)), Type: "ADT", Trigger: st.trigger, ControlID: control, Version: f.version, Charset: f.charset,
	}
	if f.structured {
		h.Structure = structures[st.trigger]
	}
	if wr.b == nil {
		wr.b = hl7.NewBuilder(h)
	} else {
		wr.b.Reset(h)
	}
	wr.evn(s, st, when, now)
	wr.pid(s)
	if st.trigger != "A31" {
		wr.pv1(s, control)
		wr.pv2(s)
		wr.dg1(s)
	}
	if p := s.who.payer; st.trigger != "A02" && st.trigger[:2] != "A2" {
		wr.b.Segment("IN1").Set(1, hl7.Text("1")).Set(2, hl7.Text(p.plan)).Set(3, hl7.Text(p.id)).Set(4, hl7.Text(p.name)).
			Set(17, hl7.Parts{"SEL", "Self"}).Set(36, hl7.Text(s.who.member))
	}
	return append([]byte(nil), wr.b.Bytes()...)
}

func (f *facility) time(t time.Time) hl7.DTM {
	if t.IsZero() {
		return hl7.DTM{}
	}
	return hl7.DTMOf(t.In(zone), hl7.Second, f.zoned)
}

// evn says when the event was recorded and when it happened; on a cancel, when that happened which it takes back.
func (wr *writer) evn(s *stay, st step, when, now time.Time) {
	f, recorded, occurred := s.at, when, time.Time{}
	if f.occurred {
		recorded, occurred = now, when
		if st.cancels != "" {
			occurred = s.last[st.cancels]
		}
	}
	if st.trigger == "A31" {
		recorded, occurred = now, time.Time{}
	}
	wr.b.Segment("EVN").Set(1, hl7.Text(st.trigger)).Set(2, f.time(recorded))
	if st.trigger == "A05" || st.trigger == "A14" || st.trigger == "A16" {
		wr.b.Set(3, f.time(s.expected))
	}
	wr.b.Set(6, f.time(occurred))
}

func (wr *writer) pid(s *stay) {
	f, p := s.at, s.who
	b := wr.b.Segment("PID").Set(1, hl7.Text("1")).Set(3, identifiers(f, p)...)
	b.Set(5, hl7.XPN{Family: p.family, Given: p.given, Middle: p.middle, Type: "L"})
	b.Set(7, hl7.DTMOf(p.birth, hl7.Day, false)).Set(8, hl7.Text(p.sex))
	b.Set(11, hl7.XAD{Street: p.street, City: p.city, State: "IL", Zip: p.zip, Country: "USA", Type: "H"})
	b.Set(13, f.phone(p.phone))
	b.Set(15, hl7.CWE{Code: p.language, Text: languageNames[p.language], System: "ISO639"})
	b.Set(18, hl7.CX{ID: s.account, Authority: hl7.HD{Namespace: f.code, UniversalID: f.oid, UniversalIDType: "ISO"}, Type: "AN"})
	if !p.deceased.IsZero() {
		b.Set(29, f.time(p.deceased)).Set(30, hl7.Text("Y"))
	}
	b.Segment("PD1").Set(4, p.doctor.xcn())
	if p.private && f.zoned {
		b.Set(12, hl7.Text("Y"))
	}
	kin := relations[p.relation]
	b.Segment("NK1").Set(1, hl7.Text("1")).Set(2, hl7.XPN{Family: p.family, Given: p.kin}).
		Set(3, hl7.CWE{Code: kin.code, Text: kin.text, System: "HL70063"}).Set(5, f.phone(p.phone)).Set(7, hl7.Text("EP"))
}

// identifiers are the facility's own record number and those that name the person elsewhere too.
func identifiers(f *facility, p *person) []hl7.Value {
	own := hl7.HD{Namespace: f.code, UniversalID: f.oid, UniversalIDType: "ISO"}
	ids := []hl7.Value{hl7.CX{ID: p.records[f.code], Authority: own, Type: "MR"}}
	switch p.payer {
	case medicare, advantage:
		ids = append(ids, hl7.CX{ID: p.member, Authority: hl7.HD{Namespace: "CMS", UniversalID: "2.16.840.1.113883.4.927", UniversalIDType: "ISO"}, Type: "MC"})
	case medicaid:
		ids = append(ids, hl7.CX{ID: p.member, Authority: hl7.HD{Namespace: "ILMCD", UniversalID: "2.25.3030", UniversalIDType: "ISO"}, Type: "MA"})
	}
	if !f.bareCodes {
		ids = append(ids, hl7.CX{ID: p.regional, Authority: hl7.HD{Namespace: "RHX", UniversalID: "2.25.3020", UniversalIDType: "ISO"}, Type: "PI"})
	}
	return ids
}

func (f *facility) phone(local string) hl7.XTN {
	if f.bareCodes {
		return hl7.XTN{Number: fmt.Sprintf("(312)%s-%s", local[:3], local[3:])}
	}
	return hl7.XTN{Use: "PRN", Equipment: "PH", Area: "312", Local: local}
}

func (c clinician) xcn() hl7.XCN {
	return hl7.XCN{ID: c.npi, Family: c.family, Given: c.given, Authority: hl7.HD{Namespace: "NPI", UniversalID: "2.16.840.1.113883.4.6", UniversalIDType: "ISO"}, IDType: "NPI"}
}

func (l location) pl(f *facility) hl7.PL {
	if l.unit == "" {
		return hl7.PL{}
	}
	return hl7.PL{PointOfCare: l.unit, Room: l.room, Bed: l.bed, Facility: hl7.HD{Namespace: f.code}}
}

func (wr *writer) pv1(s *stay, control string) {
	f, class, kind := s.at, s.class, ""
	if class == "OBS" && f.accountVisit {
		class, kind = "O", "OBS"
	}
	admitType := s.admitType
	if s.kind == "N" && f.bareCodes {
		admitType = "N"
	}
	b := wr.b.Segment("PV1").Set(1, hl7.Text("1")).Set(2, hl7.Text(class)).Set(3, s.here.pl(f)).Set(4, hl7.Text(admitType))
	b.Set(6, s.prior.pl(f)).Set(7, s.attender.xcn()).Set(10, hl7.Text(s.cond.service)).Set(14, hl7.Text(s.source))
	b.Set(18, hl7.Text(kind))
	if !f.accountVisit {
		b.Set(19, hl7.CX{ID: s.visit, Authority: hl7.HD{Namespace: f.code, UniversalID: f.oid, UniversalIDType: "ISO"}, Type: "VN"})
	}
	b.Set(36, hl7.Text(f.disposition(s.disposition, control))).Set(42, s.planned.pl(f))
	b.Set(44, f.time(s.admitted)).Set(45, f.time(s.discharged))
}

// disposition is the code as sent: where people type words, now and then a word.
func (f *facility) disposition(code, control string) string {
	if f.bareCodes && code == "01" && strings.HasSuffix(control, "7") {
		return "GDD"
	}
	return code
}

func (wr *writer) pv2(s *stay) {
	b := wr.b.Segment("PV2").Set(3, hl7.CWE{Text: s.cond.text})
	if s.class == "P" {
		b.Set(8, s.at.time(s.expected))
	} else {
		b.Set(9, s.at.time(s.expected))
	}
}

func (wr *writer) dg1(s *stay) {
	for i, code := range s.cond.codes[:s.known] {
		system, text := "I10C", ""
		if s.at.bareCodes {
			system, code = "I10", strings.ReplaceAll(code, ".", "")
		}
		if i == 0 {
			text = s.cond.text
		}
		kind := "W"
		switch {
		case !s.discharged.IsZero():
			kind = "F"
		case i == 0 && s.known == 1:
			kind = "A"
		}
		wr.b.Segment("DG1").Set(1, hl7.Text(fmt.Sprint(i+1))).Set(3, hl7.CWE{Code: code, Text: text, System: system}).Set(6, hl7.Text(kind)).
			Set(15, hl7.Text(fmt.Sprint(i+1)))
	}
}
