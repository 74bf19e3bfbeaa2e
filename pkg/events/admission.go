package events

import "time"

// Encounter is a stay as admission knows it now: the fold of all messages about it so far. Every
// encounter fact carries the whole snapshot, so a consumer that missed nothing and one that missed
// the middle decide alike. Codes are as in contract.md ("Words and states").
type Encounter struct {
	ID             ID         `json:"id"`
	Patient        ID         `json:"patient_id"`
	Facility       string     `json:"facility"`       // facility code (MSH-4)
	FacilityID     ID         `json:"facility_id"`    //
	Zone           string     `json:"zone"`           // IANA zone of the facility
	Unit           string     `json:"unit,omitempty"` // PV1-3.1, the unit the patient is or was last in
	Class          string     `json:"class"`          // inpatient, observation, emergency, ...
	State          string     `json:"state"`          // planned, arrived, in-progress, onleave, finished, cancelled, entered-in-error
	AdmittedAt     *time.Time `json:"admitted_at,omitempty"`
	InpatientAt    *time.Time `json:"inpatient_at,omitempty"` // when the class became inpatient
	DischargedAt   *time.Time `json:"discharged_at,omitempty"`
	ExpectedAt     *time.Time `json:"expected_discharge_at,omitempty"` // PV2-9 of a live A16
	Disposition    string     `json:"disposition,omitempty"`           // UB-04 FL17 two digits after the feed's map; "" unknown
	RawDisposition bool       `json:"disposition_unmapped,omitempty"`  // a code was sent and the map does not know it
	AdmitType      string     `json:"admit_type,omitempty"`            // emergency, urgent, elective, newborn, trauma
	AdmitSource    string     `json:"admit_source,omitempty"`          // UB-04 FL15 as sent
	Service        string     `json:"service,omitempty"`               // PV1-10
	Diagnoses      []string   `json:"diagnoses,omitempty"`             // ICD-10-CM codes without dot, principal first
	Attending      string     `json:"attending,omitempty"`             // staff id (NPI where sent); not a patient identifier
	Age            *int       `json:"age,omitempty"`                   // whole years at admission
	Sex            string     `json:"sex,omitempty"`                   // HL7 0001 as sent: F M O U A N
	ZIP3           string     `json:"zip3,omitempty"`
	Language       string     `json:"language,omitempty"` // ISO 639-1
	Payer          string     `json:"payer,omitempty"`    // payer code (IN1-3) as mapped: medicare, medicaid, commercial, self-pay, other
	Deceased       bool       `json:"deceased,omitempty"` // newest demographics, or disposition 20/40/41/42
	Sensitive      bool       `json:"sensitive,omitempty"`
	Implicit       bool       `json:"implicit,omitempty"`    // first heard of by something other than its start
	PriorED6m      *int       `json:"prior_ed_6m,omitempty"` // ED visits in the 6 months before admission, this one's own ED part excluded
	FoldVersion    int64      `json:"fold_version"`          // counts changes of this snapshot, 1..n

	PriorAdmissions12m *int       `json:"prior_admissions_12m,omitempty"` // inpatient and observation stays begun in the 12 months before admission, over linked identities
	ObservationAt      *time.Time `json:"observation_at,omitempty"`       // when observation began, of a stay that is or was one before it became inpatient
	Procedures         *int       `json:"procedures,omitempty"`           // procedures (PR1) said of this stay; absent: nothing was said of any
	Episode            ID         `json:"episode_id,omitzero"`            // the emergency visit, under a number of its own, that led to this stay
	Mother             ID         `json:"mother_encounter_id,omitzero"`   // of a newborn: the stay of the mother (PID-21)
	HangingSince       *time.Time `json:"hanging_since,omitempty"`        // since when this stay should have ended, or been heard of, by the rule below
	HangingRule        string     `json:"hanging_rule,omitempty"`
	PriorED12m         *int       `json:"prior_ed_12m,omitempty"` // ED visits in the 12 months before admission, counted as PriorED6m is
	PriorED60d         *int       `json:"prior_ed_60d,omitempty"` // and in the 60 days before
}

// About is embedded by every encounter fact.
type About struct {
	Encounter Encounter `json:"encounter"`
	// Previous names what changed, old values first; only codes and times, never PHI.
	Previous map[string]string `json:"previous,omitempty"`
}

// Key is the encounter.
func (a About) Key() ID { return a.Encounter.ID }

// Snapshot returns the encounter as of this fact.
func (a About) Snapshot() Encounter { return a.Encounter }

// EncounterFact is any fact that carries an encounter snapshot.
type EncounterFact interface {
	Fact
	Snapshot() Encounter
}

// The facts of a stay. Each is the difference between two folds (domain.md), announced with the new one.
type (
	EncounterPlanned            struct{ About } // A05, A14: expected
	EncounterAdmitted           struct{ About } // arrived, registered or admitted
	EncounterTransferred        struct{ About } // the unit or bed changed
	EncounterClassChanged       struct{ About } // A06, A07, A01 after A04, or a corrected class
	EncounterDischargeExpected  struct{ About } // A16; also its cancel (A25), with ExpectedAt empty
	EncounterDischarged         struct{ About } // A03
	EncounterDischargeCancelled struct{ About } // A13
	EncounterAdmissionCancelled struct{ About } // A11, A27, A38; A23 with state entered-in-error
	EncounterUpdated            struct{ About } // anything else in the snapshot: disposition, diagnoses, times, leave
	EncounterMoved              struct{ About } // the stay belongs to another patient now
)

