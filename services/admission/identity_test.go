package admission

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

// compared waits until every patient is compared.
func (h *hospital) compared() {
	h.t.Helper()
	h.settle()
	deadline := time.Now().Add(30 * time.Second)
	for {
		due, err := h.store.Due(context.Background())
		if err != nil {
			h.t.Fatal(err)
		}
		if !due {
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatal("patients are not compared")
		}
		h.linker.ring()
		<-time.After(2 * time.Millisecond)
	}
}

// somebody is an admission at a facility of a patient that only that facility knows.
func somebody(facility string, n int, name, birth, sex string, more ...string) []byte {
	return somebodyAt("202603100800", facility, n, name, birth, sex, more...)
}

func somebodyAt(at, facility string, n int, name, birth, sex string, more ...string) []byte {
	pid := make([]string, 31)
	pid[0], pid[1], pid[3], pid[5], pid[7], pid[8] = "PID", "1", fmt.Sprintf("%s%d^^^%s^MR", facility, n, facility), name, birth, sex
	segments := []string{"MSH-4=" + facility}
	for _, m := range more {
		var at int
		if _, err := fmt.Sscanf(m, "PID-%d=", &at); err == nil {
			_, pid[at], _ = strings.Cut(m, "=")
		} else {
			segments = append(segments, m)
		}
	}
	return adtMessage(fmt.Sprintf("%s-%d-%s", facility, n, at), "A01", at, "", fmt.Sprintf("%s%d", facility, n), append(segments, "PID="+strings.Join(pid, "|"))...)
}

const (
	walnut = "PID-11=1482 Walnut Street^^Springfield^IL^62701^USA^H"
	phone  = "PID-13=(217)222-3434"
	ssn    = "PID-19=417-22-8846"
)

// persons tells, by medical record number, who is one person with whom: the numbers of each group.
func (h *hospital) persons() map[string]string {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `SELECT i.value, string_agg(j.value, ' ' ORDER BY j.value) FROM patient p JOIN patient_identifier i ON i.patient_id = p.id AND i.own
		JOIN patient q ON q.person_id = p.person_id JOIN patient_identifier j ON j.patient_id = q.id AND j.own GROUP BY p.id, i.value`)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var mr, group string
		if err := rows.Scan(&mr, &group); err != nil {
			h.t.Fatal(err)
		}
		out[mr] = group
	}
	return out
}

// believed is the person of each patient as others know it from the facts alone.
func (h *hospital) believed() map[events.ID]events.ID {
	out := map[events.ID]events.ID{}
	for _, e := range h.events() {
		switch f := e.Fact.(type) {
		case events.PatientRegistered:
			out[f.Patient.ID] = f.Patient.Person
		case events.PatientUpdated:
			out[f.Patient.ID] = f.Patient.Person
		case events.PatientLinked:
			out[f.Patient.ID] = f.Patient.Person
		case events.PatientUnlinked:
			out[f.Patient.ID] = f.Patient.Person
		}
	}
	return out
}

// agreed checks that others know the persons as they are.
func (h *hospital) agreed() {
	h.t.Helper()
	for id, person := range h.believed() {
		var is events.ID
		h.scan(`SELECT person_id FROM patient WHERE id = $1`, []any{id}, &is)
		if is != person {
			h.t.Errorf("others know patient %s as person %s; it is %s", id, person, is)
		}
	}
}

