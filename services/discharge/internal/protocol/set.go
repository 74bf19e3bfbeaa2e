package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/icd"
)

// roles that may own a task, needs a referral can be drafted for.
var (
	roles = []string{"liaison", "lead", "intake"}
	needs = []string{"snf", "home-health", "irf", "ltch", "hospice", "psych", "dialysis"}
)

// Set is protocols, the catalogue of their tasks, and the rules of their clocks.
// Make one with [Load] or [Shipped].
type Set struct {
	rules      *clock.Table
	digest     string
	cases      []Case
	codes      map[string][]string // of each named condition
	conditions *icd.Table
	chronic    map[string]bool
	tasks      map[string]definition
	bases      [][]*protocol // in order of precedence; each with its versions, newest first
	addons     [][]*protocol
	emergency  [][]*protocol
	hanging    hanging
}

// protocol is one version of a protocol, compiled.
type protocol struct {
	code, version, ref, title string
	kind, file                string
	from, until               calendar.Date
	when                      condition
	text                      string // of the condition
	setting                   string // community, facility or neither: what a base says for its add-ons
	need                      string
	alone                     bool
	settle                    *time.Duration // see settle.go; nil: it does not say
	tasks                     []wish
	refs                      []string // ref alone
}

// wish is one protocol's wish for a task.
type wish struct {
	code, due, priority, why string
	whys                     []string // why alone; none where it is empty
}

// add takes a protocol in; false where that version of it is there already.
func (s *Set) add(kind string, p *protocol) bool {
	for have := range s.all() {
		if have.ref == p.ref {
			return false
		}
	}
	list := map[string]*[][]*protocol{"base": &s.bases, "addon": &s.addons, "emergency": &s.emergency}[kind]
	for i, versions := range *list {
		if versions[0].code == p.code {
			(*list)[i] = append(versions, p)
			slices.SortFunc((*list)[i], func(a, b *protocol) int { return b.from.Compare(a.from) })
			return true
		}
	}
	*list = append(*list, []*protocol{p})
	return true
}

// all are all versions of all protocols, in order of precedence.
func (s *Set) all() iter.Seq[*protocol] {
	return func(yield func(*protocol) bool) {
		for _, kind := range [][][]*protocol{s.bases, s.addons, s.emergency} {
			for _, versions := range kind {
				for _, p := range versions {
					if !yield(p) {
						return
					}
				}
			}
		}
	}
}

// inForce is the version in force on a day, or nil. A day before the first version
// gets the first one, as with due rules.
func inForce(versions []*protocol, on calendar.Date) *protocol {
	for _, p := range versions {
		if p.from.Compare(on) <= 0 {
			if p.until.IsZero() || on.Compare(p.until) <= 0 {
				return p
			}
			return nil
		}
	}
	return versions[len(versions)-1]
}

// Instructions are what the owner of a task of this code is asked to do, and the
// source of that; both empty where this set has no such task.
func (s *Set) Instructions(code string) (instructions, source string) {
	d := s.tasks[code]
	return d.Instructions, d.Source
}

// Rules are the due rules the set's clocks run by.
func (s *Set) Rules() *clock.Table { return s.rules }

// With is the set with other rules of clocks, which know all that these do.
func (s *Set) With(rules *clock.Table) *Set {
	if s.rules == rules {
		return s
	}
	other := *s
	other.rules = rules
	return &other
}

// Conditions are the named conditions of the diagnoses, sorted.
func (s *Set) Conditions(diagnoses []string) []string { return s.conditions.Match(diagnoses) }

// Digest tells the set from others by the content of its files.
func (s *Set) Digest() string { return s.digest }

// Protocols lists every protocol as code@version with its title, in order of
// precedence.
func (s *Set) Protocols() [][2]string {
	var out [][2]string
	for p := range s.all() {
		out = append(out, [2]string{p.ref, p.title})
	}
	return out
}

// Entry is one version of a protocol, as people are shown it.
type Entry struct {
	Ref, Title, Kind, File, When string
	From, Until                  calendar.Date // Until is zero while it still is in force
	Tasks                        []string
}

// Entries lists every version of every protocol, in order of precedence.
func (s *Set) Entries() []Entry {
	var out []Entry
	for p := range s.all() {
		e := Entry{Ref: p.ref, Title: p.title, Kind: p.kind, File: p.file, When: p.text, From: p.from, Until: p.until}
		for _, w := range p.tasks {
			e.Tasks = append(e.Tasks, w.code)
		}
		out = append(out, e)
	}
	return out
}

// Prints gives a fingerprint of what each code@version does: its condition with the
// codes behind the names in it, and its tasks with all that decides on them. Where two
// sets hold the same code@version with different prints, the name has ceased to say
// what made a plan.
func (s *Set) Prints() map[string]string {
	out := make(map[string]string)
	for p := range s.all() {
		type wished struct {
			Code, Title, Role, Due, Priority, Why string
		}
		says := struct {
			Kind, When, Setting, Need string
			Alone                     bool
			Settle                    *time.Duration
			Tasks                     []wished
			Codes                     map[string][]string
		}{Kind: p.kind, When: p.text, Setting: p.setting, Need: p.need, Alone: p.alone, Settle: p.settle, Codes: map[string][]string{}}
		for _, w := range p.tasks {
			d := s.tasks[w.code]
			says.Tasks = append(says.Tasks, wished{w.code, d.Title, d.OwnerRole, w.due, w.priority, w.why})
		}
		for name, codes := range s.codes {
			counted := s.chronic[name] && strings.Contains(p.text, "chronic")
			if counted || strings.Contains(p.text, strconv.Quote(name)) || strings.Contains(p.text, "'"+name+"'") {
				says.Codes[name] = codes
			}
		}
		out[p.ref] = fingerprint(says)
	}
	if h := s.hanging; h.Version != "" {
		out["hanging@"+h.Version] = fingerprint(struct {
			Task  definition
			Rules []hangingRule
		}{s.tasks[h.Task], h.Rules})
	}
	return out
}

// fingerprint is the same for the same texts and lists of them.
func fingerprint(says any) string {
	text, _ := json.Marshal(says)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

var priorities = []string{"routine", "urgent", "asap", "stat"} // FHIR R4 request-priority

func rank(priority string) int { return slices.Index(priorities, priority) }
