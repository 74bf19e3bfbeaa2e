package adt

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/services/admission/internal/encounter"
	"github.com/handoff-care/handoff/services/admission/internal/identity"
)

var received = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

// read translates a message of a feed in Chicago.
func read(t *testing.T, dialect Dialect, segments ...string) (*Command, Verdict) {
	t.Helper()
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	org := events.Derive("org", "test")
	fac := &Facility{ID: events.Derive("facility"), Org: org, Code: "GENERAL", Zone: "America/Chicago", Location: chicago}
	feed := &Feed{Org: org, Dialect: dialect, Facilities: []*Facility{fac}}
	m, err := hl7.Parse([]byte(strings.Join(segments, "\r")))
	if err != nil {
		t.Fatal(err)
	}
	return Translate(m, feed, fac, events.Derive("hash"), received)
}

func msh(trigger, at string) string {
	return "MSH|^~\\&|S|GENERAL|R|F|" + at + "||ADT^" + trigger + "|7|P|2.5"
}

const pid = "PID|||00123^^^OWN&1.2.3&ISO^MR~X9^^^OWN^MC||Canary^Nightingale^^Jr||19500101|f|||1 Main St^^Springfield^IL^62701^USA^H~2 Side St^^X^IL^99999^USA^BA||5550100||spa^Spanish|||ACC1"

