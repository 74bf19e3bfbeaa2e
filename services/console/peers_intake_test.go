package console

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// mountIntake answers as referral does to those who speak for a provider: ines speaks for Maple Court.
func (p *peers) mountIntake(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/referral/providers", func(w http.ResponseWriter, r *http.Request) {
		write(w, 200, map[string]any{"items": []any{
			map[string]any{"id": events.Derive("maple"), "name": "Maple Court", "address": "14 Maple Lane", "city": "Chicago", "state": "IL", "zip": "60614", "phone": "(312) 555-0101", "rating": 4.5},
			map[string]any{"id": events.Derive("river"), "name": "Riverside", "city": "Evanston", "state": "IL"},
		}, "next": nil})
	})
	mux.HandleFunc("GET /api/discharge/transitions/{id}/clocks", p.transitionClocks)
	mux.HandleFunc("POST /api/discharge/transitions/{id}/clocks", p.tellOfRequest)
	mux.HandleFunc("GET /api/referral/intake/providers", p.ownProviders)
	mux.HandleFunc("PUT /api/referral/intake/providers/{id}/capacity", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Open int `json:"open_beds"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		p.mu.Lock()
		p.shown.free, p.shown.freeAt = &in.Open, time.Now()
		p.mu.Unlock()
		p.ownProviders(w, r)
	})
	mux.HandleFunc("GET /api/referral/intake/referrals", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		items := []any{}
		if q := p.shown.request; q != nil && p.speaks(r) && q["show"] == r.URL.Query().Get("show") {
			items = append(items, q)
		}
		write(w, 200, map[string]any{"items": items, "next": nil})
	})
	mux.HandleFunc("GET /api/referral/intake/referrals/{id}", p.oneRequest)
	mux.HandleFunc("POST /api/referral/intake/referrals/{id}/{action}", p.workRequest)
}

// speaks reports whether whoever asks speaks for Maple Court.
func (p *peers) speaks(r *http.Request) bool { return p.who(r).Subject == "ines" }

func (p *peers) ownProviders(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	items := []any{}
	if p.speaks(r) {
		own := map[string]any{"id": events.Derive("maple"), "name": "Maple Court", "open_beds": p.shown.free, "waiting": 0, "coming": 0}
		if p.shown.free != nil {
			own["capacity_at"] = p.shown.freeAt
		}
		items = append(items, own)
	}
	write(w, 200, map[string]any{"items": items})
}

func (p *peers) oneRequest(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q := p.shown.request; q != nil && p.speaks(r) && q["id"].(events.ID).String() == r.PathValue("id") {
		write(w, 200, q)
		return
	}
	refuse(w, fault.Unknown, "there is no such referral")
}

func (p *peers) workRequest(w http.ResponseWriter, r *http.Request) {
	if !web.Allow(p.who(r), web.IntakeWork) || !p.speaks(r) {
		refuse(w, fault.Unknown, "there is no such referral")
		return
	}
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	q := maps.Clone(p.shown.request)
	p.shown.said = append(p.shown.said, r.PathValue("action"))
	switch r.PathValue("action") {
	case "seen":
		q["state"] = "acknowledged"
	case "question":
		q["question"], q["talk"] = true, []any{map[string]any{"at": time.Now(), "answer": false, "text": in["note"]}}
	case "accept":
		if p.shown.taken {
			p.mu.Unlock()
			refuse(w, fault.Conflict, "this request is no longer open")
			return
		}
		q["state"], q["referral_state"], q["show"], q["start_at"], q["bed"] = "accepted", "booked", "coming", in["start_at"], in["bed"]
	case "arrived":
		q["referral_state"], q["show"] = "arrived", "past"
	}
	p.shown.request = q
	write(w, 200, q)
	p.mu.Unlock()
	p.stage.stirs()
}

// stirs announces something about referrals, so that live pages look again.
func (s *stage) stirs() {
	r := events.Referral{ID: events.NewID(), Encounter: events.NewID(), Patient: events.NewID(), Need: "snf", State: "sent", Version: 1}
	s.tell(store.Referral, events.ReferralUpdated{Search: events.Search{Referral: r}})
}

// asks puts a request to Maple Court, and announces it.
func (s *stage) asks() events.ID {
	s.t.Helper()
	id, now := events.NewID(), time.Now()
	s.peers.mu.Lock()
	s.peers.shown.request = map[string]any{
		"id": id, "provider_id": events.Derive("maple"), "provider": "Maple Court", "need": "snf", "facility": "MERCY", "hospital": "Mercy Hospital", "state": "sent",
		"show": "new", "asked_at": now, "until": now.Add(90 * time.Minute), "question": false, "discharged_at": now.Add(-time.Hour),
		"patient": map[string]any{"age": 81, "sex": "F", "zip3": "606", "language": "es", "payer": "medicare", "requires": []string{"isolation"}},
	}
	s.peers.mu.Unlock()
	s.stirs()
	return id
}
