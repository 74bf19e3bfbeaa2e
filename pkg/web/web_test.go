package web

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/jackc/pgx/v5"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/postgres/pgtest"
)

var org = events.Derive("org")

type issuer struct{ key *ecdsa.PrivateKey }

func newIssuer(t *testing.T) issuer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{key}
}

func (i issuer) token(t *testing.T, audience string, expiry time.Time, roles ...Role) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(s).Claims(map[string]any{"iss": DevIssuer, "aud": audience, "sub": "maria", "name": "Maria", "org": org, "roles": roles, "exp": expiry.Unix()}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type echo struct {
	Body struct {
		Subject string `json:"subject"`
	}
}

func router(t *testing.T, i issuer) *Router {
	r := NewRouter("test", NewDevAuthority(i.key.Public()), slog.New(slog.DiscardHandler))
	Handle(r, TasksWork, "POST", "/work", "Work", func(ctx context.Context, _ *struct{}) (*echo, error) {
		out := &echo{}
		out.Body.Subject = From(ctx).Subject
		return out, nil
	})
	Handle(r, TasksWork, "POST", "/strict", "Needs a body", func(context.Context, *struct{ Body struct{ N int } }) (*echo, error) { return &echo{}, nil })
	Handle(r, TasksRead, "GET", "/lost", "A lost race", func(context.Context, *struct{}) (*echo, error) {
		return nil, fault.Wrap(fault.Conflict, context.DeadlineExceeded, "Ana was first").With("owner", "ana")
	})
	Handle(r, TasksRead, "GET", "/broken", "A fault of ours", func(context.Context, *struct{}) (*echo, error) { panic("inner secret") })
	return r
}

func ask(r http.Handler, method, path, token string) (*http.Response, map[string]any) {
	req := httptest.NewRequest(method, path, nil)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	var body map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &body)
	return w.Result(), body
}

func TestWhoMayDoWhat(t *testing.T) {
	i, stranger := newIssuer(t), newIssuer(t)
	r := router(t, i)
	soon := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"nobody":                       {"", 401},
		"a liaison":                    {i.token(t, TokenAudience, soon, Liaison), 200},
		"an auditor":                   {i.token(t, TokenAudience, soon, Auditor), 403},
		"a token without a role":       {i.token(t, TokenAudience, soon), 403},
		"a role nobody knows":          {i.token(t, TokenAudience, soon, "emperor"), 403},
		"an expired token":             {i.token(t, TokenAudience, time.Now().Add(-time.Hour), Liaison), 401},
		"a token for somebody else":    {i.token(t, "elsewhere", soon, Liaison), 401},
		"a token signed by a stranger": {stranger.token(t, TokenAudience, soon, Liaison), 401},
		"no token at all":              {"key-that-is-unknown", 401},
		"the algorithm none":           {"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", 401},
	} {
		t.Run(name, func(t *testing.T) {
			res, body := ask(r, "POST", "/work", c.token)
			if res.StatusCode != c.want {
				t.Errorf("got %d %v, want %d", res.StatusCode, body, c.want)
			}
		})
	}
}

func TestWhoMayNotAskLearnsNothingAboutTheQuestion(t *testing.T) {
	i := newIssuer(t)
	r := router(t, i)
	if res, _ := ask(r, "POST", "/strict", i.token(t, TokenAudience, time.Now().Add(time.Hour), Auditor)); res.StatusCode != 403 {
		t.Errorf("an auditor's bad request: %d", res.StatusCode)
	}
	if res, _ := ask(r, "POST", "/strict", i.token(t, TokenAudience, time.Now().Add(time.Hour), Liaison)); res.StatusCode != 400 && res.StatusCode != 422 {
		t.Errorf("a liaison's bad request: %d", res.StatusCode)
	}
}

func TestErrorsSayWhatTheCallerMayKnow(t *testing.T) {
	i := newIssuer(t)
	r := router(t, i)
	token := i.token(t, TokenAudience, time.Now().Add(time.Hour), Liaison)
	res, body := ask(r, "GET", "/lost", token)
	if res.StatusCode != 409 || body["owner"] != "ana" || body["detail"] != "Ana was first" || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v %s", res.StatusCode, body, res.Header)
	}
	res, body = ask(r, "GET", "/broken", token)
	if text, _ := json.Marshal(body); res.StatusCode != 500 || strings.Contains(string(text), "secret") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
}

func TestRoutesNeedAPermissionOfTheTable(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a route with a permission that is in no table was taken")
		}
	}()
	NewRouter("test", nil, slog.Default()).Raw("whatever", "GET", "/x", nil)
}

func TestAuditorsWriteNothing(t *testing.T) {
	auditor := Principal{Subject: "a", Org: org, Roles: []Role{Auditor}}
	for _, perm := range Permissions() {
		if Allow(auditor, perm) && !strings.HasSuffix(string(perm), ".read") {
			t.Errorf("an auditor may %s", perm)
		}
	}
	if Allow(auditor, NamesRead) || Allow(auditor, MessageContent) {
		t.Error("an auditor may read names")
	}
	if !Allow(auditor, LedgerRead) || !Allow(auditor, ReconcileRead) {
		t.Error("an auditor may not read the ledger")
	}
}

func TestARequestIsAnsweredOnce(t *testing.T) {
	db := pgtest.DB(t, "web", Migrations())
	ctx := WithPrincipal(t.Context(), Principal{Subject: "maria", Org: org})
	ctx = context.WithValue(ctx, requestKey{}, requestInfo{"", "key-1"})
	done := 0
	do := func(request string) (*echo, error) {
		var out *echo
		err := db.Tx(ctx, org, func(tx pgx.Tx) (err error) {
			out, err = Once(ctx, tx, request, func() (*echo, error) {
				done++
				e := &echo{}
				e.Body.Subject = request
				return e, nil
			})
			return err
		})
		return out, err
	}
	for range 3 {
		if out, err := do("claim 7"); err != nil || out.Body.Subject != "claim 7" {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	if done != 1 {
		t.Errorf("done %d times", done)
	}
	if _, err := do("claim 8"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("the same key for another request: %v", err)
	}
}

func TestCursorsOfStrangersAreRefused(t *testing.T) {
	var at struct{ N int }
	if _, err := DecodeCursor("not ours", &at); fault.KindOf(err) != fault.Malformed {
		t.Error(err)
	}
	if ok, err := DecodeCursor(EncodeCursor(struct{ N int }{7}), &at); !ok || err != nil || at.N != 7 {
		t.Errorf("%v %v %d", ok, err, at.N)
	}
	page := Page([]int{1, 2, 3}, 2, func(n int) any { return n })
	if len(page.Body.Items) != 2 || page.Body.Next == nil || Page([]int{1}, 2, nil).Body.Next != nil {
		t.Errorf("%+v", page)
	}
}
