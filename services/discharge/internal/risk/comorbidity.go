package risk

import (
	"bytes"
	_ "embed"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/handoff-care/handoff/services/discharge/internal/icd"
)

//go:embed comorbidity.yaml
var shipped []byte

// Comorbidities is LACE's table of comorbidities. It is immutable and safe for
// concurrent use.
type Comorbidities struct {
	version string
	table   *icd.Table
	groups  map[string]group
}

type group struct {
	Name         string   `yaml:"name"`
	Points       int      `yaml:"points"`
	SupersededBy string   `yaml:"superseded_by"`
	Codes        []string `yaml:"codes"`
}

// Shipped is the table this version of the product ships with.
func Shipped() (*Comorbidities, error) { return Parse(shipped) }

// ShippedFiles are the texts of the tables this version of the product ships with.
func ShippedFiles() map[string]string {
	return map[string]string{ComorbidityFile: string(shipped), HospitalFile: string(shippedHospital)}
}

// The names of the tables.
const (
	ComorbidityFile = "comorbidity.yaml"
	HospitalFile    = "hospital.yaml"
)

// Version is the table's.
func (c *Comorbidities) Version() string { return c.version }

// Version is the variants'.
func (h *Hospital) Version() string { return h.version }

// Parse reads a table in the form of comorbidity.yaml. It refuses unknown keys,
// weights below 1 and a group superseded by one that does not exist.
func Parse(text []byte) (*Comorbidities, error) {
	var file struct {
		Version string  `yaml:"version"`
		Groups  []group `yaml:"groups"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("risk: %w", err)
	}
	c := &Comorbidities{version: file.Version, groups: make(map[string]group, len(file.Groups))}
	codes := make(map[string][]string, len(file.Groups))
	for _, g := range file.Groups {
		if g.Points < 1 {
			return nil, fmt.Errorf("risk: group %q weighs %d", g.Name, g.Points)
		}
		c.groups[g.Name], codes[g.Name] = g, g.Codes
	}
	for _, g := range file.Groups {
		if _, ok := c.groups[g.SupersededBy]; g.SupersededBy != "" && !ok {
			return nil, fmt.Errorf("risk: group %s is superseded by %s, which is not there", g.Name, g.SupersededBy)
		}
	}
	var err error
	if c.table, err = icd.New(codes); err != nil {
		return nil, fmt.Errorf("risk: %w", err)
	}
	return c, nil
}

// Sum is LACE's comorbidity sum of the codes, before it is turned into points,
// and the groups counted.
func (c *Comorbidities) Sum(codes []string) (sum int, counted []string) {
	found := c.table.Match(codes)
	for _, name := range found {
		g := c.groups[name]
		if g.SupersededBy != "" && contains(found, g.SupersededBy) {
			continue
		}
		sum += g.Points
		counted = append(counted, name)
	}
	return sum, counted
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