func TestTimes(t *testing.T) {
	at := func(h, m int) time.Time { return time.Date(2026, 3, 2, h, m, 0, 0, time.UTC) }
	tests := map[string]struct {
		segments           []string
		occurred, recorded time.Time
	}{
		"the facility's zone":                       {[]string{msh("A08", "202603021000"), "EVN|A08|202603020900", pid, "PV1||I"}, at(15, 0), at(15, 0)},
		"the message's zone, where it disagrees":    {[]string{msh("A08", "202603021000+0000"), "EVN|A08|202603020900", pid, "PV1||I"}, at(9, 0), at(9, 0)},
		"a value's own zone":                        {[]string{msh("A08", "202603021000"), "EVN|A08|202603020900-0500", pid, "PV1||I"}, at(14, 0), at(14, 0)},
		"EVN-6 first":                               {[]string{msh("A03", "202603021000"), "EVN|A03|202603020900||||202603020800", pid, "PV1||I" + strings.Repeat("|", 43) + "202603020700"}, at(14, 0), at(15, 0)},
		"PV1-45 of a discharge":                     {[]string{msh("A03", "202603021000"), "EVN|A03|202603020900", pid, "PV1||I" + strings.Repeat("|", 43) + "202603020700"}, at(13, 0), at(15, 0)},
		"PV1-44 of an admission":                    {[]string{msh("A01", "202603021000"), "EVN|A01|202603020900", pid, "PV1||I" + strings.Repeat("|", 42) + "202603020700"}, at(13, 0), at(15, 0)},
		"PV1-44 of an update is no time of it":      {[]string{msh("A08", "202603021000"), "EVN|A08|202603020900", pid, "PV1||I" + strings.Repeat("|", 42) + "202603020700"}, at(15, 0), at(15, 0)},
		"MSH-7 where there is nothing else":         {[]string{msh("A08", "202603021000"), pid, "PV1||I"}, at(16, 0), at(16, 0)},
		"a date is the start of the local day":      {[]string{msh("A08", "202603021000"), "EVN|A08|20260302", pid, "PV1||I"}, at(6, 0), at(6, 0)},
		"the reception, where there is none at all": {[]string{msh("A08", ""), pid, "PV1||I"}, received, received},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, v := read(t, Dialect{}, tt.segments...)
			if v != (Verdict{}) {
				t.Fatalf("%+v", v)
			}
			if diff := cmp.Diff([]time.Time{tt.occurred, tt.recorded}, []time.Time{c.Fact.Occurred, c.Fact.Recorded}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClass(t *testing.T) {
	d := Dialect{Classes: map[string]string{"X": "emergency"}, PatientTypes: map[string]string{"OBS": "outpatient", "HOSP": "inpatient"}}
	for _, tt := range []struct {
		dialect                  Dialect
		class, kind, admit, want string
	}{
		{Dialect{}, "I", "", "", "inpatient"},
		{Dialect{}, "i", "", "", "inpatient"},
		{Dialect{}, "O", "OBS", "", "observation"},
		{Dialect{}, "OBSENC", "", "", "observation"},
		{Dialect{}, "I", "", "N", "newborn"},
		{Dialect{}, "I", "", "4", "newborn"},
		{Dialect{}, "E", "", "4", "emergency"},
		{Dialect{}, "N", "", "", ""},
		{Dialect{}, "", "", "", ""},
		{Dialect{}, "B", "", "", "obstetrics"},
		{Dialect{}, "R", "", "", "recurring"},
		{Dialect{}, "P", "", "", "preadmit"},
		{Dialect{}, "?", "", "", "other"},
		{d, "X", "", "", "emergency"},
		{d, "I", "OBS", "", "outpatient"},
		{d, "O", "HOSP", "", "inpatient"},
	} {
		if got := tt.dialect.class(tt.class, tt.kind, tt.admit); got != tt.want {
			t.Errorf("PV1-2 %q, PV1-18 %q, PV1-4 %q: %q, not %q", tt.class, tt.kind, tt.admit, got, tt.want)
		}
	}
}

func TestDisposition(t *testing.T) {
	d := Dialect{Dispositions: map[string]string{"SNF": "03"}}
	for raw, want := range map[string]string{"": "", "1": "01", "01": "01", "86": "86", "SNF": "03", "95": "95", "10": encounter.Unmapped, "GDD": encounter.Unmapped, "001": encounter.Unmapped} {
		if got := d.disposition(raw); got != want {
			t.Errorf("%q: %q, not %q", raw, got, want)
		}
	}
}

func TestPerson(t *testing.T) {
	c, v := read(t, Dialect{}, msh("A01", "202603021000"), pid, "PD1||||FAM^Doe^Jane", "NK1|1|Canary^Robin|SPO", "NK1|2|Works|EMR", "PV1||I", "IN1|1|MCR^MEDICARE PART A|MCR|Medicare")
	if v != (Verdict{}) {
		t.Fatalf("%+v", v)
	}
	var r identity.Record
	r.Merge(&c.Person)
	got := map[string]string{
		"sex": r.Value(identity.Sex), "zip3": r.Value(identity.ZIP3), "language": r.Value(identity.Language), "payer": r.Value(identity.Payer), "birth": r.Value(identity.Birth),
		"family": identity.Read[identity.PersonName](&r, identity.Name).Family, "contact": identity.Read[[]identity.Contact](&r, identity.Contacts)[0].Name.Given,
		"practice": identity.Read[identity.Provider](&r, identity.Practice).Name.Family,
	}
	want := map[string]string{"sex": "F", "zip3": "627", "language": "es", "payer": "medicare", "birth": "1950-01-01", "family": "Canary", "contact": "Robin", "practice": "Doe"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(identity.Read[[]identity.Contact](&r, identity.Contacts)); n != 1 {
		t.Errorf("%d contacts: an employer is none", n)
	}
	if id := c.Identifiers[0]; id.Value.Reveal() != "00123" || id.Authority != "1.2.3" || !id.Stated {
		t.Errorf("identifier of %s", id.Authority)
	}
	// Deleted is not the same as not sent.
	c, _ = read(t, Dialect{}, msh("A08", "202603021100"), `PID|||00123^^^OWN&1.2.3&ISO^MR||||""`, "PV1||I")
	r.Merge(&c.Person)
	if r.Value(identity.Birth) != "" || r.Value(identity.Sex) != "F" {
		t.Errorf("birth %q, sex %q", r.Value(identity.Birth), r.Value(identity.Sex))
	}
}

func TestVisitKey(t *testing.T) {
	pv1 := "PV1||I" + strings.Repeat("|", 17) + "VIS1^^^OWN^VN" + strings.Repeat("|", 31) + "ALT1"
	for _, tt := range []struct {
		dialect Dialect
		pv1     string
		want    string
	}{
		{Dialect{}, pv1, "VN:VIS1"},
		{Dialect{}, "PV1||I", "AN:ACC1"},
		{Dialect{VisitKey: []string{"PV1-50"}}, pv1, "AV:ALT1"},
		{Dialect{VisitKey: []string{"PV1-50"}}, "PV1||I", ""},
	} {
		if c, _ := read(t, tt.dialect, msh("A08", "202603021000"), pid, tt.pv1); c.Visit.Key != tt.want {
			t.Errorf("%v: %q, not %q", tt.dialect.VisitKey, c.Visit.Key, tt.want)
		}
	}
}

func TestDiagnoses(t *testing.T) {
	c, _ := read(t, Dialect{}, msh("A08", "202603021000"), pid, "PV1||I", "DG1|1||I50.9^Heart failure^I10C|||F"+strings.Repeat("|", 9)+"1", "DG1|2||834008^Position^SNM3|||W")
	want := []encounter.Diagnosis{{Code: "I50.9", System: "icd-10", Type: "F", Priority: 1}, {Code: "834008", System: "SNM3", Type: "W"}}
	if diff := cmp.Diff(want, c.Fact.Diagnoses); diff != "" {
		t.Error(diff)
	}
	c, _ = read(t, Dialect{}, msh("A08", "202603021000"), pid, "PV1||I", `DG1|1||""`)
	if !c.Fact.Values.DiagnosesSent || len(c.Fact.Diagnoses) != 0 {
		t.Errorf("all deleted: %+v", c.Fact.Diagnoses)
	}
}
