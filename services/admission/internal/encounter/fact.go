package encounter

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Kind is what a fact says about a stay.
type Kind uint8

// The kinds. Their numbers are stored: add at the end, never renumber.
const (
	PreAdmit              Kind = iota + 1 // expected, an account may exist
	PendingAdmit                          // a bed is reserved
	Register                              // arrived: emergency or outpatient, no bed yet
	Admit                                 // admitted to a bed
	ToInpatient                           // an outpatient became an inpatient
	ToOutpatient                          // an inpatient became an outpatient
	Transfer                              // another place
	Update                                // better knowledge; never changes the state
	ExpectTransfer                        //
	ExpectDischarge                       //
	Discharge                             // the stay ended
	LeaveStart                            // on leave, still a patient
	LeaveEnd                              //
	CancelAdmit                           // takes back Admit or Register
	CancelTransfer                        //
	CancelDischarge                       //
	CancelExpectDischarge                 //
	CancelExpectTransfer                  //
	CancelPendingAdmit                    //
	CancelPreAdmit                        //
	Delete                                // the visit was entered in error
	CancelLeaveStart                      //
	CancelLeaveEnd                        // the patient is not back
	Depart                                // on the way to a temporary place; no census change
	Arrive                                // at a temporary place
	CancelArrive                          //
	CancelDepart                          //
	ChangeAttending                       //
	CancelAttending                       //
	ChangeConsulting                      //
	CancelConsulting                      //
	Move                                  // whose stay it is, and nothing else
	DeleteOwner                           // the patient was entered in error, and with it the stays that were the patient's
	kinds
)

var kindNames = [...]string{
	PreAdmit: "pre-admit", PendingAdmit: "pending-admit", Register: "register", Admit: "admit",
	ToInpatient: "to-inpatient", ToOutpatient: "to-outpatient", Transfer: "transfer", Update: "update",
	ExpectTransfer: "expect-transfer", ExpectDischarge: "expect-discharge", Discharge: "discharge",
	LeaveStart: "leave-start", LeaveEnd: "leave-end", CancelAdmit: "cancel-admit",
	CancelTransfer: "cancel-transfer", CancelDischarge: "cancel-discharge",
	CancelExpectDischarge: "cancel-expect-discharge", CancelExpectTransfer: "cancel-expect-transfer",
	CancelPendingAdmit: "cancel-pending-admit", CancelPreAdmit: "cancel-pre-admit", Delete: "delete",
	CancelLeaveStart: "cancel-leave-start", CancelLeaveEnd: "cancel-leave-end",
	Depart: "depart", Arrive: "arrive", CancelArrive: "cancel-arrive", CancelDepart: "cancel-depart",
	ChangeAttending: "change-attending", CancelAttending: "cancel-attending",
	ChangeConsulting: "change-consulting", CancelConsulting: "cancel-consulting", Move: "move", DeleteOwner: "delete-owner",
}

// String is the kind in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) && k > 0 {
		return kindNames[k]
	}
	return "unknown"
}

// ParseKind reads a kind in words; 0 for anything else.
func ParseKind(s string) Kind {
	for k, name := range kindNames {
		if name == s && k > 0 {
			return Kind(k)
		}
	}
	return 0
}

// Pending reports whether the fact is about a stay that has not begun: a plan or its cancel.
func (k Kind) Pending() bool {
	return k == PreAdmit || k == PendingAdmit || k == CancelPreAdmit || k == CancelPendingAdmit
}

// Tracking reports whether the fact is about a temporary place: a patient who is away for an hour is
// still where the bed is.
func (k Kind) Tracking() bool { return k >= Depart && k <= CancelDepart }

func (k Kind) deletes() bool { return k == Delete || k == DeleteOwner }

// silent: the fact says nothing of whether there is a stay.
func (k Kind) silent() bool { return k.Tracking() || k == Move }

// cancelled is what a cancel takes back; none for what is no cancel.
var cancelled = [kinds][]Kind{
	CancelAdmit: {Admit, Register}, CancelTransfer: {Transfer}, CancelDischarge: {Discharge},
	CancelExpectDischarge: {ExpectDischarge}, CancelExpectTransfer: {ExpectTransfer},
	CancelPendingAdmit: {PendingAdmit}, CancelPreAdmit: {PreAdmit},
	CancelLeaveStart: {LeaveStart}, CancelLeaveEnd: {LeaveEnd}, CancelArrive: {Arrive}, CancelDepart: {Depart},
	CancelAttending: {ChangeAttending}, CancelConsulting: {ChangeConsulting},
}

func (k Kind) cancels(of Kind) bool { return slices.Contains(cancelled[k], of) }

func (k Kind) isCancel() bool { return len(cancelled[k]) > 0 }

// rank breaks ties between facts of one instant: start, transfer, update, end, cancel.
func (k Kind) rank() int {
	switch k {
	case PreAdmit, PendingAdmit, Register, Admit, ToInpatient:
		return 0
	case ToOutpatient, Transfer, LeaveStart, LeaveEnd:
		return 1
	case Update, ExpectTransfer, ExpectDischarge, Depart, Arrive, ChangeAttending, ChangeConsulting, Move:
		return 2
	case Discharge:
		return 3
	}
	return 4
}

// Place is where a patient is: unit (point of care), room and bed.
type Place struct {
	Unit string `json:"unit,omitempty"`
	Room string `json:"room,omitempty"`
	Bed  string `json:"bed,omitempty"`
}

