package adt

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// page is what interface engineers read.
const page = "../../../../docs/integrate-hl7.md"

// rows are the cells of a table of the page, between its two marks.
func rows(t *testing.T, name string) (out [][]string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "<!-- "+name)
	table, _, ended := strings.Cut(rest, "<!-- /"+name+" -->")
	if !found || !ended {
		t.Fatalf("the page has no table %s", name)
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 3 || strings.HasPrefix(cells[0], "-") {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		out = append(out, cells)
	}
	return out[1:] // the head
}

// TestThePageNamesEveryTrigger: what the page says a trigger is read as is what it is read as here.
func TestThePageNamesEveryTrigger(t *testing.T) {
	want := map[string]string{"any other": Ignored}
	for trigger := range mergers {
		want[trigger] = "names"
	}
	want["A17"] = "transfer" // of two patients
	for trigger, kind := range triggers {
		want[trigger] = kind.String()
	}
	for trigger := range about {
		want[trigger] = "person"
	}
	for trigger := range ignored {
		want[trigger] = Ignored
	}
	got := map[string]string{}
	for _, row := range rows(t, "triggers") {
		if _, twice := got[row[0]]; twice {
			t.Errorf("%s is there twice", row[0])
		}
		got[row[0]] = row[1]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the page says otherwise (-code +page):\n%s", diff)
	}
}

// TestThePageNamesWhatTakesBack: a trigger that the page says is taken back by another is so.
func TestThePageNamesWhatTakesBack(t *testing.T) {
	named := regexp.MustCompile(`^A\d\d$`)
	for _, row := range rows(t, "triggers") {
		if by := row[3]; named.MatchString(by) {
			kind, cancel := triggers[row[0]], triggers[by]
			if kind != 0 && strings.HasPrefix(cancel.String(), "cancel-") != (by != "A06" && by != "A07") {
				t.Errorf("%s is not taken back by %s (%s)", row[0], by, cancel)
			}
		}
	}
}

// TestThePageNamesEveryReason: every reason that a message can have is explained, and no other.
func TestThePageNamesEveryReason(t *testing.T) {
	want := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../../use.go") {
		maps.Copy(want, reasonsIn(t, file))
	}
	if len(want) < 10 {
		t.Fatalf("only %d reasons were found in the code: %v", len(want), want)
	}
	got := map[string]bool{}
	for _, row := range rows(t, "reasons") {
		got[row[0]] = true
		if !slices.Contains([]string{Ignored, Quarantined, Rejected}, row[1]) {
			t.Errorf("%s: %q is no state", row[0], row[1])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the page says otherwise (-code +page):\n%s", diff)
	}
}

// reasonsIn are the constants of a file whose group, or who themselves, are said to be reasons.
func reasonsIn(t *testing.T, file string) map[string]bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, d := range parsed.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST || g.Doc == nil || !regexp.MustCompile(`reasons? (for|of) `).MatchString(g.Doc.Text()) {
			continue
		}
		for _, spec := range g.Specs {
			for _, v := range spec.(*ast.ValueSpec).Values {
				if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					out[text] = true
				}
			}
		}
	}
	return out
}
