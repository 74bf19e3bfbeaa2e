package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

const keyStart = "hk_"

var keyText = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewKey makes an API key of 256 random bits: its text, to be shown once, and what is stored of it.
func NewKey() (text, prefix string, hash []byte) {
	var secret [32]byte
	_, _ = rand.Read(secret[:])
	var public [5]byte
	_, _ = rand.Read(public[:])
	prefix = strings.ToLower(keyText.EncodeToString(public[:]))
	text = keyStart + prefix + "_" + strings.ToLower(keyText.EncodeToString(secret[:]))
	sum := sha256.Sum256([]byte(text))
	return text, prefix, sum[:]
}

func cutKey(text string) (prefix, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, keyStart)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "_")
}
