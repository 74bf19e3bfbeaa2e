package feed

import (
	"fmt"
	"slices"
	"testing"

	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/rig"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
)

type stay struct {
	ID          string `json:"id"`
	Facility    string `json:"facility"`
	Visit       string `json:"visit"`
	Patient     string `json:"patient_id"`
	Class       string `json:"class"`
	State       string `json:"state"`
	Disposition string `json:"disposition"`
	Unmapped    bool   `json:"disposition_unmapped"`
	JoinedInto  string `json:"joined_into"`
}

type transition struct {
	ID        string `json:"id"`
	Encounter string `json:"encounter_id"`
	Patient   string `json:"patient_id"`
	State     string `json:"state"`
	Reason    string `json:"reason"`
}

type task struct {
	Code       string `json:"code"`
	Encounter  string `json:"encounter_id"`
	Transition string `json:"transition_id"`
	Patient    string `json:"patient_id"`
	State      string `json:"state"`
	Reason     string `json:"reason"`
}

func (t task) open() bool {
	return !slices.Contains([]string{"completed", "failed", "cancelled"}, t.State)
}

// closing is work on a stay that nobody ended; it belongs to no transition.
const closing = "close-the-visit"

type referral struct {
	Encounter string `json:"encounter_id"`
	State     string `json:"state"`
}

// desk is everything that the APIs show of an organization.
type desk struct {
	stays       []stay
	transitions []transition
	tasks       []task
	referrals   []referral
	dead        map[string]bool // patients
}

func look(r *rig.Rig, org events.ID) *desk {
	auditor, liaison := r.Token(org, "auditor", web.Auditor), r.Token(org, "liaison", web.Liaison)
	d := &desk{
		stays:       rig.All[stay](r, auditor, "/admission/encounters"),
		transitions: rig.All[transition](r, auditor, "/discharge/transitions"),
		tasks:       rig.All[task](r, auditor, "/discharge/tasks"),
		referrals:   rig.All[referral](r, auditor, "/referral/referrals"),
		dead:        map[string]bool{},
	}
	for _, s := range d.stays {
		if _, known := d.dead[s.Patient]; known {
			continue
		}
		d.dead[s.Patient] = r.Deceased(liaison, s.Patient)
	}
	return d
}

// states counts transitions.
func (d *desk) states() map[string]int {
	n := map[string]int{}
	for _, t := range d.transitions {
		n[t.State]++
	}
	return n
}

// opens says what contract.md ("What opens a transition") demands of a stay: in which of these states its
// one current transition is; none where there must be none.
func opens(s stay, dead bool) (states []string, may bool) {
	planned := s.Class == "inpatient" || s.Class == "observation" || s.Class == "obstetrics"
	if s.State == "in-progress" || s.State == "onleave" || s.State == "arrived" {
		switch {
		case planned && dead: // of somebody who is in and has died: expired, or none yet
			return []string{"expired"}, true
		case planned:
			return []string{"planning"}, false
		case s.Class == "newborn":
			return []string{"planning"}, true
		}
		return nil, false
	}
	if s.State != "finished" || s.Disposition == "09" || s.Disposition == "30" {
		return nil, false
	}
	switch s.Class {
	case "inpatient", "observation", "obstetrics":
	case "newborn":
		if s.Disposition == "01" {
			return nil, false
		}
	case "emergency": // left against advice; other conditions are the protocols' to say
		may = s.Disposition != "07"
	default:
		return nil, false
	}
	if dead || slices.Contains([]string{"20", "40", "41", "42"}, s.Disposition) {
		return []string{"expired"}, may
	}
	return []string{"active", "readmitted"}, may
}

