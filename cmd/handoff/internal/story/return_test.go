package story

import (
	"fmt"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
)

// cameBack: a patient who went home arrives in another hospital's emergency department, under another
// record number. Whoever let her go is told at the arrival; told that it was none, when the
// registration was a mistake; and has nothing left to do, when the next visit becomes an admission.
func cameBack(s *scene) {
	stay := s.stay("home")
	stay.Person.Shared = "HIE" + stay.Person.MRN
	s.send(stay)
	e := s.encounter(stay, "finished")
	s.transition(e, "active")
	open := openTasks(s.tasks(e))

	elsewhere := func(shape string, after time.Duration) *stays.Stay {
		there := s.stay(shape)
		there.Facility, there.Base = s.facility+"E", s.base.Add(after)
		there.Person.Shared, there.Person.Family, there.Person.Given, there.Person.Born =
			stay.Person.Shared, stay.Person.Family, stay.Person.Given, stay.Person.Born
		return there
	}
	mistake := elsewhere("registration cancelled", 31*time.Minute)
	s.send(mistake, 1)
	if a := s.alert(e, "readmission", "raised"); a.TransitionID == "" || a.Severity != "urgent" {
		s.Errorf("alert %+v, want an urgent one about the transition", a)
	}
	if got := openTasks(s.tasks(e)); len(got) != len(open) {
		s.Errorf("open tasks %v, %v before: an arrival alone ends nothing", got, open)
	}
	s.send(mistake, 2)
	s.alert(e, "readmission", "resolved")

	back := elsewhere("emergency, then admitted", 40*time.Minute)
	s.send(back, 1, 2)
	s.await(func() error {
		if list := s.alerts(e, "readmission"); len(list) != 2 {
			return fmt.Errorf("alerts %+v, want one for each arrival", list)
		}
		return nil
	})
	if tr := s.transition(e, "readmitted"); tr.Reason != "readmitted" {
		s.Errorf("transition %+v", tr)
	}
	for code, task := range s.tasks(e) {
		if task.Open() || task.Reason != "readmitted" {
			s.Errorf("task %s is %s, because %q", code, task.State, task.Reason)
		}
	}
	s.transition(s.encounter(back, "in-progress"), "planning")
	s.rest()
}
