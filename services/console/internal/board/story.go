package board

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Line is one line of an episode's story.
type Line struct {
	Source  string // 1 admission, 2 discharge, 3 referral, 4 notification
	Said    string
	Aside   string
	At      time.Time
	Late    string // where it was heard of much later than it happened
	Correct bool   // it takes back or changes what was said before
	Message string // address of the hospital's message behind it, or ""
}

// Happening is a fact as the timeline keeps it.
type Happening struct {
	Type                                           string
	Occurred, Received                             time.Time
	Title, Code, State, Reason, Outcome, Owner, By string
	Unit, Class, Disposition                       string
	Previous                                       map[string]string
	To                                             []string
}

// said is what each type of fact is in plain words.
var said = map[string]text.Message{
	events.EncounterPlanned{}.Type():            "A stay was planned",
	events.EncounterAdmitted{}.Type():           "Arrived",
	events.EncounterTransferred{}.Type():        "Moved to another unit or bed",
	events.EncounterClassChanged{}.Type():       "The kind of stay changed",
	events.EncounterDischargeExpected{}.Type():  "The expected discharge changed",
	events.EncounterDischarged{}.Type():         "Left the hospital",
	events.EncounterDischargeCancelled{}.Type(): "The discharge was cancelled",
	events.EncounterAdmissionCancelled{}.Type(): "The admission was cancelled",
	events.EncounterUpdated{}.Type():            "The hospital updated the stay",
	events.EncounterMoved{}.Type():              "The stay belongs to another patient now",
	events.TransitionPlanned{}.Type():           "Transition of care being planned",
	events.TransitionOpened{}.Type():            "Transition of care opened",
	events.TransitionReplanned{}.Type():         "The plan was made again",
	events.TransitionUpdated{}.Type():           "The transition was updated",
	events.TransitionCancelled{}.Type():         "Transition of care cancelled",
	events.TransitionExpired{}.Type():           "Transition of care ended: the patient has died",
	events.TransitionCompleted{}.Type():         "Transition of care complete",
	events.TransitionReadmitted{}.Type():        "Back in the hospital: nothing more to do after this discharge",
	events.ReadmissionDetected{}.Type():         "Back at a hospital",
	events.ReadmissionUpdated{}.Type():          "Back at a hospital: what became of it",
	events.ReadmissionWithdrawn{}.Type():        "Was not back at a hospital after all",
	events.TaskAssigned{}.Type():                "Owner changed",
	events.TaskAttempted{}.Type():               "Attempted",
	events.TaskRescheduled{}.Type():             "Rescheduled",
	events.TaskCompleted{}.Type():               "Done",
	events.TaskReopened{}.Type():                "Opened again",
	events.TaskCancelled{}.Type():               "Cancelled",
	events.TaskDue{}.Type():                     "Due soon",
	events.TaskOverdue{}.Type():                 "Overdue",
	events.ReferralDrafted{}.Type():             "Search for the next place of care prepared",
	events.ReferralUpdated{}.Type():             "Places were ranked again",
	events.ChoiceRecorded{}.Type():              "The patient was shown the places, and the choice was written down",
	events.ReferralSent{}.Type():                "Asked for a place",
	events.ReferralAcknowledged{}.Type():        "The request was received",
	events.ReferralOffered{}.Type():             "A place was offered",
	events.ReferralDeclined{}.Type():            "A place was declined",
	events.ReferralAccepted{}.Type():            "A place was accepted",
	events.ReferralBooked{}.Type():              "A place is booked",
	events.ReferralRecalled{}.Type():            "The request was taken back",
	events.ReferralWithdrawn{}.Type():           "The request was withdrawn",
	events.ArrivalConfirmed{}.Type():            "Arrived at the next place of care",
	events.AlertRaised{}.Type():                 "Alert raised",
	events.AlertCorrected{}.Type():              "Alert corrected",
	events.AlertDelivered{}.Type():              "Alert delivered",
	events.AlertAcknowledged{}.Type():           "Alert taken on",
	events.AlertHandedOver{}.Type():             "Alert handed over",
	events.AlertEscalated{}.Type():              "Alert passed on: nobody had taken it on",
	events.AlertResolved{}.Type():               "Alert settled",
	events.AlertFailed{}.Type():                 "Alert could not be delivered",
}

