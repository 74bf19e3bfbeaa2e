package protocol

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// variable is something a condition may ask about a stay, by name.
type variable struct {
	name string
	kind *cel.Type
}

// What a condition may ask. age is -1 where it is not known; setting is the base
// protocol's and empty while the base is being chosen; principal holds the
// conditions of the first diagnosis, conditions those of all, diagnoses the codes
// themselves.
const (
	varClass = iota
	varDisposition
	varSetting
	varSex
	varPayer
	varLanguage
	varService
	varFacility
	varUnit
	varAdmitType
	varAdmitSource
	varZIP3
	varAge
	varChronic
	varRiskMin
	varRiskMax
	varConditions
	varPrincipal
	varDiagnoses
	varCount
)

var variables = [varCount]variable{
	varClass: {"class", cel.StringType}, varDisposition: {"disposition", cel.StringType}, varSetting: {"setting", cel.StringType},
	varSex: {"sex", cel.StringType}, varPayer: {"payer", cel.StringType}, varLanguage: {"language", cel.StringType},
	varService: {"service", cel.StringType}, varFacility: {"facility", cel.StringType}, varUnit: {"unit", cel.StringType},
	varAdmitType: {"admit_type", cel.StringType}, varAdmitSource: {"admit_source", cel.StringType}, varZIP3: {"zip3", cel.StringType},
	varAge: {"age", cel.IntType}, varChronic: {"chronic", cel.IntType},
	varRiskMin: {"risk_min", cel.IntType}, varRiskMax: {"risk_max", cel.IntType},
	varConditions: {"conditions", cel.ListType(cel.StringType)}, varPrincipal: {"principal", cel.ListType(cel.StringType)},
	varDiagnoses: {"diagnoses", cel.ListType(cel.StringType)},
}

var variableNamed = func() map[string]int {
	byName := make(map[string]int, varCount)
	for i, v := range variables {
		byName[v.name] = i
	}
	return byName
}()

// facts are the values of the variables for one stay. It is a CEL activation, so that
// no map is built for each evaluation.
type facts [varCount]ref.Val

// ResolveName implements the activation.
func (f *facts) ResolveName(name string) (any, bool) {
	i, known := variableNamed[name]
	if !known {
		return nil, false
	}
	return f[i], true
}

// Parent implements the activation: there is none.
func (f *facts) Parent() cel.Activation { return nil }

// newEnv declares the variables of conditions.
func newEnv() (*cel.Env, error) {
	options := make([]cel.EnvOption, 0, varCount)
	for _, v := range variables {
		options = append(options, cel.Variable(v.name, v.kind))
	}
	return cel.NewEnv(options...)
}

// condition is a compiled CEL expression over facts.
type condition struct {
	program cel.Program
	ast     *cel.Ast
}

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
	return condition{program, ast}, nil
}

// errCondition is returned when a condition cannot be evaluated, which the type check
// of compile and the list of what a condition may do leave no known way to.
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
