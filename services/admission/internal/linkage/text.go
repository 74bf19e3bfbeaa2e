package linkage

import "strings"

// letters is a name or street as it is compared: lower-case letters and digits without accents, its
// words apart by one space.
func letters(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range s {
		if f, ok := folded(r); ok {
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteString(f)
			continue
		}
		gap = gap || r != '\'' && r != '.' && r != '’' && r != '`'
	}
	return b.String()
}

const (
	ascii   = "abcdefghijklmnopqrstuvwxyz0123456789"
	accents = "àáâãäåāăąçćčďđðèéêëēėęěğìíîïīįıķĺļľłñńňòóôõöøōőŕřśšşťţùúûüūůűųýÿźżž"
	plain   = "aaaaaaaaacccdddeeeeeeeegiiiiiiikllllnnnoooooooorrsssttuuuuuuuuyyzzz"
)

// folded is a letter or digit without case and accent; false for what is neither.
func folded(r rune) (string, bool) {
	switch {
	case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
	case r >= 'A' && r <= 'Z':
		r += 'a' - 'A'
	case r < 0x80:
		return "", false
	default:
		return foreign(r)
	}
	at := int(r - 'a')
	if r <= '9' {
		at = 26 + int(r-'0')
	}
	return ascii[at : at+1], true
}

func foreign(r rune) (string, bool) {
	switch r {
	case 'ß':
		return "ss", true
	case 'æ', 'Æ':
		return "ae", true
	case 'œ', 'Œ':
		return "oe", true
	case 'þ', 'Þ':
		return "th", true
	}
	lower := []rune(strings.ToLower(string(r)))[0]
	at := 0
	for _, a := range accents {
		if a == lower {
			return plain[at : at+1], true
		}
		at++
	}
	return "", false
}

// jaroWinkler is how alike two words are, 0 to 1.
func jaroWinkler(a, b string) float64 {
	if a == b {
		return 1
	}
	if len(a) == 0 || len(b) == 0 || len(a) > 64 || len(b) > 64 {
		return 0
	}
	reach := max(max(len(a), len(b))/2-1, 0)
	var inA, inB uint64
	matches := 0
	for i := range len(a) {
		for j := max(0, i-reach); j < min(len(b), i+reach+1); j++ {
			if inB&(1<<j) == 0 && a[i] == b[j] {
				inA, inB = inA|1<<i, inB|1<<j
				matches++
				break
			}
		}
	}
	if matches == 0 {
		return 0
	}
	swaps, j := 0, 0
	for i := range len(a) {
		if inA&(1<<i) == 0 {
			continue
		}
		for inB&(1<<j) == 0 {
			j++
		}
		if a[i] != b[j] {
			swaps++
		}
		j++
	}
	m := float64(matches)
	jaro := (m/float64(len(a)) + m/float64(len(b)) + (m-float64(swaps/2))/m) / 3
	start := 0
	for start < min(4, len(a), len(b)) && a[start] == b[start] {
		start++
	}
	return jaro + float64(start)*0.1*(1-jaro)
}

// oneSlip reports whether one word becomes the other by one slip of the hand: a letter more, less,
// another one, or two neighbours swapped. Equal words have none.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// alike reports whether two words are probably one, mistyped.
func alike(a, b string) bool {
	if min(len(a), len(b)) < 3 {
		return false
	}
	return min(len(a), len(b)) > 3 && oneSlip(a, b) || jaroWinkler(a, b) >= 0.93
}
