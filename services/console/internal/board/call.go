package board

import (
	"context"
	"strings"
	"time"

	"github.com/handoff-care/handoff/services/console/internal/text"
)

// Callable reports whether a task is done by reaching somebody.
func Callable(code string) bool {
	for _, part := range []string{"contact", "outreach", "engagement", "check-in", "call", "arrival-check", "-start"} {
		if strings.Contains(code, part) {
			return true
		}
	}
	return false
}

// People are called between these hours of their day.
const (
	callsFrom  = 9
	callsUntil = 20
)

// Next is when to try again, and why then.
type Next struct {
	At  time.Time
	Why text.Message
}

// NextAttempt says when to try again after an attempt that ended so. ok is false where trying again at
// the same number helps nobody. It keeps to the hours in which people are called, tries another part of
// the day when one has failed twice, and before the task is due where that can be.
func NextAttempt(outcome string, attempts int, now time.Time, due *time.Time, zone *time.Location) (n Next, ok bool) {
	var wait time.Duration
	switch outcome {
	case "busy":
		wait, n.Why = 30*time.Minute, "when the line may be free"
	case "no-answer":
		wait, n.Why = 2*time.Hour, "when they may be back"
	case "call-back":
		wait, n.Why = time.Hour, "as they asked"
	case "left-message":
		wait, n.Why = 4*time.Hour, "to give them time to call back"
	default:
		return n, false
	}
	at := now.Add(wait)
	if outcome == "no-answer" && attempts >= 2 {
		at, n.Why = otherPart(now, zone), "at another time of the day, as several tries have failed"
	}
	at = withinHours(at, zone, &n.Why)
	if due != nil && due.After(now) && at.After(due.Add(-30*time.Minute)) {
		if early := due.Add(-time.Hour); early.After(now.Add(15*time.Minute)) && inHours(early, zone) {
			at, n.Why = early, "an hour before the task is due"
		} else if soon := now.Add(30 * time.Minute); soon.Before(*due) && inHours(soon, zone) {
			at, n.Why = soon, "as the task is due soon"
		}
	}
	n.At = roundUp(at)
	return n, true
}

func inHours(at time.Time, zone *time.Location) bool {
	h := at.In(zone).Hour()
	return h >= callsFrom && h < callsUntil
}

func withinHours(at time.Time, zone *time.Location, why *text.Message) time.Time {
	local := at.In(zone)
	switch {
	case local.Hour() < callsFrom:
		*why = "when people are up"
		return time.Date(local.Year(), local.Month(), local.Day(), callsFrom, 0, 0, 0, zone)
	case local.Hour() >= callsUntil:
		*why = "as it is too late today"
		return time.Date(local.Year(), local.Month(), local.Day()+1, callsFrom, 0, 0, 0, zone)
	}
	return at
}

// otherPart is a time in another part of the day than now: late afternoon after a morning, morning after
// the rest.
func otherPart(now time.Time, zone *time.Location) time.Time {
	local := now.In(zone)
	if local.Hour() < 13 {
		return time.Date(local.Year(), local.Month(), local.Day(), 17, 0, 0, 0, zone)
	}
	return time.Date(local.Year(), local.Month(), local.Day()+1, callsFrom, 30, 0, 0, zone)
}

// roundUp is the next five minutes: nobody calls at 14:03:27.
func roundUp(at time.Time) time.Time {
	if short := at.Truncate(5 * time.Minute); !short.Equal(at) {
		return short.Add(5 * time.Minute)
	}
	return at
}

// When says a time of the near future in words, at the place where it is: "today at 3:10 PM".
func When(ctx context.Context, at, now time.Time, zone *time.Location) string {
	local, today := at.In(zone), now.In(zone)
	clock := text.Clock(ctx, local)
	switch days := dayNumber(local) - dayNumber(today); {
	case days == 0:
		return say(ctx, "today at %s", clock)
	case days == 1:
		return say(ctx, "tomorrow at %s", clock)
	case days > 1 && days < 7:
		return say(ctx, "%s at %s", text.Weekday(ctx, local), clock)
	}
	return say(ctx, "%s at %s", text.Day(ctx, local), clock)
}

func dayNumber(t time.Time) int64 {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// Snooze is a time something can be put off to, by a code that means a time in every zone.
type Snooze struct {
	Code string
	Text text.Message
}

// Snoozes are the times something can be put off to.
var Snoozes = []Snooze{{"1h", "In an hour"}, {"3h", "In three hours"}, {"evening", "This evening"}, {"tomorrow", "Tomorrow morning"}, {"monday", "Monday morning"}, {"week", "In a week"}}

// SnoozeAt is when a code means, in a zone. ok is false for no such code, and for what has passed today.
func SnoozeAt(code string, now time.Time, zone *time.Location) (at time.Time, ok bool) {
	local := now.In(zone)
	day := func(days, hour int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, hour, 0, 0, 0, zone)
	}
	switch code {
	case "1h":
		at = roundUp(now.Add(time.Hour))
	case "3h":
		at = roundUp(now.Add(3 * time.Hour))
	case "evening":
		at = day(0, 17)
	case "tomorrow":
		at = day(1, 9)
	case "monday":
		at = day((8-int(local.Weekday())-1)%7+1, 9)
	case "week":
		at = day(7, 9)
	}
	return at, at.After(now.Add(30 * time.Minute))
}
