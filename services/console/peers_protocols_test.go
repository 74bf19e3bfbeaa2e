package console

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
)

const baseText = "protocols:\n  - code: home\n    version: \"2026.1\"\n    kind: base\n    title: Home after a hospital stay\n    when: \"true\"\n"

// mountProtocols answers for the protocols: the shipped set is in force, a set that is kept is the second.
func (p *peers) mountProtocols(mux *http.ServeMux) {
	second := events.Derive("set 2")
	mux.HandleFunc("GET /api/discharge/protocols/sets", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		items := []any{}
		if p.shown.kept != "" {
			items = append(items, map[string]any{"id": second, "number": 1, "title": p.shown.kept, "made_by": "lea", "made_at": time.Now(), "live": p.shown.live, "coming": []string{}, "shadow": []string{}})
		}
		write(w, 200, map[string]any{"items": items, "next": nil})
	})
	files := map[string]string{"base.yaml": baseText, "base_test.yaml": "cases: []\n"}
	mux.HandleFunc("GET /api/discharge/protocols/shipped", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{"digest": "d", "files": files})
	})
	mux.HandleFunc("GET /api/discharge/protocols/sets/{id}", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if r.PathValue("id") != second.String() || p.shown.kept == "" {
			refuse(w, fault.Unknown, "there is no such set of protocols")
			return
		}
		write(w, 200, map[string]any{"id": second, "number": 1, "title": p.shown.kept, "files": files, "live": p.shown.live})
	})
	mux.HandleFunc("GET /api/discharge/protocols/acts", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		write(w, 200, map[string]any{"items": p.shown.acts, "next": nil})
	})
	mux.HandleFunc("GET /api/discharge/protocols/shadow", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.shown.tried {
			write(w, 200, map[string]any{"items": []any{}, "since": nil})
			return
		}
		write(w, 200, map[string]any{"items": []any{p.differs()}, "set_id": second, "since": time.Now().Add(-time.Hour), "stays": 12, "differing": 3, "codes": []any{map[string]any{"code": "second-call", "gained": 3}}})
	})
	mux.HandleFunc("POST /api/discharge/protocols/check", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(body(r), "basis") {
			write(w, 200, map[string]any{"ok": false, "problems": []string{"base.yaml: protocol home: kind \"basis\" is none of base, addon, emergency"}, "protocols": []any{}})
			return
		}
		write(w, 200, map[string]any{"ok": true, "problems": []string{}, "protocols": []any{map[string]any{"protocol": "home@2026.1"}}, "added": []string{"home@2026.2"}, "removed": []string{}})
	})
	mux.HandleFunc("POST /api/discharge/protocols/test", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{"cases": []any{
			map[string]any{"file": "base_test.yaml", "name": "home after surgery", "wrong": []string{}}, map[string]any{"file": "base_test.yaml", "name": "home alone", "wrong": []string{}},
		}, "failed": 0, "untested": []string{"snf@2026.1"}})
	})
	mux.HandleFunc("POST /api/discharge/protocols/sets", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Title string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		p.mu.Lock()
		p.shown.kept = in.Title
		p.mu.Unlock()
		write(w, 200, map[string]any{"id": second, "number": 1, "title": in.Title})
	})
	mux.HandleFunc("POST /api/discharge/protocols/preview", p.preview)
	for _, path := range []string{"activate", "shadow", "rollback"} {
		mux.HandleFunc("POST /api/discharge/protocols/"+path, func(w http.ResponseWriter, r *http.Request) {
			p.once(w, r, func(w http.ResponseWriter) { p.decideProtocols(w, r, path) })
		})
	}
}

func body(r *http.Request) string {
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	b, _ := json.Marshal(in)
	return string(b)
}

// differs is a stay whose tasks would differ. The caller holds the lock.
func (p *peers) differs() map[string]any {
	out := map[string]any{"encounter_id": events.NewID(), "patient_id": events.NewID(), "facility": "MERCY", "discharged_at": time.Now().Add(-30 * time.Hour), "tasks": []any{map[string]any{"code": "second-call", "change": "gained"}}}
	if len(p.stays) > 0 {
		out["encounter_id"], out["patient_id"] = p.stays[0].encounter.ID, p.stays[0].encounter.Patient
	}
	return out
}

func (p *peers) preview(w http.ResponseWriter, r *http.Request) {
	if !web.Allow(p.who(r), web.ProtocolsTry) {
		refuse(w, fault.Forbidden, "your role does not allow this")
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out, control := json.NewEncoder(w), http.NewResponseController(w)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown.looked = true
	for _, line := range []any{
		map[string]any{"progress": map[string]any{"done": 0, "of": 40}}, map[string]any{"patient": p.differs()}, map[string]any{"progress": map[string]any{"done": 40, "of": 40}},
		map[string]any{"result": map[string]any{
			"id": events.NewID(), "stays": 40, "changed": 7, "tasks": map[string]any{"today": 120, "candidate": 127},
			"codes":  []any{map[string]any{"code": "second-call", "today": 0, "candidate": 7, "gained": 7}},
			"people": []any{map[string]any{"role": "liaison", "owner": "dana", "today_per_day": 4.2, "candidate_per_day": 4.9, "today_busiest": 9, "candidate_busiest": 11}},
		}},
	} {
		_ = out.Encode(line)
		_ = control.Flush()
	}
}

func (p *peers) decideProtocols(w http.ResponseWriter, r *http.Request, path string) {
	who := p.who(r)
	var in struct {
		Reason string
		Set    events.ID `json:"set_id"`
		End    bool
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !web.Allow(who, web.ProtocolsWrite):
		refuse(w, fault.Forbidden, "your role does not allow this")
		return
	case r.Header.Get("If-Match") != strconv.Quote(strconv.Itoa(1+len(p.shown.acts))):
		refuse(w, fault.Stale, "somebody has decided since you looked")
		return
	case path == "activate" && !p.shown.looked:
		refuse(w, fault.Conflict, "nobody has looked at what this set would do")
		return
	}
	kind := map[string]string{"activate": "activate", "rollback": "roll-back", "shadow": "shadow"}[path]
	if in.End {
		kind = "end-shadow"
	}
	p.shown.tried = kind == "shadow" || p.shown.tried && kind != "end-shadow"
	if path == "activate" {
		p.shown.live = []string{"all"}
	} else if path == "rollback" {
		p.shown.live, in.Set = []string{}, events.ID{}
	}
	p.shown.acts = append([]any{map[string]any{"kind": kind, "set_id": in.Set, "from": time.Now(), "at": time.Now(), "by": who.Subject, "reason": in.Reason}}, p.shown.acts...)
	write(w, 200, p.shown.acts[0])
}
