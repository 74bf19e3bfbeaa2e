package page

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Episode is one stay as one person may see it.
type Episode struct {
	ID                             events.ID
	Who, About, Place              string
	Class, State, Disposition, Why string
	Zone                           *time.Location
	Left, Expected                 *time.Time
	Risk                           *events.Risk
	Hidden                         bool
	Tasks                          []board.Row
	Referrals                      []events.Referral
	Alerts                         []events.Alert
	Story                          []board.Line
	Milestones                     []board.Happening // what the family is told, oldest first
	Chart                          board.Chart
	Patient                        events.ID
	Others                         []OtherStay
	Staff                          map[string]string // what members of staff are called
	Transition                     events.ID         // zero: none was opened
	Asks                           Asks              // what was asked for that has to be answered in time
	Asked                          int64             // the newest fact of a request: with another one, Asks are others
}

// OtherStay is another stay of the same patient.
type OtherStay struct {
	ID                                        events.ID
	Facility, Unit, Class, State, Disposition string
	Came, Left                                *time.Time
}

// open are the tasks that are still to be done.
func (e Episode) open() (rows []board.Row) {
	for _, r := range e.Tasks {
		if r.Open {
			rows = append(rows, r)
		}
	}
	return rows
}

// StateWords is the transition's state, in words.
func (e Episode) StateWords(ctx context.Context) string {
	if e.Why != "" {
		return board.Plain(ctx, e.State) + ": " + board.Reason(ctx, e.Why)
	}
	return board.Transition(ctx, e.State)
}

// NoTasks says why there are none.
func (e Episode) NoTasks(ctx context.Context) string {
	switch e.State {
	case "":
		return say(ctx, "this stay has no transition of care yet.")
	case "planning":
		return say(ctx, "the patient is still in the hospital. Tasks appear the moment they leave.")
	}
	return say(ctx, "none were called for.")
}

// Recipients names whom an alert is addressed to.
func (e Episode) Recipients(ctx context.Context, a events.Alert) string {
	return list(board.Recipients(ctx, a.Recipients, e.Staff))
}

func (e Episode) alertWhy(a events.Alert) string {
	return "/episodes/" + e.ID.String() + "/alerts/" + a.ID.String() + "/why"
}

// Describe takes over what a row of the stay says of the person and the place.
func (e *Episode) Describe(ctx context.Context, r board.Row) {
	e.Who, e.About, e.Hidden, e.Zone = cmp.Or(r.Name, say(ctx, "Patient")), person(ctx, r), r.Hidden, r.Zone
	if r.Hidden {
		e.Who = say(ctx, "Confidential patient")
	}
	if r.Born != "" {
		e.About = join(e.About, born(ctx, r))
	}
	e.Place = join(r.Place, r.Unit)
	e.Class, e.Left, e.Disposition, e.Risk = r.Class, r.Left, r.Disposition, r.Risk
}

// protocolsOf names protocols by their titles (by code), or their codes, each with its version.
func protocolsOf(ctx context.Context, refs []string, titles map[string]string) string {
	words := make([]string, len(refs))
	for i, ref := range refs {
		code, version, _ := strings.Cut(ref, "@")
		words[i] = cmp.Or(titles[code], board.Plain(ctx, code))
		if version != "" {
			words[i] = say(ctx, "%s, version %s", words[i], version)
		}
	}
	return strings.Join(words, "; ")
}

// born says a birth date in words.
func born(ctx context.Context, r board.Row) string {
	if day, err := time.Parse(time.DateOnly, r.Born); err == nil {
		return say(ctx, "born %s", text.Birthday(ctx, day))
	}
	return say(ctx, "born %s", r.Born)
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

// Told is what notification tells of an alert: who was chosen or not, and what reached whom.
type Told struct {
	Why        []Decision `json:"why"`
	Thread     []Decision `json:"thread"`
	Deliveries []Delivery `json:"deliveries"`
	Rule       Rule       `json:"rule"`
}

// Decision is a row of the ledger.
type Decision struct {
	At        time.Time `json:"at"`
	Decision  string    `json:"decision"`
	Recipient string    `json:"recipient"`
	Channel   string    `json:"channel"`
	Reason    string    `json:"reason"`
	By        string    `json:"by"`
}

// Delivery is one attempt to tell one recipient by one channel.
type Delivery struct {
	Recipient string     `json:"recipient"`
	Channel   string     `json:"channel"`
	State     string     `json:"state"`
	Reason    string     `json:"reason"`
	CreatedAt time.Time  `json:"created_at"`
	DoneAt    *time.Time `json:"done_at"`
}

// Message is an HL7 message as admission answers.
type Message struct {
	ControlID  string     `json:"control_id"`
	Trigger    string     `json:"trigger"`
	State      string     `json:"state"`
	Reason     string     `json:"reason"`
	Lost       string     `json:"lost"` // why nobody can read any more what it said
	ReceivedAt time.Time  `json:"received_at"`
	KeptAt     *time.Time `json:"kept_at"`
	Encounter  events.ID  `json:"encounter_id"`
	Content    string     `json:"-"`
	Way        *board.Way `json:"-"` // nil: not asked for
}
