package clock

import (
	"fmt"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// Do is what a step does.
type Do string

// The steps of a derivation.
const (
	DoStart      Do = "start"        // at: the trigger
	DoDayZero    Do = "day-zero"     // day: the trigger's local day; counting begins after it
	DoSkip       Do = "skip"         // day, why: the next day does not count
	DoCount      Do = "count"        // day, n: the next day is the n-th that counts
	DoAddDays    Do = "add-days"     // day, n: n days on, all of which count
	DoAddHours   Do = "add-hours"    // at, n: n hours of elapsed time on, or before where n is negative
	DoPause      Do = "pause"        // at, until: the clock stands still
	DoExtend     Do = "extend"       // n, and day or at: n calendar days more
	DoEndOfDay   Do = "end-of-day"   // at: the local midnight that ends the day
	DoStartOfDay Do = "start-of-day" // at: the local midnight that begins it
	DoSooner     Do = "sooner"       // at: what started the clock ends before it would be due
)

// Step is one step of the way from a trigger to a due instant.
type Step struct {
	Do    Do         `json:"do" enum:"start,day-zero,skip,count,add-days,add-hours,pause,extend,end-of-day,start-of-day,sooner"`
	At    *time.Time `json:"at,omitempty"`
	Until *time.Time `json:"until,omitempty"`
	Day   string     `json:"day,omitempty"`
	N     int        `json:"n,omitempty"`
	Why   string     `json:"why,omitempty"`
}

const paused = "paused"

const (
	dayWords     = "Mon 2 Jan 2006"
	instantWords = "Mon 2 Jan 2006 15:04 MST"
)

// walk goes the way and writes it down, for machines and for people.
type walk struct {
	rule  Rule
	where Where
	bends Bends
	at    time.Time
	day   calendar.Date
	steps []Step
	says  []string
}

func (w *walk) do(trigger time.Time) {
	w.at = trigger
	w.step(Step{Do: DoStart, At: utc(trigger)})
	if w.rule.Unit == Hours {
		w.hours(trigger)
	} else {
		w.days()
	}
	if end := w.bends.Ends; w.rule.Sooner && end != nil && end.Before(w.at) {
		w.at = *end
		w.step(Step{Do: DoSooner, At: utc(w.at)})
		w.say("It ended before that: due by then, before %s", w.words(w.at))
	}
}

func (w *walk) hours(trigger time.Time) {
	n := w.rule.Count
	w.say("%s %s", verbs[w.rule.Trigger], w.words(trigger))
	w.at = trigger.Add(time.Duration(n) * time.Hour)
	w.step(Step{Do: DoAddHours, N: n, At: utc(w.at)})
	if n < 0 {
		w.say("%d hours before that: due before %s", -n, w.words(w.at))
	} else {
		w.say("%d hours later: due before %s", n, w.words(w.at))
	}
	for _, p := range w.bends.Pauses {
		if p.Until == nil || !p.From.Before(w.at) || !p.Until.After(trigger) {
			continue
		}
		w.at = w.at.Add(p.Until.Sub(later(p.From, trigger)))
		w.step(Step{Do: DoPause, At: utc(p.From), Until: utc(*p.Until), Why: p.Reason})
		w.say("Paused from %s to %s%s: due before %s", w.words(p.From), w.words(*p.Until), because(p.Reason), w.words(w.at))
	}
	if days := w.rule.ExtensionDays; days > 0 && w.bends.Extended {
		w.at = w.at.In(w.where.Zone).AddDate(0, 0, days)
		w.step(Step{Do: DoExtend, N: days, At: utc(w.at)})
		w.say("Extended by %d days: due before %s", days, w.words(w.at))
	}
}

func (w *walk) days() {
	w.day = calendar.DateOf(w.at, w.where.Zone)
	w.step(Step{Do: DoDayZero, Day: w.day.String()})
	first := verbs[w.rule.Trigger] + " " + w.words(w.at) + ": that day is day 0"
	if w.rule.Unit == BusinessDays {
		first += "; counting starts the day after"
	}
	w.say("%s", first)
	pauses := 0
	for _, p := range w.bends.Pauses {
		if p.Until == nil {
			continue
		}
		pauses++
		w.step(Step{Do: DoPause, At: utc(p.From), Until: utc(*p.Until), Why: p.Reason})
		w.say("Paused from %s to %s%s", w.words(p.From), w.words(*p.Until), because(p.Reason))
	}
	if w.rule.Unit == BusinessDays || pauses > 0 {
		w.count()
	} else {
		w.day = w.day.AddDays(w.rule.Count)
		w.step(Step{Do: DoAddDays, N: w.rule.Count, Day: w.day.String()})
	}
	w.last()
}

// count goes day by day and passes over those that do not count.
func (w *walk) count() {
	for n := 0; n < w.rule.Count; {
		w.day = w.day.AddDays(1)
		if why := w.skips(w.day); why != "" {
			w.step(Step{Do: DoSkip, Day: w.day.String(), Why: why})
			w.say("%s does not count: %s", inWords(w.day), inFull(why, w.day))
			continue
		}
		n++
		w.step(Step{Do: DoCount, N: n, Day: w.day.String()})
	}
}

// skips says why a day does not count; empty where it does.
func (w *walk) skips(d calendar.Date) string {
	start := d.Start(w.where.Zone)
	for _, p := range w.bends.Pauses {
		if p.covers(start) {
			return paused
		}
	}
	if w.rule.Unit == BusinessDays {
		why, _ := w.where.Calendar.Closed(d)
		return why
	}
	return ""
}

// last names the last day and ends it; of midnights the last one is the day's beginning.
func (w *walk) last() {
	n := strconv.Itoa(w.rule.Count)
	if w.rule.Unit == Midnights {
		w.at = w.day.Start(w.where.Zone)
		w.step(Step{Do: DoStartOfDay, At: utc(w.at)})
		w.say("Midnight %s is the start of %s: a stay until then has %s days", n, inWords(w.day), n)
		return
	}
	name := "Day "
	if w.rule.Unit == BusinessDays {
		name = "Business day "
	}
	w.say("%s%s is %s", name, n, inWords(w.day))
	if days := w.rule.ExtensionDays; days > 0 && w.bends.Extended {
		w.day = w.day.AddDays(days)
		w.step(Step{Do: DoExtend, N: days, Day: w.day.String()})
		w.say("Extended by %d days to %s", days, inWords(w.day))
	}
	w.at = w.day.End(w.where.Zone)
	w.step(Step{Do: DoEndOfDay, At: utc(w.at)})
	w.say("Due by the end of that day: before %s", w.words(w.at))
}

func (w *walk) step(s Step) { w.steps = append(w.steps, s) }

func (w *walk) say(format string, args ...any) { w.says = append(w.says, fmt.Sprintf(format, args...)) }

func (w *walk) words(t time.Time) string { return t.In(w.where.Zone).Format(instantWords) }

func inWords(d calendar.Date) string { return d.Start(time.UTC).Format(dayWords) }

func inFull(why string, d calendar.Date) string {
	switch why {
	case paused:
		return "the clock was paused when it began"
	case d.Weekday().String():
		return "a " + why
	}
	return "closed for " + why
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func utc(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}
