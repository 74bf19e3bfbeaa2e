package transition

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/fault"
)

func (w *world) byCode(code string) Task {
	for _, t := range w.tasks {
		if t.Code == code && t.Open() {
			return t
		}
	}
	return Task{}
}

func (w *world) task(id events.ID) Task {
	for _, t := range w.tasks {
		if t.ID == id {
			return t
		}
	}
	return Task{}
}

// act does what the service does with a person's action.
func (w *world) act(id events.ID, a Action) error {
	t, fact, err := Act(w.task(id), *w.cur, w.tasks, a)
	if err != nil {
		return err
	}
	w.apply(Change{Tasks: []Task{t}, Facts: []events.Fact{fact}})
	c, err := AfterTask(*w.cur, w.tasks)
	if err == nil {
		w.apply(c)
	}
	return err
}

func (w *world) complete(t testing.TB, code string, at time.Time) events.ID {
	t.Helper()
	id := w.byCode(code).ID
	if err := w.act(id, Action{Name: "complete", By: "nora", At: at, Outcome: "reached"}); err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *world) claim(t testing.TB, id events.ID, by string) {
	t.Helper()
	if err := w.act(id, Action{Name: "claim", By: by, At: received}); err != nil {
		t.Fatal(err)
	}
}

func opened(t testing.TB) *world {
	t.Helper()
	w := &world{rules: shippedRules(t)}
	w.see(t, stay("inpatient", "finished"))
	return w
}

