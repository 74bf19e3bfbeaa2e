package clock

import (
	"fmt"
	"strings"
	"time"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// Clock is one clock of a stay as it stands at an instant, with everything that leads
// there. The steps of its trace go on to the state; Verdict says the same to machines.
type Clock struct {
	Rule     string     `json:"rule"`
	Request  *Ask       `json:"request,omitempty" doc:"the request it is of; none: of the stay itself"`
	Version  string     `json:"version"`
	Pack     string     `json:"pack"`
	Title    string     `json:"title"`
	State    State      `json:"state" enum:"due,met,attempted,missed,paused,not-applicable"`
	Reason   string     `json:"reason,omitempty" doc:"why it does not apply"`
	Due      *time.Time `json:"due_at"`
	Met      *time.Time `json:"met_at"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Trace    *Trace     `json:"trace"`
	Verdict  []Ruling   `json:"verdict,omitempty"`
}

// Ruling is one step from a due instant to a state.
type Ruling struct {
	Do     string     `json:"do" enum:"needs,done,attempt,paused,waived,withdrawn,window,ended,stayed,now,state"`
	At     *time.Time `json:"at,omitempty"`
	N      int        `json:"n,omitempty"`
	Counts bool       `json:"counts,omitempty"` // of done and attempt: it was in time
	State  State      `json:"state,omitempty"`
}

// As is from where and when clocks are looked at.
type As struct {
	Now        time.Time
	Zone       string
	Calendar   string // its id
	Readmitted bool
}

// View shows the clocks of a record.
func (t *Table) View(rec Record, as As) ([]Clock, error) {
	zone, err := calendar.Zone(as.Zone)
	if err != nil {
		return nil, err
	}
	out := make([]Clock, 0, len(rec.Clocks))
	for i := range rec.Clocks {
		k := &rec.Clocks[i]
		r := t.ref(k.Rule)
		if r == nil {
			continue
		}
		start, _ := rec.StartOf(*k, r.Trigger)
		trace, err := t.explain(k.Rule, start, as.Zone, as.Calendar, k.Bends)
		if err != nil {
			return nil, err
		}
		c := Clock{Rule: r.ID, Version: r.Version, Pack: r.Pack, Title: r.Title, Trace: &trace, Due: utc(k.Due)}
		v := t.standing(&rec, k, r, zone, as)
		w := ruler{c: &c, zone: zone}
		w.rule(&rec, k, r, v, as)
		out = append(out, c)
	}
	return out, nil
}

// NotApplicable shows the rules that run no clock for a stay, each with the reason.
func (t *Table) NotApplicable(rec Record, s Subject, zone *time.Location) []Clock {
	var out []Clock
	starts := s.starts()
	for _, c := range t.clocks {
		id := c.id
		if rec.find(id) != nil {
			continue
		}
		r := &c.versions[0]
		why := r.Applies.why(&s, zone)
		if start, ok := starts.at(r.Trigger); ok {
			r = t.InForce(id, calendar.DateOf(start, zone))
			why = r.Applies.why(&s, zone)
		} else if why == "" {
			why = "what starts it (" + string(r.Trigger) + ") has not happened"
		}
		if why == "" {
			why = "no clock of it was started"
		}
		out = append(out, Clock{Rule: r.ID, Version: r.Version, Pack: r.Pack, Title: r.Title, State: StateNotApplicable, Reason: why})
	}
	return out
}

// standing is how a kept clock stands now: what was decided on the last change, and
// what time alone has done since.
func (t *Table) standing(rec *Record, k *Kept, r *Rule, zone *time.Location, as As) verdict {
	a := Around{Now: as.Now, Zone: zone, Readmitted: as.Readmitted}
	switch {
	case r.Window:
		return window(r, k, a)
	case r.MinStay:
		return minStay(rec, k, a)
	}
	v := verdict{state: k.State, by: k.By}
	if a := rec.ask(k.Ask); a != nil && k.State == StateNotApplicable {
		v.dropped = a.first(WasWithdrawn)
	}
	switch {
	case k.State == StateNotApplicable && r.WaivedBy != nil:
		if other := rec.find(r.WaivedBy.Rule); other != nil {
			v.waived = other.By
		}
	case k.State == "" && !as.Now.Before(k.Due):
		v.state = StateMissed
	case k.State == "":
		v.state = StateDue
	}
	return v
}

// ruler writes down how a clock comes to its state.
type ruler struct {
	c    *Clock
	zone *time.Location
}

func (w *ruler) rule(rec *Record, k *Kept, r *Rule, v verdict, as As) {
	w.c.State = v.state
	if r.Window {
		w.period(r, v)
	} else if r.MinStay {
		w.stayed(rec)
	} else {
		w.evidence(rec, k, r, v)
	}
	w.ruling(Ruling{Do: "now", At: utc(as.Now)})
	w.ruling(Ruling{Do: "state", State: v.state})
	if v.state == StateMet && v.by != nil {
		w.c.Met = utc(v.by.At)
	}
	w.conclude(r, v)
}

func (w *ruler) period(r *Rule, v verdict) {
	w.ruling(Ruling{Do: "window"})
	if v.state == StateMissed {
		w.ruling(Ruling{Do: "ended"})
		w.say("It ended in a %s", r.EndsIn)
	}
}

func (w *ruler) stayed(rec *Record) {
	left, gone := rec.Starts.at(Discharge)
	s := Ruling{Do: "stayed"}
	if gone {
		s.At = utc(left)
		w.say("The patient left %s", w.words(left))
	}
	w.ruling(s)
}

func (w *ruler) evidence(rec *Record, k *Kept, r *Rule, v verdict) {
	start, _ := rec.StartOf(*k, r.Trigger)
	opens := r.opens(start, w.zone)
	if r.FromDay != nil {
		w.say("What happened from %s on counts", w.words(opens))
	}
	in := func(at time.Time) bool { return !at.Before(opens) && at.Before(k.Due) }
	if v.by != nil {
		w.c.Evidence = append(w.c.Evidence, *v.by)
		w.ruling(Ruling{Do: "done", At: utc(v.by.At), Counts: in(v.by.At)})
		how := "in time"
		if !in(v.by.At) {
			how = "too late"
		}
		w.say("%s %s: %s", w.sourceOf(*v.by), w.words(v.by.At), how)
	}
	if r.Attempts > 0 {
		w.ruling(Ruling{Do: "needs", N: r.Attempts})
	}
	attempts := 0
	for _, e := range rec.Log {
		if e.Kind != Attempt || e.Rule != r.ID && (e.Rule != "" || !contains(r.MetBy, e.Code)) {
			continue
		}
		w.c.Evidence = append(w.c.Evidence, e)
		w.ruling(Ruling{Do: "attempt", At: utc(e.At), Counts: in(e.At)})
		if in(e.At) {
			attempts++
		}
		w.say("Attempt %s: %s", w.words(e.At), orUnknown(e.Outcome))
	}
	if r.Attempts > 0 && attempts > 0 && v.state != StateMet {
		w.say("%d timely attempts on record; %d are enough", attempts, r.Attempts)
	}
	if p := k.open(); p != nil {
		w.ruling(Ruling{Do: "paused", At: utc(p.From)})
		w.say("Paused since %s%s", w.words(p.From), because(p.Reason))
	}
	if a := rec.ask(k.Ask); a != nil {
		w.asked(a, r, v)
	}
	if v.waived != nil {
		w.ruling(Ruling{Do: "waived", At: utc(v.waived.At)})
		w.c.Reason = fmt.Sprintf("%s of %s stands for it", r.WaivedBy.Rule, w.words(v.waived.At))
	}
}

func (w *ruler) sourceOf(e Evidence) string {
	switch {
	case e.Event != "":
		return strings.ToUpper(e.Event[:1]) + strings.ReplaceAll(e.Event[1:], "-", " ")
	case e.Code != "" && e.Kind == Attempt:
		return "Reached on an attempt of task " + e.Code
	case e.Code != "":
		return "Task " + e.Code + " done"
	}
	return "Recorded as done"
}

func (w *ruler) conclude(r *Rule, v verdict) {
	switch v.state {
	case StateDue:
		w.say("Still due")
	case StateMet:
		w.say("Met")
	case StateAttempted:
		w.say("Attempted: nobody was reached")
	case StateMissed:
		if r.Window {
			return
		}
		w.say("Missed: nothing on record in time")
	case StatePaused:
		w.say("The due time moves by as long as the pause lasts")
	case StateNotApplicable:
		w.say("Not needed: %s", w.c.Reason)
	}
}

func (w *ruler) ruling(r Ruling) { w.c.Verdict = append(w.c.Verdict, r) }

func (w *ruler) say(format string, args ...any) {
	w.c.Trace.Steps = append(w.c.Trace.Steps, fmt.Sprintf(format, args...))
}

func (w *ruler) words(t time.Time) string { return t.In(w.zone).Format(instantWords) }

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Check follows the trace to the due instant and the verdict to the state, and says
// where either differs from what the clock says.
func (c Clock) Check(cal *calendar.Calendar) error {
	if c.Trace == nil {
		if c.State != StateNotApplicable || c.Reason == "" {
			return fmt.Errorf("clock: %s is %s without a trace or a reason", c.Rule, c.State)
		}
		return nil
	}
	if err := c.Trace.Check(cal); err != nil {
		return err
	}
	if c.Due == nil || !c.Due.Equal(c.Trace.Due) {
		return fmt.Errorf("clock: %s is due at %v, its trace ends at %s", c.Rule, c.Due, c.Trace.Due)
	}
	opens := c.Trace.TriggerAt
	if c.Trace.Opens != nil {
		opens = *c.Trace.Opens
	}
	j := jury{opens: opens, due: *c.Due}
	for i, r := range c.Verdict {
		if err := j.hear(r); err != nil {
			return fmt.Errorf("clock: step %d (%s) of the verdict on %s: %w", i, r.Do, c.Rule, err)
		}
	}
	if got := j.state(); got != c.State || got != j.said {
		return fmt.Errorf("clock: the verdict on %s leads to %s, the clock says %s", c.Rule, got, c.State)
	}
	return nil
}

// jury comes to a state from the rulings alone.
type jury struct {
	opens, due, now        time.Time
	met, paused, waived    bool
	window, ended, minStay bool
	left                   *time.Time
	needs, attempts        int
	said                   State
}

func (j *jury) hear(r Ruling) error {
	switch r.Do {
	case "needs":
		j.needs = r.N
	case "done", "attempt":
		in := !r.At.Before(j.opens) && r.At.Before(j.due)
		if in != r.Counts {
			return fmt.Errorf("%s counts: %v, the step says %v", r.At, in, r.Counts)
		}
		if r.Do == "done" {
			j.met = j.met || in
		} else if in {
			j.attempts++
		}
	case "paused":
		j.paused = true
	case "waived", "withdrawn":
		j.waived = true
	case "window":
		j.window = true
	case "ended":
		j.ended = true
	case "stayed":
		j.minStay, j.left = true, r.At
	case "now":
		j.now = *r.At
	case "state":
		j.said = r.State
	default:
		return fmt.Errorf("nobody knows this step")
	}
	return nil
}

func (j *jury) state() State {
	past := !j.now.Before(j.due)
	switch {
	case j.window && j.ended, j.minStay && j.left != nil && j.left.Before(j.due):
		return StateMissed
	case (j.window || j.minStay) && past, j.minStay && j.left != nil, j.met:
		return StateMet
	case j.window || j.minStay:
		return StateDue
	case j.waived:
		return StateNotApplicable
	case j.paused:
		return StatePaused
	case j.needs > 0 && j.attempts >= j.needs:
		return StateAttempted
	case past:
		return StateMissed
	}
	return StateDue
}
