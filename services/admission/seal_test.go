package admission

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/outbox"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/seal"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/admission/internal/adt"
	"github.com/handoff-care/handoff/services/admission/internal/store"
)

func (h *hospital) exec(query string, args ...any) {
	h.t.Helper()
	if _, err := h.db.System.Exec(context.Background(), query, args...); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
}

// content asks for a message's bytes by its id (MSH-10).
func (h *hospital) content(control string) (int, []byte) {
	h.t.Helper()
	status, _, body := h.ask([]web.Role{web.Privacy}, "GET", "/messages/"+h.message(control).String()+"/content", "", nil)
	return status, body
}

func (h *hospital) message(control string) (id events.ID) {
	h.t.Helper()
	h.scan(`SELECT id FROM message WHERE control_id = $1`, []any{control}, &id)
	return id
}

// rows are the bytes of a table's rows as they are stored, and how many rows there are.
func (h *hospital) rows(table string) (all []byte, n int) {
	h.t.Helper()
	h.scan(`SELECT coalesce(string_agg(body, '\x00'), ''), count(*) FROM `+table, nil, &all, &n)
	return all, n
}

// said are words of the tests' messages that nobody may find in the bytes at rest.
var said = []string{"Canary", "Nightingale", "CANARYMRN", "Main St", "19500101", "MSH|", "PID|"}

// Whatever way a message comes, and whatever becomes of it, its bytes are at rest as nobody can read
// them; whoever may, reads exactly what came.
func TestBytesAreSealedAtRest(t *testing.T) {
	h := start(t)
	came := map[string][]byte{
		"1": adtMessage("1", "A01", "202603021000", "CANARYMRN1", "V1"),
		"2": adtMessage("2", "A03", "202603041000", "CANARYMRN1", "V1", "PV1-36=01"),
		"3": adtMessage("3", "A01", "202603021000", "", "V3", "PID=PID|1||||Canary^Nightingale"), // quarantined
		"4": adtMessage("4", "A01", "202603021000", "CANARYMRN4", "V4", "MSH-9=ORU^R01"),         // rejected
	}
	h.send(came["1"], came["2"], came["3"], came["4"], []byte("PID|1||CANARYMRN5||Canary^Nightingale"))
	came["5"] = adtMessage("5", "A08", "202603021200", "CANARYMRN1", "V1")
	if status, _, answer := h.ask([]web.Role{web.Interface}, "POST", "/hl7v2", "application/hl7-v2", came["5"]); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	came["E1"] = []byte(`{"version":1,"id":"E1","event":"admit","facility":"GENERAL","occurred_at":"2026-03-02T10:00:00-05:00","recorded_at":"2026-03-02T10:00:00-05:00","patient":{"identifiers":[{"value":"CANARYMRN6","type":"MR"}],"name":{"family":"Canary","given":"Nightingale"}},"visit":{"number":"V6","class":"inpatient"}}`)
	if status, _, answer := h.ask([]web.Role{web.Interface}, "POST", "/events", "application/json", came["E1"]); status != 202 {
		t.Fatalf("%d %s", status, answer)
	}
	h.settle()

	stored, n := h.rows("message_raw")
	if n != len(came)+1 {
		t.Errorf("%d messages are kept, not %d", n, len(came)+1)
	}
	for _, word := range said {
		if bytes.Contains(stored, []byte(word)) {
			t.Errorf("%q can be read in message_raw", word)
		}
	}
	var unsealed, keys, longer int
	h.scan(`SELECT count(*) FILTER (WHERE key_id IS NULL), count(DISTINCT key_id), max(length(body) - size) FROM message_raw JOIN message USING (id)`, nil, &unsealed, &keys, &longer)
	if unsealed != 0 || keys != 1 || longer != seal.Overhead {
		t.Errorf("%d unsealed, %d keys, %d bytes longer", unsealed, keys, longer)
	}
	for control, want := range came {
		if status, got := h.content(control); status != 200 || !bytes.Equal(got, want) {
			t.Errorf("message %s is read as %d %q", control, status, got)
		}
	}
	if s := get[object](h, web.Operations, "GET", "/sealing", nil); s["in_the_clear"] != 0.0 || s["keys"] != 1.0 {
		t.Errorf("%v", s)
	}
	h.balanced()
}

