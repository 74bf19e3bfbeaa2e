package preview

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// Stay is a recorded stay.
type Stay struct {
	events.Encounter
	Zone   *time.Location
	Owners map[string]string // who has its tasks, by code
}

// Patient is a stay whose tasks would not be those of today.
type Patient struct {
	Encounter    events.ID  `json:"encounter_id"`
	Patient      events.ID  `json:"patient_id"`
	Facility     string     `json:"facility"`
	DischargedAt *time.Time `json:"discharged_at"`
	Today        []string   `json:"protocols_today"`
	Candidate    []string   `json:"protocols_candidate"`
	Tasks        []Task     `json:"tasks" doc:"those that differ"`
}

// Figures are counted stay by stay. Make them with New; not safe for concurrent use:
// each worker has its own, and they are merged.
type Figures struct {
	stays, changed, opened, closed int
	protocols                      map[string]*Count
	codes                          map[string]*Code
	load                           map[loadKey]*Count
}

type loadKey struct {
	role, owner string
	day         calendar.Date
}

// Count is a number side by side with today's.
type Count struct {
	Today     int `json:"today"`
	Candidate int `json:"candidate"`
}

// Code is what becomes of the tasks of a code.
type Code struct {
	Code string `json:"code"`
	Count
	Gained  int `json:"gained"`
	Lost    int `json:"lost"`
	Moved   int `json:"moved"`
	Changed int `json:"changed"`
}

// New returns empty figures.
func New() *Figures {
	return &Figures{protocols: map[string]*Count{}, codes: map[string]*Code{}, load: map[loadKey]*Count{}}
}

