package notification

import (
	"encoding/hex"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/postgres"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/notification/internal/setup"
)

func TestAcknowledgingIsIdempotentAndSaysWhoWasFirst(t *testing.T) {
	b := newBench(t, run.Config{})
	b.told(opened(stay("one")))
	id := b.alerts("")[0].ID.String()
	var first, second alertView
	if code := b.call(b.as(web.Liaison), "POST", "/alerts/"+id+"/acknowledge", nil, &first, "If-Match", `"1"`); code != 200 || first.AcknowledgedBy != "me" || first.Version != 2 {
		t.Fatalf("%d %+v", code, first)
	}
	other := b.as(web.Liaison)
	other.Subject = "other"
	if code := b.call(other, "POST", "/alerts/"+id+"/acknowledge", nil, &second); code != 200 || second.AcknowledgedBy != "me" || second.Version != 2 {
		t.Errorf("the second: %d %+v", code, second)
	}
	if code := b.call(other, "POST", "/alerts/"+id+"/acknowledge", nil, nil, "If-Match", `"1"`); code != http.StatusPreconditionFailed {
		t.Errorf("on an old version: %d", code)
	}
	if n := b.announced("care.alert.acknowledged.v1"); n != 1 {
		t.Errorf("%d announced", n)
	}
	if code := b.call(other, "POST", "/alerts/"+id+"/resolve", map[string]string{"reason": "handled"}, nil); code != 200 {
		t.Errorf("resolve: %d", code)
	}
	if code := b.call(other, "POST", "/alerts/"+id+"/acknowledge", nil, nil); code != http.StatusConflict {
		t.Errorf("acknowledge what is resolved: %d", code)
	}
	b.balanced()
}

func TestSeenIsRecordedOncePerPerson(t *testing.T) {
	b := newBench(t, run.Config{})
	b.told(opened(stay("one")))
	id := b.alerts("")[0].ID
	for range 3 {
		if code := b.call(b.as(web.Liaison), "POST", "/alerts/"+id.String()+"/seen", nil, nil); code != 200 {
			t.Fatal(code)
		}
	}
	n := 0
	for _, r := range b.detail(id).Thread {
		if r.Decision == "seen" && r.Recipient == "me" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("seen %d times", n)
	}
}

func TestAnotherOrganizationFindsNothing(t *testing.T) {
	b := newBench(t, run.Config{})
	b.told(opened(stay("one")))
	id := b.alerts("")[0].ID.String()
	stranger := b.as(web.Liaison, web.Admin, web.Auditor)
	stranger.Org = events.Derive("org", "other")
	var list alerts
	var rows struct{ Items []row }
	b.call(stranger, "GET", "/alerts", nil, &list)
	b.call(stranger, "GET", "/ledger", nil, &rows)
	if len(list.Items)+len(rows.Items) != 0 {
		t.Errorf("%d alerts, %d ledger rows", len(list.Items), len(rows.Items))
	}
	for _, at := range []string{"GET /alerts/" + id, "POST /alerts/" + id + "/acknowledge", "POST /alerts/" + id + "/seen"} {
		method, path, _ := strings.Cut(at, " ")
		if code := b.call(stranger, method, path, nil, nil); code != 404 {
			t.Errorf("%s: %d", at, code)
		}
	}
	for _, auditor := range []string{"POST /alerts/" + id + "/acknowledge", "PUT /people"} {
		method, path, _ := strings.Cut(auditor, " ")
		if code := b.call(b.as(web.Auditor), method, path, map[string]any{"people": []any{}}, nil); code != 403 {
			t.Errorf("an auditor at %s: %d", auditor, code)
		}
	}
}

