package page

import (
	"encoding/json"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Task is a task as discharge answers.
type Task struct {
	ID           events.ID       `json:"id"`
	State        string          `json:"state"`
	Reason       string          `json:"reason"`
	Version      int             `json:"version"`
	Owner        string          `json:"owner"`
	DueAt        *time.Time      `json:"due_at"`
	SnoozedTo    *time.Time      `json:"snoozed_to"`
	Attempts     int             `json:"attempts"`
	Outcome      string          `json:"outcome"`
	Trace        json.RawMessage `json:"due_trace"`
	Reasons      []string        `json:"priority_reasons"`
	Protocols    []string        `json:"protocols"`
	Instructions string          `json:"instructions"`
	Source       string          `json:"source"`
	Log          []Log           `json:"log"`
}

// Onto brings what is known of a task up to date with the answer.
func (t Task) Onto(known *events.Task) {
	if t.State == "" || t.Version < known.Version {
		return
	}
	known.State, known.Reason, known.Version, known.Owner = t.State, t.Reason, t.Version, t.Owner
	known.DueAt, known.SnoozedTo, known.Attempts, known.Outcome = t.DueAt, t.SnoozedTo, t.Attempts, t.Outcome
}

// Trace is why a task is due when it is.
type Trace struct {
	Rule      string     `json:"rule"`
	Version   string     `json:"version"`
	Title     string     `json:"title"`
	Source    string     `json:"source"`
	Standing  string     `json:"standing"`
	Trigger   string     `json:"trigger"`
	TriggerAt *time.Time `json:"trigger_at"`
	Zone      string     `json:"zone"`
	Calendar  string     `json:"calendar"`
	Steps     []string   `json:"steps"`
	Due       *time.Time `json:"due_at"`
}