// Tell puts a fact into words. staff are what people are called, zone is the place’s.
func Tell(ctx context.Context, h Happening, staff map[string]string, zone *time.Location) Line {
	kind, _, _ := strings.Cut(strings.TrimPrefix(h.Type, "care."), ".")
	l := Line{At: h.Occurred, Correct: Corrects(h.Type), Said: h.happened(ctx, kind, staff)}
	a := aside{ctx: ctx}
	switch kind {
	case "encounter":
		a.add(Plain(ctx, h.Class))
		a.about("unit %s", h.Unit)
		if h.Type == (events.EncounterDischarged{}).Type() {
			a.about("to: %s", Disposition(ctx, h.Disposition))
		}
		a.add(changes(ctx, h.Previous, zone))
	case "task":
		a.task(h, staff, zone)
	case "request":
		if h.State == "expedited" {
			a.add(say(ctx, "urgent"))
		}
		a.about("outcome: %s", strings.ToLower(Plain(ctx, h.Outcome)))
		a.about("by %s", called(h.By, staff))
	case "readmission":
		a.add(strings.ToLower(Plain(ctx, h.Code)))
		a.add(strings.ToLower(Plain(ctx, h.Class)))
		a.about("outcome: %s", strings.ToLower(Plain(ctx, h.Outcome)))
		a.about("because %s", Reason(ctx, h.Reason))
	case "alert":
		a.alert(h, staff)
	default:
		if kind == "referral" {
			a.add(Need(ctx, h.Code))
		}
		a.about("because %s", Reason(ctx, h.Reason))
		a.add(changes(ctx, h.Previous, zone))
	}
	l.Aside = strings.Join(a.words, ", ")
	if late := h.Received.Sub(h.Occurred); late > 15*time.Minute {
		l.Late = say(ctx, "reported %s later", Length(ctx, late))
	}
	return l
}

// happened is what a fact says, without what there is to say beside it.
func (h Happening) happened(ctx context.Context, kind string, staff map[string]string) string {
	words := cmp.Or(say(ctx, said[h.Type]), Plain(ctx, strings.TrimSuffix(strings.TrimPrefix(h.Type, "care."), ".v1")))
	switch {
	case h.Type == (events.TaskAssigned{}).Type():
		return assigned(ctx, h, staff)
	case kind == "task":
		return words + ": " + h.Title
	case kind == "request":
		return asked(ctx, h)
	}
	return words
}

// aside is what is said of a fact beside what happened.
type aside struct {
	ctx   context.Context
	words []string
}

func (a *aside) add(words string) {
	if words != "" {
		a.words = append(a.words, words)
	}
}

// about adds a word in a phrase; without the word there is none.
func (a *aside) about(m text.Message, word string) {
	if word != "" {
		a.words = append(a.words, say(a.ctx, m, word))
	}
}

func (a *aside) task(h Happening, staff map[string]string, zone *time.Location) {
	if h.Type != (events.TaskAssigned{}).Type() {
		a.about("by %s", called(h.By, staff))
	}
	a.about("outcome: %s", strings.ToLower(Plain(a.ctx, h.Outcome)))
	a.about("because %s", Reason(a.ctx, h.Reason))
	if h.Type == (events.TaskRescheduled{}).Type() {
		a.add(changes(a.ctx, h.Previous, zone))
	}
}

func (a *aside) alert(h Happening, staff map[string]string) {
	a.add(AlertKind(a.ctx, h.Code))
	a.about("to %s", strings.Join(Recipients(a.ctx, h.To, staff), ", "))
	a.about("by %s", called(h.By, staff))
	if h.Type == (events.AlertCorrected{}).Type() || h.Type == (events.AlertResolved{}).Type() {
		a.about("because %s", Reason(a.ctx, h.Reason))
	}
}

func assigned(ctx context.Context, h Happening, staff map[string]string) string {
	switch {
	case h.Owner == "":
		return say(ctx, "Given back: %s", h.Title)
	case h.State == "in-progress":
		return say(ctx, "Started by %s: %s", called(h.Owner, staff), h.Title)
	}
	return say(ctx, "Taken by %s: %s", called(h.Owner, staff), h.Title)
}

