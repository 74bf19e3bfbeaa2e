package story

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/audit"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/ledger"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/system"
)

// rehearsed is an audit that knows what an undisturbed stay of every shape becomes.
func (s *scene) rehearsed() *audit.Audit {
	s.Helper()
	a := audit.New(s.sys, s.facility, &ledger.Ledger{})
	if err := a.Rehearse(s.ctx, s.sys.MLLP(), s.facility+"R", s.base); err != nil {
		s.Fatal(err)
	}
	return a
}

// settle waits until the audit finds nothing.
func (s *scene) settle(a *audit.Audit, d time.Duration) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, d)
	defer cancel()
	findings, _, err := a.Settle(ctx)
	if err != nil || len(findings) > 0 {
		s.Fatalf("%d findings after %s (%v):\n%s", len(findings), d, err, strings.Join(findings[:min(len(findings), 30)], "\n"))
	}
}

// anyOrder: each shape told in order, then many times over on several lines in any order, with lost
// replies and repetitions.
func anyOrder(s *scene) {
	a := s.rehearsed()
	load := &ledger.Load{
		Addrs: s.sys.MLLP(), Facility: s.facility, ID: s.facility + "L", Shapes: stays.Shapes, Base: s.base,
		Connections: 4, Seed: 7, Lost: 10, Repeated: 10, Shuffled: 60,
	}
	left := int64(3 * len(stays.Shapes))
	if err := load.Run(s.ctx, a.Ledger, func() bool { return atomic.AddInt64(&left, -1) >= 0 }); err != nil {
		s.Fatal(err)
	}
	s.settle(a, 30*time.Second)
	s.rest()

	// That nothing is found means nothing unless something would be.
	lie, truth := entered(a.Ledger, s.stay("home")), s.stay("home")
	s.send(truth)
	s.encounter(truth, "finished")
	findings, err := a.Check(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	for _, want := range []string{lie.Entries[0].ControlID, lie.Visit, truth.Message(0).ControlID, truth.Visit} {
		if !strings.Contains(strings.Join(findings, "\n"), want) {
			s.Errorf("a lie in the ledger is not found out: nothing says %q in\n%s", want, strings.Join(findings, "\n"))
		}
	}
}

// noForgery: what a service's NATS user may publish is its own.
func noForgery(s *scene) {
	said := make(chan error, 10)
	nc, err := nats.Connect(s.sys.NATSURL("discharge"), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { said <- err }))
	if err != nil {
		s.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		s.Fatal(err)
	}
	last := func() uint64 {
		stream, err := js.Stream(s.ctx, "ADMISSION")
		if err != nil {
			s.Fatal(err)
		}
		return stream.CachedInfo().State.LastSeq
	}
	stay := s.stay("home")
	s.send(stay, 1)
	s.encounter(stay, "in-progress")
	s.rest()
	before := last()
	if before == 0 {
		s.Fatal("admission has told nothing: the test proves nothing")
	}
	for _, subject := range []string{"admission.care.encounter.discharged.v1", "referral.care.referral.accepted.v1", "$JS.API.STREAM.DELETE.ADMISSION", "$JS.API.STREAM.PURGE.ADMISSION"} {
		if err := nc.Publish(subject, []byte("{}")); err != nil {
			s.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			s.Fatal(err)
		}
		select {
		case err := <-said:
			if !errors.Is(err, nats.ErrPermissionViolation) {
				s.Errorf("%s: %v, want a permission violation", subject, err)
			}
		case <-s.ctx.Done():
			s.Errorf("nothing was said against publishing on %s", subject)
		}
	}
	if after := last(); after != before {
		s.Errorf("the stream of admission went from %d to %d", before, after)
	}
}

