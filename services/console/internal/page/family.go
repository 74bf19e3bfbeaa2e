package page

import (
	"cmp"
	"context"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/board"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// forFamily says what a task is to the patient: what somebody does for them, not what staff call it. Follow-up
// after mental illness or substance use is a visit like others: the page may lie on a table.
var forFamily = map[string]text.Patient{
	"tcm-contact":               "A call from the team: how things are at home, the medicines, and whom to call",
	"follow-up-visit":           "A visit with the primary care doctor",
	"medication-reconciliation": "The medicines are checked: the new ones, and those taken before",
	"discharge-information":     "The hospital’s report goes to the primary care doctor",
	"patient-engagement":        "A visit or a call after the hospital",
	"home-health-start":         "The first visit of home health care",
	"hospice-start":             "The first visit of the hospice team",
	"comfort-medicines":         "The bed, oxygen and comfort medicines are made ready",
	"handoff-report":            "The hospital tells the next team by telephone what they need to know",
	"handoff-packet":            "The papers reach the next place",
	"arrival-check":             "The team makes sure that the arrival went well",
	"facility-check-in":         "The team asks the next place how things are going",
	"facility-review":           "The team and the next place talk about how long the stay will be, and about going home",
	"ama-outreach":              "A call from the team, to offer help",
	"newborn-visit":             "The baby’s first check-up",
	"postpartum-contact":        "A call from the team: how mother and baby are",
	"postpartum-warning":        "A call from the team: how mother and baby are",
	"dialysis-chair":            "The next dialysis session is confirmed",
	"dialysis-orders":           "The dialysis center is told what it needs to know",
	"copd-check":                "The inhalers and the oxygen are checked",
	"copd-review":               "A visit about the lungs and breathing",
	"diabetes-check":            "Blood sugar and supplies are checked",
	"diabetes-visit":            "A visit about diabetes",
	"hf-call":                   "A call about the heart: weight, breathing, medicines",
	"hf-facility-plan":          "A plan for the heart, made with the next place",
	"close-the-visit":           "The hospital confirms that the visit has ended",
	"mental-health-visit-7":     "A follow-up visit",
	"mental-health-visit-30":    "A follow-up visit",
	"safety-contact":            "A call from the team: how things are",
	"ed-mental-health-7":        "A follow-up visit",
	"ed-mental-health-30":       "A follow-up visit",
	"ed-substance-use-7":        "A follow-up visit",
	"ed-substance-use-30":       "A follow-up visit",
	"ed-chronic-follow-up":      "A follow-up visit",
}

// wentTo is where a patient went, by UB-04 FL 17; those who died are told nothing.
var wentTo = map[string]text.Patient{
	"01": "Went home", "02": "Went to another hospital", "03": "Went to a skilled nursing facility", "04": "Went to intermediate care",
	"05": "Went to a cancer or children’s hospital", "06": "Went home, with home health care", "43": "Went to a federal hospital",
	"50": "Went home, with hospice care", "51": "Went to a hospice", "61": "Went to a hospital bed for skilled nursing care", "62": "Went to a rehabilitation facility",
	"63": "Went to a long-term care hospital", "64": "Went to a nursing facility", "65": "Went to a psychiatric hospital", "66": "Went to a critical access hospital",
}

// caregivers are the kinds of next caregivers.
var caregivers = map[string]text.Patient{
	"snf": "Skilled nursing facility", "home-health": "Home health care", "irf": "Rehabilitation facility", "ltch": "Long-term care hospital",
	"hospice": "Hospice care", "psych": "Psychiatric care", "dialysis": "Dialysis",
}

// searching is how far the search for the next caregiver is.
var searching = map[string]text.Patient{
	"drafted": "The team looks for places that fit.", "sent": "Places have been asked. The answers are awaited.", "acknowledged": "Places have been asked. The answers are awaited.",
	"offered": "A place is offered.", "declined": "Those who were asked have no place. Others will be asked.", "accepted": "A place is found.", "booked": "The day is set.",
	"arrived": "Arrived there.", "no-show": "A new day will be set.", "withdrawn": "The search has ended.", "expired": "Others will be asked.",
}

// taskForFamily is a task in the patient's words; where there are none, its title as it is, and in is its language.
func taskForFamily(ctx context.Context, code, title string) (words, in string) {
	if m, ok := forFamily[code]; ok {
		return toPatient(ctx, m), text.Of(ctx).Code
	}
	return title, text.English.Code
}

// orCode says a code in the patient's words, or as well as can be.
func orCode(ctx context.Context, words map[string]text.Patient, code string) string {
	if m, ok := words[code]; ok {
		return toPatient(ctx, m)
	}
	return board.Plain(ctx, code)
}

// milestone tells what happened as one would to the family: no names of staff, no codes. in is the language
// it is told in.
func milestone(ctx context.Context, h board.Happening) (said, aside, in string) {
	in = text.Of(ctx).Code
	switch h.Type {
	case (events.EncounterAdmitted{}).Type():
		if h.Class == "emergency" {
			return toPatient(ctx, "Came to the emergency department"), "", in
		}
		return toPatient(ctx, "Came to the hospital"), "", in
	case (events.EncounterTransferred{}).Type():
		if h.Unit != "" {
			return toPatient(ctx, "Moved to %s", h.Unit), "", in
		}
		return toPatient(ctx, "Moved within the hospital"), "", in
	case (events.EncounterDischarged{}).Type():
		if m, ok := wentTo[h.Disposition]; ok {
			aside = toPatient(ctx, m)
		}
		return toPatient(ctx, "Left the hospital"), aside, in
	case (events.EncounterDischargeCancelled{}).Type():
		return toPatient(ctx, "Stayed in hospital after all"), "", in
	case (events.ReferralAccepted{}).Type():
		return toPatient(ctx, "A place was found"), orCode(ctx, caregivers, h.Code), in
	case (events.ReferralBooked{}).Type():
		return toPatient(ctx, "The day of the move was set"), orCode(ctx, caregivers, h.Code), in
	case (events.ArrivalConfirmed{}).Type():
		return toPatient(ctx, "Arrived at the next place"), orCode(ctx, caregivers, h.Code), in
	}
	said, in = taskForFamily(ctx, h.Code, h.Title)
	return said, toPatient(ctx, "Done"), in
}

// promise says by when a task is done and who sees to it. What is due at midnight is due the day before.
func (e Episode) promise(ctx context.Context, r board.Row) string {
	who := cmp.Or(r.OwnerName, toPatient(ctx, "the follow-up team"))
	if r.Due == nil {
		return toPatient(ctx, "%s sees to it.", who)
	}
	return toPatient(ctx, "By %s; %s sees to it.", text.Day(ctx, r.Due.Add(-time.Second).In(e.Zone)), who)
}

// calledPlainly is what the page calls the patient.
func (e Episode) calledPlainly(ctx context.Context) string {
	switch {
	case e.Hidden:
		return toPatient(ctx, "Confidential patient")
	case e.Who == "" || e.Who == "Patient":
		return toPatient(ctx, "Patient")
	}
	return e.Who
}

// speaks is the address of a paper in a language.
func (p Page) speaks(l *text.Language) string {
	if p.Query == "" {
		return p.Path + "?lang=" + l.Code
	}
	return p.Path + "?" + p.Query + "&lang=" + l.Code
}

// FamilyTitle is the title of the family's page.
func FamilyTitle(ctx context.Context) string { return toPatient(ctx, "For the family") }
