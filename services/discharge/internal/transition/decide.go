package transition

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/clock"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
	"github.com/handoff-care/handoff/services/discharge/internal/readmission"
	"github.com/handoff-care/handoff/services/discharge/internal/risk"
)

// Rules are the tables decisions are made by. Safe for concurrent use.
type Rules struct {
	Protocols     *protocol.Set
	Comorbidities *risk.Comorbidities
	Hospital      *risk.Hospital     // nil: that score is not computed
	Readmission   *readmission.Rules // nil: nobody looks for returns
	LateAfter     time.Duration      // a discharge heard of later than this is a late arrival
}

// Now is the state of the world a decision looks at.
type Now struct {
	At       time.Time           // the present
	Org      events.ID           //
	Stay     events.Encounter    // the stay as admission knows it
	Dead     bool                // the patient is known to have died
	Received time.Time           // when the frame that led here arrived
	Calendar *calendar.Calendar  // the facility's
	Current  *Transition         // nil: none yet
	Tasks    []Task              // all the encounter ever had, in any order
	Around   *readmission.Around // what the person's other stays mean; nil: nobody looked, as before
	Book     *protocol.Book      // the organization's; nil: the protocols of the rules
}

// Decide gives the difference between the transition and tasks as they are and as
// they should be. It fails on a zone nobody knows and on a move that no table
// allows; both are faults of a program and not of a sender.
func (r *Rules) Decide(now Now) (Change, error) {
	if now.Current != nil && now.Current.Stay.FoldVersion > now.Stay.FoldVersion {
		return Change{}, nil // older than what was decided on
	}
	zone, err := calendar.Zone(now.Stay.Zone)
	if err != nil {
		return Change{}, fmt.Errorf("facility %s: %w", now.Stay.FacilityID, err)
	}
	if now.Book != nil {
		r = r.by(now.Book.At(now.Stay.Facility, discharged(&now.Stay)))
	}
	where := clock.Where{Zone: zone, Calendar: now.Calendar}
	around := now.around()
	readmitted := r.readmitted(around)
	w, err := r.want(&now.Stay, now.Dead && !readmitted, where)
	if err != nil {
		return Change{}, err
	}
	if readmitted {
		w.back()
	}
	r.hanging(&now, &w, where)
	state := None
	if now.Current != nil {
		state = now.Current.State
	}
	if reconcile(&w, state, now.Current != nil) {
		return now.repoint(), nil
	}
	r.keepVersions(w.plan.Tasks, now.Tasks, where)
	d := decision{now: now, want: w, from: state, late: r.LateAfter, around: around, returns: r.Readmission}
	d.start()
	d.tasks()
	return d.finish()
}

// reconcile compares what a stay asks for with what there is, and reports whether
// that leaves nothing to do: there is no transition and should be none (row: nor any
// work that does without one), or it ended in a way that the stay does not call into
// question.
func reconcile(w *wanted, state State, row bool) bool {
	switch {
	case state == None && (w.state == None || w.state == Cancelled):
		w.state = None
		return !row && len(w.plan.Tasks) == 0
	case (w.state == Active || w.state == Readmitted) && state == Closed, w.state == Expired && (state == Closed || state == Completed):
		return true
	case w.state == None:
		w.state = Cancelled
		if state == Cancelled {
			w.reason = "" // it keeps the reason it has
		}
	}
	return false
}

// decision is one decision in the making.
type decision struct {
	now   Now
	want  wanted
	from  State
	late  time.Duration
	next  Transition
	done  []Task        // new and changed
	made  []events.Task // told with the transition, or each by itself where there is no news of that
	facts []events.Fact // of other tasks
	stay  string        // its id, once a task's is made of it

	around  readmission.Around
	returns *readmission.Rules
}

