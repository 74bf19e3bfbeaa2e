package clock

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// Trigger is the fact a clock starts from.
type Trigger string

// The triggers. A clock of a discharge runs on the discharge time of the stay,
// never on when the message about it was sent or received.
const (
	Discharge   Trigger = "discharge"
	Admission   Trigger = "admission"
	Inpatient   Trigger = "inpatient"   // when the stay became an inpatient one
	Observation Trigger = "observation" // when observation began
	Leaving     Trigger = "leaving"     // the discharge; until it is there, the expected one
	Request     Trigger = "request"     // a request was received: of a payer, for a record
	Grievance   Trigger = "grievance"   // a grievance or an appeal was received
	Hanging     Trigger = "hanging"     // a stay that nobody ended, from when it was found out
)

// verbs begin the sentence that names a trigger's instant.
var verbs = map[Trigger]string{
	Discharge: "Discharged", Admission: "Admitted", Inpatient: "Admitted as an inpatient", Observation: "Observation began",
	Leaving: "Leaves", Request: "Request received", Grievance: "Grievance received",
	Hanging: "Found without an end",
}

// Unit is what a rule's length is counted in.
type Unit string

// The units. Midnights are local ones: a stay over three of them has three days, the
// day of admission counting and the day of discharge not.
const (
	BusinessDays Unit = "business-days"
	CalendarDays Unit = "calendar-days"
	Hours        Unit = "hours"
	Midnights    Unit = "midnights"
)

// Rule is one version of a due rule.
type Rule struct {
	ID       string
	Version  string
	Pack     string // the programme whose file it stands in
	Title    string
	Trigger  Trigger
	Unit     Unit
	Count    int    // negative, for hours: so long before the trigger
	Source   string // where the rule comes from
	Standing string // read, common or house: how far the source was followed
	From     calendar.Date
	Until    calendar.Date // the last day in force; zero while it still is

	FromDay         *int       // evidence counts from the start of this day, day 0 being the trigger's; nil: from the trigger on
	Applies         *Condition // whose clock it is; nil: a due rule for tasks, without a clock of its own
	MetBy           []string   // codes of the tasks whose completion is evidence
	AttemptOutcomes []string   // outcomes of an attempt that are evidence, too
	Attempts        int        // so many timely attempts make the clock attempted and not missed; 0: none do
	Pausable        bool
	ExtensionDays   int     // what one extension adds
	Window          bool    // a period that is watched and that nobody has to meet
	EndsIn          string  // of a window: what would end it before its time
	MinStay         bool    // met by staying so long
	Sooner          bool    // due earlier where what started it ends earlier
	Quiet           bool    // its passing is no news
	Asked           *Asking // which request starts it; nil: none does
	WaivedBy        *Waiver // met so near the trigger, the other rule's clock stands for this one

	ref string // id@version
}

// Waiver is a rule whose clock may stand for another's.
type Waiver struct {
	Rule string `yaml:"rule" json:"rule"`
	Days int    `yaml:"days" json:"days"`
}

func (r *Rule) inForce(on calendar.Date) bool {
	return r.From.Compare(on) <= 0 && (r.Until.IsZero() || on.Compare(r.Until) <= 0)
}

// opens is the instant from which on evidence counts.
func (r *Rule) opens(trigger time.Time, zone *time.Location) time.Time {
	if r.FromDay == nil {
		return trigger
	}
	return calendar.DateOf(trigger, zone).AddDays(*r.FromDay).Start(zone)
}

// Table is a set of rules, each with all its versions. It is immutable and safe
// for concurrent use.
type Table struct {
	packs  []Pack
	rules  map[string][]Rule // by id, newest first
	asked  []own             // the rules that run clocks of requests, in the order of their ids
	clocks []own             // the rules that run clocks of their own, in the order of their ids
	codes  map[string]bool   // of the tasks that are evidence for them
	// retired are versions, as id@version, that only clocks that run already know.
	retired map[string]*Rule
}

// own are the versions of a rule that runs clocks of its own.
type own struct {
	id       string
	versions []Rule // newest first
}

// Packs are the rules with their vectors as they were read, one for each programme.
func (t *Table) Packs() []Pack { return t.packs }

// Rule is the version of a rule in force on a local day. A day before the first
// version gets the first one: an old discharge is better served by the oldest
// rule known than by none.
func (t *Table) Rule(id string, on calendar.Date) (Rule, bool) {
	if r := t.InForce(id, on); r != nil {
		return *r, true
	}
	return Rule{}, false
}

// InForce is Rule without a copy, nil where there is none. It is the table's own: nobody may
// change it.
func (t *Table) InForce(id string, on calendar.Date) *Rule { return inForce(t.rules[id], on) }

func inForce(versions []Rule, on calendar.Date) *Rule {
	for i := range versions {
		if versions[i].inForce(on) {
			return &versions[i]
		}
	}
	if n := len(versions); n > 0 && on.Compare(versions[n-1].From) < 0 {
		return &versions[n-1]
	}
	return nil
}

// Version is a given version of a rule, in force or not.
func (t *Table) Version(id, version string) (Rule, bool) {
	if r := t.version(id, version); r != nil {
		return *r, true
	}
	return Rule{}, false
}

func (t *Table) version(id, version string) *Rule {
	versions := t.rules[id]
	for i := range versions {
		if versions[i].Version == version {
			return &versions[i]
		}
	}
	if len(t.retired) > 0 {
		return t.retired[id+"@"+version]
	}
	return nil
}

// Counts reports whether what is done to tasks of a code is evidence for any clock.
func (t *Table) Counts(code string) bool { return t.codes[code] }

// Versions are all versions of a rule, newest first.
func (t *Table) Versions(id string) []Rule { return slices.Clone(t.rules[id]) }

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
		r.ref = r.ID + "@" + r.Version
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
		for _, r := range versions {
			if r.Trigger != versions[0].Trigger {
				return nil, fmt.Errorf("clock: rule %s starts from %s and from %s: make it two rules", id, r.Trigger, versions[0].Trigger)
			}
		}
		if last := versions[0]; !last.Until.IsZero() {
			return nil, fmt.Errorf("clock: rule %s: nothing follows version %s, which ends %s", id, last.Version, last.Until)
		}
		if slices.ContainsFunc(versions, func(r Rule) bool { return r.Applies != nil }) {
			t.clocks = append(t.clocks, own{id, versions})
		}
		if slices.ContainsFunc(versions, func(r Rule) bool { return r.Asked != nil }) {
			t.asked = append(t.asked, own{id, versions})
		}
	}
	sort.Slice(t.clocks, func(i, j int) bool { return t.clocks[i].id < t.clocks[j].id })
	sort.Slice(t.asked, func(i, j int) bool { return t.asked[i].id < t.asked[j].id })
	t.codes = make(map[string]bool)
	for _, r := range rules {
		for _, code := range r.MetBy {
			t.codes[code] = true
		}
	}
	for _, r := range rules {
		if w := r.WaivedBy; w != nil && len(t.rules[w.Rule]) == 0 {
			return nil, fmt.Errorf("clock: rule %s is waived by %s, which is not there", r.ID, w.Rule)
		}
	}
	return t, nil
}
