package clock

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/calendar"
)

// home is a Medicare patient of 81 years who went home on a Friday afternoon.
func home(t testing.TB, w Where) Subject {
	in, out, age := localAt(t, w, "2026-10-11 09:00"), localAt(t, w, "2026-10-16 14:02"), 81
	return Subject{Class: "inpatient", Disposition: "01", Payer: "medicare", Age: &age, AdmittedAt: &in, DischargedAt: &out}
}

func states(t testing.TB, tab *Table, rec Record, now time.Time, w Where) map[string]State {
	t.Helper()
	out := map[string]State{}
	view, err := tab.View(rec, As{Now: now, Zone: w.Zone.String(), Calendar: w.Calendar.ID()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range view {
		if err := c.Check(w.Calendar); err != nil {
			t.Error(err)
		}
		out[c.Rule] = c.State
	}
	return out
}

func told(news []News) []string {
	var out []string
	for _, n := range news {
		out = append(out, fmt.Sprintf("%s %s->%s", n.Rule.ID, n.Was, n.Is))
	}
	slices.Sort(out)
	return out
}

func TestClocksOfAMedicarePatientGoneHome(t *testing.T) {
	tab, w := table(t), newYork(t)
	now := localAt(t, w, "2026-10-16 15:00")
	s := home(t, w)
	rec := tab.Start(Record{}, s, w)
	open := []Task{{ID: "1", Code: "tcm-contact"}, {ID: "2", Code: "follow-up-visit"}, {ID: "3", Code: "discharge-information"}}
	rec, news, wake := tab.Judge(Record{}, rec, Around{Now: now, Zone: w.Zone, Tasks: open})
	want := map[string]State{
		"im-copy": StateMissed, "im-first": StateMissed, "mrp": StateDue, "pcr-30": StateDue, "snf-3-day": StateMet, "snf-admit-30": StateDue,
		"tcm-contact": StateDue, "tcm-medrec-14": StateDue, "tcm-period": StateDue, "tcm-visit-14": StateDue, "tcm-visit-7": StateDue,
		"trc-engagement": StateDue, "trc-nia": StateMissed, "trc-rdi": StateDue,
	}
	if diff := cmp.Diff(want, states(t, tab, rec, now, w)); diff != "" {
		t.Error(diff)
	}
	if len(news) > 0 {
		t.Errorf("told %v of clocks nobody here was asked to see to", told(news))
	}
	if want := localAt(t, w, "2026-10-19 00:00"); !wake.Equal(want) {
		t.Errorf("wakes at %s, want the end of trc-rdi %s", wake, want)
	}
	for _, c := range tab.NotApplicable(rec, s, w.Zone) {
		if c.Reason == "" {
			t.Errorf("%s does not apply and does not say why", c.Rule)
		}
	}
}

// A task's life shows in its clock: attempted, missed, met by late paper work of a call
// in time, and open again.
func TestAClockFollowsItsTask(t *testing.T) {
	tab, w := table(t), newYork(t)
	task := Task{ID: "1", Code: "tcm-contact"}
	rec := tab.Start(Record{}, home(t, w), w)
	judge := func(now string) []string {
		t.Helper()
		next, news, _ := tab.Judge(rec, rec, Around{Now: localAt(t, w, now), Zone: w.Zone, Tasks: []Task{task}})
		rec = next
		return told(news)
	}
	expect := func(now string, state State, news ...string) {
		t.Helper()
		if diff := cmp.Diff(news, judge(now)); diff != "" {
			t.Errorf("%s: %s", now, diff)
		}
		if got := states(t, tab, rec, localAt(t, w, now), w)["tcm-contact"]; got != state {
			t.Errorf("%s: %s, want %s", now, got, state)
		}
	}
	expect("2026-10-16 15:00", StateDue)
	attempt := func(at, outcome string) {
		rec = rec.Say(Evidence{Kind: Attempt, Task: "1", Code: "tcm-contact", At: localAt(t, w, at), Outcome: outcome})
	}
	attempt("2026-10-19 10:00", "no-answer")
	expect("2026-10-19 10:00", StateDue)
	expect("2026-10-21 00:00", StateMissed, "tcm-contact ->missed")
	attempt("2026-10-20 10:00", "no-answer") // written down late
	expect("2026-10-21 09:00", StateAttempted, "tcm-contact missed->")
	attempt("2026-10-21 10:00", "reached")
	expect("2026-10-21 10:00", StateAttempted)
	task.Done, task.At = true, localAt(t, w, "2026-10-21 11:00")
	expect("2026-10-21 11:00", StateAttempted)
	rec = rec.Say(Evidence{Kind: Done, Task: "1", Code: "tcm-contact", At: localAt(t, w, "2026-10-20 18:00")})
	expect("2026-10-21 12:00", StateMet, "tcm-contact ->met")
	expect("2026-11-21 12:00", StateMet)
	task.Done, rec = false, rec.Forget("1")
	expect("2026-11-21 13:00", StateAttempted, "tcm-contact met->")
}

func TestReachedOnAnAttemptMeetsTheContact(t *testing.T) {
	tab, w := table(t), newYork(t)
	rec := tab.Start(Record{}, home(t, w), w)
	at := localAt(t, w, "2026-10-19 10:00")
	rec = rec.Say(Evidence{Kind: Attempt, Task: "1", Code: "tcm-contact", At: at, Outcome: "reached"})
	rec, news, _ := tab.Judge(rec, rec, Around{Now: at, Zone: w.Zone, Tasks: []Task{{ID: "1", Code: "tcm-contact"}}})
	if diff := cmp.Diff([]string{"tcm-contact ->met"}, told(news)); diff != "" {
		t.Error(diff)
	}
	if got := states(t, tab, rec, at, w)["tcm-contact"]; got != StateMet {
		t.Error(got)
	}
}

func TestADayThatDoesNotCount(t *testing.T) {
	tab, w := table(t), newYork(t)
	rec := tab.Start(Record{}, home(t, w), w)
	sameDay := Task{ID: "1", Code: "patient-engagement", Done: true, At: localAt(t, w, "2026-10-16 18:00")}
	now := localAt(t, w, "2026-10-17 09:00")
	rec, _, _ = tab.Judge(rec, rec, Around{Now: now, Zone: w.Zone, Tasks: []Task{sameDay}})
	if got := states(t, tab, rec, now, w)["trc-engagement"]; got != StateDue {
		t.Errorf("engagement on the day of discharge: %s", got)
	}
	sameDay.At = localAt(t, w, "2026-10-17 00:00")
	rec, _, _ = tab.Judge(rec, rec, Around{Now: now, Zone: w.Zone, Tasks: []Task{sameDay}})
	if got := states(t, tab, rec, now, w)["trc-engagement"]; got != StateMet {
		t.Errorf("engagement on the day after: %s", got)
	}
}

func TestPausesMoveTheDueTimeAndOnlyWhereTheRuleAllows(t *testing.T) {
	tab, w := table(t), newYork(t)
	s := home(t, w)
	s.Disposition = "06"
	rec := tab.Start(Record{}, s, w)
	task := []Task{{ID: "1", Code: "home-health-start"}}
	from, until := localAt(t, w, "2026-10-17 09:00"), localAt(t, w, "2026-10-19 09:00")
	if _, err := tab.Pause(rec, "tcm-contact", "patient-request", "nora", from); err == nil {
		t.Error("the contact was paused")
	}
	paused, err := tab.Pause(rec, "hh-start", "patient-request", "nora", from)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tab.Pause(paused, "hh-start", "", "nora", until); err == nil {
		t.Error("a paused clock was paused")
	}
	now := localAt(t, w, "2026-10-18 20:00") // past the due time it had
	rec, news, wake := tab.Judge(paused, paused, Around{Now: now, Zone: w.Zone, Tasks: task})
	if got := states(t, tab, rec, now, w)["hh-start"]; got != StatePaused || len(news) > 0 || !wake.IsZero() {
		t.Errorf("%s, told %v, wakes at %s", got, told(news), wake)
	}
	rec, err = tab.Resume(rec, "hh-start", until, w)
	if err != nil {
		t.Fatal(err)
	}
	now = localAt(t, w, "2026-10-20 14:01")
	rec, _, wake = tab.Judge(rec, rec, Around{Now: now, Zone: w.Zone, Tasks: task})
	if got := states(t, tab, rec, now, w)["hh-start"]; got != StateDue || !wake.Equal(now.Add(time.Minute)) {
		t.Errorf("%s, wakes at %s", got, wake)
	}
	rec, news, _ = tab.Judge(rec, rec, Around{Now: wake, Zone: w.Zone, Tasks: task})
	if diff := cmp.Diff([]string{"hh-start ->missed"}, told(news)); diff != "" {
		t.Error(diff)
	}
	_ = rec
}

func TestTheFirstNoticeMayStandForTheCopy(t *testing.T) {
	tab, w := table(t), newYork(t)
	s := home(t, w)
	rec := tab.Start(Record{}, s, w)
	say := func(rule, at string) { rec = rec.Say(Evidence{Kind: Done, Rule: rule, At: localAt(t, w, at)}) }
	judged := func() map[string]State {
		now := localAt(t, w, "2026-10-16 15:00")
		next, _, _ := tab.Judge(rec, rec, Around{Now: now, Zone: w.Zone})
		return states(t, tab, next, now, w)
	}
	say("im-first", "2026-10-13 23:59")
	if got := judged(); got["im-first"] != StateMet || got["im-copy"] != StateMissed {
		t.Errorf("first on day 2, 3 days before discharge: %v", got)
	}
	rec, _ = rec.Unsay("im-first")
	say("im-copy", "2026-10-16 10:03")
	if got := judged(); got["im-copy"] != StateMissed {
		t.Errorf("3 hours and 59 minutes before discharge: %v", got)
	}
	rec, _ = rec.Unsay("im-copy")
	say("im-copy", "2026-10-14 00:00")
	if got := judged(); got["im-copy"] != StateMet {
		t.Errorf("two days before discharge: %v", got)
	}
	in := localAt(t, w, "2026-10-14 23:00")
	s.AdmittedAt = &in
	rec = tab.Start(Record{}, s, w)
	say("im-first", "2026-10-14 23:30")
	if got := judged(); got["im-first"] != StateMet || got["im-copy"] != StateNotApplicable {
		t.Errorf("a short stay: %v", got)
	}
}

// A clock keeps the version it started by; its trigger moved, it takes the one in force
// then; told to, it moves.
func TestOpenClocksKeepTheirVersion(t *testing.T) {
	tab, w := table(t), newYork(t)
	s := home(t, w)
	rec := tab.Start(Record{}, s, w)
	was := rec.find("trc-rdi")
	rec, list := tab.Move(rec, "trc-rdi", "MY2020", "MY2019", w)
	moved := len(list) == 1
	var is Kept
	if moved {
		is = list[0].Is
	}
	if want := localAt(t, w, "2026-10-18 00:00"); !moved || !is.Due.Equal(want) || is.Rule != "trc-rdi@MY2019" {
		t.Fatalf("moved %v to %+v", moved, is)
	}
	if was.Rule != "trc-rdi@MY2020" {
		t.Fatal("the record it came from has changed")
	}
	if again := tab.Start(rec, s, w); again.find("trc-rdi").Rule != "trc-rdi@MY2019" {
		t.Errorf("started again it runs by %s", again.find("trc-rdi").Rule)
	}
	if _, twice := tab.Move(rec, "trc-rdi", "MY2020", "MY2019", w); len(twice) > 0 {
		t.Error("moved twice")
	}
	later := s.DischargedAt.Add(time.Hour)
	s.DischargedAt = &later
	if again := tab.Start(rec, s, w); again.find("trc-rdi").Rule != "trc-rdi@MY2020" {
		t.Errorf("with another discharge time it runs by %s", again.find("trc-rdi").Rule)
	}
}

// A late arrival's clocks that had run out are no news; those that run out later are.
func TestWhatHadRunOutBeforeAnybodyHeardIsNoNews(t *testing.T) {
	tab, w := table(t), newYork(t)
	rec := tab.Start(Record{}, home(t, w), w)
	heard := localAt(t, w, "2026-10-25 09:00")
	a := Around{Now: heard, Zone: w.Zone, Late: &heard, Tasks: []Task{{ID: "1", Code: "tcm-contact"}, {ID: "2", Code: "follow-up-visit"}}}
	rec, news, wake := tab.Judge(rec, rec, a)
	if len(news) > 0 {
		t.Errorf("told %v", told(news))
	}
	a.Now = wake
	_, news, _ = tab.Judge(rec, rec, a)
	if diff := cmp.Diff([]string{"tcm-visit-14 ->missed"}, told(news)); diff != "" {
		t.Error(diff)
	}
}

// What was told of a clock that is gone is taken back.
func TestAClockThatIsGoneIsTakenBack(t *testing.T) {
	tab, w := table(t), newYork(t)
	s := home(t, w)
	rec := tab.Start(Record{}, s, w)
	tasks := []Task{{ID: "1", Code: "tcm-contact", Done: true, At: localAt(t, w, "2026-10-19 09:00")}}
	a := Around{Now: localAt(t, w, "2026-10-19 10:00"), Zone: w.Zone, Tasks: tasks}
	rec, news, _ := tab.Judge(rec, rec, a)
	if diff := cmp.Diff([]string{"tcm-contact ->met"}, told(news)); diff != "" {
		t.Error(diff)
	}
	s.Disposition = "03"
	after, news, _ := tab.Judge(rec, tab.Start(rec, s, w), a)
	if diff := cmp.Diff([]string{"tcm-contact met->"}, told(news)); diff != "" {
		t.Error(diff)
	}
	if after.find("tcm-contact") != nil {
		t.Error("it is still there")
	}
}

// Whatever was recorded, in whatever order, a clock's state follows from the set: the
// same as an evaluation that only looks at the window, and its verdict checks.
func TestStatesFollowFromTheSetOfEvidence(t *testing.T) {
	tab, w := table(t), newYork(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := home(t, w)
		s.Disposition = rapid.SampledFrom([]string{"01", "06"}).Draw(rt, "disposition")
		rec := tab.Start(Record{}, s, w)
		var log []Evidence
		var tasks []Task
		for _, code := range []string{"tcm-contact", "follow-up-visit", "medication-reconciliation", "patient-engagement", "home-health-start"} {
			at := func(name string) time.Time {
				return s.DischargedAt.Add(time.Duration(rapid.IntRange(-24, 40*24).Draw(rt, name+code)) * time.Hour)
			}
			for range rapid.IntRange(0, 3).Draw(rt, "attempts") {
				log = append(log, Evidence{Kind: Attempt, Task: code, Code: code, At: at("attempt"), Outcome: rapid.SampledFrom([]string{"reached", "no-answer"}).Draw(rt, "outcome")})
			}
			task := Task{ID: code, Code: code, Done: rapid.Bool().Draw(rt, "done")}
			if task.Done {
				task.At = at("done")
			}
			tasks = append(tasks, task)
		}
		rec.Log = rapid.Permutation(log).Draw(rt, "log")
		now := s.DischargedAt.Add(time.Duration(rapid.IntRange(0, 45*24).Draw(rt, "now")) * time.Hour)
		rec, _, _ = tab.Judge(rec, rec, Around{Now: now, Zone: w.Zone, Tasks: tasks})
		text, err := json.Marshal(rec)
		if err != nil {
			rt.Fatal(err)
		}
		var back Record
		if err := json.Unmarshal(text, &back); err != nil {
			rt.Fatal(err)
		}
		type plain Record // without the method: the field tags' own way
		if long, err := json.Marshal(plain(back)); err != nil || string(long) != string(text) {
			rt.Fatalf("written by hand:\n%s\nby its tags:\n%s", text, long)
		}
		view, err := tab.View(back, As{Now: now, Zone: w.Zone.String(), Calendar: w.Calendar.ID()})
		if err != nil {
			rt.Fatal(err)
		}
		for _, c := range view {
			if err := c.Check(w.Calendar); err != nil {
				rt.Fatal(err)
			}
			if want := slowState(tab, c, log, tasks, now, w.Zone); want != "" && c.State != want {
				rt.Fatalf("%s is %s, the set of evidence says %s\n%q", c.Rule, c.State, want, c.Trace.Steps)
			}
			if c.State == StateMissed {
				c.State = StateMet
				if c.Check(w.Calendar) == nil {
					rt.Fatalf("%s: a wrong state passed the check", c.Rule)
				}
			}
		}
	})
}

// slowState judges a clock that tasks can meet by looking at everything there is.
func slowState(tab *Table, c Clock, log []Evidence, tasks []Task, now time.Time, zone *time.Location) State {
	r, _ := tab.Version(c.Rule, c.Version)
	if r.Window || r.MinStay || len(r.MetBy) == 0 {
		return ""
	}
	opens := c.Trace.TriggerAt
	if r.FromDay != nil {
		opens = calendar.DateOf(opens, zone).AddDays(*r.FromDay).Start(zone)
	}
	attempts, met := 0, false
	for _, e := range log {
		if slices.Contains(r.MetBy, e.Code) && !e.At.Before(opens) && e.At.Before(*c.Due) {
			attempts++
			met = met || slices.Contains(r.AttemptOutcomes, e.Outcome)
		}
	}
	for _, k := range tasks {
		met = met || k.Done && slices.Contains(r.MetBy, k.Code) && !k.At.Before(opens) && k.At.Before(*c.Due)
	}
	switch {
	case met:
		return StateMet
	case r.Attempts > 0 && attempts >= r.Attempts:
		return StateAttempted
	case now.Before(*c.Due):
		return StateDue
	}
	return StateMissed
}

func BenchmarkStartAndJudge(b *testing.B) {
	tab, w := table(b), newYork(b)
	s, now := home(b, w), localAt(b, w, "2026-10-16 15:00")
	tasks := []Task{{ID: "1", Code: "tcm-contact"}, {ID: "2", Code: "follow-up-visit"}}
	b.ReportAllocs()
	for b.Loop() {
		rec, _, _ := tab.Run(Record{}, Record{}, s, w, Around{Now: now, Zone: w.Zone, Tasks: tasks})
		if _, err := rec.MarshalJSON(); err != nil {
			b.Fatal(err)
		}
	}
}
