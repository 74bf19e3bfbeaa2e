package routing

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/notification/internal/notice"
)

// Person is somebody who can be told. ID is the subject of the person's tokens.
type Person struct {
	ID        string
	Name      string
	Roles     []string
	Email     string
	EmailFrom notice.Severity // mildest severity that is worth an email; "" = urgent
	Active    bool
}

// Roster is who answers for a unit of a facility, or (Unit "") for the facility: its members at any time, and
// whoever is on call. Members are person ids or "role:x".
type Roster struct {
	ID       events.ID
	Facility string
	Unit     string
	Members  []string
	Shifts   []Shift
}

// Endpoint is a program that is told by webhook. Empty Kinds or Facilities mean all.
type Endpoint struct {
	ID         events.ID
	Kinds      []string
	Facilities []string
	Active     bool
}

// Phone is somebody who asked to be told on a device of their own. Roles are those of the token that asked: they
// count beside the directory's.
type Phone struct {
	Person string
	Roles  []string
}

// Step of an escalation: after Wait without acknowledgement, Target is told.
type Step struct {
	Wait   time.Duration
	Target string
}

// Directory is everything one organization's routing depends on. Build it with NewDirectory; it is
// not changed afterwards and safe for concurrent use.
type Directory struct {
	Version   int64
	people    map[string]Person
	order     []string // person ids in a fixed order, so that answers are too
	rosters   map[[2]string]Roster
	endpoints []Endpoint
	phones    []Phone
	told      map[string]bool // who has a phone
	rules     map[string][]string
	steps     map[notice.Severity][]Step
	mutes     map[string][]Mute // by person
	zones     map[string]*time.Location
	memo      sync.Map // Question without its time -> memo
}

// Data is what a directory is made of, in the order the store gives it.
type Data struct {
	Version   int64
	People    []Person
	Rosters   []Roster
	Endpoints []Endpoint
	Phones    []Phone
	Rules     map[string][]string        // by kind; others as in DefaultRules
	Steps     map[notice.Severity][]Step // by severity; others as in DefaultSteps
	Mutes     []Mute
	Zones     map[string]string // of facilities, by code: IANA
}

// DefaultRules say where an alert of a kind goes: the first target that names anyone takes it. "owners"
// are told besides.
var DefaultRules = map[string][]string{
	notice.Opened:       {"unit", "facility", "role:liaison"},
	notice.Overdue:      {"owner", "unit", "facility", "owner-role", "role:liaison"},
	notice.Unanswered:   {"unit", "facility", "role:liaison"},
	notice.Declined:     {"unit", "facility", "role:liaison"},
	notice.Accepted:     {"unit", "facility", "role:liaison"},
	notice.Asked:        {"facility", "role:intake"},
	notice.Readmission:  {"owners", "unit", "facility", "role:liaison"},
	notice.Late:         {"facility", "role:liaison"},
	notice.Quarantined:  {"role:operations"},
	notice.Exhausted:    {"role:operations"},
	notice.EndpointGone: {"role:operations"},
}

// DefaultSteps are the escalation policy where an organization has none of its own. After the last
// step's wait once more without an answer, operations are told.
var DefaultSteps = map[notice.Severity][]Step{
	notice.Routine:  {{4 * time.Hour, "role:lead"}},
	notice.Urgent:   {{30 * time.Minute, "role:lead"}},
	notice.Critical: {{10 * time.Minute, "role:lead"}, {20 * time.Minute, "role:operations"}},
}

// NewDirectory indexes an organization's data.
func NewDirectory(data Data) *Directory {
	d := &Directory{
		Version: data.Version, people: make(map[string]Person, len(data.People)), rosters: make(map[[2]string]Roster, len(data.Rosters)),
		endpoints: data.Endpoints, phones: data.Phones, told: make(map[string]bool, len(data.Phones)), rules: data.Rules, steps: data.Steps,
	}
	for _, p := range data.People {
		d.people[p.ID] = p
		d.order = append(d.order, p.ID)
	}
	d.mutes = map[string][]Mute{}
	for _, m := range data.Mutes {
		d.mutes[m.Person] = append(d.mutes[m.Person], m)
	}
	for _, p := range data.Phones {
		d.told[p.Person] = true
	}
	for _, r := range data.Rosters {
		d.rosters[[2]string{r.Facility, r.Unit}] = r
	}
	d.zones = make(map[string]*time.Location, len(data.Zones))
	for code, name := range data.Zones {
		if zone, err := calendar.Zone(name); err == nil {
			d.zones[code] = zone
		}
	}
	return d
}

// Person finds somebody by id.
func (d *Directory) Person(id string) (Person, bool) {
	p, ok := d.people[id]
	return p, ok
}

// Behind are the people a role stands for: those who work in it now. Of anything else there are none.
func (d *Directory) Behind(recipient string) []string {
	out := []string{}
	role, is := strings.CutPrefix(recipient, "role:")
	for _, id := range d.order {
		if p := d.people[id]; is && p.Active && slices.Contains(p.Roles, role) {
			out = append(out, id)
		}
	}
	return out
}

// Rule gives the targets of a kind of alert, tried in turn.
func (d *Directory) Rule(kind string) []string { return d.rule(kind) }

// Policy gives the escalation steps of a severity.
func (d *Directory) Policy(s notice.Severity) []Step {
	if steps, own := d.steps[s]; own {
		return steps
	}
	return DefaultSteps[s]
}

// Next gives the escalation step after the given number of steps, and how long to wait for it. With
// no step left, last is true: the wait is the one after which operations are told.
func (d *Directory) Next(s notice.Severity, taken int) (step Step, last bool) {
	steps, own := d.steps[s]
	if !own {
		steps = DefaultSteps[s]
	}
	if taken < len(steps) {
		return steps[taken], false
	}
	if len(steps) == 0 {
		return Step{}, true
	}
	return Step{Wait: steps[len(steps)-1].Wait}, true
}

func (d *Directory) rule(kind string) []string {
	if r, ok := d.rules[kind]; ok {
		return r
	}
	if r, ok := DefaultRules[kind]; ok {
		return r
	}
	return DefaultRules[notice.Opened]
}
