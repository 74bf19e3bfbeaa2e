package hl7_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/hl7"
)

func TestTimestampsAsSendersWriteThem(t *testing.T) {
	for _, c := range []struct {
		in, want  string
		precision hl7.Precision
	}{
		{"2026", "2026", hl7.Year}, {"202604", "202604", hl7.Month}, {"20260401", "20260401", hl7.Day},
		{"2026040112", "2026040112", hl7.Hour}, {"202604011230", "202604011230", hl7.Minute},
		{"20260401123045", "20260401123045", hl7.Second}, {"20260401123045.1234", "20260401123045.1234", hl7.Fraction},
		{"20260401123045.5", "20260401123045.5000", hl7.Fraction}, {"20260401123045123", "20260401123045.1230", hl7.Fraction},
		{"20260401123045-0500", "20260401123045-0500", hl7.Second}, {"202604011230+0530", "202604011230+0530", hl7.Minute},
		{"20260401123045.123-05:00", "20260401123045.1230-0500", hl7.Fraction}, {"20260401123045Z", "20260401123045+0000", hl7.Second},
		{"20260401T1230", "202604011230", hl7.Minute}, {"2026-04-01T12:30:45Z", "20260401123045+0000", hl7.Second},
		{"2026-04-01 12:30", "202604011230", hl7.Minute}, {"20260401-0500", "20260401-0500", hl7.Day},
		{" 20260401123045  ", "20260401123045", hl7.Second}, {"202604012400", "202604012400", hl7.Minute},
		{"19470229", "", hl7.None}, {"19480229", "19480229", hl7.Day}, {"19000229", "", hl7.None}, {"20000229", "20000229", hl7.Day},
		{"19800000", "1980", hl7.Year}, {"19800400", "198004", hl7.Month}, {"19800000000000", "1980", hl7.Year},
		{"20260401123060", "20260401123060", hl7.Second},
		{"", "", hl7.None}, {"0", "", hl7.None}, {"00000000", "", hl7.None}, {"20261301", "", hl7.None}, {"20260431", "", hl7.None},
		{"20260401250000", "", hl7.None}, {"202604012430", "", hl7.None}, {"202604011260", "", hl7.None}, {"tomorrow", "", hl7.None},
		{"04/01/2026", "", hl7.None}, {"20260401123045+", "", hl7.None}, {"20260401123045+9999", "", hl7.None},
		{"20260401123045x", "", hl7.None}, {"2026040", "", hl7.None}, {"20260401 ", "20260401", hl7.Day},
	} {
		d, err := hl7.ParseDTM(c.in)
		if (err == nil) != (c.precision != hl7.None) || d.Precision != c.precision || d.String() != c.want {
			t.Errorf("%q reads as %q (precision %d), %v", c.in, d, d.Precision, err)
		}
	}
}

func TestATimestampFieldThatIsEmptyOrNullIsNoError(t *testing.T) {
	m := parse(t, header+`PV1|1|""||20260401101500^S|nonsense`+"\r")
	for n, want := range map[int]string{2: "", 3: "", 4: "20260401101500", 9: ""} {
		if d, err := m.Segment("PV1").Field(n).DTM(); err != nil || d.String() != want {
			t.Errorf("PV1-%d reads as %q, %v", n, d, err)
		}
	}
	if _, err := m.Segment("PV1").Field(5).DTM(); err != hl7.ErrDTM {
		t.Errorf("nonsense gives %v", err)
	}
}

func TestBirthDatesDropTheTimeOfDay(t *testing.T) {
	for in, want := range map[string]string{"194702280000": "19470228", "19470228235900-0500": "19470228", "1947": "1947", "194702": "194702"} {
		d, err := hl7.ParseDTM(in)
		if err != nil || d.Date().String() != want {
			t.Errorf("%s is the date %q, %v", in, d.Date(), err)
		}
	}
}