func TestPatientsAreLinkedAcrossFacilities(t *testing.T) {
	h := start(t)
	h.send(
		somebody("NORTH", 1, "Okonkwo^Margaret^Rose", "19440511", "F", walnut, phone, ssn),
		somebody("SOUTH", 2, "OKONKWO^Peggy^R", "19440511", "F", walnut, phone),
		somebody("NORTH", 3, "Okonkwo^Samuel", "19410930", "M", walnut, phone),
		somebody("NORTH", 4, "Okonkwo^Ada", "20190511", "F", walnut, phone),
		somebody("SOUTH", 5, "Okonkwo^Ngozi", "20190511", "F", walnut, phone),
		somebody("SOUTH", 6, "Okonkwo^Baby Girl", "20260101", "F", walnut, phone))
	h.compared()
	want := map[string]string{"NORTH1": "NORTH1 SOUTH2", "SOUTH2": "NORTH1 SOUTH2", "NORTH3": "NORTH3", "NORTH4": "NORTH4", "SOUTH5": "SOUTH5", "SOUTH6": "SOUTH6"}
	if diff := cmp.Diff(want, h.persons()); diff != "" {
		t.Error(diff)
	}
	var linked []events.PatientLinked
	for _, e := range h.events() {
		if f, ok := e.Fact.(events.PatientLinked); ok {
			linked = append(linked, f)
		}
	}
	if len(linked) != 1 || linked[0].Reason != "demographics" || linked[0].Patient.Person != linked[0].Other {
		t.Errorf("told: %+v", linked)
	}
	h.agreed()
	// A correction that leaves little in common takes the link off again.
	h.send(somebodyAt("202603110800", "SOUTH", 2, "Adeyemi^Folake", "19710203", "F", "PID-11=9 Elm Rd^^Chicago^IL^60601", "PID-13=(312)233-4545"))
	h.compared()
	if got := h.persons(); got["NORTH1"] != "NORTH1" || got["SOUTH2"] != "SOUTH2" {
		t.Errorf("%v", got)
	}
	if got := h.facts("care.patient.unlinked"); len(got) != 1 {
		t.Errorf("%d patients were told to be unlinked", len(got))
	}
	h.agreed()
	h.balanced()
}

func TestNoNumberIsKept(t *testing.T) {
	h := start(t)
	h.send(somebody("NORTH", 1, "Okonkwo^Margaret", "19440511", "F", ssn), somebody("SOUTH", 1, "Okonkwo^Margaret", "19440511", "F", "PID-19=XXX-XX-8846"))
	h.compared()
	var text string
	h.scan(`SELECT string_agg(d::text, ' ') || (SELECT string_agg(l::text, ' ') FROM linkage_profile l) || (SELECT string_agg(i::text, ' ') FROM patient_identifier i) FROM patient_detail d`, nil, &text)
	if strings.Contains(text, "8846") {
		t.Error("the digits of a social security number are in the tables")
	}
	var digests int
	h.scan(`SELECT count(DISTINCT split_part(profile, chr(31), 12)) FROM linkage_profile WHERE split_part(profile, chr(31), 12) <> ''`, nil, &digests)
	if digests != 1 {
		t.Errorf("one number has %d digests", digests)
	}
}

