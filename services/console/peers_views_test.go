package console

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
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
	mutes  []map[string]any             // of whoever
	pairs  []map[string]any             // of patients who may be one person

	kept   string   // the title of the set of protocols that is kept
	live   []string // where it is in force
	acts   []any    // decisions on protocols, newest first
	tried  bool     // it is tried beside
	looked bool     // a preview was run

	before map[events.ID]map[string]any // alerts before they were handed over
	broken []map[string]any             // messages that could not be used
	healed bool                         // the cause of all that is gone
	pasted string                       // what was to be explained last

	referral map[string]any // the one search there is
	stay     stay           // of it
	slow     bool           // what is done to it is not announced

	present int // patients on unit 4N
	inside  []events.Transition

	request map[string]any // what is asked of Maple Court
	taken   bool           // another place was faster
	said    []string       // what it said
	free    *int           // its free places
	freeAt  time.Time

	sent  map[string]any // how the search was gone about
	deeds []string       // what was done to it
	past  []any          // its history beside the draft

	asked     map[string]requests // what was asked for, by transition
	directory directory
	rules     rules
}

// mount answers for the views.
func (p *peers) mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/notification/alerts", p.listAlerts)
	mux.HandleFunc("POST /api/notification/alerts/{id}/{action}", p.workAlert)
	p.mountDeeds(mux)
	p.mountIdentity(mux)
	p.mountProtocols(mux)
	mux.HandleFunc("GET /api/admission/feeds", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{"items": []any{
			map[string]any{"id": events.Derive("feed"), "name": "Mercy ADT", "facilities": []string{"MERCY"}, "health": "ok", "usual_gap_s": 4, "last_received_at": time.Now()},
			map[string]any{"id": events.Derive("feed2"), "name": "North ADT", "facilities": []string{"NORTH"}, "health": "silent", "usual_gap_s": 90, "last_received_at": time.Now().Add(-time.Hour)},
		}, "next": nil})
	})
	mux.HandleFunc("GET /api/admission/messages", p.listMessages)
	mux.HandleFunc("GET /api/admission/census", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		items := []any{}
		if p.shown.present > 0 {
			items = append(items, map[string]any{"facility": "MERCY", "unit": "4N", "class": "inpatient", "present": p.shown.present, "arrived": 1, "on_leave": 0, "expected_discharges": 1})
		}
		write(w, 200, map[string]any{"items": items, "next": nil})
	})
	mux.HandleFunc("GET /api/referral/referrals", p.listReferrals)
	mux.HandleFunc("GET /api/referral/referrals/counts", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		states := map[string]int{"declined": 1204}
		if r := p.shown.referral; r != nil {
			states[r["state"].(string)]++
		}
		write(w, 200, map[string]any{"states": states})
	})
	mux.HandleFunc("GET /api/referral/referrals/{id}", p.oneReferral)
	mux.HandleFunc("GET /api/referral/referrals/{id}/history", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		items := append([]any{map[string]any{"version": 1, "at": time.Now(), "by": "", "action": "draft", "state": "drafted"}}, p.shown.past...)
		write(w, 200, map[string]any{"items": items, "next": nil})
	})
	mux.HandleFunc("POST /api/referral/referrals/{id}/{action}", p.workReferral)
	mux.HandleFunc("POST /api/admission/messages/{id}/reapply", p.reapply)
	mux.HandleFunc("POST /api/admission/messages/explain", p.explain)
	p.mountIntake(mux)
	p.mountReports(mux)
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
		"version": 1, "count": 1, "recipients": to, "escalates_at": now.Add(30 * time.Minute), "escalates_to": "role:lead", "raised_at": now, "acknowledged_by": "", "sensitive": st.encounter.Sensitive,
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
		a = p.asSeenBy(who, a)
		if inbox, muted := r.URL.Query().Get("inbox") != "", r.URL.Query().Get("muted") != ""; (inbox || muted) && muted != (a["muted"] != nil) {
			continue
		}
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
	var in deedBody
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	at := slices.IndexFunc(p.shown.alerts, func(a map[string]any) bool { return a["id"].(events.ID).String() == r.PathValue("id") })
	if at < 0 && r.PathValue("action") == "seen" { // of those that tests announce and do not list
		p.mu.Unlock()
		write(w, 200, map[string]any{})
		return
	}
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
	default:
		a, fact = p.deed(who, a, of, r.PathValue("action"), in)
	}
	write(w, 200, p.asSeenBy(who, a))
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

