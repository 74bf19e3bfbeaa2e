package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Secret returns what keyed digests are made with: made once for all processes and kept in the
// database, and mixed with the operator's own key, if there is one, which is kept elsewhere. A key
// other than that of the first start is refused: with another one, equal values would look different.
func (s *Store) Secret(ctx context.Context, operator []byte) ([]byte, error) {
	var secret []byte
	err := s.DB.SystemTx(ctx, func(tx pgx.Tx) error {
		fresh := make([]byte, 32)
		_, _ = rand.Read(fresh)
		if _, err := tx.Exec(ctx, `INSERT INTO identity_secret (secret, seal) VALUES ($1, $2) ON CONFLICT DO NOTHING`, fresh, witness(mixed(fresh, operator))); err != nil {
			return err
		}
		var stored, sealed []byte
		if err := tx.QueryRow(ctx, `SELECT secret, seal FROM identity_secret`).Scan(&stored, &sealed); err != nil {
			return err
		}
		secret = mixed(stored, operator)
		if !hmac.Equal(witness(secret), sealed) {
			return errors.New("this database was first used with another identity key (--identity-key-file), or with none: start with that one")
		}
		return nil
	})
	return secret, err
}

func mixed(secret, operator []byte) []byte {
	if len(operator) == 0 {
		return secret
	}
	h := hmac.New(sha256.New, operator)
	h.Write(secret)
	return h.Sum(nil)
}

func witness(secret []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("seal"))
	return h.Sum(nil)
}
