package encounter

import (
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// The states of a stay, literally as in the contract.
const (
	Planned        = "planned"
	Arrived        = "arrived"
	InProgress     = "in-progress"
	OnLeave        = "onleave"
	Finished       = "finished"
	Cancelled      = "cancelled"
	EnteredInError = "entered-in-error"
)

// States are all of them, in the order of a usual stay.
var States = []string{Planned, Arrived, InProgress, OnLeave, Finished, Cancelled, EnteredInError}

// The classes of a stay.
const (
	Inpatient   = "inpatient"
	Observation = "observation"
	Emergency   = "emergency"
	Outpatient  = "outpatient"
	Recurring   = "recurring"
	PreAdmitted = "preadmit"
	Obstetrics  = "obstetrics"
	Newborn     = "newborn"
	OtherClass  = "other"
)

// Open reports whether a patient in this state is in the hospital.
func Open(state string) bool { return state == Arrived || state == InProgress || state == OnLeave }

// Stay is what a set of facts amounts to.
type Stay struct {
	State        string // "" where nothing says that there is a stay
	Class        string
	Patient      events.ID // whose stay it is, by the newest statement
	AdmittedAt   *time.Time
	InpatientAt  *time.Time // when the class became inpatient, if it is
	ObservedAt   *time.Time // when observation began, if it is one or was before it became inpatient
	DischargedAt *time.Time // only of a finished stay
	ExpectedAt   *time.Time // of a live expected discharge, while the patient is here
	PlannedAt    *time.Time // expected admission
	Disposition  string     // two digits or Unmapped; only of a finished stay
	ExpectedDisp string     // of a live expected discharge
	AdmitType    string
	AdmitSource  string
	Service      string
	Attending    string
	Account      string
	PendingUnit  string // of a live expected transfer or reserved bed
	VIP          bool
	Place        Place
	Diagnoses    []Diagnosis
	Implicit     bool // nothing said that it began: a start was lost or came before the feed
	Reopened     bool // it began again after it had ended, under one visit number
	ED           bool // it was an emergency visit, or began as one
	Consulting   []string
	Procedures   *int      // how many were done; nil: nothing was said of any
	Mother       events.ID // the key of the mother's identifier
	Prior        string    // the visit this one goes on from
	Said         time.Time // when the newest word about it was written down
}

// Movement is a place for a time; To is nil for the present one.
type Movement struct {
	Place
	From time.Time
	To   *time.Time
}

// Remark is what became of one fact, for whoever asks why a stay looks as it does.
type Remark struct {
	Fact *Fact
	Void bool // taken back
	By   events.ID
	Open bool // a cancel that waits for what it cancels
}
