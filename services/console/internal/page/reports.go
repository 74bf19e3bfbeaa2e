package page

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/store"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// RuleWeek is how the clocks of one rule ended for the discharges of one week, as discharge answers.
type RuleWeek struct {
	Rule      string `json:"rule"`
	Title     string `json:"title"`
	Pack      string `json:"pack"`
	Week      string `json:"week"`
	Clocks    int    `json:"clocks"`
	Met       int    `json:"met"`
	Attempted int    `json:"attempted"`
	Missed    int    `json:"missed"`
	Running   int    `json:"running"`
}

// ended are the clocks of which it is known how they ended.
func (r RuleWeek) ended() int { return r.Met + r.Attempted + r.Missed }

// share is what part of those that ended was met, or tried enough where the rule takes that for done.
func (r RuleWeek) share() string { return percent(r.Met+r.Attempted, r.ended()) }

// DischargeWeek is what became of the discharges of a week; of the whole period where Week is empty.
type DischargeWeek struct {
	Week       string   `json:"week"`
	Discharges int      `json:"discharges"`
	Tried      int      `json:"tried"`
	Reached    int      `json:"reached"`
	TriedH     *float64 `json:"median_hours_to_try"`
	ReachedH   *float64 `json:"median_hours_to_contact"`
	Returned   int      `json:"returned"`
	Planned    int      `json:"returned_planned"`
	Open       int      `json:"still_within_30_days"`
}

// Answers is how a provider answered what it was asked, as referral answers.
type Answers struct {
	Name     string   `json:"name"`
	Asked    int      `json:"asked"`
	Answered int      `json:"answered"`
	Accepted int      `json:"accepted"`
	Declined int      `json:"declined"`
	Silent   int      `json:"silent"`
	Waiting  int      `json:"waiting"`
	MedianS  *float64 `json:"median_response_s"`
	SlowS    *float64 `json:"p90_response_s"`
}

// AlertLoad is what one kind of alert gave people to do, as notification answers.
type AlertLoad struct {
	Kind      string   `json:"kind"`
	Raised    int      `json:"raised"`
	Acted     int      `json:"acted_on"`
	Itself    int      `json:"resolved_by_itself"`
	Open      int      `json:"open"`
	Escalated int      `json:"escalated"`
	MedianS   *float64 `json:"median_seconds_to_act"`
}

// ReportView is what a person wants to see counted.
type ReportView struct {
	Facility, Protocol string
	Days               int
}

// Periods are the periods that can be looked at, in days back from now.
var Periods = []int{7, 30, 90, 365}

// ReportViewOf reads a view from an address.
func ReportViewOf(q url.Values) ReportView {
	v := ReportView{Facility: clip(q.Get("facility")), Protocol: clip(q.Get("protocol")), Days: 30}
	if n, err := strconv.Atoi(q.Get("days")); err == nil && slices.Contains(Periods, n) {
		v.Days = n
	}
	return v
}

