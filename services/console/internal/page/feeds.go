package page

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Feed is a feed as admission answers.
type Feed struct {
	ID           events.ID  `json:"id"`
	Name         string     `json:"name"`
	Facilities   []string   `json:"facilities"`
	Development  bool       `json:"development"`
	Health       string     `json:"health"`
	UsualGap     float64    `json:"usual_gap_s"`
	LastReceived *time.Time `json:"last_received_at"`
}

// Kept is a message without its content, as admission answers.
type Kept struct {
	ID         events.ID `json:"id"`
	Feed       string    `json:"feed"`
	Facility   string    `json:"facility"`
	ControlID  string    `json:"control_id"`
	Trigger    string    `json:"trigger"`
	State      string    `json:"state"`
	Reason     string    `json:"reason"`
	Lost       string    `json:"lost"` // why nobody can read any more what it said
	ReceivedAt time.Time `json:"received_at"`
}

// FeedView is which messages a person wants to see.
type FeedView struct{ State, Feed, After string }

// FeedViewOf reads a view from an address; without one it is what was set aside.
func FeedViewOf(q url.Values) FeedView {
	v := FeedView{clip(q.Get("state")), clip(q.Get("feed")), q.Get("after")}
	if v.State != "rejected" && v.State != "ignored" {
		v.State = "quarantined"
	}
	return v
}

// Asks is the view as admission's filter.
func (v FeedView) Asks() url.Values {
	q := url.Values{"state": {v.State}}
	if v.Feed != "" {
		q.Set("feed", v.Feed)
	}
	if v.After != "" {
		q.Set("cursor", v.After)
	}
	return q
}

// Query is the view as the query part of an address.
func (v FeedView) Query() string {
	q := url.Values{"state": {v.State}}
	if v.Feed != "" {
		q.Set("feed", v.Feed)
	}
	if v.After != "" {
		q.Set("after", v.After)
	}
	return "?" + q.Encode()
}

func (v FeedView) showing(state string) FeedView { return FeedView{state, v.Feed, ""} }

func (v FeedView) from(after string) FeedView { v.After = after; return v }

// Feeds is the page of feeds.
type Feeds struct {
	View     FeedView
	Feeds    []Feed
	Messages []Kept
	More     string
	Parked   []ParkedAt
}

// ParkedAt is a key that a service has set aside.
type ParkedAt struct {
	Service string
	Parked
}

// healths are a feed's health in words, with how pressing it is.
var healths = map[string]struct {
	words text.Message
	tone  string
}{
	"off": {"Switched off", ""}, "never": {"Nothing has come yet", "today"}, "learning": {"Getting to know its rhythm", ""},
	"ok": {"As usual", ""}, "slow": {"Quieter than usual at this hour", "soon"}, "silent": {"Silent: something is wrong", "overdue"},
}

func (f Feed) health() text.Message { return cmp.Or(healths[f.Health].words, "Not known") }

func (f Feed) tone() string { return healths[f.Health].tone }

// usual is the feed's rhythm in words.
func (f Feed) usual(ctx context.Context) string {
	if f.UsualGap <= 0 {
		return ""
	}
	gap := time.Duration(f.UsualGap * float64(time.Second))
	if gap < 10*time.Second {
		return say(ctx, "Usually every few seconds at this hour")
	}
	if gap < time.Minute {
		return say(ctx, "Usually several times a minute at this hour")
	}
	return say(ctx, "Usually every %s at this hour", board.Length(ctx, gap))
}

// Verdict is why a message was not used, in words, and what helps.
type verdict struct{ What, Do text.Message }

