package encounter

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
)

// Known is what others have been told of a stay, and where the patient's bed is, which others only
// hear of as a change.
type Known struct {
	events.Encounter
	Place Place
}

// Changes are the facts to announce when a stay that was known as old is now known as new: at least
// one if anything differs, none if nothing does. A change of state says everything at once; without
// one, class, place and expectation are told apart, and anything else is an update. reopened says
// that the stay began again, rather than that its end was taken back. New's FoldVersion is set to
// count this change.
func Changes(old, new *Known, reopened bool) []events.Fact {
	new.FoldVersion = old.FoldVersion
	var previous map[string]string // of what nobody was told yet, nothing is
	if old.FoldVersion > 0 {
		if previous = differences(old, new); len(previous) == 0 {
			return nil
		}
	}
	new.FoldVersion++
	about := events.About{Encounter: new.Encounter, Previous: previous}
	var out []events.Fact
	if old.FoldVersion > 0 && old.Patient != new.Patient {
		out = append(out, events.EncounterMoved{About: about})
	}
	if f := stateFact(old, new, about, reopened); f != nil {
		return append(out, f)
	}
	active := Open(new.State) || new.State == Finished
	if old.Class != new.Class {
		out = append(out, events.EncounterClassChanged{About: about})
	}
	if old.Place != new.Place && Open(new.State) {
		out = append(out, events.EncounterTransferred{About: about})
	}
	if !same(old.ExpectedAt, new.ExpectedAt) && active {
		out = append(out, events.EncounterDischargeExpected{About: about})
	}
	if len(out) == 0 {
		out = append(out, events.EncounterUpdated{About: about})
	}
	return out
}

// stateFact is the fact of a change of state, or nil if there is none to tell as such.
func stateFact(old, new *Known, about events.About, reopened bool) events.Fact {
	was, is := old.State, new.State
	switch {
	case was == is:
		return nil
	case is == Cancelled || is == EnteredInError:
		return events.EncounterAdmissionCancelled{About: about}
	case is == Finished:
		return events.EncounterDischarged{About: about}
	case is == Planned && (was == "" || was == Cancelled || was == EnteredInError):
		return events.EncounterPlanned{About: about}
	case is == Planned:
		return events.EncounterAdmissionCancelled{About: about} // the admission was taken back, the plan stands
	case was == Finished && reopened:
		return events.EncounterAdmitted{About: about}
	case was == Finished:
		return events.EncounterDischargeCancelled{About: about}
	case !Open(was):
		return events.EncounterAdmitted{About: about}
	}
	return nil // arrived, in progress and on leave: told by what else changed
}

// differences names what differs with its old value; nil: nothing does. Only codes and times.
func differences(old, new *Known) (m map[string]string) {
	note := func(name, was string) {
		if m == nil {
			m = map[string]string{}
		}
		m[name] = was
	}
	put := func(name, was, is string) {
		if was != is {
			note(name, was)
		}
	}
	id := func(name string, was, is events.ID) {
		if was != is {
			note(name, was.String())
		}
	}
	at := func(name string, was, is *time.Time) {
		if !same(was, is) {
			note(name, stamp(was))
		}
	}
	yes := func(name string, was, is bool) {
		if was != is {
			note(name, strconv.FormatBool(was))
		}
	}
	number := func(name string, was, is *int) {
		if (was == nil) != (is == nil) || was != nil && *was != *is {
			note(name, decimal(was))
		}
	}
	put("state", old.State, new.State)
	put("class", old.Class, new.Class)
	put("unit", old.Unit, new.Unit)
	put("room", old.Place.Room, new.Place.Room)
	put("bed", old.Place.Bed, new.Place.Bed)
	put("disposition", old.Disposition, new.Disposition)
	at("admitted_at", old.AdmittedAt, new.AdmittedAt)
	at("inpatient_at", old.InpatientAt, new.InpatientAt)
	at("observation_at", old.ObservationAt, new.ObservationAt)
	at("discharged_at", old.DischargedAt, new.DischargedAt)
	at("expected_discharge_at", old.ExpectedAt, new.ExpectedAt)
	id("patient_id", old.Patient, new.Patient)
	put("zone", old.Zone, new.Zone)
	put("admit_type", old.AdmitType, new.AdmitType)
	put("admit_source", old.AdmitSource, new.AdmitSource)
	put("service", old.Service, new.Service)
	put("attending", old.Attending, new.Attending)
	put("sex", old.Sex, new.Sex)
	put("zip3", old.ZIP3, new.ZIP3)
	put("language", old.Language, new.Language)
	put("payer", old.Payer, new.Payer)
	number("age", old.Age, new.Age)
	number("prior_ed_6m", old.PriorED6m, new.PriorED6m)
	number("prior_ed_12m", old.PriorED12m, new.PriorED12m)
	number("prior_ed_60d", old.PriorED60d, new.PriorED60d)
	number("prior_admissions_12m", old.PriorAdmissions12m, new.PriorAdmissions12m)
	number("procedures", old.Procedures, new.Procedures)
	id("episode_id", old.Episode, new.Episode)
	id("mother_encounter_id", old.Mother, new.Mother)
	at("hanging_since", old.HangingSince, new.HangingSince)
	put("hanging_rule", old.HangingRule, new.HangingRule)
	yes("disposition_unmapped", old.RawDisposition, new.RawDisposition)
	yes("deceased", old.Deceased, new.Deceased)
	yes("sensitive", old.Sensitive, new.Sensitive)
	yes("implicit", old.Implicit, new.Implicit)
	if !slices.Equal(old.Diagnoses, new.Diagnoses) {
		note("diagnoses", strings.Join(old.Diagnoses, " "))
	}
	return m
}

func same(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
