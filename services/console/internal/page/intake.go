package page

import (
	"context"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Request is what a hospital asks of a provider, as referral answers those who speak for it: nothing in it
// says who the person is.
type Request struct {
	ID           events.ID  `json:"id"`
	ProviderID   events.ID  `json:"provider_id"`
	Provider     string     `json:"provider"`
	Need         string     `json:"need"`
	Facility     string     `json:"facility"`
	Hospital     string     `json:"hospital"`
	State        string     `json:"state"`
	Reason       string     `json:"reason"`
	Search       string     `json:"referral_state"`
	AskedAt      *time.Time `json:"asked_at"`
	Until        *time.Time `json:"until"`
	Question     bool       `json:"question"`
	DischargedAt *time.Time `json:"discharged_at"`
	StartAt      *time.Time `json:"start_at"`
	Bed          string     `json:"bed"`
	Patient      Summary    `json:"patient"`
	Talk         []Said     `json:"talk"`

	Zone *time.Location `json:"-"` // its hospital's
}

// Summary is what may be known of a patient without knowing who it is.
type Summary struct {
	Age      *int     `json:"age"`
	Sex      string   `json:"sex"`
	ZIP3     string   `json:"zip3"`
	Language string   `json:"language"`
	Payer    string   `json:"payer"`
	Requires []string `json:"requires"`
}

// Said is a question of a provider, or the hospital's answer.
type Said struct {
	At     time.Time `json:"at"`
	Answer bool      `json:"answer"`
	Text   string    `json:"text"`
}

// OwnPlace is a provider that somebody speaks for.
type OwnPlace struct {
	ID         events.ID  `json:"id"`
	Name       string     `json:"name"`
	Beds       *int       `json:"beds"`
	OpenBeds   *int       `json:"open_beds"`
	CapacityAt *time.Time `json:"capacity_at"`
	Waiting    int        `json:"waiting"`
	Coming     int        `json:"coming"`
}

// believed is how long the hospitals' search goes by what was said of free places.
const believed = 24 * time.Hour

func (o OwnPlace) old(now time.Time) bool {
	return o.CapacityAt == nil || now.Sub(*o.CapacityAt) >= believed
}

// Intake is all that somebody sees who speaks for providers.
type Intake struct {
	Own               []OwnPlace
	New, Coming, Past []Request
	MoreNew, MorePast bool
}

// several reports whether it has to be said which of the own places is meant.
func (i Intake) several() bool { return len(i.Own) > 1 }

func (r Request) path() string {
	return "/intake/" + r.ID.String() + "?provider=" + r.ProviderID.String()
}

func (r Request) act(action string) string { return "/intake/" + r.ID.String() + "/" + action }

func (r Request) waits() bool {
	return r.State == "sent" || r.State == "acknowledged" || r.State == "offered"
}

func (r Request) coming() bool {
	return r.State == "accepted" && (r.Search == "accepted" || r.Search == "booked" || r.Search == "no-show")
}

// Reference is what two people call a request on the phone: the hospital's screen shows the same.
func Reference(id events.ID) string {
	s := strings.ToUpper(id.String())
	return s[len(s)-8:len(s)-4] + "-" + s[len(s)-4:]
}

// requires are the capabilities a patient needs, in words.
var requires = map[string]text.Message{"isolation": "isolation", "bariatric": "bariatric care", "dialysis": "dialysis"}

func inWords(ctx context.Context, table map[string]text.Message, code string) string {
	if m, ok := table[code]; ok {
		return say(ctx, m)
	}
	return code
}

// about says who it is about without saying who it is: "81 years, woman".
func (s Summary) about(ctx context.Context) string {
	said := board.Person(ctx, board.Whom{Age: s.Age, Sex: s.Sex}, time.Now())
	if s.Age != nil && *s.Age >= 90 {
		_, kind, _ := strings.Cut(said, ", ")
		return join(say(ctx, "90 years or older"), kind)
	}
	return said
}

// facts are the other lines of a summary, each with what it is called.
func (s Summary) facts(ctx context.Context) (out [][2]string) {
	add := func(name text.Message, value string) {
		if value != "" {
			out = append(out, [2]string{say(ctx, name), value})
		}
	}
	needs := make([]string, len(s.Requires))
	for i, n := range s.Requires {
		needs[i] = inWords(ctx, requires, n)
	}
	add("Needs", strings.Join(needs, ", "))
	add("Speaks", inWords(ctx, board.Languages, s.Language))
	add("Pays by", inWords(ctx, board.Payers, s.Payer))
	if s.ZIP3 != "" {
		add("Lives in", say(ctx, "ZIP codes that begin with %s", s.ZIP3))
	}
	return out
}

// leaves says of a time of leaving whether it is still to come.
func leaves(ctx context.Context, at, now time.Time) string {
	if at.After(now) {
		return say(ctx, "Leaves the hospital")
	}
	return say(ctx, "Left the hospital")
}

// intakeStates say how a request stands, to whoever was asked.
var intakeStates = map[string]text.Message{
	"sent": "New", "acknowledged": "Seen, to be answered", "offered": "You offered a place", "declined": "You said no", "accepted": "You take the patient",
	"withdrawn": "No longer asked of you",
}

// endings are why a request ended, to whoever was asked.
var endings = map[string]text.Message{
	"another-accepted": "another place was faster", "no-response": "the time to answer was over", "discharge-cancelled": "the patient stays in hospital",
	"patient-choice": "the patient chose otherwise", "plan-changed": "the plan changed", "no-longer-needed": "it is not needed any more",
}

func (r Request) stands(ctx context.Context) string {
	switch {
	case r.State == "accepted" && r.Search == "arrived":
		return say(ctx, "The patient is with you")
	case r.State == "accepted" && r.Search == "no-show":
		return say(ctx, "The patient has not come yet")
	case r.State == "accepted" && !r.coming():
		return say(ctx, "You had accepted; the hospital ended the search")
	}
	words := inWords(ctx, intakeStates, r.State)
	if m, ok := endings[r.Reason]; ok {
		words += ": " + say(ctx, m)
	}
	return words
}

// refusalWords are the reasons of a no, as the receiving side says them; the codes are referral's.
var refusalWords = []Word{
	{"no-bed", "No bed is free"}, {"no-capacity", "No visits are free"}, {"staffing", "Not enough staff"}, {"clinical-needs", "We cannot give the care needed"},
	{"equipment", "Equipment is missing"}, {"infection-control", "Infection control"}, {"payer", "We do not take this insurance"}, {"authorization", "The payer has not agreed"},
	{"out-of-area", "Too far"}, {"incomplete-packet", "We need more information"}, {"other", "Another reason"},
}

func refusals(ctx context.Context) []Choice {
	return Options(ctx, refusalWords)
}

// zoneName is what a zone is called just now: "EST".
func zoneName(zone *time.Location) string { return time.Now().In(zone).Format("MST") }
