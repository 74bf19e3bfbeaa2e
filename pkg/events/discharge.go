package events

import "time"

// Transition is a transition of care as discharge knows it now; see contract.md for its states.
type Transition struct {
	ID           ID         `json:"id"`
	Encounter    ID         `json:"encounter_id"`
	Patient      ID         `json:"patient_id"`
	Facility     string     `json:"facility"`
	FacilityID   ID         `json:"facility_id"`
	Zone         string     `json:"zone"`
	Unit         string     `json:"unit,omitempty"`
	State        string     `json:"state"` // planning, active, completed, cancelled, expired, readmitted, closed
	Reason       string     `json:"reason,omitempty"`
	Version      int        `json:"version"`
	Class        string     `json:"class"`
	Disposition  string     `json:"disposition,omitempty"`
	AdmittedAt   *time.Time `json:"admitted_at,omitempty"`
	ExpectedAt   *time.Time `json:"expected_discharge_at,omitempty"`
	DischargedAt *time.Time `json:"discharged_at,omitempty"`
	Protocols    []string   `json:"protocols,omitempty"` // "id@version"
	Needs        []string   `json:"needs,omitempty"`     // next caregivers to find: snf, home-health, irf, ltch, hospice, psych, dialysis
	Risk         *Risk      `json:"risk,omitempty"`
	LateArrival  bool       `json:"late_arrival,omitempty"`
	Sensitive    bool       `json:"sensitive,omitempty"`
	Diagnoses    []string   `json:"diagnoses,omitempty"`
	Age          *int       `json:"age,omitempty"`
	Sex          string     `json:"sex,omitempty"`
	ZIP3         string     `json:"zip3,omitempty"`
	Language     string     `json:"language,omitempty"`
	Payer        string     `json:"payer,omitempty"`
	OpenTasks    int        `json:"open_tasks"`
	SettlesAt    *time.Time `json:"settles_at,omitempty"`    // until then the discharge may yet be taken back: nothing about it leaves the house
	Risks        []Risk     `json:"risks,omitempty"`         // other scores: HOSPITAL, one for each variant
	PatientFlags []Flag     `json:"patient_flags,omitempty"` // of the patient's use of care, with reasons
}

// Risk is a score as an interval over the inputs that are known.
type Risk struct {
	Score   string   `json:"score"` // "LACE", "HOSPITAL"
	Variant string   `json:"variant"`
	Min     int      `json:"min"`
	Max     int      `json:"max"`
	Band    string   `json:"band"` // low, moderate (HOSPITAL: intermediate), high; of Min
	Missing []string `json:"missing,omitempty"`
	Reasons []string `json:"reasons,omitempty"`
	Version string   `json:"version,omitempty"` // of the tables it was computed by
}

// Of is embedded by every transition fact. Its key is the encounter: everything about one stay is in one order.
type Of struct {
	Transition Transition        `json:"transition"`
	Previous   map[string]string `json:"previous,omitempty"`
	Tasks      []Task            `json:"tasks,omitempty"` // that came to be with it; there is no TaskCreated of these
}

// Key is the encounter.
func (o Of) Key() ID { return o.Transition.Encounter }

// Snapshot returns the transition as of this fact.
func (o Of) Snapshot() Transition { return o.Transition }

// Created returns the tasks that came to be with this fact.
func (o Of) Created() []Task { return o.Tasks }

// TransitionFact is any fact that carries a transition snapshot.
type TransitionFact interface {
	Fact
	Snapshot() Transition
	Created() []Task
}

// The facts of a transition.
type (
	TransitionPlanned   struct{ Of } // planning, or planning again after a cancelled discharge
	TransitionOpened    struct{ Of } // active: the stay finished
	TransitionReplanned struct{ Of } // active and changed: disposition, date, protocols
	TransitionUpdated   struct{ Of } // anything else in the snapshot: unit, sensitivity, patient
	TransitionCancelled struct{ Of } // with Reason
	TransitionExpired   struct{ Of } // the patient died
	TransitionCompleted struct{ Of } // its last open task was done
)