// start makes the next row of the transition from the stay; tasks come after.
func (d *decision) start() {
	s, t := &d.now.Stay, &d.next
	if d.now.Current != nil {
		*t = *d.now.Current
	}
	if t.ID.IsZero() || t.Encounter != s.ID {
		t.ID = ID(s.ID)
	}
	t.Org, t.Stay, t.State, t.Encounter, t.Patient = d.now.Org, *s, d.want.state, s.ID, s.Patient
	t.Facility, t.FacilityID, t.Zone, t.Unit = s.Facility, s.FacilityID, s.Zone, s.Unit
	t.Class, t.Disposition = s.Class, s.Disposition
	t.AdmittedAt, t.ExpectedAt, t.DischargedAt = s.AdmittedAt, s.ExpectedAt, s.DischargedAt
	t.Diagnoses, t.Age, t.Sex, t.ZIP3, t.Language, t.Payer = s.Diagnoses, s.Age, s.Sex, s.ZIP3, s.Language, s.Payer
	t.Sensitive, t.Flags, t.Calendar = s.Sensitive, d.want.flags, d.now.Calendar.ID()
	t.Protocols, t.Needs, t.Risk, t.Risks = d.want.plan.Protocols, d.want.plan.Needs, d.want.risk, d.want.risks
	if t.State != Cancelled || d.want.reason != "" {
		t.Reason = d.want.reason
	}
	d.judgeLateness()
	t.SettlesAt = d.settlesAt()
	d.look()
}

// judgeLateness asks once for each discharge time whether it was heard of late.
func (d *decision) judgeLateness() {
	t := &d.next
	if t.State != Active && t.State != Completed && t.State != Readmitted || t.DischargedAt == nil {
		t.LateArrival, t.Received = false, time.Time{}
		return
	}
	if d.now.Current != nil && !t.Received.IsZero() && same(d.now.Current.DischargedAt, t.DischargedAt) {
		return
	}
	t.Received = d.now.Received
	t.LateArrival = t.Received.Sub(*t.DischargedAt) > d.late
}

// finish settles what depends on the tasks, numbers the new version and says what
// there is to tell.
func (d *decision) finish() (Change, error) {
	t := &d.next
	t.OpenTasks = d.openTasks()
	if t.State == None {
		return d.without(), nil
	}
	if t.State == Active && t.OpenTasks == 0 {
		t.State = Completed
	}
	if d.from != t.State {
		via := t.State
		if t.State == Completed && d.from != Active {
			via = Active // planned and all its work done already: opened and completed at once
		}
		if err := legal(transitionMoves, d.from, via); err != nil {
			return Change{}, fmt.Errorf("transition %s: %w", t.ID, err)
		}
	}
	c := Change{Tasks: d.done}
	previous, changed := d.differences()
	switch {
	case changed || d.from == None:
		t.Version++
		c.Transition, c.Created, c.Previous = d.row(), d.from == None, previous
		c.Facts = append(c.Facts, d.fact(previous))
	case len(d.done) > 0 || d.turned():
		c.Transition = d.row() // no news, but what the tasks were last decided on
	}
	if len(c.Facts) == 0 {
		c.Facts = d.created()
	}
	c.Facts = append(c.Facts, d.facts...)
	c.Facts = append(c.Facts, d.news()...)
	return c, nil
}

// row is the transition as it is to be kept: most decisions come to no row at all.
func (d *decision) row() *Transition {
	next := d.next
	return &next
}

// created are the facts of new tasks where there is no news of the transition to tell them with.
func (d *decision) created() []events.Fact {
	list := make([]events.Fact, len(d.made))
	for i, t := range d.made {
		list[i] = events.TaskCreated{Work: events.Work{Task: t}}
	}
	return list
}

// without is the change of a stay that has work and no transition of care: its row is
// kept for the tasks' sake, and nothing is told of it.
func (d *decision) without() Change {
	c := Change{Tasks: d.done, Facts: append(d.created(), d.facts...)}
	was := d.now.Current
	if len(d.done) > 0 || d.turned() || was != nil && (was.Patient != d.next.Patient || was.Facility != d.next.Facility) {
		c.Transition = d.row()
	}
	return c
}

func (d *decision) openTasks() int {
	open := 0
	for i := range d.done {
		if d.done[i].Open() {
			open++
		}
	}
	for i := range d.now.Tasks {
		if t := &d.now.Tasks[i]; t.Open() && !d.changes(t) {
			open++
		}
	}
	return open
}

// changes reports whether the decision has a new row for a task.
func (d *decision) changes(t *Task) bool {
	for i := range d.done {
		if d.done[i].ID == t.ID {
			return true
		}
	}
	return false
}

