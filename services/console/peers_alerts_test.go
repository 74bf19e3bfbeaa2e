package console

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
)

// deedBody is what a person sends with a deed.
type deedBody struct {
	Reason, To, Scope string
	Until             time.Time
}

// mountDeeds answers for what people do to alerts beside taking them on.
func (p *peers) mountDeeds(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/notification/reasons", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{
			"resolve":   []any{map[string]any{"code": "handled", "text": "Seen to", "hint": "What it asked for has been done"}, map[string]any{"code": "duplicate", "text": "Known already", "hint": "Another alert or task covers it"}},
			"hand-over": []any{map[string]any{"code": "end-of-shift", "text": "My shift ends"}, map[string]any{"code": "busy", "text": "I cannot get to it in time"}},
			"mute":      []any{map[string]any{"code": "known", "text": "I know, and I am on it"}, map[string]any{"code": "covered", "text": "A colleague has it"}},
		})
	})
	p.mountDirectory(mux)
	mux.HandleFunc("GET /api/notification/mutes", func(w http.ResponseWriter, r *http.Request) {
		who := p.who(r)
		p.mu.Lock()
		defer p.mu.Unlock()
		items := []any{}
		for _, m := range p.shown.mutes {
			if m["person"] == who.Subject {
				items = append(items, m)
			}
		}
		write(w, 200, map[string]any{"items": items, "next": nil})
	})
	mux.HandleFunc("POST /api/notification/mutes/{id}/lift", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		n := len(p.shown.mutes)
		p.shown.mutes = slices.DeleteFunc(p.shown.mutes, func(m map[string]any) bool { return m["id"].(events.ID).String() == r.PathValue("id") })
		if len(p.shown.mutes) == n {
			refuse(w, fault.Unknown, "nothing is muted under this id")
			return
		}
		write(w, 200, map[string]any{})
	})
}

// asSeenBy adds what somebody has muted. The caller holds the lock.
func (p *peers) asSeenBy(who web.Principal, a map[string]any) map[string]any {
	for _, m := range p.shown.mutes {
		if m["person"] == who.Subject && (m["alert_id"] == a["id"] || m["alert_id"] == nil && m["kind"] == a["kind"]) {
			a = maps.Clone(a)
			a["muted"] = m
		}
	}
	return a
}

// deed does to an alert what a person says. The caller holds the lock.
func (p *peers) deed(who web.Principal, a map[string]any, of events.Alert, action string, in deedBody) (map[string]any, events.Fact) {
	id := a["id"].(events.ID)
	switch action {
	case "hand-over":
		if p.shown.before == nil {
			p.shown.before = map[events.ID]map[string]any{}
		}
		p.shown.before[id] = maps.Clone(a)
		a["state"], a["acknowledged_by"], a["version"], of.State = "raised", "", of.Version, "raised"
		a["recipients"], a["handed_over"] = []string{in.To}, map[string]any{"by": who.Subject, "to": in.To, "at": time.Now(), "reason": in.Reason}
		of.Recipients = []string{in.To}
		return a, events.AlertHandedOver{Notice: events.Notice{Alert: of}}
	case "take-back":
		version := of.Version
		a = maps.Clone(p.shown.before[id])
		a["version"], of.State = version, a["state"].(string)
		return a, events.AlertCorrected{Notice: events.Notice{Alert: of}}
	case "mute":
		m := map[string]any{"id": events.NewID(), "person": who.Subject, "scope": in.Scope, "kind": a["kind"], "alert_id": a["id"], "reason": in.Reason, "until": in.Until}
		if in.Scope == "kind" {
			m["alert_id"] = nil
		}
		p.shown.mutes = append(p.shown.mutes, m)
	}
	return a, nil
}

// oneAlert is an alert with its ledger.
func (p *peers) oneAlert(w http.ResponseWriter, r *http.Request) {
	who := p.who(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]any{"id": r.PathValue("id"), "kind": "transition-opened", "state": "raised"}
	for _, a := range p.shown.alerts {
		if a["id"].(events.ID).String() == r.PathValue("id") {
			out = maps.Clone(p.asSeenBy(who, a))
		}
	}
	now := time.Now()
	maps.Copy(out, map[string]any{
		"why": []any{
			map[string]any{"decision": "selected", "recipient": "dana", "channel": "console", "reason": "on the roster of unit 4N", "at": now},
			map[string]any{"decision": "suppressed", "recipient": "lea", "channel": "email", "reason": "email from urgent on; this is routine", "at": now},
		},
		"deliveries": []any{
			map[string]any{"recipient": "dana", "channel": "console", "state": "delivered", "created_at": now, "done_at": now},
			map[string]any{"recipient": "role:liaison", "channel": "console", "state": "delivered", "created_at": now, "done_at": now},
		},
		"thread": []any{map[string]any{"decision": "seen", "recipient": "dana", "at": now}, map[string]any{"decision": "handed-over", "recipient": "sam", "by": "dana", "reason": "busy", "at": now}},
		"rule":   map[string]any{"targets": []string{"unit", "facility", "role:liaison"}, "further": []any{map[string]any{"after": "30m0s", "target": "role:lead"}}},
	})
	write(w, 200, out)
}
