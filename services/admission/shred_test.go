package admission

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
)

// tenant makes another organization with a feed, and acts for it; send posts a message to that feed.
func (h *hospital) tenant(code string) (send func(message []byte) int) {
	h.t.Helper()
	h.org = events.Derive("org", code)
	get[object](h, web.Admin, "POST", "/organizations", object{"code": code, "name": code})
	get[object](h, web.Admin, "POST", "/facilities", object{"code": "OTHER", "name": "Other", "zone": "America/Chicago"})
	feed := get[object](h, web.Interface, "POST", "/feeds", object{"name": "other", "facilities": []string{"OTHER"}})
	return func(message []byte) int {
		status, _, _ := h.ask([]web.Role{web.Interface}, "POST", "/hl7v2?feed="+feed["id"].(string), "application/hl7-v2", message)
		return status
	}
}

// feeds switches all feeds of the organization on or off.
func (h *hospital) feeds(on bool) {
	h.t.Helper()
	for _, f := range items(get[object](h, web.Interface, "GET", "/feeds", nil)) {
		f := f.(object)
		body, err := json.Marshal(object{"name": f["name"], "facilities": f["facilities"], "enabled": on, "dialect": f["dialect"], "certificates": f["certificates"]})
		if err != nil {
			h.t.Fatal(err)
		}
		status, _, answer := h.ask([]web.Role{web.Interface}, "PUT", "/feeds/"+f["id"].(string), "application/json", body, "If-Match", fmt.Sprintf(`"%v"`, f["version"]))
		if status != 200 {
			h.t.Fatalf("%d %s", status, answer)
		}
	}
}

func (h *hospital) destroy(role web.Role, code, again string) (int, string) {
	h.t.Helper()
	body, err := json.Marshal(object{"code": code, "again": again})
	if err != nil {
		h.t.Fatal(err)
	}
	status, _, answer := h.ask([]web.Role{role}, "POST", "/organizations/shred", "application/json", body)
	return status, string(answer)
}

// After the keys of an organization are destroyed nobody reads what its messages said; what it was told
// of its patients stays, others go on, and so may it, with keys of its own, in every replica.
func TestShred(t *testing.T) {
	h := start(t)
	h.shredAfter = time.Millisecond
	replica := startOn(t, h.db, run.Config{Dev: true, MLLP: "127.0.0.1:0"})
	h.send(adtMessage("1", "A01", "202603021000", "77", "V1"))
	replica.send(adtMessage("2", "A08", "202603021100", "77", "V1"), adtMessage("Q", "A01", "202603021000", "", "V3", "PID=PID|1||||Canary^Nightingale"))
	post := h.tenant("other")
	if status := post(adtMessage("3", "A01", "202603021000", "99", "V9", "MSH-4=OTHER")); status != 200 {
		t.Fatal(status)
	}
	other := h.org
	h.org = events.ID{}
	h.settle()

	refused := func(want int, role web.Role, code, again, words string) {
		t.Helper()
		if status, answer := h.destroy(role, code, again); status != want || !strings.Contains(answer, words) {
			t.Errorf("%s %q, %q: %d %s", role, code, again, status, answer)
		}
	}
	refused(403, web.Admin, "demo", "demo", "")
	refused(422, web.Privacy, "demo", "demos", "twice")
	refused(422, web.Privacy, "other", "other", "twice")
	refused(409, web.Privacy, "demo", "demo", "switched on")
	if status, _ := h.content("1"); status != 200 {
		t.Fatalf("after refusals: %d", status)
	}
	h.feeds(false)
	if status, answer := h.destroy(web.Privacy, "demo", "demo"); status != 200 || !strings.Contains(answer, `"keys":1`) {
		t.Fatalf("%d %s", status, answer)
	}
	for _, place := range []*hospital{h, replica} { // also where the key had been unwrapped
		for _, control := range []string{"1", "2", "Q"} {
			if status, body := place.content(control); status != http.StatusGone || !strings.Contains(string(body), "destroyed") {
				t.Errorf("message %s: %d %s", control, status, body)
			}
		}
	}
	m := get[object](h, web.Auditor, "GET", "/messages/"+h.message("1").String(), nil)
	if m["lost"] != "bytes-destroyed" || m["state"] != "applied" || m["hash"] == "" {
		t.Errorf("%v", m)
	}
	if status, _, answer := h.ask([]web.Role{web.Operations}, "POST", "/messages/"+h.message("Q").String()+"/reapply", "", nil); status != http.StatusGone {
		t.Errorf("applied again: %d %s", status, answer)
	}
	if n := len(h.stays("GENERAL")); n != 1 {
		t.Errorf("%d stays are left", n)
	}
	var noted int
	h.scan(`SELECT count(*) FROM access_log WHERE action = 'organizations.shred'`, nil, &noted)
	if noted != 1 {
		t.Errorf("written down %d times", noted)
	}

	h.org = other
	if status, _ := h.content("3"); status != 200 {
		t.Errorf("the other organization's: %d", status)
	}
	h.org = events.ID{}
	h.feeds(true)
	if err := replica.directory.Refresh(context.Background()); err != nil { // as it does every second
		t.Fatal(err)
	}
	replica.send(adtMessage("4", "A08", "202603021200", "77", "V1"))
	h.settle()
	if status, _ := h.content("4"); status != 200 {
		t.Errorf("what came after: %d", status)
	}
	h.balanced()
}

// A message that waits keeps an organization's keys from being destroyed; one that was overlooked is set
// aside and holds nobody up.
func TestShredLeavesNothingWaiting(t *testing.T) {
	db := testDB(t)
	keepDead(t, db, testKeys(), adtMessage("1", "A01", "202603021000", "77", "V1"))
	ctx := context.Background()
	if _, err := db.System.Exec(ctx, `UPDATE data_key SET wrapped = NULL, destroyed_at = now()`); err != nil {
		t.Fatal(err)
	}
	h := startOn(t, db, run.Config{Dev: true, MLLP: "127.0.0.1:0"})
	h.send(adtMessage("2", "A01", "202603021000", "78", "V2"))
	h.settle()
	got := h.outcomes()
	if len(got) != 2 || got[0].Reason != "bytes-destroyed" || got[1].State != "applied" {
		t.Errorf("%v", got)
	}
	h.feeds(false)
	h.exec(`INSERT INTO message_open (id, org_id, owner) SELECT id, org_id, $1 FROM message WHERE control_id = '2'`, events.NewID())
	h.exec(`INSERT INTO lease (owner, expires_at) SELECT owner, now() + interval '1 hour' FROM message_open`)
	h.shredAfter = time.Millisecond
	if status, answer := h.destroy(web.Privacy, "demo", "demo"); status != http.StatusConflict || !strings.Contains(answer, "not handled yet") {
		t.Errorf("%d %s", status, answer)
	}
}
