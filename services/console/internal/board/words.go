package board

import (
	"context"
	"strings"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Tone says how pressing a due time is; it is shown by colour, shape and words together.
type Tone string

// The tones, most pressing first.
const (
	Overdue Tone = "overdue"
	Soon    Tone = "soon"  // within four hours
	Today   Tone = "today" // within a day
	Later   Tone = "later"
	NoDue   Tone = "none"
)

// Pressing says how pressing a due time is.
func Pressing(due *time.Time, now time.Time) Tone {
	if due == nil {
		return NoDue
	}
	switch left := due.Sub(now); {
	case left <= 0:
		return Overdue
	case left <= 4*time.Hour:
		return Soon
	case left <= 24*time.Hour:
		return Today
	}
	return Later
}

// Countdown says in words how long there is until due, rounded so that it never promises more time
// than there is. The browser counts on with the same words (static/app.js).
func Countdown(ctx context.Context, due *time.Time, now time.Time) (string, Tone) {
	tone := Pressing(due, now)
	switch tone {
	case NoDue:
		return say(ctx, "No due time"), tone
	case Overdue:
		return say(ctx, "Overdue by %s", Length(ctx, now.Sub(*due))), tone
	}
	return say(ctx, "Due in %s", Length(ctx, due.Sub(now))), tone
}

// Length is a length of time in the two words that matter, rounded down.
func Length(ctx context.Context, d time.Duration) string {
	minutes := int(d / time.Minute)
	switch {
	case minutes < 1:
		return say(ctx, "less than a minute")
	case minutes < 60:
		return sayN(ctx, minutes, "%d minute", "%d minutes")
	case minutes < 6*60 && minutes%60 != 0:
		return say(ctx, "%d h %d min", minutes/60, minutes%60)
	case minutes < 48*60:
		return sayN(ctx, minutes/60, "%d hour", "%d hours")
	}
	return sayN(ctx, minutes/(24*60), "%d day", "%d days")
}

// Ago says in words how long ago something was.
func Ago(ctx context.Context, at, now time.Time) string {
	if now.Sub(at) < time.Minute {
		return say(ctx, "just now")
	}
	return say(ctx, "%s ago", Length(ctx, now.Sub(at)))
}

// dispositions are UB-04 FL 17 in a nurse's words.
var dispositions = map[string]text.Message{
	"01": "home", "02": "another hospital", "03": "skilled nursing facility", "04": "intermediate care", "05": "cancer or children’s hospital",
	"06": "home with home health", "07": "left against medical advice", "09": "admitted here", "20": "died", "21": "court or law enforcement",
	"30": "still a patient", "40": "died at home", "41": "died in a facility", "42": "died, place unknown", "43": "federal hospital",
	"50": "home with hospice", "51": "hospice facility", "61": "swing bed", "62": "rehabilitation facility", "63": "long-term care hospital",
	"64": "nursing facility", "65": "psychiatric hospital", "66": "critical access hospital", "69": "disaster care site", "70": "other institution",
}

// Disposition is where a patient went, in words; planned readmissions (81 to 95) say so.
func Disposition(ctx context.Context, code string) string {
	if word, ok := dispositions[code]; ok {
		return say(ctx, word)
	}
	planned := map[string]string{
		"81": "01", "82": "02", "83": "03", "84": "04", "85": "05", "86": "06", "87": "21", "88": "43", "89": "61",
		"90": "62", "91": "63", "92": "64", "93": "65", "94": "66", "95": "70",
	}
	if base, ok := planned[code]; ok {
		return say(ctx, "%s, return planned", say(ctx, dispositions[base]))
	}
	if code == "" {
		return say(ctx, "destination not yet known")
	}
	return say(ctx, "destination code %s", code)
}

// Role is a role in a person's words.
func Role(ctx context.Context, role string) string {
	words := map[string]text.Message{
		"liaison": "Clinical liaison", "lead": "Liaison lead", "intake": "Post-acute intake", "interface": "Interface engineer",
		"operations": "Operations", "privacy": "Privacy officer", "admin": "Administrator", "auditor": "Auditor",
	}
	if w, ok := words[role]; ok {
		return say(ctx, w)
	}
	return Plain(ctx, role)
}

// reasons are why a task, a transition or a search changed or ended.
var reasons = map[string]text.Message{
	"discharge-cancelled": "the discharge was cancelled", "admission-cancelled": "the admission was cancelled",
	"entered-in-error": "the stay was entered in error", "not-applicable": "the stay no longer calls for it",
	"deceased": "the patient has died", "replanned": "the plan changed", "patient-died": "the patient has died", "expired": "the patient has died", "not-deceased": "the patient has not died after all",
	"patient-changed": "the stay belongs to another patient’s record", "facility-changed": "the hospital changed",
	"discharge-time-changed": "the time of the discharge was corrected", "disposition-changed": "the destination was corrected",
	"class-changed": "the kind of stay was corrected", "calendar-changed": "the hospital’s business days changed",
	"stay-corrected": "the stay was corrected", "done-already": "what was done counts again", "discharged-again": "the patient left after all",
	"readmitted": "the patient was admitted again", "not-readmitted": "the patient was not admitted again after all",
	"arrival-cancelled": "the arrival was cancelled", "another-person": "it was another person", "same-return": "it belongs to the emergency visit before it",
	"transfer": "it was a transfer, not a return", "unplanned-return": "nothing says that it was planned", "planned-return": "it was planned",
	"not-within-window": "it was not within the days that count", "not-an-arrival": "it was not a visit that counts",
	"visit-ended": "the visit has ended", "heard-of-again": "there was news of the visit",
}

// Reason is why a task or transition ended, in words.
func Reason(ctx context.Context, code string) string {
	if code == "" {
		return ""
	}
	if w, ok := reasons[code]; ok {
		return say(ctx, w)
	}
	return strings.ToLower(Plain(ctx, code))
}

// StayState is a stay's state in words.
func StayState(ctx context.Context, state string) string {
	words := map[string]text.Message{
		"planned": "Planned", "arrived": "Here", "in-progress": "In the hospital", "onleave": "On leave", "finished": "Left", "cancelled": "Cancelled",
		"entered-in-error": "Entered in error",
	}
	if w, ok := words[state]; ok {
		return say(ctx, w)
	}
	return Plain(ctx, state)
}

// Sentence is a text as a sentence of its own.
func Sentence(text string) string {
	if text == "" {
		return ""
	}
	return Upper(strings.TrimSuffix(text, ".")) + "."
}
