package hl7_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/hl7"
)

var ackTime = time.Date(2026, 4, 1, 10, 15, 30, 0, time.FixedZone("", -5*3600))

func headerOf(t *testing.T, raw string) hl7.Header {
	t.Helper()
	h, ok := hl7.PeekHeader([]byte(raw))
	if !ok {
		t.Fatalf("no header in %q", raw)
	}
	return h
}

func TestReplies(t *testing.T) {
	fault := hl7.Fault{At: hl7.Path{Segment: "PID", Field: 3, Repetition: 1, Component: 4, Sub: 1}, Code: 101, Diagnostic: "rule 7", Text: "no|authority"}
	for _, c := range []struct {
		what, header string
		reply        hl7.Reply
		want         []string
	}{
		{"accepted", `MSH|^~\&|REG|LAKE^1.2^ISO|HO|ME|20260401||ADT^A01^ADT_A01|id 1|P|2.5.1`, hl7.Reply{Code: hl7.AA, Text: "not for 2.5"}, []string{
			`MSH|^~\&|HO|ME|REG|LAKE^1.2^ISO|20260401101530-0500||ACK^A01^ACK|R9|P|2.5.1`, `MSA|AA|id 1`}},
		{"enhanced mode", `MSH|^~\&|REG|LAKE|HO|ME|20260401||ADT^A03|1|T|2.6^USA|||AL|NE`, hl7.Reply{Code: hl7.AA}, []string{
			`MSH|^~\&|HO|ME|REG|LAKE|20260401101530-0500||ACK^A03^ACK|R9|T|2.6^USA`, `MSA|CA|1`}},
		{"enhanced mode, refused", `MSH|^~\&|REG|LAKE|HO|ME|20260401||ADT^A03|1|T|2.6|||AL|NE`, hl7.Reply{Code: hl7.AR}, []string{
			`MSH|^~\&|HO|ME|REG|LAKE|20260401101530-0500||ACK^A03^ACK|R9|T|2.6`, `MSA|CR|1`}},
		{"enhanced mode, error", `MSH|^~\&|REG|LAKE|HO|ME|20260401||ADT^A03|1|T|2.6|||AL|NE`, hl7.Reply{Code: hl7.AE}, []string{
			`MSH|^~\&|HO|ME|REG|LAKE|20260401101530-0500||ACK^A03^ACK|R9|T|2.6`, `MSA|CE|1`}},
		{"only MSH-15: original mode", `MSH|^~\&|REG|LAKE|HO|ME|20260401||ADT^A03|1|T|2.6|||AL`, hl7.Reply{Code: hl7.AA}, []string{
			`MSH|^~\&|HO|ME|REG|LAKE|20260401101530-0500||ACK^A03^ACK|R9|T|2.6`, `MSA|AA|1`}},
		{"original mode by feed setting", `MSH|^~\&|REG|LAKE|HO|ME|20260401||ADT^A03|1|T|2.6|||AL|NE`, hl7.Reply{Code: hl7.AA, Mode: hl7.OriginalMode}, []string{
			`MSH|^~\&|HO|ME|REG|LAKE|20260401101530-0500||ACK^A03^ACK|R9|T|2.6`, `MSA|AA|1`}},
		{"enhanced mode by feed setting", `MSH|^~\&|REG|LAKE|HO|ME|20260401||ADT^A03|1|T|2.6`, hl7.Reply{Code: hl7.AA, Mode: hl7.EnhancedMode}, []string{
			`MSH|^~\&|HO|ME|REG|LAKE|20260401101530-0500||ACK^A03^ACK|R9|T|2.6`, `MSA|CA|1`}},
		{"the sender's delimiters", `MSH#@~&%#REG#LAKE@1.2@ISO#HO#ME#20260401##ADT@A01#a|^1#P#2.5`, hl7.Reply{Code: hl7.AE, Faults: []hl7.Fault{fault}}, []string{
			`MSH#@~&%#HO#ME#REG#LAKE@1.2@ISO#20260401101530-0500##ACK@A01@ACK#R9#P#2.5`, `MSA#AE#a|^1`,
			`ERR##PID@1@3@1@4@1#101@Required field missing@HL70357#E###rule 7#no|authority`}},
		{"errors from 2.5 on: one segment each", `MSH|^~\&|||||||ADT^A01|1|P|2.5`, hl7.Reply{Code: hl7.AE, Faults: []hl7.Fault{fault, {At: hl7.Path{Segment: "PV1"}, Code: 100, Severity: "W"}}}, []string{
			`MSH|^~\&|||||20260401101530-0500||ACK^A01^ACK|R9|P|2.5`, `MSA|AE|1`,
			`ERR||PID^1^3^1^4^1|101^Required field missing^HL70357|E|||rule 7|no\F\authority`,
			`ERR||PV1^1|100^Segment sequence error^HL70357|W`}},
		{"errors before 2.5: one segment, repeating", `MSH|^~\&|||||||ADT^A01|1|P|2.3.1`, hl7.Reply{Code: hl7.AE, Text: "a|b", Faults: []hl7.Fault{fault, {At: hl7.Path{Segment: "PV1"}, Code: 100}}}, []string{
			`MSH|^~\&|||||20260401101530-0500||ACK^A01^ACK|R9|P|2.3.1`, `MSA|AE|1|a\F\b`,
			`ERR|PID^1^3^101&Required field missing&HL70357~PV1^1^^100&Segment sequence error&HL70357`}},
		{"2.3 has no event in MSH-9", `MSH|^~\&|REG|N|||20260401||ADT^A01|1|P|2.3`, hl7.Reply{Code: hl7.AA}, []string{
			`MSH|^~\&|||REG|N|20260401101530-0500||ACK|R9|P|2.3`, `MSA|AA|1`}},
		{"2.10 is newer than 2.5", `MSH|^~\&|REG|N|||20260401||ADT^A01|1|P|2.10`, hl7.Reply{Code: hl7.AA}, []string{
			`MSH|^~\&|||REG|N|20260401101530-0500||ACK^A01^ACK|R9|P|2.10`, `MSA|AA|1`}},
		{"without control id and version", `MSH|^~\&|REG|N|||20260401||ADT`, hl7.Reply{Code: hl7.AA}, []string{
			`MSH|^~\&|||REG|N|20260401101530-0500||ACK|R9||`, `MSA|AA|`}},
		{"bytes beyond ASCII are repeated with their set", "MSH|^~\\&|REG|K\xf6ln|HO|ME|20260401||ADT^A01|\xfc1|P|2.5||||||8859/1", hl7.Reply{Code: hl7.AA}, []string{
			"MSH|^~\\&|HO|ME|REG|K\xf6ln|20260401101530-0500||ACK^A01^ACK|R9|P|2.5||||||8859/1", "MSA|AA|\xfc1"}},
		{"few delimiters", `MSH|^|REG|N|||20260401||ADT^A01|1|P|2.3.1`, hl7.Reply{Code: hl7.AE, Text: "a|b", Faults: []hl7.Fault{fault, fault}}, []string{
			`MSH|^|||REG|N|20260401101530-0500||ACK^A01^ACK|R9|P|2.3.1`, `MSA|AE|1|a b`, `ERR|PID^1^3^101`}},
	} {
		c.reply.ID, c.reply.Time = "R9", ackTime
		got := strings.Split(strings.TrimSuffix(string(hl7.Ack(headerOf(t, c.header), c.reply)), "\r"), "\r")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}

func TestWhatIsNoMessageIsAnsweredToo(t *testing.T) {
	for _, raw := range []string{"", "GET / HTTP/1.1\r\n", "MSH|", "MSHxxxxxxx"} {
		h, ok := hl7.PeekHeader([]byte(raw))
		if ok {
			t.Errorf("%q has a header", raw)
		}
		m, err := hl7.Parse(hl7.Ack(h, hl7.Reply{Code: hl7.AE, ID: "R9", Time: ackTime}))
		if err != nil || m.Get("MSA-1").String() != "AE" || m.Get("MSA-2").String() != "" || m.Get("MSH-12").String() != "2.5.1" {
			t.Errorf("%q is answered by what reads as %v", raw, err)
		}
	}
}

func TestTheHeaderIsTheSameHoweverItIsRead(t *testing.T) {
	raw := "\xef\xbb\xbf\r\n" + `MSH|^~\&|A|B|C|D|E|F|ADT^A01|J|K|L|M|N|O|P|Q|R` + "\r\nPID|1\r\n"
	m := parse(t, raw)
	opts := cmp.AllowUnexported(hl7.Header{})
	if diff := cmp.Diff(m.Header(), headerOf(t, raw), opts); diff != "" {
		t.Error(diff)
	}
	h := headerOf(t, raw[:30]) // a frame that was cut
	if string(h.SendingFacility) != "B" || h.ControlID != nil {
		t.Errorf("cut header reads as %q, %q", h.SendingFacility, h.ControlID)
	}
}

func TestPositiveCodes(t *testing.T) {
	for code, want := range map[hl7.Code]bool{hl7.AA: true, hl7.CA: true, hl7.AE: false, hl7.AR: false, hl7.CE: false, hl7.CR: false, "": false} {
		if code.Positive() != want {
			t.Errorf("%q", code)
		}
	}
}