// findings is what is there and should not be, and what should and is not.
func (d *desk) findings() (out []string) {
	find := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	current, open, searches := map[string][]transition{}, map[string][]task{}, map[string]int{}
	for _, t := range d.transitions {
		if t.State != "cancelled" {
			current[t.Encounter] = append(current[t.Encounter], t)
		} else if t.Reason == "" {
			find("transition %s was cancelled without a reason", t.ID)
		}
	}
	for _, t := range d.tasks {
		switch {
		case t.open():
			open[t.Encounter] = append(open[t.Encounter], t)
		case t.State == "cancelled" && t.Reason == "":
			find("task %s of stay %s was cancelled without a reason", t.Code, t.Encounter)
		}
	}
	for _, r := range d.referrals {
		if r.State != "withdrawn" && r.State != "expired" {
			searches[r.Encounter]++
		}
	}
	for _, s := range d.stays {
		name := fmt.Sprintf("%s %s (%s, %s, to %q, of %s)", s.Facility, s.Visit, s.State, s.Class, s.Disposition, s.Patient)
		states, may := opens(s, d.dead[s.Patient])
		list := current[s.ID]
		switch {
		case len(list) > 1:
			find("%s has %d current transitions", name, len(list))
		case len(list) == 0 && len(states) > 0 && !may:
			find("%s has no current transition, want one, %v", name, states)
		case len(list) == 1 && !slices.Contains(states, list[0].State):
			find("%s has a transition that is %s (%s), want %v", name, list[0].State, list[0].Reason, states)
		case len(list) == 1 && list[0].Patient != s.Patient:
			find("%s has a transition of patient %s", name, list[0].Patient)
		}
		work(s, name, list, open[s.ID], find)
		if active := len(list) == 1 && list[0].State == "active"; searches[s.ID] > 0 && !active {
			find("%s has %d open referrals and no discharge", name, searches[s.ID])
		}
		delete(current, s.ID)
		delete(open, s.ID)
	}
	for encounter := range current {
		find("there is a transition of stay %s, which nobody knows", encounter)
	}
	for encounter := range open {
		find("there is work on stay %s, which nobody knows", encounter)
	}
	return out
}

// work: open tasks belong to a current transition, each once; what is active asks for something.
func work(s stay, name string, current []transition, open []task, find func(string, ...any)) {
	codes := map[string]bool{}
	for _, t := range open {
		if codes[t.Code] {
			find("%s asks for %s twice", name, t.Code)
		}
		codes[t.Code] = true
		if t.Patient != s.Patient {
			find("%s asks for %s for patient %s", name, t.Code, t.Patient)
		}
		if t.Code == closing {
			if s.State == "finished" || s.State == "cancelled" || s.State == "entered-in-error" {
				find("%s asks for its own end", name)
			}
			continue
		}
		if len(current) != 1 || t.Transition != current[0].ID || current[0].State != "active" && current[0].State != "planning" {
			find("%s asks for %s, and has no plan: %v", name, t.Code, current)
		}
	}
	delete(codes, closing)
	if len(current) == 1 && current[0].State == "active" && len(codes) == 0 {
		find("%s has a plan without work", name)
	}
	if len(current) == 1 && current[0].State == "planning" && len(codes) > 0 {
		find("%s has follow-up work while the patient is in: %v", name, codes)
	}
}

// lies: that nothing is found means nothing unless something would be.
func (d *desk) lies(t *testing.T) {
	t.Helper()
	active := slices.IndexFunc(d.transitions, func(t transition) bool { return t.State == "active" })
	gone := map[string]bool{} // stays that never were: nothing can be asked for them
	for _, s := range d.stays {
		gone[s.ID] = s.State == "cancelled" || s.State == "entered-in-error"
	}
	ended := slices.IndexFunc(d.tasks, func(x task) bool { return x.State == "cancelled" && gone[x.Encounter] })
	if active < 0 || ended < 0 {
		t.Fatal("no plan is active, or no work was withdrawn with its stay")
	}
	for what, lie := range map[string]func(*desk){
		"a plan that is missing":     func(d *desk) { d.transitions = slices.Delete(d.transitions, active, active+1) },
		"a plan that is there twice": func(d *desk) { d.transitions = append(d.transitions, d.transitions[active]) },
		"a plan that is over":        func(d *desk) { d.transitions[active].State = "completed" },
		"another patient's plan":     func(d *desk) { d.transitions[active].Patient = "another" },
		"work that was withdrawn":    func(d *desk) { d.tasks[ended].State, d.tasks[ended].Code = "requested", "again" },
		"a withdrawal unexplained":   func(d *desk) { d.tasks[ended].Reason = "" },
		"work on nothing":            func(d *desk) { d.tasks[ended].State, d.tasks[ended].Encounter = "requested", "nowhere" },
	} {
		told := &desk{stays: d.stays, transitions: slices.Clone(d.transitions), tasks: slices.Clone(d.tasks), referrals: d.referrals, dead: d.dead}
		lie(told)
		if len(told.findings()) == 0 {
			t.Errorf("%s is not found", what)
		}
	}
}
