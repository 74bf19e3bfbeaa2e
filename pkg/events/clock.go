package events

import "time"

// Clock is a clock of a stay: a rule with a due time, of a programme such as transitional care
// management. What is told of it follows from what is on record; a correction may withdraw it.
type Clock struct {
	Encounter  ID         `json:"encounter_id"`
	Transition ID         `json:"transition_id"`
	Patient    ID         `json:"patient_id"`
	Facility   string     `json:"facility"`
	Unit       string     `json:"unit,omitempty"`
	Rule       string     `json:"rule"`
	Version    string     `json:"version"`
	Pack       string     `json:"pack"` // the programme the rule belongs to
	Title      string     `json:"title"`
	Trigger    string     `json:"trigger"` // discharge, admission, inpatient, observation, leaving; of a request: request, grievance
	TriggerAt  time.Time  `json:"trigger_at"`
	DueAt      time.Time  `json:"due_at"`
	MetAt      *time.Time `json:"met_at,omitempty"`
	Task       ID         `json:"task_id"`             // whose completion met it; none: recorded on the clock itself
	Code       string     `json:"task_code,omitempty"` // that task's
	Request    int        `json:"request,omitempty"`   // the number of the request it is of, which a person told of; 0: of the stay itself
	Late       bool       `json:"late_arrival,omitempty"`
	Sensitive  bool       `json:"sensitive,omitempty"`
}

// Ran is embedded by every clock fact. Its key is the encounter.
type Ran struct {
	Clock    Clock             `json:"clock"`
	Previous map[string]string `json:"previous,omitempty"` // state: what was told of it before
}

// Key is the encounter.
func (r Ran) Key() ID { return r.Clock.Encounter }

// Snapshot returns the clock as of this fact.
func (r Ran) Snapshot() Clock { return r.Clock }

// ClockFact is any fact of a clock.
type ClockFact interface {
	Fact
	Snapshot() Clock
}

// The facts of a clock.
type (
	ClockMet       struct{ Ran } // evidence in time is on record
	ClockMissed    struct{ Ran } // its due time has passed without; only of what somebody was asked to do
	ClockWithdrawn struct{ Ran } // what was told of it last does not hold any more: the stay or the record was corrected
)

func (ClockMet) Type() string       { return "care.clock.met.v1" }
func (ClockMissed) Type() string    { return "care.clock.missed.v1" }
func (ClockWithdrawn) Type() string { return "care.clock.withdrawn.v1" }
