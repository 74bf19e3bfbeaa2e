package protocol

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"go.yaml.in/yaml/v3"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/icd"
)

// load is Load, or with strict off Restore.
func (f Files) load(rules *clock.Table, strict bool) (*Set, error) {
	l := loader{files: f, strict: strict, set: &Set{
		rules: rules, digest: f.Digest(), tasks: map[string]definition{}, chronic: map[string]bool{}, codes: map[string][]string{},
	}}
	l.conditions()
	l.tasks()
	l.hanging()
	l.protocols()
	if len(l.problems) == 0 {
		l.order()
		l.check()
		l.cases()
	}
	if len(l.problems) > 0 {
		return nil, errors.Join(l.problems...)
	}
	return l.set, nil
}

type loader struct {
	files    Files
	strict   bool // also what is merely unwise
	set      *Set
	problems []error
}

func (l *loader) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf(format, args...))
}

func (l *loader) read(name string, into any) {
	text, there := l.files[name]
	if !there {
		l.problem("%s is missing", name)
		return
	}
	dec := yaml.NewDecoder(strings.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil && !errors.Is(err, io.EOF) { // an empty file holds nothing
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
		l.set.codes[c.Name] = c.Codes
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
	Settle  string `yaml:"settle"`
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
	for _, name := range l.files.protocolFiles() {
		var file struct {
			Protocols []entry `yaml:"protocols"`
		}
		l.read(name, &file)
		for _, e := range file.Protocols {
			where := name + ": protocol " + e.Code
			if p, ok := l.protocol(env, where, e); ok && !l.set.add(e.Kind, p) {
				l.problem("%s: version %s is there twice", where, e.Version)
			}
		}
	}
}

func (l *loader) protocol(env *cel.Env, where string, e entry) (*protocol, bool) {
	before := len(l.problems)
	p := &protocol{
		code: e.Code, version: e.Version, ref: e.Code + "@" + e.Version, refs: []string{e.Code + "@" + e.Version}, title: e.Title,
		kind: e.Kind, file: name(where), setting: e.Setting, need: e.Needs, alone: e.Alone, text: e.When,
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
	} else if l.strict && l.set.conditions != nil {
		for _, mistake := range l.set.mistakes(env, p.when, e.Kind) {
			l.problem("%s: condition %q: %s", where, e.When, mistake)
		}
	}
	if !slices.Contains([]string{"", "community", "facility"}, e.Setting) {
		l.problem("%s: setting %q is none of community, facility", where, e.Setting)
	}
	if p.from, err = calendar.ParseDate(e.From); err != nil {
		l.problem("%s: from: %w", where, err)
	}
	if e.Until != "" {
		if p.until, err = calendar.ParseDate(e.Until); err != nil {
			l.problem("%s: until: %w", where, err)
		}
	}
	if p.settle, err = settle(e.Settle); err != nil {
		l.problem("%s: settle: %w", where, err)
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
	if strings.ContainsAny(e.Code+e.Version, " @") {
		l.problem("%s: neither code nor version may hold a space or an @", where)
	}
	return p, len(l.problems) == before
}

// name is the file in a problem's place.
func name(where string) string {
	file, _, _ := strings.Cut(where, ":")
	return file
}

func (u use) wish(d definition) wish {
	w := wish{code: d.Code, due: d.Due, priority: d.Priority, why: u.Why}
	if u.Why != "" {
		w.whys = []string{u.Why}
	}
	if u.Due != "" {
		w.due = u.Due
	}
	if u.Priority != "" {
		w.priority = u.Priority
	}
	return w
}
