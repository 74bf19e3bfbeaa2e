package board

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Bar is a stretch of a stay: where the patient was, from when to when.
type Bar struct {
	Kind     string // emergency, observation, inpatient, other; after
	Text     string
	From, To time.Time
	Going    bool // it has not ended
	X, W     int  // thousandths of the whole
}

// Mark is a moment on the line of a stay.
type Mark struct {
	Kind string // due, overdue, done, alert
	Text string
	At   time.Time
	X    int
}

// Chart is a stay drawn to scale.
type Chart struct {
	Bars  []Bar
	Marks []Mark
	Now   int // where now is, -1 where it is not on the chart
}

// place says how a fact changed where the patient is; ok is false where it does not say.
func place(ctx context.Context, h Happening) (b Bar, ok bool) {
	switch h.Type {
	case (events.EncounterAdmitted{}).Type(), (events.EncounterTransferred{}).Type(), (events.EncounterClassChanged{}).Type(), (events.EncounterDischargeCancelled{}).Type():
		b = Bar{Kind: kindOf(h.Class), Text: Plain(ctx, h.Class), From: h.Occurred}
		if h.Unit != "" {
			b.Text += ", " + h.Unit
		}
		return b, true
	case (events.EncounterDischarged{}).Type():
		return Bar{Kind: "after", Text: whereTo(ctx, h), From: h.Occurred}, true
	}
	return b, false
}

func whereTo(ctx context.Context, h Happening) string {
	return say(ctx, "After: %s", Disposition(ctx, h.Disposition))
}

// redirect says where a patient who has left went, as the hospital has it since.
func (c *Chart) redirect(ctx context.Context, h Happening) {
	if n := len(c.Bars); n > 0 && c.Bars[n-1].Kind == "after" && h.Type == (events.EncounterUpdated{}).Type() && h.Disposition != "" {
		c.Bars[n-1].Text = whereTo(ctx, h)
	}
}

func kindOf(class string) string {
	switch class {
	case "emergency", "observation", "inpatient":
		return class
	}
	return "other"
}

// Draw makes a chart of what happened, in the order it did, with the tasks and alerts of the stay. What
// was before a fact that said the same again stays one bar.
func Draw(ctx context.Context, story []Happening, tasks []Row, alerts []events.Alert, now time.Time) Chart {
	var c Chart
	story = slices.Clone(story)
	slices.SortStableFunc(story, func(a, b Happening) int { return a.Occurred.Compare(b.Occurred) })
	for _, h := range story {
		b, ok := place(ctx, h)
		if !ok {
			c.redirect(ctx, h)
			continue
		}
		if n := len(c.Bars); n > 0 {
			last := &c.Bars[n-1]
			if last.Kind == b.Kind && last.Text == b.Text {
				continue
			}
			if last.To = b.From; !last.To.After(last.From) {
				c.Bars = c.Bars[:n-1]
			}
		}
		c.Bars = append(c.Bars, b)
	}
	if len(c.Bars) == 0 {
		return c
	}
	for _, r := range tasks {
		if r.Due != nil && r.Open {
			c.Marks = append(c.Marks, Mark{Kind: map[bool]string{true: "overdue", false: "due"}[Pressing(r.Due, now) == Overdue], Text: r.Title, At: *r.Due})
		} else if r.State == "completed" {
			c.Marks = append(c.Marks, Mark{Kind: "done", Text: r.Title, At: r.ChangedAt})
		}
	}
	for _, a := range alerts {
		c.Marks = append(c.Marks, Mark{Kind: "alert", Text: AlertKind(ctx, a.Kind), At: a.RaisedAt})
	}
	c.scale(now)
	return c
}

// scale places bars and marks between the first moment and the last.
func (c *Chart) scale(now time.Time) {
	first, last := c.Bars[0].From, now
	end := &c.Bars[len(c.Bars)-1]
	for _, m := range c.Marks {
		if m.At.After(last) && m.At.Before(now.Add(60*24*time.Hour)) {
			last = m.At
		}
	}
	if end.From.After(last) {
		last = end.From
	}
	end.To, end.Going = last, true
	whole := max(last.Sub(first), time.Hour)
	at := func(t time.Time) int { return int(min(max(t.Sub(first)*1000/whole, 0), 1000)) }
	for i := range c.Bars {
		b := &c.Bars[i]
		b.X = at(b.From)
		b.W = max(at(b.To)-b.X, 4)
	}
	for i := range c.Marks {
		c.Marks[i].X = at(c.Marks[i].At)
	}
	slices.SortStableFunc(c.Marks, func(a, b Mark) int { return cmp.Or(a.At.Compare(b.At)) })
	c.Now = at(now)
}

// Span is how long a bar is, in words.
func (b Bar) Span(ctx context.Context) string { return Length(ctx, b.To.Sub(b.From)) }

// Corrects reports whether a fact takes back or moves what was said before.
func Corrects(typ string) bool {
	switch typ {
	case (events.EncounterDischargeCancelled{}).Type(), (events.EncounterAdmissionCancelled{}).Type(), (events.EncounterMoved{}).Type(),
		(events.TransitionReplanned{}).Type(), (events.TransitionCancelled{}).Type(), (events.TaskReopened{}).Type(), (events.TaskCancelled{}).Type(),
		(events.AlertCorrected{}).Type(), (events.ReferralRecalled{}).Type(), (events.RequestCorrected{}).Type():
		return true
	}
	return false
}

// Milestone reports whether a fact belongs into a story for the patient and the family: what happened to
// the person, not what staff and machines did about it.
func Milestone(typ string) bool {
	switch typ {
	case (events.EncounterAdmitted{}).Type(), (events.EncounterTransferred{}).Type(), (events.EncounterDischarged{}).Type(), (events.EncounterDischargeCancelled{}).Type(),
		(events.TaskCompleted{}).Type(), (events.ReferralAccepted{}).Type(), (events.ReferralBooked{}).Type(), (events.ArrivalConfirmed{}).Type():
		return true
	}
	return false
}
