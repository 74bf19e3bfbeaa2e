package page

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// Alert is an alert as notification answers.
type Alert struct {
	ID             events.ID  `json:"id"`
	Kind           string     `json:"kind"`
	Encounter      events.ID  `json:"encounter_id"`
	Facility       string     `json:"facility"`
	Unit           string     `json:"unit"`
	State          string     `json:"state"`
	Severity       string     `json:"severity"`
	Reason         string     `json:"reason"`
	Version        int        `json:"version"`
	Count          int        `json:"count"`
	Sensitive      bool       `json:"sensitive"`
	Recipients     []string   `json:"recipients"`
	Escalations    int        `json:"escalations"`
	EscalatesAt    *time.Time `json:"escalates_at"`
	EscalatesTo    string     `json:"escalates_to"`
	RaisedAt       time.Time  `json:"raised_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at"`
	AcknowledgedBy string     `json:"acknowledged_by"`
	ResolvedAt     *time.Time `json:"resolved_at"`
	HandedOver     *Handed    `json:"handed_over"`
	Muted          *Mute      `json:"muted"`
}

// AlertRow is an alert as one person sees it.
type AlertRow struct {
	Alert
	Of      board.Row // whom it is about
	Staff   map[string]string
	Reasons Reasons
	Mine    bool // the viewer took it on
}

// AlertView is which alerts a person wants to see.
type AlertView struct{ Show, Facility, After string }

// AlertViewOf reads a view from an address.
func AlertViewOf(q url.Values) AlertView {
	return AlertView{clip(q.Get("show")), clip(q.Get("facility")), q.Get("after")}
}

// clip keeps what an address says short enough to be a code.
func clip(s string) string {
	if len(s) > 64 {
		return ""
	}
	return s
}

// Asks is the view as notification's filter.
func (v AlertView) Asks() url.Values {
	q := url.Values{"state": {"raised"}}
	switch v.Show {
	case "":
		q.Set("inbox", "true")
	case "taken":
		q.Set("state", "acknowledged")
	case "done":
		q.Set("state", "resolved")
	case "muted":
		q.Set("muted", "true")
	}
	if v.Facility != "" {
		q.Set("facility", v.Facility)
	}
	if v.After != "" {
		q.Set("cursor", v.After)
	}
	return q
}

// Query is the view as the query part of an address.
func (v AlertView) Query() string {
	return query("show", v.Show, "facility", v.Facility, "after", v.After)
}

func (v AlertView) showing(name string) AlertView { return AlertView{name, v.Facility, ""} }

func (v AlertView) from(after string) AlertView { v.After = after; return v }

// Alerts is a page of alerts.
type Alerts struct {
	View   AlertView
	Rows   []AlertRow
	More   string // where the next page starts
	Places []store.Place
	Mutes  []Mute // of the viewer
}

func (a AlertRow) tone() string {
	switch {
	case a.State != "raised":
		return ""
	case a.Severity == "critical":
		return string(board.Overdue)
	case a.Severity == "urgent":
		return string(board.Soon)
	}
	return string(board.Today)
}

// next says to whom the alert goes if nobody takes it on.
func (a AlertRow) next(ctx context.Context) string {
	if a.EscalatesTo == "" {
		return say(ctx, "more people")
	}
	return Story{Row: a}.given(ctx, a.EscalatesTo)
}

// from says who handed it over, and why.
func (a AlertRow) from(ctx context.Context) string {
	h := a.HandedOver
	return say(ctx, "From %s: %s", cmp.Or(a.Staff[h.By], h.By), inside(a.Reasons.Said(ctx, h.Reason)))
}

// stands says in words where the alert is.
func (a AlertRow) stands(ctx context.Context) string {
	switch {
	case a.State == "resolved":
		return say(ctx, "Settled")
	case a.State == "acknowledged" && a.Mine:
		return say(ctx, "Yours")
	case a.State == "acknowledged":
		return say(ctx, "With %s", cmp.Or(a.Staff[a.AcknowledgedBy], a.AcknowledgedBy))
	}
	if a.HandedOver != nil {
		return say(ctx, "Handed over, not yet taken on")
	}
	return say(ctx, "Nobody has it yet")
}

func (a AlertRow) path(action string) string { return "/alerts/" + a.ID.String() + "/" + action }

func (a AlertRow) to(ctx context.Context) string {
	return list(board.Recipients(ctx, a.Recipients, a.Staff))
}
