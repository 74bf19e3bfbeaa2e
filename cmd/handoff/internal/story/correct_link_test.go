package story

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
	"github.com/handoff-care/handoff/pkg/hl7"
)

// linkedAndUnlinked: a patient went home; somebody else's record has an admission the same day. The hospital
// says that the two are one person: the patient is back, and the plan for home is over. Then it says that
// they are not: the plan stands again, what was done stays done, and whoever was told of a return hears
// that it was none.
func linkedAndUnlinked(s *scene) {
	p := &plan{scene: s, stay: s.stay("home"), reader: "corrected-reader", there: "corrected-asked"}
	p.hire()
	s.send(p.stay)
	p.e = s.encounter(p.stay, "finished")
	s.transition(p.e, "active")
	done := s.complete(s.tasks(p.e)["tcm-contact"])
	p.opened = s.alert(p.e, "transition-opened", "raised")
	p.mailed(p.opened, p.reader, 1)
	before := p.dues()

	p.other = s.stay("emergency, then admitted")
	p.other.Base = s.base.Add(35 * time.Minute)
	s.send(p.other, 1, 2)
	there := s.encounter(p.other, "in-progress")
	s.transition(there, "planning")
	s.rest()
	if list := s.alerts(p.e, "readmission"); len(list) > 0 {
		s.Fatalf("two people's stays are a return: %+v", list)
	}

	p.tie("A24", 1)
	s.transition(p.e, "readmitted")
	back := s.alert(p.e, "readmission", "raised")
	if a := s.encounter(p.other, "in-progress"); a.PatientID == p.e.PatientID {
		s.Errorf("a link made two patients one, %s", a.PatientID)
	}
	for code, t := range s.tasks(p.e) {
		if want := map[bool]string{true: "completed", false: "cancelled"}[code == done.Code]; t.State != want {
			s.Errorf("task %s is %s, want %s", code, t.State, want)
		}
	}

	p.tie("A37", 2)
	s.transition(p.e, "active")
	p.await(func() error {
		if got := p.dues(); !slices.Equal(got, before) {
			return fmt.Errorf("the work is\n%s\nbefore it was\n%s", strings.Join(got, "\n"), strings.Join(before, "\n"))
		}
		if t := p.tasks(p.e)[done.Code]; t.ID != done.ID || t.State != "completed" {
			return fmt.Errorf("what was done is %+v", t)
		}
		t := p.thread(back)
		if t.State != "resolved" {
			return fmt.Errorf("the alert of a return is %s", t.State)
		}
		if got := owed(t.Thread, t.Reason); !slices.Contains(got, p.reader+" console") {
			return fmt.Errorf("that it was no return (%s) was told to %v: %+v", t.Reason, got, t.Thread)
		}
		return nil
	})
	s.rest()
	settled := p.everything()
	p.tie("A37", 3)
	s.rest()
	if again := p.everything(); again != settled {
		s.Errorf("told again, it is not as it was:\n%s\nbefore:\n%s", again, settled)
	}
	s.balanced()
}

// tie says that the two are one person, or that they are not.
func (p *plan) tie(trigger string, n int) {
	p.Helper()
	id := fmt.Sprintf("%sT%d", p.stay.Prefix, n)
	at := stays.Step{Trigger: trigger, After: time.Duration(40+n) * time.Minute}
	second := ""
	for line := range strings.SplitAfterSeq(string(alone(p.other, id, at, "")), "\r") {
		if strings.HasPrefix(line, "PID|") {
			second = line
		}
	}
	if r := p.raw(alone(p.stay, id, at, second)); r.Code != hl7.AA {
		p.Fatalf("%s was answered %s", trigger, r.Code)
	}
	if m := p.found(id, 1)[0]; m.State != "applied" {
		p.Fatalf("%s is %s: %s", trigger, m.State, m.Reason)
	}
}

// dues are the open tasks and when they are due.
func (p *plan) dues() (out []string) {
	p.Helper()
	list, err := api.List[api.Task](p.ctx, p.auditor, "discharge", "/tasks", "encounter", p.e.ID)
	if err != nil {
		p.Fatal(err)
	}
	for _, t := range list {
		if t.Open() {
			out = append(out, fmt.Sprint(t.Code, " ", t.PatientID, " due ", t.DueAt.UTC()))
		}
	}
	slices.Sort(out)
	return out
}
