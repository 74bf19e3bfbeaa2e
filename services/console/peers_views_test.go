package console

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// shown is what the other services have for the views beside the worklist.
type shown struct {
	alerts []map[string]any
	later  map[events.ID]map[string]any // alerts as they are; lists do not know yet
	seen   []string                     // alerts that were opened, by id
}

// mount answers for the views.
func (p *peers) mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/notification/alerts", p.listAlerts)
	mux.HandleFunc("POST /api/notification/alerts/{id}/{action}", p.workAlert)
}

func refuse(w http.ResponseWriter, kind fault.Kind, text string) {
	web.WriteProblem(w, fault.New(kind, "%s", text))
}

// alert puts an alert into notification and announces it.
func (s *stage) alert(st stay, severity string, to ...string) events.Alert {
	s.t.Helper()
	now := time.Now().UTC()
	a := events.Alert{
		ID: events.NewID(), Encounter: st.encounter.ID, Transition: st.tr.ID, Facility: "MERCY", Unit: "4N", Kind: "transition-opened", Cause: events.NewID(),
		State: "raised", Severity: severity, Version: 1, Recipients: to, OccurredAt: now, ReceivedAt: now, RaisedAt: now,
	}
	s.peers.mu.Lock()
	s.peers.shown.alerts = append([]map[string]any{{
		"id": a.ID, "kind": a.Kind, "encounter_id": a.Encounter, "facility": a.Facility, "unit": a.Unit, "state": a.State, "severity": severity,
		"version": 1, "count": 1, "recipients": to, "raised_at": now, "acknowledged_by": "", "sensitive": st.encounter.Sensitive,
	}}, s.peers.shown.alerts...)
	s.peers.mu.Unlock()
	s.tell(store.Notification, events.AlertRaised{Notice: events.Notice{Alert: a}})
	return a
}

// settle lets lists know what was held, and announces it.
func (p *peers) settle() {
	p.mu.Lock()
	for i, a := range p.shown.alerts {
		if now, ok := p.shown.later[a["id"].(events.ID)]; ok {
			p.shown.alerts[i] = now
		}
	}
	clear(p.shown.later)
	facts := p.heldAlerts
	p.held, p.heldAlerts = nil, nil
	p.mu.Unlock()
	p.stage.tell(store.Notification, facts...)
}

func (p *peers) listAlerts(w http.ResponseWriter, r *http.Request) {
	who := p.who(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	items := []any{}
	for _, a := range p.shown.alerts {
		mine := slices.ContainsFunc(a["recipients"].([]string), func(to string) bool {
			return to == who.Subject || slices.ContainsFunc(who.Roles, func(role web.Role) bool { return to == "role:"+string(role) })
		})
		if state := r.URL.Query().Get("state"); (state == "" || state == a["state"]) && (mine || r.URL.Query().Get("inbox") == "") {
			items = append(items, a)
		}
	}
	write(w, 200, map[string]any{"items": items, "next": nil})
}

func (p *peers) workAlert(w http.ResponseWriter, r *http.Request) {
	who := p.who(r)
	if !web.Allow(who, web.AlertsWork) {
		refuse(w, fault.Forbidden, "your role does not allow this")
		return
	}
	var in struct{ Reason string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	at := slices.IndexFunc(p.shown.alerts, func(a map[string]any) bool { return a["id"].(events.ID).String() == r.PathValue("id") })
	if at < 0 {
		p.mu.Unlock()
		refuse(w, fault.Unknown, "there is no such alert")
		return
	}
	a := maps.Clone(p.shown.alerts[at])
	if now, ok := p.shown.later[a["id"].(events.ID)]; ok {
		a = maps.Clone(now)
	}
	var fact events.Fact
	of := events.Alert{ID: a["id"].(events.ID), Encounter: a["encounter_id"].(events.ID), Kind: a["kind"].(string), Facility: "MERCY", Severity: a["severity"].(string), By: who.Subject, Version: a["version"].(int) + 1}
	switch r.PathValue("action") {
	case "seen":
		p.shown.seen = append(p.shown.seen, r.PathValue("id"))
	case "acknowledge":
		if a["state"] == "raised" {
			a["state"], a["acknowledged_by"], a["version"], of.State = "acknowledged", who.Subject, of.Version, "acknowledged"
			fact = events.AlertAcknowledged{Notice: events.Notice{Alert: of}}
		}
	case "resolve":
		a["state"], a["reason"], a["version"], of.State = "resolved", in.Reason, of.Version, "resolved"
		fact = events.AlertResolved{Notice: events.Notice{Alert: of}}
	}
	write(w, 200, a)
	held := p.held
	switch {
	case fact == nil:
	case held != nil:
		p.shown.later[a["id"].(events.ID)] = a
		p.heldAlerts = append(p.heldAlerts, fact)
	default:
		p.shown.alerts[at] = a
	}
	p.mu.Unlock()
	if fact != nil && held == nil {
		p.stage.tell(store.Notification, fact)
	}
}
