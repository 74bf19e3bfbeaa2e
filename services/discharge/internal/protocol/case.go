package protocol

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
)

// Case is one example of what a set does: a stay, and what is expected of its plan.
// Cases stand in files beside the protocols; people write them, and whoever changes a
// protocol sees by them what else the change does.
type Case struct {
	File, Name string
	stay       Stay
	where      clock.Where
	expect     caseEntry
}

// caseEntry is a case as it stands in a file.
type caseEntry struct {
	Name      string    `yaml:"name"`
	Encounter caseStay  `yaml:"encounter"`
	Protocols *[]string `yaml:"protocols"` // codes in their order; all of them
	Needs     *[]string `yaml:"needs"`     // all of them
	Tasks     *[]wanted `yaml:"tasks"`     // all of them, in any order
	Includes  []wanted  `yaml:"includes"`  // among others
	Excludes  []string  `yaml:"excludes"`  // task codes
}

// caseStay is a stay as people write it. Times are local; what is left out is an
// inpatient of four days who leaves New York on a Friday afternoon.
type caseStay struct {
	Class       string   `yaml:"class"`
	Disposition string   `yaml:"disposition"`
	Admitted    string   `yaml:"admitted"`
	Discharged  string   `yaml:"discharged"`
	Zone        string   `yaml:"zone"`
	Closures    []string `yaml:"closures"`
	Facility    string   `yaml:"facility"`
	Unit        string   `yaml:"unit"`
	AdmitType   string   `yaml:"admit_type"`
	AdmitSource string   `yaml:"admit_source"`
	Service     string   `yaml:"service"`
	Age         *int     `yaml:"age"`
	Sex         string   `yaml:"sex"`
	ZIP3        string   `yaml:"zip3"`
	Payer       string   `yaml:"payer"`
	Language    string   `yaml:"language"`
	Diagnoses   []string `yaml:"diagnoses"`
	Risk        string   `yaml:"risk"` // a number, or least-most
}

// wanted is what is expected of a task: its code alone, or more.
type wanted struct {
	Task     string   `yaml:"task"`
	Due      string   `yaml:"due"` // a date: by its end; or a date and time
	Priority string   `yaml:"priority"`
	Why      []string `yaml:"why"`
	Role     string   `yaml:"role"`
}

// UnmarshalYAML reads a code alone, or a task with more.
func (w *wanted) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		w.Task = node.Value
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if key := node.Content[i].Value; !slices.Contains([]string{"task", "due", "priority", "why", "role"}, key) {
			return fmt.Errorf("line %d: a task has no %q to expect", node.Content[i].Line, key)
		}
	}
	type plain wanted
	return node.Decode((*plain)(w))
}

const (
	caseDischarged = "2026-10-16 14:02"
	caseTime       = "2006-01-02 15:04"
)

// cases reads the files with cases.
func (l *loader) cases() {
	for _, name := range l.files.names() {
		if !strings.HasSuffix(name, caseFile) {
			continue
		}
		var file struct {
			Cases []caseEntry `yaml:"cases"`
		}
		l.read(name, &file)
		for _, e := range file.Cases {
			c, err := e.read(name)
			if err != nil {
				l.problem("%s: case %q: %w", name, e.Name, err)
				continue
			}
			for _, code := range c.mentions() {
				if _, known := l.set.tasks[code]; !known {
					l.problem("%s: case %q: there is no task %q", name, e.Name, code)
				}
			}
			l.set.cases = append(l.set.cases, c)
		}
	}
}

