package console

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
)

// directory is whom notification can tell, and by which rules.
type directory struct {
	people  map[string]map[string]any
	rosters []map[string]any
	policy  []any               // steps for what is urgent, where they were changed
	rules   map[string][]string // by kind: the organization's own
}

// everybody are the people of the tests, and one who has left.
func (p *peers) everybody() map[string]map[string]any {
	if p.shown.directory.people == nil {
		all := map[string]map[string]any{"zoe": {"id": "zoe", "name": "Zoe Lind", "roles": []string{"liaison"}, "active": false}}
		for who, x := range people {
			all[who] = map[string]any{"id": who, "name": x.name, "roles": x.roles, "active": true}
		}
		p.shown.directory.people = all
	}
	return p.shown.directory.people
}

// writes reads a body of whoever may change the directory.
func (p *peers) writes(w http.ResponseWriter, r *http.Request, in any) bool {
	_ = json.NewDecoder(r.Body).Decode(in)
	if !web.Allow(p.who(r), web.DirectoryWrite) {
		refuse(w, fault.Forbidden, "your role does not allow this")
		return false
	}
	return true
}

// mountDirectory answers as notification does of people, rosters and rules.
func (p *peers) mountDirectory(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/notification/people", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		items := []any{}
		for _, id := range slices.Sorted(maps.Keys(p.everybody())) {
			items = append(items, p.everybody()[id])
		}
		write(w, 200, map[string]any{"items": items, "next": nil})
	})
	mux.HandleFunc("PUT /api/notification/people", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ People []map[string]any }
		if !p.writes(w, r, &in) {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, x := range in.People {
			p.everybody()[x["id"].(string)] = x
		}
		write(w, 200, map[string]any{"items": []any{}, "next": nil})
	})
	mux.HandleFunc("GET /api/notification/rosters", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		write(w, 200, map[string]any{"items": p.rosters(), "next": nil})
	})
	mux.HandleFunc("PUT /api/notification/rosters", p.putRosters)
	mux.HandleFunc("GET /api/notification/rules", p.listRules)
	mux.HandleFunc("PUT /api/notification/rules", p.putRules)
	mux.HandleFunc("GET /api/notification/routing", p.routing)
}

func (p *peers) listRules(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	steps := []any{map[string]any{"after": "30m0s", "target": "role:lead"}}
	if p.shown.directory.policy != nil {
		steps = p.shown.directory.policy
	}
	rules := []any{}
	for _, kind := range []string{"transition-opened", "task-overdue"} {
		targets, own := p.rule(kind)
		rules = append(rules, map[string]any{"kind": kind, "targets": targets, "own": own})
	}
	write(w, 200, map[string]any{"rules": rules, "policies": []any{map[string]any{"severity": "urgent", "steps": steps}}})
}

// rule are the targets of a kind of alert.
func (p *peers) rule(kind string) (targets []string, own bool) {
	if targets, own = p.shown.directory.rules[kind]; !own {
		targets = []string{"unit", "facility", "role:liaison"}
		if kind == "task-overdue" {
			targets = append([]string{"owner"}, targets...)
		}
	}
	return targets, own
}

func (p *peers) putRules(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Rules []struct {
			Kind    string
			Targets []string
		}
		Policies []struct{ Steps []any }
	}
	if !p.writes(w, r, &in) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range in.Policies {
		p.shown.directory.policy = x.Steps
	}
	if p.shown.directory.rules == nil {
		p.shown.directory.rules = map[string][]string{}
	}
	for _, x := range in.Rules {
		if delete(p.shown.directory.rules, x.Kind); len(x.Targets) > 0 {
			p.shown.directory.rules[x.Kind] = x.Targets
		}
	}
	write(w, 200, map[string]any{})
}

// routing answers who would be told: of unit 4N its roster, of everything else every liaison.
func (p *peers) routing(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	told := func(decision, who, channel, reason string, people ...string) map[string]any {
		return map[string]any{"decision": decision, "recipient": who, "channel": channel, "reason": reason, "people": people}
	}
	targets, own := p.rule(q.Get("kind"))
	choices := []any{told("selected", "role:liaison", "console", "role of the organization; no roster for unit "+q.Get("unit")+" of MERCY", "dana", "sam")}
	switch {
	case q.Get("owner") != "":
		choices = []any{told("selected", q.Get("owner"), "console", "owns the task")}
	case q.Get("unit") == "4N":
		choices = []any{
			told("selected", "dana", "console", "roster of unit 4N of MERCY"), told("selected", "dana", "email", "roster of unit 4N of MERCY"),
			told("excluded", "zoe", "console", "not active; roster of unit 4N of MERCY"),
		}
	}
	write(w, 200, map[string]any{
		"kind": q.Get("kind"), "severity": "urgent", "targets": targets, "own": own, "choices": choices, "last_after": "30m0s",
		"further": []any{map[string]any{"after": "30m0s", "target": "role:lead", "choices": []any{told("selected", "role:lead", "console", "escalation", "lea", "pat")}}},
	})
}

// rosters are those of the directory, the first that of unit 4N; who is on call is so until seven, and nobody after.
func (p *peers) rosters() []map[string]any {
	if p.shown.directory.rosters == nil {
		p.shown.directory.rosters = []map[string]any{{"facility": "MERCY", "unit": "4N", "members": []any{"dana", "role:liaison"}}}
	}
	zone, _ := time.LoadLocation("America/New_York")
	now := time.Now().In(zone)
	seven := time.Date(now.Year(), now.Month(), now.Day()+1, 7, 0, 0, 0, zone)
	for _, r := range p.shown.directory.rosters {
		r["zone"] = "America/New_York"
		delete(r, "on_call")
		delete(r, "gaps")
		if shifts, _ := r["shifts"].([]any); len(shifts) > 0 {
			last := shifts[len(shifts)-1].(map[string]any)
			gap := map[string]any{"from": seven, "until": seven.Add(12 * time.Hour), "members": []string{}}
			r["on_call"], r["gaps"] = []any{map[string]any{"from": now, "until": seven, "members": last["members"]}, gap}, []any{gap}
		}
	}
	return p.shown.directory.rosters
}

func (p *peers) putRosters(w http.ResponseWriter, r *http.Request) {
	var in struct{ Rosters []map[string]any }
	if !p.writes(w, r, &in) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range in.Rosters {
		p.rosters()
		at := slices.IndexFunc(p.shown.directory.rosters, func(y map[string]any) bool { return y["facility"] == x["facility"] && y["unit"] == x["unit"] })
		if at < 0 {
			at = len(p.shown.directory.rosters)
			p.shown.directory.rosters = append(p.shown.directory.rosters, x)
		}
		if _, said := x["shifts"]; !said {
			x["shifts"] = p.shown.directory.rosters[at]["shifts"]
		}
		p.shown.directory.rosters[at] = x
	}
	write(w, 200, map[string]any{"items": []any{}, "next": nil})
}