func newYork(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestInstants(t *testing.T) {
	ny := newYork(t)
	for what, c := range map[string][2]string{
		"summer":                            {"20260701120000", "2026-07-01T12:00:00-04:00"},
		"winter":                            {"20260101120000", "2026-01-01T12:00:00-05:00"},
		"occurs twice: the earlier":         {"20261101013000", "2026-11-01T01:30:00-04:00"},
		"just after the hour that repeats":  {"20261101020000", "2026-11-01T02:00:00-05:00"},
		"just before it":                    {"20261101005959", "2026-11-01T00:59:59-04:00"},
		"skipped: by the old offset":        {"20260308023000", "2026-03-08T03:30:00-04:00"},
		"first moment of summer time":       {"20260308030000", "2026-03-08T03:00:00-04:00"},
		"last moment of winter time":        {"20260308015959", "2026-03-08T01:59:59-05:00"},
		"a date is its first moment":        {"20260401", "2026-04-01T00:00:00-04:00"},
		"24:00 is the next day":             {"202603312400", "2026-04-01T00:00:00-04:00"},
		"24:00 before a clock change":       {"202603072400", "2026-03-08T00:00:00-05:00"},
		"own zone":                          {"20260401120000+0200", "2026-04-01T06:00:00-04:00"},
		"own zone, negative and not hourly": {"20260401120000-0330", "2026-04-01T11:30:00-04:00"},
		"a month is its first moment":       {"202604", "2026-04-01T00:00:00-04:00"},
		"a year is its first moment":        {"2026", "2026-01-01T00:00:00-05:00"},
	} {
		d, err := hl7.ParseDTM(c[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := d.In(ny).Format(time.RFC3339); got != c[1] {
			t.Errorf("%s: %s is %s, want %s", what, c[0], got, c[1])
		}
	}
	if !(hl7.DTM{}).In(ny).IsZero() {
		t.Error("no timestamp is an instant")
	}
}

func TestTheZoneOfAMessage(t *testing.T) {
	ny := newYork(t)
	for what, c := range map[string]struct{ msh7, value, want string }{
		"MSH-7 agrees with the feed: the feed's, with its clock changes": {"20260301120000-0500", "20260701120000", "2026-07-01T12:00:00-04:00"},
		"MSH-7 has none: the feed's":                                     {"20260301120000", "20260701120000", "2026-07-01T12:00:00-04:00"},
		"MSH-7 disagrees: its own, fixed":                                {"20260301120000-0600", "20260701120000", "2026-07-01T12:00:00-06:00"},
		"the value's own wins":                                           {"20260301120000-0600", "20260701120000+0000", "2026-07-01T12:00:00Z"},
		"MSH-7 is unreadable: the feed's":                                {"yesterday", "20260701120000", "2026-07-01T12:00:00-04:00"},
	} {
		m := parse(t, `MSH|^~\&|||||`+c.msh7+`||ADT^A01|1|P|2.5`+"\rEVN|A01|"+c.value+"\r")
		d, err := m.Get("EVN-2").DTM()
		if err != nil {
			t.Fatal(err)
		}
		want, err := time.Parse(time.RFC3339, c.want)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.In(m.Zone(ny)); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	m := parse(t, header)
	if m.Zone(nil) != time.UTC {
		t.Error("without any zone it is not UTC")
	}
}

func TestEveryInstantSurvivesBeingWritten(t *testing.T) {
	ny := newYork(t)
	rapid.Check(t, func(rt *rapid.T) {
		at := time.Unix(rapid.Int64Range(-2_000_000_000, 4_000_000_000).Draw(rt, "unix"), 0).In(ny)
		d, err := hl7.ParseDTM(hl7.At(at).String())
		if err != nil || !d.In(time.UTC).Equal(at) {
			rt.Fatalf("%s is written %s and read %s (%v)", at, hl7.At(at), d.In(time.UTC), err)
		}
		// Without its zone the local time is read as one of the instants that have it, never the later one.
		local, err := hl7.ParseDTM(hl7.DTMOf(at, hl7.Second, false).String())
		got := local.In(ny)
		const layout = "2006-01-02 15:04:05"
		if err != nil || got.After(at) || got.Format(layout) != at.Format(layout) {
			rt.Fatalf("%s without zone is read as %s (%v)", at, got, err)
		}
	})
}
