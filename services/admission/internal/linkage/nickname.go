package linkage

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed nicknames.txt
var nicknameLines string

// nicknames says which names people who are called by a name may have in their papers: each line of
// nicknames.txt is a name and what it is called for short.
var nicknames = sync.OnceValue(func() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(nicknameLines) {
		words := strings.Fields(line)
		for _, w := range words {
			out[w] = append(out[w], words[0])
		}
	}
	return out
})

// sameRoot reports whether two different given names may be one person's: one short for the other,
// or both short for a third.
func sameRoot(a, b string) bool {
	for _, x := range nicknames()[a] {
		for _, y := range nicknames()[b] {
			if x == y {
				return true
			}
		}
	}
	return false
}

// roots are the names a given name may be short for, else itself.
func roots(given string) []string {
	if r := nicknames()[given]; len(r) > 0 {
		return r
	}
	return []string{given}
}