// Query is the view as the query part of an address, with more.
func (v ReportView) Query(more ...string) string {
	q := url.Values{"days": {strconv.Itoa(v.Days)}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if v.Facility != "" {
		q.Set("facility", v.Facility)
	}
	if v.Protocol != "" {
		q.Set("protocol", v.Protocol)
	}
	return "?" + q.Encode()
}

func periods(ctx context.Context) []Choice {
	out := make([]Choice, len(Periods))
	for i, n := range Periods {
		out[i] = Choice{strconv.Itoa(n), sayN(ctx, n, "The last %d day", "The last %d days")}
	}
	return out
}

// Reports are all figures of a period.
type Reports struct {
	View      ReportView
	Rules     []RuleWeek // by rule and week
	Weeks     []DischargeWeek
	Answers   []Answers
	Alerts    []AlertLoad
	Missing   []string // what did not answer just now
	Places    []store.Place
	Protocols []Choice
}

// Totals are the rules with their weeks summed up, in the order of their packs.
func (r Reports) Totals() (out []RuleWeek) {
	for _, w := range r.Rules {
		at := slices.IndexFunc(out, func(t RuleWeek) bool { return t.Rule == w.Rule })
		if at < 0 {
			out, at = append(out, RuleWeek{Rule: w.Rule, Title: w.Title, Pack: w.Pack}), len(out)
		}
		t := &out[at]
		t.Clocks, t.Met, t.Attempted, t.Missed, t.Running = t.Clocks+w.Clocks, t.Met+w.Met, t.Attempted+w.Attempted, t.Missed+w.Missed, t.Running+w.Running
	}
	slices.SortStableFunc(out, func(a, b RuleWeek) int {
		return strings.Compare(order(a.Pack)+a.Pack+a.Rule, order(b.Pack)+b.Pack+b.Rule)
	})
	return out
}

// order puts what Medicare pays and measures first: transitional care management, transitions of care.
func order(pack string) string {
	switch {
	case strings.HasPrefix(pack, "tcm"):
		return "0"
	case strings.Contains(pack, "trc"):
		return "1"
	}
	return "2"
}

// Whole is the whole period.
func (r Reports) Whole() DischargeWeek {
	for _, w := range r.Weeks {
		if w.Week == "" {
			return w
		}
	}
	return DischargeWeek{}
}

// Bar is one column of a chart, of parts from the bottom up.
type Bar struct {
	Label string
	Parts []int
}

func (b Bar) sum() (n int) {
	for _, p := range b.Parts {
		n += p
	}
	return n
}

// timely are the weeks of the first contact by the rule of two business days: met, tried, missed, running.
func (r Reports) timely() (out []Bar) {
	for _, w := range r.Rules {
		if w.Rule == "tcm-contact" {
			out = append(out, Bar{w.Week, []int{w.Met, w.Attempted, w.Missed, w.Running}})
		}
	}
	return out
}

// returns are the weeks of discharges: came back, did not.
func (r Reports) returns() (out []Bar) {
	for _, w := range r.Weeks {
		if w.Week != "" {
			out = append(out, Bar{w.Week, []int{w.Returned, w.Discharges - w.Returned}})
		}
	}
	return out
}

// segment is a rectangle of a chart.
type segment struct{ x, y, w, h, class string }

// Charts are so many units wide and high.
const (
	chartWide = 600
	chartHigh = 140
)

// segments lays out bars; classes are those of their parts.
func segments(bars []Bar, classes []string) (out []segment) {
	most := 1
	for _, b := range bars {
		most = max(most, b.sum())
	}
	step := float64(chartWide) / float64(max(len(bars), 1))
	wide := min(step*.76, 110)
	for i, b := range bars {
		y := float64(chartHigh)
		for k, n := range b.Parts {
			h := float64(n) / float64(most) * chartHigh
			y -= h
			if n > 0 {
				out = append(out, segment{units(float64(i)*step + (step-wide)/2), units(y), units(wide), units(h), classes[k]})
			}
		}
	}
	return out
}

func units(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// percent is a part of a whole, in words where there is none.
func percent(part, of int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%d%%", int(float64(part)/float64(of)*100+.5))
}

// spanOf is a length of time, in words.
func spanOf(ctx context.Context, seconds *float64) string {
	if seconds == nil {
		return "–"
	}
	return board.Length(ctx, time.Duration(*seconds*float64(time.Second)))
}

func hours(ctx context.Context, h *float64) string {
	if h == nil {
		return "–"
	}
	s := *h * 3600
	return spanOf(ctx, &s)
}

// week is a week in words: that of its Monday.
func week(ctx context.Context, day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return text.Date(ctx, t)
}

// Tables are the tables that can be taken along as CSV.
var Tables = []string{"clocks", "discharges", "providers", "alerts"}

// CSV is one of the tables, its header first; ok is false where there is no such table.
func (r Reports) CSV(name string) (rows [][]string, ok bool) {
	n := strconv.Itoa
	f := func(x *float64) string {
		if x == nil {
			return ""
		}
		return strconv.FormatFloat(*x, 'f', 2, 64)
	}
	switch name {
	case "clocks":
		rows = append(rows, []string{"rule", "title", "week", "clocks", "met", "attempted", "missed", "running"})
		for _, w := range r.Rules {
			rows = append(rows, []string{w.Rule, w.Title, w.Week, n(w.Clocks), n(w.Met), n(w.Attempted), n(w.Missed), n(w.Running)})
		}
	case "discharges":
		rows = append(rows, []string{"week", "discharges", "tried", "reached", "median_hours_to_try", "median_hours_to_contact", "returned_unplanned", "returned_planned", "still_within_30_days"})
		for _, w := range r.Weeks {
			rows = append(rows, []string{w.Week, n(w.Discharges), n(w.Tried), n(w.Reached), f(w.TriedH), f(w.ReachedH), n(w.Returned), n(w.Planned), n(w.Open)})
		}
	case "providers":
		rows = append(rows, []string{"provider", "asked", "answered", "accepted", "declined", "silent", "waiting", "median_response_s", "p90_response_s"})
		for _, a := range r.Answers {
			rows = append(rows, []string{plainCell(a.Name), n(a.Asked), n(a.Answered), n(a.Accepted), n(a.Declined), n(a.Silent), n(a.Waiting), f(a.MedianS), f(a.SlowS)})
		}
	case "alerts":
		rows = append(rows, []string{"kind", "raised", "acted_on", "resolved_by_itself", "open", "escalated", "median_seconds_to_act"})
		for _, a := range r.Alerts {
			rows = append(rows, []string{a.Kind, n(a.Raised), n(a.Acted), n(a.Itself), n(a.Open), n(a.Escalated), f(a.MedianS)})
		}
	default:
		return nil, false
	}
	return rows, true
}

// plainCell keeps a spreadsheet from taking a name for a formula.
func plainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
