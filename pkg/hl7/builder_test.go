package hl7_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/hl7"
)

func TestABuiltMessage(t *testing.T) {
	b := hl7.NewBuilder(hl7.MSH{
		SendingApplication: "SIM", SendingFacility: "NORTH|WING", Time: hl7.At(ackTime), Type: "ADT", Trigger: "A08", ControlID: "1",
		AcceptAck: "AL", ApplicationAck: "NE", Country: "USA",
	})
	b.Segment("EVN").Set(2, hl7.DTMOf(ackTime, hl7.Minute, false))
	b.Segment("PID").Set(3, hl7.CX{ID: "7", Authority: hl7.HD{Namespace: "N&W"}}, hl7.CX{ID: "8"}).
		Set(5, hl7.XPN{Family: `O\Neil`, OwnPrefix: "van"}).Set(6, hl7.Null).Set(7).Set(9, hl7.Parts{"a", "", "c", ""}).Set(11, hl7.RawValue("x^y"))
	b.Segment("PV2").Raw([]byte("ZZZ|as|it|is|"))
	b.Segment("NTE").Set(3, hl7.Text("one\r\ntwo\nthree\x0b\x1c"))
	want := `MSH|^~\&|SIM|NORTH\F\WING|||20260401101530-0500||ADT^A08|1|P|2.5.1|||AL|NE|USA` + "\r" +
		`EVN||202604011015` + "\r" +
		`PID|||7^^^N\T\W~8||O\E\Neil&van|""|||a^^c||x^y` + "\r" +
		`PV2` + "\r" + `ZZZ|as|it|is|` + "\r" + `NTE|||one\.br\two\.br\three\X0B\\X1C\` + "\r"
	if diff := cmp.Diff(lines([]byte(want)), lines(b.Bytes())); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(b.Bytes(), b.Bytes()) {
		t.Error("asking twice changes the message")
	}
	b.Reset(hl7.MSH{Type: "ADT", Trigger: "A01"})
	if got := string(b.Bytes()); got != `MSH|^~\&|||||||ADT^A01||P|2.5.1`+"\r" {
		t.Errorf("after Reset: %q", got)
	}
}

func TestFieldsOutOfOrderAreAProgrammingError(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it was accepted")
		}
	}()
	hl7.NewBuilder(hl7.MSH{}).Segment("PID").Set(5, hl7.Text("a")).Set(5, hl7.Text("b"))
}

func TestABuilderEncodesInItsCharset(t *testing.T) {
	for set, want := range map[string]string{"8859/1": "M\xfcller \x80 ?", "8859/15": "M\xfcller \xa4 ?", "UNICODE UTF-8": "Müller € Ж", "8859/5": "M?ller ? \xb6"} {
		b := hl7.NewBuilder(hl7.MSH{Type: "ADT", Charset: set})
		raw := b.Segment("NTE").Set(3, hl7.Text("Müller € Ж")).Bytes()
		if got := parse(t, string(raw)).Get("NTE-3").Raw(); string(got) != want {
			t.Errorf("%s: %q, want %q", set, got, want)
		}
	}
}

// delimiterSets are the ones text must survive: the usual, with truncation, and exotic ones.
var delimiterSets = []hl7.Delimiters{
	hl7.Standard,
	{Field: '|', Component: '^', Repetition: '~', Escape: '\\', Subcomponent: '&', Truncation: '#'},
	{Field: '#', Component: '!', Repetition: '@', Escape: '%', Subcomponent: '*'},
	{Field: '^', Component: '|', Repetition: '&', Escape: '~', Subcomponent: '\\'},
}

var texts = rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune(`|^~\&#!@%*"'.brXFSTREPHNZCM0A`+"\n\t")), rapid.RuneFrom([]rune("aé€ßŁЖ王\u007f\u0085"))))

// readable says what a text reads as once written: null and NUL are not text.
func isText(s string) bool { return s != `""` && !strings.ContainsAny(s, "\x00\r") }

func TestWrittenTextReadsBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := rapid.SampledFrom(delimiterSets).Draw(rt, "delimiters")
		text := texts.Filter(isText).Draw(rt, "text")
		raw := hl7.NewBuilder(hl7.MSH{Delimiters: d, Type: "ADT", Charset: "UTF-8"}).Segment("NTE").Set(3, hl7.Text(text)).Bytes()
		m, err := hl7.Parse(raw)
		if err != nil {
			rt.Fatal(err)
		}
		if f := m.Segment("NTE").Field(3); f.String() != text || f.Text() != text {
			rt.Fatalf("%q is written %q and read %q", text, f.Raw(), f.String())
		}
	})
}