// Diagnosis is one coded diagnosis of a stay.
type Diagnosis struct {
	Code     string `json:"code"`
	System   string `json:"system,omitempty"`   // "icd-10" for any ICD-10 coding; else as sent
	Type     string `json:"type,omitempty"`     // HL7 0052: A admitting, W working, F final
	Priority int    `json:"priority,omitempty"` // 1 principal
	ID       string `json:"id,omitempty"`       // DG1-20: what a later change of this one diagnosis names
	Removed  bool   `json:"removed,omitempty"`  // in a list of changes: this one is taken off
}

// Fact is one message about a stay, translated. Values that were not sent are zero and mean "no
// information"; a value that was sent as deleted is Deleted.
type Fact struct {
	Message  events.ID // the message it came from; repeated statements of one message are one fact
	Kind     Kind
	Occurred time.Time // EVN-6 > PV1-44 (start) or PV1-45 (end) > EVN-2 > MSH-7
	Happened time.Time // EVN-6, else EVN-2, else MSH-7: the time of the event without PV1's
	Recorded time.Time // EVN-2, else MSH-7
	Sent     time.Time // MSH-7, else EVN-2
	Received time.Time // of the frame; never orders anything
	Control  string    // MSH-10
	Hash     events.ID // of the bytes: the last tie-breaker

	Patient   events.ID
	Place     Place // PV1-3
	Values    Values
	Diagnoses []Diagnosis // the whole list, if DiagnosesSent; changes to it, if DiagnosesChanged
}

// Deleted is the value of a text that the sender deleted ("").
const Deleted = "\x00"

// Values are what a fact says beside what happened.
type Values struct {
	Class               string     `json:"class,omitempty"`
	AdmitAt             *time.Time `json:"admit_at,omitempty"`     // PV1-44
	AdmitDay            bool       `json:"admit_day,omitempty"`    // PV1-44 has no time of day
	DischargeAt         *time.Time `json:"discharge_at,omitempty"` // PV1-45
	ExpectedAt          *time.Time `json:"expected_at,omitempty"`  // PV2-9
	PlannedAt           *time.Time `json:"planned_at,omitempty"`   // PV2-8
	Disposition         string     `json:"disposition,omitempty"`  // two digits, or Unmapped
	ExpectedDisposition string     `json:"expected_disposition,omitempty"`
	AdmitType           string     `json:"admit_type,omitempty"`
	AdmitSource         string     `json:"admit_source,omitempty"`
	Service             string     `json:"service,omitempty"`
	Attending           string     `json:"attending,omitempty"`
	VIP                 string     `json:"vip,omitempty"`       // "Y" or Deleted
	Protected           bool       `json:"protected,omitempty"` // PD1-12 was Y
	Account             string     `json:"account,omitempty"`
	PendingUnit         string     `json:"pending_unit,omitempty"` // PV1-42
	DiagnosesSent       bool       `json:"diagnoses_sent,omitempty"`
	DiagnosesChanged    bool       `json:"diagnoses_changed,omitempty"`
	Consulting          []string   `json:"consulting,omitempty"` // PV1-9; Deleted alone for none
	Temporary           *Place     `json:"temporary,omitempty"`  // PV1-11
	Procedures          *int       `json:"procedures,omitempty"` // how many PR1 say that one was done
	Mother              events.ID  `json:"mother,omitzero"`      // the key of the mother's identifier (PID-21)
	Prior               string     `json:"prior,omitempty"`      // the visit that this one goes on from (MRG of an A06 or A07)
	From                events.ID  `json:"from,omitzero"`        // of a move of an account: whose it was
	Of                  string     `json:"of,omitempty"`         // of a move of an account: its key
	Part                int        `json:"part,omitempty"`       // of a move of an account: which of its message's
	Gone                Times      `json:"gone,omitempty"`       // times that were sent as deleted
}

// Times is a set of the times of a stay.
type Times uint8

// The times that can be deleted.
const (
	AdmitTime Times = 1 << iota
	DischargeTime
	ExpectedTime
	PlannedTime
)

// Has reports whether t is in the set.
func (s Times) Has(t Times) bool { return s&t != 0 }

// Unmapped is the disposition of a code that no map knows.
const Unmapped = "?"

// before orders facts by when they happened.
func (f *Fact) before(g *Fact) bool {
	if c := f.Occurred.Compare(g.Occurred); c != 0 {
		return c < 0
	}
	if c := f.Recorded.Compare(g.Recorded); c != 0 {
		return c < 0
	}
	return f.tie(g) < 0
}

// saidBefore orders facts by when they were written down.
func (f *Fact) saidBefore(g *Fact) bool {
	if c := f.Recorded.Compare(g.Recorded); c != 0 {
		return c < 0
	}
	if c := f.Sent.Compare(g.Sent); c != 0 {
		return c < 0
	}
	if c := f.Kind.rank() - g.Kind.rank(); c != 0 {
		return c < 0
	}
	if c := f.Occurred.Compare(g.Occurred); c != 0 {
		return c < 0
	}
	return f.tie(g) < 0
}

func (f *Fact) tie(g *Fact) int {
	if c := f.Sent.Compare(g.Sent); c != 0 {
		return c
	}
	if c := f.Kind.rank() - g.Kind.rank(); c != 0 {
		return c
	}
	if c := strings.Compare(f.Control, g.Control); c != 0 {
		return c
	}
	if c := bytes.Compare(f.Hash[:], g.Hash[:]); c != 0 {
		return c
	}
	return f.Values.Part - g.Values.Part
}
