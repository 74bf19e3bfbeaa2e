package page

import (
	"context"
	"maps"
	"slices"

	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// RulePack is what the rules of one programme say, as discharge answers.
type RulePack struct {
	Pack    string       `json:"pack"`
	Version string       `json:"version"`
	Title   string       `json:"title"`
	About   string       `json:"about"`
	Rules   []PackRule   `json:"rules"`
	Vectors []PackVector `json:"vectors"`
	Cases   []PackCase   `json:"cases"`
	More    []any        `json:"outcomes"` // further examples that are computed
	Stays   []any        `json:"stays"`
}

// PackRule is one version of a rule.
type PackRule struct {
	ID            string   `json:"id"`
	Version       string   `json:"version"`
	From          string   `json:"from"`
	Until         string   `json:"until"`
	BusinessDays  *int     `json:"business_days"`
	CalendarDays  *int     `json:"calendar_days"`
	Hours         *int     `json:"hours"`
	Midnights     *int     `json:"midnights"`
	Title         string   `json:"title"`
	Source        string   `json:"source"`
	Standing      string   `json:"standing"`
	MetBy         []string `json:"met_by"`
	Pausable      bool     `json:"pausable"`
	ExtensionDays int      `json:"extension_days"`
}

// PackVector is an example: what begins at an instant is due then.
type PackVector struct {
	At       string            `json:"at"`
	Zone     string            `json:"zone"`
	Pauses   [][2]string       `json:"pauses"`
	Extended bool              `json:"extended"`
	Due      map[string]string `json:"due"`
}

// PackCase is an example: a stay that a rule is for, or not.
type PackCase struct {
	Rule        string `json:"rule"`
	Class       string `json:"class"`
	Disposition string `json:"disposition"`
	Payer       string `json:"payer"`
	Age         *int   `json:"age"`
	Applies     bool   `json:"applies"`
}

// examples is how many examples of a pack are computed each time it is read.
func (p RulePack) examples() int { return len(p.Vectors) + len(p.Cases) + len(p.More) + len(p.Stays) }

// ref is a rule with its version.
func (r PackRule) ref() string { return r.ID + "@" + r.Version }

// length is how long there is, in words.
func (r PackRule) length(ctx context.Context) string {
	switch {
	case r.Hours != nil && *r.Hours < 0:
		return sayN(ctx, -*r.Hours, "%d hour before", "%d hours before")
	case r.Hours != nil:
		return sayN(ctx, *r.Hours, "%d hour", "%d hours")
	case r.BusinessDays != nil:
		return sayN(ctx, *r.BusinessDays, "%d business day", "%d business days")
	case r.Midnights != nil:
		return sayN(ctx, *r.Midnights, "%d midnight", "%d midnights")
	case r.CalendarDays != nil:
		return sayN(ctx, *r.CalendarDays, "%d day", "%d days")
	}
	return ""
}

// holds says in which days a version counts.
func (r PackRule) holds(ctx context.Context) string {
	if r.Until == "" {
		return say(ctx, "from %s on", r.From)
	}
	return say(ctx, "from %s until %s", r.From, r.Until)
}

// standings are how far a rule's source was followed.
var standings = map[string]text.Message{"read": "Taken from its source", "common": "Commonly known, not checked against its source", "house": "Your own agreement"}

// Difference is one version of a rule that is not in force now, beside the one that is.
type Difference struct {
	Rule PackRule
	Was  *PackRule // the version before it; nil: a rule that is new
	Says []string
}

// differences are the rules of some packs that others do not have.
func differences(ctx context.Context, packs, base []RulePack) (out []Difference) {
	have, newest := map[string]bool{}, map[string]*PackRule{}
	for _, p := range base {
		for i := range p.Rules {
			r := &p.Rules[i]
			have[r.ref()] = true
			if n := newest[r.ID]; n == nil || n.From < r.From {
				newest[r.ID] = r
			}
		}
	}
	for _, p := range packs {
		for _, r := range p.Rules {
			if !have[r.ref()] {
				out = append(out, Difference{Rule: r, Was: newest[r.ID], Says: r.against(ctx, newest[r.ID])})
			}
		}
	}
	return out
}

// against says what a version changes of the one before.
func (r PackRule) against(ctx context.Context, was *PackRule) (out []string) {
	if was == nil {
		return []string{say(ctx, "A rule that is new: %s", r.length(ctx))}
	}
	add := func(m text.Message, is, before string) {
		if is != before {
			out = append(out, say(ctx, m, is, before))
		}
	}
	add("%s instead of %s", r.length(ctx), was.length(ctx))
	add("called “%s”, before “%s”", r.Title, was.Title)
	add("by the source “%s”, before “%s”", r.Source, was.Source)
	add("met by %s, before by %s", list(r.MetBy), list(was.MetBy))
	if r.Pausable != was.Pausable {
		out = append(out, say(ctx, map[bool]text.Message{true: "it can be paused now", false: "it can no longer be paused"}[r.Pausable]))
	}
	if r.ExtensionDays != was.ExtensionDays {
		out = append(out, sayN(ctx, r.ExtensionDays, "%d day by an extension", "%d days by an extension"))
	}
	if len(out) == 0 {
		out = append(out, say(ctx, "another condition or detail: see its text"))
	}
	return out
}

// example says an example in words: what begins then is due by then.
func (v PackVector) example(ctx context.Context) string {
	said := say(ctx, "What begins on %s", v.At)
	if v.Zone != "" {
		said += " (" + v.Zone + ")"
	}
	for _, p := range v.Pauses {
		said += ", " + say(ctx, "paused from %s to %s", p[0], p[1])
	}
	if v.Extended {
		said += ", " + say(ctx, "is extended")
	}
	return said
}

// dues are what an example says of each rule.
func (p RulePack) dues(ctx context.Context, v PackVector) (out []string) {
	for _, ref := range slices.Sorted(maps.Keys(v.Due)) {
		out = append(out, say(ctx, "%s: due %s", p.titleOf(ref), v.Due[ref]))
	}
	return out
}

// titleOf is what a rule is called, by its id or id@version.
func (p RulePack) titleOf(ref string) string {
	for _, r := range p.Rules {
		if r.ID == ref || r.ref() == ref {
			return r.Title
		}
	}
	return ref
}

// example says which stay a rule is for, or not.
func (c PackCase) example(ctx context.Context, p RulePack) string {
	stay := board.Plain(ctx, c.Class)
	if c.Disposition != "" {
		stay = join(stay, say(ctx, "to: %s", board.Disposition(ctx, c.Disposition)))
	}
	if c.Payer != "" {
		stay = join(stay, c.Payer)
	}
	if c.Age != nil {
		stay = join(stay, sayN(ctx, *c.Age, "%d year", "%d years"))
	}
	if c.Applies {
		return say(ctx, "%s. %s: yes", stay, p.titleOf(c.Rule))
	}
	return say(ctx, "%s. %s: no", stay, p.titleOf(c.Rule))
}

// titles are what rules are called, by id.
func titles(packs ...[]RulePack) map[string]string {
	out := map[string]string{}
	for _, list := range packs {
		for _, p := range list {
			for _, r := range p.Rules {
				out[r.ID] = r.Title
			}
		}
	}
	return out
}
