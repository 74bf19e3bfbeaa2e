package preview

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/discharge/internal/protocol"
)

var left = time.Date(2026, 10, 16, 18, 2, 0, 0, time.UTC)

func plan(protocols string, tasks ...protocol.Task) protocol.Plan {
	return protocol.Plan{Protocols: []string{protocols}, Tasks: tasks}
}

func task(code string, hours int) protocol.Task {
	return protocol.Task{Code: code, OwnerRole: "liaison", Priority: "routine", DueAt: left.Add(time.Duration(hours) * time.Hour)}
}

func TestADifferenceIsToldTaskByTask(t *testing.T) {
	urgent := task("visit", 24)
	urgent.Priority = "urgent"
	got := Diff(plan("a", task("call", 4), task("visit", 24), task("packet", 24), task("same", 1)),
		plan("b", task("call", 8), urgent, task("same", 1), task("new", 1)))
	var said []string
	for _, d := range got {
		said = append(said, d.Change+" "+d.Code)
		if (d.Today == nil) != (d.Change == Gained) || (d.Candidate == nil) != (d.Change == Lost) {
			t.Errorf("%+v", d)
		}
	}
	if diff := cmp.Diff([]string{"moved call", "changed visit", "gained new", "lost packet"}, said); diff != "" {
		t.Error(diff)
	}
}

func TestWhoseDayATaskFallsOn(t *testing.T) {
	f := New()
	s := Stay{Encounter: events.Encounter{ID: events.Derive("1")}, Zone: time.UTC, Owners: map[string]string{"call": "nora", "visit": "nora", "packet": "ben"}}
	p, changed := f.Add(s, plan("a", task("call", 4), task("visit", 24), task("packet", 24), task("open", 4)),
		plan("b", task("call", 4), task("visit", 24), task("open", 4), task("new", 24)))
	if !changed || len(p.Tasks) != 2 {
		t.Fatalf("%+v", p)
	}
	r := f.Result()
	want := []Person{
		{Role: "liaison", Owner: "", Count: Count{1, 1}, Days: 1, PerDay: 1, WouldBe: 1, Busiest: 1, WouldPeak: 1},
		{Role: "liaison", Owner: "ben", Count: Count{1, 0}, Days: 1, PerDay: 1, WouldBe: 0, Busiest: 1},
		{Role: "liaison", Owner: "nora", Count: Count{2, 3}, Days: 2, PerDay: 1, WouldBe: 1.5, Busiest: 1, WouldPeak: 2},
	}
	if diff := cmp.Diff(want, r.People); diff != "" {
		t.Error(diff)
	}
	if r.Stays != 1 || r.Changed != 1 || r.Tasks != (Count{4, 4}) {
		t.Errorf("%+v", r)
	}
}

// Parts merged are the whole, and every task is counted.
func TestFiguresBalance(t *testing.T) {
	codes := []string{"call", "visit", "packet", "check"}
	rapid.Check(t, func(rt *rapid.T) {
		whole, parts := New(), []*Figures{New(), New(), New()}
		draw := func(what string) protocol.Plan {
			p := protocol.Plan{}
			for _, code := range rapid.SliceOfDistinct(rapid.SampledFrom(codes), func(c string) string { return c }).Draw(rt, what) {
				p.Tasks = append(p.Tasks, task(code, rapid.IntRange(1, 60).Draw(rt, "due")))
			}
			if len(p.Tasks) > 0 {
				p.Protocols = []string{rapid.SampledFrom([]string{"a@1", "a@2", "b@1"}).Draw(rt, "protocol")}
			}
			return p
		}
		for i := range rapid.IntRange(0, 12).Draw(rt, "stays") {
			s := Stay{Encounter: events.Encounter{ID: events.Derive(fmt.Sprint(i))}, Zone: time.UTC, Owners: map[string]string{}}
			for _, code := range codes {
				if o := rapid.SampledFrom([]string{"", "nora", "ben"}).Draw(rt, "owner"); o != "" {
					s.Owners[code] = o
				}
			}
			today, candidate := draw("today"), draw("candidate")
			_, changed := whole.Add(s, today, candidate)
			if _, again := parts[i%3].Add(s, today, candidate); again != changed || changed != (len(Diff(today, candidate)) > 0) {
				rt.Fatal("whether a stay changes is not settled")
			}
		}
		merged := New()
		for _, i := range rapid.Permutation([]int{0, 1, 2}).Draw(rt, "order") {
			merged.Merge(parts[i])
		}
		r := merged.Result()
		if diff := cmp.Diff(whole.Result(), r); diff != "" {
			rt.Fatal(diff)
		}
		load := Count{}
		for _, l := range r.Load {
			load.add(l.Count)
		}
		if load != r.Tasks {
			rt.Fatalf("%+v tasks, %+v of them on somebody's day", r.Tasks, load)
		}
		for _, c := range r.Codes {
			if c.Today-c.Lost != c.Candidate-c.Gained {
				rt.Fatalf("%+v: tasks that both have are counted differently", c)
			}
		}
	})
}