// TestLinksStayWithinTheirOrganization: whatever agrees, and confidential or not.
func TestLinksStayWithinTheirOrganization(t *testing.T) {
	h := start(t)
	other := events.Derive("org", "other")
	if err := h.store.EnsureDemo(context.Background(), other); err != nil {
		t.Fatal(err)
	}
	if err := h.directory.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.send(somebody("NORTH", 1, "Okonkwo^Margaret^Rose", "19440511", "F", walnut, phone, ssn), somebody("NORTH", 2, "Bird^Canary^Rose", "19790203", "F", "PD1||||||||||||Y"))
	h.compared()
	// The same two at a hospital of the other organization.
	if _, err := h.db.System.Exec(context.Background(), `WITH p AS (INSERT INTO patient (id, org_id, facility_id, person_id, stamps)
			SELECT gen, $1, facility_id, gen, stamps FROM (SELECT p.*, overlay(p.id::text placing 'ffffffff' from 1 for 8)::uuid AS gen FROM patient p) p RETURNING id, org_id),
		d AS (INSERT INTO patient_detail (id, org_id, groups, family, given, birth) SELECT overlay(d.id::text placing 'ffffffff' from 1 for 8)::uuid, $1, groups, family, given, birth FROM patient_detail d)
		INSERT INTO linkage_due (org_id, patient_id, regroup) SELECT org_id, id, false FROM p`, other); err != nil {
		t.Fatal(err)
	}
	h.compared()
	var patients, persons, pairs, keys int
	h.scan(`SELECT count(*), count(DISTINCT person_id), (SELECT count(*) FROM patient_link), (SELECT count(*) FROM linkage_key WHERE key IN (SELECT key FROM linkage_key GROUP BY key HAVING count(DISTINCT org_id) > 1)) FROM patient`, nil, &patients, &persons, &pairs, &keys)
	if patients != 4 || persons != 4 || pairs != 0 || keys != 0 {
		t.Errorf("%d patients are %d persons; %d pairs, %d keys in common", patients, persons, pairs, keys)
	}
	// Nor by somebody's hand.
	var mine, theirs events.ID
	h.scan(`SELECT (SELECT id FROM patient WHERE org_id = $1 LIMIT 1), (SELECT id FROM patient WHERE org_id = $2 LIMIT 1)`, []any{DemoOrg, other}, &mine, &theirs)
	body, _ := json.Marshal(object{"patient_ids": []events.ID{mine, theirs}})
	if status, _, _ := h.ask([]web.Role{web.Lead}, "POST", "/identity/pairs", "application/json", body); status != 404 {
		t.Errorf("comparing with another organization's patient gives %d", status)
	}
}

// review asks for the pairs to look at.
func (h *hospital) review(role web.Role) []any {
	return items(get[object](h, role, "GET", "/identity/reviews", nil))
}

// decide decides on a pair.
func (h *hospital) decide(pair object, what string) (int, object) {
	h.t.Helper()
	status, _, body := h.ask([]web.Role{web.Lead}, "POST", "/identity/pairs/"+pair["id"].(string)+"/"+what, "application/json", []byte(`{"reason":"same-document"}`),
		"If-Match", fmt.Sprintf(`"%v"`, pair["version"]))
	var out object
	if err := json.Unmarshal(body, &out); err != nil {
		h.t.Fatal(err)
	}
	return status, out
}

// alikeTwins are two children that nobody but a person can tell to be one or two.
func alikeTwins() [][]byte {
	return [][]byte{
		somebody("NORTH", 1, "Okonkwo^Jayden", "20190511", "M", walnut, phone),
		somebody("SOUTH", 2, "Okonkwo^Jaydon", "20190511", "M", walnut, phone, "PID-24=Y"),
	}
}