func TestALostClaimSaysWhoWon(t *testing.T) {
	w := opened(t)
	id := w.tasks[0].ID
	w.claim(t, id, "nora")
	w.claim(t, id, "nora") // again is no error
	err := w.act(id, Action{Name: "claim", By: "omar", At: received})
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Conflict || f.Fields["owner"] != "nora" {
		t.Fatalf("err = %v", err)
	}
	if err := w.act(id, Action{Name: "release", By: "omar", At: received}); fault.KindOf(err) != fault.Conflict {
		t.Fatalf("omar released nora's task: %v", err)
	}
	if err := w.act(id, Action{Name: "release", By: "nora", At: received}); err != nil {
		t.Fatal(err)
	}
	w.claim(t, id, "omar")
	if err := w.act(id, Action{Name: "release", By: "lea", Lead: true, At: received}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatEachActionDoes(t *testing.T) {
	tomorrow := received.AddDate(0, 0, 1)
	for _, c := range []struct {
		name   string
		before []Action
		do     Action
		state  string
		owner  string
		fact   string
	}{
		{"start takes a task nobody has", nil, Action{Name: "start"}, TaskInProgress, "nora", "care.task.assigned.v1"},
		{"assign", nil, Action{Name: "assign", To: "omar"}, TaskAccepted, "omar", "care.task.assigned.v1"},
		{"attempt", nil, Action{Name: "attempt", Outcome: "no-answer", Until: &tomorrow}, TaskInProgress, "nora", "care.task.attempted.v1"},
		{"snooze", nil, Action{Name: "snooze", Until: &tomorrow, Reason: "asleep"}, TaskOnHold, "", "care.task.rescheduled.v1"},
		{"claim after a snooze", []Action{{Name: "snooze", Until: &tomorrow}}, Action{Name: "claim"}, TaskAccepted, "nora", "care.task.assigned.v1"},
		{"complete", nil, Action{Name: "complete", Outcome: "reached"}, TaskCompleted, "nora", "care.task.completed.v1"},
		{"complete as failed", nil, Action{Name: "complete", Outcome: "failed"}, TaskFailed, "nora", "care.task.completed.v1"},
		{"cancel", nil, Action{Name: "cancel", Reason: "duplicate"}, TaskCancelled, "nora", "care.task.cancelled.v1"},
		{"undo", []Action{{Name: "complete", Outcome: "reached"}}, Action{Name: "reopen"}, TaskAccepted, "nora", "care.task.reopened.v1"},
		{"undo a cancel", []Action{{Name: "cancel", Reason: "slip"}}, Action{Name: "reopen"}, TaskAccepted, "nora", "care.task.reopened.v1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := opened(t)
			id := w.tasks[0].ID
			for _, a := range append(c.before, c.do) {
				a.By, a.At = "nora", received
				before := w.task(id).Version
				if err := w.act(id, a); err != nil {
					t.Fatalf("%s: %v", a.Name, err)
				}
				if got := w.task(id).Version; got != before+1 {
					t.Errorf("%s: version %d became %d", a.Name, before, got)
				}
			}
			got := w.task(id)
			if got.State != c.state || got.Owner != c.owner || w.facts[len(w.facts)-1] != c.fact {
				t.Errorf("%s, owner %q, told %s; want %s, %q, %s", got.State, got.Owner, w.facts[len(w.facts)-1], c.state, c.owner, c.fact)
			}
		})
	}
}

func TestWhatIsRefused(t *testing.T) {
	yesterday := received.AddDate(0, 0, -1)
	for _, c := range []struct {
		name   string
		before []Action
		do     Action
		kind   fault.Kind
	}{
		{"completing twice", []Action{{Name: "complete"}}, Action{Name: "complete"}, fault.Conflict},
		{"claiming what is done", []Action{{Name: "complete"}}, Action{Name: "claim"}, fault.Conflict},
		{"releasing what nobody has", nil, Action{Name: "release"}, fault.Conflict},
		{"reopening what is open", nil, Action{Name: "reopen"}, fault.Conflict},
		{"assigning to nobody", nil, Action{Name: "assign"}, fault.Invalid},
		{"an attempt without outcome", nil, Action{Name: "attempt"}, fault.Invalid},
		{"snoozing into the past", nil, Action{Name: "snooze", Until: &yesterday}, fault.Invalid},
		{"cancelling without a reason", nil, Action{Name: "cancel"}, fault.Invalid},
		{"something else", nil, Action{Name: "eat"}, fault.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := opened(t)
			id := w.tasks[0].ID
			for _, a := range c.before {
				a.By, a.At = "nora", received
				if err := w.act(id, a); err != nil {
					t.Fatal(err)
				}
			}
			before := w.task(id)
			c.do.By, c.do.At = "nora", received
			if err := w.act(id, c.do); fault.KindOf(err) != c.kind {
				t.Errorf("err = %v (%s), want %s", err, fault.KindOf(err), c.kind)
			}
			if after := w.task(id); after.Version != before.Version || after.State != before.State {
				t.Errorf("a refused action changed the task: %+v", after)
			}
		})
	}
}

func TestWhatTheSystemCancelledOnlyTheStayBringsBack(t *testing.T) {
	w := opened(t)
	id := w.tasks[0].ID
	w.see(t, stay("inpatient", "in-progress"))
	if err := w.act(id, Action{Name: "reopen", By: "nora", At: received}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("err = %v", err)
	}
}

func TestNoFollowUpIsReopenedWhileThePatientIsIn(t *testing.T) {
	w := opened(t)
	id := w.complete(t, "tcm-contact", received)
	w.see(t, stay("inpatient", "in-progress"))
	if err := w.act(id, Action{Name: "reopen", By: "nora", At: received}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("err = %v", err)
	}
}

