package admission

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

// known are a facility's stays by number, as others know them.
func (h *hospital) known(facility string) map[string]events.Encounter {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `SELECT visit, snapshot FROM encounter e JOIN facility f ON f.id = e.facility_id WHERE f.code = $1 AND e.fold_version > 0`, facility)
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]events.Encounter{}
	var visit, snapshot string
	if _, err := pgx.ForEachRow(rows, []any{&visit, &snapshot}, func() error {
		var e events.Encounter
		err := json.Unmarshal([]byte(snapshot), &e)
		out[visit] = e
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return out
}

// An emergency visit and the stay it led to, under numbers of their own, are one episode; an earlier
// one is no part of it, but counted. Whichever is heard of first.
func TestEpisode(t *testing.T) {
	for i, reverse := range []bool{false, true} {
		h := start(t)
		a := &about{facility: []string{"EPISODE", "REVERSED"}[i]}
		list := [][]byte{
			a.say("A04", 2, "A", "E0", "PV1-2=E", "PV1-44=202603020200"),
			a.say("A03", 4, "A", "E0", "PV1-2=E", "PV1-36=01"),
			a.say("A04", 30, "A", "E1", "PV1-2=E", "PV1-44=202603030600"),
			a.say("A03", 34, "A", "E1", "PV1-2=E", "PV1-36=09"),
			a.say("A01", 33, "A", "I1", "PV1-44=202603030900", "PR1|1||0DTJ4ZZ^Appendectomy^I10P"),
			a.say("A03", 60, "A", "I1", "PV1-36=01"),
			a.say("A01", 100, "A", "I2", "PV1-44=202603060400"),
		}
		if reverse {
			slices.Reverse(list)
		}
		for _, m := range list {
			h.send(m)
			h.settle()
		}
		k := h.known(a.facility)
		if k["I1"].Episode != k["E1"].ID || !k["I2"].Episode.IsZero() || !k["E1"].Episode.IsZero() {
			t.Errorf("%s: %v, %v", a.facility, k["I1"].Episode, k["I2"].Episode)
		}
		for visit, want := range map[string][3]int{"I1": {1, 0, 1}, "I2": {2, 1, -1}} {
			e, procedures := k[visit], -1
			if e.Procedures != nil {
				procedures = *e.Procedures
			}
			if got := [3]int{*e.PriorED6m, *e.PriorAdmissions12m, procedures}; got != want {
				t.Errorf("%s of %s: emergency visits, admissions, procedures: %v, not %v", visit, a.facility, got, want)
			}
		}
		h.balanced()
	}
}

// An admission under another number that names the visit it goes on from (A06 with MRG).
func TestEpisodeByPriorVisit(t *testing.T) {
	h := start(t)
	a := &about{facility: "PRIOR"}
	h.send(a.say("A04", 2, "A", "E1", "PV1-2=E", "PV1-44=202603020200"),
		a.say("A03", 3, "A", "E1", "PV1-2=E"),
		a.say("A06", 50, "A", "I1", "MRG|A^^^OWN&1.2.3&ISO^MR||||E1"))
	h.settle()
	if k := h.known("PRIOR"); k["I1"].Episode != k["E1"].ID {
		t.Errorf("%+v", k["I1"])
	}
}

// A newborn's stay knows the mother's, whichever is heard of first.
func TestNewbornAndMother(t *testing.T) {
	for i, reverse := range []bool{false, true} {
		h := start(t)
		a := &about{facility: []string{"BORN", "BORNFIRST"}[i]}
		child := "PID=" + pidOf("C") + strings.Repeat("|", 13) + "M^^^OWN&1.2.3&ISO^MR"
		list := [][]byte{
			a.say("A01", 9, "M", "VM", "PV1-2=B", "PV1-44=202603020900"),
			a.say("A01", 12, "C", "VC", "PV1-4=N", "PV1-44=202603021200", child),
		}
		if reverse {
			slices.Reverse(list)
		}
		for _, m := range list {
			h.send(m)
			h.settle()
		}
		if k := h.known(a.facility); k["VC"].Class != "newborn" || k["VC"].Mother != k["VM"].ID || k["VC"].Mother.IsZero() || k["VC"].Patient == k["VM"].Patient {
			t.Errorf("%s: %+v", a.facility, k["VC"])
		}
	}
}

// A stay that nobody ended is told as such by the database's clock, and not any more once it is heard
// of; nothing ends it.
func TestHangingStays(t *testing.T) {
	h := start(t)
	a := &about{facility: "HANGS"}
	h.send(a.say("A04", 2, "A", "E1", "PV1-2=E", "PV1-44=202603020200"))
	h.settle()
	h.compared() // a stay whose patient is being compared is passed over, until the next look
	if n, err := h.lookForHanging(context.Background()); n != 1 || err != nil {
		t.Fatalf("%d stays hang (%v)", n, err)
	}
	e := h.known("HANGS")["E1"]
	if e.State != "arrived" || e.HangingSince == nil || e.HangingRule != "emergency-day" || !e.HangingSince.Equal(time.Date(2026, 3, 3, 7, 0, 0, 0, time.UTC)) {
		t.Fatalf("%+v", e)
	}
	list := h.events()
	if f, ok := list[len(list)-1].Fact.(events.EncounterUpdated); !ok || f.Encounter.HangingSince == nil || f.Previous["hanging_rule"] != "" {
		t.Errorf("told %+v", list[len(list)-1].Fact)
	}
	if n, err := h.lookForHanging(context.Background()); n != 0 || err != nil {
		t.Errorf("told again: %d (%v)", n, err)
	}
	h.send(a.say("A08", 3, "A", "E1", "PV1-2=E", "PV1-10=MED")) // an older word changes nothing about it
	h.settle()
	if e := h.known("HANGS")["E1"]; e.HangingSince == nil && e.Service != "MED" {
		t.Errorf("%+v", e)
	}
	h.send(a.say("A03", 40, "A", "E1", "PV1-2=E", "PV1-36=01"))
	h.settle()
	if e := h.known("HANGS")["E1"]; e.State != "finished" || e.HangingSince != nil || e.HangingRule != "" {
		t.Errorf("after its end %+v", e)
	}
	h.balanced()
}

// What is not due by the database's clock does not hang.
func TestNothingHangsEarly(t *testing.T) {
	h := start(t)
	h.send(adtMessage("1", "A04", time.Now().UTC().Format("200601021504")+"+0000", "A", "E1", "PV1-2=E"))
	h.settle()
	if n, err := h.lookForHanging(context.Background()); n != 0 || err != nil {
		t.Errorf("%d stays (%v)", n, err)
	}
}

// Taking a merge back over the API: who may, what comes of it, what is kept of it.
func TestUnmergeOverTheAPI(t *testing.T) {
	h := start(t)
	a := &about{facility: "BACK"}
	h.send(a.say("A01", 9, "A", "V1"), a.say("A01", 9, "B", "V2"), a.say("A40", 12, "B", "", mrg("A")))
	h.settle()
	var retired events.ID
	h.scan(`SELECT patient_id FROM patient_identifier WHERE value = 'A'`, nil, &retired)
	path := "/patients/" + retired.String() + "/unmerge"
	for role, want := range map[web.Role]int{web.Liaison: 403, web.Auditor: 403, web.Lead: 403} {
		if status, _, _ := h.ask([]web.Role{role}, "POST", path, "", nil); status != want {
			t.Errorf("%s: %d", role, status)
		}
	}
	status, _, body := h.ask([]web.Role{web.Privacy}, "POST", path, "", nil)
	var got unmergedView
	if err := json.Unmarshal(body, &got); err != nil || status != http.StatusOK || got.ID != retired || len(got.Stays) != 1 {
		t.Fatalf("%d %s", status, body)
	}
	if diff := cmp.Diff([]string{"V1 inpatient in-progress A", "V2 inpatient in-progress B"}, h.whose("BACK")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"registered", "registered", "linked", "merged", "unlinked", "unmerged"}, h.facts("care.patient.")); diff != "" {
		t.Error(diff)
	}
	if status, _, body := h.ask([]web.Role{web.Interface}, "POST", path, "", nil); status != http.StatusConflict {
		t.Errorf("again: %d %s", status, body)
	}
	if status, _, _ := h.ask([]web.Role{web.Privacy}, "POST", "/patients/"+events.NewID().String()+"/unmerge", "", nil); status != http.StatusNotFound {
		t.Errorf("nobody's: %d", status)
	}
	var logged int
	h.scan(`SELECT count(*) FROM access_log WHERE action = 'patients.unmerge' AND patients @> ARRAY[$1::uuid]`, []any{retired}, &logged)
	if logged != 1 {
		t.Errorf("noted %d times", logged)
	}
	// The same merge, told again by the hospital, does not undo it: it was written down before.
	h.send(a.say("A40", 12, "B", "", mrg("A")))
	h.settle()
	if diff := cmp.Diff([]string{"V1 inpatient in-progress A", "V2 inpatient in-progress B"}, h.whose("BACK")); diff != "" {
		t.Error(diff)
	}
	h.balanced()
}

// Allergies by action codes are shown with the patient.
func TestAllergies(t *testing.T) {
	h := start(t)
	a := &about{facility: "ALLERGY"}
	h.send(a.say("A60", 9, "A", "", "IAM|1|DA|PEN^Penicillin^L|SV|Rash|A|7"), a.say("A60", 10, "A", "", "IAM|1|FA|NUT^Nuts^L|MO||A|8\rIAM|2|DA|PEN^Penicillin^L|||D|7"))
	h.settle()
	var id events.ID
	h.scan(`SELECT id FROM patient`, nil, &id)
	status, _, body := h.ask([]web.Role{web.Lead}, "GET", "/patients/"+id.String(), "", nil)
	var got struct {
		Allergies []struct{ Code, Severity string }
	}
	if err := json.Unmarshal(body, &got); err != nil || status != 200 || len(got.Allergies) != 1 || got.Allergies[0].Code != "NUT" {
		t.Errorf("%d %s", status, body)
	}
}
