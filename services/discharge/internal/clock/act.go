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

// Moved is a clock before and after it was moved to another version of its rule.
type Moved struct{ Was, Is Kept }

// Move lets the clocks of a rule run by another version, those that are still open and
// run by the one named: the stay's own, and those of its requests. It reports each as
// it was and as it is.
func (t *Table) Move(rec Record, id, from, to string, where Where) (next Record, moved []Moved) {
	next = rec
	next.Clocks = slices.Clone(rec.Clocks)
	r := t.version(id, to)
	if r == nil {
		return rec, nil
	}
	for i := range next.Clocks {
		k := &next.Clocks[i]
		start, ok := rec.StartOf(*k, r.Trigger)
		if !ok || k.Rule != id+"@"+from || k.State != "" && k.State != StatePaused && k.State != StateAttempted {
			continue
		}
		was := *k
		k.Rule = r.Ref()
		if a := rec.ask(k.Ask); a != nil {
			k.Bends = a.bends(r)
		}
		k.Due = r.due(start, where, k.Bends)
		moved = append(moved, Moved{was, *k})
	}
	return next, moved
}

// Put puts a clock back as it was.
func (rec Record) Put(was Kept) Record {
	rec.Clocks = slices.Clone(rec.Clocks)
	if k := rec.of(was.ID(), was.Ask); k != nil {
		*k = was
	}
	return rec
}