// Somebody who can write to the database and exchanges two messages' bytes is found out, wherever they
// are read; other messages are not held up.
func TestExchangedRowsAreFoundOut(t *testing.T) {
	db := testDB(t)
	var list [][]byte
	for i := range 5 {
		list = append(list, adtMessage(fmt.Sprint(i), "A01", "202603021000", fmt.Sprint(70+i), fmt.Sprintf("V%d", i)))
	}
	keepDead(t, db, testKeys(), list...)
	if _, err := db.System.Exec(context.Background(), `UPDATE message_raw r SET body = o.body FROM message m, message_raw o, message x
		WHERE m.id = r.id AND x.id = o.id AND (m.control_id, x.control_id) IN (('1', '2'), ('2', '1'))`); err != nil {
		t.Fatal(err)
	}
	h := startOn(t, db, run.Config{Dev: true, MLLP: "127.0.0.1:0"})
	h.settle()
	var got []string
	for _, o := range h.outcomes() {
		got = append(got, strings.TrimSpace(o.State+" "+o.Reason))
	}
	if diff := cmp.Diff([]string{"applied", "quarantined bytes-damaged", "quarantined bytes-damaged", "applied", "applied"}, got); diff != "" {
		t.Error(diff)
	}
	for control, want := range map[string]int{"0": 200, "1": 500, "2": 500} {
		if status, body := h.content(control); status != want {
			t.Errorf("message %s: %d %s", control, status, body)
		}
	}
	if m := get[object](h, web.Operations, "GET", "/messages/"+h.message("1").String(), nil); m["lost"] != "bytes-damaged" {
		t.Errorf("%v", m)
	}
	if n := bytes.Count(h.logged.Bytes(), []byte("event=security")); n < 2 {
		t.Errorf("%d security events", n)
	}
	h.balanced()
}

// The first start makes a key file; what one process kept the next one reads with it; without it, or
// with another, nothing starts and no key is made.
func TestAStartNeedsTheKeyOfTheMessages(t *testing.T) {
	db, dir := testDB(t), t.TempDir()
	config := run.Config{Dev: true, Data: dir}
	file := filepath.Join(dir, run.KeyFile)
	prepare := func(config run.Config) error {
		s := newService(run.Env{Config: config, DB: db, Outbox: outbox.New(db, Name), Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
		return s.prepare(context.Background())
	}
	refused := func(what string, config run.Config, words ...string) {
		t.Helper()
		err := prepare(config)
		if err == nil {
			t.Errorf("%s: it starts", what)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v; want one line that says %q", what, err, w)
			}
		}
	}
	production := run.Config{Data: dir, DatabaseURL: "postgres://somewhere"}
	refused("no key file named", production, "--key-file", "handoff key new")
	production.KeyFile = filepath.Join(dir, "none")
	refused("a key file that is not there", production, "--key-file", "handoff key new")
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Fatalf("%v (%v) was made by starts that were refused", list, err)
	}

	if err := prepare(config); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	keepDead(t, db, keys, adtMessage("1", "A01", "202603021000", "77", "V1"))
	if err := os.Rename(file, file+".kept"); err != nil {
		t.Fatal(err)
	}
	refused("the file is missing", config, file, "is missing")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("a key was made where messages are sealed with another: %v", err)
	}
	if err := seal.Create(file); err != nil {
		t.Fatal(err)
	}
	refused("another file", config, keys.Active(), "not in the key file")
	production.KeyFile = file + ".kept"
	if err := prepare(production); err != nil {
		t.Errorf("with the key: %v", err)
	}

	if err := os.Rename(file+".kept", file); err != nil {
		t.Fatal(err)
	}
	config.MLLP = "127.0.0.1:0"
	h := startOn(t, db, config, func(s *service) { s.wrapper = nil }) // reads the file
	h.settle()
	if got := h.outcomes(); len(got) != 1 || got[0].State != "applied" {
		t.Errorf("what was kept before the start: %v", got)
	}
}

