// Package session keeps people signed in.
//
// Guarantee: the browser holds a random cookie and nothing else. Our side holds its hash and what
// belongs to it, sealed with a key that only the cookie gives: whoever reads the table can neither
// use a session nor read the token in it. A session ends after Idle without a person's request (an
// open stream or a page's own refresh is none), after Lifetime, when its token expires, or at sign-out.
// Its cookie changes when somebody signs in.
package session

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// How long a session lasts.
const (
	Idle     = 15 * time.Minute
	Lifetime = 12 * time.Hour
)

// Manager loads and keeps sessions. Safe for concurrent use.
type Manager struct {
	scs  *scs.SessionManager
	auth *web.Authority
}

// New returns a manager. secure says that people reach the console by https.
func New(s *store.Store, auth *web.Authority, secure bool) *Manager {
	m := scs.New()
	m.Store = vault{s}
	m.IdleTimeout, m.Lifetime = Idle, Lifetime
	m.Cookie.Name, m.Cookie.Secure, m.Cookie.HttpOnly, m.Cookie.SameSite = "handoff", secure, true, http.SameSiteLaxMode
	m.Cookie.Persist = false // gone when the browser closes
	if secure {
		m.Cookie.Name = "__Host-handoff"
	}
	return &Manager{m, auth}
}

type whoKey struct{}

type who struct {
	principal web.Principal
	token     string
}

// Load gives the request its session. Requests that a page makes by itself (Background) read the
// session without keeping it alive.
func (m *Manager) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie := ""
		if c, err := r.Cookie(m.scs.Cookie.Name); err == nil {
			cookie = c.Value
		}
		ctx, err := m.scs.Load(r.Context(), cookie)
		if err != nil {
			web.WriteProblem(w, err)
			return
		}
		if token := m.scs.GetString(ctx, "token"); token != "" {
			if p, err := m.auth.Who(ctx, token); err == nil {
				ctx = web.WithPrincipal(context.WithValue(ctx, whoKey{}, who{p, token}), p)
				if !background(r) {
					m.keep(ctx, w)
				}
			}
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// background reports whether a page, not a person, made the request.
func background(r *http.Request) bool {
	return r.Header.Get("X-Background") != "" || strings.HasPrefix(r.URL.Path, "/live/")
}

// keep writes the session and its cookie.
func (m *Manager) keep(ctx context.Context, w http.ResponseWriter) {
	token, expiry, err := m.scs.Commit(ctx)
	if err != nil {
		return // the session runs out a little earlier
	}
	m.scs.WriteSessionCookie(ctx, w, token, expiry)
}

// Token returns the bearer token of whoever is signed in, or "".
func Token(ctx context.Context) string {
	w, _ := ctx.Value(whoKey{}).(who)
	return w.token
}

// Still finds out anew who belongs to a request's session: its end is felt by a stream that is still
// open. ok is false when nobody does any more.
func (m *Manager) Still(r *http.Request) (p web.Principal, ok bool) {
	c, err := r.Cookie(m.scs.Cookie.Name)
	if err != nil {
		return p, false
	}
	ctx, err := m.scs.Load(context.WithoutCancel(fresh(r.Context())), c.Value)
	if err != nil {
		return p, false
	}
	token := m.scs.GetString(ctx, "token")
	if token == "" {
		return p, false
	}
	p, err = m.auth.Who(ctx, token)
	return p, err == nil
}

// fresh hides the session that a context already carries: scs would return that one.
func fresh(ctx context.Context) context.Context { return bare{ctx} }

type bare struct{ context.Context }

func (bare) Value(any) any { return nil }

// Put remembers a value for the next steps of signing in, or as a message for the next page.
func (m *Manager) Put(ctx context.Context, w http.ResponseWriter, values map[string]string) {
	for k, v := range values {
		m.scs.Put(ctx, k, v)
	}
	m.keep(ctx, w)
}

// Device is a name for the session that gives nothing away about it: what a device keeps is bound to
// it. until is when the session ends whatever happens.
func (m *Manager) Device(ctx context.Context) (name string, until time.Time) {
	token := m.scs.Token(ctx)
	if token == "" {
		return "", until
	}
	sum := sha256.Sum256([]byte("device\x00" + token))
	return hex.EncodeToString(sum[:12]), m.scs.Deadline(ctx)
}

// Pop takes a value out.
func (m *Manager) Pop(ctx context.Context, key string) string { return m.scs.PopString(ctx, key) }

// SignIn makes the session belong to token's owner, under a new cookie.
func (m *Manager) SignIn(ctx context.Context, w http.ResponseWriter, token string) error {
	if err := m.scs.RenewToken(ctx); err != nil {
		return err
	}
	m.scs.Put(ctx, "token", token)
	id, expiry, err := m.scs.Commit(ctx)
	if err != nil {
		return err
	}
	m.scs.WriteSessionCookie(ctx, w, id, expiry)
	return nil
}

// SignOut ends the session.
func (m *Manager) SignOut(ctx context.Context, w http.ResponseWriter) error {
	err := m.scs.Destroy(ctx)
	m.scs.WriteSessionCookie(ctx, w, "", time.Time{})
	return err
}

// vault is the scs store: it seals what it keeps.
type vault struct{ store *store.Store }

func keys(token string) (id []byte, seal cipher.AEAD, err error) {
	sum := sha256.Sum256([]byte("id\x00" + token))
	key, err := hkdf.Key(sha256.New, []byte(token), nil, "handoff console session", 32)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	seal, err = cipher.NewGCM(block)
	return sum[:], seal, err
}

// FindCtx implements scs.CtxStore.
func (v vault) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	id, seal, err := keys(token)
	if err != nil {
		return nil, false, err
	}
	data, err := v.store.Session(ctx, id)
	if err != nil || len(data) < seal.NonceSize() {
		return nil, false, err
	}
	plain, err := seal.Open(nil, data[:seal.NonceSize()], data[seal.NonceSize():], id)
	return plain, err == nil, nil // tampered with: no session
}

// CommitCtx implements scs.CtxStore.
func (v vault) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	id, seal, err := keys(token)
	if err != nil {
		return err
	}
	nonce := make([]byte, seal.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	return v.store.KeepSession(ctx, id, seal.Seal(nonce, nonce, b, id), expiry)
}

// DeleteCtx implements scs.CtxStore.
func (v vault) DeleteCtx(ctx context.Context, token string) error {
	id, _, err := keys(token)
	if err != nil {
		return err
	}
	return v.store.EndSession(ctx, id)
}

// Find implements scs.Store.
func (v vault) Find(token string) ([]byte, bool, error) {
	return v.FindCtx(context.Background(), token)
}

// Commit implements scs.Store.
func (v vault) Commit(token string, b []byte, expiry time.Time) error {
	return v.CommitCtx(context.Background(), token, b, expiry)
}

// Delete implements scs.Store.
func (v vault) Delete(token string) error { return v.DeleteCtx(context.Background(), token) }
