package protocol

import (
	"slices"

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
	conditions *icd.Table
	chronic    map[string]bool
	tasks      map[string]definition
	bases      [][]*protocol // in order of precedence; each with its versions, newest first
	addons     [][]*protocol
	emergency  [][]*protocol
}

// protocol is one version of a protocol, compiled.
type protocol struct {
	code, version, ref, title string
	from, until               calendar.Date
	when                      condition
	setting                   string // community, facility or neither: what a base says for its add-ons
	need                      string
	alone                     bool
	tasks                     []wish
}

// wish is one protocol's wish for a task.
type wish struct{ code, due, priority, why string }

func (s *Set) add(kind string, p *protocol) {
	list := map[string]*[][]*protocol{"base": &s.bases, "addon": &s.addons, "emergency": &s.emergency}[kind]
	for i, versions := range *list {
		if versions[0].code == p.code {
			(*list)[i] = append(versions, p)
			slices.SortFunc((*list)[i], func(a, b *protocol) int { return b.from.Compare(a.from) })
			return
		}
	}
	*list = append(*list, []*protocol{p})
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

// Conditions are the named conditions of the diagnoses, sorted.
func (s *Set) Conditions(diagnoses []string) []string { return s.conditions.Match(diagnoses) }

// Protocols lists every protocol as code@version with its title, in order of
// precedence.
func (s *Set) Protocols() [][2]string {
	var out [][2]string
	for _, kind := range [][][]*protocol{s.bases, s.addons, s.emergency} {
		for _, versions := range kind {
			for _, p := range versions {
				out = append(out, [2]string{p.ref, p.title})
			}
		}
	}
	return out
}

var priorities = []string{"routine", "urgent", "asap", "stat"} // FHIR R4 request-priority

func rank(priority string) int { return slices.Index(priorities, priority) }
