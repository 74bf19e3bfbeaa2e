package protocol

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/handoff-care/handoff/services/discharge/internal/icd"
)

// What a condition may call: all of it gives an answer for every stay. What could fail
// for one stay in a million (an index, a division, a conversion, a pattern) would be
// found out at that patient's discharge.
var total = map[string]bool{
	operators.LogicalAnd: true, operators.LogicalOr: true, operators.LogicalNot: true, operators.Conditional: true,
	operators.Equals: true, operators.NotEquals: true, operators.Less: true, operators.LessEquals: true,
	operators.Greater: true, operators.GreaterEquals: true, operators.In: true, operators.Add: true, operators.Subtract: true,
	operators.NotStrictlyFalse: true, "size": true, "startsWith": true, "endsWith": true, "contains": true,
}

// vocabulary is what a variable can be: any other text in a condition about it is a
// slip of the pen that the compiler cannot see.
type vocabulary struct {
	words   []string
	pattern *regexp.Regexp
	what    string // what a text has to be, for the person who wrote it
}

func (v vocabulary) has(word string) bool {
	return slices.Contains(v.words, word) || v.pattern != nil && v.pattern.MatchString(word)
}

func oneOf(words ...string) vocabulary {
	return vocabulary{words: append(words, ""), what: "one of " + strings.Join(words, ", ")}
}

func like(pattern, what string) vocabulary {
	return vocabulary{words: []string{""}, pattern: regexp.MustCompile(pattern), what: what}
}

var vocabularies = map[string]vocabulary{
	"class":       oneOf("inpatient", "observation", "obstetrics", "newborn", "emergency"),
	"setting":     oneOf("community", "facility"),
	"sex":         oneOf("F", "M", "O", "U", "A", "N"),
	"payer":       oneOf("medicare", "medicaid", "commercial", "self-pay", "other"),
	"admit_type":  oneOf("emergency", "urgent", "elective", "newborn", "trauma"),
	"disposition": like(`^[0-9]{2}$`, "two digits (UB-04 FL17)"),
	"language":    like(`^[a-z]{2}$`, "two small letters (ISO 639-1)"),
	"zip3":        like(`^[0-9]{3}$`, "three digits"),
	"diagnoses":   {pattern: regexp.MustCompile(`^[A-Z][0-9][0-9A-Z]{1,5}$`), what: "an ICD-10-CM code, without its dot"},
}

// checker looks through one condition for what compiles and is wrong all the same.
type checker struct {
	set      *Set
	kind     string
	bound    map[string]string // a macro's own variable -> the list it runs over
	problems []string
}

// mistakes are what is wrong with a condition of a protocol of a kind: a text that its
// variable can never be, a question that has no answer yet, a call that may fail, and
// more work than a plan may cost.
func (s *Set) mistakes(env *cel.Env, c condition, kind string) []string {
	k := &checker{set: s, kind: kind, bound: map[string]string{}}
	k.look(c.ast.NativeRep().Expr())
	worst, err := env.EstimateCost(c.ast, sizes{})
	switch {
	case err != nil:
		k.say("its cost cannot be told: %v", err)
	case worst.Max > costLimit:
		k.say("it may take %d steps, more than the %d a condition may: fewer lists within lists", worst.Max, costLimit)
	}
	return k.problems
}

func (k *checker) say(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(k.problems, text) {
		k.problems = append(k.problems, text)
	}
}

func (k *checker) look(e ast.Expr) {
	switch e.Kind() {
	case ast.IdentKind:
		if e.AsIdent() == "setting" && k.kind != "addon" {
			k.say("setting is what the base protocol says, and known to add-ons alone")
		}
	case ast.CallKind:
		k.call(e.AsCall())
	case ast.ListKind:
		for _, item := range e.AsList().Elements() {
			k.look(item)
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		if c.IterRange().Kind() == ast.IdentKind {
			k.bound[c.IterVar()] = c.IterRange().AsIdent()
		}
		for _, part := range []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()} {
			k.look(part)
		}
	case ast.LiteralKind:
		if n, ok := e.AsLiteral().(types.Int); ok && (n > 1_000_000 || n < -1_000_000) {
			k.say("%d is more than anything here can be", n)
		}
	case ast.MapKind, ast.StructKind, ast.SelectKind:
		k.say("it has a field or a map; a stay has neither")
	}
}

func (k *checker) call(c ast.CallExpr) {
	args := c.Args()
	if c.IsMemberFunction() {
		args = append([]ast.Expr{c.Target()}, args...)
	}
	if !total[c.FunctionName()] {
		k.say("%s is not among what a condition may use: it can fail for a stay nobody thought of", strings.Trim(c.FunctionName(), "_@"))
	}
	for _, a := range args {
		k.look(a)
	}
	if len(args) != 2 {
		return
	}
	switch c.FunctionName() {
	case operators.Equals, operators.NotEquals:
		k.compare(args[0], args[1])
		k.compare(args[1], args[0])
	case operators.In: // a word in a list variable, or a variable in a list of words
		k.compare(args[1], args[0])
		k.compare(args[0], args[1])
	case "startsWith":
		if name := k.nameOf(args[0]); name == "diagnoses" {
			k.prefix(args[1])
		}
	}
}

// nameOf is the variable an expression is, or whose items it stands for.
func (k *checker) nameOf(e ast.Expr) string {
	if e.Kind() != ast.IdentKind {
		return ""
	}
	if of, bound := k.bound[e.AsIdent()]; bound {
		return of
	}
	return e.AsIdent()
}

// compare checks the texts a variable is compared with.
func (k *checker) compare(variable, with ast.Expr) {
	name := k.nameOf(variable)
	if name == "" {
		return
	}
	for _, word := range words(with) {
		if name == "conditions" || name == "principal" {
			if !slices.Contains(k.set.conditions.Groups(), word) {
				k.say("there is no condition %q in conditions.yaml", word)
			}
			continue
		}
		if v, known := vocabularies[name]; known && !v.has(word) {
			k.say("%s is never %q: it is %s", name, word, v.what)
		}
	}
}

func (k *checker) prefix(e ast.Expr) {
	for _, word := range words(e) {
		if word == "" || word != icd.Normal(word) || word[0] < 'A' || word[0] > 'Z' {
			k.say("no diagnosis begins with %q: codes are in capitals and without their dot", word)
		}
	}
}

// words are the texts of a literal, or of a list of them.
func words(e ast.Expr) []string {
	switch e.Kind() {
	case ast.LiteralKind:
		if s, ok := e.AsLiteral().(types.String); ok {
			return []string{string(s)}
		}
	case ast.ListKind:
		var out []string
		for _, item := range e.AsList().Elements() {
			out = append(out, words(item)...)
		}
		return out
	}
	return nil
}

// costLimit is the most a condition may cost in the worst case, in CEL's own measure:
// the costliest shipped one needs a few hundred.
const costLimit = 200_000

// sizes are the largest stay anybody has seen, and more.
type sizes struct{}

// EstimateSize implements cost.Estimator.
func (sizes) EstimateSize(element cost.AstNode) *cost.SizeEstimate {
	path := element.Path()
	most := uint64(64) // a text
	if i, known := 0, false; len(path) == 1 {
		if i, known = variableNamed[path[0]]; known && i >= varConditions {
			most = 100 // a list
		}
	}
	s := cost.RangedSizeEstimate(0, most)
	return &s
}

// EstimateCallCost implements cost.Estimator.
func (sizes) EstimateCallCost(_, _ string, _ *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	return nil
}
