package encounter

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func attending(id string) func(*Fact)      { return func(f *Fact) { f.Values.Attending = id } }
func consulting(ids ...string) func(*Fact) { return func(f *Fact) { f.Values.Consulting = ids } }
func away(unit string) func(*Fact)         { return func(f *Fact) { f.Values.Temporary = &Place{Unit: unit} } }
func gone(t Times) func(*Fact)             { return func(f *Fact) { f.Values.Gone = t } }
func expected(t string) func(*Fact)        { return func(f *Fact) { f.Values.ExpectedAt = ptr(at(t)) } }

// What each event beside the start, the end and the bed does to a stay.
func TestFoldOfFurtherEvents(t *testing.T) {
	tests := map[string]struct {
		facts []Fact
		want  string
	}{
		"a leave that was cancelled":                {[]Fact{say(Admit, "9"), say(LeaveStart, "10"), say(CancelLeaveStart, "11", occurred("10"))}, "in-progress inpatient 9 - - -"},
		"a leave's cancel before the leave":         {[]Fact{say(CancelLeaveStart, "11", occurred("10")), say(LeaveStart, "10"), say(Admit, "9")}, "in-progress inpatient 9 - - -"},
		"a return that was cancelled":               {[]Fact{say(Admit, "9"), say(LeaveStart, "10"), say(LeaveEnd, "12"), say(CancelLeaveEnd, "13", occurred("12"))}, "onleave inpatient 9 - - -"},
		"the second leave cancelled, not the first": {[]Fact{say(Admit, "9"), say(LeaveStart, "10"), say(LeaveEnd, "11"), say(LeaveStart, "12"), say(CancelLeaveStart, "13")}, "in-progress inpatient 9 - - -"},
		"a leave is no discharge, nor its cancel":   {[]Fact{say(Admit, "9"), say(LeaveStart, "10"), say(Discharge, "12"), say(CancelLeaveStart, "13")}, "finished inpatient 9 12 - -"},
		"tracking changes no bed":                   {[]Fact{say(Admit, "9", bed("3W", "1")), say(Depart, "10", bed("XR", "9"), away("XR")), say(Arrive, "11", away("XR"))}, "in-progress inpatient 9 - - 3W"},
		"tracking alone is no stay":                 {[]Fact{say(Depart, "10", class(Inpatient), away("XR")), say(CancelDepart, "11")}, " other - - - -"},
		"a move alone is no stay":                   {[]Fact{say(Move, "10")}, " other - - - -"},
		"a move and what came before it":            {[]Fact{say(Move, "10"), say(Admit, "9", class(Inpatient))}, "in-progress inpatient 9 - - -"},
		"tracking does not undo a discharge":        {[]Fact{say(Admit, "9"), say(Discharge, "15"), say(Arrive, "16", away("XR"))}, "finished inpatient 9 15 - -"},
		"a change of the attending alone":           {[]Fact{say(ChangeAttending, "10", class(Inpatient))}, "in-progress inpatient - - - -"},
		"a series visit cancelled keeps the others": {[]Fact{say(Register, "9", class(Recurring), admitAt("9")), say(Register, "2d9", class(Recurring), admitAt("2d9")), say(CancelAdmit, "2d10")}, "arrived recurring 9 - - -"},
		"a corrected registration cancelled":        {[]Fact{say(Register, "9", class(Outpatient), admitAt("9")), say(Register, "10", class(Outpatient), admitAt("8")), say(CancelAdmit, "11")}, "cancelled outpatient - - - -"},
		"an admission time deleted":                 {[]Fact{say(Admit, "9", admitAt("8"), occurred("9")), say(Update, "10", gone(AdmitTime))}, "in-progress inpatient 9 - - -"},
		"a discharge time deleted":                  {[]Fact{say(Admit, "9"), say(Discharge, "15", dischargeAt("14"), func(f *Fact) { f.Occurred = at("15") }), say(Update, "16", gone(DischargeTime))}, "finished inpatient 9 15 - -"},
		"an update after the end changes no state":  {[]Fact{say(Admit, "9"), say(Discharge, "15"), say(Update, "16", bed("4E", "1"), class(Inpatient))}, "finished inpatient 9 15 - 4E"},
		"an update of a plan changes no state":      {[]Fact{say(PreAdmit, "9", class(PreAdmitted)), say(Update, "10", class(PreAdmitted))}, "planned preadmit - - - -"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, line(set(tt.facts...).Fold())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExpectationIsTakenBack(t *testing.T) {
	for name, tt := range map[string]struct {
		last Fact
		want *time.Time
	}{
		"by its cancel":                  {say(CancelExpectDischarge, "12"), nil},
		"by an update that deletes it":   {say(Update, "12", gone(ExpectedTime)), nil},
		"corrected by an update":         {say(Update, "12", expected("2d9")), ptr(at("2d9"))},
		"not by an update without it":    {say(Update, "12"), ptr(at("1d9"))},
		"not by an older word of it":     {say(Update, "9:30", gone(ExpectedTime)), ptr(at("1d9"))},
		"not by a cancel of a transfer":  {say(CancelExpectTransfer, "12"), ptr(at("1d9"))},
		"by the end of the stay":         {say(Discharge, "12"), nil},
		"not by the cancel of a leaving": {say(CancelDischarge, "12"), ptr(at("1d9"))},
	} {
		t.Run(name, func(t *testing.T) {
			s := set(tt.last, say(ExpectDischarge, "10", expected("1d9")), say(Admit, "9"))
			if got := s.Fold().ExpectedAt; name != "by the end of the stay" && !same(tt.want, got) || name == "by the end of the stay" && s.Fold().State != Finished {
				t.Errorf("expected at %v, not %v", got, tt.want)
			}
		})
	}
}

func TestPendingTransfer(t *testing.T) {
	unit := func(u string) func(*Fact) { return func(f *Fact) { f.Values.PendingUnit = u } }
	list := []Fact{say(Admit, "9"), say(ExpectTransfer, "10", unit("ICU"))}
	if got := set(list...).Fold().PendingUnit; got != "ICU" {
		t.Errorf("to %q", got)
	}
	if got := set(append(list, say(CancelExpectTransfer, "11"))...).Fold().PendingUnit; got != "" {
		t.Errorf("after the cancel to %q", got)
	}
	if got := set(append(list, say(Update, "11", unit(Deleted)))...).Fold().PendingUnit; got != "" {
		t.Errorf("deleted, and still to %q", got)
	}
}

// Changes of single diagnoses (DG1-21) in a list, and a list that replaces all.
func TestDiagnosesByAction(t *testing.T) {
	whole := func(list ...Diagnosis) func(*Fact) {
		return func(f *Fact) { f.Values.DiagnosesSent, f.Diagnoses = true, list }
	}
	change := func(list ...Diagnosis) func(*Fact) {
		return func(f *Fact) { f.Values.DiagnosesChanged, f.Diagnoses = true, list }
	}
	facts := []Fact{
		say(Admit, "9", whole(Diagnosis{Code: "I50", ID: "1"}, Diagnosis{Code: "J44"})),
		say(Update, "10", change(Diagnosis{Code: "N18", ID: "2"})),
		say(Update, "11", change(Diagnosis{Code: "I509", ID: "1"}, Diagnosis{ID: "2", Removed: true}, Diagnosis{ID: "7", Removed: true})),
	}
	want := []Diagnosis{{Code: "I509", ID: "1"}, {Code: "J44"}}
	if diff := cmp.Diff(want, set(facts[2], facts[0], facts[1]).Fold().Diagnoses); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Diagnosis{{Code: "E11"}}, set(append(facts, say(Update, "12", whole(Diagnosis{Code: "E11"})))...).Fold().Diagnoses); diff != "" {
		t.Error(diff)
	}
}

func TestParticipants(t *testing.T) {
	s := set(
		say(Admit, "9", attending("a1")),
		say(ChangeAttending, "11", attending("a2")),
		say(ChangeConsulting, "12", consulting("c1")),
		say(ChangeConsulting, "14", consulting("c1", "c2")),
		say(ChangeAttending, "13", attending("a3")),
		say(CancelAttending, "14", occurred("13"), attending("a2")),
		say(CancelConsulting, "15", occurred("14"), consulting("c1")),
		say(Discharge, "18"))
	want := []Participant{
		{"a1", "attending", at("9"), ptr(at("11"))}, {"a2", "attending", at("11"), ptr(at("18"))},
		{"c1", "consulting", at("12"), ptr(at("18"))},
	}
	if diff := cmp.Diff(want, s.Participants()); diff != "" {
		t.Error(diff)
	}
	if f := s.Fold(); f.Attending != "a2" || !cmp.Equal(f.Consulting, []string{"c1"}) {
		t.Errorf("attending %s, consulting %v", f.Attending, f.Consulting)
	}
}

func TestTracked(t *testing.T) {
	s := set(say(Admit, "9", bed("3W", "1")), say(Depart, "10", away("XR")), say(Arrive, "11", away("CT")))
	if p, since := s.Tracked(); p.Unit != "CT" || !since.Equal(at("11")) {
		t.Errorf("in %v since %v", p, since)
	}
	s, _ = s.Add(say(CancelArrive, "11:30", occurred("11")))
	if p, _ := s.Tracked(); p.Unit != "XR" {
		t.Errorf("after the cancel in %v", p)
	}
	s, _ = s.Add(say(Arrive, "12"))
	if p, _ := s.Tracked(); p != (Place{}) {
		t.Errorf("back in bed, and in %v", p)
	}
}
