package risk

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed hospital.yaml
var shippedHospital []byte

// Hospital is the HOSPITAL score in its variants. It is immutable and safe for
// concurrent use.
type Hospital struct {
	version  string
	oncology map[string]bool
	cancer   []string
	groups   *Comorbidities
	variants []variant
}

// variant is one published way to count.
type variant struct {
	ID     string `yaml:"id"`
	Title  string `yaml:"title"`
	Source string `yaml:"source"`
	Items  items  `yaml:"items"`
	Bands  []mark `yaml:"bands"`

	admissions, stay string // what is said where they are not known
}

// items are what a variant asks for; one that is not there is not asked.
type items struct {
	Haemoglobin *below `yaml:"haemoglobin"`
	Oncology    *flat  `yaml:"oncology"`
	Cancer      *flat  `yaml:"cancer"`
	Sodium      *below `yaml:"sodium"`
	Procedure   *flat  `yaml:"procedure"`
	Urgent      *flat  `yaml:"urgent"`
	Admissions  []step `yaml:"admissions"`
	Stay        []step `yaml:"stay"`
}

type below struct {
	Below  float64 `yaml:"below"`
	Points int     `yaml:"points"`
	says   sentences
}

type flat struct {
	Points int `yaml:"points"`
	says   sentences
}

type step struct {
	From   int `yaml:"from"`
	Points int `yaml:"points"`
}

type mark struct {
	From int    `yaml:"from"`
	Name string `yaml:"name"`
}

// Admission is what HOSPITAL asks for. A nil or empty input is not known.
type Admission struct {
	Haemoglobin  *float64 // g/dL at discharge
	Sodium       *float64 // mmol/L at discharge
	Service      string   // the discharging service's code, as the site has it
	Procedures   *int     // coded procedures during the stay
	Urgent       *bool    // the admission was not elective
	Admissions   *int     // in the 12 months before
	LengthOfStay *int     // days, as Variant counts them
	Diagnoses    []string // ICD-10-CM codes of the stay; none of that form means not known
}

// ShippedHospital are the variants this version of the product ships with. groups
// tells which diagnoses are cancer.
func ShippedHospital(groups *Comorbidities) (*Hospital, error) {
	return ParseHospital(shippedHospital, groups)
}

