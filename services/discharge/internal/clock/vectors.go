package clock

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// PackVector is an example of due times: the trigger of every rule named at one instant.
type PackVector struct {
	At       string            `yaml:"at" json:"at"`                       // local time
	Zone     string            `yaml:"zone" json:"zone,omitempty"`         // America/New_York unless said otherwise
	Closed   []string          `yaml:"closed" json:"closed,omitempty"`     // local closures
	Pauses   [][2]string       `yaml:"pauses" json:"pauses,omitempty"`     //
	Extended bool              `yaml:"extended" json:"extended,omitempty"` //
	Ends     string            `yaml:"ends" json:"ends,omitempty"`         // when what started the clock ended
	Due      map[string]string `yaml:"due" json:"due"`                     // rule or rule@version -> the last local day, or an instant
	Opens    map[string]string `yaml:"opens" json:"opens,omitempty"`       // rule -> the first local day on which evidence counts
}

// PackCase is an example of a stay that a rule runs a clock for, or not.
type PackCase struct {
	Rule        string   `yaml:"rule" json:"rule"`
	Class       string   `yaml:"class" json:"class"`
	Disposition string   `yaml:"disposition" json:"disposition,omitempty"`
	Payer       string   `yaml:"payer" json:"payer,omitempty"`
	Age         *int     `yaml:"age" json:"age,omitempty"`
	Principal   []string `yaml:"principal" json:"principal,omitempty"` // groups of the principal diagnosis
	Diagnoses   []string `yaml:"diagnoses" json:"diagnoses,omitempty"` // codes
	Chronic     int      `yaml:"chronic" json:"chronic,omitempty"`
	Admitted    string   `yaml:"admitted" json:"admitted,omitempty"`
	Inpatient   string   `yaml:"inpatient" json:"inpatient,omitempty"`
	Observation string   `yaml:"observation" json:"observation,omitempty"`
	Discharged  string   `yaml:"discharged" json:"discharged,omitempty"`
	Applies     bool     `yaml:"applies" json:"applies"`
}

const (
	vectorZone  = "America/New_York"
	localLayout = "2006-01-02 15:04"
)

// prove computes a pack's own examples and fails on the first that does not come true.
func (t *Table) prove(p Pack) error {
	for _, v := range p.Vectors {
		if err := t.proveVector(v); err != nil {
			return fmt.Errorf("vector of %s: %w", v.At, err)
		}
	}
	for i, c := range p.Cases {
		if err := t.proveCase(c); err != nil {
			return fmt.Errorf("case %d, of %s: %w", i+1, c.Rule, err)
		}
	}
	for i, o := range p.Outcomes {
		if got, why := o.TCM.Outcome(); got != o.Code {
			return fmt.Errorf("outcome %d: %s (%s), the pack says %s", i+1, got, strings.Join(why, "; "), o.Code)
		}
	}
	for i, s := range p.Stays {
		if err := s.prove(); err != nil {
			return fmt.Errorf("stay %d: %w", i+1, err)
		}
	}
	return nil
}

func (t *Table) proveVector(v PackVector) error {
	where, err := v.where()
	if err != nil {
		return err
	}
	at, err := local(v.At, where.Zone)
	if err != nil {
		return err
	}
	bends, err := v.bends(where.Zone)
	if err != nil {
		return err
	}
	for ref, want := range v.Due {
		r, err := t.named(ref, calendar.DateOf(at, where.Zone))
		if err != nil {
			return err
		}
		trace := r.Bent(at, where, bends)
		if err := trace.Check(where.Calendar); err != nil {
			return err
		}
		if got := shown(trace.Due, want, where.Zone); got != want {
			return fmt.Errorf("%s: %s, the pack says %s", ref, got, want)
		}
	}
	for ref, want := range v.Opens {
		r, err := t.named(ref, calendar.DateOf(at, where.Zone))
		if err != nil {
			return err
		}
		if got := calendar.DateOf(r.opens(at, where.Zone), where.Zone).String(); got != want {
			return fmt.Errorf("%s opens on %s, the pack says %s", ref, got, want)
		}
	}
	return nil
}

// shown is a due instant in the form of what is wanted: the last day of a window that
// ends at a local midnight, or the instant.
func shown(due time.Time, want string, zone *time.Location) string {
	if len(want) > len(time.DateOnly) {
		return due.In(zone).Format(localLayout)
	}
	last := calendar.DateOf(due.Add(-1), zone)
	if !last.End(zone).Equal(due) {
		return due.In(zone).Format(localLayout)
	}
	return last.String()
}

