package page

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/board"
)

// Staff is somebody who can be told.
type Staff struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Roles     []string `json:"roles"`
	Email     string   `json:"email,omitempty"`
	EmailFrom string   `json:"email_from,omitempty"`
	Active    bool     `json:"active"`
}

// Roster is who answers for a unit, or for a hospital.
type Roster struct {
	Facility string   `json:"facility"`
	Unit     string   `json:"unit,omitempty"`
	Members  []string `json:"members"`
	Shifts   []Shift  `json:"shifts"`
	Zone     string   `json:"zone"`
	OnCall   []OnCall `json:"on_call"` // the next 7 days, without a gap
	Gaps     []OnCall `json:"gaps"`    // when it would tell nobody
}

// Rules are where alerts go, and when they go further.
type Rules struct {
	Rules    []AdminRule `json:"rules"`
	Policies []Policy    `json:"policies"`
}

// Policy is how alerts of a severity are passed on.
type Policy struct {
	Severity string       `json:"severity"`
	Steps    []PolicyStep `json:"steps"`
}

// PolicyStep is one step of it.
type PolicyStep struct {
	After  string `json:"after"`
	Target string `json:"target"`
}

// Admin is the page of who answers for what.
type Admin struct {
	People  []Staff
	Rosters []Roster
	Rules   Rules
	Places  map[string]string
	Names   map[string]string
	Choices []Choice // hospitals
	Said    string   // what was just done
}

// Waits are how long an alert can wait before it is passed on.
var Waits = []Word{{"5m0s", "5 minutes"}, {"10m0s", "10 minutes"}, {"15m0s", "15 minutes"}, {"20m0s", "20 minutes"}, {"30m0s", "30 minutes"}, {"1h0m0s", "an hour"}, {"2h0m0s", "2 hours"}, {"4h0m0s", "4 hours"}, {"8h0m0s", "8 hours"}, {"24h0m0s", "a day"}}

// waits are Waits with the one that is set, where it is none of them.
func waits(ctx context.Context, set string) []Choice {
	list := Options(ctx, Waits)
	if d, err := time.ParseDuration(set); err == nil && !slices.ContainsFunc(Waits, func(c Word) bool { return c.Code == set }) {
		return append(list, Choice{set, board.Length(ctx, d)})
	}
	return list
}

// Teams are whom an alert can be handed to where no one person is meant.
var Teams = []Word{
	{"role:liaison", "Every liaison"}, {"role:lead", "Every liaison lead"}, {"role:intake", "Everybody in post-acute intake"}, {"role:operations", "Everybody in operations"},
}

// targets are whom an alert can be passed on to: a role, or a person.
func (a Admin) targets(ctx context.Context) []Choice {
	out := Options(ctx, append(slices.Clone(Teams), Word{"role:admin", "Every administrator"}))
	for _, p := range a.People {
		if p.Active {
			out = append(out, Choice{p.ID, cmp.Or(p.Name, p.ID)})
		}
	}
	return out
}

// member says whom an entry of a roster names.
func (a Admin) member(ctx context.Context, m string) string {
	for _, w := range near {
		if w.Code == m {
			return say(ctx, w.Text)
		}
	}
	return board.Upper(board.Recipients(ctx, []string{m}, a.Names)[0])
}

// deserted reports whether a roster names nobody any more who is told of anything. A role always is somebody.
func (a Admin) deserted(r Roster) bool {
	return len(r.Members) > 0 && !slices.ContainsFunc(r.Members, func(m string) bool {
		i := slices.IndexFunc(a.People, func(s Staff) bool { return s.ID == m })
		return i < 0 || a.People[i].Active // whom the directory does not know has a screen all the same
	})
}

func (a Admin) place(ctx context.Context, r Roster) string {
	name := cmp.Or(a.Places[r.Facility], r.Facility)
	if r.Unit == "" {
		return say(ctx, "%s, all of it", name)
	}
	return name + ", " + r.Unit
}

func (a Admin) goes(ctx context.Context, targets []string) string {
	return Story{Told: Told{Rule: Rule{Targets: targets}}, Row: AlertRow{Staff: a.Names}}.goes(ctx)
}

func staffRoles(ctx context.Context, s Staff) string {
	var out []string
	for _, r := range s.Roles {
		out = append(out, board.Role(ctx, r))
	}
	return strings.Join(out, ", ")
}

// policySteps is how many steps a policy has room for; one that has more keeps them.
const policySteps = 3

// step is the ith step of a policy, or an empty one.
func (s Policy) step(i int) PolicyStep {
	if i < len(s.Steps) {
		return s.Steps[i]
	}
	return PolicyStep{}
}
