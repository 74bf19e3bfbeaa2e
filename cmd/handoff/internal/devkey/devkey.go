// Package devkey signs development tokens.
//
// Guarantee: a token is signed only with the key that a program started with --dev made in its data
// directory (run.DevKey). It names the development issuer, which a program that was not started
// with --dev does not accept.
package devkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
)

// Life is how long a token is valid.
const Life = 12 * time.Hour

// ErrNone is returned by Load where no program was started with --dev on this data directory.
var ErrNone = errors.New("there is no development key here: development tokens work only with an instance that was started with --dev")

// Key signs tokens. Safe for concurrent use.
type Key struct {
	private *ecdsa.PrivateKey
	id      string
}

// Claims are whom a token is for.
type Claims struct {
	Subject string     `json:"-"`
	Name    string     `json:"name"`
	Org     events.ID  `json:"org"`
	Roles   []web.Role `json:"roles"`
}

// Load reads the key of a data directory; ErrNone if there is none.
func Load(data string) (*Key, error) {
	if _, err := os.Stat(filepath.Join(data, "dev-key.pem")); errors.Is(err, os.ErrNotExist) {
		return nil, ErrNone
	}
	return Create(data)
}

// Create reads the key of a data directory, making it where there is none.
func Create(data string) (*Key, error) {
	private, err := run.DevKey(data)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return &Key{private: private, id: base64.RawURLEncoding.EncodeToString(sum[:8])}, nil
}

// Public is the half that verifies tokens.
func (k *Key) Public() crypto.PublicKey { return k.private.Public() }

// JWKS is the public half as a JSON Web Key Set.
func (k *Key) JWKS() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.private.Public(), KeyID: k.id, Algorithm: string(jose.ES256), Use: "sig"}}}
}

// Token signs a token, valid from now for Life. more are structs with further claims.
func (k *Key) Token(c Claims, now time.Time, more ...any) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", k.id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.private}, options)
	if err != nil {
		return "", err
	}
	b := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: web.DevIssuer, Audience: jwt.Audience{web.TokenAudience}, Subject: c.Subject,
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)), Expiry: jwt.NewNumericDate(now.Add(Life)),
	}).Claims(c)
	for _, m := range more {
		b = b.Claims(m)
	}
	return b.Serialize()
}