var verdicts = map[string]verdict{
	"no-patient-id":          {"It names no patient", "Ask the hospital to send PID-3. The message cannot be applied as it is."},
	"impossible-time":        {"Its time cannot be true", "The event is more than a year ahead, or before 1900. Check the sender’s clock."},
	"fragment":               {"It is a part of a longer message", "Switch off splitting of messages at the sender."},
	"no-trigger":             {"It does not say what happened", "The event is missing in MSH-9. Ask the hospital to send it."},
	"no-prior-id":            {"A merge that does not say of which record", "Ask the hospital to send MRG-1."},
	"prior-id-same":          {"A merge of a record with itself", "Nothing has to be done, unless another record was meant."},
	"no-visit":               {"It names no visit", "Ask the hospital to send the visit number, or name its field in the feed’s settings."},
	"facility-not-allowed":   {"Its hospital is not one of the feed’s", "Add the hospital to the feed, or give it this name as an alias; then apply the message again."},
	"not-hl7":                {"It is no HL7 message", "Look at what was sent. Often something else was connected to this address."},
	"no-message-type":        {"The kind of message is missing", "Ask the hospital to send MSH-9."},
	"not-adt":                {"It is not about an arrival, a move or a discharge", "Only ADT messages are used. Ask the hospital to leave others out."},
	"processing-not-allowed": {"It is a test message on a feed for real patients", "Send tests over a test feed, or allow them in the feed’s settings."},
	"frame-too-large":        {"It is longer than the limit", "Ask the hospital to leave documents out of the message."},
	"trigger-not-handled":    {"Nothing is done about this kind of message", "Nothing has to be done."},
	"bed-status":             {"It is about a bed, not about a patient", "Nothing has to be done."},
	"bytes-destroyed":        {"What it said was destroyed before it was used", "Nothing can be done: the key of the organization’s messages was destroyed on purpose."},
	"bytes-damaged":          {"It is not what was kept", "Somebody, or a disk, has changed it. Tell whoever looks after security, and ask the hospital to send it again."},
	"query":                  {"It is a question of another system", "Nothing has to be done."},
}

// verdictOf says a reason in words; one without words is shown as it is.
func verdictOf(ctx context.Context, reason string) verdict {
	if v, ok := verdicts[reason]; ok {
		return v
	}
	return verdict{text.Message(board.Plain(ctx, reason)), "Open the message to see what was sent."}
}

func (k Kept) path(action string) string { return "/feeds/messages/" + k.ID.String() + action }

// stands is where a message is, in words.
func (k Kept) stands() text.Message {
	switch k.State {
	case "quarantined":
		return "Set aside"
	case "rejected":
		return "Refused"
	case "ignored":
		return "Not needed"
	case "kept":
		return "Being read"
	}
	return "Used"
}

// Understanding is how a message would be understood, as admission answers.
type Understanding struct {
	Reply    string `json:"reply"`
	State    string `json:"state"`
	Reason   string `json:"reason"`
	Trigger  string `json:"trigger"`
	Feed     string `json:"feed"`
	Zone     string `json:"zone"`
	Facility string `json:"facility"`
	Fresh    bool   `json:"facility_fresh"`
	Fields   []struct {
		Field, About, Sent, Understood, Advice string
	} `json:"fields"`
}

// Verdict is what would become of the message, in a sentence.
func (u Understanding) verdict(ctx context.Context) string {
	why := board.Lower(say(ctx, verdictOf(ctx, u.Reason).What))
	switch u.State {
	case "applied":
		return say(ctx, "This message would be used.")
	case "ignored":
		return say(ctx, "This message would be accepted, and nothing done: %s.", why)
	case "quarantined":
		return say(ctx, "This message would be accepted and set aside: %s.", why)
	}
	return say(ctx, "This message would be refused: %s.", why)
}

// advices counts the fields that somebody should look at.
func (u Understanding) advices() (n int) {
	for _, f := range u.Fields {
		if f.Advice != "" {
			n++
		}
	}
	return n
}

// sample is an invented message, for whoever has none at hand.
const sample = "MSH|^~\\&|ADT|MERCY|HANDOFF|HANDOFF|20260305114500-0500||ADT^A03|MSG00017|P|2.5.1\n" +
	"EVN|A03|20260305114500-0500\nPID|1||100234^^^MERCY^MR||Example^Patient||19440305|F|||1 Main St^^Springfield^IL^62701\n" +
	"PV1|1|I|4N^12^1||||1234^Doe^Jo|||MED|||||||||V100234|||||||||||||||||03|||||||||20260301080000-0500|20260305113000-0500\nDG1|1||I50.9^Heart failure^I10|||F"

// Reapplied is what became of a message that was applied again; gone says that somebody else did it.
func Reapplied(ctx context.Context, k Kept, gone bool) Toast {
	t, v := Toast{Of: k.ID.String()}, verdictOf(ctx, k.Reason)
	switch {
	case k.State == "quarantined":
		t.Text, t.Bad = say(ctx, "Still set aside: %s. %s", board.Lower(say(ctx, v.What)), say(ctx, v.Do)), true
	case gone:
		t.Text = say(ctx, "Somebody applied this message a moment before you.")
	case k.State == "kept":
		t.Text = say(ctx, "The message is being read again. What becomes of it shows here.")
	case k.State == "ignored":
		t.Text = say(ctx, "Read again: %s.", board.Lower(say(ctx, v.What)))
	default:
		t.Text = say(ctx, "Applied: the message is understood now.")
	}
	return t
}
