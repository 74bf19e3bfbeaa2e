package encounter

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
)

var day = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// at reads "9" or "9:30" as a time of the test's day; a leading number and "d" adds days.
func at(s string) time.Time {
	d, clock, found := strings.Cut(s, "d")
	if !found {
		d, clock = "0", s
	}
	hour, minute, _ := strings.Cut(clock, ":")
	n := func(s string) time.Duration { v, _ := strconv.Atoi(s); return time.Duration(v) }
	return day.Add(n(d)*24*time.Hour + n(hour)*time.Hour + n(minute)*time.Minute)
}

func ptr[T any](v T) *T { return &v }

// say is a fact recorded at a time and, unless told otherwise, of that time.
func say(kind Kind, recorded string, more ...func(*Fact)) Fact {
	f := Fact{Kind: kind, Recorded: at(recorded), Sent: at(recorded), Happened: at(recorded), Occurred: at(recorded)}
	for _, m := range more {
		m(&f)
	}
	f.Control = kind.String() + recorded
	f.Message = events.Derive("message", f.Control, f.Place.Bed, f.Values.Class)
	f.Hash = f.Message
	return f
}

func class(c string) func(*Fact)       { return func(f *Fact) { f.Values.Class = c } }
func bed(unit, bed string) func(*Fact) { return func(f *Fact) { f.Place = Place{unit, "1", bed} } }
func occurred(t string) func(*Fact) {
	return func(f *Fact) { f.Occurred, f.Happened = at(t), at(t) }
}
func admitAt(t string) func(*Fact) {
	return func(f *Fact) {
		f.Values.AdmitAt = ptr(at(t))
		if starts(f.Kind) {
			f.Occurred = at(t)
		}
	}
}
func dischargeAt(t string) func(*Fact) {
	return func(f *Fact) {
		f.Values.DischargeAt = ptr(at(t))
		if f.Kind == Discharge {
			f.Occurred = at(t)
		}
	}
}
func disposition(d string) func(*Fact) { return func(f *Fact) { f.Values.Disposition = d } }

func set(facts ...Fact) Facts {
	var s Facts
	for _, f := range facts {
		s, _ = s.Add(f)
	}
	return s
}

