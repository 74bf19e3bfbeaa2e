package story

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/system"
)

// stories are all there are. Those at the end do things to the whole system.
var stories = []struct {
	name string
	play func(*scene)
	only system.Mode // "": both
}{
	{"a discharge becomes a plan, tasks, a referral and an alert", discharged, ""},
	{"a cancelled discharge takes everything back but what was done", dischargeCancelled, ""},
	{"a patient who is discharged again gets a new version of the same plan", dischargedAgain, ""},
	{"a cancelled admission leaves no plan", admissionCancelled, ""},
	{"a disposition that is corrected later changes the plan and keeps what was done", dispositionCorrected, ""},
	{"an emergency visit that ends in an admission opens nothing of its own", admittedFromEmergency, ""},
	{"of two who claim a task one gets it and the other learns who", claimRace, ""},
	{"whoever was late learns so", staleWrite, ""},
	{"an old discharge makes its tasks and wakes nobody", lateArrival, ""},
	{"arrival at the next facility closes the referral", arrival, ""},
	{"a patient who comes back is told of to whoever let her go", cameBack, ""},
	{"an admission is cancelled when its discharge was told", corrected("admission cancelled"), ""},
	{"a discharge is cancelled when a facility was asked", corrected("discharge cancelled"), ""},
	{"the time of a discharge is corrected", corrected("discharge time changed"), ""},
	{"where a patient went is corrected", corrected("disposition changed"), ""},
	{"a stay was no inpatient one", corrected("class changed"), ""},
	{"a visit is deleted", corrected("visit deleted"), ""},
	{"a person is deleted", corrected("person deleted"), ""},
	{"a death is learned late", corrected("death learned late"), ""},
	{"two records are merged", corrected("patient merged"), ""},
	{"a visit is moved to another patient", corrected("visit moved"), ""},
	{"two records are linked and unlinked", linkedAndUnlinked, ""},
	{"a discharge settles before anybody outside hears of it", settling, ""},
	{"the same message again changes nothing", duplicates, ""},
	{"every bad input gets the answer it should", badInput, ""},
	{"another organization sees nothing", anotherOrganization, ""},
	{"every shape of stay becomes what it should in whatever order it is told", anyOrder, ""},
	{"a service may not say what another's to say is", noForgery, system.Apart},
	{"no name leaves admission", canary, ""},
	{"a liaison sees it on the screen", onScreen, system.OneProcess},
	{"the broker's store is lost and nobody notices", brokerLost, ""},
}

func discharged(s *scene) {
	screen := s.watch()
	stay := s.stay("nursing facility")
	s.send(stay, 1)
	e := s.encounter(stay, "in-progress")
	planned := s.transition(e, "planning")
	if open := openTasks(s.tasks(e)); len(open) > 0 {
		s.Errorf("a patient who is still in has open tasks: %v", open)
	}
	s.send(stay, 2, 3)
	e = s.encounter(stay, "finished")
	if e.Disposition != "03" || e.DischargedAt == nil || !e.DischargedAt.Equal(s.base.Add(30*time.Minute)) {
		s.Errorf("the stay ended %v to %q, want %v to 03", e.DischargedAt, e.Disposition, s.base.Add(30*time.Minute))
	}
	open := s.transition(e, "active")
	if open.ID != planned.ID || open.Version <= planned.Version || !slices.Contains(prefixes(open.Protocols), "snf") {
		s.Errorf("transition %+v after %+v, want a later version of the same with protocol snf", open, planned)
	}
	tasks := s.tasks(e)
	if got := openTasks(tasks); !slices.Equal(got, stay.Shape.Want.Tasks) {
		s.Errorf("tasks %v, want %v", got, stay.Shape.Want.Tasks)
	}
	for _, t := range tasks {
		if t.State != "requested" || t.OwnerRole != "liaison" || t.DueAt == nil || !t.DueAt.After(*e.DischargedAt) {
			s.Errorf("task %+v, want requested, of a liaison, due after the discharge", t)
		}
	}
	s.whyDue(tasks["handoff-report"])
	s.candidates(s.referral(e, "drafted"))
	a := s.alert(e, "transition-opened", "raised")
	if a.TransitionID != open.ID || a.RaisedAt.Before(a.ReceivedAt) || a.ReceivedAt.Before(s.base.Add(time.Hour)) {
		s.Errorf("alert %+v, want one of transition %s, received before it was raised", a, open.ID)
	}
	s.shown(screen, a)
}