func TestReview(t *testing.T) {
	h := start(t)
	h.send(alikeTwins()...)
	h.compared()
	list := h.review(web.Lead)
	if len(list) != 1 || h.persons()["NORTH1"] != "NORTH1" {
		t.Fatalf("%v; %v", list, h.persons())
	}
	pair := list[0].(object)
	explanation := pair["explanation"].(object)
	if explanation["rival"] != "twins" || explanation["hold"] == "" {
		t.Errorf("%v", explanation)
	}
	sum := explanation["prior"].(float64) + explanation["rest"].(float64)
	for _, c := range explanation["comparisons"].([]any) {
		sum += c.(object)["bits"].(float64)
		if c.(object)["comparison"] == "given" {
			if diff := cmp.Diff([]any{"Jayden", "Jaydon"}, c.(object)["values"]); diff != "" {
				if diff := cmp.Diff([]any{"Jaydon", "Jayden"}, c.(object)["values"]); diff != "" {
					t.Error(diff)
				}
			}
		}
	}
	if d := sum - explanation["score"].(float64); d > 0.1 || d < -0.1 {
		t.Errorf("a score of %v whose parts sum to %v", explanation["score"], sum)
	}
	// link, undo, reject; each as of the version that was looked at.
	status, linked := h.decide(pair, "link")
	if status != 200 || linked["state"] != "linked" || h.persons()["NORTH1"] != "NORTH1 SOUTH2" {
		t.Fatalf("%d %v; %v", status, linked, h.persons())
	}
	if status, _ := h.decide(pair, "reject"); status != 412 {
		t.Errorf("a decision on an old version gives %d", status)
	}
	h.agreed()
	status, undone := h.decide(linked, "undo")
	if status != 200 || undone["state"] != "review" || h.persons()["NORTH1"] != "NORTH1" || len(h.review(web.Lead)) != 1 {
		t.Fatalf("%d %v; %v", status, undone, h.persons())
	}
	h.agreed()
	status, rejected := h.decide(undone, "reject")
	if status != 200 || rejected["state"] != "rejected" || len(h.review(web.Lead)) != 0 {
		t.Fatalf("%d %v", status, rejected)
	}
	// For ever: not by a score that would link them by itself, nor by an identifier that both have.
	h.send(
		somebodyAt("202603110800", "NORTH", 1, "Okonkwo^Jayden^Uche", "20190511", "M", walnut, phone, ssn, "PID-3=NORTH1^^^NORTH^MR~1EG4TE5MK72^^^CMS^MC"),
		somebodyAt("202603110800", "SOUTH", 2, "Okonkwo^Jayden^Uche", "20190511", "M", walnut, phone, ssn, "PID-3=SOUTH2^^^SOUTH^MR~1EG4TE5MK72^^^CMS^MC"))
	h.compared()
	now := get[object](h, web.Lead, "GET", "/identity/pairs/"+rejected["id"].(string), nil)
	if now["state"] != "rejected" || now["verdict"] != "linked" || h.persons()["NORTH1"] != "NORTH1" {
		t.Errorf("%v; %v", now, h.persons())
	}
	h.agreed()
	// Unless that is undone.
	if status, again := h.decide(now, "undo"); status != 200 || again["state"] != "linked" || h.persons()["NORTH1"] != "NORTH1 SOUTH2" {
		t.Errorf("%d %v; %v", status, again, h.persons())
	}
	h.agreed()
	var logged int
	h.scan(`SELECT count(*) FROM access_log WHERE action IN ('identity.link', 'identity.reject', 'identity.undo') AND cardinality(patients) = 2 AND who = 'somebody'`, nil, &logged)
	if logged != 4 {
		t.Errorf("%d decisions are in the access log", logged)
	}
	if n := len(now["history"].([]any)); n < 4 {
		t.Errorf("history: %v", now["history"])
	}
}

func TestWhoSeesWhatOfAPair(t *testing.T) {
	h := start(t)
	h.send(append(alikeTwins(),
		somebody("NORTH", 3, "Bird^Jayden", "20111224", "M", "PID-13=3122334545", "PD1||||||||||||Y"), somebody("SOUTH", 4, "Bird^Jaydon", "20111224", "M", "PID-13=3122334545", "PID-24=Y"))...)
	h.compared()
	secret := func(list []any) string { b, _ := json.Marshal(list); return string(b) }
	if got := secret(h.review(web.Auditor)); strings.Contains(got, "Jay") || strings.Contains(got, "Walnut") || !strings.Contains(got, `"level":"same"`) {
		t.Errorf("an auditor sees %s", got)
	}
	lead := secret(h.review(web.Lead))
	if !strings.Contains(lead, "Okonkwo") || strings.Contains(lead, "Bird") {
		t.Errorf("a lead sees %s", lead)
	}
	if got := secret(h.review(web.Privacy)); !strings.Contains(got, `"Bird"`) {
		t.Errorf("the privacy officer sees %s", got)
	}
	id := h.review(web.Auditor)[0].(object)["id"].(string)
	for role, want := range map[web.Role]int{web.Auditor: 403, web.Liaison: 403, web.Operations: 403} {
		if status, _, _ := h.ask([]web.Role{role}, "POST", "/identity/pairs/"+id+"/link", "application/json", nil, "If-Match", `"1"`); status != want {
			t.Errorf("%s gets %d", role, status)
		}
	}
	page := get[object](h, web.Lead, "GET", "/identity/reviews?limit=1", nil)
	next := get[object](h, web.Lead, "GET", "/identity/reviews?limit=1&cursor="+page["next"].(string), nil)
	if len(items(next)) != 1 || items(next)[0].(object)["id"] == items(page)[0].(object)["id"] || next["next"] != nil {
		t.Errorf("pages: %v, then %v", page, next)
	}
}

