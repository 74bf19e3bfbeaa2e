package events

import "crypto/sha256"

func derive(ns ID, parts ...string) ID {
	h := sha256.New()
	h.Write(ns[:])
	for _, p := range parts {
		h.Write([]byte{byte(len(p) >> 8), byte(len(p))}) // length-prefixed: ("a","bc") is not ("ab","c")
		h.Write([]byte(p))
	}
	var id ID
	copy(id[:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x80 // version 8: custom
	id[8] = id[8]&0x3f | 0x80
	return id
}
