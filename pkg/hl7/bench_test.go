package hl7_test

import (
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/hl7"
)

// sample is a message of the usual size, about 1.5 KB.
func sample() []byte {
	b := hl7.NewBuilder(sampleHeader)
	writeSample(b)
	return b.Bytes()
}

var sampleHeader = hl7.MSH{
	SendingApplication: "REGISTRAR", SendingFacility: "LAKESIDE", ReceivingApplication: "HANDOFF", ReceivingFacility: "R",
	Time: hl7.At(time.Date(2026, 4, 1, 10, 15, 0, 0, time.UTC)), Type: "ADT", Trigger: "A01", Structure: "ADT_A01",
	ControlID: "LK-0001", Charset: "UNICODE UTF-8",
}

func writeSample(b *hl7.Builder) {
	lake := hl7.HD{Namespace: "LAKESIDE", UniversalID: "1.2.3.4.5", UniversalIDType: "ISO"}
	doctor := hl7.XCN{ID: "1093817465", Family: "Reyes", Given: "Luis", Prefix: "Dr", Authority: hl7.HD{Namespace: "NPI", UniversalID: "2.16.840.1.113883.4.6", UniversalIDType: "ISO"}, NameType: "L", IDType: "NPI"}
	admitted := hl7.At(time.Date(2026, 4, 1, 10, 5, 0, 0, time.UTC))
	b.Segment("EVN").Set(1, hl7.Text("A01")).Set(2, admitted).Set(5, doctor).Set(6, admitted)
	b.Segment("PID").Set(1, hl7.Text("1")).
		Set(3, hl7.CX{ID: "000123", Authority: lake, Type: "MR"}, hl7.CX{ID: "9TT9TT9TT99", Authority: hl7.HD{Namespace: "CMS"}, Type: "MC"}).
		Set(5, hl7.XPN{Family: "Vandermeer", Given: "Josephine", Prefix: "Mrs", Type: "L"}).
		Set(7, hl7.Text("19470228")).Set(8, hl7.Text("F")).
		Set(11, hl7.XAD{Street: "12 Elm St", City: "Lakeside", State: "IL", Zip: "60001", Country: "USA", Type: "H"}).
		Set(13, hl7.XTN{Use: "PRN", Equipment: "PH", CountryCode: "1", Area: "312", Local: "5550101"}).
		Set(15, hl7.CWE{Code: "fra", Text: "French", System: "ISO639"}).Set(18, hl7.CX{ID: "ACC-77", Authority: lake, Type: "AN"})
	b.Segment("PD1").Set(4, doctor)
	b.Segment("NK1").Set(1, hl7.Text("1")).Set(2, hl7.XPN{Family: "Vandermeer", Given: "Piet"}).Set(3, hl7.CWE{Code: "SPO", Text: "Spouse"})
	b.Segment("PV1").Set(1, hl7.Text("1")).Set(2, hl7.Text("I")).
		Set(3, hl7.PL{PointOfCare: "4W", Room: "401", Bed: "A", Facility: lake, Type: "BED", Building: "Main", Floor: "4"}).
		Set(4, hl7.Text("1")).Set(7, doctor).Set(8, doctor).Set(10, hl7.Text("MED")).Set(14, hl7.Text("7")).Set(17, doctor).
		Set(19, hl7.CX{ID: "V-5501", Authority: lake, Type: "VN"}).Set(44, admitted)
	for range 3 {
		b.Segment("DG1").Set(1, hl7.Text("1")).Set(3, hl7.CWE{Code: "I50.23", Text: "Acute on chronic systolic heart failure", System: "I10C"}).Set(5, hl7.Text("20260401")).Set(6, hl7.Text("A"))
	}
	b.Segment("IN1").Set(1, hl7.Text("1")).Set(2, hl7.CWE{Code: "MCR", Text: "Medicare Part A"}).Set(3, hl7.CX{ID: "MCR"}).Set(4, hl7.Text("Medicare"))
}

func BenchmarkParse(b *testing.B) {
	raw := sample()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := hl7.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseAndRead reads what admission needs of a message.
func BenchmarkParseAndRead(b *testing.B) {
	raw := sample()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		m, err := hl7.Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		readAll(b, m)
	}
}

func readAll(b *testing.B, m *hl7.Message) {
	zone := m.Zone(time.UTC)
	pid, pv1 := m.Segment("PID"), m.Segment("PV1")
	n := len(m.Trigger()) + len(m.ControlID())
	for id := range pid.Field(3).Reps() {
		n += len(id.CX().ID)
	}
	n += len(pid.Field(5).Name().Family) + len(pid.Field(11).XAD().Zip) + len(pv1.Field(3).PL().Bed) + len(pv1.Field(7).XCN().ID)
	for dg1 := range m.All("DG1") {
		n += len(dg1.Field(3).CWE().Code)
	}
	for _, f := range []hl7.Field{m.Segment("EVN").Field(2), m.Segment("EVN").Field(6), pv1.Field(44), pv1.Field(45)} {
		d, err := f.DTM()
		if err != nil {
			b.Fatal(err)
		}
		n += d.In(zone).Nanosecond()
	}
	if n == 0 {
		b.Fatal("nothing was read")
	}
}

func BenchmarkParseEscapedLatin1(b *testing.B) {
	raw := []byte(strings.Replace(string(sample()), "Vandermeer^Josephine", "M\xfcller\\T\\S\\X41\\^Zo\xeb", 1))
	raw = []byte(strings.Replace(string(raw), "UNICODE UTF-8", "8859/1", 1))
	b.ReportAllocs()
	for b.Loop() {
		m, err := hl7.Parse(raw)
		if err != nil || m.Get("PID-5").String() != "Müller&SA" {
			b.Fatal(err, m.Get("PID-5").String())
		}
	}
}

func BenchmarkAck(b *testing.B) {
	m, err := hl7.Parse(sample())
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = hl7.AppendAck(buf[:0], m.Header(), hl7.Reply{Code: hl7.AA, ID: "1", Time: time.Unix(1_775_000_000, 0)})
	}
}

func BenchmarkBuild(b *testing.B) {
	builder := hl7.NewBuilder(sampleHeader)
	b.ReportAllocs()
	for b.Loop() {
		builder.Reset(sampleHeader)
		writeSample(builder)
		builder.Bytes()
	}
}
