package events

import "time"

// Alert is one thread: one episode and one cause. Its states are contract.md's.
type Alert struct {
	ID         ID        `json:"id"`
	Encounter  ID        `json:"encounter_id"`
	Transition ID        `json:"transition_id"`
	Task       ID        `json:"task_id"`
	Facility   string    `json:"facility,omitempty"`
	Unit       string    `json:"unit,omitempty"`
	Kind       string    `json:"kind"` // transition-opened, task-overdue, referral-declined, readmission, message-quarantined, ...
	Cause      ID        `json:"cause"`
	State      string    `json:"state"` // raised, acknowledged, resolved
	Severity   string    `json:"severity"`
	Reason     string    `json:"reason,omitempty"`
	Version    int       `json:"version"`
	Recipients []string  `json:"recipients,omitempty"` // persons or "role:liaison"
	OccurredAt time.Time `json:"occurred_at"`
	ReceivedAt time.Time `json:"received_at"`
	RaisedAt   time.Time `json:"raised_at"`
	By         string    `json:"by,omitempty"`
}

// Notice is embedded by every alert fact. Its key is the encounter, or the alert when there is none.
type Notice struct {
	Alert Alert `json:"alert"`
}

// Key is the encounter, or the alert itself.
func (n Notice) Key() ID {
	if n.Alert.Encounter.IsZero() {
		return n.Alert.ID
	}
	return n.Alert.Encounter
}

// Snapshot returns the alert as of this fact.
func (n Notice) Snapshot() Alert { return n.Alert }

// AlertFact is any fact that carries an alert snapshot.
type AlertFact interface {
	Fact
	Snapshot() Alert
}

// The facts of an alert.
type (
	AlertRaised       struct{ Notice }
	AlertCorrected    struct{ Notice } // what it said has changed; sent to everyone already told
	AlertDelivered    struct{ Notice } // reached at least one recipient by an outside channel
	AlertAcknowledged struct{ Notice }
	AlertHandedOver   struct{ Notice } // By gave it to the recipients, who are to take it on
	AlertEscalated    struct{ Notice }
	AlertResolved     struct{ Notice }
	AlertFailed       struct{ Notice } // a delivery ended in failure for good
)

func (AlertRaised) Type() string       { return "care.alert.raised.v1" }
func (AlertCorrected) Type() string    { return "care.alert.corrected.v1" }
func (AlertDelivered) Type() string    { return "care.alert.delivered.v1" }
func (AlertAcknowledged) Type() string { return "care.alert.acknowledged.v1" }
func (AlertHandedOver) Type() string   { return "care.alert.handed-over.v1" }
func (AlertEscalated) Type() string    { return "care.alert.escalated.v1" }
func (AlertResolved) Type() string     { return "care.alert.resolved.v1" }
func (AlertFailed) Type() string       { return "care.alert.failed.v1" }
