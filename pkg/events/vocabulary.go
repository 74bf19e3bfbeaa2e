package events

import "encoding/json"

// entry is one row of the vocabulary: an empty fact and how to read one.
type entry struct {
	zero Fact
	read func(json.RawMessage) (Fact, error)
}

var vocabulary = []entry{
	{EncounterPlanned{}, fact[EncounterPlanned]},
	{EncounterAdmitted{}, fact[EncounterAdmitted]},
	{EncounterTransferred{}, fact[EncounterTransferred]},
	{EncounterClassChanged{}, fact[EncounterClassChanged]},
	{EncounterDischargeExpected{}, fact[EncounterDischargeExpected]},
	{EncounterDischarged{}, fact[EncounterDischarged]},
	{EncounterDischargeCancelled{}, fact[EncounterDischargeCancelled]},
	{EncounterAdmissionCancelled{}, fact[EncounterAdmissionCancelled]},
	{EncounterUpdated{}, fact[EncounterUpdated]},
	{EncounterMoved{}, fact[EncounterMoved]},
	{PatientRegistered{}, fact[PatientRegistered]},
	{PatientUpdated{}, fact[PatientUpdated]},
	{PatientLinked{}, fact[PatientLinked]},
	{PatientUnlinked{}, fact[PatientUnlinked]},
	{FacilityChanged{}, fact[FacilityChanged]},
	{MessageQuarantined{}, fact[MessageQuarantined]},
	{TransitionPlanned{}, fact[TransitionPlanned]},
	{TransitionOpened{}, fact[TransitionOpened]},
	{TransitionReplanned{}, fact[TransitionReplanned]},
	{TransitionUpdated{}, fact[TransitionUpdated]},
	{TransitionCancelled{}, fact[TransitionCancelled]},
	{TransitionExpired{}, fact[TransitionExpired]},
	{TransitionCompleted{}, fact[TransitionCompleted]},
	{TaskCreated{}, fact[TaskCreated]},
	{TaskAssigned{}, fact[TaskAssigned]},
	{TaskAttempted{}, fact[TaskAttempted]},
	{TaskRescheduled{}, fact[TaskRescheduled]},
	{TaskCompleted{}, fact[TaskCompleted]},
	{TaskReopened{}, fact[TaskReopened]},
	{TaskCancelled{}, fact[TaskCancelled]},
	{TaskDue{}, fact[TaskDue]},
	{TaskOverdue{}, fact[TaskOverdue]},
	{ReferralDrafted{}, fact[ReferralDrafted]},
	{ReferralUpdated{}, fact[ReferralUpdated]},
	{ReferralSent{}, fact[ReferralSent]},
	{ReferralAcknowledged{}, fact[ReferralAcknowledged]},
	{ReferralOffered{}, fact[ReferralOffered]},
	{ReferralDeclined{}, fact[ReferralDeclined]},
	{ReferralAccepted{}, fact[ReferralAccepted]},
	{ReferralBooked{}, fact[ReferralBooked]},
	{ReferralRecalled{}, fact[ReferralRecalled]},
	{ReferralWithdrawn{}, fact[ReferralWithdrawn]},
	{ArrivalConfirmed{}, fact[ArrivalConfirmed]},
	{AlertRaised{}, fact[AlertRaised]},
	{AlertCorrected{}, fact[AlertCorrected]},
	{AlertDelivered{}, fact[AlertDelivered]},
	{AlertAcknowledged{}, fact[AlertAcknowledged]},
	{AlertEscalated{}, fact[AlertEscalated]},
	{AlertResolved{}, fact[AlertResolved]},
	{AlertFailed{}, fact[AlertFailed]},
}

var readers = index(vocabulary)

func index(entries []entry) map[string]func(json.RawMessage) (Fact, error) {
	m := make(map[string]func(json.RawMessage) (Fact, error), len(entries))
	for _, e := range entries {
		m[e.zero.Type()] = e.read
	}
	return m
}

func fact[F Fact](data json.RawMessage) (Fact, error) {
	var f F
	err := json.Unmarshal(data, &f)
	return f, err
}

// Types lists an empty fact of every type this build knows, for documentation and golden tests.
func Types() []Fact {
	out := make([]Fact, len(vocabulary))
	for i, e := range vocabulary {
		out[i] = e.zero
	}
	return out
}