func (e caseEntry) read(file string) (Case, error) {
	c := Case{File: file, Name: e.Name, expect: e}
	if e.Name == "" {
		return c, fmt.Errorf("it has no name")
	}
	if e.Protocols == nil && e.Needs == nil && e.Tasks == nil && len(e.Includes) == 0 && len(e.Excludes) == 0 {
		return c, fmt.Errorf("it expects nothing: say protocols, needs, tasks, includes or excludes")
	}
	s := e.Encounter
	zone, err := calendar.Zone(cmp.Or(s.Zone, "America/New_York"))
	if err != nil {
		return c, err
	}
	closures := make([]calendar.Closure, len(s.Closures))
	for i, text := range s.Closures {
		if closures[i].Date, err = calendar.ParseDate(text); err != nil {
			return c, err
		}
	}
	c.where = clock.Where{Zone: zone, Calendar: calendar.USFederal(closures...)}
	c.stay = Stay{
		Class: cmp.Or(s.Class, "inpatient"), Disposition: s.Disposition, Age: s.Age, Sex: s.Sex, Payer: s.Payer, Language: s.Language,
		Service: s.Service, Facility: s.Facility, Unit: s.Unit, AdmitType: s.AdmitType, AdmitSource: s.AdmitSource, ZIP3: s.ZIP3,
		Diagnoses: s.Diagnoses,
	}
	if c.stay.DischargedAt, err = time.ParseInLocation(caseTime, cmp.Or(s.Discharged, caseDischarged), zone); err != nil {
		return c, fmt.Errorf("discharged: want 2026-10-16 14:02: %w", err)
	}
	c.stay.AdmittedAt = c.stay.DischargedAt.AddDate(0, 0, -4)
	if s.Admitted != "" {
		if c.stay.AdmittedAt, err = time.ParseInLocation(caseTime, s.Admitted, zone); err != nil {
			return c, fmt.Errorf("admitted: want 2026-10-12 09:30: %w", err)
		}
	}
	c.stay.RiskMin, c.stay.RiskMax, err = interval(s.Risk)
	return c, err
}

func interval(text string) (least, most int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	low, high, two := strings.Cut(text, "-")
	if !two {
		high = low
	}
	if least, err = strconv.Atoi(low); err == nil {
		most, err = strconv.Atoi(high)
	}
	if err != nil || least > most {
		return 0, 0, fmt.Errorf("risk: want a number, or least-most, not %q", text)
	}
	return least, most, nil
}

// mentions are the task codes a case speaks of.
func (c Case) mentions() []string {
	out := slices.Clone(c.expect.Excludes)
	for _, w := range c.expect.Includes {
		out = append(out, w.Task)
	}
	if c.expect.Tasks != nil {
		for _, w := range *c.expect.Tasks {
			out = append(out, w.Task)
		}
	}
	return out
}

// CaseResult is how one case went. It passed if Wrong is empty.
type CaseResult struct {
	File  string   `json:"file"`
	Name  string   `json:"name"`
	Wrong []string `json:"wrong" doc:"what differs from what the case expects; empty: it passed"`
}

// Report is how the cases of a set went.
type Report struct {
	Results  []CaseResult `json:"cases"`
	Failed   int          `json:"failed"`
	Untested []string     `json:"untested" doc:"protocols (code@version) that no case's plan holds"`
}

// Test runs the cases of the set.
func (s *Set) Test() Report {
	r := Report{Results: []CaseResult{}, Untested: []string{}}
	met := map[string]bool{}
	for _, c := range s.cases {
		result := CaseResult{File: c.File, Name: c.Name, Wrong: []string{}}
		plan, err := s.Plan(c.stay, c.where)
		if err != nil {
			result.Wrong = append(result.Wrong, err.Error())
		} else {
			result.Wrong = append(result.Wrong, c.compare(s.seen(plan, c.File))...)
		}
		for _, ref := range plan.Protocols {
			met[ref] = true
		}
		if len(result.Wrong) > 0 {
			r.Failed++
		}
		r.Results = append(r.Results, result)
	}
	for p := range s.all() {
		if !met[p.ref] {
			r.Untested = append(r.Untested, p.ref)
		}
	}
	return r
}

