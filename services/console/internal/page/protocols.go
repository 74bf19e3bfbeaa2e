package page

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Protocol is a version of a protocol, as discharge answers.
type Protocol struct {
	Protocol string   `json:"protocol"` // code@version
	Title    string   `json:"title"`
	Kind     string   `json:"kind"`
	When     string   `json:"when"`
	From     string   `json:"from"`
	Until    string   `json:"until"`
	Tasks    []string `json:"tasks"`
	File     string   `json:"file"`
}

// Active is what is in force.
type Active struct {
	Items []Protocol `json:"items"`
	Set   events.ID  `json:"set_id"` // zero: the shipped set
	Since *time.Time `json:"since"`
	Book  int        `json:"version"`
}

// ProtocolSet is a stored set of protocols.
type ProtocolSet struct {
	ID     events.ID         `json:"id"`
	Number int               `json:"number"`
	Title  string            `json:"title"`
	Digest string            `json:"digest"`
	MadeBy string            `json:"made_by"`
	MadeAt time.Time         `json:"made_at"`
	Live   []string          `json:"live"`
	Coming []string          `json:"coming"`
	Shadow []string          `json:"shadow"`
	Wrong  string            `json:"wrong"`
	Files  map[string]string `json:"files"`
}

// ProtocolAct is a decision on which set is in force.
type ProtocolAct struct {
	Kind     string    `json:"kind"`
	Facility string    `json:"facility"`
	Set      events.ID `json:"set_id"`
	Inherit  bool      `json:"inherit"`
	From     time.Time `json:"from"`
	Replan   bool      `json:"replan"`
	Reason   string    `json:"reason"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// Checked is what is wrong with protocols, and what they change.
type Checked struct {
	OK        bool       `json:"ok"`
	Problems  []string   `json:"problems"`
	Protocols []Protocol `json:"protocols"`
	Added     []string   `json:"added"`
	Removed   []string   `json:"removed"`
}

// Tested is how the cases beside protocols went.
type Tested struct {
	Cases []struct {
		File  string   `json:"file"`
		Name  string   `json:"name"`
		Wrong []string `json:"wrong"`
	} `json:"cases"`
	Failed   int      `json:"failed"`
	Untested []string `json:"untested"`
}

// Tally is a figure today and as it would be.
type Tally struct {
	Today     int `json:"today"`
	Candidate int `json:"candidate"`
}

// Preview is what a set would have done with recorded stays.
type Preview struct {
	ID      events.ID `json:"id"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Stays   int       `json:"stays"`
	Changed int       `json:"changed"`
	Opened  int       `json:"opened"`
	Closed  int       `json:"closed"`
	Tasks   Tally     `json:"tasks"`
	Codes   []struct {
		Code string `json:"code"`
		Tally
		Gained  int `json:"gained"`
		Lost    int `json:"lost"`
		Moved   int `json:"moved"`
		Changed int `json:"changed"`
	} `json:"codes"`
	People []PreviewPerson `json:"people"`
}

// PreviewPerson is what a change means for one person's days, or for a role's.
type PreviewPerson struct {
	Role    string  `json:"role"`
	Owner   string  `json:"owner"`
	PerDay  float64 `json:"today_per_day"`
	WouldBe float64 `json:"candidate_per_day"`
	Busiest int     `json:"today_busiest"`
	Peak    int     `json:"candidate_busiest"`
}

// PreviewStay is a stay whose tasks would differ.
type PreviewStay struct {
	Encounter    events.ID  `json:"encounter_id"`
	Patient      events.ID  `json:"patient_id"`
	Facility     string     `json:"facility"`
	DischargedAt *time.Time `json:"discharged_at"`
	Tasks        []struct {
		Code   string `json:"code"`
		Change string `json:"change"` // gained, lost, moved, changed
	} `json:"tasks"`
	Of board.Row `json:"-"`
}

// PreviewProgress is a line of a preview while it runs: exactly one is there.
type PreviewProgress struct {
	Progress *struct{ Done, Of int } `json:"progress"`
	Patient  *PreviewStay            `json:"patient"`
	Result   *Preview                `json:"result"`
	Error    string                  `json:"error"`
}

// Shadow is what the set that is tried would have done so far.
type Shadow struct {
	Items     []PreviewStay `json:"items"`
	Set       events.ID     `json:"set_id"`
	Since     *time.Time    `json:"since"`
	Stays     int           `json:"stays"`
	Differing int           `json:"differing"`
	Codes     []struct {
		Code    string `json:"code"`
		Gained  int    `json:"gained"`
		Lost    int    `json:"lost"`
		Moved   int    `json:"moved"`
		Changed int    `json:"changed"`
	} `json:"codes"`
}

// Protocols is the page of protocols.
type Protocols struct {
	Active Active
	Sets   []ProtocolSet
	Acts   []ProtocolAct
	Shadow Shadow
	Staff  map[string]string
}

