package admission

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
)

// whose lists a facility's stays as "number class state owner", the owner by the identifiers that
// stand for the patient. Names that are nobody's own any more are left out.
func (h *hospital) whose(facility string) []string {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `SELECT concat_ws(' ', e.visit, e.class, e.state,
		(SELECT string_agg(i.value, '+' ORDER BY i.value) FROM patient p JOIN patient_identifier i ON i.patient_id = p.id WHERE (p.id = e.patient_id OR p.into_id = e.patient_id) AND i.own))
		FROM encounter e JOIN facility f ON f.id = e.facility_id WHERE f.code = $1 AND e.into_id IS NULL AND e.fold_version > 0 ORDER BY 1`, facility)
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// about makes messages about patients and stays at hours of a day.
type about struct {
	facility string
	n        int
}

func (a *about) say(trigger string, hour int, mr, visit string, more ...string) []byte {
	a.n++
	if !slices.ContainsFunc(more, func(m string) bool { return strings.HasPrefix(m, "PID=") }) {
		more = append(more, "PID="+pidOf(mr))
	}
	return adtMessage(fmt.Sprintf("%s-%04d", a.facility, a.n), trigger, fmt.Sprintf("202603%02d%02d00", 2+hour/24, hour%24), mr, visit, append(more, "MSH-4="+a.facility)...)
}

func pidOf(mr string, more ...string) string {
	s := "PID|1||" + mr + "^^^OWN&1.2.3&ISO^MR"
	for _, m := range more {
		s += "~" + m
	}
	return s + "||Canary^Nightingale||19500101|F"
}

func mrg(mr string) string { return "MRG|" + mr + "^^^OWN&1.2.3&ISO^MR" }

