package board

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// codes are the codes of the services that mean the same wherever they stand.
var codes = map[string]text.Message{
	// classes of a stay
	"inpatient": "Inpatient", "observation": "Observation", "emergency": "Emergency", "outpatient": "Outpatient", "recurring": "Recurring visits",
	"preadmit": "Expected to come", "obstetrics": "Obstetrics", "newborn": "Newborn",
	// how pressing something is
	"critical": "Critical", "urgent": "Urgent", "routine": "Routine", "asap": "As soon as possible", "stat": "At once", "high": "High", "moderate": "Moderate", "low": "Low",
	// states
	"requested": "To do", "accepted": "Accepted", "in-progress": "Begun", "on-hold": "Put off", "completed": "Done", "cancelled": "Cancelled", "failed": "Could not be done",
	"rejected": "Refused", "raised": "Nobody has it yet", "acknowledged": "Taken on", "resolved": "Settled", "drafted": "Nobody has been asked yet", "sent": "Asked", "offered": "A place is offered",
	"declined": "Declined", "booked": "The day is set", "arrived": "Arrived", "no-show": "The patient did not come", "withdrawn": "Ended", "expired": "Ended without an answer",
	"planning": "Being planned", "active": "Under way", "closed": "Closed", "readmitted": "Back in the hospital", "applied": "Used", "ignored": "Not needed",
	"quarantined": "Set aside", "kept": "Kept", "delivered": "Delivered", "pending": "On its way", "suppressed": "Held back", "detected": "Found", "open": "Open", "ended": "Ended",
	// how a try ended, and what came of a request
	"reached": "Reached", "no-answer": "No answer", "left-message": "Left a message", "busy": "The line was busy", "wrong-number": "Wrong number", "call-back": "Asked to be called back",
	"refused": "Does not want to be called", "done": "Done", "approved": "Approved", "denied": "Denied", "partly-approved": "Approved in part", "upheld": "The refusal stands",
	"admitted": "Admitted", "left": "Left again", "died": "Died", "planned": "Planned", "unplanned": "Not planned",
	// reasons of providers, and for them
	"no-bed": "No bed", "no-capacity": "No visits are free", "staffing": "Not enough staff", "clinical-needs": "Cannot give the care needed", "equipment": "Equipment is missing",
	"infection-control": "Infection control", "payer": "Does not take this insurance", "authorization": "The payer has not agreed", "out-of-area": "Too far",
	"incomplete-packet": "Needs more information", "no-response": "Did not answer", "another-accepted": "Another place was faster", "patient-choice": "The patient chose otherwise",
	"plan-changed": "The plan changed", "placed-elsewhere": "Found elsewhere", "no-provider": "No provider can take the patient", "mistake": "It was a mistake", "other": "Another reason",
	"directory-changed": "The directory of providers changed", "no-longer-needed": "It is not needed any more", "patient": "The patient", "representative": "Whoever speaks for the patient",
	"patient-left-it-to-us": "The patient leaves the choice to us", "representative-left-it-to-us": "Whoever speaks for the patient leaves the choice to us",
	// services, and what they count
	"us-federal": "US federal holidays", "admission": "Admission", "discharge": "Discharge", "referral": "Referral", "notification": "Notification", "console": "Console",
}

// Plain makes words of a code: those of the catalogue where it has some, else the code's own: "tcm-contact" is
// "Tcm contact".
func Plain(ctx context.Context, code string) string {
	if m, ok := codes[code]; ok {
		return say(ctx, m)
	}
	if m, ok := reasons[code]; ok {
		return Upper(say(ctx, m))
	}
	return spell(code)
}

// spell reads a code that nobody has words for: an organization's own.
func spell(code string) string {
	return Upper(strings.NewReplacer("-", " ", "_", " ").Replace(code))
}

// Upper is a text that begins with a capital letter.
func Upper(s string) string { return first(s, unicode.ToUpper) }

// Lower is a text that begins with a small letter, as a part of a sentence does.
func Lower(s string) string { return first(s, unicode.ToLower) }

func first(s string, as func(rune) rune) string {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError {
		return s
	}
	return string(as(r)) + s[n:]
}