// SetPage is one set, or a change of it that somebody tries.
type SetPage struct {
	Set     ProtocolSet // of the shipped one: no id
	Book    int
	File    string // the file that is shown
	Text    string // as it is, or as somebody has written it
	Edited  bool
	Check   Checked
	Test    Tested
	Marks   []board.MarkedLine
	Rest    []string // problems that belong to no line of the file
	Places  []Choice
	Staff   map[string]string
	Preview *PreviewPage
}

// PreviewPage is what a preview said, with whose tasks would differ.
type PreviewPage struct {
	Preview
	Stays []PreviewStay
	More  int // stays that are not shown
	Staff map[string]string
}

// shipped is how addresses name the set the product ships with.
const shipped = "shipped"

func (s ProtocolSet) path() string {
	if s.ID.IsZero() {
		return "/protocols/" + shipped
	}
	return "/protocols/" + s.ID.String()
}

// name is what people call a set.
func (s ProtocolSet) name(ctx context.Context) string {
	if s.ID.IsZero() {
		return say(ctx, "As shipped")
	}
	return say(ctx, "Set %d: %s", s.Number, cmp.Or(s.Title, say(ctx, "no title")))
}

// names are the files of a set, protocols first and their cases after them.
func (s ProtocolSet) names() []string {
	var out []string
	for name := range s.Files {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// named finds what a set is called.
func (p Protocols) named(ctx context.Context, id events.ID) string {
	for _, s := range p.Sets {
		if s.ID == id {
			return s.name(ctx)
		}
	}
	return ProtocolSet{}.name(ctx)
}

func (p Protocols) shown(id events.ID) string { return ProtocolSet{ID: id}.path() }

// where is to which places a decision applies.
func where(ctx context.Context, facility string) string {
	if facility == "" || facility == "all" {
		return say(ctx, "everywhere")
	}
	return say(ctx, "in %s", facility)
}

func (p Protocols) act(ctx context.Context, a ProtocolAct) string {
	by, at, set := cmp.Or(p.Staff[a.By], a.By), where(ctx, a.Facility), p.named(ctx, a.Set)
	switch {
	case a.Inherit:
		return say(ctx, "%s let %s follow the organization again", by, a.Facility)
	case a.Kind == "activate":
		return say(ctx, "%s put in force, %s: %s", by, at, set)
	case a.Kind == "roll-back":
		return say(ctx, "%s went back, %s, to: %s", by, at, set)
	case a.Kind == "shadow":
		return say(ctx, "%s began a trial, %s: %s", by, at, set)
	case a.Kind == "end-shadow":
		return say(ctx, "%s ended the trial %s", by, at)
	}
	return by + ": " + board.Plain(ctx, a.Kind)
}

// standing says where a set is in force, will be, or is tried.
func (s ProtocolSet) standing(ctx context.Context) (out []string) {
	for _, at := range s.Live {
		out = append(out, say(ctx, "In force %s", where(ctx, at)))
	}
	for _, at := range s.Coming {
		out = append(out, say(ctx, "Will be in force %s", where(ctx, at)))
	}
	for _, at := range s.Shadow {
		out = append(out, say(ctx, "Tried %s", where(ctx, at)))
	}
	return out
}

// against says a difference with its sign.
func against(ctx context.Context, today, would float64) string {
	switch d := would - today; {
	case d > .05:
		return say(ctx, "%.1f more", d)
	case d < -.05:
		return say(ctx, "%.1f fewer", -d)
	}
	return say(ctx, "the same")
}

func perDay(v float64) string { return fmt.Sprintf("%.1f", v) }

// whose says whose tasks they are.
func (p PreviewPage) whose(ctx context.Context, x PreviewPerson) string {
	if x.Owner != "" {
		return cmp.Or(p.Staff[x.Owner], x.Owner)
	}
	return say(ctx, "%s, unclaimed", board.Role(ctx, x.Role))
}

// changes are what becomes of a task, whose name is the %s.
var changes = map[string]text.Message{
	"gained": "would get “%s”", "lost": "would not get “%s”", "moved": "another due time for “%s”", "changed": "another priority or role for “%s”",
}

func stays(ctx context.Context, n int) string {
	if n == 0 {
		return say(ctx, "no stays")
	}
	return sayN(ctx, n, "%d stay", "%d stays")
}

func discharges(ctx context.Context, n int) string {
	if n == 0 {
		return say(ctx, "no discharges")
	}
	return sayN(ctx, n, "%d discharge", "%d discharges")
}

func changed(ctx context.Context, list []struct {
	Code   string `json:"code"`
	Change string `json:"change"`
}) (out []string) {
	for _, t := range list {
		out = append(out, say(ctx, changes[t.Change], board.Plain(ctx, t.Code)))
	}
	return out
}

func (s SetPage) shadowed() string {
	if s.Set.ID.IsZero() {
		return shipped
	}
	return s.Set.ID.String()
}
