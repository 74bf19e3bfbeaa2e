package page

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/services/console/internal/board"
)

// AdminRule is where alerts of a kind go.
type AdminRule struct {
	Kind    string   `json:"kind"`
	Targets []string `json:"targets"`
	Own     bool     `json:"own"` // the organization's, else as shipped
}

// ruleLines is how many lines a rule has room for; one that has more keeps them.
const ruleLines = 5

// line is the ith line of a rule, or "".
func (r AdminRule) line(i int) string {
	if i < len(r.Targets) {
		return r.Targets[i]
	}
	return ""
}

// near are whom a rule can name by where it happened and whose the task is.
var near = []Word{
	{"unit", "The roster of the unit"}, {"facility", "The roster of the hospital"}, {"owner", "Whoever has the task"},
	{"owners", "Whoever has an open task, besides the next line"}, {"owner-role", "Everybody in the task’s role"},
}

// ruleTargets are whom a line of a rule can name.
func (a Admin) ruleTargets(ctx context.Context, kind string) []Choice {
	return append(Options(ctx, near), a.targets(ctx)...)
}

var severities = []Word{{"routine", "Routine"}, {"urgent", "Urgent"}, {"critical", "Critical"}}

// wordOf is the text of a code among words, or the code in words.
func wordOf(ctx context.Context, from []Word, code string) string {
	for _, w := range from {
		if w.Code == code {
			return say(ctx, w.Text)
		}
	}
	return board.Plain(ctx, code)
}

// personDeed is what the button of a person's form does.
func personDeed(s Staff) string {
	if s.ID == "" {
		return "add"
	}
	return "save"
}

// ToldForm asks who would be told of something, and holds the answer.
type ToldForm struct {
	Admin
	Kind, At, Severity, Owner string // At is the facility's code and the unit's, with a tab between
	When                      string // as it was written
	Confidential              bool
	Asked                     bool
	Where                     []WhereGroup
	Would                     Would
}

// WhereGroup is a hospital with its units.
type WhereGroup struct {
	Text  string
	Units []Choice
}

// Would is notification's answer.
type Would struct {
	Severity string       `json:"severity"`
	Targets  []string     `json:"targets"`
	Own      bool         `json:"own"`
	Choices  []WouldTell  `json:"choices"`
	Further  []WouldAfter `json:"further"`
	Last     string       `json:"last_after"`
}

// WouldTell is what would become of one candidate by one channel.
type WouldTell struct {
	Decision  string   `json:"decision"`
	Recipient string   `json:"recipient"`
	Channel   string   `json:"channel"`
	Reason    string   `json:"reason"`
	People    []string `json:"people"`
}

// WouldAfter is a step of the escalation.
type WouldAfter struct {
	After   string      `json:"after"`
	Target  string      `json:"target"`
	Choices []WouldTell `json:"choices"`
}

// Spot is the code of a place on the form.
func Spot(facility, unit string) string { return facility + "\t" + unit }

// kinds are what can happen.
func (t ToldForm) kinds(ctx context.Context) (out []Choice) {
	for _, r := range t.Rules.Rules {
		out = append(out, Choice{r.Kind, board.AlertKind(ctx, r.Kind)})
	}
	return out
}

// someone is one recipient, with every way they would be told by.
type someone struct{ Who, People, Ways, Why string }

// told are those who would be told, each once.
func (t ToldForm) told(ctx context.Context, list []WouldTell) (out []someone) {
	at := map[string]int{}
	for _, c := range list {
		if c.Decision != "selected" {
			continue
		}
		i, known := at[c.Recipient]
		if !known {
			i = len(out)
			at[c.Recipient] = i
			out = append(out, someone{Who: t.called(ctx, c.Recipient), People: t.behind(ctx, c), Ways: way(ctx, c.Channel), Why: c.Reason})
			continue
		}
		out[i].Ways += ", " + lower(way(ctx, c.Channel))
	}
	return out
}

// everyone names all who would be told on a screen, in a line.
func (t ToldForm) everyone(ctx context.Context, list []WouldTell) string {
	var out []string
	for _, c := range list {
		if name := t.called(ctx, c.Recipient); c.Decision == "selected" && c.Channel == "console" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// notTold says of everybody who was looked at and not told why.
func (t ToldForm) notTold(ctx context.Context, list []WouldTell) (out []string) {
	for _, c := range list {
		if c.Decision != "selected" {
			out = append(out, fmt.Sprintf("%s, %s: %s", t.called(ctx, c.Recipient), lower(way(ctx, c.Channel)), c.Reason))
		}
	}
	return out
}

func (t ToldForm) called(ctx context.Context, recipient string) string {
	return Story{Row: AlertRow{Staff: t.Names}}.name(ctx, recipient)
}

// behind names the people a role stands for.
func (t ToldForm) behind(ctx context.Context, c WouldTell) string {
	if !strings.HasPrefix(c.Recipient, "role:") {
		return ""
	}
	if len(c.People) == 0 {
		return say(ctx, "Nobody is known here by name in this role: whoever signs in with it sees the alert.")
	}
	names := make([]string, len(c.People))
	for i, id := range c.People {
		names[i] = cmp.Or(t.Names[id], id)
	}
	return strings.Join(names, ", ")
}

// Spell writes the hospital's name into the reasons, instead of its code.
func (t *ToldForm) Spell() {
	code, _, _ := strings.Cut(t.At, "\t")
	name := t.Places[code]
	if name == "" {
		return
	}
	written := regexp.MustCompile(`\b` + regexp.QuoteMeta(code) + `\b`)
	spell := func(list []WouldTell) {
		for i := range list {
			list[i].Reason = written.ReplaceAllLiteralString(list[i].Reason, name)
		}
	}
	spell(t.Would.Choices)
	for _, s := range t.Would.Further {
		spell(s.Choices)
	}
}
