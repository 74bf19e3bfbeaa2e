package clock

import (
	"fmt"
	"slices"
	"time"
)

// Say records on a clock what no task says: that it was met, or an attempt.
func (rec Record) Say(e Evidence) Record {
	rec.Log = append(slices.Clone(rec.Log), e)
	return rec
}

// Takes says why nothing can be recorded on a clock, if that is so.
func (t *Table) Takes(rec Record, id string) error {
	_, err := t.bend(rec, id, func(_ *Kept, r *Rule) error {
		if r.Window || r.MinStay {
			return fmt.Errorf("the clock of %s is watched and nobody has to meet it", id)
		}
		return nil
	})
	return err
}

// Unsay takes back the latest thing said of a clock itself.
func (rec Record) Unsay(rule string) (Record, bool) {
	for i := len(rec.Log) - 1; i >= 0; i-- {
		if rec.Log[i].Rule == rule {
			rec.Log = slices.Delete(slices.Clone(rec.Log), i, i+1)
			return rec, true
		}
	}
	return rec, false
}

// Forget takes back when a task took place, since it is open again.
func (rec Record) Forget(task string) Record {
	rec.Log = slices.DeleteFunc(slices.Clone(rec.Log), func(e Evidence) bool { return e.Kind == Done && e.Task == task && e.Rule == "" })
	return rec
}

// Pause lets a clock stand still from an instant on.
func (t *Table) Pause(rec Record, id, reason, by string, at time.Time) (Record, error) {
	return t.bend(rec, id, func(k *Kept, r *Rule) error {
		switch start := rec.Starts[r.Trigger]; {
		case !r.Pausable:
			return fmt.Errorf("the rule %s allows no pause", r.ID)
		case k.open() != nil:
			return fmt.Errorf("the clock is paused already")
		case at.Before(start):
			return fmt.Errorf("the clock starts only at %s", start.Format(time.RFC3339))
		case !at.Before(k.Due):
			return fmt.Errorf("the clock had run out by then")
		case len(k.Pauses) > 0 && at.Before(*k.Pauses[len(k.Pauses)-1].Until):
			return fmt.Errorf("the clock was paused at that time already")
		}
		k.Pauses = append(slices.Clone(k.Pauses), Pause{From: at.UTC(), Reason: reason, By: by})
		return nil
	})
}

// Resume ends the pause of a clock; it is due later by the pause.
func (t *Table) Resume(rec Record, id string, at time.Time, where Where) (Record, error) {
	return t.bend(rec, id, func(k *Kept, r *Rule) error {
		p := k.open()
		switch {
		case p == nil:
			return fmt.Errorf("the clock is not paused")
		case !at.After(p.From):
			return fmt.Errorf("the clock was paused only at %s", p.From.Format(time.RFC3339))
		}
		k.Pauses = slices.Clone(k.Pauses)
		until := at.UTC()
		k.Pauses[len(k.Pauses)-1].Until = &until
		k.Due = r.due(rec.Starts[r.Trigger], where, k.Bends)
		return nil
	})
}

// bend changes one clock of a record.
func (t *Table) bend(rec Record, id string, change func(k *Kept, r *Rule) error) (Record, error) {
	rec.Clocks = slices.Clone(rec.Clocks)
	k := rec.find(id)
	if k == nil {
		return rec, fmt.Errorf("no clock of rule %s runs here", id)
	}
	r := t.ref(k.Rule)
	if r == nil {
		return rec, fmt.Errorf("this build does not know %s", k.Rule)
	}
	err := change(k, r)
	return rec, err
}

// Move lets the clock of a rule run by another version, if it is still open and runs
// by the one named. It reports the clock as it was and as it is.
func (t *Table) Move(rec Record, id, from, to string, where Where) (next Record, was, is Kept, moved bool) {
	next = rec
	next.Clocks = slices.Clone(rec.Clocks)
	k, r := next.find(id), t.version(id, to)
	if k == nil || r == nil || k.Rule != id+"@"+from || k.State != "" && k.State != StatePaused && k.State != StateAttempted {
		return rec, was, is, false
	}
	start, ok := rec.Starts.at(r.Trigger)
	if !ok {
		return rec, was, is, false
	}
	was = *k
	k.Rule, k.Due = r.Ref(), r.due(start, where, k.Bends)
	return next, was, *k, true
}
