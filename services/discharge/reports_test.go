package discharge

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

func TestReportsCountClocksContactsAndReturns(t *testing.T) {
	h := newHospital(t)
	h.hear(discharged(stay(1, "inpatient", "finished")))
	ask := func(path string, more ...string) []any {
		t.Helper()
		q := url.Values{"from": {left.Add(-time.Hour).Format(time.RFC3339)}, "to": {left.Add(time.Hour).Format(time.RFC3339)}}
		for i := 0; i+1 < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		return h.must("ada:auditor", "GET", path+"?"+q.Encode(), nil).body["items"].([]any)
	}
	rules := ask("/reports/clocks")
	if len(rules) == 0 {
		t.Fatal("no clock is counted")
	}
	for _, r := range rules {
		m := r.(map[string]any)
		if m["title"] == "" || m["week"] == "" || m["clocks"] != 1.0 || m["met"].(float64)+m["attempted"].(float64)+m["missed"].(float64)+m["running"].(float64) != 1 {
			t.Errorf("%v", m)
		}
	}
	weeks := ask("/reports/transitions")
	if len(weeks) != 2 {
		t.Fatalf("%v", weeks)
	}
	for _, w := range weeks {
		if m := w.(map[string]any); m["discharges"] != 1.0 || m["tried"] != 0.0 || m["returned"] != 0.0 {
			t.Errorf("%v", m)
		}
	}
	if last := weeks[1].(map[string]any); last["week"] != "" {
		t.Errorf("the whole period comes last: %v", weeks)
	}
	if n := len(ask("/reports/clocks", "facility", "NOWHERE")) + len(ask("/reports/clocks", "protocol", "none")); n != 0 {
		t.Errorf("%d clocks of another place or protocol", n)
	}
	if a := h.ask("ada:auditor", "GET", "/reports/clocks?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", nil); a.status != http.StatusUnprocessableEntity {
		t.Errorf("%d", a.status)
	}
	if a := h.ask("ivy:intake", "GET", "/reports/clocks?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", nil); a.status != http.StatusForbidden {
		t.Errorf("the receiving side is answered %d", a.status)
	}
}
