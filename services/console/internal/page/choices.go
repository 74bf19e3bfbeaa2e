package page

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Listed is a provider as the directory knows it, for the list that the patient is shown.
type Listed struct {
	ID      events.ID `json:"id"`
	Name    string    `json:"name"`
	Address string    `json:"address"`
	City    string    `json:"city"`
	State   string    `json:"state"`
	ZIP     string    `json:"zip"`
	Phone   string    `json:"phone"`
	Rating  *float64  `json:"rating"`
}

// Choices is the list of places that a patient chooses from (42 CFR 482.43(c)): every place that fits, with what
// is known of it, and nothing that steers.
type Choices struct {
	Search
	Places []ChoicePlace
}

// ChoicePlace is one place of the list: what the match found, and what the directory says.
type ChoicePlace struct {
	Listed
	Reasons []string
}

func (c ChoicePlace) where() string {
	town := strings.TrimSpace(c.City + ", " + c.State)
	return strings.Trim(c.Address+", "+strings.Trim(town, ", "), ", ")
}

// noted are the reasons of the match that help a patient to choose, in their words: a reason begins so.
var noted = []struct {
	reason string
	says   text.Patient
}{
	{"area: in the home area", "Near your home"},
	{"area: serves", "Serves the area where you live"},
	{"area: not", "Ask how far it is"},
	{"network: takes", "Takes your insurance"},
	{"network: not checked", "Ask whether it takes your insurance"},
	{"network: not stated", "Ask whether it takes your insurance"},
	{"language: speaks", "Speaks your language"},
	{"language: interpreter", "Has an interpreter for your language"},
	{"language: not stated", "Ask whether somebody speaks your language"},
	{"capability: isolation", "Can care for you in a room of your own where an infection calls for it"},
	{"capability: bariatric", "Has the equipment you need"},
	{"capability: dialysis", "Offers dialysis"},
	{"capacity: reported places free", "Said today that it has room"},
	{"agreement: in force", "The hospital has a contract with this place. You need not choose it because of that."},
}

// notes are what to know of a place.
func (c ChoicePlace) notes(ctx context.Context) (out []string) {
	for _, n := range noted {
		for _, r := range c.Reasons {
			if strings.HasPrefix(r, n.reason) {
				out = append(out, toPatient(ctx, n.says))
				break
			}
		}
	}
	return out
}

// stars is a place's quality in words.
func (c ChoicePlace) stars(ctx context.Context) string {
	if c.Rating == nil {
		return toPatient(ctx, "Not rated")
	}
	return toPatient(ctx, "%s of 5 stars", strings.TrimSuffix(fmt.Sprintf("%.1f", *c.Rating), ".0"))
}

// ChoicesTitle is what the list is called.
func ChoicesTitle(ctx context.Context) string {
	return toPatient(ctx, "Your choice of care after the hospital")
}

// Plan is how a search is gone about, as referral answers.
type Plan struct {
	Hours  int           `json:"hours"`
	Wave   int           `json:"wave"`
	Next   [][]events.ID `json:"next"`
	Choice *Wish         `json:"choice"`
	Bed    string        `json:"bed"`
}

// Wish is what the patient, or who speaks for them, chose.
type Wish struct {
	At        time.Time   `json:"at"`
	By        string      `json:"by"`
	To        string      `json:"to"`
	Providers []events.ID `json:"providers"`
	Declined  bool        `json:"declined"`
}

// Clock is a clock of a request that somebody told of, as discharge answers.
type Clock struct {
	Rule    string     `json:"rule"`
	Title   string     `json:"title"`
	State   string     `json:"state"`
	Due     *time.Time `json:"due_at"`
	Met     *time.Time `json:"met_at"`
	Request *struct {
		Number   int    `json:"n"`
		Urgency  string `json:"urgency"`
		Referral string `json:"referral_id"`
		Said     []struct {
			Event   string    `json:"event"`
			At      time.Time `json:"at"`
			Outcome string    `json:"outcome"`
		} `json:"said"`
	} `json:"request"`
}

// outcome is what was decided, "" as long as nothing was.
func (c Clock) outcome() string {
	if c.Request == nil {
		return ""
	}
	for _, w := range c.Request.Said {
		if w.Outcome != "" {
			return w.Outcome
		}
	}
	return ""
}

// clockStates are how a clock stands, in words.
var clockStates = map[string]text.Message{
	"due": "Waiting", "met": "Answered in time", "attempted": "Tried", "missed": "Not answered in time", "paused": "Paused until the payer has what it asked for",
	"not-applicable": "Does not apply",
}

// asked is what a provider asked and was answered, oldest first.
func (s Search) talk(provider events.ID) (out []Move) {
	for i := len(s.Lines) - 1; i >= 0; i-- {
		if m := s.Lines[i]; m.Provider == provider && (m.Action == "question" || m.Action == "reply") {
			out = append(out, m)
		}
	}
	return out
}

// names are what providers are called, in a list.
func (r Referral) names(ctx context.Context, ids []events.ID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = r.called(ctx, id)
	}
	return strings.Join(words, ", ")
}

// waveSizes and waveHours are how a search can be gone about.
func waveSizes(ctx context.Context) []Choice {
	return []Choice{{"1", say(ctx, "One after the other")}, {"2", say(ctx, "Two at a time")}, {"3", say(ctx, "Three at a time")}, {"5", say(ctx, "Five at a time")}}
}

func waveHours(ctx context.Context) []Choice {
	return []Choice{
		{"1", say(ctx, "1 hour")}, {"2", say(ctx, "2 hours")}, {"4", say(ctx, "4 hours")}, {"8", say(ctx, "8 hours")}, {"24", say(ctx, "1 day")}, {"48", say(ctx, "2 days")},
	}
}

func shownTo(ctx context.Context) []Choice {
	return []Choice{{"patient", say(ctx, "The patient")}, {"representative", say(ctx, "Whoever speaks for the patient")}}
}
