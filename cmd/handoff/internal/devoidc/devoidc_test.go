package devoidc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/cmd/handoff/internal/devkey"
	"github.com/handoff-care/handoff/pkg/web"
)

const verifier = "a-verifier-of-at-least-forty-three-characters-0123"

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func provider(t *testing.T) (*Provider, *devkey.Key) {
	t.Helper()
	key, err := devkey.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return New(key), key
}

func ask(change ...string) url.Values {
	q := url.Values{
		"client_id": {"console"}, "response_type": {"code"}, "redirect_uri": {"http://127.0.0.1:8080/auth/callback"}, "state": {"s"},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"}, "login_hint": {"maria.santos"},
	}
	for i := 0; i < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return q
}

func request(method, target string, form url.Values) *http.Request {
	r := httptest.NewRequest(method, "http://127.0.0.1:8080"+Path+target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = "127.0.0.1:40000"
	return r
}

func serve(p *Provider, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func code(t *testing.T, p *Provider) string {
	t.Helper()
	w := serve(p, request("GET", "authorize?"+ask().Encode(), nil))
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusFound || to.Query().Get("state") != "s" || to.Path != "/auth/callback" {
		t.Fatalf("status %d, location %q; want a way back with a code and the state", w.Code, w.Header().Get("Location"))
	}
	return to.Query().Get("code")
}

func exchange(p *Provider, form url.Values) (status int, answer map[string]any) {
	w := serve(p, request("POST", "token", form))
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer
}

func form(code string, change ...string) url.Values {
	f := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
		"client_id": {"console"}, "redirect_uri": {"http://127.0.0.1:8080/auth/callback"},
	}
	for i := 0; i < len(change); i += 2 {
		f.Set(change[i], change[i+1])
	}
	return f
}

func TestAPersonaSignsIn(t *testing.T) {
	p, key := provider(t)
	status, answer := exchange(p, form(code(t, p)))
	if status != http.StatusOK {
		t.Fatalf("status %d %v", status, answer)
	}
	got, err := web.NewDevAuthority(key.Public()).Who(t.Context(), answer["id_token"].(string))
	if err != nil {
		t.Fatal(err)
	}
	want := web.Principal{Subject: "maria.santos", Name: "Maria Santos", Org: OrgID(DemoOrg), Roles: []web.Role{web.Liaison}, Dev: true}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestACodeWorksOnceAndOnlyForItsAsker(t *testing.T) {
	p, _ := provider(t)
	used := code(t, p)
	if status, _ := exchange(p, form(used)); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if status, _ := exchange(p, form(used)); status != http.StatusBadRequest {
		t.Fatalf("a code worked twice: status %d", status)
	}
	for name, change := range map[string][]string{
		"another verifier": {"code_verifier", "x"},
		"another client":   {"client_id", "other"},
		"another address":  {"redirect_uri", "http://127.0.0.1:9999/auth/callback"},
		"another code":     {"code", "x"},
	} {
		if status, _ := exchange(p, form(code(t, p), change...)); status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, status)
		}
	}
}

func TestThePageListsEveryPersona(t *testing.T) {
	p, _ := provider(t)
	w := serve(p, request("GET", "authorize?"+ask("login_hint", "").Encode(), nil))
	for _, who := range Personas {
		if !strings.Contains(w.Body.String(), who.Name) {
			t.Errorf("%s is not on the page", who.Name)
		}
	}
	for _, role := range web.Roles {
		if !strings.Contains(w.Body.String(), "<span>"+string(role)+"</span>") {
			t.Errorf("nobody on the page has the role %s", role)
		}
	}
}

func TestNothingButLoopback(t *testing.T) {
	p, _ := provider(t)
	outside := request("GET", "authorize?"+ask().Encode(), nil)
	outside.RemoteAddr = "192.0.2.7:40000"
	rebound := request("GET", "authorize?"+ask().Encode(), nil)
	rebound.Host = "attacker.example:8080"
	for name, r := range map[string]*http.Request{
		"another machine": outside, "another name for this machine": rebound,
		"a way back to another machine": request("GET", "authorize?"+ask("redirect_uri", "https://attacker.example/").Encode(), nil),
		"no PKCE":                       request("GET", "authorize?"+ask("code_challenge", "").Encode(), nil),
		"plain PKCE":                    request("GET", "authorize?"+ask("code_challenge_method", "plain").Encode(), nil),
	} {
		if w := serve(p, r); w.Code < 400 || w.Header().Get("Location") != "" {
			t.Errorf("%s: status %d, location %q; want a refusal", name, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestDiscoveryNamesWhatExists(t *testing.T) {
	p, _ := provider(t)
	var doc map[string]any
	if err := json.Unmarshal(serve(p, request("GET", ".well-known/openid-configuration", nil)).Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"jwks_uri", "authorization_endpoint"} {
		at, err := url.Parse(doc[key].(string))
		if err != nil {
			t.Fatal(err)
		}
		if w := serve(p, request("GET", strings.TrimPrefix(at.Path, Path), nil)); w.Code == http.StatusNotFound {
			t.Errorf("%s %s is not there", key, at)
		}
	}
}
