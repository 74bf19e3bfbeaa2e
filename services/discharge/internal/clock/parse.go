package clock

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/handoff-care/handoff/pkg/calendar"
)

//go:embed packs/*.yaml
var shipped embed.FS

// Shipped is the table of rules this version of the product ships with.
var Shipped = sync.OnceValues(func() (*Table, error) {
	files, err := fs.Glob(shipped, "packs/*.yaml")
	if err != nil {
		return nil, err
	}
	var texts [][]byte
	for _, name := range files {
		text, err := shipped.ReadFile(name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return Parse(texts...)
})

// Pack is the rules of one programme, with the vectors that show what they mean.
type Pack struct {
	Pack     string       `yaml:"pack" json:"pack"`
	Version  string       `yaml:"version" json:"version"`
	Title    string       `yaml:"title" json:"title"`
	About    string       `yaml:"about" json:"about"`
	Entries  []PackRule   `yaml:"rules" json:"rules"`
	Vectors  []PackVector `yaml:"vectors" json:"vectors"`
	Cases    []PackCase   `yaml:"cases" json:"cases,omitempty"`
	Outcomes []TCMVector  `yaml:"outcomes" json:"outcomes,omitempty"`
	Stays    []SNFVector  `yaml:"stays" json:"stays,omitempty"`
}

// Parse makes a table of rule packs written in YAML, one text for each. It refuses
// unknown keys, a rule without a source, a length in no unit or in two, versions of
// a rule that overlap or leave a gap, and a pack whose own vectors do not come true.
func Parse(texts ...[]byte) (*Table, error) {
	var packs []Pack
	var rules []Rule
	for _, text := range texts {
		var p Pack
		dec := yaml.NewDecoder(bytes.NewReader(text))
		dec.KnownFields(true)
		if err := dec.Decode(&p); err != nil {
			return nil, fmt.Errorf("clock: %w", err)
		}
		for _, e := range p.Entries {
			r, err := e.rule()
			if err != nil {
				return nil, fmt.Errorf("clock: rule %q version %q: %w", e.ID, e.Version, err)
			}
			r.Pack = p.Pack
			rules = append(rules, r)
		}
		packs = append(packs, p)
	}
	t, err := newTable(rules)
	if err != nil {
		return nil, err
	}
	t.packs = packs
	for _, p := range packs {
		if err := t.prove(p); err != nil {
			return nil, fmt.Errorf("clock: pack %s: %w", p.Pack, err)
		}
	}
	return t, nil
}

// PackRule is a rule as it stands in its file.
type PackRule struct {
	ID              string     `yaml:"id" json:"id"`
	Version         string     `yaml:"version" json:"version"`
	From            string     `yaml:"from" json:"from"`
	Until           string     `yaml:"until" json:"until,omitempty"`
	Trigger         Trigger    `yaml:"trigger" json:"trigger"`
	BusinessDays    *int       `yaml:"business_days" json:"business_days,omitempty"`
	CalendarDays    *int       `yaml:"calendar_days" json:"calendar_days,omitempty"`
	Hours           *int       `yaml:"hours" json:"hours,omitempty"`
	Midnights       *int       `yaml:"midnights" json:"midnights,omitempty"`
	Title           string     `yaml:"title" json:"title"`
	Source          string     `yaml:"source" json:"source"`
	Standing        string     `yaml:"standing" json:"standing" enum:"read,common,house"`
	FromDay         *int       `yaml:"from_day" json:"from_day,omitempty"`
	Applies         *Condition `yaml:"applies" json:"applies,omitempty"`
	MetBy           []string   `yaml:"met_by" json:"met_by,omitempty"`
	AttemptOutcomes []string   `yaml:"attempt_outcomes" json:"attempt_outcomes,omitempty"`
	Attempts        int        `yaml:"attempts" json:"attempts,omitempty"`
	Pausable        bool       `yaml:"pausable" json:"pausable,omitempty"`
	ExtensionDays   int        `yaml:"extension_days" json:"extension_days,omitempty"`
	Window          bool       `yaml:"window" json:"window,omitempty"`
	EndsIn          string     `yaml:"ends_in" json:"ends_in,omitempty"`
	MinStay         bool       `yaml:"min_stay" json:"min_stay,omitempty"`
	Sooner          bool       `yaml:"sooner" json:"sooner,omitempty"`
	Quiet           bool       `yaml:"quiet" json:"quiet,omitempty"`
	WaivedBy        *Waiver    `yaml:"waived_by" json:"waived_by,omitempty"`
	Asked           *Asking    `yaml:"asked" json:"asked,omitempty"`
}

func (e PackRule) rule() (Rule, error) {
	r := Rule{
		ID: e.ID, Version: e.Version, Title: e.Title, Trigger: e.Trigger, Source: e.Source, Standing: e.Standing,
		FromDay: e.FromDay, Applies: e.Applies, MetBy: e.MetBy, AttemptOutcomes: e.AttemptOutcomes, Attempts: e.Attempts,
		Pausable: e.Pausable, ExtensionDays: e.ExtensionDays, Window: e.Window, EndsIn: e.EndsIn, MinStay: e.MinStay,
		Sooner: e.Sooner, Quiet: e.Quiet, WaivedBy: e.WaivedBy, Asked: e.Asked,
	}
	lengths := 0
	for _, l := range []struct {
		unit  Unit
		count *int
	}{{BusinessDays, e.BusinessDays}, {CalendarDays, e.CalendarDays}, {Hours, e.Hours}, {Midnights, e.Midnights}} {
		if l.count != nil {
			r.Unit, r.Count = l.unit, *l.count
			lengths++
		}
	}
	if err := e.check(r, lengths); err != nil {
		return r, err
	}
	var err error
	if r.From, err = calendar.ParseDate(e.From); err != nil {
		return r, err
	}
	if e.Until != "" {
		if r.Until, err = calendar.ParseDate(e.Until); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (e PackRule) check(r Rule, lengths int) error {
	_, known := verbs[e.Trigger]
	switch {
	case e.ID == "" || e.Version == "" || e.Title == "" || e.Source == "":
		return fmt.Errorf("id, version, title and source are all needed")
	case !known:
		return fmt.Errorf("nobody knows the trigger %q", e.Trigger)
	case lengths != 1:
		return fmt.Errorf("%d lengths given, want exactly one of business_days, calendar_days, hours, midnights", lengths)
	case r.Count < 0 && r.Unit != Hours, r.Unit == BusinessDays && r.Count == 0, r.Unit == Midnights && r.Count == 0:
		return fmt.Errorf("a length of %d %s", r.Count, r.Unit)
	case r.Count < 0 && (r.Pausable || r.ExtensionDays > 0):
		return fmt.Errorf("a clock that runs before its trigger cannot be paused or extended")
	case r.Attempts < 0 || r.ExtensionDays < 0:
		return fmt.Errorf("attempts and extension_days cannot be negative")
	case r.Window && r.MinStay:
		return fmt.Errorf("a rule is a window or a stay that has to last, not both")
	case !slices.Contains([]string{"read", "common", "house"}, e.Standing):
		return fmt.Errorf("standing %q is none of read, common, house", e.Standing)
	case e.Applies != nil && slices.Contains([]Trigger{Request, Grievance, Hanging}, e.Trigger):
		return fmt.Errorf("no stay says when a clock from %s starts: the rule cannot run one of its own", e.Trigger)
	}
	if e.Applies != nil {
		return e.Applies.check()
	}
	return e.Asked.check(r)
}
