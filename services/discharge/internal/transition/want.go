package transition

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// Reasons a transition or its tasks end for, as others see them.
const (
	ReasonAdmissionCancelled = "admission-cancelled"
	ReasonEnteredInError     = "entered-in-error"
	ReasonNotApplicable      = "not-applicable"
	ReasonDischargeCancelled = "discharge-cancelled"
	ReasonExpired            = "expired"
	ReasonReplanned          = "replanned"
)

// Flags: remarks on the quality of what was sent.
const (
	FlagStillPatient        = "still-patient"        // a discharge with disposition 30
	FlagDispositionMissing  = "disposition-missing"  // a discharge without one
	FlagDispositionUnmapped = "disposition-unmapped" // a code nobody here knows
	FlagNoDischargeTime     = "no-discharge-time"    // a finished stay without its time
)

// Dead reports whether a disposition says the patient died.
func Dead(disposition string) bool {
	switch disposition {
	case "20", "40", "41", "42":
		return true
	}
	return false
}

// wanted is what a stay's transition should be.
type wanted struct {
	state  State
	reason string
	plan   protocol.Plan
	risk   *events.Risk
	risks  []events.Risk
	flags  []string
}

// want is the table of contract.md, "What opens a transition". dead says that the
// patient is known to have died, by whatever stay or demographics said so.
func (r *Rules) want(stay *events.Encounter, dead bool, where clock.Where) (wanted, error) {
	w, err := r.wantAlive(stay, where)
	if err != nil {
		return w, err
	}
	dead = dead || stay.State == "finished" && Dead(stay.Disposition)
	if dead && (w.state == Planning || w.state == Active) {
		return wanted{state: Expired, reason: ReasonExpired, flags: w.flags}, nil
	}
	return w, nil
}

func (r *Rules) wantAlive(stay *events.Encounter, where clock.Where) (wanted, error) {
	none := wanted{state: None, reason: ReasonNotApplicable}
	switch stay.State {
	case "cancelled": // A11
		return wanted{state: Cancelled, reason: ReasonAdmissionCancelled}, nil
	case "entered-in-error": // A23
		return wanted{state: Cancelled, reason: ReasonEnteredInError}, nil
	case "finished":
		return r.wantFinished(stay, where)
	case "planned":
		if stay.ExpectedAt == nil {
			return none, nil
		}
	}
	admitted := stay.State != "planned" && slices.Contains([]string{"inpatient", "observation", "obstetrics"}, stay.Class)
	if admitted || stay.ExpectedAt != nil { // an admission, or A16
		return wanted{state: Planning}, nil
	}
	return none, nil
}

func (r *Rules) wantFinished(stay *events.Encounter, where clock.Where) (wanted, error) {
	none := wanted{state: None, reason: ReasonNotApplicable}
	var open bool
	if open, none.flags = opens(stay); !open {
		return none, nil
	}
	none.flags = nil
	w := wanted{state: Active, flags: flags(stay)}
	w.risk, w.risks = r.scores(stay, where.Zone)
	var err error
	w.plan, err = r.Protocols.Plan(protocolStay(stay, w.risk), where)
	if err != nil || len(w.plan.Tasks) == 0 { // an emergency visit that no protocol is for
		return none, err
	}
	return w, nil
}

// opens reports whether a finished stay opens a transition, protocols apart; flags say
// why it does not where that is worth a remark.
func opens(stay *events.Encounter) (open bool, flags []string) {
	switch stay.Class {
	case "inpatient", "observation", "obstetrics", "emergency":
	case "newborn":
		if stay.Disposition == "01" {
			return false, nil
		}
	default:
		return false, nil
	}
	switch stay.Disposition {
	case "09":
		return false, nil
	case "30":
		return false, []string{FlagStillPatient}
	}
	return true, nil
}

func flags(stay *events.Encounter) []string {
	var out []string
	switch {
	case stay.RawDisposition:
		out = append(out, FlagDispositionUnmapped)
	case stay.Disposition == "":
		out = append(out, FlagDispositionMissing)
	}
	if stay.DischargedAt == nil {
		out = append(out, FlagNoDischargeTime)
	}
	return out
}

func protocolStay(stay *events.Encounter, score *events.Risk) protocol.Stay {
	out := protocol.Stay{
		Class: stay.Class, Disposition: stay.Disposition, DischargedAt: discharged(stay), Age: stay.Age, Sex: stay.Sex,
		Payer: stay.Payer, Language: stay.Language, Service: stay.Service, Facility: stay.Facility, Unit: stay.Unit,
		AdmitType: stay.AdmitType, AdmitSource: stay.AdmitSource, ZIP3: stay.ZIP3, Diagnoses: stay.Diagnoses,
	}
	if stay.AdmittedAt != nil {
		out.AdmittedAt = *stay.AdmittedAt
	}
	if score != nil {
		out.RiskMin, out.RiskMax = score.Min, score.Max
	}
	return out
}

// discharged is when the clocks start. A finished stay always has its time (the
// fold falls back to when the message was made); the zero time stands for none.
func discharged(stay *events.Encounter) time.Time {
	switch {
	case stay.DischargedAt != nil:
		return *stay.DischargedAt
	case stay.AdmittedAt != nil:
		return *stay.AdmittedAt
	}
	return time.Time{}
}
