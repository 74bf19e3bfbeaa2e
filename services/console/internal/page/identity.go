package page

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Pair is two patients who may be one person, as admission answers. Names are in it for those who may
// know them.
type Pair struct {
	ID        events.ID   `json:"id"`
	State     string      `json:"state"` // linked, review, rejected, none
	Stated    string      `json:"stated"`
	Decision  string      `json:"decision"`
	Score     float64     `json:"score"`
	LinkFrom  float64     `json:"link_from"`
	AskFrom   float64     `json:"ask_from"`
	Version   int         `json:"version"`
	Patients  []Paired    `json:"patients"`
	Explained Explanation `json:"explanation"`
	History   []PairStep  `json:"history"`
}

// Paired is one of the two.
type Paired struct {
	ID         events.ID `json:"id"`
	Facility   string    `json:"facility"`
	Name       string    `json:"name"`
	Restricted bool      `json:"restricted"`
}

// Explanation is a score in its parts.
type Explanation struct {
	Probability float64      `json:"probability"`
	Rival       string       `json:"rival"`
	Veto        string       `json:"veto"`
	Hold        string       `json:"hold"`
	Comparisons []Comparison `json:"comparisons"`
}

// Comparison is how far the two agree in one thing.
type Comparison struct {
	Field  string   `json:"comparison"`
	Level  string   `json:"level"`
	Bits   float64  `json:"bits"`
	Values []string `json:"values"`
}

// PairStep is something that became of a pair.
type PairStep struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	What   string    `json:"what"`
	State  string    `json:"state"`
	Reason string    `json:"reason"`
}

// Weight is what hangs on a patient.
type Weight struct {
	Stays, Tasks, Alerts int
	More                 bool // there are more stays than were counted
	Unknown              bool // nobody could say
}

// PairRow is a pair as one person sees it.
type PairRow struct {
	Pair
	Weights []Weight // of each of the two
	Places  map[string]string
	Staff   map[string]string
}

// Identity is a page of pairs.
type Identity struct {
	Show string // review, linked, rejected
	Rows []PairRow
	More string
}

// PairReasons are what can be said with a decision, as codes.
var PairReasons = []Word{
	{"", "No reason given"}, {"agrees", "What is written agrees"}, {"asked", "The patient or the hospital said so"}, {"same-document", "The same document"},
	{"twins", "Twins or siblings"}, {"household", "Relatives in one household"}, {"namesakes", "Only the names are alike"},
}

func (i Identity) address(show, more string) string {
	out := "/identity"
	if show != "review" {
		out += "?show=" + show
	}
	if more != "" {
		if out == "/identity" {
			return out + "?after=" + more
		}
		return out + "&after=" + more
	}
	return out
}

func (r PairRow) path(action string) string { return "/identity/" + r.ID.String() + "/" + action }

// name is what one of the two may be called here.
func (r PairRow) name(ctx context.Context, i int) string {
	p := r.Patients[i]
	switch {
	case p.Restricted:
		return say(ctx, "Confidential patient")
	case p.Name == "":
		return say(ctx, "Patient")
	}
	return p.Name
}

func (r PairRow) place(i int) string {
	return cmp.Or(r.Places[r.Patients[i].Facility], r.Patients[i].Facility)
}

// likely says how likely the two are one person.
func (r PairRow) likely(ctx context.Context) string {
	p := r.Explained.Probability
	switch {
	case r.Explained.Veto != "":
		return say(ctx, "They cannot be one person: %s", r.Explained.Veto)
	case p >= .999:
		return say(ctx, "Almost certainly one person")
	case p >= .95:
		return say(ctx, "Very probably one person")
	case p >= .7:
		return say(ctx, "Probably one person")
	case p >= .3:
		return say(ctx, "May be one person, or not")
	}
	return say(ctx, "Probably two persons")
}

func (r PairRow) odds(ctx context.Context) string {
	return say(ctx, "Of 100 such pairs about %d are one person.", min(99, int(math.Round(r.Explained.Probability*100))))
}

func (r PairRow) thresholds(ctx context.Context) string {
	return say(ctx, "Score %.1f. From %.1f on two are linked without asking; below %.1f nobody is asked.", r.Score, r.LinkFrom, r.AskFrom)
}

// bar is where the score stands between the thresholds, from 0 to 100.
func (r PairRow) bar() string {
	low, high := r.AskFrom-4, r.LinkFrom+4
	return fmt.Sprint(int(100 * min(1, max(0, (r.Score-low)/(high-low)))))
}

