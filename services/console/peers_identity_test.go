package console

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
)

// mountIdentity answers for the review of links: two pairs, one of them confidential.
func (p *peers) mountIdentity(mux *http.ServeMux) {
	p.shown.pairs = []map[string]any{p.pairOf("one", false), p.pairOf("two", true)}
	list := func(w http.ResponseWriter, state string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		items := []any{}
		for _, x := range p.shown.pairs {
			if x["state"] == state {
				items = append(items, x)
			}
		}
		write(w, 200, map[string]any{"items": items, "next": nil})
	}
	mux.HandleFunc("GET /api/admission/identity/reviews", func(w http.ResponseWriter, _ *http.Request) { list(w, "review") })
	mux.HandleFunc("GET /api/admission/identity/pairs", func(w http.ResponseWriter, r *http.Request) { list(w, r.URL.Query().Get("state")) })
	mux.HandleFunc("GET /api/admission/identity/pairs/{id}", func(w http.ResponseWriter, r *http.Request) { p.decidePair(w, r, "") })
	mux.HandleFunc("POST /api/admission/identity/pairs/{id}/{action}", func(w http.ResponseWriter, r *http.Request) { p.decidePair(w, r, r.PathValue("action")) })
}

func (p *peers) pairOf(name string, restricted bool) map[string]any {
	who, values := []string{"Maria Santos", "Marie Santos"}, func(a, b string) any { return []string{a, b} }
	if restricted { // of such a pair admission shows neither
		who, values = []string{"", ""}, func(string, string) any { return nil }
	}
	compared := func(field, level string, bits float64, a, b string) any {
		return map[string]any{"comparison": field, "level": level, "bits": bits, "values": values(a, b)}
	}
	return map[string]any{
		"id": events.Derive("pair", name), "state": "review", "verdict": "review", "decision": "", "score": 3.2, "link_from": 4.5, "ask_from": 0, "version": 1,
		"patients": []any{
			map[string]any{"id": events.Derive("left", name), "facility": "MERCY", "name": who[0], "restricted": restricted},
			map[string]any{"id": events.Derive("right", name), "facility": "NORTH", "name": who[1], "restricted": false},
		},
		"explanation": map[string]any{"probability": .9, "rival": "twins", "hold": "given names differ", "comparisons": []any{
			compared("family", "exact", 9.1, "Santos", "Santos"), compared("given", "similar", 2.2, "Maria", "Marie"), compared("birth", "exact", 12.4, "1944-02-01", "1944-02-01"),
			compared("home", "different", -4.1, "12 Elm St", "9 Oak Ave"), map[string]any{"comparison": "ssn", "level": "missing", "bits": 0},
		}},
		"history": []any{map[string]any{"at": time.Now(), "by": "", "what": "score", "state": "review"}},
	}
}

func (p *peers) decidePair(w http.ResponseWriter, r *http.Request, deed string) {
	who := p.who(r)
	if deed != "" && !web.Allow(who, web.IdentityDecide) {
		refuse(w, fault.Forbidden, "your role does not allow this")
		return
	}
	var in struct{ Reason string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, x := range p.shown.pairs {
		if x["id"].(events.ID).String() != r.PathValue("id") {
			continue
		}
		if deed == "" {
			write(w, 200, x)
			return
		}
		if r.Header.Get("If-Match") != strconv.Quote(strconv.Itoa(x["version"].(int))) {
			refuse(w, fault.Stale, "the pair has changed")
			return
		}
		x = maps.Clone(x)
		state := map[string]string{"link": "linked", "reject": "rejected", "undo": "review"}[deed]
		x["state"], x["decision"], x["version"] = state, map[string]string{"link": "linked", "reject": "rejected"}[deed], x["version"].(int)+1
		x["history"] = append(x["history"].([]any), map[string]any{"at": time.Now(), "by": who.Subject, "what": deed, "state": state, "reason": in.Reason})
		p.shown.pairs[i] = x
		write(w, 200, x)
		return
	}
	refuse(w, fault.Unknown, "there is no such pair")
}
