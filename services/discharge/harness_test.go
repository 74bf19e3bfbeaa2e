package discharge

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/bus"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/timer"
	"github.com/handoff-care/handoff/pkg/web"
)

var (
	left     = time.Date(2026, 10, 16, 18, 2, 0, 0, time.UTC) // Friday afternoon in New York
	mercy    = events.Derive("test", "organization")
	facility = events.Derive("test", "facility")
)

// hospital is the service on a database of its own, with a test in admission's place.
type hospital struct {
	t        testing.TB
	db       *postgres.DB
	out      *outbox.Outbox
	s        *service
	router   *web.Router
	sequence int64
}

func newHospital(t testing.TB) *hospital {
	t.Helper()
	own, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	db := pgtest.DB(t, Name, outbox.Migrations(), bus.Migrations(), timer.Migrations(), web.Migrations(),
		postgres.MigrationSet{Name: "own", FS: own})
	rules, err := shippedRules()
	if err != nil {
		t.Fatal(err)
	}
	rules.LateAfter = 24 * time.Hour
	h := &hospital{t: t, db: db, out: outbox.New(db, Name)}
	h.s = newService(h.out, rules)
	h.s.shelf = newShelf(db, rules.Protocols, slog.New(slog.DiscardHandler))
	h.s.clock = func() time.Time { return left.Add(time.Hour) }
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := web.NewDevAuthority(key.Public())
	authority.Also(principal)
	h.router = web.NewRouter(Name, authority, slog.New(slog.DiscardHandler))
	newAPI(h.s, db, context.Background()).routes(h.router)
	return h
}

// principal reads a test's credential: subject:role, or subject:role:organization.
func principal(_ context.Context, credential string) (web.Principal, bool) {
	parts := strings.Split(credential, ":")
	p := web.Principal{Subject: parts[0], Org: mercy, Roles: []web.Role{web.Role(parts[1])}, Dev: true}
	if len(parts) > 2 {
		p.Org = events.Derive("test", parts[2])
	}
	return p, true
}

// event makes a fact an event as it would come from admission, heard of a minute
// after the discharge.
func (h *hospital) event(f events.Fact) events.Event {
	h.sequence++
	return events.Event{
		ID: events.NewID(), Source: "admission", Org: mercy, Sequence: h.sequence, Occurred: left, Received: left.Add(time.Minute),
		Recorded: left.Add(time.Minute), Fact: f,
	}
}

// hear handles facts in one batch.
func (h *hospital) hear(facts ...events.Fact) {
	h.t.Helper()
	var batch []events.Event
	for _, f := range facts {
		batch = append(batch, h.event(f))
	}
	err := h.out.SystemTx(context.Background(), func(tx pgx.Tx) error { return h.s.hear(context.Background(), tx, batch) })
	if err != nil {
		h.t.Fatal(err)
	}
}

// tick fires the timers that are due at an instant, as the loop would.
func (h *hospital) tick(now time.Time) {
	h.t.Helper()
	ctx := context.Background()
	for name, handle := range map[string]timer.Handler{timerTask: h.s.tasksDue, timerFacility: h.s.facilityChanged, timerProtocols: h.s.replanDue} {
		err := h.out.SystemTx(ctx, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `DELETE FROM timer WHERE name = $1 AND due_at <= $2 RETURNING name, key, org_id, due_at`, name, now)
			if err != nil {
				return err
			}
			due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[timer.Timer])
			if err != nil || len(due) == 0 {
				return err
			}
			return handle(ctx, tx, now, due)
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

// told are the types of the facts announced so far, in order, without their common prefix.
func (h *hospital) told() []string {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `SELECT type || coalesce(' with ' || json_array_length(doc::json->'data'->'tasks') || ' tasks', '')
		FROM event_log ORDER BY sequence`)
	if err != nil {
		h.t.Fatal(err)
	}
	types, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	for i := range types {
		types[i] = strings.Replace(strings.TrimPrefix(types[i], "care."), ".v1", "", 1)
	}
	return types
}

// sequenceOfLog is how far the log of announced facts goes.
func (h *hospital) sequenceOfLog() (last int64) {
	h.t.Helper()
	err := h.db.System.QueryRow(context.Background(), `SELECT coalesce(max(sequence), 0) FROM event_log`).Scan(&last)
	if err != nil {
		h.t.Fatal(err)
	}
	return last
}

// wakeUps are the due times of the task timers.
func (h *hospital) wakeUps() []time.Time {
	h.t.Helper()
	rows, err := h.db.System.Query(context.Background(), `SELECT due_at FROM timer WHERE name = 'task' ORDER BY 1`)
	if err != nil {
		h.t.Fatal(err)
	}
	times, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		h.t.Fatal(err)
	}
	for i := range times {
		times[i] = times[i].UTC()
	}
	return times
}

