package readmission

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/handoff-care/handoff/pkg/events"
)

//go:embed rules.yaml
var shipped []byte

// Rules say what a return is. They are immutable and safe for concurrent use. Make
// them with [Shipped] or [Parse].
type Rules struct {
	Version   string         `yaml:"version"`
	Source    string         `yaml:"source"`
	Window    int            `yaml:"window_days"`
	Arrivals  []string       `yaml:"arrivals"`
	Admitted  []string       `yaml:"admitted"`
	Episode   episodeRule    `yaml:"episode"`
	NotAcute  notAcuteRule   `yaml:"not_acute"`
	Planned   []plannedRule  `yaml:"planned"`
	Transfers []transferRule `yaml:"transfers"`
	Measures  []measureRule  `yaml:"measures"`
	Flags     []flagRule     `yaml:"flags"`
	reach     int            // days within which two stays can matter to each other
}

type episodeRule struct {
	Hours        int      `yaml:"hours"`
	Dispositions []string `yaml:"dispositions"`
}

type notAcuteRule struct {
	Source string   `yaml:"source"`
	Types  []string `yaml:"facility_types"`
}

type plannedRule struct {
	ID          string   `yaml:"id"`
	Title       string   `yaml:"title"`
	Source      string   `yaml:"source"`
	IndexLeftBy []string `yaml:"index_dispositions"`
	Classes     []string `yaml:"classes"`
	AdmitTypes  []string `yaml:"admit_types"`
	Principal   []string `yaml:"principal"` // prefixes of ICD-10-CM codes
}

type transferRule struct {
	ID           string   `yaml:"id"`
	Title        string   `yaml:"title"`
	Source       string   `yaml:"source"`
	Within       int      `yaml:"within_days"`
	Elsewhere    bool     `yaml:"elsewhere"`
	Ends         bool     `yaml:"ends"` // what comes after belongs to the other facility's discharge
	Dispositions []string `yaml:"dispositions"`
	Classes      []string `yaml:"classes"`
}

type measureRule struct {
	ID            string   `yaml:"id"`
	Source        string   `yaml:"source"`
	Window        int      `yaml:"window_days"`
	IndexClasses  []string `yaml:"index_classes"`
	ReturnClasses []string `yaml:"return_classes"`
	DistinctDays  int      `yaml:"distinct_days"`
	SameDayIndex  bool     `yaml:"same_day_index"`
	MinAge        int      `yaml:"min_age"`
	Pregnancy     []string `yaml:"pregnancy"`
	Planned       bool     `yaml:"planned"`
}

type flagRule struct {
	Code         string   `yaml:"code"`
	Rule         string   `yaml:"rule"`
	Title        string   `yaml:"title"`
	Source       string   `yaml:"source"`
	ED12mOver    *int     `yaml:"ed_12m_over"`
	ED60dOver    *int     `yaml:"ed_60d_over"`
	AdmitSources []string `yaml:"admit_sources"`
	Before       *struct {
		Days         int      `yaml:"days"`
		Dispositions []string `yaml:"dispositions"`
		Classes      []string `yaml:"classes"`
		Types        []string `yaml:"facility_types"`
		Acute        bool     `yaml:"acute"` // only where acute care is given
	} `yaml:"before"`
}

// Shipped are the rules this version of the product ships with.
func Shipped() (*Rules, error) { return Parse(shipped) }

// Parse reads rules in the form of rules.yaml. It refuses unknown keys, rules
// without a source, and rules that would hold of everything.
func Parse(text []byte) (*Rules, error) {
	r := &Rules{}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(r); err != nil {
		return nil, fmt.Errorf("readmission: %w", err)
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("readmission: %w", err)
	}
	r.reach = r.Window
	for _, f := range r.Flags {
		if f.Before != nil {
			r.reach = max(r.reach, f.Before.Days)
		}
	}
	return r, nil
}

func (r *Rules) check() error {
	var problems []error
	bad := func(wrong bool, what string, id string) {
		if wrong {
			problems = append(problems, fmt.Errorf("%s %q", what, id))
		}
	}
	bad(r.Version == "" || r.Source == "" || r.Window < 1 || len(r.Arrivals) == 0, "no version, source, window or arrivals in", r.Version)
	bad(len(r.NotAcute.Types) > 0 && r.NotAcute.Source == "", "no source for facility types of", r.Version)
	for _, kind := range r.NotAcute.Types {
		bad(!slices.Contains(events.FacilityTypes, kind), "nobody knows the facility type", kind)
	}
	for _, p := range r.Planned {
		bad(p.Source == "", "no source for", p.ID)
		bad(len(p.IndexLeftBy)+len(p.AdmitTypes)+len(p.Principal) == 0, "everything would be planned by", p.ID)
	}
	for _, t := range r.Transfers {
		bad(t.Source == "", "no source for", t.ID)
		bad(len(t.Dispositions) == 0 || len(t.Classes) == 0, "everything would be a transfer by", t.ID)
	}
	for _, m := range r.Measures {
		bad(m.Source == "" || m.Window < 1 || !strings.Contains(m.ID, "@"), "no source, window or version for", m.ID)
	}
	for _, f := range r.Flags {
		bad(f.Source == "" || !strings.Contains(f.Rule, "@"), "no source or version for", f.Rule)
		if b := f.Before; b != nil {
			for _, kind := range b.Types {
				bad(!slices.Contains(events.FacilityTypes, kind), "nobody knows the facility type", kind)
			}
		}
		bad(f.ED12mOver == nil && f.ED60dOver == nil && len(f.AdmitSources) == 0 && f.Before == nil, "everybody would be flagged by", f.Rule)
	}
	return errors.Join(problems...)
}

// Reach is within how many days of each other two stays of a person can matter to
// one another: the discharge of one to the beginning of the other.
func (r *Rules) Reach() int { return r.reach }

// Counts reports whether a stay of this class can matter to others.
func (r *Rules) Counts(class string) bool {
	return slices.Contains(r.Arrivals, class) || class == "newborn"
}

func begins(code string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(code, p) })
}