// requests are what happens to a request, as a story tells it.
var requests = map[string]text.Message{
	"authorization-requested": "The payer’s agreement was asked for", "authorization-decided": "The payer decided", "status-shown": "The payer showed how it stands",
	"grievance-received": "A complaint came in", "grievance-resolved": "The complaint was answered",
	"appeal-received": "An appeal came in", "appeal-decided": "The appeal was decided",
	"records-requested": "The patient’s records were asked for", "records-provided": "The request for records was answered",
	"information-requested": "More information was asked for", "information-received": "The information came", "extended": "More time was taken",
	"withdrawn": "Whoever asked took the request back",
}

func asked(ctx context.Context, h Happening) string {
	said := cmp.Or(say(ctx, requests[h.Code]), Plain(ctx, h.Code))
	if h.Type == (events.RequestCorrected{}).Type() {
		return say(ctx, "Was a mistake: “%s”", said)
	}
	return said
}

func called(subject string, staff map[string]string) string {
	if name := staff[subject]; name != "" {
		return name
	}
	return subject
}

// Made tells of tasks that came to be, those of one moment in one line.
func Made(ctx context.Context, works []Work) []Line {
	at := map[time.Time][]string{}
	for _, w := range works {
		at[w.CreatedAt] = append(at[w.CreatedAt], w.Task.Title)
	}
	var out []Line
	for t, titles := range at {
		slices.Sort(titles)
		out = append(out, Line{Source: "2", Said: sayN(ctx, len(titles), "%d task made", "%d tasks made"), Aside: strings.Join(titles, "; "), At: t})
	}
	return out
}

// Need is a kind of next caregiver in words.
func Need(ctx context.Context, code string) string {
	words := map[string]text.Message{
		"snf": "Skilled nursing facility", "home-health": "Home health", "irf": "Rehabilitation facility", "ltch": "Long-term care hospital",
		"hospice": "Hospice", "psych": "Psychiatric care", "dialysis": "Dialysis",
	}
	if w, ok := words[code]; ok {
		return say(ctx, w)
	}
	return Plain(ctx, code)
}

// AlertKind is what an alert is about, in words.
func AlertKind(ctx context.Context, kind string) string {
	words := map[string]text.Message{
		"transition-opened": "A patient left: follow-up is needed", "task-overdue": "A task is overdue", "clock-missed": "A request was not answered in time", "referral-declined": "A place was declined",
		"message-quarantined": "A message could not be used", "referral-accepted": "A place was accepted", "referral-asked": "A place is asked for",
		"readmission": "A discharged patient is back in the hospital", "late-arrivals": "Discharges were reported late", "escalation-exhausted": "Nobody answered an alert",
		"endpoint-disabled": "A connected program is gone",
	}
	if w, ok := words[kind]; ok {
		return say(ctx, w)
	}
	return Plain(ctx, kind)
}

// Transition is a transition's state in words.
func Transition(ctx context.Context, state string) string {
	words := map[string]text.Message{
		"planning": "In the hospital, being planned", "active": "Follow-up under way", "completed": "Follow-up complete", "cancelled": "Cancelled",
		"expired": "Ended: the patient has died", "readmitted": "Back in the hospital", "closed": "Closed",
	}
	if w, ok := words[state]; ok {
		return say(ctx, w)
	}
	return Plain(ctx, state)
}

// Recipients names persons and roles: "role:lead" is "Liaison lead".
func Recipients(ctx context.Context, to []string, staff map[string]string) []string {
	out := make([]string, 0, len(to))
	for _, s := range to {
		if role, ok := strings.CutPrefix(s, "role:"); ok {
			s = say(ctx, "every %s", strings.ToLower(Role(ctx, role)))
			if role == "operations" || role == "intake" { // words for a place of work, not for a person
				s = say(ctx, "everybody in %s", strings.ToLower(Role(ctx, role)))
			}
		} else {
			s = called(s, staff)
		}
		out = append(out, s)
	}
	return out
}
