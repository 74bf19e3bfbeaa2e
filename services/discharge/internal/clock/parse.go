package clock

import (
	"bytes"
	_ "embed"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/handoff-care/handoff/pkg/calendar"
)

//go:embed rules.yaml
var shipped []byte

// Shipped is the table of rules this version of the product ships with.
func Shipped() (*Table, error) { return Parse(shipped) }

// Parse reads a table of rules from YAML in the form of rules.yaml. It refuses
// unknown keys, a rule without a source, a length in no unit or in two, and
// versions of a rule that overlap or leave a gap.
func Parse(text []byte) (*Table, error) {
	var file struct {
		Rules []entry `yaml:"rules"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("clock: %w", err)
	}
	rules := make([]Rule, 0, len(file.Rules))
	for _, e := range file.Rules {
		r, err := e.rule()
		if err != nil {
			return nil, fmt.Errorf("clock: rule %q version %q: %w", e.ID, e.Version, err)
		}
		rules = append(rules, r)
	}
	return newTable(rules)
}

// entry is a rule as it stands in the file.
type entry struct {
	ID           string  `yaml:"id"`
	Version      string  `yaml:"version"`
	From         string  `yaml:"from"`
	Until        string  `yaml:"until"`
	Trigger      Trigger `yaml:"trigger"`
	BusinessDays *int    `yaml:"business_days"`
	CalendarDays *int    `yaml:"calendar_days"`
	Hours        *int    `yaml:"hours"`
	Title        string  `yaml:"title"`
	Source       string  `yaml:"source"`
	Standing     string  `yaml:"standing"`
}

func (e entry) rule() (Rule, error) {
	r := Rule{ID: e.ID, Version: e.Version, Title: e.Title, Trigger: e.Trigger, Source: e.Source, Standing: e.Standing}
	lengths := 0
	for _, l := range []struct {
		unit  Unit
		count *int
	}{{BusinessDays, e.BusinessDays}, {CalendarDays, e.CalendarDays}, {Hours, e.Hours}} {
		if l.count != nil {
			r.Unit, r.Count = l.unit, *l.count
			lengths++
		}
	}
	switch {
	case e.ID == "" || e.Version == "" || e.Title == "" || e.Source == "":
		return r, fmt.Errorf("id, version, title and source are all needed")
	case e.Trigger != Discharge && e.Trigger != Admission && e.Trigger != Hanging:
		return r, fmt.Errorf("trigger %q is none of discharge, admission, hanging", e.Trigger)
	case lengths != 1:
		return r, fmt.Errorf("%d lengths given, want exactly one of business_days, calendar_days, hours", lengths)
	case r.Count < 0 || r.Unit == BusinessDays && r.Count == 0:
		return r, fmt.Errorf("a length of %d %s", r.Count, r.Unit)
	case e.Standing != "read" && e.Standing != "common" && e.Standing != "house":
		return r, fmt.Errorf("standing %q is none of read, common, house", e.Standing)
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
