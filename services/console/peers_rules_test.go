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

const homeText = "pack: home-health\nversion: \"2026.1\"\nrules:\n  - {id: hh-start, version: \"2018.1\", hours: 48}\nvectors: []\n"

// rules are what discharge holds of an organization's rules.
type rules struct {
	kept   string // the title of the set that is kept
	looked bool   // somebody has looked at what it changes
	acts   []map[string]any
}

// homePack is the pack of home health: as shipped, or with a version of the organization's own.
func homePack(own bool) map[string]any {
	rule := func(version, from, until, title string, hours int) map[string]any {
		return map[string]any{"id": "hh-start", "version": version, "from": from, "until": until, "hours": hours, "title": title, "source": "42 CFR 484.55(a)", "standing": "read", "met_by": []string{"home-health-start"}}
	}
	list := []any{rule("2018.1", "2018-01-13", "", "Home-health start of care within 48 hours", 48)}
	if own {
		list = append(list, rule("2026.10", "2026-10-01", "", "Home-health start of care within a day", 24))
	}
	return map[string]any{
		"pack": "home-health", "version": "2026.1", "title": "Home health, the first visit", "about": "Counted from the discharge.", "rules": list,
		"vectors": []any{map[string]any{"at": "2026-10-13 14:02", "due": map[string]string{"hh-start": "2026-10-15 14:02"}}},
		"cases":   []any{map[string]any{"rule": "hh-start", "class": "inpatient", "disposition": "06", "applies": true}},
	}
}

// live is the set in force; the zero id is the shipped one.
func (q rules) live() (set events.ID) {
	if len(q.acts) > 0 {
		set = q.acts[0]["set_id"].(events.ID)
	}
	return set
}

// mountRules answers as discharge does of rules: the shipped set, and one that somebody keeps.
func (p *peers) mountRules(mux *http.ServeMux) {
	second := events.Derive("rules 2")
	files := map[string]string{"packs/home-health.yaml": homeText, "packs/tcm.yaml": "pack: tcm\n", "hospital.yaml": "version: \"hospital@2026.1\"\n"}
	locked := func(answer func(w http.ResponseWriter, r *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			who := p.who(r)
			if r.Method == http.MethodPost && !web.Allow(who, web.ProtocolsTry) {
				refuse(w, fault.Forbidden, "your role does not allow this")
				return
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			answer(w, r)
		}
	}
	set := func() map[string]any {
		q := p.shown.rules
		return map[string]any{"id": second, "number": 1, "title": q.kept, "made_by": "lea", "made_at": time.Now(), "live": q.live() == second, "files": files}
	}
	mux.HandleFunc("GET /api/discharge/rules", locked(func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{"items": []any{homePack(p.shown.rules.live() == second)}, "next": nil})
	}))
	mux.HandleFunc("GET /api/discharge/rules/book", locked(func(w http.ResponseWriter, _ *http.Request) {
		out := map[string]any{"version": len(p.shown.rules.acts), "set_id": p.shown.rules.live()}
		if len(p.shown.rules.acts) > 0 {
			out["since"] = p.shown.rules.acts[0]["from"]
		}
		write(w, 200, out)
	}))
	mux.HandleFunc("GET /api/discharge/rules/sets", locked(func(w http.ResponseWriter, _ *http.Request) {
		items := []any{}
		if p.shown.rules.kept != "" {
			items = append(items, set())
		}
		write(w, 200, map[string]any{"items": items, "next": nil})
	}))
	mux.HandleFunc("GET /api/discharge/rules/sets/{id}", locked(func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != second.String() || p.shown.rules.kept == "" {
			refuse(w, fault.Unknown, "there is no such set of rules")
			return
		}
		write(w, 200, set())
	}))
	mux.HandleFunc("GET /api/discharge/rules/shipped", locked(func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{"digest": "d", "files": files})
	}))
	mux.HandleFunc("GET /api/discharge/rules/acts", locked(func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{"items": append([]map[string]any{}, p.shown.rules.acts...), "next": nil})
	}))
	mux.HandleFunc("POST /api/discharge/rules/check", locked(func(w http.ResponseWriter, r *http.Request) {
		in := body(r)
		own := strings.Contains(in, "set_id") || strings.Contains(in, "hours: 24")
		if strings.Contains(in, "hours: two") {
			write(w, 200, map[string]any{"ok": false, "problems": []string{"clock: yaml: line 4: cannot unmarshal !!str `two` into int"}, "new": []string{}, "packs": []any{}})
			return
		}
		fresh := []string{}
		if own && p.shown.rules.live() != second {
			fresh = []string{"hh-start@2026.10"}
		}
		write(w, 200, map[string]any{"ok": true, "problems": []string{}, "new": fresh, "vectors": 63, "packs": []any{homePack(own)}})
	}))
	mux.HandleFunc("POST /api/discharge/rules/sets", locked(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Title string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		p.shown.rules.kept = in.Title
		write(w, 200, set())
	}))
	mux.HandleFunc("POST /api/discharge/rules/preview", locked(p.previewRules))
	for path, kind := range map[string]string{"activate": "activate", "rollback": "roll-back"} {
		mux.HandleFunc("POST /api/discharge/rules/"+path, func(w http.ResponseWriter, r *http.Request) {
			p.once(w, r, func(w http.ResponseWriter) { p.decideRules(w, r, kind) })
		})
	}
}

func (p *peers) previewRules(w http.ResponseWriter, _ *http.Request) {
	p.shown.rules.looked = true
	changes := []any{}
	for _, s := range p.stays {
		changes = append(changes, map[string]any{"encounter_id": s.encounter.ID, "what": "hh-start", "was": s.encounter.DischargedAt.Add(48 * time.Hour).Format(time.RFC3339), "is": s.encounter.DischargedAt.Add(24 * time.Hour).Format(time.RFC3339)})
	}
	write(w, 200, map[string]any{
		"since": time.Now().AddDate(0, 0, -30), "stays": 40, "new": []string{"hh-start@2026.10"}, "more": 0, "fewer": 1, "other": 6, "scores": 0, "changes": changes, "by_rule": map[string]int{"hh-start": 7},
		"open": []any{map[string]any{"rule": "hh-start", "from": "2018.1", "to": "2026.10", "clocks": 3, "tasks": 4, "sooner": 7, "past": 2}},
	})
}

func (p *peers) decideRules(w http.ResponseWriter, r *http.Request, kind string) {
	who := p.who(r)
	var in struct {
		Reason string
		Set    events.ID `json:"set_id"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !web.Allow(who, web.ProtocolsWrite):
		refuse(w, fault.Forbidden, "your role does not allow this")
		return
	case r.Header.Get("If-Match") != strconv.Quote(strconv.Itoa(len(p.shown.rules.acts))):
		refuse(w, fault.Stale, "somebody has decided since you looked")
		return
	case kind == "activate" && !p.shown.rules.looked:
		refuse(w, fault.Conflict, "nobody has looked at what these rules would change")
		return
	}
	act := map[string]any{"kind": kind, "set_id": in.Set, "from": time.Now(), "at": time.Now(), "by": who.Subject, "reason": in.Reason}
	p.shown.rules.acts = append([]map[string]any{act}, p.shown.rules.acts...)
	write(w, 200, act)
}
