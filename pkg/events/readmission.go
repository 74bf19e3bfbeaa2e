package events

import "time"

// Readmission is one return to hospital of a person who was discharged, within the days the rules give,
// anywhere the person's linked identities are known. It belongs to the discharge.
type Readmission struct {
	ID           ID         `json:"id"` // follows from the discharged encounter and the arrival's
	Encounter    ID         `json:"encounter_id"`
	Transition   ID         `json:"transition_id"`
	Patient      ID         `json:"patient_id"`
	Facility     string     `json:"facility"`
	Unit         string     `json:"unit,omitempty"`
	Class        string     `json:"class"`
	Disposition  string     `json:"disposition,omitempty"`
	DischargedAt *time.Time `json:"discharged_at,omitempty"`
	Arrival      Arrival    `json:"arrival"`
	Days         int        `json:"days"` // local dates of the discharging facility, from discharge to arrival
	Planned      bool       `json:"planned,omitempty"`
	Reasons      []string   `json:"reasons,omitempty"` // why it is planned, or not, in words
	Measures     []Measure  `json:"measures,omitempty"`
	Rules        string     `json:"rules"` // id@version of what decided all this
	// Outcome is what the arrival came to; empty while nobody knows: treated-and-released, observation,
	// admitted, transferred, left, died.
	Outcome string `json:"outcome,omitempty"`
	State   string `json:"state"`            // detected, withdrawn
	Reason  string `json:"reason,omitempty"` // of a withdrawal: arrival-cancelled, entered-in-error, another-person, discharge-cancelled, ...
	Version int    `json:"version"`          // of the transition that this was decided in

	// What was open when the return was detected.
	OpenTasks []OpenTask `json:"open_tasks,omitempty"`
	Late      bool       `json:"late_arrival,omitempty"` // detected long after the arrival: no news to anybody
	Sensitive bool       `json:"sensitive,omitempty"`
}

// Arrival is the stay that is a return. Where an emergency visit led to an admission under a number of
// its own, Admission is that one.
type Arrival struct {
	Encounter  ID         `json:"encounter_id"`
	Patient    ID         `json:"patient_id"`
	Facility   string     `json:"facility"`
	FacilityID ID         `json:"facility_id"`
	Class      string     `json:"class"` // of the admission, where there is one
	AdmitType  string     `json:"admit_type,omitempty"`
	ArrivedAt  *time.Time `json:"arrived_at,omitempty"`
	Admission  ID         `json:"admission_encounter_id,omitzero"`
}

// Measure is whether a return counts in a published measure, and why (not).
type Measure struct {
	ID      string   `json:"id"` // id@version, as "hedis-pcr@2025"
	Counts  bool     `json:"counts"`
	Reasons []string `json:"reasons,omitempty"`
}

// OpenTask is a task that was open at some moment.
type OpenTask struct {
	ID        ID         `json:"id"`
	Code      string     `json:"code"`
	State     string     `json:"state"`
	Owner     string     `json:"owner,omitempty"`
	OwnerRole string     `json:"owner_role"`
	DueAt     *time.Time `json:"due_at,omitempty"`
}

// Return is embedded by every fact of a return. Its key is the discharged encounter.
type Return struct {
	Readmission Readmission       `json:"readmission"`
	Previous    map[string]string `json:"previous,omitempty"`
}

// Key is the discharged encounter.
func (r Return) Key() ID { return r.Readmission.Encounter }

// Snapshot returns the return as of this fact.
func (r Return) Snapshot() Readmission { return r.Readmission }

// ReadmissionFact is any fact that carries the snapshot of a return.
type ReadmissionFact interface {
	Fact
	Snapshot() Readmission
}

// The facts of a return.
type (
	ReadmissionDetected  struct{ Return } // at the arrival, not at the admission; once per discharge and arrival
	ReadmissionUpdated   struct{ Return } // its outcome is known, or what was said of it was corrected
	ReadmissionWithdrawn struct{ Return } // it was none: with Reason
)

func (ReadmissionDetected) Type() string  { return "care.readmission.detected.v1" }
func (ReadmissionUpdated) Type() string   { return "care.readmission.updated.v1" }
func (ReadmissionWithdrawn) Type() string { return "care.readmission.withdrawn.v1" }

// TransitionReadmitted says that the patient was admitted again: the transition asks for nothing more
// unless that admission is taken back, which is told as TransitionOpened.
type TransitionReadmitted struct{ Of }

func (TransitionReadmitted) Type() string { return "care.transition.readmitted.v1" }

// Flag is a remark on the patient's use of care, with the rule that makes it. Flags are never tasks.
type Flag struct {
	Code    string   `json:"code"`    // high-utilizer, recent-snf, recent-inpatient
	Reasons []string `json:"reasons"` // in words
	Rules   []string `json:"rules"`   // the rules that hold, id@version
}
