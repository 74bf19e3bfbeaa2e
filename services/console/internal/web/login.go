package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/handoff-care/handoff/pkg/fault"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
)

// OIDC says where people sign in. Dev marks the development provider, whose tokens name the
// development issuer and not the provider's address.
type OIDC struct {
	Issuer   string
	ClientID string
	Secret   string // "" for a public client
	Redirect string // this console's own /login/callback
	Dev      bool
}

// provider is the issuer's endpoints, found at the first sign-in: in one process the development
// provider answers only once we serve.
type provider struct {
	mu    sync.Mutex
	found *oauth2.Config
}

func (c *Console) oauth(ctx context.Context) (*oauth2.Config, error) {
	c.login.mu.Lock()
	defer c.login.mu.Unlock()
	if c.login.found != nil {
		return c.login.found, nil
	}
	if c.OIDC.Issuer == "" {
		return nil, refuse(fault.Unavailable, "No sign-in is set up: start with --oidc-issuer, or with --dev for development.")
	}
	if c.OIDC.Dev { // its tokens are those of the command line too, whose issuer is no address
		ctx = oidc.InsecureIssuerURLContext(ctx, web.DevIssuer)
	}
	p, err := oidc.NewProvider(ctx, c.OIDC.Issuer)
	if err != nil {
		return nil, failing(fault.Unavailable, err, "The sign-in service does not answer. Try again in a moment.")
	}
	c.login.found = &oauth2.Config{
		ClientID: c.OIDC.ClientID, ClientSecret: c.OIDC.Secret, Endpoint: p.Endpoint(), RedirectURL: c.OIDC.Redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile"},
	}
	return c.login.found, nil
}

func (c *Console) loginPage(w http.ResponseWriter, r *http.Request) error {
	p := c.page(r, "Sign in")
	if p.Viewer.Subject != "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	unsent, _ := strconv.Atoi(r.URL.Query().Get("unsent")) // none, where it is no number
	c.render(w, r, http.StatusOK, page.Login(p, r.URL.Query().Get("why"), Local(r.URL.Query().Get("next")), unsent))
	return nil
}

func (c *Console) loginStart(w http.ResponseWriter, r *http.Request) error {
	conf, err := c.oauth(r.Context())
	if err != nil {
		return err
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	c.Sessions.Put(r.Context(), w, map[string]string{"state": state, "nonce": nonce, "verifier": verifier, "next": Local(r.URL.Query().Get("next"))})
	http.Redirect(w, r, conf.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce)), http.StatusSeeOther)
	return nil
}

func (c *Console) loginCallback(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	state, nonce := c.Sessions.Pop(ctx, "state"), c.Sessions.Pop(ctx, "nonce")
	verifier, next := c.Sessions.Pop(ctx, "verifier"), c.Sessions.Pop(ctx, "next")
	if state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(q.Get("state"))) != 1 {
		return refuse(fault.Malformed, "This sign-in was not started here, or was started twice. Please sign in again.")
	}
	if q.Get("code") == "" {
		http.Redirect(w, r, "/login?why=refused", http.StatusSeeOther)
		return nil
	}
	conf, err := c.oauth(ctx)
	if err != nil {
		return err
	}
	answer, err := conf.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return failing(fault.Unavailable, err, "The sign-in service did not finish. Please sign in again.")
	}
	token, err := c.accepted(ctx, answer, nonce)
	if err != nil {
		return err
	}
	if err := c.Sessions.SignIn(ctx, w, token); err != nil {
		return err
	}
	http.Redirect(w, r, Local(next), http.StatusSeeOther)
	return nil
}

// accepted returns the token of the answer that this system's APIs accept: the id token where it was
// made for them, else the access token. A nonce in it must be the one we sent.
func (c *Console) accepted(ctx context.Context, answer *oauth2.Token, nonce string) (string, error) {
	id, _ := answer.Extra("id_token").(string)
	if id != "" && !nonceIs(id, nonce) {
		return "", refuse(fault.Malformed, "This sign-in was not started here. Please sign in again.")
	}
	var last error = refuse(fault.Unauthorized, "The sign-in service sent nothing that is valid here. Please sign in again.")
	for _, token := range []string{id, answer.AccessToken} {
		if token == "" {
			continue
		}
		who, err := c.Auth.Who(ctx, token)
		if err != nil {
			last = failing(fault.Forbidden, err, "You are signed in, but not known here yet. Ask your administrator for a role.")
			continue
		}
		if who.Org.IsZero() || len(who.Roles) == 0 {
			return "", refuse(fault.Forbidden, "You are signed in, but have no role here yet. Ask your administrator.")
		}
		return token, c.Store.Met(ctx, who.Org, who.Subject, who.Name)
	}
	return "", last
}

// nonceIs compares the nonce of a token, whose signature is checked by whoever accepts it.
func nonceIs(token, nonce string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Nonce string `json:"nonce"`
	}
	if err != nil || json.Unmarshal(body, &claims) != nil {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(claims.Nonce), []byte(nonce)) == 1
}

// Local keeps redirects inside the console.
func Local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(next, `\`) {
		return "/"
	}
	return u.Path
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request) error {
	if err := c.Sessions.SignOut(r.Context(), w); err != nil {
		return err
	}
	// Who signs out leaves nothing on the device. Who was signed out by the clock does not either - the
	// page sees to that - but is still told of what is urgent until the session would have ended anyway.
	why, clear := "bye", `"cache", "storage"`
	if r.FormValue("why") == "idle" {
		why, clear = "idle", `"cache"`
	}
	w.Header().Set("Clear-Site-Data", clear)
	http.Redirect(w, r, "/login?why="+why, http.StatusSeeOther)
	return nil
}

// keepSession is called while a person works on a page without asking for another. The loading of
// the session has already kept it alive.
func (c *Console) keepSession(w http.ResponseWriter, r *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
