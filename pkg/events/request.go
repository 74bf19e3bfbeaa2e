package events

import "time"

// Request is a request that a person told of for a stay: for an authorization, a grievance, an appeal, a record. Its
// clocks follow from it. It carries codes and times, no words of the patient's.
type Request struct {
	Encounter  ID            `json:"encounter_id"`
	Transition ID            `json:"transition_id"`
	Patient    ID            `json:"patient_id"`
	Facility   string        `json:"facility"`
	Unit       string        `json:"unit,omitempty"`
	N          int           `json:"n"`                 // 1, 2, 3... of the stay
	Urgency    string        `json:"urgency,omitempty"` // standard, expedited
	Scheme     string        `json:"scheme,omitempty"`  // of a grievance or an appeal: whose rules it goes by
	Referral   ID            `json:"referral_id"`       // it is about; none: the stay
	Said       []RequestWord `json:"said,omitempty"`    // what happened to it, its receipt first; empty: it was written down by mistake
	Version    int           `json:"version"`           // of the stay's list of requests
	Sensitive  bool          `json:"sensitive,omitempty"`
}

// RequestWord is one thing that happened to a request.
type RequestWord struct {
	Event   string    `json:"event"` // authorization-requested, information-requested, authorization-decided, withdrawn...
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome,omitempty"` // a code: approved, denied...
	Reason  string    `json:"reason,omitempty"`  // a code
	By      string    `json:"by"`                // who wrote it down
}

// Asked is embedded by every fact of a request. Its key is the encounter.
type Asked struct {
	Request Request `json:"request"`
}

// Key is the encounter.
func (a Asked) Key() ID { return a.Request.Encounter }

// Snapshot returns the request as of this fact.
func (a Asked) Snapshot() Request { return a.Request }

// RequestFact is any fact of a request.
type RequestFact interface {
	Fact
	Snapshot() Request
}

// The facts of a request.
type (
	RequestReceived  struct{ Asked } // somebody asked for something
	RequestUpdated   struct{ Asked } // something happened to it: an answer, or a step on the way
	RequestCorrected struct {        // the latest thing told of it was a mistake
		Asked
		Undone RequestWord `json:"undone"`
		By     string      `json:"by"` // who said so
	}
)

func (RequestReceived) Type() string  { return "care.request.received.v1" }
func (RequestUpdated) Type() string   { return "care.request.updated.v1" }
func (RequestCorrected) Type() string { return "care.request.corrected.v1" }
