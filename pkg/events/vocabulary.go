package events

// entry is one row of the vocabulary: an empty fact and how to read one.
type entry struct {
	zero Fact
	read func(doc []byte) (Event, error)
}

var vocabulary = []entry{
	{EncounterPlanned{}, read[EncounterPlanned]},
	{EncounterAdmitted{}, read[EncounterAdmitted]},
	{EncounterTransferred{}, read[EncounterTransferred]},
	{EncounterClassChanged{}, read[EncounterClassChanged]},
	{EncounterDischargeExpected{}, read[EncounterDischargeExpected]},
	{EncounterDischarged{}, read[EncounterDischarged]},
	{EncounterDischargeCancelled{}, read[EncounterDischargeCancelled]},
	{EncounterAdmissionCancelled{}, read[EncounterAdmissionCancelled]},
	{EncounterUpdated{}, read[EncounterUpdated]},
	{EncounterMoved{}, read[EncounterMoved]},
	{PatientRegistered{}, read[PatientRegistered]},
	{PatientUpdated{}, read[PatientUpdated]},
	{PatientLinked{}, read[PatientLinked]},
	{PatientUnlinked{}, read[PatientUnlinked]},
	{PatientMerged{}, read[PatientMerged]},
	{PatientUnmerged{}, read[PatientUnmerged]},
	{FacilityChanged{}, read[FacilityChanged]},
	{MessageQuarantined{}, read[MessageQuarantined]},
	{TransitionPlanned{}, read[TransitionPlanned]},
	{TransitionOpened{}, read[TransitionOpened]},
	{TransitionReplanned{}, read[TransitionReplanned]},
	{TransitionUpdated{}, read[TransitionUpdated]},
	{TransitionCancelled{}, read[TransitionCancelled]},
	{TransitionExpired{}, read[TransitionExpired]},
	{TransitionCompleted{}, read[TransitionCompleted]},
	{TransitionReadmitted{}, read[TransitionReadmitted]},
	{ReadmissionDetected{}, read[ReadmissionDetected]},
	{ReadmissionUpdated{}, read[ReadmissionUpdated]},
	{ReadmissionWithdrawn{}, read[ReadmissionWithdrawn]},
	{TaskCreated{}, read[TaskCreated]},
	{TaskAssigned{}, read[TaskAssigned]},
	{TaskAttempted{}, read[TaskAttempted]},
	{TaskRescheduled{}, read[TaskRescheduled]},
	{TaskCompleted{}, read[TaskCompleted]},
	{TaskReopened{}, read[TaskReopened]},
	{TaskCancelled{}, read[TaskCancelled]},
	{TaskDue{}, read[TaskDue]},
	{TaskOverdue{}, read[TaskOverdue]},
	{ClockMet{}, read[ClockMet]},
	{ClockMissed{}, read[ClockMissed]},
	{ClockWithdrawn{}, read[ClockWithdrawn]},
	{RequestReceived{}, read[RequestReceived]},
	{RequestUpdated{}, read[RequestUpdated]},
	{RequestCorrected{}, read[RequestCorrected]},
	{ReferralDrafted{}, read[ReferralDrafted]},
	{ReferralUpdated{}, read[ReferralUpdated]},
	{ChoiceRecorded{}, read[ChoiceRecorded]},
	{ReferralSent{}, read[ReferralSent]},
	{ReferralAcknowledged{}, read[ReferralAcknowledged]},
	{ReferralOffered{}, read[ReferralOffered]},
	{ReferralDeclined{}, read[ReferralDeclined]},
	{ReferralAccepted{}, read[ReferralAccepted]},
	{ReferralBooked{}, read[ReferralBooked]},
	{ReferralRecalled{}, read[ReferralRecalled]},
	{ReferralWithdrawn{}, read[ReferralWithdrawn]},
	{ArrivalConfirmed{}, read[ArrivalConfirmed]},
	{AlertRaised{}, read[AlertRaised]},
	{AlertCorrected{}, read[AlertCorrected]},
	{AlertDelivered{}, read[AlertDelivered]},
	{AlertAcknowledged{}, read[AlertAcknowledged]},
	{AlertHandedOver{}, read[AlertHandedOver]},
	{AlertEscalated{}, read[AlertEscalated]},
	{AlertResolved{}, read[AlertResolved]},
	{AlertFailed{}, read[AlertFailed]},
}

var readers = index(vocabulary)

func index(entries []entry) map[string]func([]byte) (Event, error) {
	m := make(map[string]func([]byte) (Event, error), len(entries))
	for _, e := range entries {
		m[e.zero.Type()] = e.read
	}
	return m
}

// Types lists an empty fact of every type this build knows, for documentation and golden tests.
func Types() []Fact {
	out := make([]Fact, len(vocabulary))
	for i, e := range vocabulary {
		out[i] = e.zero
	}
	return out
}
