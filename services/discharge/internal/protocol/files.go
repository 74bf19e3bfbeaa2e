package protocol

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/handoff-care/handoff/services/discharge/internal/clock"
)

//go:embed shipped/*.yaml
var shipped embed.FS

// Files are the texts a set is made of, by name: conditions.yaml, tasks.yaml,
// hanging.yaml (without one the shipped one holds), every other *.yaml with protocols
// in the order of their names, and beside each, in
// *_test.yaml, the cases that say what it does.
type Files map[string]string

// caseFile is how the name of a file with cases ends.
const caseFile = "_test.yaml"

// Read takes the *.yaml of a folder.
func Read(folder fs.FS) (Files, error) {
	names, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no protocols here: there is no *.yaml file in the folder")
	}
	out := make(Files, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		out[name] = string(text)
	}
	return out, nil
}

// ShippedFiles are the files this version of the product ships with.
func ShippedFiles() Files {
	folder, err := fs.Sub(shipped, "shipped")
	if err == nil {
		var out Files
		if out, err = Read(folder); err == nil {
			return out
		}
	}
	panic(err) // they are embedded above
}

// Over lays files over others: a file of the same name takes the place of the other.
func (f Files) Over(below Files) Files {
	out := maps.Clone(below)
	maps.Copy(out, f)
	return out
}

// Digest tells sets apart by their content.
func (f Files) Digest() string {
	sum := sha256.New()
	for _, name := range f.names() {
		fmt.Fprintf(sum, "%s\x00%d\x00%s", name, len(f[name]), f[name])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (f Files) names() []string { return slices.Sorted(maps.Keys(f)) }

// protocolFiles are the names of the files with protocols, in order.
func (f Files) protocolFiles() []string {
	return slices.DeleteFunc(f.names(), func(name string) bool {
		return name == "conditions.yaml" || name == "tasks.yaml" || name == hangingFile || strings.HasSuffix(name, caseFile)
	})
}

// Load makes a set of the files. It checks everything that can be known without a
// patient, and the error holds all that is wrong, one line each: unknown keys,
// conditions that do not compile or could never hold or fail, tasks or due rules that
// do not exist, unknown roles and priorities, protocols that can never be chosen, base
// protocols that leave a stay without a task.
func (f Files) Load(rules *clock.Table) (*Set, error) { return f.load(rules, true) }

// Restore makes a set of files that an earlier build of the product has checked and
// that have been in force since: what this build would merely advise against is let be.
func (f Files) Restore(rules *clock.Table) (*Set, error) { return f.load(rules, false) }

// Load reads a set from a folder that holds all of it.
func Load(folder fs.FS, rules *clock.Table) (*Set, error) {
	files, err := Read(folder)
	if err != nil {
		return nil, err
	}
	return files.Load(rules)
}

// Shipped is the set this version of the product ships with.
func Shipped() (*Set, error) { return shippedOnce() }

var shippedOnce = sync.OnceValues(func() (*Set, error) {
	rules, err := clock.Shipped()
	if err != nil {
		return nil, err
	}
	return ShippedFiles().Load(rules)
})
