package page

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
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
func (r PairRow) name(i int) string {
	p := r.Patients[i]
	switch {
	case p.Restricted:
		return "Confidential patient"
	case p.Name == "":
		return "Patient"
	}
	return p.Name
}

func (r PairRow) place(i int) string {
	return cmp.Or(r.Places[r.Patients[i].Facility], r.Patients[i].Facility)
}

// likely says how likely the two are one person.
func (r PairRow) likely() string {
	p := r.Explained.Probability
	switch {
	case r.Explained.Veto != "":
		return "They cannot be one person: " + r.Explained.Veto
	case p >= .999:
		return "Almost certainly one person"
	case p >= .95:
		return "Very probably one person"
	case p >= .7:
		return "Probably one person"
	case p >= .3:
		return "May be one person, or not"
	}
	return "Probably two persons"
}

func (r PairRow) odds() string {
	return fmt.Sprintf("Of 100 such pairs about %d are one person.", min(99, int(math.Round(r.Explained.Probability*100))))
}

func (r PairRow) thresholds() string {
	return fmt.Sprintf("Score %.1f. From %.1f on two are linked without asking; below %.1f nobody is asked.", r.Score, r.LinkFrom, r.AskFrom)
}

// bar is where the score stands between the thresholds, from 0 to 100.
func (r PairRow) bar() string {
	low, high := r.AskFrom-4, r.LinkFrom+4
	return fmt.Sprint(int(100 * min(1, max(0, (r.Score-low)/(high-low)))))
}

// rival says who they are if not one person.
func (r PairRow) rival() string {
	return map[string]string{
		"household": "If not, they are most probably relatives in one household.", "twins": "If not, they are most probably twins.",
		"namesakes": "If not, they most probably only share a name.", "strangers": "If not, they most probably have nothing to do with each other.",
	}[r.Explained.Rival]
}

var comparisons = map[string]string{
	"family": "Family name", "given": "Given name", "middle": "Middle name", "suffix": "Suffix (Jr, Sr)", "birth": "Born", "sex": "Sex",
	"sex for the name": "Sex, for this name", "home": "Address", "phone": "Phone", "ssn": "Last four of the SSN",
}

var levels = map[string]string{
	"missing": "Not known of both", "exact": "The same", "part": "One of several names is the same", "maiden": "One’s family name is the other’s middle name",
	"nickname": "One is short for the other", "variant": "Almost spelled alike", "initial": "The same first letter", "middle": "One’s given is the other’s middle name",
	"turned": "Given and middle name the other way round", "misspelled": "One looks misspelled", "similar": "Similar", "sounds": "Sounds alike",
	"swapped": "The two parts the other way round", "typo": "One figure differs", "anniversary": "The same day of another year", "near": "The year and the month or day",
	"year": "The same year", "zip": "The same area", "none": "Neither has one", "equal": "The same", "one": "Only one has it", "same": "The same", "different": "Different",
}

func (c Comparison) said() string { return cmp.Or(levels[c.Level], board.Plain(c.Level)) }

func (c Comparison) of() string { return cmp.Or(comparisons[c.Field], board.Plain(c.Field)) }

// weight says how much a comparison counts, in words.
func (c Comparison) weight() string {
	b := math.Abs(c.Bits)
	side := "for one person"
	if c.Bits < 0 {
		side = "against it"
	}
	switch {
	case b < .5:
		return "Says little"
	case b < 3:
		return "Speaks a little " + side
	case b < 8:
		return "Speaks " + side
	}
	return "Speaks strongly " + side
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
func (r PairRow) hangs(i int) string {
	w := r.Weights[i]
	if w.Unknown {
		return "stays are not known now"
	}
	stays := some(w.Stays, "stay", "stays")
	if w.More {
		stays = fmt.Sprintf("more than %d stays", w.Stays)
	}
	return stays + ", " + some(w.Tasks, "open task", "open tasks") + ", " + some(w.Alerts, "open alert", "open alerts")
}

// decided says who decided, last.
func (r PairRow) decided(s PairStep) string {
	by := cmp.Or(r.Staff[s.By], s.By)
	switch {
	case s.What == "link":
		return by + " said: the same person"
	case s.What == "reject":
		return by + " said: not the same"
	case s.What == "undo":
		return by + " took the decision back"
	case s.State == "linked":
		return "Linked by what is written of them"
	case s.State == "review":
		return "Put aside for somebody to look at"
	case s.State == "rejected":
		return "Kept apart"
	}
	return "Compared"
}

func reasonOfPair(code string) string {
	for _, c := range PairReasons {
		if c.Code == code && code != "" {
			return string(c.Text)
		}
	}
	return board.Plain(code)
}

// IdentityKeys is what the keyboard does in the review of links.
var IdentityKeys = []Key{
	{"j  k", "Next pair, pair before"}, {"y", "The same person"}, {"n", "Not the same, never ask again"}, {"u", "Take back what I did last"}, {"?", "This help"}, {"Esc", "Close"},
}
