package console

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// stage is a running console over real PostgreSQL. The other services are a small HTTP server that
// answers as they do; facts are given to the projection as the bus gives them.
type stage struct {
	t       testing.TB
	db      *postgres.DB
	url     string
	server  *httptest.Server
	org     events.ID
	peers   *peers
	line    *line
	issuer  *issuer
	hears   map[store.Source]bus.Handler
	mu      sync.Mutex
	version map[events.ID]map[store.Source]int64
}

func open(t testing.TB) *stage {
	t.Helper()
	s := &stage{t: t, org: events.NewID(), version: map[events.ID]map[store.Source]int64{}, hears: map[store.Source]bus.Handler{}}
	s.db = pgtest.DB(t, "console", postgres.MigrationSet{Name: "own", FS: store.Migrations()})
	s.peers = newPeers(t, s)
	s.issuer = newIssuer(t, s.org)

	mux := http.NewServeMux()
	s.line = &line{to: mux, came: make(chan struct{}, 1)}
	server := httptest.NewServer(s.line)
	t.Cleanup(server.Close)
	s.url, s.server = server.URL, server
	s.issuer.mount(mux, server.URL)
	closing, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	env := run.Env{
		Config: run.Config{Dev: true}, DB: s.db, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Metrics: prometheus.NewRegistry(),
		Peers: s.peers.web(), Auth: web.NewDevAuthority(s.issuer.key.Public()), Closing: closing, URL: server.URL,
	}
	instance, err := Service().New(closing, env)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", instance.Root)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := instance.Loops[0].Run(closing); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); server.CloseClientConnections(); <-done })
	sources := map[string]store.Source{"admission": store.Admission, "discharge": store.Discharge, "referral": store.Referral, "notification": store.Notification}
	for _, sub := range instance.Hears {
		s.hears[sources[sub.Stream]] = sub.Handle
	}
	return s
}

// tell gives facts of one producer to the projection in one batch, as the bus does.
func (s *stage) tell(source store.Source, facts ...events.Fact) {
	s.t.Helper()
	s.tellAt(source, time.Now(), facts...)
}

func (s *stage) tellAt(source store.Source, occurred time.Time, facts ...events.Fact) {
	s.t.Helper()
	var batch []events.Event
	for _, f := range facts {
		batch = append(batch, s.event(source, occurred, f))
	}
	s.handle(source, batch)
}

func (s *stage) event(source store.Source, occurred time.Time, f events.Fact) events.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version[f.Key()] == nil {
		s.version[f.Key()] = map[store.Source]int64{}
	}
	s.version[f.Key()][source]++
	return events.Event{
		ID: events.NewID(), Org: s.org, Version: s.version[f.Key()][source], Occurred: occurred, Received: time.Now(), Recorded: time.Now(),
		Cause: events.NewID(), Fact: f,
	}
}