// quarantine has admission set a message aside, and operations be told.
func (s *stage) quarantine(control string) events.ID {
	s.t.Helper()
	id, now := events.NewID(), time.Now().UTC()
	s.peers.mu.Lock()
	s.peers.shown.broken = append(s.peers.shown.broken, map[string]any{
		"id": id, "feed": "North ADT", "facility": "", "control_id": control, "trigger": "A03", "state": "quarantined", "reason": "facility-not-allowed", "received_at": now,
	})
	s.peers.mu.Unlock()
	a := events.Alert{ID: events.NewID(), Kind: "message-quarantined", State: "raised", Severity: "routine", Version: 1, Recipients: []string{"role:interface"}, OccurredAt: now, ReceivedAt: now, RaisedAt: now}
	s.tell(store.Notification, events.AlertRaised{Notice: events.Notice{Alert: a}})
	return id
}

func (p *peers) listMessages(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	items := []any{}
	for _, m := range p.shown.broken {
		if m["state"] == r.URL.Query().Get("state") {
			items = append(items, m)
		}
	}
	write(w, 200, map[string]any{"items": items, "next": nil})
}

// message is a message that could not be used, or nil.
func (p *peers) message(id string) map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, m := range p.shown.broken {
		if m["id"].(events.ID).String() == id {
			if m["state"] == "kept" { // it is read by now
				m = maps.Clone(m)
				m["state"], m["reason"] = "applied", ""
				if !p.shown.healed {
					m["state"], m["reason"] = "quarantined", "facility-not-allowed"
				}
				p.shown.broken[i] = m
			}
			return m
		}
	}
	return nil
}

