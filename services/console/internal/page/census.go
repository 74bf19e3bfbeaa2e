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
type CensusView struct {
	Facility, After string
	Unit            string // who is in it, beside how many
	Further         string // cursor of those who are in it
}

// CensusViewOf reads a view from an address.
func CensusViewOf(q url.Values) CensusView {
	return CensusView{Facility: clip(q.Get("facility")), After: q.Get("after"), Unit: clip(q.Get("unit")), Further: q.Get("further")}
}

// Query is the view as the query part of an address.
func (v CensusView) Query() string {
	return query("facility", v.Facility, "after", v.After, "unit", v.Unit, "further", v.Further)
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
	Inside  []Inside // who is in the unit that was asked for
	Further string   // cursor of those who came before them
	Places  []store.Place
}

// Inside is a patient who is in a unit.
type Inside struct {
	Of       board.Row
	State    string
	Bed      string
	Since    *time.Time
	Expected *time.Time
}

// day counts the days of the stay in the hospital's zone, the day of arrival being the first.
func (i Inside) day(now time.Time) int {
	if i.Since == nil {
		return 0
	}
	midnight := func(t time.Time) time.Time {
		y, m, d := t.In(i.Of.Zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(now).Sub(midnight(*i.Since)).Hours()/24) + 1
}

// unit is the view of who is in a unit of a hospital.
func (w Ward) unit() string { return CensusView{Facility: w.Facility, Unit: w.Unit}.Query() }

func (i Inside) tone(now time.Time) string { return Leaver{Expected: i.Expected}.tone(now) }

func (c Census) sum(of func(Ward) int) (n int) {
	for _, w := range c.Wards {
		n += of(w)
	}
	return n
}

// Place names a hospital by its code.
func (c Census) Place(code string) string {
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
