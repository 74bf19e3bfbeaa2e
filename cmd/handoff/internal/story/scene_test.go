package story

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/ledger"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/system"
	"github.com/handoff-care/handoff/pkg/hl7"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
)

func TestMain(m *testing.M) {
	if _, err := system.Build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// quick are PostgreSQL's settings where nobody pulls the plug.
var quick = map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

// TestStories runs every story in both modes, each mode on one system: stories keep to a facility of
// their own.
func TestStories(t *testing.T) {
	for _, mode := range system.Modes {
		t.Run(strings.ReplaceAll(string(mode), " ", "-"), func(t *testing.T) {
			sys := raise(t, system.Options{Mode: mode, Postgres: quick})
			for i, st := range stories {
				if st.only != "" && st.only != mode {
					continue
				}
				t.Run(strings.ReplaceAll(st.name, " ", "-"), func(t *testing.T) { st.play(newScene(t, sys, fmt.Sprintf("S%02d", i+1))) })
			}
			for _, died := range sys.Died() {
				t.Error(died)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := sys.Stop(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// raise starts a system for the length of a test.
func raise(t *testing.T, o system.Options) *system.System {
	t.Helper()
	if o.Dir == "" {
		o.Dir = system.TempDir(t)
	}
	sys, err := system.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		sys.Destroy()
		if t.Failed() {
			var logs strings.Builder
			sys.WriteLogs(&logs, 40)
			t.Log(logs.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := sys.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return sys
}

// scene is one story's place: a facility of its own, a line to the listener, people who look.
type scene struct {
	*testing.T
	ctx      context.Context
	sys      *system.System
	facility string
	base     time.Time // an hour ago: what happens after it is news
	mllp     *mllp.Client
	auditor  *api.Client // reads everything but names
	liaison  *api.Client
	lead     *api.Client
	engineer *api.Client
	n        int
}

var scenes atomic.Int64

func newScene(t *testing.T, sys *system.System, facility string) *scene {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	client := mllp.NewClient(sys.MLLP()[0], mllp.ClientOptions{Attempts: 1, Reply: 10 * time.Second})
	t.Cleanup(func() { _ = client.Close() })
	return &scene{
		T: t, ctx: ctx, sys: sys, facility: facility, base: time.Now().Add(-time.Hour).Truncate(time.Second), mllp: client,
		auditor: api.New(sys, "auditor"), liaison: api.New(sys, "liaison"), lead: api.New(sys, "lead"), engineer: api.New(sys, "interface"),
		n: int(scenes.Add(1)) * 1000,
	}
}

// stay invents a stay of a shape at the scene's facility.
func (s *scene) stay(shape string) *stays.Stay {
	s.n++
	return stays.NewStay(stays.ByName(shape), s.facility, s.facility, s.n, s.base)
}

// send sends messages of a stay, counted from 1 (none: all), each of which must be accepted.
func (s *scene) send(stay *stays.Stay, numbers ...int) {
	s.Helper()
	if len(numbers) == 0 {
		for i := range stay.Shape.Steps {
			numbers = append(numbers, i+1)
		}
	}
	for _, n := range numbers {
		m := stay.Message(n - 1)
		if r := s.raw(m.Body); r.Code != hl7.AA {
			s.Fatalf("%s %s was answered %s %s", m.Trigger, m.ControlID, r.Code, r.Text)
		}
	}
}

// raw sends bytes and returns the reply.
func (s *scene) raw(body []byte) mllp.Reply {
	s.Helper()
	r, err := s.mllp.Send(s.ctx, body)
	if err != nil {
		s.Fatalf("no reply: %v", err)
	}
	return r
}

// await asks again until there is nothing left to object, for as long as things may take: answers
// are near real time, but a replica may have to find out that another is gone.
func (s *scene) await(ask func() error) {
	s.Helper()
	s.awaitFor(20*time.Second, ask)
}

func (s *scene) awaitFor(d time.Duration, ask func() error) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, d)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			s.Fatalf("after %s: %v", d, err)
		case <-tick.C:
		}
	}
}

// encounter waits for the stay's encounter to be in a state.
func (s *scene) encounter(stay *stays.Stay, state string) (found api.Encounter) {
	s.Helper()
	s.await(func() error {
		list, err := api.Search[api.Encounter](s.ctx, s.engineer, "admission", "/encounters/search", map[string]any{"facility": stay.Facility, "visit": stay.Visit})
		if err != nil {
			return err
		}
		if len(list) != 1 || list[0].State != state {
			return fmt.Errorf("encounters of the visit: %+v, want one, %s", list, state)
		}
		found = list[0]
		return nil
	})
	return found
}

// transition waits for the encounter's one transition to be in a state.
func (s *scene) transition(e api.Encounter, state string) (found api.Transition) {
	s.Helper()
	s.await(func() error {
		list, err := api.List[api.Transition](s.ctx, s.auditor, "discharge", "/transitions", "encounter", e.ID)
		if err != nil {
			return err
		}
		if len(list) != 1 || list[0].State != state {
			return fmt.Errorf("transitions: %+v, want one, %s", list, state)
		}
		found = list[0]
		return nil
	})
	return found
}

// tasks are all tasks of an encounter by code; no code twice among the open.
func (s *scene) tasks(e api.Encounter) map[string]api.Task {
	s.Helper()
	list, err := api.List[api.Task](s.ctx, s.auditor, "discharge", "/tasks", "encounter", e.ID)
	if err != nil {
		s.Fatal(err)
	}
	byCode := map[string]api.Task{}
	for _, t := range list {
		if have, twice := byCode[t.Code]; twice && have.Open() {
			if t.Open() {
				s.Fatalf("two open tasks %s", t.Code)
			}
			continue
		}
		byCode[t.Code] = t
	}
	return byCode
}

// alerts are the alerts of a kind of an encounter.
func (s *scene) alerts(e api.Encounter, kind string) []api.Alert {
	s.Helper()
	list, err := api.List[api.Alert](s.ctx, s.auditor, "notification", "/alerts", "encounter", e.ID, "kind", kind)
	if err != nil {
		s.Fatal(err)
	}
	return list
}

// alert waits for the one alert of a kind of an encounter to be in a state.
func (s *scene) alert(e api.Encounter, kind, state string) (found api.Alert) {
	s.Helper()
	s.await(func() error {
		list := s.alerts(e, kind)
		if len(list) != 1 || list[0].State != state {
			return fmt.Errorf("alerts %s: %+v, want one, %s", kind, list, state)
		}
		found = list[0]
		return nil
	})
	return found
}

// referral waits for the encounter's one referral to be in a state.
func (s *scene) referral(e api.Encounter, state string) (found api.Referral) {
	s.Helper()
	s.await(func() error {
		list, err := api.List[api.Referral](s.ctx, s.auditor, "referral", "/referrals", "encounter", e.ID)
		if err != nil {
			return err
		}
		if len(list) != 1 || list[0].State != state {
			return fmt.Errorf("referrals: %+v, want one, %s", list, state)
		}
		found = list[0]
		return nil
	})
	return found
}

// rest waits until everything that was sent so far has had its effect: a stay that is sent now comes
// after it everywhere, and its alert is the last thing that happens.
func (s *scene) rest() {
	s.Helper()
	marker := s.stay("nursing facility")
	marker.Facility = s.facility + "-REST"
	s.send(marker)
	e := s.encounter(marker, "finished")
	s.referral(e, "drafted")
	s.alert(e, "transition-opened", "raised")
}

// entered is a ledger with one stay whose messages have all been accepted.
func entered(l *ledger.Ledger, stay *stays.Stay) *ledger.Case {
	c := l.Open(stay, nil)
	for _, e := range c.Entries {
		e.Take("AA")
	}
	return c
}

func atLeast(got, want int) error {
	if got < want {
		return fmt.Errorf("%d, want at least %d", got, want)
	}
	return nil
}
