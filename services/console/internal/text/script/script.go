// Package script reads what the browser's scripts say, for the catalogue of texts and its tests.
//
// Guarantee: every literal of a script is either a text that it says - the first argument of say, the two of
// sayN - or returned as loose, template parts too; comments and regular expressions are neither. What say is
// given that is not written there is returned as loose as well: nobody could list it.
package script

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text is what a script says: one text, or with One the English for 1 and for the rest.
type Text struct{ Said, One string }

// Unlisted stands among the loose literals for a text that is put together where it is said.
const Unlisted = "say(…)"

// Read returns what a script says, and its other literals.
func Read(src string) (texts []Text, loose []string) {
	r := reader{src: src, at: []call{{}}}
	for r.pos < len(r.src) {
		r.next()
	}
	return r.texts, r.loose
}

// call is a bracket that is open: what stands before it, which argument is being read, and the literals of each.
type call struct {
	of       string
	brace    bool // of a template's ${}
	arg      int
	literals [3][]string
}

type reader struct {
	src   string
	pos   int
	at    []call
	word  string // the last identifier, "" after anything else
	ends  bool   // what was read last ends an expression: a slash divides
	texts []Text
	loose []string
}

func (r *reader) next() {
	c, rest := r.src[r.pos], r.src[r.pos:]
	switch {
	case strings.HasPrefix(rest, "//"):
		r.skip(rest, "\n")
	case strings.HasPrefix(rest, "/*"):
		r.skip(rest, "*/")
	case c == '"' || c == '\'':
		r.text(c)
	case c == '`':
		r.pos++
		r.template()
	case c == '/' && !r.ends:
		r.expression()
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		r.pos++
	case isWord(c):
		r.identifier()
	default:
		r.pos++
		r.mark(c)
	}
}

func (r *reader) skip(rest, until string) {
	n := strings.Index(rest, until)
	if n < 0 {
		n = len(rest) - len(until)
	}
	r.pos += n + len(until)
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= utf8.RuneSelf || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (r *reader) identifier() {
	from := r.pos
	for r.pos < len(r.src) && isWord(r.src[r.pos]) {
		r.pos++
	}
	r.word = r.src[from:r.pos]
	switch r.word {
	case "return", "typeof", "case", "in", "of", "void", "await", "delete", "else", "new", "throw":
		r.ends = false
	default:
		r.ends = true
	}
}

// mark follows brackets and commas.
func (r *reader) mark(c byte) {
	top := &r.at[len(r.at)-1]
	switch c {
	case '(':
		r.at = append(r.at, call{of: r.word})
	case '[', '{':
		r.at = append(r.at, call{})
	case ')', ']', '}':
		if len(r.at) > 1 {
			r.at = r.at[:len(r.at)-1]
			r.close(*top)
		}
		r.word, r.ends = "", c != '}'
		if c == '}' && top.brace {
			r.template()
		}
		return
	case ',':
		top.arg++
	}
	r.word, r.ends = "", false
}

// close takes over the texts of a call that ends.
func (r *reader) close(c call) {
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

// text reads a literal in quotes.
func (r *reader) text(quote byte) {
	end := r.pos + 1
	for end < len(r.src) && r.src[end] != quote && r.src[end] != '\n' {
		if r.src[end] == '\\' {
			end++
		}
		end++
	}
	raw := r.src[r.pos+1 : min(end, len(r.src))]
	r.pos, r.word, r.ends = end+1, "", true
	if said, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.ReplaceAll(raw, `\'`, `'`), `"`, `\"`) + `"`); err == nil && quote == '\'' {
		raw = said
	} else if said, err := strconv.Unquote(`"` + raw + `"`); err == nil {
		raw = said
	}
	top := &r.at[len(r.at)-1]
	if (top.of == "say" && top.arg == 0 || top.of == "sayN" && (top.arg == 1 || top.arg == 2)) && raw != "" {
		top.literals[top.arg] = append(top.literals[top.arg], raw)
		return
	}
	r.loose = append(r.loose, raw)
}

// template reads a template literal's next part, up to what is put into it.
func (r *reader) template() {
	from := r.pos
	for r.pos < len(r.src) && r.src[r.pos] != '`' && !strings.HasPrefix(r.src[r.pos:], "${") {
		if r.src[r.pos] == '\\' {
			r.pos++
		}
		r.pos++
	}
	r.pos = min(r.pos, len(r.src))
	if part := r.src[from:r.pos]; part != "" {
		r.loose = append(r.loose, part)
	}
	if r.pos < len(r.src) && r.src[r.pos] == '$' {
		r.at = append(r.at, call{brace: true})
		r.pos += 2
		r.word, r.ends = "", false
		return
	}
	r.pos++
	r.word, r.ends = "", true
}

// expression skips a regular expression.
func (r *reader) expression() {
	class := false
	for r.pos++; r.pos < len(r.src) && r.src[r.pos] != '\n'; r.pos++ {
		switch c := r.src[r.pos]; {
		case c == '\\':
			r.pos++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			r.pos++
			r.word, r.ends = "", true
			return
		}
	}
}
