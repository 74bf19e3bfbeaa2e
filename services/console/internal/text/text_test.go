package text

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"
	"time"

	"golang.org/x/text/feature/plural"
)

type entry struct {
	One      string
	Patients bool
}

func catalogue(t *testing.T) map[string]entry {
	t.Helper()
	var all map[string]entry
	if err := json.Unmarshal(listed, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("the catalogue holds %d texts", len(all))
	}
	return all
}

// What patients and families read is there in every language.
func TestEveryLanguageSaysAllThatPatientsRead(t *testing.T) {
	for _, l := range Languages[1:] {
		for said, e := range catalogue(t) {
			f, ok := l.said[said]
			switch {
			case !ok && e.Patients:
				t.Errorf("%s does not say %q", l.Name, said)
			case ok && e.One != "" && (f[plural.One] == "" || f[plural.Other] == ""):
				t.Errorf("%s does not count %q", l.Name, said)
			}
		}
	}
}

var verb = regexp.MustCompile(`%(\[\d\])?[a-z]`)

// No language says what nobody asks for, or speaks of more than it is told.
func TestNoLanguageSaysMoreThanEnglish(t *testing.T) {
	all := catalogue(t)
	for _, l := range Languages[1:] {
		for said, f := range l.said {
			if _, ok := all[said]; !ok {
				t.Errorf("%s says %q, which is not used", l.Name, said)
			}
			for _, words := range f {
				if a, b := len(verb.FindAllString(said, -1)), len(verb.FindAllString(words, -1)); a != b {
					t.Errorf("%s fills in %d parts of %q, English %d", l.Name, b, words, a)
				}
			}
		}
	}
}

func TestDaysAndNumbersAreSaidAsTheLanguageSaysThem(t *testing.T) {
	at := time.Date(2026, 3, 5, 15, 4, 0, 0, time.UTC)
	for code, want := range map[string][]string{
		"en": {"Thursday, March 5, 3:04 PM", "1 day", "2 days", "Thu, Mar 5, 3:04 PM", "Thursday, March 5, 2026, 3:04 PM UTC", "March 5", "March 5, 2026"},
		"es": {"jueves 5 de marzo, 3:04 p. m.", "1 día", "2 días", "jue 5 de mar, 3:04 p. m.", "jueves 5 de marzo de 2026, 3:04 p. m. UTC", "5 de marzo", "5 de marzo de 2026"},
	} {
		known, _ := Known(code)
		l := *known
		l.said = map[string]forms{"%d days": {plural.One: "%d día", plural.Other: "%d días"}}
		if code == "en" {
			l.said = nil
		}
		ctx := In(t.Context(), &l)
		got := []string{
			Moment(ctx, at), N(ctx, 1, "%d day", "%d days"), N(ctx, 2, "%d day", "%d days"), Short(ctx, at), Exact(ctx, at), Date(ctx, at), Birthday(ctx, at),
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s says %q, want %q", code, got, want)
		}
	}
	if l, ok := Known("xx"); ok || l != English {
		t.Error("a language that is not there is spoken")
	}
}