func (EncounterPlanned) Type() string            { return "care.encounter.planned.v1" }
func (EncounterAdmitted) Type() string           { return "care.encounter.admitted.v1" }
func (EncounterTransferred) Type() string        { return "care.encounter.transferred.v1" }
func (EncounterClassChanged) Type() string       { return "care.encounter.class-changed.v1" }
func (EncounterDischargeExpected) Type() string  { return "care.encounter.discharge-expected.v1" }
func (EncounterDischarged) Type() string         { return "care.encounter.discharged.v1" }
func (EncounterDischargeCancelled) Type() string { return "care.encounter.discharge-cancelled.v1" }
func (EncounterAdmissionCancelled) Type() string { return "care.encounter.admission-cancelled.v1" }
func (EncounterUpdated) Type() string            { return "care.encounter.updated.v1" }
func (EncounterMoved) Type() string              { return "care.encounter.moved.v1" }

// Patient is what may be said of a patient outside admission.
type Patient struct {
	ID         ID         `json:"id"`
	FacilityID ID         `json:"facility_id"`
	Sex        string     `json:"sex,omitempty"`
	BirthYear  int        `json:"birth_year,omitempty"`
	Language   string     `json:"language,omitempty"`
	Deceased   bool       `json:"deceased,omitempty"`
	DeceasedAt *time.Time `json:"deceased_at,omitempty"`
	Sensitive  bool       `json:"sensitive,omitempty"`
	Person     ID         `json:"person_id"` // the group of linked patients; equal for linked ones
}

// The facts of a patient. Linked says which patient ids are one person now.
type (
	PatientRegistered struct {
		Patient Patient `json:"patient"`
	}
	PatientUpdated struct {
		Patient Patient `json:"patient"`
	}
	PatientLinked struct {
		Patient Patient `json:"patient"`
		Other   ID      `json:"other_patient_id"`
		Reason  string  `json:"reason"` // "identifier": shared identifier with the same authority
	}
	PatientUnlinked struct {
		Patient Patient `json:"patient"`
		Other   ID      `json:"other_patient_id"`
		Reason  string  `json:"reason"`
	}

	// PatientMerged says that one patient id is retired: all its stays are the survivor's now (each is
	// told as EncounterMoved), and whatever is said of it later. It and its inverse are about the
	// retired id; the newest of them counts.
	PatientMerged struct {
		Patient Patient `json:"patient"` // the survivor, as known after the merge
		Retired ID      `json:"retired_patient_id"`
		Reason  string  `json:"reason"` // "merge", "move" (an identifier given to another patient) or "identifier-changed"
	}
	// PatientUnmerged takes a merge back: the retired id stands for itself again, with its own stays.
	PatientUnmerged struct {
		Patient  Patient `json:"patient"`             // the one that was retired
		Survivor ID      `json:"survivor_patient_id"` // who had its stays until now
		Reason   string  `json:"reason"`              // "unmerge" by a person, else as of the statement that replaced the merge
	}
)

func (PatientRegistered) Type() string { return "care.patient.registered.v1" }
func (PatientUpdated) Type() string    { return "care.patient.updated.v1" }
func (PatientLinked) Type() string     { return "care.patient.linked.v1" }
func (PatientUnlinked) Type() string   { return "care.patient.unlinked.v1" }
func (PatientMerged) Type() string     { return "care.patient.merged.v1" }
func (PatientUnmerged) Type() string   { return "care.patient.unmerged.v1" }

func (f PatientRegistered) Key() ID { return f.Patient.ID }
func (f PatientUpdated) Key() ID    { return f.Patient.ID }
func (f PatientLinked) Key() ID     { return f.Patient.ID }
func (f PatientUnlinked) Key() ID   { return f.Patient.ID }
func (f PatientMerged) Key() ID     { return f.Retired }
func (f PatientUnmerged) Key() ID   { return f.Patient.ID }

// FacilityChanged tells a facility's settings: on creation (also by a development feed) and on every change.
type FacilityChanged struct {
	ID       ID       `json:"id"`
	Code     string   `json:"code"`
	Name     string   `json:"name"`
	Zone     string   `json:"zone"`
	Verified bool     `json:"verified"`
	Closures []string `json:"closures,omitempty"` // local closed days, YYYY-MM-DD
	Kind     string   `json:"type,omitempty"`     // one of FacilityTypes; empty: nobody has said
}

// FacilityTypes are what a facility can be. A stay at one that is no hospital is an arrival there, and
// no return to hospital.
var FacilityTypes = []string{"hospital", "skilled-nursing", "rehabilitation", "long-term-acute", "hospice", "home-health", "psychiatric"}

func (FacilityChanged) Type() string { return "care.facility.changed.v1" }
func (f FacilityChanged) Key() ID    { return f.ID }

// MessageQuarantined is told once per reason and feed until somebody has looked: a message was
// accepted that could not be used.
type MessageQuarantined struct {
	Feed     ID     `json:"feed_id"`
	FeedName string `json:"feed"`
	Facility string `json:"facility,omitempty"`
	Message  ID     `json:"message_id"`
	Reason   string `json:"reason"`
}

func (MessageQuarantined) Type() string { return "care.feed.quarantined.v1" }
func (f MessageQuarantined) Key() ID    { return f.Feed }