// A new key in front of the old one: the next start wraps every data key under it, and from then on
// the old one is not needed. No message is sealed again.
func TestRotation(t *testing.T) {
	db, file := testDB(t), filepath.Join(t.TempDir(), "keys")
	if err := seal.Create(file); err != nil {
		t.Fatal(err)
	}
	read := func() *seal.Keys {
		keys, err := seal.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	message := adtMessage("1", "A01", "202603021000", "77", "V1")
	keepDead(t, db, read(), message)
	ctx := context.Background()
	// More of them than are wrapped at once, some of organizations that are none any more.
	if _, err := db.System.Exec(ctx, `INSERT INTO data_key (org_id, under, wrapped, destroyed_at)
		SELECT k.org_id, k.under, CASE WHEN n % 3 > 0 THEN k.wrapped END, CASE WHEN n % 3 = 0 THEN now() END FROM data_key k, generate_series(1, 2000) n`); err != nil {
		t.Fatal(err)
	}
	before := read()
	if err := seal.Rotate(file); err != nil {
		t.Fatal(err)
	}
	after := read()
	h := startOn(t, db, run.Config{Dev: true}, func(s *service) { s.wrapper = after })
	var old, fresh int
	h.scan(`SELECT count(*) FILTER (WHERE under = $1), count(*) FILTER (WHERE under = $2) FROM data_key WHERE wrapped IS NOT NULL`, []any{before.Active(), after.Active()}, &old, &fresh)
	if old != 0 || fresh < 1000 {
		t.Errorf("%d data keys are under the old key, %d under the new one", old, fresh)
	}
	if status, got := h.content("1"); status != 200 || !bytes.Equal(got, message) {
		t.Errorf("read as %d %q", status, got)
	}
	s := store.New(db)
	if err := s.Unlock(ctx, before); err == nil || !strings.Contains(err.Error(), after.Active()) {
		t.Errorf("with the old key alone: %v", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	alone, err := seal.Parse([]byte(lines[len(lines)-2]))
	if err != nil || alone.Active() != after.Active() {
		t.Fatalf("%v, %v", alone, err)
	}
	if err := s.Unlock(ctx, alone); err != nil {
		t.Errorf("without the old key: %v", err)
	}
}

// A data key is used for a day at most, and what it sealed stays readable.
func TestDataKeysAreReplaced(t *testing.T) {
	h := start(t)
	h.send(adtMessage("1", "A01", "202603021000", "77", "V1"))
	h.exec(`UPDATE data_key SET made_at = now() - interval '25 hours'`) // also has the process look again
	if err := h.directory.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.send(adtMessage("2", "A08", "202603021100", "77", "V1"))
	h.settle()
	var keys int
	h.scan(`SELECT count(DISTINCT key_id) FROM message_raw`, nil, &keys)
	if keys != 2 {
		t.Errorf("%d keys", keys)
	}
	for _, control := range []string{"1", "2"} {
		if status, _ := h.content(control); status != 200 {
			t.Errorf("message %s: %d", control, status)
		}
	}
}

// What an older version kept in the clear is read as before and sealed soon.
func TestWhatAnOlderVersionKeptIsSealed(t *testing.T) {
	ctx := context.Background()
	sets := func(fs fs.FS) []postgres.MigrationSet {
		return []postgres.MigrationSet{{Name: Name, FS: fs}, outbox.Migrations(), web.Migrations()}
	}
	older := fstest.MapFS{}
	names, err := fs.Glob(store.Migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name >= "00012" {
			continue
		}
		text, err := fs.ReadFile(store.Migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		older[name] = &fstest.MapFile{Data: text}
	}
	url := pgtest.URL(t, Name, sets(older)...)
	admin, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(ctx)
	if _, err := admin.Exec(ctx, `SET search_path = admission`); err != nil {
		t.Fatal(err)
	}
	const n = 100
	message := func(i int) []byte {
		return adtMessage(fmt.Sprint(i), "A01", "202603021000", fmt.Sprintf("CANARYMRN%d", i), fmt.Sprintf("V%d", i))
	}
	feed := events.Derive("feed", DemoOrg.String(), "development")
	if _, err := admin.Exec(ctx, `INSERT INTO facility (id, org_id, code, name, zone, verified) VALUES ($1, $2, 'GENERAL', 'General', 'America/New_York', true)`,
		events.NewID().String(), DemoOrg.String()); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		m, id := message(i), events.NewID()
		in := adt.Again(id, nil, nil, m, "", time.Now())
		if _, err := admin.Exec(ctx, `INSERT INTO message (id, org_id, feed_id, received_at, size, flags, format, reply, facility, trigger, charset, control_id, hash)
			VALUES ($1, $2, $3, now(), $4, 0, 0, 'AA', 'GENERAL', 'A01', '', $5, $6)`, id.String(), DemoOrg.String(), feed.String(), len(m), fmt.Sprint(i), in.Hash[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Exec(ctx, `INSERT INTO message_raw (id, org_id, body) VALUES ($1, $2, $3)`, id.String(), DemoOrg.String(), m); err != nil {
			t.Fatal(err)
		}
		if i < 10 { // not handled yet
			if _, err := admin.Exec(ctx, `INSERT INTO message_open (id, org_id, owner) VALUES ($1, $2, $3)`, id.String(), DemoOrg.String(), events.NewID().String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := postgres.Migrate(ctx, url, Name, sets(store.Migrations())...); err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(ctx, url, Name, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	h := startOn(t, db, run.Config{Dev: true, MLLP: "127.0.0.1:0"})
	deadline := time.Now().Add(30 * time.Second)
	for left := int64(1); left > 0; {
		if left, err = h.store.InTheClear(ctx); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d messages are in the clear", left)
		}
		<-time.After(2 * time.Millisecond)
	}
	h.settle()
	stored, rows := h.rows("message_raw")
	for _, word := range said {
		if bytes.Contains(stored, []byte(word)) || rows != n {
			t.Errorf("%q can be read in message_raw (%d rows)", word, rows)
		}
	}
	for i := range n {
		if status, got := h.content(fmt.Sprint(i)); status != 200 || !bytes.Equal(got, message(i)) {
			t.Errorf("message %d is read as %d %q", i, status, got)
		}
	}
	if stays := len(h.stays("GENERAL")); stays != 10 {
		t.Errorf("%d stays of the 10 messages that were not handled", stays)
	}
}
