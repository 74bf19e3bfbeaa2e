package transition

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/readmission"
)

// ReasonReadmitted is why a transition and its tasks ended when the patient was
// admitted again.
const ReasonReadmitted = "readmitted"

// around is what the person's other stays mean for this one: as they are, where
// somebody looked, else as they were when it was last decided.
func (now *Now) around() readmission.Around {
	switch {
	case now.Around != nil:
		return *now.Around
	case now.Current != nil:
		return readmission.Around{Returns: now.Current.Returns, Before: now.Current.Before}
	}
	return readmission.Around{}
}

// readmitted reports whether one of the returns is an admission.
func (r *Rules) readmitted(around readmission.Around) bool {
	return r.Readmission != nil && r.Readmission.Ends(around.Returns) != nil
}

// back turns what a finished stay asks for into nothing where the patient is back:
// what was to be done after the discharge is the new stay's matter.
func (w *wanted) back() {
	if w.state == Active {
		w.state, w.reason, w.plan.Tasks = Readmitted, ReasonReadmitted, nil
	}
}

// look gives the transition what the person's other stays say.
func (d *decision) look() {
	t := &d.next
	t.Before, t.Returns, t.PatientFlags = d.around.Before, nil, nil
	if d.returns == nil || t.State == Cancelled || t.State == None {
		return
	}
	t.PatientFlags = d.returns.Judge(d.now.Stay, d.around.Before)
	if t.State == Planning {
		return
	}
	for _, r := range d.around.Returns {
		r.Transition, r.Unit = t.ID, t.Unit
		r.Sensitive = r.Sensitive || t.Sensitive
		if was := find(d.was(), r.ID); was != nil {
			r.OpenTasks, r.Late, r.Version = was.OpenTasks, was.Late, was.Version
		} else {
			r.OpenTasks = openNow(d.now.Tasks)
			r.Late = r.Arrival.ArrivedAt != nil && d.now.At.Sub(*r.Arrival.ArrivedAt) > d.late
		}
		t.Returns = append(t.Returns, r)
	}
}

// was are the returns that were known before.
func (d *decision) was() []events.Readmission {
	if d.now.Current == nil {
		return nil
	}
	return d.now.Current.Returns
}

func find(list []events.Readmission, id events.ID) *events.Readmission {
	for i := range list {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}

// openNow is the context of a return: the tasks that are open as it is detected.
func openNow(tasks []Task) []events.OpenTask {
	var out []events.OpenTask
	for _, t := range tasks {
		if t.Open() {
			out = append(out, events.OpenTask{ID: t.ID, Code: t.Code, State: t.State, Owner: t.Owner, OwnerRole: t.OwnerRole, DueAt: t.DueAt})
		}
	}
	slices.SortFunc(out, func(a, b events.OpenTask) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// news are the facts of returns: detected, corrected, withdrawn. They carry the
// version of the transition that they were decided in.
func (d *decision) news() (facts []events.Fact) {
	t := &d.next
	for i := range t.Returns {
		r := &t.Returns[i]
		was := find(d.was(), r.ID)
		if was != nil && sameReturn(*was, *r) {
			continue
		}
		r.Version = t.Version
		if was == nil {
			facts = append(facts, events.ReadmissionDetected{Return: events.Return{Readmission: *r}})
			continue
		}
		facts = append(facts, events.ReadmissionUpdated{Return: events.Return{Readmission: *r, Previous: corrected(*was, *r)}})
	}
	for _, r := range d.was() {
		if find(t.Returns, r.ID) != nil {
			continue
		}
		r.State, r.Reason, r.Version = "withdrawn", d.whyNot(r), t.Version
		facts = append(facts, events.ReadmissionWithdrawn{Return: events.Return{Readmission: r, Previous: map[string]string{"state": "detected"}}})
	}
	return facts
}

func (d *decision) whyNot(r events.Readmission) string {
	switch t := d.next; {
	case t.State == Cancelled && t.Reason != "":
		return t.Reason
	case t.State == Planning, t.State == Cancelled:
		return readmission.WhyDischarge
	}
	if why := d.around.Not[r.Arrival.Encounter]; why != "" {
		return why
	}
	return readmission.WhyPerson
}

func corrected(was, is events.Readmission) previous {
	p := previous{}
	p.text("outcome", was.Outcome, is.Outcome)
	p.text("arrival_class", was.Arrival.Class, is.Arrival.Class)
	p.time("arrived_at", was.Arrival.ArrivedAt, is.Arrival.ArrivedAt)
	p.time("discharged_at", was.DischargedAt, is.DischargedAt)
	p.text("disposition", was.Disposition, is.Disposition)
	p.text("admission_encounter_id", was.Arrival.Admission.String(), is.Arrival.Admission.String())
	p.text("patient_id", was.Patient.String(), is.Patient.String())
	p.flag("planned", was.Planned, is.Planned)
	p.flag("sensitive", was.Sensitive, is.Sensitive)
	p.text("days", fmt.Sprint(was.Days), fmt.Sprint(is.Days))
	return p
}

// sameReturn reports whether two versions of a return say the same.
func sameReturn(a, b events.Readmission) bool { return saying(a) == saying(b) }

func saying(r events.Readmission) string {
	r.Version, r.OpenTasks, r.Late = 0, nil, false
	text, _ := json.Marshal(r) // a struct of plain values
	return string(text)
}

// returnsText is the returns as text, to tell whether they changed.
func returnsText(list []events.Readmission) (all, short string) {
	if len(list) == 0 {
		return "", ""
	}
	var codes []string
	for _, r := range list {
		all += saying(r)
		outcome := r.Outcome
		if outcome == "" {
			outcome = "here"
		}
		codes = append(codes, r.Arrival.Class+":"+outcome)
	}
	return all, strings.Join(codes, " ")
}

// returns notes a change of the returns.
func (p previous) returns(was, is []events.Readmission) {
	before, short := returnsText(was)
	if after, _ := returnsText(is); before != after {
		p["returns"] = short
	}
}

// patientFlags notes a change of the flags.
func (p previous) patientFlags(was, is []events.Flag) {
	codes := func(list []events.Flag) (out []string) {
		for _, f := range list {
			out = append(out, f.Code+"("+strings.Join(f.Rules, ",")+")")
		}
		return out
	}
	p.list("patient_flags", codes(was), codes(is))
}
