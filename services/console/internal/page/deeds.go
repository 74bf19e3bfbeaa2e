package page

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Handed is a hand-over of an alert.
type Handed struct {
	By     string    `json:"by"`
	To     string    `json:"to"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Mute is what a person does not want to hear of for some time.
type Mute struct {
	ID     events.ID `json:"id"`
	Scope  string    `json:"scope"` // thread, kind
	Alert  events.ID `json:"alert_id"`
	Kind   string    `json:"kind"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// what says what is muted.
func (m Mute) what(ctx context.Context) string {
	if m.Scope == "kind" {
		return say(ctx, "Every alert like “%s”", board.AlertKind(ctx, m.Kind))
	}
	return say(ctx, "One alert: “%s”", board.AlertKind(ctx, m.Kind))
}

// Why is a reason to choose, as notification lists them.
type Why struct {
	Code string `json:"code"`
	Text string `json:"text"`
	Hint string `json:"hint"`
}

// Reasons are what can be said about an alert.
type Reasons struct {
	Resolve  []Why `json:"resolve"`
	HandOver []Why `json:"hand-over"`
	Mute     []Why `json:"mute"`
}

// Said is what a code says, in whichever list it is.
func (r Reasons) Said(ctx context.Context, code string) string {
	for _, w := range slices.Concat(r.Resolve, r.HandOver, r.Mute) {
		if w.Code == code {
			return w.Text
		}
	}
	return board.Plain(ctx, code)
}

// HandForm asks to whom an alert goes.
type HandForm struct {
	Row     AlertRow
	Reasons []Why
	Roles   []Choice
	People  []Choice
}

// few is how many people are shown as buttons; more are a list to choose from.
const few = 12

// MuteForm asks for how long somebody wants to be left alone.
type MuteForm struct {
	Row          AlertRow
	Reasons      []Why
	Thread, Kind []Choice // until when
}

// Story is why a person sees an alert, and who else was told.
type Story struct {
	Told
	Row     AlertRow
	Mine    []string // the viewer's inboxes
	Reasons Reasons
}

// Rule is where alerts of a kind go, and when they go further.
type Rule struct {
	Targets []string `json:"targets"`
	Further []struct {
		After  string `json:"after"`
		Target string `json:"target"`
	} `json:"further"`
}

// Reached is what reached one recipient by one channel.
type Reached struct {
	Who, How, State, Why string
	At                   time.Time
	Seen                 []string // who of them has opened it
}

func (s Story) name(ctx context.Context, recipient string) string {
	for _, w := range near { // an alert can be passed on to whoever a roster names then
		if w.Code == recipient {
			return say(ctx, w.Text)
		}
	}
	if strings.HasPrefix(recipient, "endpoint:") {
		return say(ctx, "A connected program")
	}
	return board.Upper(board.Recipients(ctx, []string{recipient}, s.Row.Staff)[0])
}

// inside is a sentence as a part of another one.
func inside(s string) string {
	if strings.HasPrefix(s, "I ") || strings.HasPrefix(s, "I’") {
		return s
	}
	return board.Lower(s)
}

// Because are the reasons for which the viewer is told.
func (s Story) Because(ctx context.Context) (out []string) {
	if h := s.Row.HandedOver; h != nil && slices.Contains(s.Row.Recipients, s.Mine[0]) {
		out = append(out, say(ctx, "%s handed it to you: %s", s.name(ctx, h.By), inside(s.Reasons.Said(ctx, h.Reason))))
	}
	for _, d := range s.Why {
		said := d.Reason
		if role, ok := strings.CutPrefix(d.Recipient, "role:"); ok {
			said = say(ctx, "it goes to every %s: %s", lower(board.Role(ctx, role)), d.Reason)
		}
		if d.Decision == "selected" && d.Channel != "webhook" && slices.Contains(s.Mine, d.Recipient) && !slices.Contains(out, board.Upper(said)) {
			out = append(out, board.Upper(said))
		}
	}
	if len(out) == 0 {
		out = []string{say(ctx, "It was not addressed to you. You see it because your role may look at every alert of the organization.")}
	}
	return out
}

// goes says where alerts of this kind go, in words.
func (s Story) goes(ctx context.Context) string {
	words := map[string]text.Message{
		"owner": "whoever owns the task", "owners": "everybody who owns an open task", "unit": "the people of the unit",
		"facility": "the people of the hospital", "owner-role": "everybody in the task’s role",
	}
	var out []string
	for _, t := range s.Rule.Targets {
		out = append(out, cmp.Or(say(ctx, words[t]), board.Recipients(ctx, []string{t}, s.Row.Staff)[0]))
	}
	said := ""
	for i, o := range out {
		switch {
		case i == 0:
			said = o
		case s.Rule.Targets[i-1] == "owners":
			said = say(ctx, "%s, and %s", said, o)
		default:
			said = say(ctx, "%s, else %s", said, o)
		}
	}
	return said
}

// further says when an alert of this kind is passed on.
func (s Story) further(ctx context.Context) string {
	var out []string
	for _, f := range s.Rule.Further {
		if d, err := time.ParseDuration(f.After); err == nil {
			out = append(out, say(ctx, "after %s to %s", board.Length(ctx, d), s.given(ctx, f.Target)))
		}
	}
	return strings.Join(out, say(ctx, ", then "))
}

// Reach is who was told, by which channel, when, and whether they have seen it: the newest of each.
func (s Story) Reach(ctx context.Context) (out []Reached) {
	for _, d := range s.Deliveries {
		r := Reached{Who: s.name(ctx, d.Recipient), How: d.Channel, State: d.State, Why: d.Reason, At: d.CreatedAt}
		if d.DoneAt != nil {
			r.At = *d.DoneAt
		}
		if d.Channel == "console" {
			r.Seen = s.seen(ctx, d.Recipient)
		}
		at := slices.IndexFunc(out, func(o Reached) bool { return o.Who == r.Who && o.How == r.How })
		if at >= 0 {
			out[at] = r
		} else {
			out = append(out, r)
		}
	}
	return out
}

// seen are those behind a recipient who have opened or taken on the alert: a person, or of a role
// everybody who is told by it alone.
func (s Story) seen(ctx context.Context, recipient string) (out []string) {
	for _, d := range s.Thread {
		if d.Decision != "seen" && d.Decision != "acknowledged" || d.Recipient == "" {
			continue
		}
		alone := !slices.ContainsFunc(s.Deliveries, func(v Delivery) bool { return v.Recipient == d.Recipient })
		name := s.name(ctx, d.Recipient)
		if (d.Recipient == recipient || strings.HasPrefix(recipient, "role:") && alone) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// NotTold are those who were looked at and not told.
func (s Story) NotTold() (out []Decision) {
	for _, d := range s.Why {
		if d.Decision != "selected" {
			out = append(out, d)
		}
	}
	return out
}

// mailFrom is why somebody got no email, as notification says it.
var mailFrom = regexp.MustCompile(`^email from (\w+) on; this is (\w+)$`)

// notTold says why somebody was not told.
func notTold(ctx context.Context, reason string) string {
	m := mailFrom.FindStringSubmatch(reason)
	if m == nil {
		return reason
	}
	is := lower(board.Plain(ctx, m[2]))
	if m[1] == "critical" {
		return say(ctx, "wants email for critical alerts only; this one is %s", is)
	}
	return say(ctx, "wants email for urgent and critical alerts only; this one is %s", is)
}

// Steps are what happened to the alert, of the ledger.
func (s Story) Steps() (out []Decision) {
	for _, d := range s.Thread {
		switch d.Decision {
		case "attempted", "delivered", "failed", "seen":
		default:
			out = append(out, d)
		}
	}
	return out
}

// step says what one row of the ledger means.
func (s Story) step(ctx context.Context, d Decision) string {
	by := s.name(ctx, cmp.Or(d.By, d.Recipient))
	switch d.Decision {
	case "acknowledged":
		return say(ctx, "%s took it on", by)
	case "resolved":
		if d.By == "" {
			return say(ctx, "Settled automatically: %s", inside(s.Reasons.Said(ctx, d.Reason)))
		}
		return say(ctx, "%s settled it: %s", by, inside(s.Reasons.Said(ctx, d.Reason)))
	case "handed-over":
		return say(ctx, "%s handed it to %s: %s", by, s.given(ctx, d.Recipient), inside(s.Reasons.Said(ctx, d.Reason)))
	case "taken-back":
		return say(ctx, "%s took back what they had done", by)
	case "muted":
		return say(ctx, "%s muted it for themselves", by)
	case "unmuted":
		return say(ctx, "%s hears of it again", by)
	case "escalated":
		if d.Recipient == "" {
			return say(ctx, "Nobody answered: operations were told")
		}
		return say(ctx, "Passed on to %s", lower(s.name(ctx, d.Recipient)))
	case "corrected":
		return say(ctx, "Corrected: %s", board.Reason(ctx, d.Reason))
	}
	return board.Plain(ctx, d.Decision)
}

func (s Story) given(ctx context.Context, to string) string {
	if to == "on-duty" {
		return say(ctx, "whoever is on duty")
	}
	for _, w := range near {
		if w.Code == to {
			return lower(say(ctx, w.Text))
		}
	}
	return board.Recipients(ctx, []string{to}, s.Row.Staff)[0]
}

var ways = map[string]text.Message{"console": "On the screen", "email": "By email", "webhook": "By a connection", "push": "On the phone", "sms": "By text message"}

func way(ctx context.Context, channel string) string {
	return cmp.Or(say(ctx, ways[channel]), board.Plain(ctx, channel))
}

var reached = map[string]text.Message{"delivered": "Reached", "pending": "On its way", "failed": "Did not reach", "suppressed": "Held back"}

// AlertKeys is what the keyboard does on the list of alerts.
var AlertKeys = []Key{
	{"j  k", "Next alert, alert before"}, {"Enter", "Open the patient"}, {"a", "I’ll see to it"}, {"d", "Settled, with a reason"}, {"h", "Hand over"},
	{"m", "Mute for myself"}, {"w", "Why am I seeing this, and who was told"}, {"u", "Take back what I did last"},
	{"/", "Find a patient"}, {"?", "This help"}, {"Esc", "Close"}, {"1 … 9", "In a dialog: its first, second … button"},
}