func TestWrittenTypesReadBack(t *testing.T) {
	word := texts.Filter(isText)
	rapid.Check(t, func(rt *rapid.T) {
		w := func(name string) string { return word.Draw(rt, name) }
		hd := func() hl7.HD { return hl7.HD{Namespace: w("ns"), UniversalID: w("uid"), UniversalIDType: w("uidtype")} }
		// A value without any part is not written at all, so each has an identifying part.
		cx := []hl7.CX{{ID: "1" + w("id"), Authority: hd(), Type: w("type"), Facility: hd()}, {ID: "2", CheckDigit: w("digit")}}
		pn := hl7.XPN{Family: "x" + w("family"), OwnPrefix: w("prefix"), Given: w("given"), Suffix: w("suffix"), Type: "L"}
		ad := hl7.XAD{Street: "x" + w("street"), City: w("city"), Zip: w("zip"), County: w("county")}
		tn := hl7.XTN{Use: "x" + w("use"), Email: w("email"), Unformatted: w("unformatted")}
		pl := hl7.PL{PointOfCare: "x" + w("poc"), Facility: hd(), Floor: w("floor")}
		cn := hl7.XCN{ID: "x" + w("staff"), Family: w("family"), Authority: hd(), IDType: w("idtype"), Facility: hd()}
		ce := hl7.CWE{Code: "x" + w("code"), Text: w("text"), OriginalText: w("original")}
		d := rapid.SampledFrom(delimiterSets).Draw(rt, "delimiters")
		raw := hl7.NewBuilder(hl7.MSH{Delimiters: d, Type: "ADT", Charset: "UTF-8"}).Segment("ZZZ").
			Set(1, cx[0], cx[1]).Set(2, pn).Set(3, ad).Set(4, tn).Set(5, pl).Set(6, cn).Set(7, ce).Bytes()
		m, err := hl7.Parse(raw)
		if err != nil {
			rt.Fatal(err)
		}
		z := m.Segment("ZZZ")
		var ids []hl7.CX
		for r := range z.Field(1).Reps() {
			ids = append(ids, r.CX())
		}
		got := []any{ids, z.Field(2).Name(), z.Field(3).XAD(), z.Field(4).XTN(), z.Field(5).PL(), z.Field(6).XCN(), z.Field(7).CWE()}
		if diff := cmp.Diff([]any{cx, pn, ad, tn, pl, cn, ce}, got); diff != "" {
			rt.Fatalf("%q: %s", raw, diff)
		}
	})
}

func TestEveryMessageIsRebuiltFromItsParts(t *testing.T) {
	line := rapid.StringMatching(`([A-Z][A-Z0-9]{2}[|])?[a-z|^~&\\ "#]{0,30}`)
	ends := rapid.SampledFrom([]string{"\r", "\n", "\r\n", "\r\r"})
	rapid.Check(t, func(rt *rapid.T) {
		text := header
		for range rapid.IntRange(0, 12).Draw(rt, "lines") {
			if l := line.Draw(rt, "line"); !strings.HasPrefix(l, "MSH") {
				text += l + ends.Draw(rt, "end")
			}
		}
		m, err := hl7.Parse([]byte(text))
		if err != nil {
			rt.Fatal(err)
		}
		if string(m.Raw()) != text {
			rt.Fatalf("%q has become %q", text, m.Raw())
		}
		checkRebuild(t, m)
		if t.Failed() {
			rt.Fatalf("of %q", text)
		}
		// Nothing but line ends and blank lines stands between segments, unless ADD has joined some.
		if !strings.Contains(text, "ADD") {
			var all []byte
			for s := range m.Segments() {
				all = append(all, s.Raw()...)
			}
			if got, want := squeeze(string(all)), squeeze(text); got != want {
				rt.Fatalf("segments hold %q of %q", got, want)
			}
		}
	})
}

func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("\r\n \t", r) {
			return -1
		}
		return r
	}, s)
}

func TestSplittingJoinedMessagesGivesThemBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var want [][]byte
		var joined []byte
		framed := rapid.Bool().Draw(rt, "framed")
		for i := range rapid.IntRange(0, 5).Draw(rt, "messages") {
			raw := hl7.NewBuilder(hl7.MSH{Type: "ADT", ControlID: string(rune('A' + i)), Time: hl7.At(time.Unix(0, 0))}).Segment("PID").Set(1, hl7.Text("1")).Bytes()
			want = append(want, bytes.TrimSuffix(raw, []byte("\r")))
			if framed {
				raw = append(append([]byte{0x0b}, raw...), 0x1c, '\r')
			}
			joined = append(joined, raw...)
		}
		b := hl7.Split(joined)
		if diff := cmp.Diff(want, b.Messages); diff != "" || len(b.Unusable) > 0 {
			rt.Fatalf("%s, unusable %v", diff, b.Unusable)
		}
	})
}
