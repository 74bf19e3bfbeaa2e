package devoidc

import (
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/devkey"
	"github.com/handoff-care/handoff/pkg/web"
)

// Path is where the provider is mounted.
const Path = "/dev/oidc/"

const codeLife = time.Minute

//go:embed page.html style.css
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// Provider is an http.Handler for Path. Safe for concurrent use.
type Provider struct {
	key   *devkey.Key
	mux   *http.ServeMux
	mu    sync.Mutex
	codes map[string]grant
}

// grant is a code that was given out.
type grant struct {
	who                                Persona
	client, redirect, challenge, nonce string
	until                              time.Time
}

// New returns a provider that signs with key.
func New(key *devkey.Key) *Provider {
	p := &Provider{key: key, mux: http.NewServeMux(), codes: map[string]grant{}}
	p.mux.HandleFunc("GET "+Path+".well-known/openid-configuration", p.discovery)
	p.mux.HandleFunc("GET "+Path+"jwks", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, key.JWKS()) })
	p.mux.HandleFunc("GET "+Path+"authorize", p.authorize)
	p.mux.HandleFunc("POST "+Path+"token", p.token)
	p.mux.HandleFunc("GET "+Path+"style.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "style.css") })
	return p
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	if !loopback(from) || !loopback(hostOf(r.Host)) {
		http.Error(w, "development logins work on this machine only", http.StatusForbidden)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	p.mux.ServeHTTP(w, r)
}

func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return hostport
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) {
	base := "http://" + r.Host + Path
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer": web.DevIssuer, "authorization_endpoint": base + "authorize", "token_endpoint": base + "token", "jwks_uri": base + "jwks",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "scopes_supported": []string{"openid", "profile"},
		"grant_types_supported": []string{"authorization_code"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"none", "client_secret_basic", "client_secret_post"},
	})
}

// authorize shows the personas, or, once one is chosen (by the page or by login_hint), sends the
// browser back with a code.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case err != nil || !back.IsAbs() || !loopback(back.Hostname()):
		http.Error(w, "redirect_uri must be an address of this machine", http.StatusBadRequest)
	case q.Get("client_id") == "" || q.Get("response_type") != "code":
		http.Error(w, "client_id and response_type=code are required", http.StatusBadRequest)
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		http.Error(w, "a PKCE challenge by S256 is required", http.StatusBadRequest)
	default:
		i := slices.IndexFunc(Personas, func(who Persona) bool { return who.Subject == q.Get("login_hint") })
		if i < 0 {
			p.pick(w, q)
			return
		}
		code := p.grant(grant{
			who: Personas[i], client: q.Get("client_id"), redirect: q.Get("redirect_uri"),
			challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), until: time.Now().Add(codeLife),
		})
		answer := back.Query()
		answer.Set("code", code)
		answer.Set("state", q.Get("state"))
		back.RawQuery = answer.Encode()
		http.Redirect(w, r, back.String(), http.StatusFound)
	}
}

func (p *Provider) pick(w http.ResponseWriter, q url.Values) {
	type choice struct {
		Persona
		Link string
	}
	choices := make([]choice, len(Personas))
	for i, who := range Personas {
		q.Set("login_hint", who.Subject)
		choices[i] = choice{who, "authorize?" + q.Encode()}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.ExecuteTemplate(w, "page.html", choices) // the browser has gone, if anything
}

func (p *Provider) grant(g grant) string {
	code := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, old := range p.codes {
		if time.Now().After(old.until) {
			delete(p.codes, c)
		}
	}
	p.codes[code] = g
	return code
}

// redeem takes a code out: it works once, also when the rest of the request is wrong.
func (p *Provider) redeem(code string) (grant, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.codes[code]
	delete(p.codes, code)
	return g, ok && time.Now().Before(g.until)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if r.ParseForm() != nil || r.PostForm.Get("grant_type") != "authorization_code" {
		refuse(w, "unsupported_grant_type")
		return
	}
	client := r.PostForm.Get("client_id")
	if user, _, ok := r.BasicAuth(); ok {
		client = user
	}
	g, ok := p.redeem(r.PostForm.Get("code"))
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !ok || g.client != client || g.redirect != r.PostForm.Get("redirect_uri") || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		refuse(w, "invalid_grant")
		return
	}
	extra := map[string]any{}
	if g.nonce != "" {
		extra["nonce"] = g.nonce
	}
	token, err := p.key.Token(g.who.Claims(), time.Now(), extra)
	if err != nil {
		http.Error(w, "the token could not be signed", http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": token, "id_token": token, "token_type": "Bearer", "expires_in": int(devkey.Life.Seconds()),
	})
}

func refuse(w http.ResponseWriter, code string) {
	writeJSON(w, http.StatusBadRequest, map[string]string{"error": code})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