func (p *peers) reapply(w http.ResponseWriter, r *http.Request) {
	if !web.Allow(p.who(r), web.MessagesReapply) {
		p.t.Error("a message was applied again by somebody who may not")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, m := range p.shown.broken {
		if m["id"].(events.ID).String() == r.PathValue("id") {
			m = maps.Clone(m)
			m["state"] = "kept"
			p.shown.broken[i] = m
			write(w, 200, m)
			return
		}
	}
	refuse(w, fault.Unknown, "there is no such message")
}

func (p *peers) explain(w http.ResponseWriter, r *http.Request) {
	var in struct{ Message string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	p.shown.pasted = in.Message
	p.mu.Unlock()
	write(w, 200, map[string]any{"reply": "AA", "state": "applied", "reason": "", "trigger": "A03", "feed": "new feed", "zone": "America/New_York", "facility": "MERCY", "fields": []any{
		map[string]any{"field": "MSH-9", "about": "What happened", "sent": "ADT^A03", "understood": "discharge"},
		map[string]any{"field": "PV1-36", "about": "Went to", "sent": "SNFX", "understood": "", "advice": "No UB-04 code of ours. Map it in the feed’s settings (dispositions)."},
	}})
}

// refer begins the search for a place, and announces it.
func (s *stage) refer(st stay) events.Referral {
	s.t.Helper()
	r := events.Referral{ID: events.NewID(), Encounter: st.encounter.ID, Transition: st.tr.ID, Patient: st.encounter.Patient, Facility: "MERCY", Need: "snf", State: "drafted", Version: 1, Candidates: 2}
	s.peers.mu.Lock()
	s.peers.shown.stay = st
	s.peers.shown.referral = map[string]any{
		"id": r.ID, "encounter_id": r.Encounter, "patient_id": r.Patient, "facility": "MERCY", "unit": "4N", "need": "snf", "state": "drafted", "version": 1,
		"transition_id": r.Transition, "criteria": map[string]any{"age": 81, "sex": "F", "payer": "medicare"},
		"candidate_count": 2, "offers": []events.Offer{}, "updated_at": time.Now(), "excluded_elsewhere": 0,
		"candidates": []any{
			map[string]any{"provider_id": events.Derive("maple"), "name": "Maple Court", "rank": 1, "reasons": []string{"area: in the home area 606", "network: takes medicare", "language: interpreter for es", "capacity: reported places free within 24 hours", "quality: rated 4.5 of 5"}},
			map[string]any{"provider_id": events.Derive("river"), "name": "Riverside", "rank": 2, "reasons": []string{"area: serves 606", "network: takes medicare", "quality: not rated, counted as 2.5 of 5"}},
		},
		"excluded": []any{map[string]any{"provider_id": events.Derive("hill"), "name": "Hilltop", "reasons": []string{"network: does not take medicare", "capability: no dialysis"}}},
	}
	s.peers.mu.Unlock()
	s.tell(store.Referral, events.ReferralDrafted{Search: events.Search{Referral: r}})
	return r
}

func (p *peers) listReferrals(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	items := []any{}
	if one := p.shown.referral; one != nil && slices.Contains(strings.Split(r.URL.Query().Get("state"), ","), one["state"].(string)) {
		items = append(items, one)
	}
	write(w, 200, map[string]any{"items": items, "next": nil})
}

func (p *peers) oneReferral(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.shown.referral; one != nil && one["id"].(events.ID).String() == r.PathValue("id") {
		write(w, 200, one)
		return
	}
	refuse(w, fault.Unknown, "there is no such referral")
}

// move gives the search's offer of one provider another state; the caller announces it.
func (p *peers) move(provider, state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved(events.Derive(provider), state, "")
}

func (p *peers) moved(provider events.ID, state, reason string) {
	one := maps.Clone(p.shown.referral)
	offers := slices.Clone(one["offers"].([]events.Offer))
	for i, o := range offers {
		if o.Provider == provider {
			offers[i].State, offers[i].Reason = state, reason
		}
	}
	if state == "accepted" {
		one["state"], one["provider_id"] = "accepted", provider
	}
	one["offers"], one["version"] = offers, one["version"].(int)+1
	p.shown.referral = one
}

func (p *peers) workReferral(w http.ResponseWriter, r *http.Request) {
	if !web.Allow(p.who(r), web.ReferralsWork) {
		refuse(w, fault.Forbidden, "your role does not allow this")
		return
	}
	var in struct {
		Providers []events.ID
		Provider  events.ID `json:"provider_id"`
		Reason    string
		StartAt   string `json:"start_at"`
		Note, To  string
		Size      int `json:"wave_size"`
		Hours     int
	}
	doc, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(doc, &in)
	p.mu.Lock()
	one := maps.Clone(p.shown.referral)
	if one == nil {
		p.mu.Unlock()
		refuse(w, fault.Unknown, "there is no such referral")
		return
	}
	if r.Header.Get("If-Match") != strconv.Quote(strconv.Itoa(one["version"].(int))) {
		p.mu.Unlock()
		refuse(w, fault.Stale, "the referral has changed")
		return
	}
	fact := events.Referral{ID: one["id"].(events.ID), Encounter: one["encounter_id"].(events.ID), Patient: one["patient_id"].(events.ID), Need: "snf", State: one["state"].(string), Version: one["version"].(int) + 1}
	p.shown.deeds = append(p.shown.deeds, r.PathValue("action"))
	switch r.PathValue("action") {
	case "choose":
		one["plan"], one["version"] = map[string]any{"choice": map[string]any{"at": time.Now(), "by": p.who(r).Subject, "to": in.To, "providers": in.Providers}}, fact.Version
		p.shown.referral = one
	case "reply":
		p.talked(in.Provider, "reply", in.Note)
	case "send":
		_ = json.Unmarshal(doc, &p.shown.sent)
		var offers []events.Offer
		now, until := time.Now(), time.Now().Add(time.Duration(in.Hours)*time.Hour)
		for i, id := range in.Providers {
			if in.Size > 0 && i >= in.Size {
				one["plan"] = map[string]any{"hours": in.Hours, "next": [][]events.ID{in.Providers[i:]}}
				break
			}
			offers = append(offers, events.Offer{Provider: id, State: "sent", AskedAt: &now, Until: &until, Wave: 1})
		}
		one["offers"], one["state"], one["version"] = offers, "sent", fact.Version
		p.shown.referral = one
	case "decline":
		p.moved(in.Provider, "declined", in.Reason)
	case "accept":
		p.moved(in.Provider, "accepted", "")
	case "book":
		one["state"], one["start_at"], one["version"] = "booked", in.StartAt, fact.Version
		p.shown.referral = one
	}
	now, slow := p.shown.referral, p.shown.slow
	fact.State = now["state"].(string)
	write(w, 200, now)
	p.mu.Unlock()
	if !slow {
		p.stage.tell(store.Referral, events.ReferralUpdated{Search: events.Search{Referral: fact}})
	}
}

// plans announces that a patient of unit 4N is expected to leave.
func (s *stage) plans(name string, in time.Duration) events.Transition {
	s.t.Helper()
	at := time.Now().Add(in).UTC().Truncate(time.Second)
	t := events.Transition{
		ID: events.NewID(), Encounter: events.NewID(), Patient: events.NewID(), Facility: "MERCY", FacilityID: events.Derive("mercy"), Zone: "America/New_York", Unit: "4N",
		State: "planning", Version: 1, Class: "inpatient", ExpectedAt: &at, Needs: []string{"snf"},
	}
	s.peers.called(t.Patient, name)
	s.peers.mu.Lock()
	s.peers.shown.present += 11
	s.peers.shown.inside = append(s.peers.shown.inside, t)
	s.peers.mu.Unlock()
	s.tell(store.Discharge, events.TransitionPlanned{Of: events.Of{Transition: t}})
	return t
}

// talked puts a word of or to a provider into the history of the search.
func (p *peers) talked(provider events.ID, action, text string) {
	one := maps.Clone(p.shown.referral)
	offers := slices.Clone(one["offers"].([]events.Offer))
	for i := range offers {
		if offers[i].Provider == provider {
			offers[i].Question = action == "question"
		}
	}
	one["offers"], one["version"] = offers, one["version"].(int)+1
	p.shown.referral = one
	p.shown.past = append(p.shown.past, map[string]any{"version": one["version"], "at": time.Now(), "by": "", "action": action, "state": "sent", "provider_id": provider, "note": text})
}

// wonders lets a provider ask something, and announces it.
func (p *peers) wonders(provider, text string) {
	p.mu.Lock()
	p.talked(events.Derive(provider), "question", text)
	p.mu.Unlock()
	p.stage.stirs()
}

// unit answers who is in a unit: those whose leaving is planned there, since yesterday.
func (p *peers) unit(w http.ResponseWriter, unit string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	items := []any{}
	for _, t := range p.shown.inside {
		if t.Unit == unit {
			items = append(items, map[string]any{
				"id": t.Encounter, "facility": t.Facility, "patient_id": t.Patient, "unit": unit, "room": "412", "bed": "B", "class": t.Class, "state": "onleave",
				"admitted_at": time.Now().Add(-24 * time.Hour), "expected_discharge_at": t.ExpectedAt, "sensitive": t.Sensitive,
			})
		}
	}
	write(w, 200, map[string]any{"items": items, "next": nil})
}
