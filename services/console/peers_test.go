package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// peers answers as the other services do (contract.md, HTTP), with a token's rights, and announces
// what follows from an act as discharge does.
type peers struct {
	t      testing.TB
	stage  *stage
	server *httptest.Server
	mu     sync.Mutex
	names  map[events.ID]string
	asked  []events.ID // whose names were asked for
	tasks  map[events.ID]events.Task
	stays  []stay
	bodies []map[string]any // what acts said, oldest first
	held   []events.Fact    // not nil: what acts announce waits here
	shown  shown

	running running

	heldAlerts []events.Fact
	answers    map[string]*httptest.ResponseRecorder // by Idempotency-Key
	devices    devices
}

func newPeers(t testing.TB, s *stage) *peers {
	p := &peers{t: t, stage: s, names: map[events.ID]string{}, tasks: map[events.ID]events.Task{}}
	p.shown.later = map[events.ID]map[string]any{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/admission/patients/names", p.nameThem)
	mux.HandleFunc("POST /api/admission/encounters/search", p.search)
	mux.HandleFunc("GET /api/admission/encounters", func(w http.ResponseWriter, r *http.Request) {
		if unit := r.URL.Query().Get("unit"); unit != "" {
			p.unit(w, unit)
			return
		}
		write(w, 200, map[string]any{"items": []any{map[string]any{
			"id": events.Derive("another stay"), "facility": "NORTH", "class": "emergency", "state": "finished", "disposition": "01", "admitted_at": time.Now().Add(-900 * time.Hour), "discharged_at": time.Now().Add(-890 * time.Hour),
		}}, "next": nil})
	})
	mux.HandleFunc("GET /api/discharge/protocols", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		out := map[string]any{"items": []any{map[string]any{"protocol": "home@2026.1", "title": "Home after a hospital stay"}}, "next": nil, "version": 1 + len(p.shown.acts)}
		if len(p.shown.live) > 0 {
			out["set_id"], out["since"] = events.Derive("set 2"), time.Now()
		}
		write(w, 200, out)
	})
	mux.HandleFunc("GET /api/admission/messages/{id}", func(w http.ResponseWriter, r *http.Request) {
		if m := p.message(r.PathValue("id")); m != nil {
			write(w, 200, m)
			return
		}
		stay := p.stay(r.PathValue("id"))
		if stay.IsZero() {
			refuse(w, fault.Unknown, "there is no such message")
			return
		}
		write(w, 200, map[string]any{"id": r.PathValue("id"), "encounter_id": stay, "control_id": "MSG00017", "trigger": "A03", "state": "applied", "received_at": p.frame(), "kept_at": p.frame().Add(3 * time.Millisecond)})
	})
	mux.HandleFunc("GET /api/admission/messages/{id}/content", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "MSH|^~\\&|ADT|MERCY|||20261121||ADT^A03|MSG00017|P|2.5.1\rPID|1||M-1^^^MERCY^MR\rPV1|1|I\r")
	})
	mux.HandleFunc("GET /api/discharge/tasks/{id}", func(w http.ResponseWriter, r *http.Request) { p.answer(w, r, nil) })
	mux.HandleFunc("POST /api/discharge/tasks/{id}/{action}", func(w http.ResponseWriter, r *http.Request) {
		p.once(w, r, func(w http.ResponseWriter) { p.answer(w, r, p.act) })
	})
	mux.HandleFunc("GET /api/notification/alerts/{id}", p.oneAlert)
	mux.HandleFunc("GET /api/notification/outbox", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{"items": []any{map[string]any{"to": []string{"dana@example.org"}, "subject": "A patient has left", "body": "Open the worklist.", "at": time.Now()}}, "next": nil})
	})
	for _, name := range []string{"admission", "discharge", "referral", "notification", "console"} {
		mux.HandleFunc("GET /api/"+name+"/reconcile", func(w http.ResponseWriter, _ *http.Request) {
			write(w, 200, map[string]any{"service": name, "laws": []web.Law{web.Balance("received = kept + rejected", 1204, 1204)}, "difference": 0})
		})
		mux.HandleFunc("GET /api/"+name+"/figures", func(w http.ResponseWriter, _ *http.Request) {
			write(w, 200, map[string]any{"service": name, "figures": map[string]float64{"handoff_consumer_events_total{stream=admission}": 90210, "handoff_consumer_lag{stream=admission}": 3, "handoff_outbox_oldest_seconds": .004}})
		})
	}
	p.mount(mux)
	p.mountOperations(mux)
	p.mountDevices(mux)
	p.mountRules(mux)
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

