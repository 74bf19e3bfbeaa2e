package events

import "time"

// Referral is a search for one next caregiver; its states are contract.md's.
type Referral struct {
	ID         ID         `json:"id"`
	Encounter  ID         `json:"encounter_id"`
	Transition ID         `json:"transition_id"`
	Patient    ID         `json:"patient_id"`
	Facility   string     `json:"facility"`
	Unit       string     `json:"unit,omitempty"`
	Need       string     `json:"need"` // snf, home-health, irf, ltch, hospice, psych, dialysis
	State      string     `json:"state"`
	Reason     string     `json:"reason,omitempty"`
	Version    int        `json:"version"`
	Candidates int        `json:"candidates"`
	Provider   ID         `json:"provider_id"` // who accepted, or ""
	Offers     []Offer    `json:"offers,omitempty"`
	StartAt    *time.Time `json:"start_at,omitempty"`
	Sensitive  bool       `json:"sensitive,omitempty"`
	Late       bool       `json:"late_arrival,omitempty"`
	// DischargedAt is when the person left, or will have been said to have left, the hospital.
	DischargedAt *time.Time `json:"discharged_at,omitempty"`
	SettlesAt    *time.Time `json:"settles_at,omitempty"` // as of its transition
	// Places are the facilities (their codes) that providers of Offers are tied to, by provider id.
	Places map[string]string `json:"places,omitempty"`
}

// Offer is what was asked of one provider and what it answered.
type Offer struct {
	Provider ID     `json:"provider_id"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`

	AskedAt    *time.Time `json:"asked_at,omitempty"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"` // when it first said that it can, or cannot
	Until      *time.Time `json:"until,omitempty"`       // it is asked until then; silence lets it go
	Wave       int        `json:"wave,omitempty"`        // which wave it was asked in, from 1
	Question   bool       `json:"question,omitempty"`    // it asked something that nobody has answered
}

// Search is embedded by every referral fact. Its key is the encounter.
type Search struct {
	Referral Referral `json:"referral"`
	By       string   `json:"by,omitempty"`
	// Previous is what a correction of the stay changed, old values; ids, codes and times only.
	Previous map[string]string `json:"previous,omitempty"`
}

// Key is the encounter.
func (s Search) Key() ID { return s.Referral.Encounter }

// Snapshot returns the referral as of this fact.
func (s Search) Snapshot() Referral { return s.Referral }

// ReferralFact is any fact that carries a referral snapshot.
type ReferralFact interface {
	Fact
	Snapshot() Referral
}

// The facts of a referral.
type (
	ReferralDrafted      struct{ Search }
	ReferralUpdated      struct{ Search } // candidates re-ranked
	ChoiceRecorded       struct{ Search } // the list was shown to the patient; what they chose is referral's
	ReferralSent         struct{ Search }
	ReferralAcknowledged struct{ Search }
	ReferralOffered      struct{ Search }
	ReferralDeclined     struct{ Search }
	ReferralAccepted     struct{ Search }
	ReferralBooked       struct{ Search }
	ReferralRecalled     struct{ Search } // withdrawn because the reason for it went away
	ReferralWithdrawn    struct{ Search } // withdrawn by a person
	ArrivalConfirmed     struct{ Search }
)

func (ReferralDrafted) Type() string      { return "care.referral.drafted.v1" }
func (ReferralUpdated) Type() string      { return "care.referral.updated.v1" }
func (ChoiceRecorded) Type() string       { return "care.referral.choice-recorded.v1" }
func (ReferralSent) Type() string         { return "care.referral.sent.v1" }
func (ReferralAcknowledged) Type() string { return "care.referral.acknowledged.v1" }
func (ReferralOffered) Type() string      { return "care.referral.offered.v1" }
func (ReferralDeclined) Type() string     { return "care.referral.declined.v1" }
func (ReferralAccepted) Type() string     { return "care.referral.accepted.v1" }
func (ReferralBooked) Type() string       { return "care.referral.booked.v1" }
func (ReferralRecalled) Type() string     { return "care.referral.recalled.v1" }
func (ReferralWithdrawn) Type() string    { return "care.referral.withdrawn.v1" }
func (ArrivalConfirmed) Type() string     { return "care.referral.arrived.v1" }
