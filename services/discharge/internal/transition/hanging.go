package transition

import (
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// Hanging reports whether a stay waits for its end, and nothing was heard of it for
// too long.
func Hanging(stay events.Encounter) bool {
	switch stay.State {
	case "finished", "cancelled", "entered-in-error":
		return false
	}
	return stay.HangingSince != nil
}

// hanging adds the task to find out what became of a stay that nobody ended. Its clock
// starts when the stay should have ended; or, where nobody here could know that in
// time (an old feed is being loaded), when it was found out, and then it wakes nobody.
func (r *Rules) hanging(now *Now, w *wanted, where clock.Where) {
	if !Hanging(now.Stay) || w.state != Planning && w.state != None {
		return
	}
	since := *now.Stay.HangingSince
	if t := open(now.Tasks, protocol.CloseVisit); t != nil && same(now.Current.Stay.HangingSince, now.Stay.HangingSince) {
		since = t.Trigger
	} else if now.At.Sub(since) > r.LateAfter {
		since = now.At
	}
	if t, ok := r.Protocols.Hanging(now.Stay.Class, since, where); ok {
		w.plan.Tasks = append(w.plan.Tasks, t)
	}
}

func open(tasks []Task, code string) *Task {
	for i := range tasks {
		if t := &tasks[i]; t.Code == code && t.Open() {
			return t
		}
	}
	return nil
}

// Late reports whether a task's times passed before anybody here could know of them:
// late says so of its transition, hanging when its stay should have ended.
func Late(code string, trigger time.Time, late bool, hanging *time.Time) bool {
	if code == protocol.CloseVisit && hanging != nil {
		return trigger.After(*hanging)
	}
	return late
}

// since is from when on a task that was ended stands for its code: the discharge; or
// when the stay was found to be without an end.
func (d *decision) since(code string) time.Time {
	if code == protocol.CloseVisit && d.now.Stay.HangingSince != nil {
		return *d.now.Stay.HangingSince
	}
	return discharged(&d.now.Stay)
}

// turned reports whether the stay was found to be without an end, or is so no more.
func (d *decision) turned() bool {
	return d.now.Current != nil && !same(d.now.Current.Stay.HangingSince, d.now.Stay.HangingSince)
}