// seen is a plan as far as a case knows of it: what the shipped files and the case's own
// have in it. So the shipped cases hold beside a house's add-ons, as long as those leave
// the due times and priorities of other tasks alone.
func (s *Set) seen(plan Plan, file string) Plan {
	own := strings.TrimSuffix(file, caseFile) + ".yaml"
	hidden := map[string]bool{}
	out := Plan{}
	for p := range s.all() {
		switch {
		case p.file != own && !isShipped[p.file]:
			hidden[p.ref] = true
		case p.need != "" && slices.Contains(plan.Protocols, p.ref) && !slices.Contains(out.Needs, p.need):
			out.Needs = append(out.Needs, p.need)
		}
	}
	for _, ref := range plan.Protocols {
		if !hidden[ref] {
			out.Protocols = append(out.Protocols, ref)
		}
	}
	for _, t := range plan.Tasks {
		if slices.ContainsFunc(t.Protocols, func(ref string) bool { return !hidden[ref] }) {
			out.Tasks = append(out.Tasks, t)
		}
	}
	return out
}

// isShipped are the names of the files with protocols that the product ships with.
var isShipped = func() map[string]bool {
	out := map[string]bool{}
	for _, name := range ShippedFiles().protocolFiles() {
		out[name] = true
	}
	return out
}()

// compare says how a plan differs from what the case expects.
func (c Case) compare(plan Plan) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if want := c.expect.Protocols; want != nil && !slices.EqualFunc(plan.Protocols, *want, names) {
		say("protocols: %s, want %s", spoken(plan.Protocols), spoken(*want))
	}
	if want := c.expect.Needs; want != nil && !slices.Equal(plan.Needs, *want) {
		say("needs: %s, want %s", spoken(plan.Needs), spoken(*want))
	}
	expected := slices.Clone(c.expect.Includes)
	if c.expect.Tasks != nil {
		expected = append(expected, *c.expect.Tasks...)
		for _, t := range plan.Tasks {
			if !slices.ContainsFunc(*c.expect.Tasks, func(w wanted) bool { return w.Task == t.Code }) {
				say("%s is in the plan and not expected", t.Code)
			}
		}
	}
	for _, w := range expected {
		i := slices.IndexFunc(plan.Tasks, func(t Task) bool { return t.Code == w.Task })
		if i < 0 {
			say("%s is missing", w.Task)
			continue
		}
		wrong = append(wrong, w.compare(plan.Tasks[i], c.where.Zone)...)
	}
	for _, code := range c.expect.Excludes {
		if slices.ContainsFunc(plan.Tasks, func(t Task) bool { return t.Code == code }) {
			say("%s is in the plan and should not be", code)
		}
	}
	return wrong
}

// names reports whether a protocol (code@version) is the one named: by its code, or by
// code and version.
func names(ref, want string) bool {
	code, _, _ := strings.Cut(ref, "@")
	return ref == want || code == want
}

func spoken(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func (w wanted) compare(t Task, zone *time.Location) (wrong []string) {
	say := func(what, have, want string) {
		wrong = append(wrong, fmt.Sprintf("%s: %s %s, want %s", t.Code, what, have, want))
	}
	if w.Priority != "" && w.Priority != t.Priority {
		say("priority", t.Priority, w.Priority)
	}
	if w.Role != "" && w.Role != t.OwnerRole {
		say("role", t.OwnerRole, w.Role)
	}
	if w.Why != nil && !slices.Equal(w.Why, t.Reasons) {
		say("why", spoken(t.Reasons), spoken(w.Why))
	}
	if due := Due(t.DueAt, zone); w.Due != "" && w.Due != due {
		say("due", due, w.Due)
	}
	return wrong
}

// Due is a due time in the words of a case: the day at whose end it is, or the local
// day and minute.
func Due(at time.Time, zone *time.Location) string {
	if day := calendar.DateOf(at.Add(-1), zone); day.End(zone).Equal(at) {
		return day.String()
	}
	return at.In(zone).Format(caseTime)
}
