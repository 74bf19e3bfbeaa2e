package console

import (
	"encoding/json"
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

	message  events.ID // whose way is asked for
	received time.Time

	hospitals []any
	made      map[string]any // the feed that was asked for
	heard     bool           // of it
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
		mux.HandleFunc("GET /api/"+name+"/figures/series", func(w http.ResponseWriter, r *http.Request) {
			write(w, 200, remembered(name, r.URL.Query().Get("span")))
		})
		mux.HandleFunc("GET /api/"+name+"/trace/{key}", func(w http.ResponseWriter, r *http.Request) {
			write(w, 200, map[string]any{"items": p.recorded(name), "next": nil})
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
	mux.HandleFunc("GET /api/admission/facilities", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		write(w, 200, map[string]any{"items": append([]any{map[string]any{"id": events.Derive("mercy"), "code": "MERCY", "name": "Mercy Hospital", "zone": "America/New_York", "units": []any{map[string]any{"code": "4N", "name": "Cardiology"}, map[string]any{"code": "ED"}}}}, p.running.hospitals...), "next": nil})
	})
	mux.HandleFunc("POST /api/admission/facilities", p.addHospital)
	mux.HandleFunc("GET /api/admission/feeds/{id}/quality", func(w http.ResponseWriter, _ *http.Request) {
		rhythm := []any{}
		for i := range 24 {
			rhythm = append(rhythm, map[string]any{"at": time.Now().Truncate(time.Hour).Add(time.Duration(i-23) * time.Hour), "n": 40 + 7*(i%6), "usual": 45.5})
		}
		figures := map[string]any{"answered": 1200, "ack_p50_s": .005, "ack_p99_s": .02, "handled": 1190, "quarantined": 12, "unknown_facility": 2, "discharges": 100, "no_disposition": 7, "late": 3, "no_pcp": 40}
		write(w, 200, map[string]any{"feed_id": events.Derive("feed"), "last_hour": figures, "last_day": figures, "rhythm": rhythm})
	})
	mux.HandleFunc("POST /api/admission/feeds", p.addFeed)
	mux.HandleFunc("GET /api/admission/feeds/{id}", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		f := map[string]any{"id": r.PathValue("id"), "name": "North ADT", "health": "never", "last_received_at": nil}
		if p.running.heard {
			f["last_received_at"] = time.Now()
		}
		write(w, 200, f)
	})
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

// remembered are the figures of the last minutes as a service answers them.
func remembered(service, span string) any {
	at, figures := []int64{}, map[string][]any{}
	step := 10 * time.Second
	if span == "day" {
		step = 2 * time.Minute
	}
	for i := range 60 {
		at = append(at, time.Now().Add(-time.Duration(60-i)*step).Unix())
		put := func(name string, v float64) { figures[name] = append(figures[name], v) }
		put("handoff_outbox_oldest_seconds", .25)
		switch service {
		case "admission":
			put("handoff_admission_frames_total{code=AA,duplicate=false}", 40+float64(i%7))
			put("handoff_admission_messages_total{state=applied}", 38+float64(i%5))
			put("handoff_admission_ack_seconds_p50", .004)
			put("handoff_admission_ack_seconds_p99", .02)
		case "discharge":
			put("handoff_consumer_lag{stream=admission}", float64(i%11))
			put("handoff_received_to_task_seconds_p50", .03)
			put("handoff_received_to_task_seconds_p99", .2)
		case "notification":
			put("handoff_consumer_lag{stream=discharge}", float64(i%3))
			put("handoff_event_to_human_seconds_p50", 240)
			put("handoff_event_to_human_seconds_p99", 900)
		}
	}
	return map[string]any{"service": service, "span": span, "series": map[string]any{"at": at, "figures": figures}}
}

// recorded is what the services said because of the message whose way is asked for.
func (p *peers) recorded(service string) []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	fact := func(name, cause string, typ string, ms int) any {
		by := p.running.message
		if cause != "" {
			by = events.Derive(cause)
		}
		return map[string]any{"id": events.Derive(name), "cause_id": by, "type": typ, "recorded_at": p.running.received.Add(time.Duration(ms) * time.Millisecond)}
	}
	switch service {
	case "admission":
		return []any{fact("left", "", "care.encounter.discharged.v1", 9)}
	case "discharge":
		return []any{fact("opened", "left", "care.transition.opened.v1", 21), fact("task", "left", "care.task.created.v1", 21)}
	case "notification":
		return []any{fact("alert", "opened", "care.alert.raised.v1", 32)}
	}
	return []any{}
}

// frame is when the message's frame was received.
func (p *peers) frame() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running.received.IsZero() {
		return time.Now()
	}
	return p.running.received
}

func (p *peers) addHospital(w http.ResponseWriter, r *http.Request) {
	if !web.Allow(p.who(r), web.DirectoryWrite) {
		refuse(w, fault.Forbidden, "your role does not allow this")
		return
	}
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running.hospitals = append(p.running.hospitals, in)
	write(w, 200, in)
}

func (p *peers) addFeed(w http.ResponseWriter, r *http.Request) {
	if !web.Allow(p.who(r), web.FeedsWrite) {
		p.t.Error("a feed was made by somebody who may not")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running.made = map[string]any{}
	_ = json.NewDecoder(r.Body).Decode(&p.running.made)
	key := "hk_test_0123456789abcdef"
	if p.running.made["certificates"] != nil {
		key = ""
	}
	write(w, 200, map[string]any{"id": events.Derive("made"), "name": p.running.made["name"], "facilities": p.running.made["facilities"], "certificates": p.running.made["certificates"], "api_key": key, "last_received_at": nil})
}
