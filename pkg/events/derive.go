package events

import "crypto/sha256"

func derive(ns ID, parts ...string) ID {
	text := append(make([]byte, 0, 160), ns[:]...)
	for _, p := range parts {
		text = append(text, byte(len(p)>>8), byte(len(p))) // length-prefixed: ("a","bc") is not ("ab","c")
		text = append(text, p...)
	}
	sum := sha256.Sum256(text)
	id := ID(sum[:len(ID{})])
	id[6] = id[6]&0x0f | 0x80 // version 8: custom
	id[8] = id[8]&0x3f | 0x80
	return id
}
