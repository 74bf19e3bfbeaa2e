package web

import (
	"context"
	"crypto"
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
)

// TokenAudience is the audience of every token this system accepts.
const TokenAudience = "handoff"

// Resolver finds who a credential that is not a token belongs to: a feed's API key.
type Resolver func(ctx context.Context, credential string) (Principal, bool)

// Authority finds out who a bearer token belongs to. Safe for concurrent use.
type Authority struct {
	verifier *oidc.IDTokenVerifier
	dev      bool
	extra    []Resolver
	mu       sync.Mutex
	seen     map[[32]byte]known // verified tokens until they expire, so that a signature is checked once
}

type known struct {
	who   Principal
	until time.Time
}

// NewAuthority accepts tokens of an OpenID Connect issuer, found by discovery.
func NewAuthority(ctx context.Context, issuer string) (*Authority, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the OpenID issuer %s cannot be read", issuer)
	}
	v := provider.Verifier(&oidc.Config{ClientID: TokenAudience, SupportedSigningAlgs: []string{"ES256", "RS256", "EdDSA"}})
	return &Authority{verifier: v, seen: map[[32]byte]known{}}, nil
}

// DevIssuer is the issuer of development tokens.
const DevIssuer = "handoff-development"

// NewDevAuthority accepts development tokens signed by the private half of key.
func NewDevAuthority(key crypto.PublicKey) *Authority {
	v := oidc.NewVerifier(DevIssuer, &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key}},
		&oidc.Config{ClientID: TokenAudience, SupportedSigningAlgs: []string{"ES256"}})
	return &Authority{verifier: v, dev: true, seen: map[[32]byte]known{}}
}

// Also lets r resolve credentials that are not tokens. Call it before serving.
func (a *Authority) Also(r Resolver) { a.extra = append(a.extra, r) }

// Who verifies a token (or other credential) and returns its principal.
func (a *Authority) Who(ctx context.Context, token string) (Principal, error) {
	sum := sha256.Sum256([]byte(token))
	a.mu.Lock()
	k, ok := a.seen[sum]
	a.mu.Unlock()
	if ok && time.Now().Before(k.until) {
		return k.who, nil
	}
	if strings.Count(token, ".") != 2 {
		for _, r := range a.extra {
			if p, ok := r(ctx, token); ok {
				return p, nil
			}
		}
		return Principal{}, fault.New(fault.Unauthorized, "the credential is not known here")
	}
	return a.verify(ctx, token, sum)
}

func (a *Authority) verify(ctx context.Context, token string, sum [32]byte) (Principal, error) {
	id, err := a.verifier.Verify(ctx, token)
	if err != nil {
		return Principal{}, fault.Wrap(fault.Unauthorized, err, "the token is not valid here, or has expired")
	}
	var claims struct {
		Name  string    `json:"name"`
		Org   events.ID `json:"org"`
		Roles []Role    `json:"roles"`
	}
	if err := id.Claims(&claims); err != nil {
		return Principal{}, fault.Wrap(fault.Unauthorized, err, "the token's claims cannot be read")
	}
	p := Principal{Subject: id.Subject, Name: claims.Name, Org: claims.Org, Roles: claims.Roles, Dev: a.dev}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) > 10_000 {
		clear(a.seen)
	}
	a.seen[sum] = known{p, id.Expiry}
	return p, nil
}

func bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
