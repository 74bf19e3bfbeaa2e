package protocol

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"cel.dev/cel-go/cel"
	"go.yaml.in/yaml/v3"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/icd"
)

//go:embed shipped/*.yaml
var shipped embed.FS

// Shipped is the set this version of the product ships with.
func Shipped() (*Set, error) {
	rules, err := clock.Shipped()
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(shipped, "shipped")
	if err != nil {
		return nil, err
	}
	return Load(files, rules)
}

// Load reads a set from a folder: conditions.yaml, tasks.yaml, and every other
// *.yaml as protocols, in the order of their names. It checks everything it can
// without a patient, and the error holds all that is wrong, one line each: unknown
// keys, conditions that do not compile, tasks or due rules that do not exist,
// unknown roles and priorities, base protocols that leave a stay without a task.
func Load(files fs.FS, rules *clock.Table) (*Set, error) {
	l := loader{files: files, set: &Set{rules: rules, tasks: map[string]definition{}, chronic: map[string]bool{}}}
	l.conditions()
	l.tasks()
	l.protocols()
	if len(l.problems) == 0 {
		l.check()
	}
	if len(l.problems) > 0 {
		return nil, errors.Join(l.problems...)
	}
	return l.set, nil
}

type loader struct {
	files    fs.FS
	set      *Set
	problems []error
}

func (l *loader) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf(format, args...))
}

func (l *loader) read(name string, into any) {
	text, err := fs.ReadFile(l.files, name)
	if err != nil {
		l.problem("%s: %w", name, err)
		return
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		l.problem("%s: %w", name, err)
	}
}

func (l *loader) conditions() {
	var file struct {
		Version    string `yaml:"version"`
		Conditions []struct {
			Name    string   `yaml:"name"`
			Chronic bool     `yaml:"chronic"`
			Codes   []string `yaml:"codes"`
		} `yaml:"conditions"`
	}
	l.read("conditions.yaml", &file)
	groups := make(map[string][]string)
	for _, c := range file.Conditions {
		groups[c.Name] = c.Codes
		l.set.chronic[c.Name] = c.Chronic
	}
	var err error
	if l.set.conditions, err = icd.New(groups); err != nil {
		l.problem("conditions.yaml: %w", err)
	}
}

// definition is a task of the catalogue.
type definition struct {
	Code         string `yaml:"code"`
	Title        string `yaml:"title"`
	OwnerRole    string `yaml:"owner_role"`
	Due          string `yaml:"due"`
	Priority     string `yaml:"priority"`
	Instructions string `yaml:"instructions"`
	Source       string `yaml:"source"`
}

func (l *loader) tasks() {
	var file struct {
		Version string       `yaml:"version"`
		Tasks   []definition `yaml:"tasks"`
	}
	l.read("tasks.yaml", &file)
	for _, d := range file.Tasks {
		if d.Code == "" || d.Title == "" || d.Instructions == "" || d.Source == "" {
			l.problem("tasks.yaml: task %q: code, title, instructions and source are all needed", d.Code)
		}
		if _, twice := l.set.tasks[d.Code]; twice {
			l.problem("tasks.yaml: task %s is there twice", d.Code)
		}
		if !slices.Contains(roles, d.OwnerRole) {
			l.problem("tasks.yaml: task %s: there is no role %q", d.Code, d.OwnerRole)
		}
		l.checkUse("tasks.yaml: task "+d.Code, d.Due, d.Priority)
		l.set.tasks[d.Code] = d
	}
}

func (l *loader) checkUse(where, due, priority string) {
	if _, ok := l.set.rules.Rule(due, calendar.Date{Year: 2100, Month: 1, Day: 1}); !ok {
		l.problem("%s: there is no due rule %q", where, due)
	}
	if rank(priority) < 0 {
		l.problem("%s: priority %q is none of routine, urgent, asap, stat", where, priority)
	}
}

// entry is a protocol as it stands in a file.
type entry struct {
	Code    string `yaml:"code"`
	Version string `yaml:"version"`
	From    string `yaml:"from"`
	Until   string `yaml:"until"`
	Kind    string `yaml:"kind"`
	Title   string `yaml:"title"`
	When    string `yaml:"when"`
	Setting string `yaml:"setting"`
	Needs   string `yaml:"needs"`
	Alone   bool   `yaml:"alone"`
	Tasks   []use  `yaml:"tasks"`
}

// use is a protocol's wish for a task of the catalogue; Due and Priority, where
// given, replace the catalogue's, and Why says the reason.
type use struct {
	Task     string `yaml:"task"`
	Due      string `yaml:"due"`
	Priority string `yaml:"priority"`
	Why      string `yaml:"why"`
}

func (l *loader) protocols() {
	env, err := newEnv()
	if err != nil {
		l.problem("conditions: %w", err)
		return
	}
	names, err := fs.Glob(l.files, "*.yaml")
	if err != nil {
		l.problem("%w", err)
	}
	for _, name := range names {
		if name == "conditions.yaml" || name == "tasks.yaml" {
			continue
		}
		var file struct {
			Protocols []entry `yaml:"protocols"`
		}
		l.read(name, &file)
		for _, e := range file.Protocols {
			if p, ok := l.protocol(env, name+": protocol "+e.Code, e); ok {
				l.set.add(e.Kind, p)
			}
		}
	}
}

func (l *loader) protocol(env *cel.Env, where string, e entry) (*protocol, bool) {
	before := len(l.problems)
	p := &protocol{
		code: e.Code, version: e.Version, ref: e.Code + "@" + e.Version, title: e.Title,
		setting: e.Setting, need: e.Needs, alone: e.Alone,
	}
	if e.Code == "" || e.Version == "" || e.Title == "" || len(e.Tasks) == 0 {
		l.problem("%s: code, version, title and at least one task are needed", where)
	}
	if !slices.Contains([]string{"base", "addon", "emergency"}, e.Kind) {
		l.problem("%s: kind %q is none of base, addon, emergency", where, e.Kind)
	}
	if e.Needs != "" && !slices.Contains(needs, e.Needs) {
		l.problem("%s: there is no need %q", where, e.Needs)
	}
	var err error
	if p.when, err = compile(env, e.When); err != nil {
		l.problem("%s: %w", where, err)
	}
	if p.from, err = calendar.ParseDate(e.From); err != nil {
		l.problem("%s: from: %w", where, err)
	}
	if e.Until != "" {
		if p.until, err = calendar.ParseDate(e.Until); err != nil {
			l.problem("%s: until: %w", where, err)
		}
	}
	for _, u := range e.Tasks {
		d, ok := l.set.tasks[u.Task]
		if !ok {
			l.problem("%s: there is no task %q", where, u.Task)
			continue
		}
		p.tasks = append(p.tasks, u.wish(d))
		l.checkUse(where+": task "+u.Task, p.tasks[len(p.tasks)-1].due, p.tasks[len(p.tasks)-1].priority)
	}
	return p, len(l.problems) == before
}

func (u use) wish(d definition) wish {
	w := wish{code: d.Code, due: d.Due, priority: d.Priority, why: u.Why}
	if u.Due != "" {
		w.due = u.Due
	}
	if u.Priority != "" {
		w.priority = u.Priority
	}
	return w
}