func (p *peers) web() web.Peers {
	base := map[string]string{}
	for _, name := range []string{"admission", "discharge", "referral", "notification", "console"} {
		base[name] = p.server.URL
	}
	return web.NewPeers(base, nil)
}

func (p *peers) called(patient events.ID, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names[patient] = name
}

func (p *peers) put(t events.Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasks[t.ID] = t
}

// search finds stays by the beginning of a name, or by a number, as admission does.
func (p *peers) search(w http.ResponseWriter, r *http.Request) {
	if !web.Allow(p.who(r), web.EncountersRead) {
		web.WriteProblem(w, fault.New(fault.Forbidden, "your role does not allow this"))
		return
	}
	var in struct{ Name, MRN, Visit string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	defer p.mu.Unlock()
	items := []any{}
	for _, s := range p.stays {
		byName := in.Name != "" && !s.encounter.Sensitive && strings.Contains(strings.ToLower(s.name), strings.ToLower(in.Name))
		if byName || in.MRN == s.mrn() || in.Visit == "V"+s.mrn() {
			e := s.encounter
			items = append(items, map[string]any{
				"id": e.ID, "facility": e.Facility, "visit": "V" + s.mrn(), "patient_id": e.Patient, "class": e.Class, "state": e.State, "unit": e.Unit,
				"admitted_at": e.AdmittedAt, "discharged_at": e.DischargedAt, "disposition": e.Disposition, "age": e.Age, "sensitive": e.Sensitive,
			})
		}
	}
	write(w, 200, map[string]any{"items": items, "next": nil})
}

// said is what the last act carried.
func (p *peers) said() map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bodies[len(p.bodies)-1]
}

// who is the person behind a request's token.
func (p *peers) who(r *http.Request) web.Principal {
	who, err := web.NewDevAuthority(p.stage.issuer.key.Public()).Who(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil {
		p.t.Errorf("%s %s came without a valid token: %v", r.Method, r.URL.Path, err)
	}
	return who
}

func (p *peers) nameThem(w http.ResponseWriter, r *http.Request) {
	if !web.Allow(p.who(r), web.NamesRead) {
		web.WriteProblem(w, fault.New(fault.Forbidden, "your role does not allow this"))
		return
	}
	var in struct{ IDs []events.ID }
	_ = json.NewDecoder(r.Body).Decode(&in)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, in.IDs...)
	items := []any{}
	for _, id := range in.IDs {
		if name, ok := p.names[id]; ok {
			items = append(items, map[string]any{"id": id, "name": name, "birth_date": "1945-03-02"})
		}
	}
	write(w, 200, map[string]any{"items": items, "next": nil})
}

