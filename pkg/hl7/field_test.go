package hl7_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/hl7"
)

const header = `MSH|^~\&|REG|LAKE^1.2.3^ISO|H|R|20260401101500||ADT^A01|ID-1|P|2.5.1` + "\r"

func parse(t *testing.T, text string) *hl7.Message {
	t.Helper()
	m, err := hl7.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPathsReadWhatStepsRead(t *testing.T) {
	m := parse(t, header+`PID|1||10^^^A&1.1&ISO^MR~20^^^B&2.2&ISO^PI||Doe&van^Jane|`+"\r"+
		`DG1|1||I50.9^Heart failure^I10C`+"\r"+`DG1|2||E11.9^Diabetes^I10C`+"\r")
	for path, want := range map[string]string{
		"MSH-1": "|", "MSH-2": `^~\&`, "MSH-3": "REG", "MSH-4.2": "1.2.3", "MSH-9.2": "A01", "MSH.10": "ID-1", "MSH-12": "2.5.1",
		"PID-3": "10", "PID-3.1": "10", "PID-3[1].4": "A", "PID-3[1].4.2": "1.1", "PID-3[2]": "20", "PID-3[2].4.2": "2.2",
		"PID-3[2].5": "PI", "PID-3[3]": "", "PID-3[3].4": "", "PID-5": "Doe", "PID-5.1.2": "van", "PID-5.2": "Jane",
		"PID-5.2.1": "Jane", "PID-5.2.2": "", "PID-6": "", "PID-99": "", "PID": "", "DG1-3": "I50.9", "DG1[1]-3.2": "Heart failure",
		"DG1[2]-3.1": "E11.9", "DG1[3]-3": "", "ZZZ-1": "", "not a path": "", "PID-0": "",
	} {
		if got := m.Get(path).String(); got != want {
			t.Errorf("%s reads %q, want %q", path, got, want)
		}
	}
	pid := m.Segment("PID")
	if got := pid.Field(3).Rep(2).Component(4).Sub(2).String(); got != "2.2" {
		t.Errorf("steps read %q", got)
	}
	if got := pid.Field(3).Component(4).Component(1).Sub(3).Sub(1).Rep(1).String(); got != "ISO" {
		t.Errorf("steps below a leaf read %q", got)
	}
	if got := string(pid.Field(3).Rep(2).Raw()); got != "20^^^B&2.2&ISO^PI" {
		t.Errorf("raw repetition is %q", got)
	}
}

func TestPathsAreCheckedAndPrinted(t *testing.T) {
	for _, text := range []string{"PID", "PID-3", "PID-3[2]", "PID-3.1", "PID-3[1].4.2", "DG1[2]-3.1", "ZZ9[12]-30"} {
		p, err := hl7.ParsePath(text)
		if err != nil || p.String() != text {
			t.Errorf("%s is read as %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"", "PI", "pid-3", "PID3", "PID-", "PID-x", "PID-0", "PID-3[", "PID-3[]", "PID-3[0]", "PID-3[+1]", "PID-3.", "PID-3.1.1.1", "PID[1", "PIDX-3", "PID-3 ", "PID-99999999999999999999"} {
		if p, err := hl7.ParsePath(text); err == nil {
			t.Errorf("%q is taken for the path %v", text, p)
		}
	}
}

func TestEmptyNullAndAbsentAreTold(t *testing.T) {
	m := parse(t, header+`PID|""|^^^&~||"quoted"|""^x|x~""`+"\r")
	pid := m.Segment("PID")
	type state struct {
		Empty, Null bool
		Value       string
	}
	of := func(f hl7.Field) state { return state{f.Empty(), f.IsNull(), f.String()} }
	for _, c := range []struct {
		what string
		f    hl7.Field
		want state
	}{
		{"null field", pid.Field(1), state{false, true, ""}},
		{"delimiters only", pid.Field(2), state{true, false, ""}},
		{"nothing", pid.Field(3), state{true, false, ""}},
		{"quotes inside", pid.Field(4), state{false, false, `"quoted"`}},
		{"field whose first component is null", pid.Field(5), state{false, false, ""}},
		{"null component", pid.Field(5).Component(1), state{false, true, ""}},
		{"null repetition", pid.Field(6).Rep(2), state{false, true, ""}},
		{"beyond the segment", pid.Field(60), state{true, false, ""}},
		{"segment that is not there", m.Segment("PV1").Field(2).Rep(1).Component(2).Sub(3), state{true, false, ""}},
	} {
		if diff := cmp.Diff(c.want, of(c.f)); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
	}
	if m.Segment("PV1").Exists() || !pid.Exists() || m.Segment("PV1").Len() != 0 || m.Segment("PV1").Raw() != nil {
		t.Error("a segment that is not there exists")
	}
}

func TestRepetitionsAreIteratedWithoutEmptyOnes(t *testing.T) {
	m := parse(t, header+"PID|a~~b^1~^~c|"+"\r")
	var got []string
	for r := range m.Segment("PID").Field(1).Reps() {
		got = append(got, string(r.Raw()))
		for again := range r.Reps() {
			if string(again.Raw()) != string(r.Raw()) {
				t.Errorf("a repetition repeats as %q", again.Raw())
			}
		}
	}
	for range m.Segment("PID").Field(2).Reps() {
		t.Error("a field that was not sent has a repetition")
	}
	if diff := cmp.Diff([]string{"a", "b^1", "c"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestGroupsDivideAMerge(t *testing.T) {
	m := parse(t, header+"EVN|A40\rPID|1\rMRG|a\rMRG|b\rPID|2\rPD1\rMRG|c\rPV1|1\r")
	var got []string
	for g := range m.Groups("PID") {
		line := g.Segment("PID").Value(1) + ":"
		for s := range g.All("MRG") {
			line += s.Value(1)
		}
		if g.Segment("PV1").Exists() {
			line += "+visit"
		}
		got = append(got, line)
	}
	if diff := cmp.Diff([]string{"1:ab", "2:c+visit"}, got); diff != "" {
		t.Error(diff)
	}
	if n := m.Before("PV1").Len(); n != 8 {
		t.Errorf("%d segments before PV1", n)
	}
	if s := m.From("PD1").Segment("MRG"); s.Value(1) != "c" {
		t.Errorf("MRG after PD1 is %q", s.Raw())
	}
	for range m.Groups("IN1") {
		t.Error("there is a group of a segment that is not there")
	}
}

func TestTypesAreReadAndNameIsChosen(t *testing.T) {
	m := parse(t, header+`PID|1||10^4^M11^A&1.1&ISO^MR^F&9&ISO||Nick^^^^^^N~Doe&van&Doe^Jane^Q^Jr^Dr^MD^L||||||1 Elm&Elm&1^Apt^Town^IL^60001^USA^H^^Cook||(312)555^PRN^PH^a@b.c^1^312^5550101^9^any^^^(312) 5550101`+"\r"+
		`PV1|1||4W^401^A^LAKE&1.2&ISO^O^BED^Main^4^desc||||7^Reyes^Luis^M^Jr^Dr^MD^src^NPI&2.16&ISO^L^3^NPI^NPI^LAKE&1.2&ISO`+"\r"+`DG1|||I50^HF^I10C^428^CHF^I9^10^9^orig`+"\r")
	pid, pv1 := m.Segment("PID"), m.Segment("PV1")
	check := func(got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	check(pid.Field(3).CX(), hl7.CX{ID: "10", CheckDigit: "4", CheckScheme: "M11", Authority: hl7.HD{Namespace: "A", UniversalID: "1.1", UniversalIDType: "ISO"}, Type: "MR", Facility: hl7.HD{Namespace: "F", UniversalID: "9", UniversalIDType: "ISO"}})
	check(pid.Field(5).Name(), hl7.XPN{Family: "Doe", OwnPrefix: "van", Own: "Doe", Given: "Jane", Middle: "Q", Suffix: "Jr", Prefix: "Dr", Degree: "MD", Type: "L"})
	check(pid.Field(5).XPN(), hl7.XPN{Family: "Nick", Type: "N"})
	check(pid.Field(5).Rep(1).Name().Family, "Nick")
	check(pid.Field(11).XAD(), hl7.XAD{Street: "1 Elm", Other: "Apt", City: "Town", State: "IL", Zip: "60001", Country: "USA", Type: "H", County: "Cook"})
	check(pid.Field(13).XTN(), hl7.XTN{Number: "(312)555", Use: "PRN", Equipment: "PH", Email: "a@b.c", CountryCode: "1", Area: "312", Local: "5550101", Extension: "9", Any: "any", Unformatted: "(312) 5550101"})
	check(pv1.Field(3).PL(), hl7.PL{PointOfCare: "4W", Room: "401", Bed: "A", Facility: hl7.HD{Namespace: "LAKE", UniversalID: "1.2", UniversalIDType: "ISO"}, Status: "O", Type: "BED", Building: "Main", Floor: "4", Description: "desc"})
	check(pv1.Field(7).XCN(), hl7.XCN{ID: "7", Family: "Reyes", Given: "Luis", Middle: "M", Suffix: "Jr", Prefix: "Dr", Degree: "MD", Source: "src", Authority: hl7.HD{Namespace: "NPI", UniversalID: "2.16", UniversalIDType: "ISO"}, NameType: "L", CheckDigit: "3", CheckScheme: "NPI", IDType: "NPI", Facility: hl7.HD{Namespace: "LAKE", UniversalID: "1.2", UniversalIDType: "ISO"}})
	check(m.Segment("DG1").Field(3).CWE(), hl7.CWE{Code: "I50", Text: "HF", System: "I10C", AltCode: "428", AltText: "CHF", AltSystem: "I9", SystemVersion: "10", AltSystemVersion: "9", OriginalText: "orig"})
	check(m.Get("MSH-4").HD(), hl7.HD{Namespace: "LAKE", UniversalID: "1.2.3", UniversalIDType: "ISO"})
	check(pv1.Field(99).XCN(), hl7.XCN{})
}

func TestLinesThatAreNoSegments(t *testing.T) {
	m := parse(t, header+"stray|1\rmore\rPD1\rafter bare\rPID|1||x\ry|z\r  \rPV2\rADD|first|second\rADD|!|third\r")
	var got []string
	for s := range m.Segments() {
		got = append(got, s.Name()+"="+s.Value(1)+"/"+s.Value(2)+"/"+s.Value(3)+"/"+s.Value(4))
	}
	want := []string{"MSH=|/^~\\&/REG/LAKE", "=stray/1\nmore//", "PD1=///", "=after bare///", "PID=1//x\ny/z", "PV2=first/second!/third/"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(m.Warnings()); n != 4 {
		t.Errorf("%d warnings: %v", n, m.Warnings())
	}
}

func TestErrorsNameThePlaceAndNothingElse(t *testing.T) {
	secret := "VANDERMEER"
	for what, c := range map[string]struct {
		text string
		kind hl7.ErrorKind
	}{
		"no header":       {"PID|1||" + secret, hl7.NoMSH},
		"too short":       {"MSH|", hl7.ShortMSH},
		"letters":         {"MSHA" + secret, hl7.BadDelimiters},
		"no MSH-9":        {`MSH|^~\&|` + secret, hl7.NoMessageType},
		"blank MSH-9":     {`MSH|^~\&|||||||  |` + secret, hl7.NoMessageType},
		"two messages":    {header + header, hl7.SeveralMessages},
		"batch":           {`BHS|^~\&` + "\r" + header, hl7.IsBatch},
		"nothing":         {"\r\n\t", hl7.Blank},
		"wide":            {"M\x00S\x00H\x00", hl7.WideEncoding},
		"too many fields": {header + "PID" + strings.Repeat("|", hl7.MaxFields+1), hl7.TooLarge},
		"too many bytes":  {header + strings.Repeat("x", hl7.MaxBytes), hl7.TooLarge},
	} {
		_, err := hl7.Parse([]byte(c.text))
		var p *hl7.ParseError
		if !errors.As(err, &p) || p.Kind != c.kind {
			t.Errorf("%s: %v", what, err)
			continue
		}
		ack := string(hl7.Ack(hl7.Header{}, hl7.Reply{Code: hl7.AE, Faults: []hl7.Fault{p.Fault()}}))
		if strings.Contains(err.Error(), secret) || strings.Contains(ack, secret) {
			t.Errorf("%s: the error quotes the message", what)
		}
	}
}

func TestWarningsAreBounded(t *testing.T) {
	m := parse(t, header+"NTE|1\r"+strings.Repeat("x\n", 10*hl7.MaxWarnings))
	if n := len(m.Warnings()); n != hl7.MaxWarnings {
		t.Errorf("%d warnings", n)
	}
}

func TestACharsetFromOutsideOverrulesMSH18(t *testing.T) {
	text := strings.TrimSuffix(header, "\r") + "||||||8859/1\rPID|1||1||M\xc3\xbcller\r"
	for override, want := range map[string]string{"": "MÃ¼ller", "utf-8": "Müller", "no-such-set": "MÃ¼ller", "ISO-8859-5": "MУМller"} {
		m, err := hl7.ParseCharset([]byte(text), override)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Get("PID-5").String(); got != want {
			t.Errorf("read as %q: %q, want %q", override, got, want)
		}
	}
}

func TestParsingAndReadingAllocateLittle(t *testing.T) {
	raw := sample()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := hl7.Parse(raw); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("parsing allocates %v times", n)
	}
	m := parse(t, string(raw))
	if n := testing.AllocsPerRun(100, func() {
		if !m.Segment("EVN").Field(1).Is("A01") || m.Get("PV1-44").Empty() {
			t.Fatal("sample has changed")
		}
	}); n > 0 {
		t.Errorf("looking at fields allocates %v times", n)
	}
}