func TestFold(t *testing.T) {
	tests := map[string]struct {
		facts []Fact
		want  string // state class admitted discharged disposition unit, "-" for none
	}{
		"an admission":                         {[]Fact{say(Admit, "9", class(Inpatient), bed("3W", "1"))}, "in-progress inpatient 9 - - 3W"},
		"an admission without class":           {[]Fact{say(Admit, "9")}, "in-progress inpatient 9 - - -"},
		"a registration in the ED":             {[]Fact{say(Register, "9", class(Emergency))}, "arrived emergency 9 - - -"},
		"a registration into a bed":            {[]Fact{say(Register, "9", class(Emergency), bed("ED", "4"))}, "in-progress emergency 9 - - ED"},
		"a plan":                               {[]Fact{say(PreAdmit, "9", class(PreAdmitted))}, "planned preadmit - - - -"},
		"a plan and an admission":              {[]Fact{say(PreAdmit, "9", class(PreAdmitted)), say(Admit, "10", class(Inpatient))}, "in-progress inpatient 10 - - -"},
		"a cancelled plan":                     {[]Fact{say(PendingAdmit, "9"), say(CancelPendingAdmit, "10", occurred("9"))}, "cancelled other - - - -"},
		"a plan's cancel alone":                {[]Fact{say(CancelPreAdmit, "10")}, "cancelled other - - - -"},
		"a discharge":                          {[]Fact{say(Admit, "9"), say(Discharge, "15", dischargeAt("14"), disposition("06"))}, "finished inpatient 9 14 06 -"},
		"a discharge alone":                    {[]Fact{say(Discharge, "15", class(Inpatient), disposition("01"), admitAt("9"))}, "finished inpatient 9 15 01 -"},
		"a cancelled discharge":                {[]Fact{say(Admit, "9"), say(Discharge, "15", disposition("01")), say(CancelDischarge, "16", occurred("15"), dischargeAt("15"), bed("4E", "2"))}, "in-progress inpatient 9 - - 4E"},
		"a discharge cancelled and done again": {[]Fact{say(Admit, "9"), say(Discharge, "15", disposition("01")), say(CancelDischarge, "16", occurred("15")), say(Discharge, "18", disposition("03"))}, "finished inpatient 9 18 03 -"},
		"the second discharge has no disposition of the first": {[]Fact{say(Admit, "9"), say(Discharge, "15", disposition("01")), say(CancelDischarge, "16", occurred("15")), say(Discharge, "18")}, "finished inpatient 9 18 - -"},
		"a discharge stated twice and cancelled once":          {[]Fact{say(Admit, "9"), say(Discharge, "15"), say(Discharge, "15:10", dischargeAt("14:50")), say(CancelDischarge, "16")}, "in-progress inpatient 9 - - -"},
		"a late update with the final disposition":             {[]Fact{say(Admit, "9"), say(Discharge, "15", disposition("01")), say(Update, "3d9", disposition("03"))}, "finished inpatient 9 15 03 -"},
		"an update that is older than the discharge":           {[]Fact{say(Admit, "9"), say(Discharge, "15", disposition("06")), say(Update, "12", disposition("01"), class(Observation))}, "finished observation 9 15 06 -"},
		"an update does not end a stay":                        {[]Fact{say(Admit, "9"), say(Update, "12", dischargeAt("12"), disposition("01"))}, "in-progress inpatient 9 - - -"},
		"an update alone":                                      {[]Fact{say(Update, "12", class(Inpatient), admitAt("9"))}, "in-progress inpatient 9 - - -"},
		"a cancelled admission":                                {[]Fact{say(Admit, "9"), say(CancelAdmit, "10", occurred("9"))}, "cancelled inpatient - - - -"},
		"a cancelled admission and its late update":            {[]Fact{say(Admit, "9"), say(CancelAdmit, "10", occurred("9")), say(Update, "11")}, "cancelled inpatient - - - -"},
		"a cancelled admission and a new one":                  {[]Fact{say(Admit, "9"), say(CancelAdmit, "10", occurred("9")), say(Admit, "12", class(Observation))}, "in-progress observation 12 - - -"},
		"an admission cancelled in the ED":                     {[]Fact{say(Register, "8", class(Emergency)), say(Admit, "9", class(Inpatient)), say(CancelAdmit, "10")}, "arrived emergency 8 - - -"},
		"an ED visit becomes a stay":                           {[]Fact{say(Register, "8", class(Emergency)), say(Admit, "9", class(Inpatient), bed("3W", "1"))}, "in-progress inpatient 8 - - 3W"},
		"an ED visit becomes a stay and keeps its first time":  {[]Fact{say(Register, "8", class(Emergency), admitAt("8")), say(Update, "8:30", class(Emergency)), say(Admit, "9", class(Inpatient), admitAt("8"))}, "in-progress inpatient 8 - - -"},
		"a transfer":                                  {[]Fact{say(Admit, "9", bed("3W", "1")), say(Transfer, "10", bed("4E", "2"))}, "in-progress inpatient 9 - - 4E"},
		"a transfer heard of late":                    {[]Fact{say(Admit, "9", bed("3W", "1")), say(Transfer, "12", bed("ICU", "1")), say(Transfer, "13", occurred("10"), bed("4E", "2"))}, "in-progress inpatient 9 - - ICU"},
		"a cancelled transfer":                        {[]Fact{say(Admit, "9", bed("3W", "1")), say(Transfer, "10", bed("4E", "2")), say(CancelTransfer, "11", occurred("10"), bed("3W", "1"))}, "in-progress inpatient 9 - - 3W"},
		"two transfers, the second cancelled":         {[]Fact{say(Transfer, "10", bed("4E", "2")), say(Transfer, "11", bed("5N", "3")), say(CancelTransfer, "12", occurred("11"))}, "in-progress other - - - 4E"},
		"a leave":                                     {[]Fact{say(Admit, "9"), say(LeaveStart, "10")}, "onleave inpatient 9 - - -"},
		"back from leave":                             {[]Fact{say(Admit, "9"), say(LeaveStart, "10"), say(LeaveEnd, "12")}, "in-progress inpatient 9 - - -"},
		"an outpatient becomes an inpatient":          {[]Fact{say(Register, "9", class(Outpatient)), say(ToInpatient, "10", class(Inpatient))}, "in-progress inpatient 9 - - -"},
		"an inpatient becomes an observation patient": {[]Fact{say(Admit, "9"), say(ToOutpatient, "10", class(Observation))}, "in-progress observation 9 - - -"},
		"a deleted visit":                             {[]Fact{say(Admit, "9"), say(Discharge, "10"), say(Delete, "11")}, "entered-in-error inpatient - - - -"},
		"a deletion and a late update":                {[]Fact{say(Admit, "9"), say(Delete, "11"), say(Update, "12")}, "entered-in-error inpatient - - - -"},
		"an admission told again after the end":       {[]Fact{say(Admit, "9", admitAt("9")), say(Discharge, "15"), say(Admit, "16", admitAt("9"), occurred("16"))}, "finished inpatient 9 15 - -"},
		"a series account begins again":               {[]Fact{say(Register, "9", class(Recurring), admitAt("9")), say(Discharge, "10"), say(Register, "7d9", class(Recurring), admitAt("7d9"))}, "arrived recurring 7d9 - - -"},
		"a discharge from a plan":                     {[]Fact{say(PreAdmit, "8"), say(Discharge, "15", class(Outpatient))}, "finished outpatient - 15 - -"},
		"an update of the discharge time":             {[]Fact{say(Admit, "9"), say(Discharge, "15", dischargeAt("15")), say(Update, "16", dischargeAt("14"))}, "finished inpatient 9 14 - -"},
		"an admission time of a date only":            {[]Fact{say(Admit, "9", admitAt("9")), say(Update, "10", func(f *Fact) { f.Values.AdmitAt, f.Values.AdmitDay = ptr(day), true })}, "in-progress inpatient 9 - - -"},
		"a cancel sent twice cancels once":            {[]Fact{say(Transfer, "10", bed("4E", "2")), say(Transfer, "11", bed("5N", "3")), say(CancelTransfer, "12", occurred("11")), say(CancelTransfer, "12", occurred("11"), bed("4E", "9"))}, "in-progress other - - - 4E"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, line(set(tt.facts...).Fold())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func line(s Stay) string {
	show := func(t *time.Time) string {
		if t == nil {
			return "-"
		}
		h := t.Sub(day)
		out := strconv.Itoa(int(h.Hours()) % 24)
		if d := int(h.Hours()) / 24; d > 0 {
			out = strconv.Itoa(d) + "d" + out
		}
		return out
	}
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	return strings.Join([]string{s.State, s.Class, show(s.AdmittedAt), show(s.DischargedAt), or(s.Disposition), or(s.Place.Unit)}, " ")
}

// A cancel that comes before what it cancels waits for it.
func TestTombstone(t *testing.T) {
	cancel := say(CancelDischarge, "16", occurred("15"))
	s := set(cancel, say(Admit, "9"))
	if got := s.Remarks()[1]; !got.Open {
		t.Errorf("the cancel found something: %+v", got)
	}
	s, _ = s.Add(say(Discharge, "15"))
	if got := s.Fold().State; got != InProgress {
		t.Errorf("state %s after the late discharge", got)
	}
}

func TestInpatientAt(t *testing.T) {
	tests := map[string]struct {
		facts []Fact
		want  *time.Time
	}{
		"from the start":                 {[]Fact{say(Admit, "10", class(Inpatient), admitAt("9"))}, ptr(at("9"))},
		"from the ED, with its own time": {[]Fact{say(Register, "8", class(Emergency), admitAt("8")), say(Admit, "12", class(Inpatient), admitAt("11"))}, ptr(at("11"))},
		"from the ED, the time repeated": {[]Fact{say(Register, "8", class(Emergency), admitAt("8")), say(Admit, "12", class(Inpatient), admitAt("8"))}, ptr(at("12"))},
		"by a change of class":           {[]Fact{say(Register, "8", class(Observation)), say(ToInpatient, "12", class(Inpatient))}, ptr(at("12"))},
		"not after it went back":         {[]Fact{say(Admit, "8", class(Inpatient)), say(ToOutpatient, "12", class(Observation))}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, set(tt.facts...).Fold().InpatientAt); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestObservationBegan(t *testing.T) {
	tests := map[string]struct {
		facts []Fact
		want  *time.Time
	}{
		"from the start":          {[]Fact{say(Register, "8", class(Observation), admitAt("7"))}, ptr(at("7"))},
		"kept as an inpatient":    {[]Fact{say(Register, "8", class(Observation)), say(ToInpatient, "12", class(Inpatient))}, ptr(at("8"))},
		"after the emergency":     {[]Fact{say(Register, "8", class(Emergency)), say(Update, "10", class(Observation)), say(ToInpatient, "12", class(Inpatient))}, ptr(at("10"))},
		"from inpatient":          {[]Fact{say(Admit, "8", class(Inpatient)), say(ToOutpatient, "12", class(Observation))}, ptr(at("12"))},
		"never":                   {[]Fact{say(Admit, "8", class(Inpatient))}, nil},
		"not after it went on":    {[]Fact{say(Register, "8", class(Observation)), say(ToOutpatient, "12", class(Outpatient))}, nil},
		"the earliest of two":     {[]Fact{say(Register, "8", class(Observation)), say(ToInpatient, "12", class(Inpatient)), say(ToOutpatient, "14", class(Observation))}, ptr(at("8"))},
		"with the corrected time": {[]Fact{say(Register, "8", class(Observation), admitAt("7")), say(ToInpatient, "12", class(Inpatient)), say(Update, "13", admitAt("6"))}, ptr(at("6"))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, set(tt.facts...).Fold().ObservedAt); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Any order, repetition and delay of the same facts gives the same stay.
func TestFoldIsOrderIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(rapid.Custom(anyFact), 1, 12).Draw(t, "facts")
		want := set(facts...).Fold()
		again := append(rapid.Permutation(facts).Draw(t, "order"), rapid.SampledFrom(facts).Draw(t, "repeated"))
		if diff := cmp.Diff(want, set(again...).Fold()); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(set(facts...).Participants(), set(again...).Participants()); diff != "" {
			t.Fatalf("participants: %s", diff)
		}
		loaded := Facts(rapid.Permutation(set(facts...)).Draw(t, "loaded"))
		loaded.Sort()
		if diff := cmp.Diff(want, loaded.Fold()); diff != "" {
			t.Fatalf("sorted after loading: %s", diff)
		}
	})
}

// A fold always ends in a state of the contract, and only a finished stay has an end.
func TestFoldIsAlwaysAState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := set(rapid.SliceOfN(rapid.Custom(anyFact), 1, 12).Draw(t, "facts")...).Fold()
		known := s.State == "" // of somebody who is only spoken of
		for _, state := range States {
			known = known || state == s.State
		}
		if !known {
			t.Fatalf("state %q", s.State)
		}
		if (s.DischargedAt != nil) != (s.State == Finished) {
			t.Fatalf("%s with end %v", s.State, s.DischargedAt)
		}
		if s.State != Finished && s.Disposition != "" {
			t.Fatalf("%s with disposition %s", s.State, s.Disposition)
		}
	})
}

func anyFact(t *rapid.T) Fact {
	hour := func(name string) string { return strconv.Itoa(rapid.IntRange(0, 12).Draw(t, name)) }
	f := say(Kind(rapid.IntRange(int(PreAdmit), int(kinds)-1).Draw(t, "kind")), hour("recorded"))
	f.Values.Class = rapid.SampledFrom([]string{"", Inpatient, Emergency, Outpatient, PreAdmitted}).Draw(t, "class")
	f.Place.Unit = rapid.SampledFrom([]string{"", "3W", "4E"}).Draw(t, "unit")
	f.Values.Disposition = rapid.SampledFrom([]string{"", "01", "06", Deleted}).Draw(t, "disposition")
	if rapid.Bool().Draw(t, "occurred elsewhere") {
		f.Occurred = at(hour("occurred"))
	}
	if rapid.Bool().Draw(t, "admit time") {
		f.Values.AdmitAt = ptr(at(hour("admit")))
	}
	if rapid.Bool().Draw(t, "discharge time") {
		f.Values.DischargeAt = ptr(at(hour("discharge")))
	}
	switch rapid.IntRange(0, 6).Draw(t, "more") {
	case 0:
		f.Values.DiagnosesSent, f.Diagnoses = true, []Diagnosis{{Code: hour("code"), ID: "1"}}
	case 1:
		f.Values.DiagnosesChanged, f.Diagnoses = true, []Diagnosis{{Code: hour("code"), ID: strconv.Itoa(rapid.IntRange(1, 3).Draw(t, "id")), Removed: rapid.Bool().Draw(t, "removed")}}
	case 2:
		f.Values.Consulting = []string{rapid.SampledFrom([]string{"c1", "c2", Deleted}).Draw(t, "consulting")}
	case 3:
		f.Values.Gone = Times(rapid.IntRange(0, 15).Draw(t, "gone"))
	case 4:
		f.Values.Procedures, f.Values.Prior = ptr(rapid.IntRange(0, 3).Draw(t, "procedures")), "VN:1"
	case 5:
		f.Values.Temporary, f.Values.Attending = &Place{Unit: "XR"}, rapid.SampledFrom([]string{"a1", "a2", Deleted}).Draw(t, "attending")
	}
	f.Message = events.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	f.Hash = f.Message
	return f
}
