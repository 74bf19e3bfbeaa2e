package transition

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

// snapshots of one encounter, of every class, state and disposition.
func drawStay(t *rapid.T) events.Encounter {
	class := rapid.SampledFrom([]string{"inpatient", "observation", "obstetrics", "newborn", "emergency", "outpatient"}).Draw(t, "class")
	state := rapid.SampledFrom([]string{"planned", "in-progress", "onleave", "finished", "finished", "finished", "cancelled", "entered-in-error"}).Draw(t, "state")
	s := stay(class, state)
	if state == "finished" {
		s.Disposition = rapid.SampledFrom([]string{"", "01", "02", "03", "06", "07", "09", "20", "30", "50", "62", "65", "81"}).Draw(t, "disposition")
		at := left.Add(time.Duration(rapid.IntRange(-96, 96).Draw(t, "hours")) * time.Hour)
		s.DischargedAt = &at
	}
	if rapid.IntRange(0, 4).Draw(t, "hanging") == 0 {
		since := left.Add(-time.Hour)
		s.HangingSince = &since
	}
	s.Diagnoses = rapid.SampledFrom([][]string{nil, {"I509"}, {"F332", "E119"}, {"I509", "J449", "N186"}}).Draw(t, "diagnoses")
	s.Unit = rapid.SampledFrom([]string{"4W", "ICU"}).Draw(t, "unit")
	return s
}

func TestDecidingTwiceIsDecidingOnce(t *testing.T) {
	rules := shippedRules(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{rules: rules}
		for range rapid.IntRange(1, 6).Draw(rt, "n") {
			s := drawStay(rt)
			w.dead = rapid.IntRange(0, 9).Draw(rt, "dead") == 0
			w.see(t, s)
			version := 0
			if w.cur != nil {
				version = w.cur.Version
			}
			if c := w.see(t, s); !c.Empty() || len(c.Facts) > 0 {
				rt.Fatalf("the second decision on the same stay changed %v", c.Facts)
			}
			if w.cur != nil && w.cur.Version != version {
				rt.Fatalf("version %d became %d", version, w.cur.Version)
			}
			checkSound(rt, w)
		}
	})
}

func TestAnyWayToAStayEndsTheSame(t *testing.T) {
	rules := shippedRules(t)
	rapid.Check(t, func(rt *rapid.T) {
		last := drawStay(rt)
		direct := &world{rules: rules}
		direct.see(t, last)
		w := &world{rules: rules}
		for range rapid.IntRange(0, 6).Draw(rt, "n") {
			w.dead = rapid.IntRange(0, 9).Draw(rt, "dead") == 0
			w.see(t, drawStay(rt))
		}
		w.dead = false
		w.see(t, last)
		if diff := cmp.Diff(direct.rest(), w.rest()); diff != "" {
			rt.Fatalf("direct, and by a detour: %s", diff)
		}
	})
}

// The merge invariant: whatever was before, that the stay goes to another patient and
// comes back leaves every task as it was, but for the count of its versions.
func TestAMergeAndItsInverseLeaveTheTasksAsTheyWere(t *testing.T) {
	rules := shippedRules(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{rules: rules}
		var s events.Encounter
		for range rapid.IntRange(1, 5).Draw(rt, "n") {
			s = drawStay(rt)
			w.see(t, s)
			for i := range w.tasks {
				if rapid.IntRange(0, 3).Draw(rt, "done") == 0 {
					w.end(t, i)
				}
			}
			w.see(t, s)
		}
		before := w.asTheyAre()
		merged := s
		merged.Patient = events.Derive("test", "survivor")
		w.see(t, merged)
		for _, task := range w.tasks {
			if task.Open() && task.Patient != merged.Patient {
				rt.Fatalf("%s stayed behind", task.Code)
			}
		}
		w.see(t, s)
		if diff := cmp.Diff(before, w.asTheyAre()); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// asTheyAre are all tasks without what counts their changes.
func (w *world) asTheyAre() []Task {
	out := slices.Clone(w.tasks)
	for i := range out {
		out[i].Version = 0
	}
	return out
}

// end has somebody do a task, if it is open.
func (w *world) end(t testing.TB, i int) {
	if !w.tasks[i].Open() {
		return
	}
	done, _, err := Act(w.tasks[i], *w.cur, w.tasks, Action{Name: "complete", By: "nora", At: received})
	if err != nil {
		t.Fatal(err)
	}
	w.tasks[i] = done
	c, err := AfterTask(*w.cur, w.tasks)
	if err != nil {
		t.Fatal(err)
	}
	w.apply(c)
}

// checkSound checks what holds of every encounter at any time.
func checkSound(t *rapid.T, w *world) {
	if w.cur == nil {
		if len(w.tasks) > 0 {
			t.Fatal("tasks without a transition")
		}
		return
	}
	codes, ids := map[string]bool{}, map[events.ID]bool{}
	open := 0
	for _, task := range w.tasks {
		if ids[task.ID] {
			t.Fatalf("two tasks with id %s", task.ID)
		}
		ids[task.ID] = true
		if !task.Open() {
			continue
		}
		if task.Code != protocol.CloseVisit {
			open++
		} else if !Hanging(w.cur.Stay) {
			t.Fatal("an open task to close a stay that has ended or was heard of")
		}
		if codes[task.Code] {
			t.Fatalf("two open tasks %s", task.Code)
		}
		codes[task.Code] = true
	}
	if (w.cur.State == Active) != (open > 0) {
		t.Fatalf("%s with %d open tasks", w.cur.State, open)
	}
}

func BenchmarkDecideDischarge(b *testing.B) {
	rules := shippedRules(b)
	planned := &world{rules: rules}
	planned.see(b, stay("inpatient", "in-progress"))
	s := stay("inpatient", "finished", diagnoses("I509", "E119"))
	b.ReportAllocs()
	for b.Loop() {
		if c, err := planned.decide(s); err != nil || len(c.Tasks) == 0 {
			b.Fatal(err)
		}
	}
}

// What Compare says of a stay is what Decide makes of it.
func TestComparingIsDecidingWithoutConsequence(t *testing.T) {
	rules := shippedRules(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStay(rt)
		s.HangingSince = nil // the work on a stay that nobody ended is no plan for the patient
		dead := rapid.IntRange(0, 9).Draw(rt, "dead") == 0
		w := &world{rules: rules, dead: dead}
		w.see(t, s)
		zone, err := calendar.Zone(s.Zone)
		if err != nil {
			rt.Fatal(err)
		}
		plans, err := rules.Compare(s, dead, clock.Where{Zone: zone, Calendar: calendar.USFederal()}, rules.Protocols)
		if err != nil {
			rt.Fatal(err)
		}
		want, got := map[string]time.Time{}, map[string]time.Time{}
		for _, task := range w.tasks {
			if task.Open() {
				want[task.Code] = *task.DueAt
			}
		}
		for _, task := range plans[0].Tasks {
			got[task.Code] = task.DueAt
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("decided, and compared: %s", diff)
		}
	})
}
