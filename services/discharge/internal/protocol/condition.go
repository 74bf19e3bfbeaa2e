package protocol

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// facts is what a condition may ask about a stay, by name: the variables below.
// It is a CEL activation, so that no map is built for each evaluation.
type facts struct {
	class, disposition, setting, sex, payer, language, service ref.Val
	age, chronic, riskMin, riskMax                             ref.Val
	conditions, principal                                      ref.Val
}

// newEnv declares the variables of conditions. age is -1 where it is not known;
// setting is the base protocol's and empty while the base is being chosen;
// principal holds the conditions of the first diagnosis, conditions those of all.
func newEnv() (*cel.Env, error) {
	text, number, list := cel.StringType, cel.IntType, cel.ListType(cel.StringType)
	return cel.NewEnv(
		cel.Variable("class", text), cel.Variable("disposition", text), cel.Variable("setting", text),
		cel.Variable("sex", text), cel.Variable("payer", text), cel.Variable("language", text), cel.Variable("service", text),
		cel.Variable("age", number), cel.Variable("chronic", number),
		cel.Variable("risk_min", number), cel.Variable("risk_max", number),
		cel.Variable("conditions", list), cel.Variable("principal", list),
	)
}

// ResolveName implements the activation.
func (f *facts) ResolveName(name string) (any, bool) {
	switch name {
	case "class":
		return f.class, true
	case "disposition":
		return f.disposition, true
	case "setting":
		return f.setting, true
	case "sex":
		return f.sex, true
	case "payer":
		return f.payer, true
	case "language":
		return f.language, true
	case "service":
		return f.service, true
	case "age":
		return f.age, true
	case "chronic":
		return f.chronic, true
	case "risk_min":
		return f.riskMin, true
	case "risk_max":
		return f.riskMax, true
	case "conditions":
		return f.conditions, true
	case "principal":
		return f.principal, true
	}
	return nil, false
}

// Parent implements the activation: there is none.
func (f *facts) Parent() cel.Activation { return nil }

// condition is a compiled CEL expression over facts.
type condition struct{ program cel.Program }

func compile(env *cel.Env, text string) (condition, error) {
	ast, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return condition{}, fmt.Errorf("condition %q: %w", text, err)
	}
	if ast.OutputType() != cel.BoolType {
		return condition{}, fmt.Errorf("condition %q gives %s, not true or false", text, ast.OutputType())
	}
	program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return condition{}, fmt.Errorf("condition %q: %w", text, err)
	}
	return condition{program}, nil
}

// errCondition is returned when a condition cannot be evaluated, which the
// type check of compile leaves no known way to.
var errCondition = errors.New("condition gave no answer")

func (c condition) holds(f *facts) (bool, error) {
	out, _, err := c.program.Eval(f)
	if err != nil {
		return false, fmt.Errorf("%w: %w", errCondition, err)
	}
	return out == types.True, nil
}

func list(values []string) ref.Val {
	return types.NewStringList(types.DefaultTypeAdapter, values)
}