// Add counts a stay, and says what would change for the patient; false: nothing.
func (f *Figures) Add(s Stay, today, candidate protocol.Plan) (Patient, bool) {
	f.stays++
	switch before, after := len(today.Tasks) > 0, len(candidate.Tasks) > 0; {
	case !before && after:
		f.opened++
	case before && !after:
		f.closed++
	}
	for _, ref := range today.Protocols {
		at(f.protocols, ref).Today++
	}
	for _, ref := range candidate.Protocols {
		at(f.protocols, ref).Candidate++
	}
	main := mainOwner(s.Owners)
	for _, t := range today.Tasks {
		at(f.codes, t.Code).Today++
		at(f.load, f.key(s, t, s.Owners[t.Code])).Today++
	}
	for _, t := range candidate.Tasks {
		owner, had := s.Owners[t.Code]
		if !had && index(today, t.Code) < 0 {
			owner = main
		}
		at(f.codes, t.Code).Candidate++
		at(f.load, f.key(s, t, owner)).Candidate++
	}
	diff := Diff(today, candidate)
	for _, d := range diff {
		at(f.codes, d.Code).count(d.Change)
	}
	if len(diff) == 0 {
		return Patient{}, false
	}
	f.changed++
	return Patient{
		Encounter: s.ID, Patient: s.Patient, Facility: s.Facility, DischargedAt: s.DischargedAt,
		Today: list(today.Protocols), Candidate: list(candidate.Protocols), Tasks: diff,
	}, true
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// key is whose day a task falls on: that of the person who has it, else of its role.
func (f *Figures) key(s Stay, t protocol.Task, owner string) loadKey {
	return loadKey{t.OwnerRole, owner, calendar.DateOf(t.DueAt.Add(-1), s.Zone)}
}

func (c *Code) count(change string) {
	switch change {
	case Gained:
		c.Gained++
	case Lost:
		c.Lost++
	case Moved:
		c.Moved++
	case Changed:
		c.Changed++
	}
}

// mainOwner is who has most of a stay's tasks, and would likely have a new one, too.
func mainOwner(owners map[string]string) string {
	n, best := map[string]int{}, ""
	for _, o := range owners {
		n[o]++
	}
	for o := range n {
		if best == "" || n[o] > n[best] || n[o] == n[best] && o < best {
			best = o
		}
	}
	return best
}

// Merge adds the figures of another part of the stays.
func (f *Figures) Merge(g *Figures) {
	f.stays, f.changed, f.opened, f.closed = f.stays+g.stays, f.changed+g.changed, f.opened+g.opened, f.closed+g.closed
	for ref, c := range g.protocols {
		at(f.protocols, ref).add(*c)
	}
	for key, c := range g.load {
		at(f.load, key).add(*c)
	}
	for code, c := range g.codes {
		to := at(f.codes, code)
		to.add(c.Count)
		to.Gained, to.Lost, to.Moved, to.Changed = to.Gained+c.Gained, to.Lost+c.Lost, to.Moved+c.Moved, to.Changed+c.Changed
	}
}

func (c *Count) add(d Count) { c.Today, c.Candidate = c.Today+d.Today, c.Candidate+d.Candidate }

func at[K comparable, V any](m map[K]*V, key K) *V {
	v := m[key]
	if v == nil {
		v = new(V)
		m[key] = v
	}
	return v
}

// Result is what people are shown.
type Result struct {
	Stays     int        `json:"stays" doc:"recorded stays that were looked at"`
	Changed   int        `json:"changed" doc:"stays whose tasks would differ"`
	Opened    int        `json:"opened" doc:"stays that get no task today and would get some"`
	Closed    int        `json:"closed" doc:"stays that get tasks today and would get none"`
	Tasks     Count      `json:"tasks"`
	Codes     []Code     `json:"codes" doc:"by task code"`
	Protocols []Protocol `json:"protocols"`
	People    []Person   `json:"people" doc:"by who has the tasks; without an owner: those of the role that nobody has"`
	Load      []Load     `json:"load" doc:"tasks due, by person and local day"`
}

// Protocol is how many stays a protocol applies to.
type Protocol struct {
	Protocol string `json:"protocol" doc:"code@version"`
	Count
}

// Person is what a change means for one person's days, or for a role's.
type Person struct {
	Role      string  `json:"role"`
	Owner     string  `json:"owner"`
	Count             // tasks in all
	Days      int     `json:"days" doc:"days with tasks due, today or then"`
	PerDay    float64 `json:"today_per_day"`
	WouldBe   float64 `json:"candidate_per_day"`
	Busiest   int     `json:"today_busiest" doc:"tasks due on the busiest day"`
	WouldPeak int     `json:"candidate_busiest"`
}

// Load is how many tasks are due on a day.
type Load struct {
	Role  string `json:"role"`
	Owner string `json:"owner"`
	Day   string `json:"day"`
	Count
}

// Result gives the figures in a settled order.
func (f *Figures) Result() Result {
	r := Result{
		Stays: f.stays, Changed: f.changed, Opened: f.opened, Closed: f.closed,
		Codes: []Code{}, Protocols: []Protocol{}, People: []Person{}, Load: []Load{},
	}
	for _, code := range slices.Sorted(maps.Keys(f.codes)) {
		c := *f.codes[code]
		c.Code = code
		r.Codes = append(r.Codes, c)
		r.Tasks.add(c.Count)
	}
	for _, ref := range slices.Sorted(maps.Keys(f.protocols)) {
		r.Protocols = append(r.Protocols, Protocol{ref, *f.protocols[ref]})
	}
	for key, c := range f.load {
		r.Load = append(r.Load, Load{key.role, key.owner, key.day.String(), *c})
	}
	slices.SortFunc(r.Load, func(a, b Load) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Day, b.Day))
	})
	for _, l := range r.Load {
		if n := len(r.People); n == 0 || r.People[n-1].Role != l.Role || r.People[n-1].Owner != l.Owner {
			r.People = append(r.People, Person{Role: l.Role, Owner: l.Owner})
		}
		p := &r.People[len(r.People)-1]
		p.Days++
		p.add(l.Count)
		p.Busiest, p.WouldPeak = max(p.Busiest, l.Today), max(p.WouldPeak, l.Candidate)
	}
	for i := range r.People {
		p := &r.People[i]
		p.PerDay, p.WouldBe = float64(p.Today)/float64(p.Days), float64(p.Candidate)/float64(p.Days)
	}
	return r
}
