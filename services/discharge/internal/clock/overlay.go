package clock

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
)

// ShippedFiles are the texts of the packs this version of the product ships with, by
// their names (packs/tcm.yaml).
func ShippedFiles() map[string]string {
	out := map[string]string{}
	names, err := fs.Glob(shipped, "packs/*.yaml")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		text, err := shipped.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded above
		}
		out[name] = string(text)
	}
	return out
}

// Prints are the versions of all rules, as id@version, each with a fingerprint of what
// it does. When a version is in force is no part of it: a successor ends its time.
func (t *Table) Prints() map[string]string {
	out := map[string]string{}
	for _, p := range t.packs {
		for _, e := range p.Entries {
			ref := e.ID + "@" + e.Version
			e.From, e.Until, e.Title, e.Source = "", "", "", ""
			text, err := json.Marshal(e)
			if err != nil {
				panic(err) // a struct of plain values
			}
			sum := sha256.Sum256(text)
			out[ref] = hex.EncodeToString(sum[:8])
		}
	}
	return out
}

// Knowing gives a table that also knows the versions of others: no clock starts by one
// of those, and a clock that runs by one runs on and can be explained.
func (t *Table) Knowing(others ...*Table) *Table {
	next := *t
	next.rules, next.retired, next.codes = maps.Clone(t.rules), maps.Clone(t.retired), maps.Clone(t.codes)
	if next.retired == nil {
		next.retired = map[string]*Rule{}
	}
	for _, o := range others {
		for id, versions := range o.rules {
			if len(next.rules[id]) == 0 {
				next.rules[id] = versions
			}
			for i := range versions {
				if r := &versions[i]; next.version(id, r.Version) == nil {
					next.retired[r.ref] = r
				}
			}
		}
		for ref, r := range o.retired {
			if next.ref(ref) == nil {
				next.retired[ref] = r
			}
		}
		maps.Copy(next.codes, o.codes)
	}
	return &next
}

// Newest is the version of a rule that was or will be in force last.
func (t *Table) Newest(id string) (Rule, bool) {
	if versions := t.rules[id]; len(versions) > 0 {
		return versions[0], true
	}
	return Rule{}, false
}

// Differing are the rules that run clocks for a stay, or are due, otherwise by one table
// than by another: the ids whose newest versions differ, sorted.
func (t *Table) Differing(other *Table) []string {
	var out []string
	for _, id := range t.IDs() {
		is, _ := t.Newest(id)
		was, known := other.Newest(id)
		if !known || is.Version != was.Version {
			out = append(out, id)
		}
	}
	return slices.Compact(out)
}
