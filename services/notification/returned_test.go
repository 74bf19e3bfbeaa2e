package notification

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
)

// back is a return after the discharge of a stay.
func back(tr events.Transition, arrival string, change ...func(*events.Readmission)) events.Readmission {
	r := events.Readmission{
		ID: events.Derive("return", arrival), Encounter: tr.Encounter, Transition: tr.ID, Patient: tr.Patient, Facility: tr.Facility, Unit: tr.Unit,
		Class: "inpatient", Arrival: events.Arrival{Encounter: events.Derive("encounter", arrival), Facility: "LAKE", Class: "emergency"},
		Days: 5, State: "detected", Rules: "readmission@1",
		OpenTasks: []events.OpenTask{
			{Code: "call", Owner: "cy", OwnerRole: "liaison"}, {Code: "visit", Owner: "ann", OwnerRole: "liaison"}, {Code: "meds", OwnerRole: "liaison"},
		},
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func detected(r events.Readmission) events.Fact {
	return events.ReadmissionDetected{Return: events.Return{Readmission: r}}
}

func changed(r events.Readmission, previous map[string]string) events.Fact {
	return events.ReadmissionUpdated{Return: events.Return{Readmission: r, Previous: previous}}
}

func withdrawn(r events.Readmission, why string) events.Fact {
	r.State, r.Reason = "withdrawn", why
	return events.ReadmissionWithdrawn{Return: events.Return{Readmission: r}}
}

// of are the alerts of a kind, oldest first, as "state severity reason".
func (b *bench) of(tr events.Transition, kind string) (out []string, list []alertView) {
	b.t.Helper()
	for _, a := range slices.Backward(b.alerts("?encounter=" + tr.Encounter.String())) {
		if a.Kind == kind {
			out, list = append(out, a.State+" "+a.Severity+" "+a.Reason), append(list, a)
		}
	}
	return out, list
}

func TestAReturnIsToldToTheRosterAndToWhoeverOwnsAnOpenTask(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "ICU", "ann", "bob")
	b.roster("MERCY", "", "lea")
	tr := stay("one")
	b.told(opened(tr))
	list := b.told(detected(back(tr, "a")))
	b.tell(list...) // heard twice, told once
	said, alerts := b.of(tr, "readmission")
	if diff := cmp.Diff([]string{"raised urgent unplanned-return"}, said); diff != "" {
		t.Fatal(diff)
	}
	got := slices.Sorted(slices.Values(alerts[0].Recipients))
	if diff := cmp.Diff([]string{"ann", "bob", "cy"}, got); diff != "" {
		t.Error(diff)
	}
	if alerts[0].EncounterID != tr.Encounter || alerts[0].TransitionID != tr.ID || alerts[0].Facility != "MERCY" {
		t.Errorf("%+v", alerts[0])
	}
	b.balanced()
}

func TestWithoutARosterTheRoleIsToldBesideTheOwners(t *testing.T) {
	b := newBench(t, run.Config{})
	tr := stay("one")
	b.told(detected(back(tr, "a")))
	_, alerts := b.of(tr, "readmission")
	if diff := cmp.Diff([]string{"ann", "cy", "role:liaison"}, slices.Sorted(slices.Values(alerts[0].Recipients))); diff != "" {
		t.Error(diff)
	}
}

func TestAReturnThatWasNoneIsCorrectedToEveryoneWhoWasTold(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "", "ann")
	tr := stay("one")
	b.told(detected(back(tr, "a")))
	_, alerts := b.of(tr, "readmission")
	if code := b.call(b.as(web.Liaison), "POST", "/alerts/"+alerts[0].ID.String()+"/acknowledge", nil, nil); code != 200 {
		t.Fatal(code)
	}
	b.told(detected(back(tr, "b"))) // another, two days later: somebody has the first in hand already
	b.told(withdrawn(back(tr, "a"), "arrival-cancelled"))
	said, alerts := b.of(tr, "readmission")
	if diff := cmp.Diff([]string{"resolved urgent arrival-cancelled", "raised urgent unplanned-return"}, said); diff != "" {
		t.Fatal(diff)
	}
	var corrected []string
	for _, d := range b.detail(alerts[0].ID).Deliveries {
		if d.Channel == "console" && d.Version == alerts[0].Version {
			corrected = append(corrected, d.Recipient)
		}
	}
	slices.Sort(corrected)
	if diff := cmp.Diff([]string{"ann", "cy"}, corrected); diff != "" {
		t.Error(diff)
	}
	b.told(withdrawn(back(tr, "b"), "another-person"), withdrawn(back(tr, "c"), "another-person"))
	if said, _ := b.of(tr, "readmission"); said[1] != "resolved urgent another-person" {
		t.Errorf("%v", said)
	}
	b.balanced()
}

func TestWhatBecomesOfAReturnIsSaidOnItsThread(t *testing.T) {
	b := newBench(t, run.Config{})
	tr := stay("one")
	b.told(detected(back(tr, "a")))
	in := back(tr, "a", func(r *events.Readmission) { r.Outcome, r.Arrival.Class = "admitted", "inpatient" })
	b.told(changed(in, map[string]string{"outcome": ""}))
	in.Planned = true
	b.told(changed(in, map[string]string{"planned": "false"}))
	if said, _ := b.of(tr, "readmission"); !slices.Equal(said, []string{"raised routine planned-return"}) {
		t.Errorf("%v", said)
	}
	late := back(tr, "b", func(r *events.Readmission) { r.Late = true })
	b.told(detected(late), changed(late, map[string]string{"outcome": ""}), withdrawn(late, "arrival-cancelled"))
	if said, _ := b.of(tr, "readmission"); len(said) != 1 {
		t.Errorf("a return heard of late is no news: %v", said)
	}
	b.balanced()
}

func TestAnAdmissionEndsTheAlertOfTheDischargeUntilItIsTakenBack(t *testing.T) {
	b := newBench(t, run.Config{})
	tr := stay("one")
	b.told(opened(tr))
	tr.Version, tr.State = 3, "readmitted"
	b.told(events.TransitionReadmitted{Of: events.Of{Transition: tr}})
	if said, _ := b.of(tr, "transition-opened"); !slices.Equal(said, []string{"resolved routine readmitted"}) {
		t.Errorf("%v", said)
	}
	tr.Version, tr.State = 4, "active"
	b.told(events.TransitionOpened{Of: events.Of{Transition: tr, Previous: map[string]string{"state": "readmitted"}}})
	if said, _ := b.of(tr, "transition-opened"); !slices.Equal(said, []string{"raised routine not-readmitted"}) {
		t.Errorf("%v", said)
	}
}

func TestAConfidentialReturnIsForTheOwningRoleOnly(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "ICU", "ann", "bob")
	tr := stay("one")
	b.told(detected(back(tr, "a", func(r *events.Readmission) { r.Sensitive = true })))
	_, alerts := b.of(tr, "readmission")
	if diff := cmp.Diff([]string{"role:liaison"}, alerts[0].Recipients); diff != "" {
		t.Error(diff)
	}
}
