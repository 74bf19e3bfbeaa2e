package clock

import (
	"fmt"
	"sort"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// Trigger is the fact a clock starts from.
type Trigger string

// The triggers. A clock of a discharge runs on the discharge time of the stay,
// never on when the message about it was sent or received.
const (
	Discharge Trigger = "discharge"
	Admission Trigger = "admission"
	Hanging   Trigger = "hanging" // a stay that nobody ended, from when it was found out
)

// Unit is what a rule's length is counted in.
type Unit string

// The units.
const (
	BusinessDays Unit = "business-days"
	CalendarDays Unit = "calendar-days"
	Hours        Unit = "hours"
)

// Rule is one version of a due rule.
type Rule struct {
	ID       string
	Version  string
	Title    string
	Trigger  Trigger
	Unit     Unit
	Count    int
	Source   string // where the rule comes from
	Standing string // read, common or house: how far the source was followed
	From     calendar.Date
	Until    calendar.Date // the last day in force; zero while it still is
}

func (r Rule) inForce(on calendar.Date) bool {
	return r.From.Compare(on) <= 0 && (r.Until.IsZero() || on.Compare(r.Until) <= 0)
}

// Table is a set of rules, each with all its versions. It is immutable and safe
// for concurrent use.
type Table struct {
	rules map[string][]Rule // by id, newest first
}

// Rule is the version of a rule in force on a local day. A day before the first
// version gets the first one: an old discharge is better served by the oldest
// rule known than by none.
func (t *Table) Rule(id string, on calendar.Date) (Rule, bool) {
	versions := t.rules[id]
	for _, r := range versions {
		if r.inForce(on) {
			return r, true
		}
	}
	if n := len(versions); n > 0 && on.Compare(versions[n-1].From) < 0 {
		return versions[n-1], true
	}
	return Rule{}, false
}

// Version is a given version of a rule, in force or not.
func (t *Table) Version(id, version string) (Rule, bool) {
	for _, r := range t.rules[id] {
		if r.Version == version {
			return r, true
		}
	}
	return Rule{}, false
}

// IDs are the ids of all rules, sorted.
func (t *Table) IDs() []string {
	ids := make([]string, 0, len(t.rules))
	for id := range t.rules {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

func newTable(rules []Rule) (*Table, error) {
	t := &Table{rules: make(map[string][]Rule)}
	for _, r := range rules {
		t.rules[r.ID] = append(t.rules[r.ID], r)
	}
	for id, versions := range t.rules {
		sort.Slice(versions, func(i, j int) bool { return versions[i].From.Compare(versions[j].From) > 0 })
		for i := 1; i < len(versions); i++ {
			older, newer := versions[i], versions[i-1]
			if older.Until.IsZero() || older.Until.AddDays(1) != newer.From {
				return nil, fmt.Errorf("clock: rule %s: version %s ends %s and %s begins %s: a gap or an overlap",
					id, older.Version, older.Until, newer.Version, newer.From)
			}
		}
		if last := versions[0]; !last.Until.IsZero() {
			return nil, fmt.Errorf("clock: rule %s: nothing follows version %s, which ends %s", id, last.Version, last.Until)
		}
	}
	return t, nil
}
