package referral

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// world is the service on a real database, with the demonstration directory, asked through its HTTP API.
type world struct {
	t       testing.TB
	db      *postgres.DB
	s       *service
	router  *web.Router
	metrics *prometheus.Registry
	key     *ecdsa.PrivateKey

	statements statements
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, metrics: prometheus.NewRegistry()}
	url := pgtest.URL(t, "referral", outbox.Migrations(), timer.Migrations(), web.Migrations(),
		postgres.MigrationSet{Name: "own", FS: store.Migrations()})
	var err error
	if w.db, err = postgres.Open(t.Context(), url, "referral", postgres.Options{Tracer: &w.statements}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.db.Close)
	env := run.Env{Config: run.Config{Dev: true}, DB: w.db, Outbox: outbox.New(w.db, "referral"), Log: slog.New(slog.DiscardHandler), Metrics: w.metrics}
	w.s = newService(env)
	if err := w.s.loadDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	w.router = web.NewRouter("referral", web.NewDevAuthority(w.key.Public()), slog.New(slog.DiscardHandler))
	w.s.routes(w.router)
	return w
}

func (w *world) token(org events.ID, roles ...web.Role) string {
	w.t.Helper()
	return w.tokenOf("maria", org, roles...)
}

func (w *world) tokenOf(subject string, org events.ID, roles ...web.Role) string {
	w.t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: w.key}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := jwt.Signed(s).Claims(map[string]any{"iss": web.DevIssuer, "aud": web.TokenAudience, "sub": subject, "org": org, "roles": roles,
		"exp": time.Now().Add(time.Hour).Unix()}).Serialize()
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// reply is an HTTP answer, read.
type reply struct {
	Status int
	Header http.Header
	Text   string
}

func (a reply) into(t testing.TB, out any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Text), out); err != nil {
		t.Fatalf("%s: %v", a.Text, err)
	}
}

// ask sends a request as a lead of the demonstration organization; headers in pairs.
func (w *world) ask(method, path, body string, headers ...string) reply {
	return w.askAs(w.token(demoOrg, web.Lead), method, path, body, headers...)
}

func (w *world) askAs(token, method, path, body string, headers ...string) reply {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, path, content)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.router.ServeHTTP(rec, req)
	return reply{rec.Code, rec.Result().Header, rec.Body.String()}
}

// must asks and fails the test unless the answer has this status.
func (w *world) must(status int, method, path, body string, headers ...string) reply {
	w.t.Helper()
	a := w.ask(method, path, body, headers...)
	if a.Status != status {
		w.t.Fatalf("%s %s %s: %d, want %d: %s", method, path, body, a.Status, status, a.Text)
	}
	return a
}

// discharge hands the service a batch of discharge's facts.
func (w *world) discharge(facts ...events.Fact) {
	w.t.Helper()
	w.hear(w.s.hearDischarge, demoOrg, facts...)
}

// admission hands the service a batch of admission's facts.
func (w *world) admission(facts ...events.Fact) {
	w.t.Helper()
	w.hear(w.s.hearAdmission, demoOrg, facts...)
}

func (w *world) hear(handle func(context.Context, pgx.Tx, []events.Event) error, org events.ID, facts ...events.Fact) {
	w.t.Helper()
	batch := make([]events.Event, len(facts))
	for i, f := range facts {
		batch[i] = events.Event{ID: events.NewID(), Org: org, Occurred: noon, Received: noon, Recorded: noon, Fact: f}
	}
	if err := w.s.outbox.SystemTx(context.Background(), func(tx pgx.Tx) error { return handle(context.Background(), tx, batch) }); err != nil {
		w.t.Fatal(err)
	}
}

// noon is when people leave the hospital in these tests.
var noon = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)

