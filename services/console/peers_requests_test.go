package console

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
)

// requests are what people told of the requests of a stay, as discharge keeps them.
type requests struct {
	version int
	list    []map[string]any // oldest first, each with what was said of it
	told    []map[string]any // the bodies that came
}

// transitionClocks answers with the clocks of a transition: of what was told of it, and of the search there is.
func (p *peers) transitionClocks(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.shown.asked[r.PathValue("id")]
	write(w, 200, map[string]any{"version": q.version, "items": append(q.clocks(), p.searchClocks(r.PathValue("id"))...), "next": nil, "requests": append([]map[string]any{}, q.list...)})
}

// searchClocks is the clock of the search there is, where it is of a transition.
func (p *peers) searchClocks(transition string) []any {
	one := p.shown.referral
	if one == nil || one["transition_id"].(events.ID).String() != transition {
		return nil
	}
	return []any{map[string]any{
		"rule": "pa-expedited", "title": "Answer to an urgent request", "state": "due", "due_at": time.Now().Add(70 * time.Hour),
		"request": map[string]any{"n": 1, "referral_id": one["id"], "said": []any{}},
	}}
}

// words are what was said of a request.
func words(a map[string]any) []map[string]any { return a["said"].([]map[string]any) }

// clocks are one clock of each request, due a week after it was made.
func (q requests) clocks() []any {
	out := []any{}
	for _, a := range q.list {
		said := words(a)
		due, state := said[0]["at"].(time.Time).Add(7*24*time.Hour), "due"
		c := map[string]any{"rule": "pa-standard", "title": "Standard decision within 7 calendar days", "due_at": due, "request": a}
		steps := []string{"Received", "7 calendar days later, at the end of the day"}
		for _, w := range said[1:] {
			at := w["at"].(time.Time)
			switch event := w["event"].(string); {
			case event == "withdrawn":
				state = "not-applicable"
			case strings.HasSuffix(event, "-decided") || strings.HasSuffix(event, "-resolved") || strings.HasSuffix(event, "-provided"):
				if state = "missed"; at.Before(due) {
					state, c["met_at"] = "met", at
				}
			}
		}
		if state == "due" && time.Now().After(due) {
			state = "missed"
		}
		c["state"] = state
		c["trace"] = map[string]any{"rule": "pa-standard", "version": "2026.1", "source": "CMS-0057-F, 89 FR 8758", "steps": append(steps, "It is "+state)}
		out = append(out, c)
	}
	return out
}

func (p *peers) tellOfRequest(w http.ResponseWriter, r *http.Request) {
	who := p.who(r)
	if !web.Allow(who, web.TasksWork) {
		refuse(w, fault.Forbidden, "your role does not allow this")
		return
	}
	body := map[string]any{}
	text, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(text, &body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown.asked == nil {
		p.shown.asked = map[string]requests{}
	}
	q := p.shown.asked[r.PathValue("id")]
	q.told = append(q.told, body)
	if r.Header.Get("If-Match") != fmt.Sprintf("%q", fmt.Sprint(q.version)) {
		refuse(w, fault.Stale, "somebody has told of a request since you looked")
		return
	}
	said := map[string]any{"event": body["event"], "at": time.Now(), "outcome": body["outcome"], "by": who.Subject}
	if at, given := body["at"].(string); given {
		said["at"], _ = time.Parse(time.RFC3339, at)
	}
	n := len(q.list)
	switch number, known := body["request"].(float64); {
	case !known:
		n++
		q.list = append(q.list, map[string]any{"n": n, "urgency": body["urgency"], "scheme": body["scheme"], "referral_id": body["referral_id"], "said": []map[string]any{said}})
	case body["event"] == "undo":
		n = int(number)
		a := maps.Clone(q.list[n-1])
		if list := words(a); len(list) > 1 {
			a["said"] = list[:len(list)-1]
			q.list[n-1] = a
		} else {
			q.list = slices.Delete(q.list, n-1, n)
		}
	case said["at"].(time.Time).Before(words(q.list[int(number)-1])[0]["at"].(time.Time)):
		refuse(w, fault.Conflict, "the request was received only later")
		return
	default:
		n = int(number)
		q.list[n-1]["said"] = append(words(q.list[n-1]), said)
	}
	q.version++
	p.shown.asked[r.PathValue("id")] = q
	write(w, 200, map[string]any{"request": n, "version": q.version, "items": []any{}, "next": nil})
}

// toldOf is what discharge was told of a transition's requests last.
func (p *peers) toldOf(transition string) map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := p.shown.asked[transition].told
	return told[len(told)-1]
}

// undo takes back a request, as somebody else would.
func (p *peers) undo(transition string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.shown.asked[transition]
	q.list = slices.DeleteFunc(q.list, func(a map[string]any) bool { return a["n"] == n })
	q.version++
	p.shown.asked[transition] = q
}
