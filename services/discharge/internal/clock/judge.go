package clock

import (
	"slices"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// verdict is how a clock stands, and by what.
type verdict struct {
	state    State
	by       *Evidence // what met it; or came too late
	attempts int       // timely ones
	tracked  bool      // somebody here was asked to see to it, or said something of it
	waived   *Evidence // another clock's evidence that stands for this one's
	dropped  *Word     // nobody asks for it any more
}

// judge is how one clock stands. It looks at its record and at tasks, never at what it
// said before.
func (t *Table) judge(rec *Record, k *Kept, r *Rule, a Around) verdict {
	start, _ := rec.StartOf(*k, r.Trigger)
	switch {
	case r.Window:
		return window(r, k, a)
	case r.MinStay:
		return minStay(rec, k, a)
	}
	v := verdict{state: StateDue}
	opens := r.opens(start, a.Zone)
	best, late := v.gather(rec, k, r, a, opens)
	if w := r.WaivedBy; best == nil && w != nil {
		v.waived = t.waiver(rec, w, start, a)
	}
	switch {
	case best != nil:
		v.state, v.by = StateMet, best
	case v.waived != nil, v.dropped != nil:
		v.state = StateNotApplicable
	case k.open() != nil:
		v.state = StatePaused
	case r.Attempts > 0 && v.attempts >= r.Attempts:
		v.state, v.by = StateAttempted, late
	case !a.Now.Before(k.Due):
		v.state, v.by = StateMissed, late
	}
	return v
}

// gather finds the earliest evidence in time and the earliest after it, and counts the
// timely attempts.
func (v *verdict) gather(rec *Record, k *Kept, r *Rule, a Around, opens time.Time) (best, late *Evidence) {
	consider := func(e Evidence) {
		switch {
		case e.At.Before(opens):
		case e.At.Before(k.Due):
			if best == nil || e.At.Before(best.At) {
				best = &e
			}
		case late == nil || e.At.Before(late.At):
			late = &e
		}
	}
	if ask := rec.ask(k.Ask); ask != nil && r.Asked != nil {
		v.answer(ask, r, k, consider)
		return best, late
	}
	for i := range a.Tasks {
		task := &a.Tasks[i]
		if !slices.Contains(r.MetBy, task.Code) {
			continue
		}
		v.tracked = true
		if task.Done {
			consider(rec.done(task))
		}
	}
	for _, e := range rec.Log {
		mine := e.Rule == r.ID || e.Rule == "" && slices.Contains(r.MetBy, e.Code)
		if !mine {
			continue
		}
		v.tracked = v.tracked || e.Rule == r.ID
		switch e.Kind {
		case Done:
			if e.Rule == r.ID {
				consider(e)
			}
		case Attempt:
			if slices.Contains(r.AttemptOutcomes, e.Outcome) {
				consider(e)
			}
			if !e.At.Before(opens) && e.At.Before(k.Due) {
				v.attempts++
			}
		}
	}
	v.tracked = v.tracked || len(k.Pauses) > 0
	return best, late
}

// done is the completion of a task as evidence: when it took place, if that was
// recorded, else when it was completed.
func (rec *Record) done(task *Task) Evidence {
	e := Evidence{Kind: Done, Task: task.ID, Code: task.Code, At: task.At.UTC(), Outcome: task.Outcome, By: task.By}
	for _, said := range rec.Log {
		if said.Kind == Done && said.Task == task.ID {
			e.At = said.At
		}
	}
	return e
}

// window is how a period stands that is only watched.
func window(r *Rule, k *Kept, a Around) verdict {
	switch {
	case r.EndsIn == endsInReadmission && a.Readmitted:
		return verdict{state: StateMissed}
	case a.Now.Before(k.Due):
		return verdict{state: StateDue}
	}
	return verdict{state: StateMet, by: &Evidence{Kind: PeriodIs, At: k.Due}}
}

const endsInReadmission = "readmission"

// minStay is how a stay stands that has to last.
func minStay(rec *Record, k *Kept, a Around) verdict {
	left, gone := rec.Starts.at(Discharge)
	switch {
	case gone && left.Before(k.Due):
		return verdict{state: StateMissed, by: &Evidence{Kind: StayEnd, At: left}}
	case gone || !a.Now.Before(k.Due):
		return verdict{state: StateMet, by: &Evidence{Kind: StayEnd, At: k.Due}}
	}
	return verdict{state: StateDue}
}

// waiver is the evidence of the rule that stands for a clock, if it came near enough
// before the trigger.
func (t *Table) waiver(rec *Record, w *Waiver, start time.Time, a Around) *Evidence {
	k := rec.find(w.Rule)
	if k == nil {
		return nil
	}
	r := t.ref(k.Rule)
	if r == nil {
		return nil
	}
	v := t.judge(rec, k, r, a)
	if v.state != StateMet || calendar.Midnights(v.by.At, start, a.Zone) > w.Days {
		return nil
	}
	return v.by
}

// open is the pause that has not ended, or nil.
func (k *Kept) open() *Pause {
	if n := len(k.Pauses); n > 0 && k.Pauses[n-1].Until == nil {
		return &k.Pauses[n-1]
	}
	return nil
}
