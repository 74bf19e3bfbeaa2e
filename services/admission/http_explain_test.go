package admission

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/handoff-care/handoff/pkg/web"
)

// A message that is pasted is understood as a real one would be, and leaves no trace.
func TestExplainSaysWhatWouldHappenAndKeepsNothing(t *testing.T) {
	h := start(t)
	h.send(adtMessage("1", "A01", "202603021000", "77", "V1"))
	h.settle()
	var before, after string
	const everything = `SELECT concat_ws(' ', (SELECT count(*) FROM message), (SELECT count(*) FROM message_raw), (SELECT count(*) FROM facility), (SELECT count(*) FROM patient),
		(SELECT count(*) FROM encounter), (SELECT count(*) FROM encounter_fact), (SELECT count(*) FROM access_log), (SELECT count(*) FROM event_log), (SELECT sum(n) FROM tally))`
	h.scan(everything, nil, &before)
	logged := len(h.logged.Bytes())

	text := strings.ReplaceAll(string(adtMessage("2", "A03", "202603051200", "78", "V9", "PV1-3=4E^3^1", "PV1-36=SNFX", "PV1-45=202603051130", "DG1|1||I50.9^Heart failure^I10|||F")), "\r", "\n")
	got := get[object](h, web.Interface, "POST", "/messages/explain", object{"message": text})
	if got["state"] != "applied" || got["reply"] != "AA" || got["trigger"] != "A03" || got["facility"] != "GENERAL" {
		t.Errorf("got %v", got)
	}
	said := map[string]object{}
	for _, f := range got["fields"].([]any) {
		said[f.(object)["field"].(string)] = f.(object)
	}
	for field, understood := range map[string]string{
		"MSH-9": "discharge", "PID-3": "78 (MR of 1.2.3)", "PID-5": "Nightingale Canary", "PID-7": "1950-01-01", "PV1-19": "V9", "PV1-2": "inpatient",
		"PV1-3": "4E 3 1", "PV1-36": "", "PV1-45": "Thu 5 Mar 2026, 11:30 EST", "DG1-3": "I50.9",
	} {
		if said[field]["understood"] != understood {
			t.Errorf("%s is understood as %q, not %q", field, said[field]["understood"], understood)
		}
	}
	if s, _ := said["PV1-36"]["advice"].(string); said["PV1-36"]["sent"] != "SNFX" || !strings.Contains(s, "Map it") {
		t.Errorf("an unknown disposition: %v", said["PV1-36"])
	}
	mapped := get[object](h, web.Interface, "POST", "/messages/explain", object{"message": text, "dialect": object{"dispositions": object{"SNFX": "03"}}})
	for _, f := range mapped["fields"].([]any) {
		if f := f.(object); f["field"] == "PV1-36" && f["understood"] != "03" {
			t.Errorf("with a map: %v", f)
		}
	}
	for state, message := range map[string]string{
		"quarantined": strings.Replace(text, "78^^^GENERAL&1.2.3&ISO^MR", "", 1), "rejected": "Dear colleague, the patient has left.",
		"ignored": strings.ReplaceAll(text, "A03", "A20"),
	} {
		if got := get[object](h, web.Operations, "POST", "/messages/explain", object{"message": message}); got["state"] != state || got["reason"] == "" {
			t.Errorf("not %s: %v", state, got)
		}
	}
	elsewhere := get[object](h, web.Admin, "POST", "/messages/explain", object{"message": strings.ReplaceAll(text, "|GENERAL|", "|ELSEWHERE|")})
	if elsewhere["state"] != "applied" || elsewhere["facility"] != "ELSEWHERE" || elsewhere["facility_fresh"] != true {
		t.Errorf("of a hospital that is not set up yet: %v", elsewhere)
	}
	body, _ := json.Marshal(object{"message": text})
	if status, _, _ := h.ask([]web.Role{web.Auditor}, "POST", "/messages/explain", "application/json", body); status != 403 {
		t.Errorf("an auditor is answered %d", status)
	}
	if h.scan(everything, nil, &after); before != after {
		t.Errorf("something was kept: %s, then %s", before, after)
	}
	if more := h.logged.Bytes()[logged:]; bytes.Contains(more, []byte("Nightingale")) || bytes.Contains(more, []byte("V9")) {
		t.Errorf("something was logged: %s", more)
	}
}
