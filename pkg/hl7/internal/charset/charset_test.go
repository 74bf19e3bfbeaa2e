package charset

import (
	"testing"
	"unicode/utf8"
)

func TestNamesHospitalsUse(t *testing.T) {
	for name, want := range map[string]Set{
		"UNICODE UTF-8": UTF8, "UTF-8": UTF8, "utf8": UTF8, "UNICODE": UTF8, "8859/1": Windows1252, "ISO-8859-1": Windows1252,
		"iso8859_2": Part2, "8859/9": Part9, "8859/15": Part15, "windows-1252": Windows1252, "CP1252": Windows1252,
		"ASCII": Unknown, "": Unknown, "8859/16": Unknown, "8859/10": Unknown, "8859/0": Unknown, "ISO IR87": Unknown, "UNICODE UTF-16": Unknown,
	} {
		if got := Lookup(name); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
		if got := LookupBytes([]byte(name)); got != want {
			t.Errorf("bytes %q are %s, want %s", name, got, want)
		}
		if want != Unknown && Lookup(want.String()) != want {
			t.Errorf("%s does not know its own name", want)
		}
	}
}

func TestCharactersOfEachSet(t *testing.T) {
	for set, c := range map[Set]struct{ bytes, text string }{
		Windows1252: {"\x80\x93\xe9\xfc", "€“éü"}, Part2: {"\xa3\xb1\xe8", "Łąč"}, Part3: {"\xa1\xb1", "Ħħ"}, Part4: {"\xa2\xe7", "ĸį"},
		Part5: {"\xb6\xf1", "Жё"}, Part6: {"\xc7\xd3", "اس"}, Part7: {"\xc1\xf9", "Αω"}, Part8: {"\xe0\xfa", "את"}, Part9: {"\xdd\xfe", "İş"},
		Part15: {"\xa4\xbd", "€œ"}, UTF8: {"Ж€", "Ж€"},
	} {
		if got := string(set.Decode(nil, []byte(c.bytes))); got != c.text {
			t.Errorf("%s decodes %q, want %q", set, got, c.text)
		}
		if got := string(set.Encode(nil, c.text)); got != c.bytes {
			t.Errorf("%s encodes %q, want %q", set, got, c.bytes)
		}
	}
}

func TestEveryByteDecodesToTextAndBack(t *testing.T) {
	for set := Unknown; set <= Part15; set++ {
		for c := range 256 {
			text := set.Decode(nil, []byte{byte(c)})
			if !utf8.Valid(text) || len(text) == 0 || text[0] == 0 {
				t.Errorf("%s decodes %#x to %q", set, c, text)
			}
			if r, _ := utf8.DecodeRune(text); set > UTF8 && r != utf8.RuneError {
				if got := set.Encode(nil, string(text)); len(got) != 1 || got[0] != byte(c) {
					t.Errorf("%s: %#x becomes %q and then %q", set, c, text, got)
				}
			}
		}
	}
}

func TestWhatASetDoesNotHaveBecomesAQuestionMark(t *testing.T) {
	if got := string(Part2.Encode(nil, "Ж€a")); got != "??a" {
		t.Errorf("%q", got)
	}
}
