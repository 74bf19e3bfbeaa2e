package admission

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

// ask makes a request as a person with roles, and returns status and body.
func (h *hospital) ask(roles []web.Role, method, path, contentType string, body []byte, header ...string) (int, http.Header, []byte) {
	h.t.Helper()
	if h.router == nil {
		h.router = web.NewRouter(Name, nil, h.log)
		h.routes(h.router)
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	who := web.Principal{Subject: "somebody", Org: DemoOrg, Roles: roles}
	if h.org != (events.ID{}) {
		who.Org = h.org
	}
	w := httptest.NewRecorder()
	h.router.ServeHTTP(w, r.WithContext(web.WithPrincipal(r.Context(), who)))
	return w.Code, w.Header(), w.Body.Bytes()
}

// get reads JSON, or fails.
func get[T any](h *hospital, role web.Role, method, path string, in any) (out T) {
	h.t.Helper()
	var body []byte
	if in != nil {
		body, _ = json.Marshal(in)
	}
	status, _, answer := h.ask([]web.Role{role}, method, path, "application/json", body)
	if status/100 != 2 {
		h.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		h.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
	}
	return out
}

type object = map[string]any

func items(o object) []any { return o["items"].([]any) }

func TestEncounterAPI(t *testing.T) {
	h := start(t)
	h.send(
		adtMessage("1", "A01", "202603021000", "77", "V1", "PV1-3=3W^1^2", "PV1-44=202603021000", "IN1|1|MCR|MCR|Medicare||||||||||||||||||||||||||||||||MEMBER1"),
		adtMessage("2", "A02", "202603021200", "77", "V1", "PV1-3=4E^3^1", "DG1|1||I50.9^Heart failure^I10|||F"),
		adtMessage("3", "A01", "202603021000", "78", "V2", "PV1-2=E"))
	h.settle()

	found := items(get[object](h, web.Auditor, "POST", "/encounters/search", object{"facility": "GENERAL", "visit": "V1"}))
	if len(found) != 1 {
		t.Fatalf("found %v", found)
	}
	e := found[0].(object)
	id := e["id"].(string)
	want := object{"facility": "GENERAL", "visit": "V1", "class": "inpatient", "state": "in-progress", "unit": "4E", "admitted_at": "2026-03-02T15:00:00Z", "discharged_at": nil, "disposition": "", "payer": "medicare"}
	for k, v := range want {
		if e[k] != v {
			t.Errorf("%s is %v, not %v", k, e[k], v)
		}
	}
	for _, search := range []object{{"mrn": "77"}, {"name": "canary", "visit": "V1"}, {"name": "Nightingale Canary", "mrn": "77"}, {"birth_date": "1950-01-01", "mrn": "77"}} {
		if n := len(items(get[object](h, web.Liaison, "POST", "/encounters/search", search))); n != 1 {
			t.Errorf("%v finds %d", search, n)
		}
	}
	if n := len(items(get[object](h, web.Liaison, "POST", "/encounters/search", object{"name": "Nobody"}))); n != 0 {
		t.Errorf("found %d of nobody", n)
	}
	if n := len(items(get[object](h, web.Liaison, "GET", "/encounters?class=emergency&facility=GENERAL", nil))); n != 1 {
		t.Errorf("%d emergency visits", n)
	}
	for unit, want := range map[string]int{e["unit"].(string): 1, "no such unit": 0} {
		if n := len(items(get[object](h, web.Liaison, "GET", "/encounters?limit=10&facility=GENERAL&class="+e["class"].(string)+"&unit="+strings.ReplaceAll(unit, " ", "+"), nil))); n != want {
			t.Errorf("%d stays in unit %q, not %d", n, unit, want)
		}
	}
	page := get[object](h, web.Liaison, "GET", "/encounters?limit=1", nil)
	next := get[object](h, web.Liaison, "GET", "/encounters?limit=1&cursor="+page["next"].(string), nil)
	if items(next)[0].(object)["visit"] == items(page)[0].(object)["visit"] || next["next"] != nil {
		t.Errorf("pages: %v, then %v", page, next)
	}

	history := get[object](h, web.Liaison, "GET", "/encounters/"+id+"/history", nil)
	if n := len(history["facts"].([]any)); n != 2 {
		t.Errorf("%d facts", n)
	}
	var units []string
	for _, m := range history["movements"].([]any) {
		units = append(units, m.(object)["unit"].(string))
	}
	if diff := cmp.Diff([]string{"3W", "4E"}, units); diff != "" {
		t.Error(diff)
	}
	for i, told := range history["timeline"].([]any) {
		if told.(object)["version"] != float64(i+1) {
			t.Errorf("timeline %v", history["timeline"])
		}
	}
	census := items(get[object](h, web.Liaison, "GET", "/census?facility=GENERAL", nil))
	if len(census) != 2 {
		t.Errorf("census %v", census)
	}
	// Another organization sees nothing of it.
	h.org = events.Derive("org", "other")
	if n := len(items(get[object](h, web.Liaison, "GET", "/encounters", nil))); n != 0 {
		t.Errorf("another organization sees %d stays", n)
	}
	if status, _, _ := h.ask([]web.Role{web.Liaison}, "GET", "/encounters/"+id, "", nil); status != 404 {
		t.Errorf("another organization gets %d", status)
	}
}

func TestPatientAPI(t *testing.T) {
	h := start(t)
	h.send(
		adtMessage("1", "A01", "202603021000", "77", "V1", "NK1|1|Canary^Robin|SPO||5550100"),
		adtMessage("2", "A01", "202603021000", "78", "V2", "PD1||||||||||||Y"))
	h.settle()
	name := func(role web.Role, visit string) object {
		e := items(get[object](h, web.Liaison, "POST", "/encounters/search", object{"visit": visit}))[0].(object)
		return items(get[object](h, role, "POST", "/patients/names", object{"ids": []any{e["patient_id"]}}))[0].(object)
	}
	if got := name(web.Liaison, "V1"); got["name"] != "Nightingale Canary" || got["birth_date"] != "1950-01-01" {
		t.Errorf("%v", got)
	}
	if got := name(web.Liaison, "V2"); got["name"] != "" || got["restricted"] != true {
		t.Errorf("a restricted patient is shown as %v", got)
	}
	if got := name(web.Privacy, "V2"); got["name"] != "Nightingale Canary" {
		t.Errorf("the privacy officer sees %v", got)
	}
	// By name alone a restricted stay is not found.
	if n := len(items(get[object](h, web.Liaison, "POST", "/encounters/search", object{"name": "Canary"}))); n != 1 {
		t.Errorf("found %d", n)
	}
	if status, _, _ := h.ask([]web.Role{web.Auditor}, "POST", "/patients/names", "application/json", []byte(`{"ids":[]}`)); status != 403 {
		t.Errorf("an auditor gets %d", status)
	}
	p := get[object](h, web.Lead, "GET", "/patients/"+name(web.Liaison, "V1")["id"].(string), nil)
	if p["identifiers"].([]any)[0].(object)["value"] != "77" || p["contacts"].([]any)[0].(object)["relation"] != "SPO" {
		t.Errorf("%v", p)
	}
	var reads int
	h.scan(`SELECT count(*) FROM access_log WHERE who = 'somebody' AND action = 'patients.names' AND cardinality(patients) = 1`, nil, &reads)
	if reads != 4 {
		t.Errorf("%d name reads are in the access log", reads)
	}
	if _, err := h.db.System.Exec(context.Background(), `DELETE FROM access_log`); err == nil {
		t.Error("the access log can be emptied")
	}
}

func TestMessageAPI(t *testing.T) {
	h := start(t)
	good := adtMessage("1", "A01", "202603021000", "77", "V1")
	bad := adtMessage("2", "A01", "202603021000", "77", "V1", "PID=PID|1||||Canary")
	h.send(good, bad, adtMessage("3", "A08", "202603021000", "77", "V1", "PID=PID|1||||Canary"))
	h.settle()
	if got := h.facts("care.feed."); len(got) != 1 {
		t.Errorf("operations were told %d times", len(got))
	}
	m := items(get[object](h, web.Operations, "POST", "/messages/search", object{"control_id": "1"}))[0].(object)
	sum := sha256.Sum256(good)
	if m["hash"] != hex.EncodeToString(sum[:]) || m["state"] != "applied" {
		t.Errorf("%v", m)
	}
	one := get[object](h, web.Interface, "GET", "/messages/"+m["id"].(string), nil)
	if one["encounter_id"] == "" {
		t.Error("the message does not lead to its stay")
	}
	status, _, content := h.ask([]web.Role{web.Interface}, "GET", "/messages/"+m["id"].(string)+"/content", "", nil)
	if status != 200 || !bytes.Equal(content, good) {
		t.Errorf("content: %d, %d bytes", status, len(content))
	}
	if status, _, _ := h.ask([]web.Role{web.Auditor}, "GET", "/messages/"+m["id"].(string)+"/content", "", nil); status != 403 {
		t.Errorf("an auditor gets %d", status)
	}
	quarantined := items(get[object](h, web.Operations, "GET", "/messages?state=quarantined", nil))
	if len(quarantined) != 2 || quarantined[0].(object)["reason"] != "no-patient-id" {
		t.Fatalf("%v", quarantined)
	}
	// Applied again it is quarantined again, and as somebody has looked, told again.
	id := quarantined[0].(object)["id"].(string)
	if got := get[object](h, web.Interface, "POST", "/messages/"+id+"/reapply", nil); got["state"] != "kept" {
		t.Errorf("%v", got)
	}
	h.settle()
	if got := h.facts("care.feed."); len(got) != 2 {
		t.Errorf("operations were told %d times", len(got))
	}
	if status, _, _ := h.ask([]web.Role{web.Interface}, "POST", "/messages/"+m["id"].(string)+"/reapply", "", nil); status != 409 {
		t.Errorf("applying an applied message again gives %d", status)
	}
	h.balanced()
}

func TestHL7OverHTTP(t *testing.T) {
	h := start(t)
	m := adtMessage("1", "A01", "202603021000", "77", "V1")
	sender := []web.Role{web.Interface}
	for _, kind := range []string{"application/hl7-v2", "application/hl7-v2+er7; charset=UTF-8", "x-application/hl7-v2+er7", "text/plain"} {
		status, header, body := h.ask(sender, "POST", "/hl7v2", kind, m)
		if status != 200 || !bytes.Contains(body, []byte("MSA|AA|1")) || header.Get("Content-Type") != kind {
			t.Errorf("%s: %d %s", kind, status, body)
		}
	}
	if status, _, body := h.ask(sender, "POST", "/hl7v2", "text/plain", []byte("hello")); status != 200 || !bytes.Contains(body, []byte("MSA|AE")) {
		t.Errorf("not HL7: %d %s", status, body)
	}
	if status, _, _ := h.ask(sender, "POST", "/hl7v2", "application/json", m); status != 415 {
		t.Errorf("JSON: %d", status)
	}
	if status, _, _ := h.ask(sender, "POST", "/hl7v2", "text/plain", bytes.Repeat([]byte("x"), 3<<20)); status != 413 {
		t.Errorf("too long: %d", status)
	}
	if status, _, _ := h.ask([]web.Role{web.Liaison}, "POST", "/hl7v2", "text/plain", m); status != 403 {
		t.Errorf("a liaison: %d", status)
	}
	h.settle()
	if got := h.outcomes(); got[0].Copies != 4 {
		t.Errorf("%+v", got)
	}
}

func TestJSONEvents(t *testing.T) {
	h := start(t)
	sender := []web.Role{web.Interface}
	event := func(id, kind, at, more string) []byte {
		return []byte(`{"version":1,"id":"` + id + `","facility":"GENERAL","event":"` + kind + `","occurred_at":"` + at + `","recorded_at":"` + at + `",
			"patient":{"identifiers":[{"type":"MR","authority":"1.2.3","value":"77"}],"name":{"family":"Canary","given":"Nightingale"},"sex":"F"},
			"visit":{"number":"V1","class":"inpatient","unit":"3W"` + more + `}}`)
	}
	post := func(body []byte) int {
		status, _, _ := h.ask(sender, "POST", "/events", "application/json", body)
		return status
	}
	admit := event("e1", "admit", "2026-03-02T10:00:00-05:00", "")
	for _, step := range []struct {
		body []byte
		want int
	}{
		{admit, 202},
		{admit, 202},
		{event("e1", "admit", "2026-03-02T11:00:00-05:00", ""), 409},
		{event("e2", "discharge", "2026-03-04T10:00:00-05:00", `,"disposition":"1"`), 202},
		{event("e3", "dance", "2026-03-04T10:00:00-05:00", ""), 422},
		{event("e4", "discharge", "2026-03-04T10:00:00", ""), 400},
		{[]byte(`{"version":1}`), 422},
	} {
		if got := post(step.body); got != step.want {
			t.Errorf("%s: %d, not %d", step.body, got, step.want)
		}
	}
	// The same stay, corrected by HL7: one fold.
	h.send(adtMessage("1", "A08", "202603050900", "77", "V1", "PV1-36=03"))
	h.settle()
	if diff := cmp.Diff([]string{"admitted", "discharged", "updated"}, h.facts("care.encounter.")); diff != "" {
		t.Error(diff)
	}
	var patients int
	var disposition string
	h.scan(`SELECT count(*) FROM patient`, nil, &patients)
	h.scan(`SELECT disposition FROM encounter`, nil, &disposition)
	if patients != 1 || disposition != "03" {
		t.Errorf("%d patients, disposition %s", patients, disposition)
	}
}

func TestSetupAPI(t *testing.T) {
	h := start(t)
	get[object](h, web.Admin, "POST", "/facilities", object{"code": "MERCY", "name": "Mercy", "type": "hospital", "zone": "America/Chicago", "sensitive_units": []string{"PSY"}})
	get[object](h, web.Admin, "POST", "/facilities", object{"code": "MERCY", "aliases": []string{"2.16.840.1.9"}})
	f := items(get[object](h, web.Liaison, "GET", "/facilities", nil))[0].(object)
	if f["zone"] != "America/Chicago" || f["name"] != "Mercy" || f["aliases"].([]any)[0] != "2.16.840.1.9" || f["sensitive_units"].([]any)[0] != "PSY" {
		t.Errorf("%v", f)
	}
	if f["type"] != "hospital" {
		t.Errorf("type %v: what is not stated stays", f["type"])
	}
	if status, _, _ := h.ask([]web.Role{web.Admin}, "POST", "/facilities", "application/json", []byte(`{"code":"MERCY","type":"inn"}`)); status != 422 && status != 400 {
		t.Errorf("an inn: %d", status)
	}
	if status, _, _ := h.ask([]web.Role{web.Admin}, "POST", "/facilities", "application/json", []byte(`{"code":"X","zone":"Mars/Olympus"}`)); status != 422 {
		t.Errorf("a zone that is none: %d", status)
	}
	feed := get[object](h, web.Interface, "POST", "/feeds", object{"name": "mercy-adt", "facilities": []string{"MERCY"}, "dialect": object{"dispositions": object{"HOME": "01"}}})
	key := feed["api_key"].(string)
	if status, _, _ := h.ask([]web.Role{web.Interface}, "POST", "/feeds", "application/json", []byte(`{"name":"x","facilities":["NOWHERE"]}`)); status != 422 {
		t.Errorf("a feed of an unknown facility: %d", status)
	}
	who, ok := h.resolveKey(context.Background(), key)
	if !ok || who.Org != DemoOrg || !slices.Contains(who.Roles, web.Feed) {
		t.Fatalf("the key belongs to %+v", who)
	}
	if _, ok := h.resolveKey(context.Background(), key[:len(key)-1]+"x"); ok {
		t.Error("a wrong key is taken")
	}
	var text string
	h.scan(`SELECT coalesce(string_agg(k::text, ''), '') FROM api_key k`, nil, &text)
	if strings.Contains(text, key) {
		t.Error("the key is stored")
	}
	// The feed may speak for its facility alone, in its own dialect.
	send := func(m []byte) string {
		r := httptest.NewRequest("POST", "/hl7v2", bytes.NewReader(m))
		r.Header.Set("Content-Type", "text/plain")
		w := httptest.NewRecorder()
		h.router.ServeHTTP(w, r.WithContext(web.WithPrincipal(r.Context(), who)))
		return w.Body.String()
	}
	if got := send(adtMessage("1", "A03", "202603021000", "77", "V1", "MSH-4=MERCY", "PV1-36=HOME", "PV1-3=PSY")); !strings.Contains(got, "MSA|AA") {
		t.Errorf("%q", got)
	}
	if got := send(adtMessage("2", "A03", "202603021000", "77", "V1")); !strings.Contains(got, "MSA|AR") {
		t.Errorf("%q", got)
	}
	h.settle()
	var disposition string
	var sensitive bool
	h.scan(`SELECT disposition, sensitive FROM encounter`, nil, &disposition, &sensitive)
	if disposition != "01" || !sensitive {
		t.Errorf("disposition %q, sensitive %v", disposition, sensitive)
	}
	id := feed["id"].(string)
	keys := items(get[object](h, web.Interface, "GET", "/feeds/"+id+"/keys", nil))
	if status, _, _ := h.ask([]web.Role{web.Interface}, "DELETE", "/feeds/"+id+"/keys/"+keys[0].(object)["id"].(string), "", nil); status != 204 {
		t.Errorf("revoking: %d", status)
	}
	if _, ok := h.resolveKey(context.Background(), key); ok {
		t.Error("a revoked key is taken")
	}
	change := []byte(`{"name":"mercy-adt","facilities":["MERCY"],"enabled":false}`)
	if status, _, _ := h.ask([]web.Role{web.Interface}, "PUT", "/feeds/"+id, "application/json", change, "If-Match", `"9"`); status != 412 {
		t.Errorf("a stale change: %d", status)
	}
	if status, _, body := h.ask([]web.Role{web.Interface}, "PUT", "/feeds/"+id, "application/json", change, "If-Match", `"1"`); status != 200 {
		t.Errorf("a change: %d %s", status, body)
	}
	if got := h.facts("care.facility."); len(got) != 2 {
		t.Errorf("facility facts: %v", got)
	}
}

func TestEveryRouteHasAPermission(t *testing.T) {
	r := web.NewRouter(Name, nil, nil)
	(&service{}).routes(r)
	for _, route := range r.Routes() {
		if route.Permission == web.Anyone || route.Permission == web.SignedIn {
			t.Errorf("%s %s is open", route.Method, route.Path)
		}
	}
	if len(r.Routes()) < 20 {
		t.Errorf("%d routes", len(r.Routes()))
	}
}