// Each event about names, told before and after the stays that it is about.
func TestNames(t *testing.T) {
	h := start(t)
	for name, tt := range map[string]struct {
		said []string // "trigger hour mr visit more"; those about names first
		want []string
	}{
		"a merge":                               {[]string{"A40 12 B - " + mrg("A"), "A01 9 A V1", "A01 10 B V2"}, []string{"V1 inpatient in-progress A+B", "V2 inpatient in-progress A+B"}},
		"a merge of 2.1":                        {[]string{"A18 12 B - " + mrg("A"), "A01 9 A V1"}, []string{"V1 inpatient in-progress A+B"}},
		"a merge of persons":                    {[]string{"A30 12 B - " + mrg("A"), "A01 9 A V1"}, []string{"V1 inpatient in-progress A+B"}},
		"a merge by id alone":                   {[]string{"A34 12 B - " + mrg("A"), "A01 9 A V1"}, []string{"V1 inpatient in-progress A+B"}},
		"a merge of ids and accounts":           {[]string{"A36 12 B - " + mrg("A"), "A01 9 A V1"}, []string{"V1 inpatient in-progress A+B"}},
		"a merge of enterprise ids":             {[]string{"A39 12 B - " + mrg("A"), "A01 9 A V1"}, []string{"V1 inpatient in-progress A+B"}},
		"a chain":                               {[]string{"A40 12 B - " + mrg("A"), "A40 13 C - " + mrg("B"), "A01 9 A V1"}, []string{"V1 inpatient in-progress A+B+C"}},
		"there and back":                        {[]string{"A40 12 B - " + mrg("A"), "A40 13 A - " + mrg("B"), "A01 9 A V1", "A01 9 B V2"}, []string{"V1 inpatient in-progress A+B", "V2 inpatient in-progress A+B"}},
		"two sources in one segment":            {[]string{"A40 12 C - MRG|A^^^OWN&1.2.3&ISO^MR~B^^^OWN&1.2.3&ISO^MR", "A01 9 A V1", "A01 9 B V2"}, []string{"V1 inpatient in-progress A+B+C", "V2 inpatient in-progress A+B+C"}},
		"a message on the retired id":           {[]string{"A40 12 B - " + mrg("A"), "A01 9 A V1", "A03 15 A V1 PV1-36=01"}, []string{"V1 inpatient finished A+B"}},
		"the survivor's name for the same":      {[]string{"A40 12 B - " + mrg("A"), "A01 9 A V1", "A03 15 B V1 PV1-36=01"}, []string{"V1 inpatient finished A+B"}},
		"an identifier moved":                   {[]string{"A43 12 B - " + mrg("A"), "A01 9 A V1"}, []string{"V1 inpatient in-progress A+B"}},
		"another identifier":                    {[]string{"A47 12 B - " + mrg("A"), "A01 9 A V1", "A03 15 B V1 PV1-36=01"}, []string{"V1 inpatient finished A+B"}},
		"another identifier, and back":          {[]string{"A47 12 B - " + mrg("A"), "A46 13 A - " + mrg("B"), "A01 9 A V1"}, []string{"V1 inpatient in-progress A+B"}},
		"another visit number":                  {[]string{"A50 12 A V2 MRG|||||V1", "A01 9 A V1", "A03 15 A V2 PV1-36=01"}, []string{"V2 inpatient finished A"}},
		"another visit number, and a late word": {[]string{"A50 12 A V2 MRG|||||V1", "A01 9 A V1", "A03 15 A V1 PV1-36=01"}, []string{"V2 inpatient finished A"}},
		"visits merged":                         {[]string{"A42 12 A V2 MRG|||||V1", "A01 9 A V1", "A01 9 A V2", "A03 15 A V1 PV1-36=01"}, []string{"V2 inpatient finished A"}},
		"a chain of visits":                     {[]string{"A50 12 A V2 MRG|||||V1", "A50 13 A V3 MRG|||||V2", "A01 9 A V1", "A02 10 A V2", "A03 15 A V3 PV1-36=01"}, []string{"V3 inpatient finished A"}},
		"accounts merged":                       {[]string{"A41 12 A - PID=" + pidOf("A") + "||||||||||X2 MRG|||X1", "A01 9 A - PID=" + pidOf("A") + "||||||||||X1", "A03 15 A - PID=" + pidOf("A") + "||||||||||X2 PV1-36=01"}, []string{"X2 inpatient finished A"}},
		"another account number":                {[]string{"A49 12 A - PID=" + pidOf("A") + "||||||||||X2 MRG|||X1", "A01 9 A - PID=" + pidOf("A") + "||||||||||X1"}, []string{"X2 inpatient in-progress A"}},
		"an account moved":                      {[]string{"A44 12 B - PID=" + pidOf("B") + " MRG|A^^^OWN&1.2.3&ISO^MR||X1", "A01 9 A V1 PID=" + pidOf("A") + "||||||||||X1", "A01 9 A V2 PID=" + pidOf("A") + "||||||||||X2"}, []string{"V1 inpatient in-progress B", "V2 inpatient in-progress A"}},
		"an account that is a stay moved":       {[]string{"A44 12 B - PID=" + pidOf("B") + " MRG|A^^^OWN&1.2.3&ISO^MR||X1", "A01 9 A - PID=" + pidOf("A") + "||||||||||X1"}, []string{"X1 inpatient in-progress B"}},
		"a visit moved":                         {[]string{"A45 12 B - MRG|A^^^OWN&1.2.3&ISO^MR||||V1", "A01 9 A V1", "A01 9 A V2"}, []string{"V1 inpatient in-progress B", "V2 inpatient in-progress A"}},
		"a visit moved, and moved again":        {[]string{"A45 12 B - MRG|A^^^OWN&1.2.3&ISO^MR||||V1", "A45 13 A - MRG|B^^^OWN&1.2.3&ISO^MR||||V1", "A01 9 A V1"}, []string{"V1 inpatient in-progress A"}},
		"a person deleted":                      {[]string{"A29 12 A -", "A01 9 A V1", "A01 9 B V2"}, []string{"V1 inpatient entered-in-error A", "V2 inpatient in-progress B"}},
		"a person deleted, and back":            {[]string{"A29 12 A -", "A01 9 A V1", "A01 14 A V2"}, []string{"V1 inpatient entered-in-error A", "V2 inpatient in-progress A"}},
		"a retired id deleted":                  {[]string{"A40 12 B - " + mrg("A"), "A29 13 A -", "A01 9 A V1"}, []string{"V1 inpatient in-progress A+B"}},
		"a person deleted whose visit moved":    {[]string{"A45 12 B - MRG|A^^^OWN&1.2.3&ISO^MR||||V1", "A29 13 A -", "A01 9 A V1"}, []string{"V1 inpatient in-progress B"}},
		"a bed swap":                            {[]string{"A17 12 A V1 PV1-3=4E^1^1 " + pidOf("B") + "\rPV1|1|I|3W^1^1||||||||||||||||V2", "A01 9 A V1 PV1-3=3W^1^1", "A01 9 B V2 PV1-3=4E^1^1"}, []string{"V1 inpatient in-progress A", "V2 inpatient in-progress B"}},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			for order := range 2 {
				facility := fmt.Sprintf("F%d%s", order, events.Derive(name).String()[:8])
				a := &about{facility: facility}
				var list [][]byte
				for _, s := range tt.said {
					list = append(list, a.read(t, s))
				}
				if order == 1 {
					slices.Reverse(list)
				}
				for i, m := range list {
					h.send(m)
					if h.settle(); i == 0 {
						h.send(m) // told twice is told once
					}
				}
				if diff := cmp.Diff(tt.want, h.whose(facility)); diff != "" {
					t.Errorf("order %d: %s\n%s", order, diff, h.logged.Bytes())
				}
			}
		})
	}
	h.t = t
	h.balanced()
}