// answer is what the API said.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (a answer) items() []map[string]any {
	var out []map[string]any
	for _, item := range a.body["items"].([]any) {
		out = append(out, item.(map[string]any))
	}
	return out
}

// ask sends a request as somebody ("subject:role"); headers come as name, value.
func (h *hospital) ask(who, method, path string, body any, headers ...string) answer {
	h.t.Helper()
	var text io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}
		text = bytes.NewReader(b)
	}
	req := httptest.NewRequest(method, path, text)
	req.Header.Set("Authorization", "Bearer "+who)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.router.ServeHTTP(rec, req)
	a := answer{status: rec.Code, header: rec.Header()}
	if err := json.Unmarshal(rec.Body.Bytes(), &a.body); err != nil {
		h.t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	return a
}

// must is ask, where the answer has to be 200.
func (h *hospital) must(who, method, path string, body any, headers ...string) answer {
	h.t.Helper()
	a := h.ask(who, method, path, body, headers...)
	if a.status != http.StatusOK {
		h.t.Fatalf("%s %s as %s: %d %v", method, path, who, a.status, a.body)
	}
	return a
}

// rest is what is there at rest of encounters: states and open tasks with due times.
func (h *hospital) rest(numbers ...int) []string {
	h.t.Helper()
	var out []string
	for _, n := range numbers {
		of := "encounter=" + stay(n, "", "").ID.String()
		for _, t := range h.must("ada:auditor", "GET", "/transitions?"+of, nil).items() {
			if t["state"] != "cancelled" {
				out = append(out, fmt.Sprint(n, " ", t["state"], " ", t["disposition"], " ", t["protocols"], " ", t["patient_id"]))
			}
		}
		for _, t := range h.must("ada:auditor", "GET", "/tasks?state=open&"+of, nil).items() {
			out = append(out, fmt.Sprint(n, " ", t["code"], " ", t["due_at"], " ", t["priority"], " ", t["patient_id"]))
		}
	}
	slices.Sort(out)
	return out
}

// balanced fails unless every conservation law holds.
func (h *hospital) balanced() {
	h.t.Helper()
	laws, err := (&api{service: h.s, db: h.db}).laws(context.Background(), mercy)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, l := range laws {
		if l.Difference != 0 {
			h.t.Errorf("%s: %d and %d", l.Law, l.Left, l.Right)
		}
	}
	if err := h.db.Tx(context.Background(), mercy, func(tx pgx.Tx) error { return run.Agree(context.Background(), tx, laws, numbers()) }); err != nil {
		h.t.Error(err)
	}
}

// stay is the snapshot of a stay; number tells encounters, and their patients, apart.
func stay(number int, class, state string, change ...func(*events.Encounter)) events.Encounter {
	in := left.AddDate(0, 0, -5)
	s := events.Encounter{
		ID: events.Derive("test", "encounter", fmt.Sprint(number)), Patient: events.Derive("test", "patient", fmt.Sprint(number)),
		FacilityID: facility, Facility: "MERCY", Zone: "America/New_York", Unit: "4W", Class: class, State: state, AdmittedAt: &in,
	}
	if state == "finished" {
		at := left
		s.DischargedAt, s.Disposition = &at, "01"
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

func disposition(code string) func(*events.Encounter) {
	return func(s *events.Encounter) { s.Disposition = code }
}

func patient(number int) func(*events.Encounter) {
	return func(s *events.Encounter) { s.Patient = events.Derive("test", "patient", fmt.Sprint(number)) }
}

func about(s events.Encounter) events.About { return events.About{Encounter: s} }

func admitted(s events.Encounter) events.Fact   { return events.EncounterAdmitted{About: about(s)} }
func discharged(s events.Encounter) events.Fact { return events.EncounterDischarged{About: about(s)} }
func updated(s events.Encounter) events.Fact    { return events.EncounterUpdated{About: about(s)} }

// one is the transition of an encounter, as the API shows it.
func (h *hospital) one(number int) map[string]any {
	h.t.Helper()
	items := h.must("nora:liaison", "GET", "/transitions?encounter="+stay(number, "", "").ID.String(), nil).items()
	if len(items) != 1 {
		h.t.Fatalf("encounter %d has %d transitions", number, len(items))
	}
	return items[0]
}

// tasks are the tasks of an encounter in a state ("open" for all that are).
func (h *hospital) tasks(number int, state string) []map[string]any {
	h.t.Helper()
	return h.must("nora:liaison", "GET", "/tasks?encounter="+stay(number, "", "").ID.String()+"&state="+state, nil).items()
}

func codes(tasks []map[string]any) []string {
	var out []string
	for _, t := range tasks {
		out = append(out, t["code"].(string))
	}
	slices.Sort(out)
	return out
}
