package page

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Referral is a search for a place, as the referral service answers; Candidates and Excluded are of one alone.
type Referral struct {
	ID           events.ID      `json:"id"`
	Encounter    events.ID      `json:"encounter_id"`
	Patient      events.ID      `json:"patient_id"`
	Facility     string         `json:"facility"`
	Unit         string         `json:"unit"`
	Need         string         `json:"need"`
	State        string         `json:"state"`
	Reason       string         `json:"reason"`
	Version      int            `json:"version"`
	Provider     events.ID      `json:"provider_id"`
	Offers       []events.Offer `json:"offers"`
	Count        int            `json:"candidate_count"`
	StartAt      *time.Time     `json:"start_at"`
	DischargedAt *time.Time     `json:"discharged_at"`
	Sensitive    bool           `json:"sensitive"`
	UpdatedAt    time.Time      `json:"updated_at"`
	Candidates   []Place        `json:"candidates"`
	Excluded     []Place        `json:"excluded"`
	Elsewhere    int            `json:"excluded_elsewhere"`
	Plan         Plan           `json:"plan"`
	Transition   events.ID      `json:"transition_id"`
	Criteria     Summary        `json:"criteria"`
}

// Place is a provider that can be asked, or cannot, and why.
type Place struct {
	Provider events.ID `json:"provider_id"`
	Name     string    `json:"name"`
	Rank     int       `json:"rank"`
	Reasons  []string  `json:"reasons"`
}

// ReferralRow is a referral as one person sees it.
type ReferralRow struct {
	Referral
	Of board.Row
}

// Column is one column of the board.
type Column struct {
	Code         string
	Title, Empty text.Message
	States       string // separated by commas
}

// Columns are the board's, in the order of a search.
var Columns = []Column{
	{"new", "To send", "A patient who needs a place appears here, with places that fit.", "drafted"},
	{"asked", "Waiting for an answer", "Once providers are asked, the search waits here.", "sent,acknowledged"},
	{"offered", "To choose", "Offers of a place wait here for the patient’s choice.", "offered"},
	{"stuck", "No place yet", "When every provider said no, or the patient did not come, the search is here: ask others.", "declined,no-show,expired"},
	{"found", "Place found", "Accepted places stay here until the patient has arrived.", "accepted,booked"},
}

// BoardView is which referrals a person wants to see.
type BoardView struct{ Facility, Column, After string }

// BoardViewOf reads a view from an address.
func BoardViewOf(q url.Values) BoardView {
	return BoardView{clip(q.Get("facility")), clip(q.Get("column")), q.Get("after")}
}

// Query is the view as the query part of an address.
func (v BoardView) Query() string {
	return query("facility", v.Facility, "column", v.Column, "after", v.After)
}

// Shows are the columns of the view: all, or one.
func (v BoardView) Shows() []Column {
	if at := slices.IndexFunc(Columns, func(c Column) bool { return c.Code == v.Column }); at >= 0 {
		return Columns[at : at+1]
	}
	return Columns
}

// Stack is a column with what is in it.
type Stack struct {
	Column
	Rows  []ReferralRow
	Total int // also of those that other pages hold
	More  string
}

// Board is the board of referrals.
type Board struct {
	View   BoardView
	Stacks []Stack
	Places []store.Place
}

// Search is one referral with all that is known of it.
type Search struct {
	ReferralRow
	Lines  []Move
	Staff  map[string]string
	Clocks []Clock // of what the payer was asked
}

// Move is a line of a referral's history.
type Move struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Action   string    `json:"action"`
	State    string    `json:"state"`
	Provider events.ID `json:"provider_id"`
	Reason   string    `json:"reason"`
	Note     string    `json:"note"`
}

func (r Referral) path() string { return "/referrals/" + r.ID.String() }

func (r Referral) act(action string) string { return r.path() + "/" + action }

// called is a provider's name.
func (r Referral) called(ctx context.Context, id events.ID) string {
	for _, list := range [][]Place{r.Candidates, r.Excluded} {
		for _, p := range list {
			if p.Provider == id && p.Name != "" {
				return p.Name
			}
		}
	}
	return say(ctx, "A provider")
}

// fitting says why a place fits, or does not.
func fitting(ctx context.Context, reason string) string {
	said, _ := board.Fit(ctx, reason)
	return said
}

// fits says how many places fit; when that was follows.
func fits(ctx context.Context, n int) string {
	if n == 0 {
		return say(ctx, "no places fit,")
	}
	return sayN(ctx, n, "%d place fits,", "%d places fit,")
}

