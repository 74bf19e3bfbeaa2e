package text

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/handoff-care/handoff/services/console/internal/text/script"
)

// forBrowsers are literals of scripts that read like words, but are read by browsers alone.
var forBrowsers = regexp.MustCompile(`^(use strict|X-Background|X-Pressed-At|Idempotency-Key|HX-Request|Content-(Type|Security-Policy)|Cache-Control|Referrer-Policy|X-Content-Type-Options|AES-GCM|Escape|Accept|` +
	`GET|POST|PushManager|Notification|DOMContentLoaded|text/(html|javascript).*|<!DOCTYPE html>|name="version" value=".*)$`)

// markupOf is HTML that a script makes; what people read of it is put in.
var markupOf = regexp.MustCompile(`<[^>]*>?|^[^<]*>`)

// outside are the words of a script that the catalogue does not hold.
func outside(src string, known map[string]bool) (out []string) {
	texts, loose := script.Read(src)
	for _, t := range texts {
		if !known[t.Said] || t.One != "" && !known[t.One] {
			out = append(out, t.Said)
		}
	}
	for _, l := range loose {
		said := markupOf.ReplaceAllString(l, "")
		if l == script.Unlisted || (wordy.MatchString(strings.TrimSpace(said)) || joined.MatchString(said)) && !forBrowsers.MatchString(l) && !selector.MatchString(l) {
			out = append(out, l)
		}
	}
	return out
}

// selector is a path to elements: #sheet-body, .rows > .row, [data-chart], a form's name.
var selector = regexp.MustCompile(`^[a-z]*[#.\[][\w\[][^!?]*$|^textarea, select, input|^select, summary$|^tag waiting$`)

// What the browser's scripts say comes from the catalogue.
func TestNoScriptSaysWhatTheCatalogueDoesNotHold(t *testing.T) {
	files, err := filepath.Glob("../page/static/*.js")
	if err != nil {
		t.Fatal(err)
	}
	known, read := said(t), 0
	for _, name := range files {
		if strings.HasSuffix(name, ".min.js") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		read++
		for _, s := range outside(string(src), known) {
			t.Errorf("%s says %q, which is not in the catalogue", filepath.Base(name), s)
		}
	}
	if read < 8 {
		t.Errorf("only %d scripts were read", read)
	}
}

// The test above finds English however a script writes it.
func TestEnglishInAScriptIsFound(t *testing.T) {
	known := map[string]bool{"Not live": true, "%d thing": true, "%d things": true}
	for src, want := range map[string][]string{
		`el.textContent = say("Not live"); sayN(2, "%d thing", "%d things")`: nil,
		`el.textContent = "Connection lost"`:                                 {"Connection lost"},
		`el.textContent = 'Live'`:                                            {"Live"},
		"el.textContent = `${n} things are waiting`":                         {" things are waiting"},
		"el.textContent = `Due in ${span(left)}`":                            {"Due in "},
		`el.textContent = span(left) + " ago"`:                               {" ago"},
		"el.innerHTML = `<p>${n}</p><button>Try again</button>`":             {"</p><button>Try again</button>"},
		"el.textContent = `${n}, not connected. It comes back`":              {", not connected. It comes back"},
		`el.textContent = say("Not in the catalogue")`:                       {"Not in the catalogue"},
		`el.textContent = say(words[n])`:                                     {script.Unlisted},
	} {
		if got := outside(src, known); !slices.Equal(got, want) {
			t.Errorf("in %s: found %q, want %q", src, got, want)
		}
	}
}