// brokerLost deletes the whole store of the broker under load, by whatever way the mode has. People
// of a roster get mails; none gets one twice.
func brokerLost(s *scene) {
	s.roster()
	a := s.rehearsed()
	screen, err := s.auditor.Watch(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	defer screen.Close()
	a.Screen = screen
	load := &ledger.Load{
		Addrs: s.sys.MLLP(), Facility: s.facility, ID: s.facility + "L", Shapes: stays.Shapes, Base: s.base,
		Connections: 2, Rate: 40, Seed: 11,
	}
	var enough atomic.Bool
	done := make(chan error, 1)
	go func() { done <- load.Run(s.ctx, a.Ledger, func() bool { return !enough.Load() }) }()
	s.acceptedAtLeast(a.Ledger, 60)
	before := s.mails()
	s.loseStore()
	from := a.Ledger.Figures().Stays
	s.await(func() error { return atLeast(a.Ledger.Figures().Stays, from+20) })
	enough.Store(true)
	if err := <-done; err != nil {
		s.Fatal(err)
	}
	s.settle(a, 60*time.Second)
	s.rest()
	s.settle(a, 10*time.Second)
	s.neverTwice(before, s.mails())
}

// loseStore: in one process everything stops and starts again; apart only the broker does.
func (s *scene) loseStore() {
	s.Helper()
	stop, again := s.sys.Processes[0].Stop, s.sys.Processes[0].Start
	if s.sys.Mode == system.Apart {
		stop, again = func(context.Context) error { s.sys.NATS.Kill(); return nil }, s.sys.NATS.Start
	}
	if err := stop(s.ctx); err != nil {
		s.Fatal(err)
	}
	if _, err := os.Stat(s.sys.JetStream()); err != nil {
		s.Fatalf("there is no store to lose: %v", err)
	}
	if err := os.RemoveAll(s.sys.JetStream()); err != nil {
		s.Fatal(err)
	}
	if err := again(s.ctx); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) acceptedAtLeast(l *ledger.Ledger, n int) {
	s.Helper()
	s.await(func() error { return atLeast(l.Figures().Stays, n/3) })
}

// roster has somebody told of every discharge of the facility by mail.
func (s *scene) roster() {
	s.Helper()
	admin := api.New(s.sys, "admin")
	who := "reader-" + s.facility
	people := map[string]any{"people": []map[string]any{{"id": who, "name": "Reader", "roles": []string{"liaison"}, "email": who + "@example.org", "email_from": "routine"}}}
	if err := admin.Do(s.ctx, "PUT", "notification", "/people", people, nil); err != nil {
		s.Fatal(err)
	}
	rosters := map[string]any{"rosters": []map[string]any{{"facility": s.facility, "members": []string{"role:liaison", who}}}}
	if err := admin.Do(s.ctx, "PUT", "notification", "/rosters", rosters, nil); err != nil {
		s.Fatal(err)
	}
}

// mail is one that development's sink has caught.
type mail struct {
	MessageID string   `json:"message_id"`
	To        []string `json:"to"`
	Subject   string   `json:"subject"`
	Body      string   `json:"body"`
}

// mails are those the sink holds now: it forgets when its process ends.
func (s *scene) mails() []mail {
	s.Helper()
	list, err := api.List[mail](s.ctx, s.liaison, "notification", "/outbox")
	if err != nil {
		s.Fatal(err)
	}
	var mine []mail
	for _, m := range list {
		if strings.Contains(strings.Join(m.To, " "), "reader-"+s.facility) {
			mine = append(mine, m)
		}
	}
	return mine
}

func (s *scene) neverTwice(before, after []mail) {
	s.Helper()
	if len(after) == 0 {
		s.Error("nobody got a mail: the test proves nothing")
	}
	if s.sys.Mode == system.OneProcess { // the sink began anew
		after = append(before, after...)
	}
	seen := map[string]int{}
	for _, m := range after {
		seen[m.MessageID+" to "+strings.Join(m.To, " ")]++
	}
	for id, n := range seen {
		if n > 1 {
			s.Errorf("mail %s came %d times", id, n)
		}
	}
}
