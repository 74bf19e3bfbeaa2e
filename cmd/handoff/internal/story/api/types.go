package api

import (
	"slices"
	"time"
)

// Message is what became of a message.
type Message struct {
	ID         string    `json:"id"`
	ControlID  string    `json:"control_id"`
	Facility   string    `json:"facility"`
	State      string    `json:"state"`
	Reason     string    `json:"reason"`
	Hash       string    `json:"hash"`
	Flags      []string  `json:"flags"`
	ReceivedAt time.Time `json:"received_at"`
}

// Flagged reports whether a remark was made on the message.
func (m Message) Flagged(flag string) bool { return slices.Contains(m.Flags, flag) }

// Encounter is a stay, as lists show it.
type Encounter struct {
	ID           string     `json:"id"`
	Facility     string     `json:"facility"`
	Visit        string     `json:"visit"`
	PatientID    string     `json:"patient_id"`
	Class        string     `json:"class"`
	State        string     `json:"state"`
	AdmittedAt   *time.Time `json:"admitted_at"`
	DischargedAt *time.Time `json:"discharged_at"`
	Disposition  string     `json:"disposition"`
}

// Transition is a transition of care.
type Transition struct {
	ID          string   `json:"id"`
	EncounterID string   `json:"encounter_id"`
	PatientID   string   `json:"patient_id"`
	Facility    string   `json:"facility"`
	State       string   `json:"state"`
	Version     int      `json:"version"`
	Disposition string   `json:"disposition"`
	Class       string   `json:"class"`
	Protocols   []string `json:"protocols"`
	Late        bool     `json:"late_arrival"`
	Reason      string   `json:"reason"`
}

// Task is a follow-up task.
type Task struct {
	ID           string     `json:"id"`
	TransitionID string     `json:"transition_id"`
	EncounterID  string     `json:"encounter_id"`
	PatientID    string     `json:"patient_id"`
	Code         string     `json:"code"`
	Title        string     `json:"title"`
	State        string     `json:"state"`
	Version      int        `json:"version"`
	Owner        string     `json:"owner"`
	OwnerRole    string     `json:"owner_role"`
	Priority     string     `json:"priority"`
	DueAt        *time.Time `json:"due_at"`
	Reason       string     `json:"reason"`
}

// Open reports whether the task still asks for work.
func (t Task) Open() bool {
	return t.State != "completed" && t.State != "failed" && t.State != "cancelled"
}

// Change is what was written down about a task or a referral, and what it was before.
type Change struct {
	Action   string            `json:"action"`
	By       string            `json:"by"`
	Outcome  string            `json:"outcome"`
	Reason   string            `json:"reason"`
	Previous map[string]string `json:"previous"`
	Cause    string            `json:"cause"`
}

// Told is a decision about an alert: who was told of what, by which road, and why.
type Told struct {
	Decision  string `json:"decision"`
	AlertID   string `json:"alert_id"`
	Version   int    `json:"version"`
	Recipient string `json:"recipient"`
	Channel   string `json:"channel"`
	Reason    string `json:"reason"`
}

// Referral is a search for a next caregiver.
type Referral struct {
	ID          string `json:"id"`
	EncounterID string `json:"encounter_id"`
	PatientID   string `json:"patient_id"`
	State       string `json:"state"`
	Version     int    `json:"version"`
	Need        string `json:"need"`
	Reason      string `json:"reason"`
	Offers      []struct {
		ProviderID string `json:"provider_id"`
		State      string `json:"state"`
		Reason     string `json:"reason"`
	} `json:"offers"`
	Candidates []struct {
		ProviderID string   `json:"provider_id"`
		Rank       int      `json:"rank"`
		Reasons    []string `json:"reasons"`
	} `json:"candidates"`
}

// Provider is a possible next caregiver.
type Provider struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	FacilityID string `json:"facility_id"`
}

// Alert is a thread of notices about one cause.
type Alert struct {
	ID           string    `json:"id"`
	Kind         string    `json:"kind"`
	EncounterID  string    `json:"encounter_id"`
	TransitionID string    `json:"transition_id"`
	State        string    `json:"state"`
	Severity     string    `json:"severity"`
	Reason       string    `json:"reason"`
	Version      int       `json:"version"`
	ReceivedAt   time.Time `json:"received_at"`
	RaisedAt     time.Time `json:"raised_at"`
}

// Reconciled is a service's account of itself.
type Reconciled struct {
	Service string `json:"service"`
	Laws    []struct {
		Law        string `json:"law"`
		Left       int64  `json:"left"`
		Right      int64  `json:"right"`
		Difference int64  `json:"difference"`
	} `json:"laws"`
	Difference int64 `json:"difference"`
}

// Parked is a key whose events could not be handled.
type Parked struct {
	Stream string `json:"stream"`
	Key    string `json:"key"`
	Reason string `json:"reason"`
}