func (s *stage) handle(source store.Source, batch []events.Event) {
	s.t.Helper()
	err := s.db.SystemTx(context.Background(), func(tx pgx.Tx) error {
		return s.hears[source](context.Background(), tx, batch)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// stay is one patient's episode for tests.
type stay struct {
	encounter events.Encounter
	tr        events.Transition
	tasks     []events.Task
	name      string
}

// mrn is the patient's number at the facility.
func (st stay) mrn() string { return "M" + st.encounter.Patient.String()[24:] }

// discharge plays a whole discharge: the patient arrives, leaves, tasks are made.
func (s *stage) discharge(name string, sensitive bool, titles map[string]time.Duration) stay {
	s.t.Helper()
	return s.leaves(other{"06", "high", "4N"}, name, sensitive, titles)
}

// other is what can be different about a stay.
type other struct{ disposition, band, unit string }

func (s *stage) dischargeTo(o other, name string, titles map[string]time.Duration) stay {
	s.t.Helper()
	return s.leaves(o, name, false, titles)
}

func (s *stage) leaves(o other, name string, sensitive bool, titles map[string]time.Duration) stay {
	s.t.Helper()
	now := time.Now()
	at := func(d time.Duration) *time.Time { x := now.Add(d).UTC().Truncate(time.Microsecond); return &x }
	age := 81
	e := events.Encounter{
		ID: events.NewID(), Patient: events.NewID(), Facility: "MERCY", FacilityID: events.Derive("mercy"), Zone: "America/New_York", Unit: o.unit,
		Class: "inpatient", State: "in-progress", AdmittedAt: at(-90 * time.Hour), Age: &age, Sex: "F", Sensitive: sensitive, FoldVersion: 1,
	}
	s.peers.called(e.Patient, name)
	s.tellAt(store.Admission, now.Add(-90*time.Hour), events.EncounterAdmitted{About: events.About{Encounter: e}})
	e.State, e.DischargedAt, e.Disposition, e.FoldVersion = "finished", at(-2*time.Hour), o.disposition, 2
	s.tellAt(store.Admission, now.Add(-2*time.Hour), events.EncounterDischarged{About: events.About{Encounter: e}})
	t := events.Transition{
		ID: events.NewID(), Encounter: e.ID, Patient: e.Patient, Facility: e.Facility, FacilityID: e.FacilityID, Zone: e.Zone, Unit: e.Unit,
		State: "active", Version: 1, Class: e.Class, Disposition: e.Disposition, AdmittedAt: e.AdmittedAt, DischargedAt: e.DischargedAt,
		Risk: &events.Risk{Score: "LACE", Variant: "2010", Min: 12, Max: 15, Band: o.band, Missing: []string{"emergency visits before"}, Reasons: []string{"4 days in hospital: 4", "Heart failure: 2", "Came as an emergency: 3"}},
		Age:  e.Age, Sex: e.Sex, Sensitive: sensitive, OpenTasks: len(titles), Protocols: map[string][]string{"03": {"base@2026.1", "snf@2026.1"}}[o.disposition],
	}
	facts := []events.Fact{events.TransitionOpened{Of: events.Of{Transition: t}}}
	st := stay{encounter: e, tr: t, name: name}
	for title, due := range titles {
		task := events.Task{
			ID: events.NewID(), Transition: t.ID, Encounter: e.ID, Patient: e.Patient, Facility: e.Facility, Unit: e.Unit, Code: "tcm-contact", Title: title,
			State: "requested", Version: 1, OwnerRole: "liaison", Priority: "routine", DueAt: at(due), Sensitive: sensitive,
		}
		st.tasks = append(st.tasks, task)
		s.peers.put(task)
		facts = append(facts, events.TaskCreated{Work: events.Work{Task: task}})
	}
	s.tellAt(store.Discharge, now.Add(-2*time.Hour), facts...)
	s.peers.mu.Lock()
	s.peers.stays = append(s.peers.stays, st)
	s.peers.mu.Unlock()
	return st
}

// facility makes the facility known.
func (s *stage) facility() {
	s.tell(store.Admission, events.FacilityChanged{ID: events.Derive("mercy"), Code: "MERCY", Name: "Mercy Hospital", Zone: "America/New_York", Verified: true},
		events.FacilityChanged{ID: events.Derive("north"), Code: "NORTH", Name: "North General", Zone: "America/Chicago", Verified: true})
}

// ---- an OpenID provider for tests: login_hint is who signs in -----------------------------------

type issuer struct {
	t     testing.TB
	key   *ecdsa.PrivateKey
	org   events.ID
	mu    sync.Mutex
	codes map[string]url.Values
	away  map[string]events.ID // who is of another organization
}

// of makes somebody one of another organization.
func (i *issuer) of(who string, org events.ID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.away[who] = org
}

// people are the personas of the tests.
var people = map[string]struct {
	name  string
	roles []web.Role
}{
	"dana": {"Dana Whitfield", []web.Role{web.Liaison}},
	"sam":  {"Sam Rivera", []web.Role{web.Liaison}},
	"lea":  {"Lea Novak", []web.Role{web.Lead}},
	"olu":  {"Olu Adeyemi", []web.Role{web.Operations}},
	"ines": {"Ines Duarte", []web.Role{web.Intake}},
	"ivy":  {"Ivy Lund", []web.Role{web.Intake}},
	"ivo":  {"Ivo Brandt", []web.Role{web.Interface}},
	"ada":  {"Ada Lindgren", []web.Role{web.Admin}},
	"eve":  {"Eve Lindqvist", []web.Role{web.Liaison}},
	"pat":  {"Pat Kowalski", []web.Role{web.Lead, web.Operations, web.Interface}}, // a small hospital's everything
}

func newIssuer(t testing.TB, org events.ID) *issuer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{t: t, key: key, org: org, codes: map[string]url.Values{}, away: map[string]events.ID{}}
}

func (i *issuer) token(who, nonce string, life time.Duration) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	org := i.org
	i.mu.Lock()
	if other, away := i.away[who]; away {
		org = other
	}
	i.mu.Unlock()
	text, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": web.DevIssuer, "aud": web.TokenAudience, "sub": who, "name": people[who].name, "org": org, "roles": people[who].roles,
		"exp": time.Now().Add(life).Unix(), "nonce": nonce,
	}).Serialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return text
}

func (i *issuer) mount(mux *http.ServeMux, base string) {
	mux.HandleFunc("GET /dev/oidc/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{"issuer": web.DevIssuer, "authorization_endpoint": base + "/dev/oidc/authorize", "token_endpoint": base + "/dev/oidc/token", "jwks_uri": base + "/dev/oidc/jwks"})
	})
	mux.HandleFunc("GET /dev/oidc/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Who are you?</title>"))
		for who := range people {
			code := rand.Text()
			grant := url.Values{"who": {who}, "challenge": {q.Get("code_challenge")}, "nonce": {q.Get("nonce")}}
			i.mu.Lock()
			i.codes[code] = grant
			i.mu.Unlock()
			back := q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
			_, _ = w.Write([]byte(`<p><a id="` + who + `" href="` + back + `">` + who + `</a>`))
		}
	})
	mux.HandleFunc("POST /dev/oidc/token", func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		grant, ok := i.codes[r.FormValue("code")]
		delete(i.codes, r.FormValue("code"))
		i.mu.Unlock()
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !ok || grant.Get("challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
			write(w, 400, map[string]string{"error": "invalid_grant"})
			return
		}
		token := i.token(grant.Get("who"), grant.Get("nonce"), time.Hour)
		write(w, 200, map[string]any{"access_token": token, "id_token": token, "token_type": "Bearer", "expires_in": 3600})
	})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