// ParseHospital reads variants in the form of hospital.yaml. It refuses unknown
// keys, two variants of one id, steps and bands out of order, and groups of
// diagnoses that are not there.
func ParseHospital(text []byte, groups *Comorbidities) (*Hospital, error) {
	var file struct {
		Version  string    `yaml:"version"`
		Services []string  `yaml:"oncology_services"`
		Cancer   []string  `yaml:"cancer"`
		Variants []variant `yaml:"variants"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("risk: %w", err)
	}
	h := &Hospital{version: file.Version, oncology: map[string]bool{}, cancer: file.Cancer, groups: groups, variants: file.Variants}
	for _, s := range file.Services {
		h.oncology[letters(s)] = true
	}
	for _, g := range file.Cancer {
		if _, ok := groups.groups[g]; !ok {
			return nil, fmt.Errorf("risk: there is no group of diagnoses %q", g)
		}
	}
	seen := map[string]bool{}
	for i := range file.Variants {
		v := &file.Variants[i]
		if err := v.check(); err != nil || seen[v.ID] {
			return nil, fmt.Errorf("risk: variant %q of HOSPITAL: %w", v.ID, errors.Join(err, twice(seen[v.ID])))
		}
		seen[v.ID] = true
		v.phrase()
	}
	return h, nil
}

func twice(yes bool) error {
	if yes {
		return errors.New("is there twice")
	}
	return nil
}

func (v *variant) check() error {
	if v.ID == "" || v.Source == "" {
		return errors.New("has no id or no source")
	}
	for _, steps := range [][]step{v.Items.Admissions, v.Items.Stay} {
		if !slices.IsSortedFunc(steps, func(a, b step) int { return a.From - b.From }) {
			return errors.New("has steps out of order")
		}
	}
	if len(v.Bands) == 0 || v.Bands[0].From != 0 || !slices.IsSortedFunc(v.Bands, func(a, b mark) int { return a.From - b.From }) {
		return errors.New("has bands out of order, or none from 0 on")
	}
	return nil
}

// letters is a service code in capitals without anything that is not a letter.
func letters(code string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(code))
}

// Scores are the scores of an admission, one for each variant, in the order of the
// table. What ADT does not carry, the two laboratory values, stays named as missing.
func (h *Hospital) Scores(in Admission) []Score {
	out := make([]Score, len(h.variants))
	for i := range h.variants {
		out[i] = h.score(&h.variants[i], &in)
	}
	return out
}

func (h *Hospital) score(v *variant, in *Admission) Score {
	s := Score{Name: "HOSPITAL", Variant: v.ID, Version: h.version, Missing: make([]string, 0, 4), Reasons: make([]string, 0, 7)}
	if x := v.Items.Haemoglobin; x != nil {
		s.level("H", "haemoglobin", in.Haemoglobin, x, " g/dL at discharge")
	}
	if x := v.Items.Oncology; x != nil {
		h.service(&s, in.Service, x)
	}
	if x := v.Items.Cancer; x != nil {
		h.tumour(&s, in.Diagnoses, x)
	}
	if x := v.Items.Sodium; x != nil {
		s.level("S", "sodium", in.Sodium, x, " mmol/L at discharge")
	}
	if x := v.Items.Procedure; x != nil {
		s.procedures(in.Procedures, x)
	}
	if x := v.Items.Urgent; x != nil {
		if in.Urgent == nil {
			s.missing("acuity", x.Points, x.says.unknown)
		} else {
			s.flat(x, *in.Urgent)
		}
	}
	s.stepped("A", "admissions", in.Admissions, v.Items.Admissions, "admission", " in the 12 months before", v.admissions)
	s.stepped("L", "length-of-stay", in.LengthOfStay, v.Items.Stay, "day", "", v.stay)
	for _, b := range v.Bands {
		if s.Min >= b.From {
			s.named = b.Name
		}
	}
	return s
}

func (h *Hospital) service(s *Score, code string, x *flat) {
	switch {
	case code == "":
		s.missing("service", x.Points, x.says.unknown)
	case h.oncology[letters(code)]:
		s.add(x.Points, x.Points, "O "+strconv.Itoa(x.Points)+": discharged from oncology ("+code+")")
	default:
		s.add(0, 0, "O 0: the service "+code+" is not oncology")
	}
}

func (h *Hospital) tumour(s *Score, diagnoses []string, x *flat) {
	if coded(diagnoses) == 0 {
		s.missing("diagnoses", x.Points, x.says.unknown)
		return
	}
	found := h.groups.table.Match(diagnoses)
	s.flat(x, slices.ContainsFunc(h.cancer, func(g string) bool { return contains(found, g) }))
}

func (s *Score) procedures(n *int, x *flat) {
	switch {
	case n == nil:
		s.missing("procedures", x.Points, x.says.unknown)
	case *n > 0:
		s.add(x.Points, x.Points, "P "+strconv.Itoa(x.Points)+": "+strconv.Itoa(*n)+" coded procedure"+plural(*n))
	default:
		s.flat(x, false)
	}
}

// level is an item that counts where a value is below a limit.
func (s *Score) level(letter, input string, value *float64, limit *below, unit string) {
	switch {
	case value == nil:
		s.missing(input, limit.Points, limit.says.unknown)
	case *value < limit.Below:
		s.add(limit.Points, limit.Points, letter+" "+strconv.Itoa(limit.Points)+": "+measured(input, *value, unit))
	default:
		s.add(0, 0, letter+" 0: "+measured(input, *value, unit))
	}
}

func measured(input string, value float64, unit string) string {
	return input + " " + strconv.FormatFloat(value, 'f', -1, 64) + unit
}

// flat is an item that has all its points or none.
func (s *Score) flat(x *flat, holds bool) {
	if holds {
		s.add(x.Points, x.Points, x.says.yes)
	} else {
		s.add(0, 0, x.says.no)
	}
}

func (s *Score) stepped(letter, input string, value *int, steps []step, unit, suffix, unknown string) {
	if len(steps) == 0 {
		return
	}
	if value == nil {
		s.missing(input, most(steps), unknown)
		return
	}
	points := 0
	for _, st := range steps {
		if *value >= st.From {
			points = st.Points
		}
	}
	s.add(points, points, letter+" "+strconv.Itoa(points)+": "+strconv.Itoa(*value)+" "+unit+plural(*value)+suffix)
}
