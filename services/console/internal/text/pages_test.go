package text

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// notOurs are the words on pages that are the same in every language: the program's name, what is
// an example of an identifier, and the shapes of what is typed.
var notOurs = []string{"· handoff", "Mercy ADT", "adt.mercy.example", "MSH|^~\\&|…"}

// wordy is a literal of Go that reads like a text: a word that begins a sentence, or several words.
var wordy = regexp.MustCompile(`^[A-Z][a-z]+|\pL{2,},? \pL{2,}`)

// joined is a word of Go that is put together with others: where texts are glued, no language can say them.
var joined = regexp.MustCompile(`^\s+\pL{2,}|\pL{2,}[,:]?\s+$`)

// unread are literals of pages that nobody reads: what styles, addresses and scripts are made of.
var unread = regexp.MustCompile(`^((thread|kind)$|Mon |Mon, Jan 2$|2006|HX-|Content-)`)

// markup follows a page's own HTML through a file, and hands over what of it people read.
type markup struct {
	tag, value strings.Builder
	in         bool
	quote      rune
	read       func(string)
}

var spoken = regexp.MustCompile(`\s(aria-label|placeholder|title|alt)="([^"]*)"`)

func (m *markup) write(s string) {
	for _, r := range s {
		switch {
		case !m.in && r == '<':
			m.end()
			m.in = true
			m.tag.Reset()
		case m.in && m.quote == 0 && r == '>':
			m.in = false
			for _, a := range spoken.FindAllStringSubmatch(" "+m.tag.String(), -1) {
				m.read(a[2])
			}
		case m.in:
			if r == '"' && m.quote == 0 {
				m.quote = r
			} else if r == m.quote {
				m.quote = 0
			}
			m.tag.WriteRune(r)
		default:
			m.value.WriteRune(r)
		}
	}
	if !m.in {
		m.end()
	}
}

func (m *markup) end() {
	m.read(m.value.String())
	m.value.Reset()
}

// said is all that the catalogue holds.
func said(t *testing.T) map[string]bool {
	known := map[string]bool{}
	for said, e := range catalogue(t) {
		known[said], known[e.One] = true, true
	}
	return known
}

// Whatever a page says comes from the catalogue: no English stands in a template itself.
func TestNoPageSaysWhatTheCatalogueDoesNotHold(t *testing.T) {
	files, err := filepath.Glob("../page/*_templ.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d templates were found: %v", len(files), err)
	}
	known, texts := said(t), 0
	for _, w := range notOurs {
		known[w] = true
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		page := strings.Replace(filepath.Base(name), "_templ.go", ".templ", 1)
		own := &markup{read: func(s string) {
			if s = strings.TrimSpace(html.UnescapeString(s)); len(letters.FindString(s)) > 0 && !known[s] {
				t.Errorf("%s says %q, which is not in the catalogue", page, s)
			}
		}}
		for _, l := range literals(file) {
			texts++
			switch said := strings.TrimSpace(l.said); {
			case l.html:
				own.write(l.said)
			case !unlisted(l.said, known) || unread.MatchString(said):
			default:
				t.Errorf("%s says %q, which is not in the catalogue", page, said)
			}
		}
	}
	if texts < 1000 {
		t.Errorf("only %d literals were looked at", texts)
	}
}

// unlisted reports whether a literal is a text that should be in the catalogue.
func unlisted(literal string, known map[string]bool) bool {
	said := strings.TrimSpace(literal)
	return wordy.MatchString(said) && !known[said] || joined.MatchString(literal)
}

// machines are the literals of the code behind the pages that read like words, but are read by programs
// alone: headers, zones, names of keys, layouts of times, what other services answer, HL7, routes and logs.
var machines = regexp.MustCompile(`^([A-Z][A-Za-z]+(-[A-Z][A-Za-z]+)+|Accept|Enter|Esc|America/\w+|Pacific/\w+|Shift x|Jan 2|public, max-age=.*|signed out|const shell = |data: |Bearer |[\s\S]*Authorization: Bearer |Mon 2 Jan, 15:04 MST| MST|(thread|kind) |: still here\n\n|` +
	`(directory|licence|sex|age|quality|area|network|language|capability|capacity|agreement): .*|\^.*\$|sex for the name|(EVN|PV1)\|[\s\S]*|(GET|POST) /.*)$`)

// What is behind the pages says nothing of its own either: tables of words, notes, refusals.
func TestNothingBehindThePagesSaysWhatTheCatalogueDoesNotHold(t *testing.T) {
	known := said(t)
	files := 0
	for _, folder := range []string{"../page", "../web", "../board"} {
		names, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_templ.go") || strings.HasSuffix(name, "_test.go") {
				continue
			}
			files++
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range literals(file) {
				if said := strings.TrimSpace(l.said); unlisted(l.said, known) && !machines.MatchString(l.said) && !machines.MatchString(said) {
					t.Errorf("%s says %q, which is not in the catalogue", filepath.Base(name), said)
				}
			}
		}
	}
	if files < 60 {
		t.Errorf("only %d files were looked at", files)
	}
}

var letters = regexp.MustCompile(`\pL{2,}`)

// literal is a string in a generated page: its own HTML, or something that is put into it.
type literal struct {
	said string
	html bool
}

// logs are the calls whose words are for who runs the program.
var logs = []string{"Error", "InfoContext", "WarnContext", "ErrorContext", "Errorf"}

func literals(file *ast.File) (out []literal) {
	var own []ast.Expr
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec, *ast.Field:
			return false
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			if ok && f.Sel.Name == "WriteString" {
				own = append(own, n.Args...)
			}
			if ok && slices.Contains(logs, f.Sel.Name) || isIdent(n.Fun, "say", "sayN", "saying", "toPatient", "toPatientN") {
				return false // for who runs the program; a text, which gather finds
			}
		case *ast.KeyValueExpr:
			return !isIdent(n.Key, "FileName")
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				said, _ := strconv.Unquote(n.Value) // the parser has read it
				out = append(out, literal{said, slices.Contains(own, ast.Expr(n))})
			}
		}
		return true
	})
	return out
}

func isIdent(e ast.Expr, names ...string) bool {
	id, ok := e.(*ast.Ident)
	return ok && slices.Contains(names, id.Name)
}