// fact is the news of the transition's change.
func (d *decision) fact(previous map[string]string) events.Fact {
	of := events.Of{Transition: d.next.Transition, Previous: previous, Tasks: d.made}
	switch d.next.State {
	case Planning:
		if _, moved := previous["expected_discharge_at"]; d.from == Planning && !moved {
			return events.TransitionUpdated{Of: of}
		}
		return events.TransitionPlanned{Of: of}
	case Active:
		switch {
		case d.from == Completed || d.from == Active && replanned(previous):
			return events.TransitionReplanned{Of: of}
		case d.from == Active:
			return events.TransitionUpdated{Of: of}
		}
		return events.TransitionOpened{Of: of}
	case Cancelled:
		if d.from != Cancelled {
			return events.TransitionCancelled{Of: of}
		}
	case Expired:
		if d.from != Expired {
			return events.TransitionExpired{Of: of}
		}
	case Completed:
		if d.from != Completed {
			return events.TransitionCompleted{Of: of}
		}
	case Readmitted:
		if d.from != Readmitted {
			return events.TransitionReadmitted{Of: of}
		}
	}
	return events.TransitionUpdated{Of: of}
}

func replanned(previous map[string]string) bool {
	for _, name := range []string{"disposition", "discharged_at", "protocols", "needs", "class"} {
		if _, ok := previous[name]; ok {
			return true
		}
	}
	return false
}

// differences are the old values of what changed and is worth a version. While the
// patient is still in, only what a planner acts on counts: a transfer or a new
// working diagnosis makes no version until there is a plan it could change. Once the
// patient has left everything counts, even after a death: should it be corrected, the
// plan is made from what was kept.
func (d *decision) differences() (map[string]string, bool) {
	if d.from == None {
		return nil, true
	}
	p := previous{}
	was, is := &d.now.Current.Transition, &d.next.Transition
	p.text("state", was.State, is.State)
	p.text("reason", was.Reason, is.Reason)
	p.id("patient_id", was.Patient, is.Patient)
	p.text("facility", was.Facility, is.Facility)
	p.returns(d.now.Current.Returns, d.next.Returns)
	if is.State == Cancelled {
		return p, len(p) > 0
	}
	p.text("class", was.Class, is.Class)
	p.time("expected_discharge_at", was.ExpectedAt, is.ExpectedAt)
	p.time("admitted_at", was.AdmittedAt, is.AdmittedAt)
	p.flag("sensitive", was.Sensitive, is.Sensitive)
	p.patientFlags(was.PatientFlags, is.PatientFlags)
	p.time("discharged_at", was.DischargedAt, is.DischargedAt)
	p.text("disposition", was.Disposition, is.Disposition)
	p.list("protocols", was.Protocols, is.Protocols)
	p.list("needs", was.Needs, is.Needs)
	if is.State == Planning {
		return p, len(p) > 0
	}
	p.text("unit", was.Unit, is.Unit)
	p.text("zone", was.Zone, is.Zone)
	p.text("calendar", d.now.Current.Calendar, d.next.Calendar)
	p.risks(was, is)
	p.list("diagnoses", was.Diagnoses, is.Diagnoses)
	p.list("flags", d.now.Current.Flags, d.next.Flags)
	p.list("person", []string{was.Sex, was.ZIP3, was.Language, was.Payer, years(was.Age)},
		[]string{is.Sex, is.ZIP3, is.Language, is.Payer, years(is.Age)})
	p.flag("late_arrival", was.LateArrival, is.LateArrival)
	return p, len(p) > 0
}

// previous collects old values by name: codes and times only.
type previous map[string]string

func (p previous) text(name, was, is string) {
	if was != is {
		p[name] = was
	}
}

func (p previous) id(name string, was, is events.ID) {
	if was != is {
		p[name] = was.String()
	}
}

func (p previous) list(name string, was, is []string) {
	if !slices.Equal(was, is) {
		p[name] = strings.Join(was, " ")
	}
}

func (p previous) time(name string, was, is *time.Time) {
	if !same(was, is) {
		p[name] = instant(was)
	}
}

func (p previous) flag(name string, was, is bool) {
	if was != is {
		p[name] = strconv.FormatBool(was)
	}
}

func same(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func interval(r *events.Risk) string {
	if r == nil {
		return ""
	}
	return strconv.Itoa(r.Min) + "-" + strconv.Itoa(r.Max)
}

func years(age *int) string {
	if age == nil {
		return ""
	}
	return strconv.Itoa(*age)
}