// asked reports whether a provider was asked.
func (r Referral) asked(id events.ID) bool {
	return slices.ContainsFunc(r.Offers, func(o events.Offer) bool { return o.Provider == id })
}

// mayAsk: nobody has been chosen yet.
func (r Referral) mayAsk() bool {
	return slices.Contains([]string{"drafted", "sent", "acknowledged", "offered", "declined"}, r.State)
}

func (r Referral) mayBook() bool {
	return slices.Contains([]string{"accepted", "booked", "no-show"}, r.State)
}

func (r Referral) open() bool { return r.mayAsk() || r.mayBook() }

// awaited: the provider may still answer.
func awaited(o events.Offer) bool {
	return o.State == "sent" || o.State == "acknowledged" || o.State == "offered"
}

// referralStates are a referral's states in words.
var referralStates = map[string]text.Message{
	"drafted": "Nobody has been asked yet", "sent": "Asked, no answer yet", "acknowledged": "Seen by a provider", "offered": "A place is offered",
	"declined": "Everybody asked said no", "accepted": "A place is accepted", "booked": "The day is set", "arrived": "The patient has arrived",
	"no-show": "The patient did not come", "withdrawn": "The search was ended", "expired": "Nobody was found in time",
}

func (r Referral) stands(ctx context.Context) string {
	return cmp.Or(say(ctx, referralStates[r.State]), board.Plain(ctx, r.State))
}

var offerStates = map[string]text.Message{
	"sent": "Asked", "acknowledged": "Has seen it", "offered": "Offers a place", "declined": "Said no", "accepted": "Accepted", "withdrawn": "No longer asked",
}

func offered(ctx context.Context, o events.Offer) string {
	words := cmp.Or(say(ctx, offerStates[o.State]), board.Plain(ctx, o.State))
	if o.Reason != "" {
		words += ": " + strings.ToLower(board.Plain(ctx, o.Reason))
	}
	return words
}

// Declines are the reasons of a no; Withdrawals those of ending a search.
var (
	Declines = []Word{
		{"no-bed", "No bed"}, {"staffing", "Not enough staff"}, {"clinical-needs", "Cannot give the care needed"}, {"payer", "Does not take this insurance"},
		{"authorization", "The payer has not agreed"}, {"out-of-area", "Too far"}, {"no-response", "Did not answer"}, {"patient-choice", "The patient chose another"}, {"other", "Another reason"},
	}
	Withdrawals = []Word{
		{"patient-choice", "The patient does not want it"}, {"plan-changed", "The plan changed"}, {"placed-elsewhere", "Found elsewhere"},
		{"no-provider", "No provider can take the patient"}, {"mistake", "It was a mistake"}, {"other", "Another reason"},
	}
)

func (s Search) told(ctx context.Context, m Move) string {
	words := map[string]text.Message{
		"draft": "Search started", "update": "Brought up to date", "send": "Providers asked", "acknowledge": "Seen by the provider", "offer": "A place offered",
		"decline": "The provider said no", "accept": "Accepted", "book": "The day was set", "arrive": "The patient has arrived", "no-show": "The patient did not come",
		"choose": "The patient’s choice was written down", "question": "A question", "reply": "The question was answered", "lapse": "The time to answer was over",
		"withdraw": "The search was ended", "recall": "Taken back, because the stay changed", "expire": "Nobody was found in time", "cancel-arrival": "The arrival was a mistake",
	}
	said := cmp.Or(say(ctx, words[m.Action]), board.Plain(ctx, m.Action))
	if !m.Provider.IsZero() {
		said += ": " + s.called(ctx, m.Provider)
	}
	return said
}

func (s Search) by(ctx context.Context, m Move) string {
	if m.By == "" {
		return say(ctx, "automatically")
	}
	return say(ctx, "by %s", s.staff(m.By))
}

// staff is what somebody is called who works here, or at a place that was asked.
func (s Search) staff(id string) string { return cmp.Or(s.Staff[id], id) }

// questions counts what providers asked and nobody has answered.
func (r Referral) questions() (n int) {
	for _, o := range r.Offers {
		if o.Question {
			n++
		}
	}
	return n
}

// until is when the next of those asked is let go for saying nothing.
func (r Referral) until() (at *time.Time) {
	for _, o := range r.Offers {
		if (o.State == "sent" || o.State == "acknowledged") && o.Until != nil && (at == nil || o.Until.Before(*at)) {
			at = o.Until
		}
	}
	return at
}

func choicePath(i int, of string) string { return fmt.Sprintf("%s-%d", of, i) }
