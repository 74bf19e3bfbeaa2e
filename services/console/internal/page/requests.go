package page

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Asks are the requests that people told of for one stay, each with its clocks, as discharge answers.
type Asks struct {
	Encounter events.ID         `json:"-"`
	Zone      *time.Location    `json:"-"` // the facility's: every time on the form is in it
	Staff     map[string]string `json:"-"`
	About     []Choice          `json:"-"` // the stay's referrals, which an authorization can be of
	Known     bool              `json:"-"` // discharge has a transition of this stay
	Away      bool              `json:"-"` // discharge does not answer now
	Fresh     bool              `json:"-"` // it is the answer to what was just written down

	Version int        `json:"version"`
	Clocks  []AskClock `json:"items"`
	List    []Ask      `json:"requests"`
}

// Ask is a request and what became of it.
type Ask struct {
	N        int       `json:"n"`
	Urgency  string    `json:"urgency"`
	Scheme   string    `json:"scheme"`
	Referral string    `json:"referral_id"`
	Said     []AskWord `json:"said"`
}

// AskWord is one thing that happened to it, its receipt first.
type AskWord struct {
	Event   string    `json:"event"`
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`
	By      string    `json:"by"`
}

// AskClock is a clock of a request, with everything that leads to how it stands.
type AskClock struct {
	Rule    string           `json:"rule"`
	Title   string           `json:"title"`
	State   string           `json:"state"`
	Due     *time.Time       `json:"due_at"`
	Met     *time.Time       `json:"met_at"`
	Trace   *Trace           `json:"trace"`
	Request *struct{ N int } `json:"request"`
}

// Askable is something that can be asked for: what discharge calls it, and what people do.
type Askable struct {
	Event, Urgency, Scheme string
	Text                   text.Message
}

// Code is what a form calls it.
func (a Askable) Code() string { return a.Event + " " + a.Urgency + " " + a.Scheme }

// askGroup is a heading of what can be asked for.
type askGroup struct {
	text text.Message
	asks []Askable
}

var askables = []askGroup{
	{"The payer", []Askable{
		{"authorization-requested", "standard", "", "The payer’s agreement"},
		{"authorization-requested", "expedited", "", "The payer’s agreement, urgent"},
	}},
	{"Complaints", []Askable{
		{"grievance-received", "standard", "hospital", "A complaint about the hospital"},
		{"grievance-received", "standard", "medicare-advantage", "A complaint about a Medicare Advantage plan"},
		{"grievance-received", "expedited", "medicare-advantage", "A complaint about a Medicare Advantage plan, urgent"},
		{"grievance-received", "standard", "medicaid", "A complaint about a Medicaid plan"},
	}},
	{"Appeals", []Askable{
		{"appeal-received", "standard", "medicaid", "An appeal against a Medicaid plan’s decision"},
		{"appeal-received", "expedited", "medicaid", "An appeal against a Medicaid plan’s decision, urgent"},
	}},
	{"Records", []Askable{{"records-requested", "standard", "", "The patient’s own records"}}},
}

// AskableOf is what a form's code names.
func AskableOf(code string) (Askable, bool) {
	for _, g := range askables {
		for _, a := range g.asks {
			if a.Code() == code {
				return a, true
			}
		}
	}
	return Askable{}, false
}

// answers are what can become of a request, by what began it: a form's codes are the event and the outcome.
var answers = map[string][]Word{
	"authorization-requested": {{"authorization-decided:approved", "Approved"}, {"authorization-decided:partly-approved", "Approved in part"}, {"authorization-decided:denied", "Denied"}},
	"grievance-received":      {{"grievance-resolved:answered-in-writing", "Answered in writing"}, {"grievance-resolved:settled", "Settled, nothing in writing"}},
	"appeal-received":         {{"appeal-decided:overturned", "Decided in the patient’s favor"}, {"appeal-decided:partly-overturned", "In the patient’s favor in part"}, {"appeal-decided:upheld", "The decision stands"}},
	"records-requested":       {{"records-provided:provided", "Handed over"}, {"records-provided:denied", "Refused in writing"}},
}

// steps are what can happen to a request on the way to its answer.
var steps = map[string]text.Message{
	"information-requested": "More information was asked for", "information-received": "The information came", "extended": "More time was taken",
	"withdrawn": "Taken back by whoever asked", "status-shown": "The payer showed how it stands",
}

// begun is what began it.
func (a Ask) begun() string { return a.Said[0].Event }

// IsAnswer reports whether a form's code answers what an event began.
func IsAnswer(began, code string) bool {
	return slices.ContainsFunc(answers[began], func(w Word) bool { return w.Code == code })
}

// IsStep reports whether an event can happen to a request on its way.
func IsStep(event string) bool { return steps[event] != "" }

// Title is what was asked for, in words.
func (a Ask) Title(ctx context.Context) string {
	for _, g := range askables {
		for _, x := range g.asks {
			if x.Event == a.begun() && (x.Urgency == cmp.Or(a.Urgency, "standard")) && x.Scheme == a.Scheme {
				return say(ctx, x.Text)
			}
		}
	}
	return join(board.Plain(ctx, a.begun()), strings.ToLower(board.Plain(ctx, a.Scheme)))
}

// words says what happened.
func (w AskWord) words(ctx context.Context) string {
	if m, ok := steps[w.Event]; ok {
		return say(ctx, m)
	}
	for _, list := range answers {
		for _, x := range list {
			if x.Code == w.Event+":"+w.Outcome {
				return say(ctx, x.Text)
			}
		}
	}
	return board.Plain(ctx, cmp.Or(w.Outcome, w.Event))
}

// answer is what answered it, or nil.
func (a Ask) answer() *AskWord {
	for i := range a.Said[1:] {
		w := &a.Said[1+i]
		if steps[w.Event] == "" {
			return w
		}
	}
	return nil
}

// has reports whether something happened to it.
func (a Ask) has(event string) bool {
	return slices.ContainsFunc(a.Said, func(w AskWord) bool { return w.Event == event })
}

// over reports whether nobody has to answer any more.
func (a Ask) over() bool { return a.answer() != nil || a.has("withdrawn") }

// waits reports whether information was asked for that has not come.
func (a Ask) waits() bool {
	waits := false
	for _, w := range a.Said {
		waits = (waits || w.Event == "information-requested") && w.Event != "information-received"
	}
	return waits
}

// stands says in a word or two how it stands.
func (a Ask) stands(ctx context.Context) string {
	switch w := a.answer(); {
	case w != nil:
		return w.words(ctx)
	case a.has("withdrawn"):
		return say(ctx, "Taken back")
	case a.waits():
		return say(ctx, "Waiting for information")
	}
	return say(ctx, "Waiting for an answer")
}

// next are the steps that can happen to it now.
func (l Asks) next(ctx context.Context, a Ask) []Choice {
	var out []Choice
	add := func(event string) { out = append(out, Choice{event, say(ctx, steps[event])}) }
	if a.waits() {
		add("information-received")
	} else {
		add("information-requested")
	}
	for _, c := range l.of(a.N) {
		if c.Rule == "pa-status" && !a.has("status-shown") {
			add("status-shown")
		}
	}
	if !a.has("extended") {
		add("extended")
	}
	add("withdrawn")
	return out
}

// of are the clocks of a request.
func (l Asks) of(n int) (out []AskClock) {
	for _, c := range l.Clocks {
		if c.Request != nil && c.Request.N == n {
			out = append(out, c)
		}
	}
	return out
}

// ends says how a clock stands, and how it ended.
func (c AskClock) ends(ctx context.Context, a Ask) string {
	switch {
	case c.State == "met":
		return say(ctx, "Answered in time")
	case c.State == "missed" && a.over():
		return say(ctx, "Answered too late")
	case c.State == "missed":
		return say(ctx, "Not answered in time")
	case c.State == "paused":
		return say(ctx, "Paused until the information is there")
	case c.State == "not-applicable":
		return say(ctx, "Not needed any more")
	}
	return say(ctx, "Running")
}

// tone is how pressing a clock is.
func (c AskClock) tone(now time.Time) board.Tone {
	switch c.State {
	case "missed":
		return board.Overdue
	case "due":
		return board.Pressing(c.Due, now)
	}
	return board.NoDue
}

// newest are the requests, the latest first.
func (l Asks) newest() []Ask {
	out := slices.Clone(l.List)
	slices.Reverse(out)
	return out
}

// open is how many wait for an answer.
func (l Asks) open() (n int) {
	for _, a := range l.List {
		if !a.over() {
			n++
		}
	}
	return n
}

// referral is the need that a request is about, "" for none.
func (l Asks) referral(id string) string {
	for _, c := range l.About {
		if c.Code == id {
			return c.Text
		}
	}
	return ""
}

func (l Asks) path() string { return "/episodes/" + l.Encounter.String() + "/requests" }

func (l Asks) pathOf(n int) string { return l.path() + "/" + strconv.Itoa(n) }

// by is who wrote something down.
func (l Asks) by(w AskWord) string { return cmp.Or(l.Staff[w.By], w.By) }
