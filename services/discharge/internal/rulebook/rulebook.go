// Package rulebook is an organization's own rules: the packs its clocks run by and the
// tables its risk scores come from, as a set of files that is read whole.
//
// What it promises:
//
//   - A set holds the shipped files, and the organization's in place of those of the same
//     name. It is refused unless every rule has a source, its versions follow each other
//     without a gap, every vector of every pack comes true, and no rule is gone that
//     tasks and open clocks go by.
//   - A version of a rule or of a table is one thing for ever: the same name with another
//     content is refused.
//   - Versions of sets that are not in force any more stay known ([Rules.Knowing]): what
//     runs by one runs on, and is explained.
package rulebook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/risk"
)

// Files are a set of rules: name -> text.
type Files map[string]string

// Rules are a set, ready to go by. Immutable and safe for concurrent use.
type Rules struct {
	Table         *clock.Table
	Comorbidities *risk.Comorbidities
	Hospital      *risk.Hospital

	digest string
	prints map[string]string
}

// ShippedFiles are the rules this version of the product ships with.
func ShippedFiles() Files {
	out := Files(clock.ShippedFiles())
	maps.Copy(out, risk.ShippedFiles())
	return out
}

// Read reads the files of a folder. Packs may stand in packs/ or beside the tables.
func Read(folder fs.FS) (Files, error) {
	out := Files{}
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		text, err := fs.ReadFile(folder, name)
		out[placed(name)] = string(text)
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("there are no rules (*.yaml) in the folder")
	}
	return out, err
}

func placed(name string) string {
	if isTable(name) || strings.HasPrefix(name, "packs/") {
		return name
	}
	return "packs/" + path.Base(name)
}

func isTable(name string) bool { return name == risk.ComorbidityFile || name == risk.HospitalFile }

// Over are the files with those of a base where they have none of that name.
func (f Files) Over(base Files) Files {
	out := maps.Clone(base)
	for name, text := range f {
		out[placed(name)] = text
	}
	return out
}

// Digest is a fingerprint of the files.
func (f Files) Digest() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(h, "%s %d\n%s", name, len(f[name]), f[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Load makes rules of whole files; the vectors of every pack are computed.
func (f Files) Load() (*Rules, error) {
	out := &Rules{digest: f.Digest()}
	var packs [][]byte
	for _, name := range slices.Sorted(maps.Keys(f)) {
		switch {
		case isTable(name):
		case path.Dir(name) == "packs" && strings.HasSuffix(name, ".yaml"):
			packs = append(packs, []byte(f[name]))
		default:
			return nil, fmt.Errorf("%s is neither a pack (packs/*.yaml) nor %s nor %s", name, risk.ComorbidityFile, risk.HospitalFile)
		}
	}
	var err error
	if out.Table, err = clock.Parse(packs...); err != nil {
		return nil, err
	}
	if out.Comorbidities, err = risk.Parse([]byte(f[risk.ComorbidityFile])); err != nil {
		return nil, err
	}
	if out.Hospital, err = risk.ParseHospital([]byte(f[risk.HospitalFile]), out.Comorbidities); err != nil {
		return nil, err
	}
	if out.Comorbidities.Version() == "" || out.Hospital.Version() == "" {
		return nil, fmt.Errorf("a table of risk needs a version: scores are kept with it")
	}
	out.prints = out.Table.Prints()
	out.prints[out.Comorbidities.Version()] = print(f[risk.ComorbidityFile])
	out.prints[out.Hospital.Version()] = print(f[risk.HospitalFile])
	return out, nil
}

func print(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// Digest is that of the files.
func (r *Rules) Digest() string { return r.digest }

// Prints are the versions of rules and tables, each with a fingerprint of what it says.
func (r *Rules) Prints() map[string]string { return r.prints }

// Wrong says what keeps rules from following others: rules that are gone, and versions
// that say something else now, in whose name what was done by the others would be explained.
func (r *Rules) Wrong(base *Rules, earlier ...map[string]string) []string {
	var out []string
	for ref := range base.prints {
		id, _, _ := strings.Cut(ref, "@")
		_, rule := base.Table.Newest(id)
		if _, there := r.Table.Newest(id); rule && !there {
			out = append(out, fmt.Sprintf("the rule %s is gone: tasks and open clocks go by it", id))
		}
	}
	for _, prints := range append(earlier, base.prints) {
		for ref, was := range prints {
			if is, there := r.prints[ref]; there && is != was {
				out = append(out, fmt.Sprintf("%s says something else than before: give it a new version", ref))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Vectors counts the examples that came true.
func (r *Rules) Vectors() int {
	n := 0
	for _, p := range r.Table.Packs() {
		n += len(p.Vectors) + len(p.Cases) + len(p.Outcomes) + len(p.Stays)
	}
	return n
}

// New are the versions that others do not have, sorted.
func (r *Rules) New(from *Rules) []string {
	out := []string{}
	for ref := range r.prints {
		if _, there := from.prints[ref]; !there {
			out = append(out, ref)
		}
	}
	slices.Sort(out)
	return out
}

// Knowing are the rules with the versions of others known to what runs by them already.
func (r *Rules) Knowing(others ...*Rules) *Rules {
	next := *r
	var tables []*clock.Table
	for _, o := range others {
		if o != r {
			tables = append(tables, o.Table)
		}
	}
	next.Table = r.Table.Knowing(tables...)
	return &next
}