func TestTheLastTaskCompletesTheTransitionAndUndoOpensIt(t *testing.T) {
	w := opened(t)
	var last events.ID
	for _, task := range w.tasks {
		last = w.complete(t, task.Code, received)
	}
	if w.state() != Completed || w.facts[len(w.facts)-1] != "care.transition.completed.v1" {
		t.Fatalf("%s, told %s", w.state(), w.facts[len(w.facts)-1])
	}
	if c := w.see(t, stay("inpatient", "finished")); !c.Empty() {
		t.Errorf("the same stay again changed %v", c.Facts)
	}
	if err := w.act(last, Action{Name: "reopen", By: "nora", At: received}); err != nil || w.state() != Active {
		t.Fatalf("%v, %s", err, w.state())
	}
	w.complete(t, w.task(last).Code, received)
	w.see(t, stay("inpatient", "finished", disposition("06")))
	if w.state() != Active || w.byCode("home-health-start").Code == "" {
		t.Errorf("%s, open %v: a new need opens a completed transition", w.state(), w.openCodes())
	}
}

// Whatever people do and the stay does, in any mixture, the rows stay sound, and a
// task a person ended is never lost.
func TestPeopleAndStaysInAnyMixture(t *testing.T) {
	rules := shippedRules(t)
	tomorrow := received.AddDate(0, 0, 30)
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{rules: rules, now: left.AddDate(0, 0, 5)}
		ended := map[events.ID]string{}
		for range rapid.IntRange(2, 12).Draw(rt, "steps") {
			if len(w.tasks) == 0 || rapid.IntRange(0, 2).Draw(rt, "who") == 0 {
				w.see(t, drawStay(rt))
			} else {
				id := rapid.SampledFrom(w.tasks).Draw(rt, "task").ID
				a := Action{
					Name: rapid.SampledFrom(taskMoves).Draw(rt, "action").Name, By: rapid.SampledFrom([]string{"nora", "omar"}).Draw(rt, "by"),
					At: w.now, To: "omar", Outcome: "reached", Reason: "r", Until: &tomorrow,
				}
				if w.act(id, a) == nil {
					delete(ended, id)
					if got := w.task(id); !got.Open() {
						ended[id] = got.State
					}
				}
			}
			checkSound(rt, w)
			for id, state := range ended {
				if got := w.task(id).State; got != state {
					rt.Fatalf("a person ended %s as %s, it is %s", id, state, got)
				}
			}
		}
	})
}

func TestTimeRemindsThenReportsEachOnce(t *testing.T) {
	w := opened(t)
	tick := func(at time.Time) []string {
		changed, facts, next := Tick(w.tasks, at)
		for _, c := range changed {
			w.apply(Change{Tasks: []Task{c}})
		}
		if want := WakeAt(w.tasks); !next.Equal(want) {
			t.Errorf("look again at %s, want %s", next, want)
		}
		var out []string
		for _, f := range facts {
			out = append(out, f.Type()[len("care.task."):]+" "+f.(events.TaskFact).Snapshot().Code)
		}
		return out
	}
	first := WakeAt(w.tasks)
	if got := tick(first.Add(-time.Microsecond)); got != nil {
		t.Errorf("early: %v", got)
	}
	due := *w.byCode("discharge-information").DueAt // Sunday the 18th, the first of all
	if got := tick(first); len(got) != 1 || got[0] != "due.v1 discharge-information" {
		t.Errorf("first wake-up: %v", got)
	}
	if got := tick(due); len(got) != 1 || got[0] != "overdue.v1 discharge-information" {
		t.Errorf("when due: %v", got)
	}
	if got := tick(due); got != nil {
		t.Errorf("again: %v", got)
	}
	all := tick(left.AddDate(0, 0, 60))
	if len(all) != 3 || !WakeAt(w.tasks).IsZero() {
		t.Errorf("after two months: %v, then look at %s", all, WakeAt(w.tasks))
	}
}

func TestWhatWasLateFromTheStartIsNoNews(t *testing.T) {
	w := &world{rules: shippedRules(t), now: left.AddDate(0, 1, 0)}
	w.see(t, stay("inpatient", "finished"))
	if !w.byCode("tcm-contact").Overdue || !WakeAt(w.tasks).IsZero() {
		t.Errorf("overdue %v, wake at %s", w.byCode("tcm-contact").Overdue, WakeAt(w.tasks))
	}
}