func (TransitionPlanned) Type() string   { return "care.transition.planned.v1" }
func (TransitionOpened) Type() string    { return "care.transition.opened.v1" }
func (TransitionReplanned) Type() string { return "care.transition.replanned.v1" }
func (TransitionUpdated) Type() string   { return "care.transition.updated.v1" }
func (TransitionCancelled) Type() string { return "care.transition.cancelled.v1" }
func (TransitionExpired) Type() string   { return "care.transition.expired.v1" }
func (TransitionCompleted) Type() string { return "care.transition.completed.v1" }

// Task is a follow-up task; its states are FHIR R4 Task's.
type Task struct {
	ID         ID         `json:"id"`
	Transition ID         `json:"transition_id"`
	Encounter  ID         `json:"encounter_id"`
	Patient    ID         `json:"patient_id"`
	Facility   string     `json:"facility"`
	Unit       string     `json:"unit,omitempty"`
	Code       string     `json:"code"`
	Title      string     `json:"title"`
	State      string     `json:"state"` // requested, accepted, in-progress, on-hold, completed, failed, cancelled
	Reason     string     `json:"reason,omitempty"`
	Version    int        `json:"version"`
	Owner      string     `json:"owner,omitempty"` // person (token subject) or ""
	OwnerRole  string     `json:"owner_role"`
	Priority   string     `json:"priority"` // routine, urgent, asap, stat (FHIR request-priority)
	DueAt      *time.Time `json:"due_at,omitempty"`
	Overdue    bool       `json:"overdue,omitempty"`
	SnoozedTo  *time.Time `json:"snoozed_to,omitempty"`
	Attempts   int        `json:"attempts,omitempty"`
	Outcome    string     `json:"outcome,omitempty"` // outcome code of the completion
	Protocols  []string   `json:"protocols,omitempty"`
	Late       bool       `json:"late_arrival,omitempty"`
	Sensitive  bool       `json:"sensitive,omitempty"`
}

// Work is embedded by every task fact. Its key is the encounter.
type Work struct {
	Task     Task              `json:"task"`
	By       string            `json:"by,omitempty"`  // the person who did it (token subject); "" the system
	Why      string            `json:"why,omitempty"` // where the system did it: which correction of the stay led to it
	Previous map[string]string `json:"previous,omitempty"`
}

// Key is the encounter.
func (w Work) Key() ID { return w.Task.Encounter }

// Snapshot returns the task as of this fact.
func (w Work) Snapshot() Task { return w.Task }

// TaskFact is any fact that carries a task snapshot.
type TaskFact interface {
	Fact
	Snapshot() Task
}

// The facts of a task.
type (
	TaskCreated     struct{ Work } // by itself; those of an opening travel with it
	TaskAssigned    struct{ Work } // claimed, released, assigned, started
	TaskAttempted   struct{ Work }
	TaskRescheduled struct{ Work } // due, priority or snooze changed
	TaskCompleted   struct{ Work }
	TaskReopened    struct{ Work }
	TaskCancelled   struct{ Work }
	TaskDue         struct{ Work } // its due time is near (the protocol's warning time); never early
	TaskOverdue     struct{ Work }
)

func (TaskCreated) Type() string     { return "care.task.created.v1" }
func (TaskAssigned) Type() string    { return "care.task.assigned.v1" }
func (TaskAttempted) Type() string   { return "care.task.attempted.v1" }
func (TaskRescheduled) Type() string { return "care.task.rescheduled.v1" }
func (TaskCompleted) Type() string   { return "care.task.completed.v1" }
func (TaskReopened) Type() string    { return "care.task.reopened.v1" }
func (TaskCancelled) Type() string   { return "care.task.cancelled.v1" }
func (TaskDue) Type() string         { return "care.task.due.v1" }
func (TaskOverdue) Type() string     { return "care.task.overdue.v1" }
