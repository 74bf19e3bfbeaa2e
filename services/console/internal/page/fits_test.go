package page

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/handoff-care/handoff/services/console/internal/board"
)

// matching is the code of the match, which the console talks to over its API alone.
const matching = "../../../referral/internal/match"

// ofFilter is how a reason of the match begins.
var ofFilter = regexp.MustCompile(`^[a-z]+: \S`)

// fromMatch are the reasons that the match can give, with $words where something is filled in, and the lists of
// codes that are filled in.
func fromMatch(t *testing.T) (reasons []string, lists map[string][]string) {
	t.Helper()
	lists = map[string][]string{}
	for _, name := range []string{"reasons.go", "provider.go", "directory.go", "match.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(matching, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if said, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING && ofFilter.MatchString(said) {
					reasons = append(reasons, said)
				}
			case *ast.ValueSpec:
				if len(n.Values) == 1 {
					lists[n.Names[0].Name] = literalsOf(n.Values[0])
				}
			}
			return true
		})
	}
	if len(reasons) < 25 || len(lists["Payers"]) == 0 || len(lists["Needs"]) == 0 || len(lists["sexes"]) == 0 {
		t.Fatalf("the match is written differently: %d reasons, %v", len(reasons), lists)
	}
	return reasons, lists
}

func literalsOf(e ast.Expr) (out []string) {
	list, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	for _, e := range list.Elts {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			said, _ := strconv.Unquote(lit.Value) // the parser has read it
			out = append(out, said)
		}
	}
	return out
}

// coded is a code that came through as it is.
var coded = regexp.MustCompile(`\b(snf|irf|ltch|psych|home-health|medicare|medicaid|commercial|self-pay|F|M|es|pl)\b`)

var filled = regexp.MustCompile(`\$(\w+)|%g`)

// Whatever reason the match gives for a place or against it, people read it in plain words: a new one, or a new
// payer or kind of care, is missed here.
func TestEveryReasonOfTheMatchHasPlainWords(t *testing.T) {
	reasons, lists := fromMatch(t)
	values := map[string][]string{
		"need": lists["Needs"], "payer": lists["Payers"], "sex": lists["sexes"], "language": {"es", "pl"}, "area": {"606"}, "age": {"81"}, "": {"4.5"},
	}
	seen := map[string]string{}
	for _, reason := range reasons {
		name := ""
		if m := filled.FindStringSubmatch(reason); m != nil {
			name = m[1]
		}
		if values[name] == nil {
			t.Errorf("%q is about something that has no words yet", reason)
		}
		for _, v := range values[name] {
			given := filled.ReplaceAllString(reason, v)
			said, known := board.Fit(t.Context(), given)
			switch {
			case !known:
				t.Errorf("%q has no plain words", given)
			case strings.HasPrefix(given, said[:1]), strings.ContainsAny(said, "%$"), coded.MatchString(said):
				t.Errorf("%q reads like a code: %q", given, said)
			case seen[said] != "" && seen[said] != given:
				t.Errorf("%q and %q both say %q", given, seen[said], said)
			}
			seen[said] = given
		}
	}
	if said, known := board.Fit(t.Context(), "weather: snows"); known || said != "Snows." {
		t.Errorf("a reason without words is %q", said)
	}
}

// The plain words themselves.
func TestReasonsOfTheMatchReadLikeSentences(t *testing.T) {
	for reason, want := range map[string]string{
		"network: takes medicare":               "Takes Medicare",
		"network: does not take medicaid":       "Does not take Medicaid",
		"language: interpreter for es":          "Has an interpreter for Spanish",
		"language: speaks pl":                   "Somebody there speaks Polish",
		"area: in the home area 606":            "Same area as the patient’s home",
		"capability: no dialysis":               "Cannot give dialysis",
		"licence: not licensed for home-health": "Not licensed for home health",
		"sex: does not take M":                  "Does not take men",
		"quality: rated 4.5 of 5":               "Rated 4.5 of 5 stars",
		"language: interpreter for xx":          "Has an interpreter for xx",
	} {
		if got := fitting(t.Context(), reason); got != want {
			t.Errorf("%q is said as %q, want %q", reason, got, want)
		}
	}
}

// What the patient is told of a place stands for a reason that the match still gives.
func TestNotesForPatientsStandForReasonsOfTheMatch(t *testing.T) {
	reasons, _ := fromMatch(t)
	for _, n := range noted {
		used := false
		for _, r := range reasons {
			used = used || strings.HasPrefix(r, n.reason)
		}
		if !used {
			t.Errorf("no reason begins with %q", n.reason)
		}
	}
}

// ofTask is the code of a task of the protocols that come with the program.
var ofTask = regexp.MustCompile(`(?m)^ *-? *\{? *code: ([a-z0-9-]+)`)

// Every task that comes with the program is said to families in their words.
func TestFamiliesAreToldEveryTaskInTheirWords(t *testing.T) {
	n := 0
	for _, name := range []string{"tasks.yaml", "hanging.yaml"} {
		b, err := os.ReadFile(filepath.Join("../../../discharge/internal/protocol/shipped", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ofTask.FindAllStringSubmatch(string(b), -1) {
			if n++; forFamily[m[1]] == "" {
				t.Errorf("families are told %q by its title", m[1])
			}
		}
	}
	if n < 28 {
		t.Errorf("%d tasks were found", n)
	}
}
