package console

import (
	"fmt"
	"net/http"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
)

// running is what the other services say of how they do.
type running struct {
	broken  bool // the parked key would fail again; the ledger does not hold
	replays int  // that changed something
}

// parkedKey is the one that referral has set aside.
var parkedKey = events.Derive("parked")

// mountOperations answers for operations.
func (p *peers) mountOperations(mux *http.ServeMux) {
	for _, name := range []string{"admission", "discharge", "referral", "notification", "console"} {
		mux.HandleFunc("GET /api/"+name+"/parked", func(w http.ResponseWriter, _ *http.Request) {
			items := []any{}
			if name == "referral" {
				items = append(items, map[string]any{"stream": "discharge", "key": parkedKey, "reason": "no provider has this id", "events": 2, "parked_at": time.Now().Add(-time.Hour)})
			}
			write(w, 200, map[string]any{"items": items, "next": nil})
		})
		mux.HandleFunc("POST /api/"+name+"/parked/{stream}/{key}/replay", p.replayParked)
		mux.HandleFunc("GET /api/"+name+"/parked/{stream}/{key}", func(w http.ResponseWriter, r *http.Request) {
			items := []any{}
			for i, typ := range []string{"care.transition.opened.v1", "care.task.created.v1"} {
				doc := fmt.Sprintf(`{"type":%q,"time":%q,"receivedtime":%q,"causeid":%q,"sequence":"%d"}`, typ,
					time.Now().Add(-time.Hour).Format(time.RFC3339), time.Now().Add(-time.Hour).Format(time.RFC3339), events.Derive("m"), i+1)
				items = append(items, map[string]any{"sequence": i + 1, "type": typ, "doc": doc, "parked_at": time.Now().Add(-time.Hour)})
			}
			write(w, 200, map[string]any{"items": items, "next": nil})
		})
	}
	mux.HandleFunc("GET /api/notification/ledger/verify", p.verifyLedger)
	mux.HandleFunc("GET /api/admission/reconcile/numbers", func(w http.ResponseWriter, _ *http.Request) {
		number := func(side, name string, n int) any {
			return map[string]any{"law": 0, "side": side, "name": name, "kind": "message", "n": n}
		}
		write(w, 200, map[string]any{"items": []any{number("left", "received", 1204), number("right", "applied", 1200), number("right", "quarantined", 4), number("difference", "in two states", 0)}, "next": nil})
	})
	mux.HandleFunc("GET /api/admission/reconcile/rows", p.behind)
}

func (p *peers) replayParked(w http.ResponseWriter, r *http.Request) {
	if !web.Allow(p.who(r), web.ParkedReplay) {
		p.t.Error("a replay by somebody who may not")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	dry := r.URL.Query().Get("dry_run") == "true"
	if p.running.broken {
		refuse(w, fault.Conflict, "care.transition.opened.v1 still fails: no provider has this id")
		return
	}
	if !dry {
		p.running.replays++
	}
	write(w, 200, map[string]any{"events": 2, "dry_run": dry, "told": []any{map[string]any{"type": "care.referral.drafted.v1", "n": 1}}})
}

func (p *peers) verifyLedger(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]any{"holds": true, "problem": "", "links": 42, "from_link": 1, "rows": 1204, "unsealed": 3, "hash": fmt.Sprintf("%064x", 7), "at": time.Now()}
	if r.URL.Query().Get("since") != "" {
		out["from_link"], out["rows"] = 40, 17
	}
	if p.running.broken {
		out["holds"], out["problem"] = false, "the rows of link 7 (row 101 to row 104) are not the rows that were sealed"
	}
	write(w, 200, out)
}

// behind pages through the messages that were set aside, four of them, two at a time.
func (p *peers) behind(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("name") != "quarantined" {
		write(w, 200, map[string]any{"items": []any{}, "next": nil})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	list, next := p.shown.broken[:2], any("second")
	if q.Get("cursor") == "second" {
		list, next = p.shown.broken[2:], nil
	}
	items := []any{}
	for _, m := range list {
		items = append(items, map[string]any{"id": m["id"], "part": "", "state": "quarantined", "at": time.Now(), "note": "no-patient-id", "n": 1})
	}
	write(w, 200, map[string]any{"items": items, "next": next})
}