// watch opens a screen that shows what the role liaison is told.
func (s *scene) watch() *api.Screen {
	s.Helper()
	screen, err := s.liaison.Watch(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(screen.Close)
	return screen
}

// shown waits for an alert on the screen, where it must be once.
func (s *scene) shown(screen *api.Screen, a api.Alert) {
	s.Helper()
	s.await(func() error {
		n := 0
		for _, got := range screen.Seen() {
			if got.Event == "alert" && got.Subject == a.ID {
				n++
				if got.Kind != a.Kind || got.EncounterID != a.EncounterID || got.TransitionID != a.TransitionID || !got.ReceivedAt.Equal(a.ReceivedAt) {
					s.Errorf("the screen shows %s, want alert %+v", got.Data, a)
				}
			}
		}
		if n != 1 {
			return fmt.Errorf("alert %s was shown %d times", a.ID, n)
		}
		return nil
	})
}

// whyDue checks that a due time says how it came about.
func (s *scene) whyDue(t api.Task) {
	s.Helper()
	var detail struct {
		Trace map[string]any `json:"due_trace"`
	}
	if err := s.liaison.Get(s.ctx, "discharge", "/tasks/"+t.ID, &detail); err != nil {
		s.Fatal(err)
	}
	for _, part := range []string{"rule", "zone", "steps"} {
		if detail.Trace[part] == nil {
			s.Errorf("the trace of a due time says nothing of its %s: %v", part, detail.Trace)
		}
	}
}

// candidates checks that a referral says whom to ask, and why.
func (s *scene) candidates(r api.Referral) api.Referral {
	s.Helper()
	var detail api.Referral
	if err := s.liaison.Get(s.ctx, "referral", "/referrals/"+r.ID, &detail); err != nil {
		s.Fatal(err)
	}
	if len(detail.Candidates) == 0 {
		s.Fatalf("referral %s has no candidates", r.ID)
	}
	for i, c := range detail.Candidates {
		if c.Rank != i+1 || c.ProviderID == "" || len(c.Reasons) == 0 {
			s.Errorf("candidate %d is %+v, want rank %d with reasons", i+1, c, i+1)
		}
	}
	return detail
}

func dischargeCancelled(s *scene) {
	stay := s.stay("discharged again")
	s.send(stay, 1, 2)
	e := s.encounter(stay, "finished")
	before := s.transition(e, "active")
	done := s.complete(s.tasks(e)["tcm-contact"])
	s.send(stay, 3)
	s.encounter(stay, "in-progress")
	after := s.transition(e, "planning")
	if after.ID != before.ID || after.Version <= before.Version {
		s.Errorf("transition %+v after %+v, want a later version of the same", after, before)
	}
	for code, t := range s.tasks(e) {
		if code == done.Code {
			if t.State != "completed" {
				s.Errorf("the task that was done is %s", t.State)
			}
		} else if t.State != "cancelled" || t.Reason != "discharge-cancelled" {
			s.Errorf("task %s is %s because of %q, want cancelled because of discharge-cancelled", code, t.State, t.Reason)
		}
	}
	s.alert(e, "transition-opened", "resolved")
}

// complete claims a task and completes it.
func (s *scene) complete(t api.Task) api.Task {
	s.Helper()
	var claimed, done api.Task
	if err := s.liaison.Post(s.ctx, "discharge", "/tasks/"+t.ID+"/claim", nil, &claimed); err != nil {
		s.Fatal(err)
	}
	if err := s.liaison.Post(s.ctx, "discharge", "/tasks/"+t.ID+"/complete", map[string]string{"outcome": "reached"}, &done, "If-Match", match(claimed)); err != nil {
		s.Fatal(err)
	}
	if claimed.State != "accepted" || claimed.Owner == "" || done.State != "completed" {
		s.Fatalf("claimed %+v, completed %+v", claimed, done)
	}
	return done
}

func match(t api.Task) string { return strconv.Quote(strconv.Itoa(t.Version)) }

func dischargedAgain(s *scene) {
	stay := s.stay("discharged again")
	s.send(stay, 1, 2)
	e := s.encounter(stay, "finished")
	first := s.transition(e, "active")
	raised := s.alert(e, "transition-opened", "raised")
	s.send(stay, 3)
	s.transition(e, "planning")
	s.send(stay, 4)
	s.encounter(stay, "finished")
	second := s.transition(e, "active")
	if second.ID != first.ID || second.Version <= first.Version+1 || second.Disposition != "03" {
		s.Errorf("transition %+v after %+v, want a later version of the same, to 03", second, first)
	}
	if got := openTasks(s.tasks(e)); !slices.Equal(got, stay.Shape.Want.Tasks) {
		s.Errorf("tasks %v, want %v", got, stay.Shape.Want.Tasks)
	}
	again := s.alert(e, "transition-opened", "raised")
	if again.ID != raised.ID {
		s.Errorf("another alert, %s after %s, for the same episode", again.ID, raised.ID)
	}
	s.referral(e, "drafted")
}

func admissionCancelled(s *scene) {
	stay := s.stay("admission cancelled")
	s.send(stay, 1)
	e := s.encounter(stay, "in-progress")
	s.transition(e, "planning")
	s.send(stay, 2)
	s.encounter(stay, "cancelled")
	if t := s.transition(e, "cancelled"); t.Reason != "admission-cancelled" {
		s.Errorf("cancelled because of %q", t.Reason)
	}
	s.rest()
	if open := openTasks(s.tasks(e)); len(open) > 0 {
		s.Errorf("open tasks %v", open)
	}
	if list := s.alerts(e, "transition-opened"); len(list) > 0 {
		s.Errorf("alerts %+v", list)
	}
}

func dispositionCorrected(s *scene) {
	stay := s.stay("disposition corrected")
	s.send(stay, 1, 2)
	e := s.encounter(stay, "finished")
	s.transition(e, "active")
	s.complete(s.tasks(e)["medication-reconciliation"])
	s.send(stay, 3)
	s.await(func() error {
		if t := s.transition(e, "active"); t.Disposition != "03" {
			return fmt.Errorf("the transition is to %s", t.Disposition)
		}
		return nil
	})
	tasks := s.tasks(e)
	if got := openTasks(tasks); !slices.Equal(got, stay.Shape.Want.Tasks) {
		s.Errorf("tasks %v, want %v", got, stay.Shape.Want.Tasks)
	}
	if t := tasks["medication-reconciliation"]; t.State != "completed" {
		s.Errorf("what was done is %s now", t.State)
	}
	if t := tasks["tcm-contact"]; t.State != "cancelled" || t.Reason == "" {
		s.Errorf("what nobody asks for any more is %s because of %q", t.State, t.Reason)
	}
	s.referral(e, "drafted")
	s.alert(e, "transition-opened", "raised")
}

func admittedFromEmergency(s *scene) {
	visit := s.stay("emergency, admitted here under another number")
	s.send(visit)
	emergency := s.encounter(visit, "finished")
	stay := s.stay("home")
	stay.Person = visit.Person
	stay.Base = s.base.Add(20 * time.Minute)
	s.send(stay)
	e := s.encounter(stay, "finished")
	if e.PatientID != emergency.PatientID {
		s.Errorf("two patients, %s and %s, of one record number", e.PatientID, emergency.PatientID)
	}
	s.transition(e, "active")
	s.rest()
	list, err := api.List[api.Transition](s.ctx, s.auditor, "discharge", "/transitions", "encounter", emergency.ID)
	if err != nil || len(list) > 0 {
		s.Errorf("the emergency visit has transitions %+v (%v)", list, err)
	}
	if list := s.alerts(emergency, "transition-opened"); len(list) > 0 {
		s.Errorf("the emergency visit raised %+v", list)
	}
}

// claimRace lets two people claim each task at the same moment.
func claimRace(s *scene) {
	stay := s.stay("home")
	s.send(stay)
	e := s.encounter(stay, "finished")
	s.transition(e, "active")
	people := []*api.Client{s.liaison, s.lead}
	for _, p := range people { // their tokens are made now, not in the race
		if err := p.Get(s.ctx, "discharge", "/tasks?limit=1", nil); err != nil {
			s.Fatal(err)
		}
	}
	for code, t := range s.tasks(e) {
		var wg sync.WaitGroup
		won, errs := make([]api.Task, len(people)), make([]error, len(people))
		for i, p := range people {
			wg.Go(func() { errs[i] = p.Post(s.ctx, "discharge", "/tasks/"+t.ID+"/claim", nil, &won[i]) })
		}
		wg.Wait()
		winner, owner := -1, ""
		for i, err := range errs {
			if err == nil && winner < 0 {
				winner, owner = i, won[i].Owner
			} else if api.Status(err) != 409 {
				s.Fatalf("%s: claim %d of two: %v; %+v", code, i+1, err, won)
			}
		}
		if winner < 0 {
			s.Fatalf("%s: nobody got it: %v", code, errs)
		}
		for i, err := range errs {
			if i != winner && refusal(err)["owner"] != owner {
				s.Errorf("%s: %s won, and another was told %v", code, owner, err)
			}
		}
		if now := s.tasks(e)[code]; now.Owner != owner || now.State != "accepted" {
			s.Errorf("%s: %s won, and the task is %+v", code, owner, now)
		}
	}
}

func staleWrite(s *scene) {
	stay := s.stay("home")
	s.send(stay)
	e := s.encounter(stay, "finished")
	s.transition(e, "active")
	t := s.tasks(e)["tcm-contact"]
	complete := func(header ...string) error {
		return s.liaison.Post(s.ctx, "discharge", "/tasks/"+t.ID+"/complete", map[string]string{"outcome": "reached"}, nil, header...)
	}
	if err := s.liaison.Post(s.ctx, "discharge", "/tasks/"+t.ID+"/claim", nil, nil); err != nil {
		s.Fatal(err)
	}
	if err := complete("If-Match", match(t)); api.Status(err) != 412 {
		s.Errorf("a write on an old version was answered %v, want 412", err)
	}
	t = s.tasks(e)["tcm-contact"]
	key := []string{"If-Match", match(t), "Idempotency-Key", "story-" + t.ID}
	if err := complete(key...); err != nil {
		s.Error(err)
	}
	if err := complete(key...); err != nil {
		s.Errorf("the same request again: %v", err)
	}
	if now := s.tasks(e)["tcm-contact"]; now.State != "completed" || now.Version != t.Version+1 {
		s.Errorf("the task is %+v, want completed one version after %d", now, t.Version)
	}
}

func openTasks(tasks map[string]api.Task) []string {
	var codes []string
	for code, t := range tasks {
		if t.Open() {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// prefixes are names without their versions.
func prefixes(list []string) []string {
	var out []string
	for _, name := range list {
		for i, c := range name {
			if c == '@' {
				name = name[:i]
				break
			}
		}
		out = append(out, name)
	}
	return out
}

func lateArrival(s *scene) {
	stay := s.stay("home")
	stay.Base = s.base.Add(-30 * time.Hour)
	s.send(stay)
	e := s.encounter(stay, "finished")
	t := s.transition(e, "active")
	if !t.Late {
		s.Error("a discharge of yesterday is not marked as a late arrival")
	}
	if got := openTasks(s.tasks(e)); !slices.Equal(got, stays.ByName("home").Want.Tasks) {
		s.Errorf("tasks %v", got)
	}
	s.rest()
	if list := s.alerts(e, "transition-opened"); len(list) > 0 {
		s.Errorf("an old discharge raised %+v", list)
	}
	s.await(func() error {
		list, err := api.List[api.Alert](s.ctx, s.auditor, "notification", "/alerts", "facility", s.facility, "kind", "late-arrivals")
		if err == nil && len(list) != 1 {
			err = fmt.Errorf("digests %+v, want one", list)
		}
		return err
	})
}
