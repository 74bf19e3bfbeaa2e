package adt

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

// ofStay are a stay's messages as hospitals send them, about 800 bytes each: admission, transfer, two
// updates, discharge.
func ofStay() (out [][]byte) {
	const at = "20260320065900-0500"
	for i, trigger := range []string{"A01", "A02", "A08", "A08", "A03"} {
		pv1 := "PV1|1|I|4EAST^012^A^GENERAL||||1000015838^Hale^Ruth^^^^^^NPI||||MED||||1|||||V0000012^^^GENERAL^VN" + strings.Repeat("|", 17)
		if trigger == "A03" {
			pv1 += "03||||||||" + at + "|" + at
		} else {
			pv1 += "||||||||" + at
		}
		dg1 := ""
		if i >= 2 {
			dg1 = "DG1|1||I50.9^^I10C|||W\r"
		}
		out = append(out, fmt.Appendf(nil, "MSH|^~\\&|S|GENERAL|HANDOFF|HANDOFF|%s||ADT^%s^ADT_A01|M%08d|P|2.5.1|||||USA|UNICODE UTF-8\r"+
			"EVN|%s|%s\r"+
			"PID|1||P0000012^^^GENERAL^MR||Canarydale^Nightingale^Q||19410507|F|||1204 Barlow Street^^Kelton^IL^60123^USA^H||^PRN^PH^^1^217^2005501||eng|M\r"+
			"NK1|1|Canarydale^Other|SPO^Spouse^HL70063||^PRN^PH^^1^217^2005502||EP\r"+
			"%s\r%sIN1|1|MCR^MEDICARE PART A|MCR|Medicare|||||||||||MCR|||||||||||||||||||||P0000012\r", at, trigger, i, trigger, at, pv1, dg1))
	}
	return out
}

// ofGeneral is the feed that sends them.
func ofGeneral(tb testing.TB) (*Feed, *Facility) {
	tb.Helper()
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		tb.Fatal(err)
	}
	org := events.Derive("org", "test")
	fac := &Facility{ID: events.Derive("facility"), Org: org, Code: "GENERAL", Zone: "America/Chicago", Location: chicago}
	return &Feed{ID: events.Derive("feed"), Org: org, Name: "general", Secret: []byte("secret of the organization"), Facilities: []*Facility{fac}}, fac
}

// BenchmarkReceive is what the door does with a message before it is kept.
func BenchmarkReceive(b *testing.B) {
	feed, _ := ofGeneral(b)
	list := ofStay()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		in, err := Receive(context.Background(), nil, feed, list[i%len(list)], "", received)
		if err != nil || in.State != Kept {
			b.Fatal(err, in.Reason)
		}
	}
}

// BenchmarkReply is the acknowledgement of one.
func BenchmarkReply(b *testing.B) {
	feed, _ := ofGeneral(b)
	in, err := Receive(context.Background(), nil, feed, ofStay()[0], "", received)
	if err != nil {
		b.Fatal(err)
	}
	ids := NewReplyIDs(received)
	var room []byte
	b.ReportAllocs()
	for b.Loop() {
		room = in.Reply(room[:0], ids.Next(), received)
	}
}

// BenchmarkTranslate is what the applier reads of a message that the door has parsed.
func BenchmarkTranslate(b *testing.B) {
	feed, fac := ofGeneral(b)
	var list []*hl7.Message
	for _, raw := range ofStay() {
		m, err := hl7.Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, m)
	}
	hash := events.Derive("hash")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c, v := Translate(list[i%len(list)], feed, fac, hash, received)
		if v != (Verdict{}) || c.Person.Values[identity.Name].Empty() {
			b.Fatal(v)
		}
	}
}
