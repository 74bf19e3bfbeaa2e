package console

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// mountReports answers with the figures of a period.
func (p *peers) mountReports(mux *http.ServeMux) {
	items := func(rows ...any) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			from, err1 := time.Parse(time.RFC3339, q.Get("from"))
			to, err2 := time.Parse(time.RFC3339, q.Get("to"))
			if err1 != nil || err2 != nil || !from.Before(to) {
				p.t.Errorf("a report of %q to %q", q.Get("from"), q.Get("to"))
			}
			if q.Get("facility") == "NORTH" {
				write(w, 200, map[string]any{"items": []any{}})
				return
			}
			write(w, 200, map[string]any{"items": rows})
		}
	}
	clock := func(rule, title, pack, week string, met, tried, missed, running int) map[string]any {
		return map[string]any{"rule": rule, "title": title, "pack": pack, "week": week, "clocks": met + tried + missed + running, "met": met, "attempted": tried, "missed": missed, "running": running}
	}
	mux.HandleFunc("GET /api/discharge/reports/clocks", items(
		clock("tcm-contact", "Contact within two business days", "tcm", "2026-11-02", 18, 2, 4, 0), clock("tcm-contact", "Contact within two business days", "tcm", "2026-11-09", 22, 1, 2, 0),
		clock("tcm-contact", "Contact within two business days", "tcm", "2026-11-16", 12, 0, 1, 9), clock("trc-nia", "Notice of the admission", "hedis-trc", "2026-11-16", 3, 0, 1, 0)))
	week := func(week string, left, tried, reached, returned int) map[string]any {
		return map[string]any{"week": week, "discharges": left, "tried": tried, "reached": reached, "median_hours_to_try": 5.5, "median_hours_to_contact": 21.0, "returned": returned, "returned_planned": 1, "still_within_30_days": left}
	}
	mux.HandleFunc("GET /api/discharge/reports/transitions", items(week("2026-11-02", 24, 23, 20, 3), week("2026-11-09", 25, 24, 23, 2), week("", 49, 47, 43, 5)))
	mux.HandleFunc("GET /api/referral/reports/providers", items(
		map[string]any{"provider_id": events.Derive("maple"), "name": "=Maple Court", "asked": 12, "answered": 10, "accepted": 6, "declined": 4, "silent": 1, "waiting": 1, "median_response_s": 5400.0, "p90_response_s": 20000.0},
		map[string]any{"provider_id": events.Derive("river"), "name": "Riverside", "asked": 3, "answered": 0, "accepted": 0, "declined": 0, "silent": 3, "waiting": 0}))
	mux.HandleFunc("GET /api/notification/reports/alerts", func(w http.ResponseWriter, r *http.Request) {
		if who := p.who(r); who.Subject == "ivo" {
			refuse(w, "forbidden", "your role does not allow this")
			return
		}
		items(map[string]any{"kind": "transition-opened", "raised": 49, "acted_on": 44, "resolved_by_itself": 3, "open": 2, "escalated": 6, "median_seconds_to_act": 410.0})(w, r)
	})
}

func TestReportsSayWhatTheyCount(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 900, false)
	b.signIn("lea")
	b.visit("/reports")
	b.says("Contact within two business days 71 52 3 7 9 89%")
	b.says("Notice of the admission 4 3 0 1 0 75%")
	b.says("Left the hospital 49")
	b.says("5 (10%)")
	b.says("Riverside 3 0 (0%) 0 3 0 – –")
	b.says("A patient left: follow-up is needed 49 44 (90%)")
	b.says("Counts the clocks of patients who left in the period")
	s.looks("lea", "/reports", "reports")
	b.visit("/reports?days=7&facility=NORTH")
	b.says("No clock ran for those who left in this period.")
	b.says("No place was asked in this period.")
	b.until(`document.querySelector("#by-days").value === "7" && document.querySelector("#by-facility").value === "NORTH"`)

	c := s.client()
	c.signIn("lea")
	res, text := c.send("GET", "/reports/providers.csv?days=90", nil)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][0] != "'=Maple Court" || rows[1][1] != "12" || rows[2][7] != "" || !strings.Contains(res.Header.Get("Content-Disposition"), "handoff-providers.csv") {
		t.Errorf("%v %v %v", res.Header, rows, err)
	}
	if res, _ := c.send("GET", "/reports/people.csv", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("a table that is none: %d", res.StatusCode)
	}
	ivo := s.client()
	ivo.signIn("ivo")
	if res, page := ivo.send("GET", "/reports", nil); res.StatusCode != 200 || !strings.Contains(page, "Alerts: your role does not open this.") || !strings.Contains(page, "Riverside") {
		t.Errorf("who may see a part is answered %d", res.StatusCode)
	}
}
