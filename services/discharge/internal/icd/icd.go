// Package icd sorts ICD-10-CM codes into named groups by prefix, the groups being
// data. A code belongs to every group one of whose prefixes it begins with; dots
// and case do not matter. A code of another system (SNOMED CT, ICD-9) belongs to
// none, because no prefix of these tables begins with a digit.
//
// A [Table] is immutable and safe for concurrent use.
package icd

import (
	"fmt"
	"math/bits"
	"sort"
	"strings"
)

// Table maps prefixes to groups. Make one with [New].
type Table struct {
	groups   []string
	prefixes map[string][]int // prefix -> indexes of groups
	shortest int
	longest  int
}

// New makes a table from group -> prefixes. A prefix may also be a range of
// three-character categories such as C00-C26. It refuses an empty group and what
// cannot begin an ICD-10-CM code.
func New(groups map[string][]string) (*Table, error) {
	t := &Table{prefixes: make(map[string][]int), shortest: 8}
	for name := range groups {
		t.groups = append(t.groups, name)
	}
	sort.Strings(t.groups)
	for i, name := range t.groups {
		if len(groups[name]) == 0 {
			return nil, fmt.Errorf("icd: group %s has no codes", name)
		}
		for _, p := range groups[name] {
			each, err := expand(p)
			if err != nil {
				return nil, fmt.Errorf("icd: group %s: %w", name, err)
			}
			for _, prefix := range each {
				t.prefixes[prefix] = append(t.prefixes[prefix], i)
				t.shortest, t.longest = min(t.shortest, len(prefix)), max(t.longest, len(prefix))
			}
		}
	}
	return t, nil
}

// Groups are the names of all groups, sorted.
func (t *Table) Groups() []string { return t.groups }

// Match is the groups the codes belong to, sorted and each once.
func (t *Table) Match(codes []string) []string {
	var hit uint64
	var many map[int]bool // only for tables of more than 64 groups
	for _, c := range codes {
		c = Normal(c)
		for n := t.shortest; n <= t.longest && n <= len(c); n++ {
			for _, i := range t.prefixes[c[:n]] {
				if i < 64 {
					hit |= 1 << i
					continue
				}
				if many == nil {
					many = make(map[int]bool)
				}
				many[i] = true
			}
		}
	}
	if hit == 0 && many == nil {
		return nil
	}
	out := make([]string, 0, bits.OnesCount64(hit)+len(many))
	for i, name := range t.groups {
		if i < 64 && hit&(1<<i) != 0 || many[i] {
			out = append(out, name)
		}
	}
	return out
}

// Normal is a code in upper case without its dot and spaces.
func Normal(code string) string {
	if !strings.ContainsAny(code, ". abcdefghijklmnopqrstuvwxyz") {
		return code
	}
	return strings.ToUpper(strings.NewReplacer(".", "", " ", "").Replace(code))
}

// Is reports whether a code has the form of an ICD-10-CM code: a letter, a digit,
// a letter or digit, and up to four more.
func Is(code string) bool {
	c := Normal(code)
	if len(c) < 3 || len(c) > 7 || c[0] < 'A' || c[0] > 'Z' || c[1] < '0' || c[1] > '9' {
		return false
	}
	for _, r := range c[2:] {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}

func expand(p string) ([]string, error) {
	from, to, isRange := strings.Cut(p, "-")
	if !isRange {
		if !Is(p) || p != Normal(p) {
			return nil, fmt.Errorf("%q is not the beginning of an ICD-10-CM code, without its dot", p)
		}
		return []string{p}, nil
	}
	if len(from) != 3 || len(to) != 3 || from[0] != to[0] || from > to || !Is(from) || !Is(to) {
		return nil, fmt.Errorf("%q is not a range of categories like C00-C26", p)
	}
	var out []string
	var a, b int
	if _, err := fmt.Sscanf(from[1:]+" "+to[1:], "%d %d", &a, &b); err != nil {
		return nil, fmt.Errorf("%q is not a range of numbered categories", p)
	}
	for n := a; n <= b; n++ {
		out = append(out, fmt.Sprintf("%c%02d", from[0], n))
	}
	return out, nil
}
