package text

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Message is a text for people who work here: English, or a pattern of fmt.
type Message string

// Patient is a text for patients and their families.
type Patient string

// Language is a language the console can speak.
type Language struct {
	Code string // BCP 47: what the lang attribute says
	Name string // in the language itself
	tag  language.Tag
	said map[string]forms
}

//go:embed es.json
var spanish []byte

//go:embed en.json
var listed []byte

// InScripts are the texts that the browser's scripts say, as the catalogue lists them.
var InScripts = sync.OnceValue(func() (out []string) {
	var all map[string]struct{ In []string }
	if err := json.Unmarshal(listed, &all); err != nil {
		panic(err) // the file is embedded, and a test reads it
	}
	for said, e := range all {
		if slices.ContainsFunc(e.In, func(at string) bool { return strings.HasPrefix(at, "static/") }) {
			out = append(out, said)
		}
	}
	return out
})

// English is what texts are written in.
var English = &Language{Code: "en", Name: "English", tag: language.English}

// Languages are all there are, English first.
var Languages = []*Language{English, {Code: "es", Name: "Español", tag: language.Spanish, said: read(spanish)}}

// forms are what a language says instead of a text: one, or one for each form of a number.
type forms map[plural.Form]string

var formNames = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// UnmarshalJSON reads a text, or an object of texts by plural form.
func (f *forms) UnmarshalJSON(b []byte) error {
	*f = forms{}
	var one string
	if json.Unmarshal(b, &one) == nil {
		(*f)[plural.Other] = one
		return nil
	}
	var all map[string]string
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for name, said := range all {
		form, ok := formNames[name]
		if !ok {
			return fmt.Errorf("no plural form is called %q", name)
		}
		(*f)[form] = said
	}
	return nil
}

func read(file []byte) map[string]forms {
	var said map[string]forms
	if err := json.Unmarshal(file, &said); err != nil {
		panic(err) // the file is embedded, and a test reads it
	}
	return said
}

// Known is the language of a code; ok is false where there is none.
func Known(code string) (*Language, bool) {
	at := slices.IndexFunc(Languages, func(l *Language) bool { return l.Code == code })
	if at < 0 {
		return English, false
	}
	return Languages[at], true
}

type key struct{}

// In returns a context whose texts are said in a language.
func In(ctx context.Context, l *Language) context.Context { return context.WithValue(ctx, key{}, l) }

// Of is the language of a context, English where none was chosen.
func Of(ctx context.Context) *Language {
	if l, ok := ctx.Value(key{}).(*Language); ok {
		return l
	}
	return English
}

// T says a text.
func T(ctx context.Context, m Message, args ...any) string { return Of(ctx).say(string(m), args) }

// P says a text to patients.
func P(ctx context.Context, m Patient, args ...any) string { return Of(ctx).say(string(m), args) }

// N says how many; one and many are the English for 1 and for the rest, both with a %d.
func N(ctx context.Context, n int, one, many Message) string {
	return Of(ctx).count(n, string(one), string(many))
}

// PN says how many to patients.
func PN(ctx context.Context, n int, one, many Patient) string {
	return Of(ctx).count(n, string(one), string(many))
}

// Has reports whether a text is there in the context's language.
func Has(ctx context.Context, m string) bool {
	l := Of(ctx)
	_, ok := l.said[m]
	return ok || l == English
}

// Forms are what a language says instead of a text, by the name of the plural form; nil where it says nothing.
func (l *Language) Forms(m string) map[string]string {
	var out map[string]string
	for name, form := range formNames {
		if said, ok := l.said[m][form]; ok {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = said
		}
	}
	return out
}

func (l *Language) say(m string, args []any) string {
	if f, ok := l.said[m]; ok {
		m = f[plural.Other]
	}
	if len(args) == 0 {
		return m
	}
	return fmt.Sprintf(m, args...)
}

func (l *Language) count(n int, one, many string) string {
	form := plural.Cardinal.MatchPlural(l.tag, n, 0, 0, 0, 0)
	if f, ok := l.said[many]; ok {
		if said, ok := f[form]; ok {
			return fmt.Sprintf(said, n)
		}
		return fmt.Sprintf(f[plural.Other], n)
	}
	if n == 1 {
		return fmt.Sprintf(one, n)
	}
	return fmt.Sprintf(many, n)
}
