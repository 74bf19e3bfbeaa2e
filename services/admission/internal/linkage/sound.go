package linkage

import "strings"

// sound is how a name sounds (NYSIIS, the New York State Identification and Intelligence System's
// code, without its limit of six letters). Names that sound alike are often spelled unlike.
func sound(name string) string {
	w := []byte(name)
	if len(w) == 0 {
		return ""
	}
	w = soundEnd(soundStart(w))
	out := []byte{w[0]}
	for i := 1; i < len(w); i++ {
		w = soundAt(w, i)
		if c := w[i]; c != 0 && c != out[len(out)-1] {
			out = append(out, c)
		}
	}
	code := string(out)
	if len(code) > 1 {
		code = strings.TrimSuffix(code, "s")
	}
	if len(code) > 2 && strings.HasSuffix(code, "ay") {
		code = code[:len(code)-2] + "y"
	}
	if len(code) > 1 {
		code = strings.TrimSuffix(code, "a")
	}
	return code
}

var soundStarts = [][2]string{{"mac", "mcc"}, {"kn", "nn"}, {"k", "c"}, {"ph", "ff"}, {"pf", "ff"}, {"sch", "sss"}}

func soundStart(w []byte) []byte {
	for _, s := range soundStarts {
		if strings.HasPrefix(string(w), s[0]) {
			return append([]byte(s[1]), w[len(s[0]):]...)
		}
	}
	return w
}

var soundEnds = [][2]string{{"ee", "y"}, {"ie", "y"}, {"dt", "d"}, {"rt", "d"}, {"rd", "d"}, {"nt", "d"}, {"nd", "d"}}

func soundEnd(w []byte) []byte {
	for _, e := range soundEnds {
		if len(w) > 2 && strings.HasSuffix(string(w), e[0]) {
			return append(w[:len(w)-2:len(w)-2], e[1]...)
		}
	}
	return w
}

func vowel(c byte) bool { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' }

// soundAt puts the letter at i, and those that belong to it, as they sound; 0 is silent.
func soundAt(w []byte, i int) []byte {
	after := func(s string) bool { return strings.HasPrefix(string(w[i:]), s) }
	before := w[i-1]
	switch c := w[i]; {
	case after("ev"):
		w[i], w[i+1] = 'a', 'f'
	case vowel(c):
		w[i] = 'a'
	case c == 'q':
		w[i] = 'g'
	case c == 'z':
		w[i] = 's'
	case c == 'm':
		w[i] = 'n'
	case after("kn"):
		w[i], w[i+1] = 'n', 'n'
	case c == 'k':
		w[i] = 'c'
	case after("sch"):
		w[i], w[i+1], w[i+2] = 's', 's', 's'
	case after("ph"):
		w[i], w[i+1] = 'f', 'f'
	case c == 'h' && (!vowel(before) || i+1 < len(w) && !vowel(w[i+1])), c == 'w' && vowel(before):
		w[i] = before
	case c == ' ':
		w[i] = 0
	}
	return w
}
