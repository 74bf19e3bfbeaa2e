// Package seal keeps bytes unreadable where they are stored.
//
// Guarantee: what a Key sealed is opened with the same key and the same label, unchanged, or not at
// all (ErrDamaged). A data key is stored wrapped, under a key that is kept elsewhere (a Wrapper: Keys
// is the one in a file): whoever has the store, or a copy of it, and not that file reads nothing. Once
// the last copy of a wrapped data key is gone nobody reads what it sealed, whatever else they have.
//
// Everything is AES-256-GCM. Nonces are random, 96 bits: a key may seal 2^32 messages before two of them
// share a nonce with a probability of 2^-32. Whoever seals changes keys long before (Most).
package seal