// TestANewbornUnderItsMothersNumber: an identifier that two share, who are plainly two, joins nobody;
// somebody is asked, and whoever else has it is linked as before.
func TestANewbornUnderItsMothersNumber(t *testing.T) {
	card := "~1EG4TE5MK72^^^CMS^MC"
	messages := [][]byte{
		somebody("NORTH", 1, "Okonkwo^Margaret", "19900511", "F", walnut, phone, "PID-3=NORTH1^^^NORTH^MR"+card),
		somebody("NORTH", 2, "Okonkwo^Baby Girl", "20260101", "F", walnut, phone, "PID-3=NORTH2^^^NORTH^MR"+card),
		somebody("SOUTH", 3, "Okonkwo^Peggy", "19900511", "F", "PID-3=SOUTH3^^^SOUTH^MR"+card),
	}
	for _, order := range [][]int{{0, 1, 2}, {1, 0, 2}, {2, 1, 0}} {
		h := start(t)
		for _, i := range order {
			h.send(messages[i])
			h.compared()
		}
		want := map[string]string{"NORTH1": "NORTH1 SOUTH3", "NORTH2": "NORTH2", "SOUTH3": "NORTH1 SOUTH3"}
		if diff := cmp.Diff(want, h.persons()); diff != "" {
			t.Errorf("order %v: %s", order, diff)
		}
		if n := len(h.review(web.Lead)); n != 2 {
			t.Errorf("order %v: %d pairs to look at", order, n)
		}
		h.agreed()
	}
}

// TestARejectionPartsWhatAnIdentifierJoined: a number that two people have, by mistake, joins three; a
// person's word parts them.
func TestARejectionPartsWhatAnIdentifierJoined(t *testing.T) {
	h := start(t)
	card := func(facility string, n int, ids ...string) string {
		s := fmt.Sprintf("PID-3=%s%d^^^%s^MR", facility, n, facility)
		for _, id := range ids {
			s += "~" + id + "^^^CMS^MC"
		}
		return s
	}
	h.send(
		somebody("NORTH", 1, "Okonkwo^Rosamund", "19440930", "F", card("NORTH", 1, "1EG4TE5MK72")),
		somebody("SOUTH", 2, "Okonkwo^Margaret", "19440511", "F", card("SOUTH", 2, "1EG4TE5MK72")),
		somebody("EAST", 3, "Okonkwo^Margaret", "19440511", "F", card("EAST", 3, "1EG4TE5MK72")))
	h.compared()
	if got := h.persons()["NORTH1"]; got != "EAST3 NORTH1 SOUTH2" {
		t.Fatalf("%v", got)
	}
	id := func(mr string) (id events.ID) {
		h.scan(`SELECT patient_id FROM patient_identifier WHERE value = $1`, []any{mr}, &id)
		return id
	}
	for _, wife := range []string{"SOUTH2", "EAST3"} {
		pair := get[object](h, web.Lead, "POST", "/identity/pairs", object{"patient_ids": []events.ID{id("NORTH1"), id(wife)}})
		if status, got := h.decide(pair, "reject"); status != 200 {
			t.Fatalf("%d %v", status, got)
		}
		h.agreed()
	}
	want := map[string]string{"NORTH1": "NORTH1", "SOUTH2": "EAST3 SOUTH2", "EAST3": "EAST3 SOUTH2"}
	if diff := cmp.Diff(want, h.persons()); diff != "" {
		t.Error(diff)
	}
	// A fourth, with the card, is somebody's: never of both.
	h.send(somebody("WEST", 4, "Okonkwo^Margaret", "19440511", "F", card("WEST", 4, "1EG4TE5MK72")))
	h.compared()
	if got := h.persons(); got["NORTH1"] == got["SOUTH2"] {
		t.Errorf("%v", got)
	}
	// Decisions that contradict each other are refused.
	west := get[object](h, web.Lead, "POST", "/identity/pairs", object{"patient_ids": []events.ID{id("WEST4"), id("SOUTH2")}})
	if status, got := h.decide(west, "link"); status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	other := get[object](h, web.Lead, "POST", "/identity/pairs", object{"patient_ids": []events.ID{id("WEST4"), id("NORTH1")}})
	if status, _ := h.decide(other, "link"); status != 409 {
		t.Errorf("one person of two who were said not to be: %d", status)
	}
	h.agreed()
}