// read makes a message of "trigger hour mr visit" and what follows; "-" for no visit.
func (a *about) read(t *testing.T, s string) []byte {
	t.Helper()
	var trigger, mr, visit string
	var hour int
	if _, err := fmt.Sscan(s, &trigger, &hour, &mr, &visit); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	if visit == "-" {
		visit = ""
	}
	return a.say(trigger, hour, mr, visit, strings.Fields(s)[4:]...)
}

// Several merges in one message are all done, each with its own patients.
func TestGroupsOfOneMessage(t *testing.T) {
	h := start(t)
	a := &about{facility: "GROUPS"}
	merge := a.say("A40", 12, "B", "", mrg("A"), pidOf("D"), mrg("C"))
	h.send(a.say("A01", 9, "A", "V1"), a.say("A01", 9, "C", "V2"), merge)
	h.settle()
	if diff := cmp.Diff([]string{"V1 inpatient in-progress A+B", "V2 inpatient in-progress C+D"}, h.whose("GROUPS")); diff != "" {
		t.Error(diff)
	}
	h.balanced()
}

// What others hear of a merge and of its end: the stay moves and comes back, with its own patient.
func TestMergeIsTold(t *testing.T) {
	h := start(t)
	a := &about{facility: "TOLD"}
	h.send(a.say("A01", 9, "A", "V1"), a.say("A01", 9, "B", "V2"), a.say("A40", 12, "B", "", mrg("A")))
	h.settle()
	var merged events.PatientMerged
	var moved events.EncounterMoved
	for _, e := range h.events() {
		switch f := e.Fact.(type) {
		case events.PatientMerged:
			merged = f
		case events.EncounterMoved:
			moved = f
		}
	}
	if merged.Reason != "merge" || merged.Patient.ID.IsZero() || merged.Key() != merged.Retired || moved.Encounter.Patient != merged.Patient.ID || moved.Previous["patient_id"] != merged.Retired.String() {
		t.Errorf("%+v, %+v", merged, moved)
	}
	if diff := cmp.Diff([]string{"registered", "registered", "linked", "merged"}, h.facts("care.patient.")); diff != "" {
		t.Error(diff)
	}
}

// A death told under a retired name is the survivor's, whichever came first.
func TestDemographicsFollowMerges(t *testing.T) {
	h := start(t)
	for i, order := range [][]int{{0, 1, 2, 3}, {2, 1, 0, 3}, {3, 2, 1, 0}} {
		a := &about{facility: fmt.Sprintf("DEMO%d", i)}
		list := [][]byte{
			a.say("A01", 9, "A", "V1"), a.say("A01", 9, "B", "V2"), a.say("A40", 12, "B", "", mrg("A")),
			a.say("A31", 13, "A", "", "PV1-2=N", "PID="+pidOf("A")+"||||||||||||||||||||||Y"),
		}
		for _, n := range order {
			h.send(list[n])
			h.settle()
		}
		rows, err := h.db.System.Query(context.Background(), `SELECT snapshot FROM encounter e JOIN facility f ON f.id = e.facility_id WHERE f.code = $1`, a.facility)
		if err != nil {
			t.Fatal(err)
		}
		list2, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(list2) != 2 {
			t.Fatal(len(list2), err)
		}
		for _, s := range list2 {
			var e events.Encounter
			if err := json.Unmarshal([]byte(s), &e); err != nil || !e.Deceased {
				t.Errorf("order %v: a stay of somebody alive (%v)", order, err)
			}
		}
	}
}
