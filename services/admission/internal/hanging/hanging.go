package hanging

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/handoff-care/handoff/services/admission/internal/encounter"
)

//go:embed rules.yaml
var shipped []byte

// Rule says when stays of some classes, in some states, hang.
type Rule struct {
	Code    string   `yaml:"code"`
	Classes []string `yaml:"classes"`
	States  []string `yaml:"states"`
	Since   string   `yaml:"since"` // admitted, expected, planned or said
	After   Span     `yaml:"after"`
	Quiet   Span     `yaml:"quiet"`
	Source  string   `yaml:"source"`
	Why     string   `yaml:"why"`
}

// Span is a length of time: 36h, or 5d.
type Span time.Duration

// UnmarshalYAML reads hours and days.
func (s *Span) UnmarshalYAML(n *yaml.Node) error {
	unit, v := time.Hour, strings.TrimSuffix(n.Value, "h")
	if strings.HasSuffix(n.Value, "d") {
		unit, v = 24*time.Hour, strings.TrimSuffix(n.Value, "d")
	}
	count, err := strconv.Atoi(v)
	if err != nil || count <= 0 || v == n.Value {
		return fmt.Errorf("line %d: %q is no length of time such as 36h or 5d", n.Line, n.Value)
	}
	*s = Span(time.Duration(count) * unit)
	return nil
}

// Rules is a set of rules.
type Rules []Rule

// Shipped are the rules this version of the product ships with.
var Shipped = func() Rules {
	r, err := Read(shipped)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return r
}()

// Read reads and checks rules.
func Read(text []byte) (Rules, error) {
	var file struct {
		Version string `yaml:"version"`
		Rules   Rules  `yaml:"rules"`
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, r := range file.Rules {
		switch {
		case r.Code == "" || seen[r.Code]:
			return nil, fmt.Errorf("rule %q: a code must be there, and once", r.Code)
		case r.Source == "" || r.Why == "":
			return nil, fmt.Errorf("rule %s: it must say where it comes from, and why", r.Code)
		case len(r.Classes) == 0 || r.After == 0 || r.Quiet == 0:
			return nil, fmt.Errorf("rule %s: classes, after and quiet are required", r.Code)
		case !slices.Contains([]string{"admitted", "expected", "planned", "said"}, r.Since):
			return nil, fmt.Errorf("rule %s: since is none of admitted, expected, planned and said", r.Code)
		}
		for _, s := range r.States {
			if !encounter.Open(s) && s != encounter.Planned {
				return nil, fmt.Errorf("rule %s: a stay that is %s does not hang", r.Code, s)
			}
		}
		seen[r.Code] = true
	}
	return file.Rules, nil
}

// Due is when a stay hangs unless more is heard of it, and by which rule; ok is false for one that
// never does.
func (rules Rules) Due(s *encounter.Stay) (code string, at time.Time, ok bool) {
	for i := range rules {
		r := &rules[i]
		if !slices.Contains(r.States, s.State) || !slices.Contains(r.Classes, s.Class) {
			continue
		}
		since := r.since(s)
		if since == nil {
			continue
		}
		due := since.Add(time.Duration(r.After))
		if quiet := s.Said.Add(time.Duration(r.Quiet)); quiet.After(due) {
			due = quiet
		}
		if !ok || due.Before(at) {
			code, at, ok = r.Code, due, true
		}
	}
	return code, at, ok
}

// Rule is the rule of a code, or nil.
func (rules Rules) Rule(code string) *Rule {
	for i := range rules {
		if rules[i].Code == code {
			return &rules[i]
		}
	}
	return nil
}

func (r *Rule) since(s *encounter.Stay) *time.Time {
	switch r.Since {
	case "expected":
		return s.ExpectedAt
	case "planned":
		return s.PlannedAt
	case "admitted":
		if s.AdmittedAt != nil {
			return s.AdmittedAt
		}
	}
	return &s.Said
}
