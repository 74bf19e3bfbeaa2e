package page

import (
	"context"
	"net/url"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// Ward is how many patients a unit has of one kind, as admission answers.
type Ward struct {
	Facility string `json:"facility"`
	Unit     string `json:"unit"`
	Class    string `json:"class"`
	Present  int    `json:"present"`
	Arrived  int    `json:"arrived"`
	OnLeave  int    `json:"on_leave"`
	Leaving  int    `json:"expected_discharges"`
}

// CensusView is what of the census a person wants to see.
type CensusView struct{ Facility, After string }

// CensusViewOf reads a view from an address.
func CensusViewOf(q url.Values) CensusView {
	return CensusView{clip(q.Get("facility")), q.Get("after")}
}

// Query is the view as the query part of an address.
func (v CensusView) Query() string {
	q := url.Values{}
	for name, text := range map[string]string{"facility": v.Facility, "after": v.After} {
		if text != "" {
			q.Set(name, text)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Leaver is a patient whose leaving is being planned.
type Leaver struct {
	Of       board.Row
	Expected *time.Time
	Needs    []string
}

func (l Leaver) tone(now time.Time) string {
	if l.Expected == nil {
		return ""
	}
	tone := board.Pressing(l.Expected, now)
	if tone == board.Overdue {
		tone = board.Soon // late, but nobody has failed
	}
	return string(tone)
}

func (l Leaver) needs(ctx context.Context) string {
	words := make([]string, len(l.Needs))
	for i, n := range l.Needs {
		words[i] = board.Need(ctx, n)
	}
	return list(words)
}

// Census is who is in the hospitals, and who is about to leave.
type Census struct {
	View    CensusView
	Wards   []Ward
	Leaving []Leaver
	More    string
	Places  []store.Place
}

func (c Census) sum(of func(Ward) int) (n int) {
	for _, w := range c.Wards {
		n += of(w)
	}
	return n
}

func (c Census) place(code string) string {
	for _, p := range c.Places {
		if p.Code == code && p.Name != "" {
			return p.Name
		}
	}
	return code
}

// Huddle is what a team talks about when a shift begins.
type Huddle struct {
	Facility string
	Places   []store.Place
	Counts   store.Counts
	Since    map[string]float64 // what happened in the shift, by kind
	Owed     []board.Row        // overdue, the longest first
	Complex  []board.Row        // of patients at high risk
	Decide   []ReferralRow      // where somebody has to decide
	Alerts   []AlertRow         // that nobody has taken on
	Leaving  []Leaver
	Missing  string // what could not be asked now
}