func TestListsPageWithoutGapsOrRepetitions(t *testing.T) {
	b := newBench(t, run.Config{})
	var facts []events.Fact
	for i := range 25 {
		facts = append(facts, opened(stay(strconv.Itoa(i))))
	}
	b.told(facts...)
	seen := map[events.ID]bool{}
	cursor := ""
	for pages := 0; pages < 10; pages++ {
		var page struct {
			Items []alertView
			Next  *string
		}
		b.call(b.as(web.Liaison), "GET", "/alerts?limit=7&cursor="+cursor, nil, &page)
		for _, a := range page.Items {
			if seen[a.ID] {
				t.Errorf("%s twice", a.ID)
			}
			seen[a.ID] = true
		}
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	if len(seen) != 25 {
		t.Errorf("%d of 25", len(seen))
	}
}

func TestEndpointsShowTheirSecretOnceAndRefuseBadURLs(t *testing.T) {
	b := newBench(t, run.Config{})
	var made setup.Endpoint
	if code := b.call(b.as(web.Admin), "POST", "/endpoints", map[string]any{"url": "https://example.org/hook"}, &made); code != 200 || len(made.Secret) < 30 {
		t.Fatalf("%d %+v", code, made)
	}
	var list struct{ Items []setup.Endpoint }
	b.call(b.as(web.Admin), "GET", "/endpoints", nil, &list)
	if len(list.Items) != 1 || list.Items[0].Secret != "" || !list.Items[0].Active {
		t.Errorf("%+v", list.Items)
	}
	for _, bad := range []string{"ftp://example.org", "https://user:pass@example.org", "nonsense", "https://example.org/#x"} {
		if code := b.call(b.as(web.Admin), "POST", "/endpoints", map[string]any{"url": bad}, nil); code != 422 {
			t.Errorf("%s: %d", bad, code)
		}
	}
}

type verdict struct {
	Holds    bool
	Problem  string
	Links    int64
	Rows     int64
	Unsealed int64
	Hash     string
}

func (b *bench) verify(query string) (v verdict) {
	b.t.Helper()
	if code := b.call(b.as(web.Auditor), "GET", "/ledger/verify"+query, nil, &v); code != 200 {
		b.t.Fatal(code)
	}
	return v
}

// tampered opens a bench whose database the test may damage as its superuser.
func tampered(t *testing.T) (*bench, func(sql string)) {
	t.Helper()
	url := pgtest.URL(t, Name, migrations()...)
	db, err := postgres.Open(t.Context(), url, Name, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return newBenchOn(t, run.Config{}, db), func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		for _, s := range []string{"SET search_path = notification", "SET session_replication_role = replica", sql} { // no triggers
			if _, err := conn.Exec(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTheLedgerRefusesChangesAndItsChainShowsThem(t *testing.T) {
	for name, damage := range map[string]string{
		"a changed reason": `UPDATE ledger SET reason = reason || '.' WHERE seq = 3`,
		"a deleted row":    `DELETE FROM ledger WHERE seq = 2`,
		"a moved time":     `UPDATE ledger SET at = at + interval '1 microsecond' WHERE seq = 1`,
		"a link taken out": `DELETE FROM ledger_link WHERE number = 1`,
		"a rewritten hash": `UPDATE ledger_link SET hash = sha256('x') WHERE number = 1`,
		"the tail cut off": `DELETE FROM ledger_link WHERE number = 2`,
		"a row put in between": `INSERT INTO ledger OVERRIDING SYSTEM VALUE
			SELECT 0, org_id, at, decision, alert_id, version, 'somebody else', channel, reason, event_id, actor FROM ledger WHERE seq = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			b, break_ := tampered(t)
			for _, n := range []string{"a", "b"} {
				b.told(opened(stay(n)))
				if _, n, err := b.seal(b.ctx); err != nil || n != 2 {
					t.Fatalf("sealed %d rows: %v", n, err)
				}
			}
			b.told(opened(stay("c")))
			whole := b.verify("")
			if want := (verdict{true, "", 2, 4, 2, whole.Hash}); whole != want {
				t.Fatalf("untouched: %+v", whole)
			}
			for _, sql := range []string{`UPDATE ledger SET reason = ''`, `DELETE FROM ledger`, `TRUNCATE ledger_link`} {
				if _, err := b.db.System.Exec(b.ctx, sql); err == nil {
					t.Errorf("%s was done", sql)
				}
			}
			break_(damage)
			if v := b.verify("?link=2&hash=" + whole.Hash); v.Holds || v.Problem == "" {
				t.Errorf("with %s: %+v", name, v)
			}
		})
	}
}

func TestTheChainGoesOnWhereItStopped(t *testing.T) {
	b := newBench(t, run.Config{})
	var hashes []string
	for _, n := range []string{"a", "b", "c"} {
		b.told(opened(stay(n)))
		links, _, err := b.seal(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hex.EncodeToString(links[0].Hash[:]))
	}
	for i, h := range hashes {
		if v := b.verify("?link=" + strconv.Itoa(i+1) + "&hash=" + h); !v.Holds || v.Hash != hashes[2] {
			t.Errorf("anchor %d: %+v", i+1, v)
		}
	}
	later := "?since=" + time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	if v := b.verify(later); !v.Holds || v.Rows != 0 || v.Links != 3 || v.Hash != hashes[2] {
		t.Errorf("nothing was sealed since: %+v", v)
	}
	if v := b.verify("?since=2026-01-01T00:00:00Z"); !v.Holds || v.Rows != 6 || v.Links != 3 {
		t.Errorf("everything was sealed since: %+v", v)
	}
}

func TestAPartOfTheChainIsVerifiedByItself(t *testing.T) {
	b, break_ := tampered(t)
	for _, n := range []string{"a", "b", "c"} {
		b.told(opened(stay(n)))
		if _, _, err := b.seal(b.ctx); err != nil {
			t.Fatal(err)
		}
	}
	break_(`UPDATE ledger_link SET at = at - interval '2 days' WHERE number = 1`)
	since := "?since=" + time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339)
	if v := b.verify(since); !v.Holds || v.Rows != 4 || v.Links != 3 {
		t.Errorf("the last day: %+v", v)
	}
	break_(`UPDATE ledger SET reason = 'x' WHERE seq = 1`)
	if v := b.verify(since); !v.Holds {
		t.Errorf("what is broken is older: %+v", v)
	}
	break_(`UPDATE ledger SET reason = 'x' WHERE seq = 5`)
	if v := b.verify(since); v.Holds || !strings.Contains(v.Problem, "row 5 to row 6") {
		t.Errorf("the broken rows are not named: %+v", v)
	}
}

// The contracts are written from services that are built and never started.
func TestTheServiceCanBeDescribedWithoutADatabase(t *testing.T) {
	s := Service()
	i, err := s.New(t.Context(), run.Env{DB: &postgres.DB{Schema: s.Name}, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	r := web.NewRouter(s.Name, nil, slog.New(slog.DiscardHandler))
	i.Routes(r)
	want := "GET /api/notification/stream"
	found := false
	for _, route := range r.Routes() {
		found = found || route.Method+" "+route.Path == want
	}
	if !found || len(r.OpenAPI().Paths) < 10 || len(i.Hears) != 3 || len(i.Loops) < 5 {
		t.Errorf("stream %v, %d paths, %d subscriptions, %d loops", found, len(r.OpenAPI().Paths), len(i.Hears), len(i.Loops))
	}
}
