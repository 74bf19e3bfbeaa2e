// Package script reads what the browser's scripts say, for the catalogue of texts and its tests.
//
// Guarantee: every literal of a script is either a text that it says - the first argument of say, the two of
// sayN - or returned as loose, template parts too; comments and regular expressions are neither. What say is
// given that is not written there is returned as loose as well: nobody could list it.
package script

import (
	"io"
	"strconv"
	"strings"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/js"
)

// Text is what a script says: one text, or with One the English for 1 and for the rest.
type Text struct{ Said, One string }

// Unlisted stands among the loose literals for a text that is put together where it is said, and for the rest of a
// script that is none.
const Unlisted = "say(…)"

// Read returns what a script says, and its other literals.
func Read(src string) (texts []Text, loose []string) {
	r := reader{in: js.NewLexer(parse.NewInputString(src)), at: []call{{}}}
	for r.next() {
	}
	return r.texts, r.loose
}

// call is a bracket that is open: what stands before it, which argument is being read, and the literals of each.
type call struct {
	of       string
	arg      int
	literals [3][]string
}

type reader struct {
	in    *js.Lexer
	at    []call
	word  string // the last identifier, "" after anything else
	ends  bool   // what was read last ends an expression: a slash divides
	texts []Text
	loose []string
}

// next reads a token; it reports false after the last.
func (r *reader) next() bool {
	kind, raw := r.in.Next()
	if (kind == js.DivToken || kind == js.DivEqToken) && !r.ends {
		kind, raw = r.in.RegExp()
	}
	before, said := r.word, string(raw)
	switch kind {
	case js.WhitespaceToken, js.LineTerminatorToken, js.CommentToken, js.CommentLineTerminatorToken:
		return true
	case js.ErrorToken:
		if r.in.Err() != io.EOF {
			r.loose = append(r.loose, Unlisted)
		}
		return false
	}
	r.word, r.ends = "", ends(kind)
	switch kind {
	case js.StringToken:
		r.text(said)
	case js.TemplateToken, js.TemplateStartToken, js.TemplateMiddleToken, js.TemplateEndToken:
		r.template(kind, said)
	case js.OpenParenToken:
		r.at = append(r.at, call{of: before})
	case js.OpenBracketToken, js.OpenBraceToken:
		r.at = append(r.at, call{})
	case js.CloseParenToken, js.CloseBracketToken, js.CloseBraceToken:
		r.close()
	case js.CommaToken:
		r.at[len(r.at)-1].arg++
	default:
		if js.IsIdentifierName(kind) {
			r.word = said
		}
	}
	return true
}

// ends reports whether a token ends an expression, so that a slash after it divides.
func ends(kind js.TokenType) bool {
	switch kind {
	case js.StringToken, js.TemplateToken, js.TemplateEndToken, js.RegExpToken, js.PrivateIdentifierToken, js.CloseParenToken, js.CloseBracketToken,
		js.ThisToken, js.SuperToken, js.NullToken, js.TrueToken, js.FalseToken:
		return true
	}
	return js.IsNumeric(kind) || js.IsIdentifier(kind) && kind != js.OfToken
}

// close takes over the texts of a call that ends.
func (r *reader) close() {
	c := r.at[len(r.at)-1]
	if len(r.at) > 1 {
		r.at = r.at[:len(r.at)-1]
	}
	switch {
	case c.of == "say" && len(c.literals[0]) == 0, c.of == "sayN" && (len(c.literals[1]) != 1 || len(c.literals[2]) != 1):
		r.loose = append(r.loose, Unlisted)
	case c.of == "say":
		for _, s := range c.literals[0] {
			r.texts = append(r.texts, Text{Said: s})
		}
	case c.of == "sayN":
		r.texts = append(r.texts, Text{c.literals[2][0], c.literals[1][0]})
	}
}

// text takes a literal in quotes.
func (r *reader) text(raw string) {
	said := raw[1 : len(raw)-1]
	quoted := raw
	if raw[0] == '\'' {
		quoted = `"` + strings.ReplaceAll(strings.ReplaceAll(said, `\'`, `'`), `"`, `\"`) + `"`
	}
	if read, err := strconv.Unquote(quoted); err == nil {
		said = read
	}
	top := &r.at[len(r.at)-1]
	if (top.of == "say" && top.arg == 0 || top.of == "sayN" && (top.arg == 1 || top.arg == 2)) && said != "" {
		top.literals[top.arg] = append(top.literals[top.arg], said)
		return
	}
	r.loose = append(r.loose, said)
}

// template takes a part of a template literal, up to what is put into it.
func (r *reader) template(kind js.TokenType, raw string) {
	if kind == js.TemplateMiddleToken || kind == js.TemplateEndToken {
		r.close()
	}
	part := raw[1 : len(raw)-1]
	if kind == js.TemplateStartToken || kind == js.TemplateMiddleToken {
		part = raw[1 : len(raw)-2] // up to ${
		r.at = append(r.at, call{})
	}
	if part != "" {
		r.loose = append(r.loose, part)
	}
}