// facts are all facts announced so far, in order.
func (w *world) facts() []events.Event {
	w.t.Helper()
	var out []events.Event
	err := w.db.SystemTx(context.Background(), func(tx pgx.Tx) error {
		rows, err := tx.Query(context.Background(), `SELECT doc FROM event_log ORDER BY sequence`)
		if err != nil {
			return err
		}
		docs, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, doc := range docs {
			e, err := events.Decode([]byte(doc))
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// told lists the types of the facts about one encounter, with the referral's state, in order.
func (w *world) told(encounter events.ID) (out []string) {
	w.t.Helper()
	for _, e := range w.facts() {
		if f, ok := e.Fact.(events.ReferralFact); ok && f.Key() == encounter {
			short := strings.TrimSuffix(strings.TrimPrefix(f.Type(), "care.referral."), ".v1")
			out = append(out, fmt.Sprintf("%s %s %s", f.Snapshot().Need, short, f.Snapshot().State))
		}
	}
	return out
}

func (w *world) referrals(encounter events.ID) []store.View {
	w.t.Helper()
	var page web.List[store.View]
	w.must(200, "GET", "/referrals?encounter="+encounter.String(), "").into(w.t, &page)
	return page.Items
}

// the returns the one referral of an encounter.
func (w *world) the(encounter events.ID) store.View {
	w.t.Helper()
	list := w.referrals(encounter)
	if len(list) != 1 {
		w.t.Fatalf("%d referrals, want 1: %+v", len(list), list)
	}
	return list[0]
}

func (w *world) detail(id events.ID) detail {
	w.t.Helper()
	var d detail
	w.must(200, "GET", "/referrals/"+id.String(), "").into(w.t, &d)
	return d
}

// do acts on a referral at its present version.
func (w *world) do(v store.View, action, body string) store.View {
	w.t.Helper()
	var out store.View
	w.must(200, "POST", "/referrals/"+v.ID.String()+"/"+action, body, "If-Match", etag(w.detail(v.ID).Version)).into(w.t, &out)
	return out
}

func (w *world) send(v store.View, providers ...events.ID) store.View {
	w.t.Helper()
	b, err := json.Marshal(map[string]any{"providers": providers})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(v, "send", string(b))
}

func whose(provider events.ID) string { return `{"provider_id":"` + provider.String() + `"}` }

// balanced fails the test if a conservation law does not hold.
func (w *world) balanced() {
	w.t.Helper()
	laws, err := w.s.laws(context.Background(), demoOrg)
	if err != nil || len(laws) == 0 {
		w.t.Fatal(err)
	}
	for _, l := range laws {
		if l.Difference != 0 {
			w.t.Errorf("%s: %d is not %d", l.Law, l.Left, l.Right)
		}
	}
	if err := w.db.Tx(context.Background(), demoOrg, func(tx pgx.Tx) error { return run.Agree(context.Background(), tx, laws, numbers()) }); err != nil {
		w.t.Error(err)
	}
}

// stay is a patient's transition out of the hospital.
type stay struct{ events.Transition }

func goingTo(needs ...string) *stay {
	age, at := 81, noon
	return &stay{events.Transition{
		ID: events.NewID(), Encounter: events.NewID(), Patient: events.NewID(), Facility: "MERCY", FacilityID: events.Derive("mercy"),
		Zone: "America/Chicago", Unit: "4W", State: "active", Version: 1, Class: "inpatient", Disposition: "03", DischargedAt: &at,
		Needs: needs, Age: &age, Sex: "F", ZIP3: "606", Language: "en", Payer: "medicare",
	}}
}

func (s *stay) opened() events.Fact {
	return events.TransitionOpened{Of: events.Of{Transition: s.Transition}}
}

// replanned is the stay one version on, after change.
func (s *stay) replanned(change func(*events.Transition)) events.Fact {
	s.Version++
	change(&s.Transition)
	return events.TransitionReplanned{Of: events.Of{Transition: s.Transition}}
}

func (s *stay) cancelledDischarge() events.Fact {
	s.Version++
	s.State, s.DischargedAt = "planning", nil
	return events.TransitionPlanned{Of: events.Of{Transition: s.Transition}}
}

// admitted is an admission elsewhere.
func admitted(patient events.ID, facility string, at time.Time) events.Encounter {
	return events.Encounter{
		ID: events.NewID(), Patient: patient, Facility: facility, FacilityID: events.Derive("facility", facility), Class: "inpatient",
		State: "in-progress", AdmittedAt: &at, FoldVersion: 1,
	}
}

func admission(e events.Encounter) events.Fact {
	return events.EncounterAdmitted{About: events.About{Encounter: e}}
}

func linked(patient, other events.ID) events.Fact {
	return events.PatientLinked{Patient: events.Patient{ID: patient, Person: events.Derive("person", patient.String())}, Other: other, Reason: "identifier"}
}

// provider finds one of the demonstration providers by name.
func (w *world) provider(name string) events.ID {
	w.t.Helper()
	var page web.List[provider]
	w.must(200, "GET", "/providers?limit=500", "").into(w.t, &page)
	for _, p := range page.Items {
		if p.Name == name {
			return p.ID
		}
	}
	w.t.Fatalf("no provider %q", name)
	return events.ID{}
}
