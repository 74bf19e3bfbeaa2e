package backbone

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/handoff-care/handoff/pkg/web"
)

func (b *bench) token(role web.Role) string {
	b.t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: b.key}, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := jwt.Signed(s).Claims(map[string]any{"iss": web.DevIssuer, "aud": web.TokenAudience, "sub": "x", "org": org,
		"roles": []web.Role{role}, "exp": time.Now().Add(time.Hour).Unix()}).Serialize()
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *bench) ask(method, path string, role web.Role) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.program.URL()+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if role != "" {
		req.Header.Set("Authorization", "Bearer "+b.token(role))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestWhatEveryServiceAnswers(t *testing.T) {
	b := newBench(t)
	list := keys(1)
	b.mu.Lock()
	b.poison[list[0]] = true
	b.mu.Unlock()
	b.announce(list[0])
	b.announce(keys(1)[0])
	b.await(1)
	for _, c := range []struct {
		method, path string
		role         web.Role
		status       int
		says         string
	}{
		{"GET", "/healthz", "", 200, "ok"},
		{"GET", "/readyz", "", 200, "ready"},
		{"GET", "/metrics", "", 200, `handoff_consumer_events_total{service="beta",stream="alpha"}`},
		{"GET", "/api/beta/reconcile", "", 401, "sign in"},
		{"GET", "/api/beta/reconcile", web.Auditor, 200, `"difference":0`},
		{"GET", "/api/beta/figures", web.Operations, 200, `handoff_consumer_events_total{stream=alpha}`},
		{"GET", "/api/beta/figures", web.Liaison, 403, "role"},
		{"GET", "/api/beta/parked", web.Operations, 200, list[0].String()},
		{"GET", "/api/beta/parked/alpha/" + list[0].String(), web.Operations, 200, "care.facility.changed.v1"},
		{"GET", "/api/beta/parked/alpha/not-an-id", web.Operations, 422, ""},
		{"POST", "/api/beta/parked/alpha/" + list[0].String() + "/replay?dry_run=true", web.Auditor, 403, "role"},
		{"POST", "/api/beta/parked/alpha/" + list[0].String() + "/replay?dry_run=true", web.Operations, 409, "still fails"},
		{"GET", "/api/beta/nothing", web.Operations, 404, ""},
	} {
		status, body := b.ask(c.method, c.path, c.role)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s as %q: %d %.300s", c.method, c.path, c.role, status, body)
		}
	}
	b.mu.Lock()
	delete(b.poison, list[0])
	b.mu.Unlock()
	status, body := b.ask("POST", "/api/beta/parked/alpha/"+list[0].String()+"/replay", web.Operations)
	var out struct{ Events int }
	if err := json.Unmarshal([]byte(body), &out); status != 200 || err != nil || out.Events != 1 {
		t.Errorf("replay: %d %s", status, body)
	}
}

func TestASecondProgramOnTheSameAddressSaysSo(t *testing.T) {
	b := newBench(t)
	if err := b.second(); err == nil || !strings.Contains(err.Error(), "--http") {
		t.Errorf("%v", err)
	}
}
