package page

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// RuleSet is a stored set of rules.
type RuleSet struct {
	ID        events.ID         `json:"id"`
	Number    int               `json:"number"`
	Title     string            `json:"title"`
	MadeBy    string            `json:"made_by"`
	MadeAt    time.Time         `json:"made_at"`
	Previewed *time.Time        `json:"previewed_at"`
	Live      bool              `json:"live"`
	Wrong     string            `json:"wrong"`
	Files     map[string]string `json:"files"`
}

// RuleAct is a decision on which set is in force.
type RuleAct struct {
	Kind   string    `json:"kind"`
	Set    events.ID `json:"set_id"`
	From   time.Time `json:"from"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// RuleBook is which set is in force.
type RuleBook struct {
	Version int        `json:"version"`
	Set     events.ID  `json:"set_id"`
	Since   *time.Time `json:"since"`
	Coming  *time.Time `json:"coming"`
}

// Rulebook is the page of the rules by which things are due and risk is scored.
type Rulebook struct {
	Book    RuleBook
	Packs   []RulePack // in force
	Shipped []RulePack
	Sets    []RuleSet
	Acts    []RuleAct
	Staff   map[string]string
}

// RuleChecked is what is wrong with rules, and what they say.
type RuleChecked struct {
	OK       bool       `json:"ok"`
	Problems []string   `json:"problems"`
	New      []string   `json:"new"`
	Vectors  int        `json:"vectors"`
	Packs    []RulePack `json:"packs"`
}

// RulePreview is what rules would change.
type RulePreview struct {
	Since time.Time `json:"since"`
	Stays int       `json:"stays"`
	New   []string  `json:"new"`
	Open  []struct {
		Rule   string `json:"rule"`
		From   string `json:"from"`
		To     string `json:"to"`
		Clocks int    `json:"clocks"`
		Tasks  int    `json:"tasks"`
		Sooner int    `json:"sooner"`
		Past   int    `json:"past"`
	} `json:"open"`
	More    int            `json:"more"`
	Fewer   int            `json:"fewer"`
	Other   int            `json:"other"`
	Scores  int            `json:"scores"`
	Changes []RuleChange   `json:"changes"`
	ByRule  map[string]int `json:"by_rule"`
}

// RuleChange is one thing that would be otherwise.
type RuleChange struct {
	Encounter events.ID `json:"encounter_id"`
	What      string    `json:"what"`
	Was       string    `json:"was"`
	Is        string    `json:"is"`
	Of        board.Row `json:"-"`
}

// RulesPage is one set, or a change of it that somebody tries.
type RulesPage struct {
	Set     RuleSet // of the shipped one: no id
	Book    RuleBook
	File    string
	Text    string
	Edited  bool
	Check   RuleChecked
	Live    []RulePack // in force
	Marks   []board.MarkedLine
	Rest    []string
	Staff   map[string]string
	Preview *RulePreview
}

// Path is where a set of rules is shown.
func (s RuleSet) Path() string {
	if s.ID.IsZero() {
		return "/rules/" + shipped
	}
	return "/rules/" + s.ID.String()
}

// Name is what people call it.
func (s RuleSet) Name(ctx context.Context) string {
	if s.ID.IsZero() {
		return say(ctx, "As shipped")
	}
	return say(ctx, "Set %d: %s", s.Number, cmp.Or(s.Title, say(ctx, "no title")))
}

// Names are its files, the tables of risk last.
func (s RuleSet) Names() []string {
	return slices.SortedFunc(maps.Keys(s.Files), func(a, b string) int {
		packs := func(name string) int { return strings.Count(name, "/") }
		return cmp.Or(packs(b)-packs(a), strings.Compare(a, b))
	})
}

// fileWord is a file in words: "packs/home-health.yaml" is "Home health".
func fileWord(ctx context.Context, name string) string {
	return board.Plain(ctx, strings.TrimSuffix(path.Base(name), ".yaml"))
}

// title is what the file that is shown is called: the title of its pack.
func (s RulesPage) title(ctx context.Context) string {
	for _, p := range s.Check.Packs {
		if s.File == "packs/"+p.Pack+".yaml" {
			return p.Title
		}
	}
	return fileWord(ctx, s.File)
}

// Named finds what a set is called.
func (b Rulebook) Named(ctx context.Context, id events.ID) string {
	for _, s := range b.Sets {
		if s.ID == id {
			return s.Name(ctx)
		}
	}
	return RuleSet{}.Name(ctx)
}

// coming is the decision that has not taken effect yet, or nil.
func (b Rulebook) coming() *RuleAct {
	if b.Book.Coming == nil || len(b.Acts) == 0 {
		return nil
	}
	return &b.Acts[0]
}

// decided is the decision that put in force what is in force, or nil: nobody decided.
func (b Rulebook) decided() *RuleAct {
	for i := range b.Acts {
		if b.Book.Since != nil && b.Acts[i].From.Equal(*b.Book.Since) {
			return &b.Acts[i]
		}
	}
	return nil
}

// Former is what going back would put in force again.
func (b Rulebook) Former(now time.Time) events.ID {
	for i, a := range b.Acts {
		if i > 0 && !a.From.After(now) {
			return a.Set
		}
	}
	return events.ID{}
}

func (b Rulebook) act(ctx context.Context, a RuleAct) string {
	by, set := cmp.Or(b.Staff[a.By], a.By), b.Named(ctx, a.Set)
	if a.Kind == "roll-back" {
		return say(ctx, "%s went back to: %s", by, set)
	}
	return say(ctx, "%s put in force: %s", by, set)
}

// called is a rule's title, or its id where no pack has it.
func (s RulesPage) called(id string) string { return cmp.Or(titles(s.Live, s.Check.Packs)[id], id) }

// says is one value of a change: a due time in words, or a score as it is.
func (s RulesPage) says(ctx context.Context, value string, zone *time.Location) string {
	if value == "" {
		return say(ctx, "none")
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return text.Moment(ctx, at.In(zone))
	}
	return value
}

// byRule are the rules whose clocks would change, most first.
func (v RulePreview) byRule() []string {
	return slices.SortedFunc(maps.Keys(v.ByRule), func(a, b string) int {
		return cmp.Or(v.ByRule[b]-v.ByRule[a], strings.Compare(a, b))
	})
}

// nothing reports whether a preview found that nothing would be otherwise.
func (v RulePreview) nothing() bool { return v.More+v.Fewer+v.Other+v.Scores == 0 }

// RuleQuestion is what somebody is asked before rules change.
type RuleQuestion struct {
	Title        text.Message
	Says, Button string
	Path         string
	Fields       map[string]string
}

func (q RuleQuestion) names() []string { return slices.Sorted(maps.Keys(q.Fields)) }

// line is the id of a line of the text.
func line(n int) string { return fmt.Sprintf("line-%d", n) }