func (p *peers) answer(w http.ResponseWriter, r *http.Request, act func(http.ResponseWriter, *http.Request, *events.Task, string) (events.TaskFact, bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, _ := events.ParseID(r.PathValue("id"))
	t, ok := p.tasks[id]
	if !ok {
		web.WriteProblem(w, fault.New(fault.Unknown, "no such task"))
		return
	}
	var fact events.TaskFact
	if act != nil {
		if fact, ok = act(w, r, &t, p.who(r).Subject); !ok {
			return
		}
		p.tasks[id] = t
	}
	due := t.DueAt
	write(w, 200, map[string]any{
		"id": t.ID, "title": t.Title, "state": t.State, "version": t.Version, "owner": t.Owner, "due_at": due, "attempts": t.Attempts, "outcome": t.Outcome,
		"snoozed_to": t.SnoozedTo, "log": p.log(t),
		"instructions": "Ask how they are, whether the medicines were obtained, whether they know whom to call.", "source": "CPT 99495/99496",
		"protocols": []string{"home@2026.1", "high-risk@2026.1"}, "priority_reasons": []string{},
		"due_trace": map[string]any{
			"rule": "tcm-contact", "version": "2026.1", "title": "Contact within two business days", "source": "CPT 99495/99496", "trigger": "discharge",
			"trigger_at": t.DueAt.Add(-48 * time.Hour), "zone": "America/New_York", "calendar": "us-federal", "due_at": due,
			"steps": []string{"Left on Thursday 19 November; that day does not count", "Friday 20 November is business day 1", "Monday 23 November is business day 2; it ends at midnight"},
		},
	})
	switch {
	case fact == nil:
	case p.held != nil:
		p.held = append(p.held, fact)
	default:
		p.stage.tell(store.Discharge, fact)
	}
}

func (p *peers) act(w http.ResponseWriter, r *http.Request, t *events.Task, who string) (events.TaskFact, bool) {
	var in struct {
		Outcome, Owner, Note string
		Until, NextAt        *time.Time
	}
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(bytes.ReplaceAll(body, []byte(`"next_at"`), []byte(`"NextAt"`)), &in)
	said := map[string]any{}
	_ = json.Unmarshal(body, &said)
	p.bodies = append(p.bodies, said)
	if match := r.Header.Get("If-Match"); match != "" && match != fmt.Sprintf("%q", fmt.Sprint(t.Version)) {
		web.WriteProblem(w, fault.New(fault.Stale, "the task has changed since you looked").With("version", t.Version))
		return nil, false
	}
	work := func() events.Work { t.Version++; return events.Work{Task: *t, By: who} }
	switch r.PathValue("action") {
	case "claim":
		if t.Owner != "" && t.Owner != who {
			web.WriteProblem(w, fault.New(fault.Conflict, "claimed by somebody else").With("owner", t.Owner))
			return nil, false
		}
		t.State, t.Owner, t.SnoozedTo = "accepted", who, nil
		return events.TaskAssigned{Work: work()}, true
	case "assign":
		if !web.Allow(p.who(r), web.TasksAssign) {
			p.t.Error("work was handed over by somebody who may not")
		}
		t.State, t.Owner = "accepted", in.Owner
		return events.TaskAssigned{Work: work()}, true
	case "snooze":
		t.State, t.SnoozedTo = "on-hold", in.Until
		return events.TaskRescheduled{Work: work()}, true
	case "release":
		t.State, t.Owner, t.SnoozedTo = "requested", "", nil
		return events.TaskAssigned{Work: work()}, true
	case "complete":
		if r.Header.Get("If-Match") == "" {
			web.WriteProblem(w, fault.New(fault.Required, "send If-Match"))
			return nil, false
		}
		t.State, t.Outcome = "completed", in.Outcome
		return events.TaskCompleted{Work: work()}, true
	case "attempt":
		t.Attempts++
		if t.Owner == "" {
			t.Owner = who
		}
		t.State, t.SnoozedTo = "in-progress", in.NextAt
		return events.TaskAttempted{Work: work()}, true
	case "reopen":
		t.State, t.Outcome = "accepted", ""
		return events.TaskReopened{Work: work()}, true
	}
	web.WriteProblem(w, fault.New(fault.Unknown, "no such action"))
	return nil, false
}

// log is what was done to a task.
func (p *peers) log(t events.Task) []any {
	list := []any{}
	for range t.Attempts {
		list = append(list, map[string]any{"action": "attempt", "by": "dana", "at": time.Now().Add(-time.Hour), "outcome": "no-answer", "note": "The daughter is there after five."})
	}
	return list
}

// hold keeps what follows from acts until release, as a slow stream would.
func (p *peers) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = []events.Fact{}
}

func (p *peers) release() {
	p.mu.Lock()
	facts := p.held
	p.held = nil
	p.mu.Unlock()
	p.stage.tell(store.Discharge, facts...)
}

func (p *peers) task(id events.ID) events.Task {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tasks[id]
}

// stay is the stay a message is of.
func (p *peers) stay(message string) (encounter events.ID) {
	id, _ := events.ParseID(message)
	if err := p.stage.db.System.QueryRow(context.Background(), `SELECT encounter_id FROM entry WHERE cause = $1`, id).Scan(&encounter); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		p.t.Error(err)
	}
	return encounter
}

func (p *peers) askedFor(patient events.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.asked, patient)
}