// rival says who they are if not one person.
func (r PairRow) rival(ctx context.Context) string {
	return say(ctx, map[string]text.Message{
		"household": "If not, they are most probably relatives in one household.", "twins": "If not, they are most probably twins.",
		"namesakes": "If not, they most probably only share a name.", "strangers": "If not, they most probably have nothing to do with each other.",
	}[r.Explained.Rival])
}

var comparisons = map[string]text.Message{
	"family": "Family name", "given": "Given name", "middle": "Middle name", "suffix": "Suffix (Jr, Sr)", "birth": "Born", "sex": "Sex",
	"sex for the name": "Sex, for this name", "home": "Address", "phone": "Phone", "ssn": "Last four of the SSN",
}

var levels = map[string]text.Message{
	"missing": "Not known of both", "exact": "The same", "part": "One of several names is the same", "maiden": "One’s family name is the other’s middle name",
	"nickname": "One is short for the other", "variant": "Almost spelled alike", "initial": "The same first letter", "middle": "One’s given is the other’s middle name",
	"turned": "Given and middle name the other way round", "misspelled": "One looks misspelled", "similar": "Similar", "sounds": "Sounds alike",
	"swapped": "The two parts the other way round", "typo": "One figure differs", "anniversary": "The same day of another year", "near": "The year and the month or day",
	"year": "The same year", "zip": "The same area", "none": "Neither has one", "equal": "The same", "one": "Only one has it", "same": "The same", "different": "Different",
}

func (c Comparison) said(ctx context.Context) string {
	return cmp.Or(say(ctx, levels[c.Level]), board.Plain(ctx, c.Level))
}

func (c Comparison) of(ctx context.Context) string {
	return cmp.Or(say(ctx, comparisons[c.Field]), board.Plain(ctx, c.Field))
}

// weight says how much a comparison counts, in words.
func (c Comparison) weight(ctx context.Context) string {
	b, all := math.Abs(c.Bits), [3]text.Message{"Speaks a little for one person", "Speaks for one person", "Speaks strongly for one person"}
	if c.Bits < 0 {
		all = [3]text.Message{"Speaks a little against it", "Speaks against it", "Speaks strongly against it"}
	}
	switch {
	case b < .5:
		return say(ctx, "Says little")
	case b < 3:
		return say(ctx, all[0])
	case b < 8:
		return say(ctx, all[1])
	}
	return say(ctx, all[2])
}

func (c Comparison) tone() string {
	switch {
	case c.Bits >= .5:
		return "ok"
	case c.Bits <= -.5:
		return "wrong"
	}
	return ""
}

func (c Comparison) value(i int) string {
	if i < len(c.Values) {
		return c.Values[i]
	}
	return ""
}

// hangs says what hangs on one of the two.
func (r PairRow) hangs(ctx context.Context, i int) string {
	w := r.Weights[i]
	if w.Unknown {
		return say(ctx, "stays are not known now")
	}
	stays := stays(ctx, w.Stays)
	if w.More {
		stays = say(ctx, "more than %d stays", w.Stays)
	}
	return list([]string{stays, openTasks(ctx, w.Tasks), openAlerts(ctx, w.Alerts)})
}

func openTasks(ctx context.Context, n int) string {
	if n == 0 {
		return say(ctx, "no open tasks")
	}
	return sayN(ctx, n, "%d open task", "%d open tasks")
}

func openAlerts(ctx context.Context, n int) string {
	if n == 0 {
		return say(ctx, "no open alerts")
	}
	return sayN(ctx, n, "%d open alert", "%d open alerts")
}

// decided says who decided, last.
func (r PairRow) decided(ctx context.Context, s PairStep) string {
	by := cmp.Or(r.Staff[s.By], s.By)
	switch {
	case s.What == "link":
		return say(ctx, "%s said: the same person", by)
	case s.What == "reject":
		return say(ctx, "%s said: not the same", by)
	case s.What == "undo":
		return say(ctx, "%s took the decision back", by)
	case s.State == "linked":
		return say(ctx, "Linked by what is written of them")
	case s.State == "review":
		return say(ctx, "Put aside for somebody to look at")
	case s.State == "rejected":
		return say(ctx, "Kept apart")
	}
	return say(ctx, "Compared")
}

func reasonOfPair(ctx context.Context, code string) string {
	for _, c := range PairReasons {
		if c.Code == code && code != "" {
			return say(ctx, c.Text)
		}
	}
	return board.Plain(ctx, code)
}

// IdentityKeys is what the keyboard does in the review of links.
var IdentityKeys = []Key{
	{"j  k", "Next pair, pair before"}, {"y", "The same person"}, {"n", "Not the same, never ask again"}, {"u", "Take back what I did last"}, {"?", "This help"}, {"Esc", "Close"},
}