func (t *Table) named(ref string, on calendar.Date) (*Rule, error) {
	r := t.ref(ref)
	if !strings.Contains(ref, "@") {
		r = t.InForce(ref, on)
	}
	if r == nil {
		return nil, fmt.Errorf("there is no rule %s", ref)
	}
	return r, nil
}

func (v PackVector) where() (Where, error) {
	name := v.Zone
	if name == "" {
		name = vectorZone
	}
	zone, err := calendar.Zone(name)
	if err != nil {
		return Where{}, err
	}
	var closures []calendar.Closure
	for _, text := range v.Closed {
		d, err := calendar.ParseDate(text)
		if err != nil {
			return Where{}, err
		}
		closures = append(closures, calendar.Closure{Date: d})
	}
	return Where{zone, calendar.USFederal(closures...)}, nil
}

func (v PackVector) bends(zone *time.Location) (Bends, error) {
	b := Bends{Extended: v.Extended}
	for _, p := range v.Pauses {
		from, err := local(p[0], zone)
		if err != nil {
			return b, err
		}
		until, err := local(p[1], zone)
		if err != nil {
			return b, err
		}
		b.Pauses = append(b.Pauses, Pause{From: from, Until: &until})
	}
	var err error
	b.Ends, err = localOrNone(v.Ends, zone)
	return b, err
}

func (t *Table) proveCase(c PackCase) error {
	versions := t.rules[c.Rule]
	if len(versions) == 0 || versions[0].Applies == nil {
		return fmt.Errorf("no such rule runs a clock")
	}
	zone, err := calendar.Zone(vectorZone)
	if err != nil {
		return err
	}
	s := Subject{Class: c.Class, Disposition: c.Disposition, Payer: c.Payer, Age: c.Age, Diagnoses: c.Diagnoses}
	if len(c.Principal) > 0 {
		s.Diagnoses = []string{"principal"}
	}
	s.Groups = func([]string) []string { return c.Principal }
	s.Chronic = func([]string) int { return c.Chronic }
	for _, x := range []struct {
		text string
		to   **time.Time
	}{{c.Admitted, &s.AdmittedAt}, {c.Inpatient, &s.InpatientAt}, {c.Observation, &s.ObservedAt}, {c.Discharged, &s.DischargedAt}} {
		if *x.to, err = localOrNone(x.text, zone); err != nil {
			return err
		}
	}
	if s.DischargedAt == nil && s.AdmittedAt == nil { // only what is not about times
		now := time.Date(2026, 10, 13, 14, 2, 0, 0, zone)
		s.DischargedAt = &now
	}
	if why := versions[0].Applies.why(&s, zone); (why == "") != c.Applies {
		return fmt.Errorf("applies: %v (%s), the pack says %v", why == "", why, c.Applies)
	}
	return nil
}

func local(text string, zone *time.Location) (time.Time, error) {
	at, err := time.ParseInLocation(localLayout, text, zone)
	if err != nil {
		return at, fmt.Errorf("%q is no local time like 2026-10-13 14:02", text)
	}
	return at, nil
}

func localOrNone(text string, zone *time.Location) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	at, err := local(text, zone)
	return &at, err
}

// TCMVector is an example of what a transition of care can be reported as.
type TCMVector struct {
	TCM  `yaml:",inline"`
	Code string `yaml:"code" json:"code"`
}

// SNFVector is an example of a stay before a skilled nursing facility.
type SNFVector struct {
	Spells    [][2]string `yaml:"spells" json:"spells"` // inpatient from and until, local
	Days      int         `yaml:"days" json:"days"`
	Qualifies bool        `yaml:"qualifies" json:"qualifies"`
}

func (v SNFVector) prove() error {
	zone, err := calendar.Zone(vectorZone)
	if err != nil {
		return err
	}
	var spells []Spell
	for _, s := range v.Spells {
		from, err := local(s[0], zone)
		if err != nil {
			return err
		}
		until, err := local(s[1], zone)
		if err != nil {
			return err
		}
		spells = append(spells, Spell{From: from, Until: until})
	}
	slices.Reverse(spells) // in whatever order they come
	q := Qualify(spells, zone)
	if q.Days != v.Days || q.Qualifies != v.Qualifies {
		return fmt.Errorf("%d days, qualifies: %v; the pack says %d, %v", q.Days, q.Qualifies, v.Days, v.Qualifies)
	}
	return nil
}