// TestOrderOfArrivalMakesNoPersons: the same patients, heard of in any order and in batches of any
// size, by several processes, end as the same persons and the same pairs.
func TestOrderOfArrivalMakesNoPersons(t *testing.T) {
	messages := append(alikeTwins(),
		somebody("NORTH", 3, "Okonkwo^Margaret^Rose", "19440511", "F", walnut, phone, ssn),
		somebody("SOUTH", 4, "Okonkwo^Peggy^R", "19440511", "F", walnut, phone),
		somebody("EAST", 5, "Fitzwilliam^Margaret^R", "19440511", "F", phone, ssn),
		somebody("WEST", 6, "Okonkwo^Baby Boy", "20190511", "M", walnut, phone),
		somebody("WEST", 7, "Margaret^Okonkwo", "19441105", "F", walnut))
	var want map[string]string
	var states string
	for seed := range uint64(3) {
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
		few := func(s *service) { s.linker.limit, s.linker.most = 1+3*int(seed), 1+3*int(seed) }
		h := startOn(t, testDB(t), run.Config{Dev: true, MLLP: "127.0.0.1:0"}, few)
		startOn(t, h.db, run.Config{Dev: true}, few)
		h.send(messages...)
		h.compared()
		h.agreed()
		var now string
		h.scan(`SELECT coalesce(string_agg(a.value || ' ' || b.value || ' ' || l.state, ', ' ORDER BY a.value, b.value), '') FROM patient_link l
			JOIN patient_identifier i ON i.patient_id = l.low_id JOIN patient_identifier j ON j.patient_id = l.high_id
			CROSS JOIN LATERAL (SELECT least(i.value, j.value) AS value) a CROSS JOIN LATERAL (SELECT greatest(i.value, j.value) AS value) b WHERE l.state <> 'none'`, nil, &now)
		if seed == 0 {
			want, states = h.persons(), now
			continue
		}
		if diff := cmp.Diff(want, h.persons()); diff != "" {
			t.Errorf("order %d: %s", seed, diff)
		}
		if diff := cmp.Diff(states, now); diff != "" {
			t.Errorf("order %d: %s", seed, diff)
		}
	}
	if want["NORTH3"] != "EAST5 NORTH3 SOUTH4 WEST7" {
		t.Errorf("%v", want)
	}
}

func TestAnotherIdentityKeyIsRefused(t *testing.T) {
	s := store.New(testDB(t))
	first, err := s.Secret(context.Background(), []byte("the operator's own key"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Secret(context.Background(), []byte("the operator's own key"))
	if err != nil || string(first) != string(again) {
		t.Errorf("another secret the second time, or %v", err)
	}
	for _, key := range []string{"", "somebody else's key"} {
		if _, err := s.Secret(context.Background(), []byte(key)); err == nil {
			t.Errorf("%q is accepted", key)
		}
	}
}
