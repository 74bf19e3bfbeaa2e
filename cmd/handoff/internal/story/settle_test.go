package story

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/system"
)

// settling: the hospital puts a protocol in force whose discharges settle before anybody outside is told.
// A discharge that is taken back while it settles was work for an hour, and nobody outside ever heard of
// it; one that stands is told when it has settled.
func settling(s *scene) {
	p := &plan{scene: s, stay: s.stay("nursing facility"), reader: "corrected-reader", there: "corrected-asked"}
	p.hire()
	p.settles(s.facility, "24h")
	s.send(p.stay)
	p.e = s.encounter(p.stay, "finished")
	t := s.transition(p.e, "active")
	if got := prefixes(t.Protocols); !slices.Contains(got, "house-settle") {
		s.Fatalf("protocols %v: not the one that was put in force", got)
	}
	want := append([]string{"copd-check"}, stays.ByName("nursing facility").Want.Tasks...)
	slices.Sort(want)
	if got := openTasks(s.tasks(p.e)); !slices.Equal(got, want) {
		s.Errorf("tasks %v, want %v: they wait for nothing", got, want)
	}
	p.referral = s.referral(p.e, "drafted")
	if err := s.liaison.Post(s.ctx, "referral", "/referrals/"+p.referral.ID+"/send", map[string]any{"providers": []string{s.provider(receiving)}}, nil,
		"If-Match", strconv.Quote(strconv.Itoa(p.referral.Version))); err != nil {
		s.Fatal(err)
	}
	p.opened, p.asked = s.alert(p.e, "transition-opened", "raised"), s.alert(p.e, "referral-asked", "raised")
	s.rest()
	p.outside("pending", p.opened, p.asked)

	m := p.stay.Tell(p.stay.Prefix+"BACK", stays.Step{Trigger: "A13", After: 45 * minute})
	if r := s.raw(m.Body); r.Code != "AA" {
		s.Fatalf("the cancel was answered %s", r.Code)
	}
	s.transition(p.e, "planning")
	for code, t := range s.tasks(p.e) {
		if t.State != "cancelled" || t.Reason != "discharge-cancelled" {
			s.Errorf("task %s is %s because of %q", code, t.State, t.Reason)
		}
	}
	s.alert(p.e, "transition-opened", "resolved")
	s.alert(p.e, "referral-asked", "resolved")
	s.rest()
	p.outside("suppressed", p.opened, p.asked)
	for _, a := range []api.Alert{p.opened, p.asked} { // whoever looked at a console saw it, and sees that it is over
		if got := owed(p.thread(a).Thread, "discharge-cancelled"); len(got) == 0 || slices.ContainsFunc(got, outside) {
			s.Errorf("of the end of %s were told: %v, want consoles alone", a.Kind, got)
		}
	}
	s.settledSoon()
	s.balanced()
}

// outside says of "recipient channel" whether the channel leaves the house.
func outside(told string) bool { return !strings.HasSuffix(told, " console") }

// outside checks that whatever was to leave the house is in a state, and something was.
func (p *plan) outside(state string, alerts ...api.Alert) {
	p.Helper()
	for _, a := range alerts {
		n := 0
		for _, d := range p.thread(a).Deliveries {
			if d.Channel == "console" {
				continue
			}
			if n++; d.State != state {
				p.Errorf("%s by %s of %s is %s, want %s", d.Recipient, d.Channel, a.Kind, d.State, state)
			}
		}
		if n == 0 {
			p.Errorf("nobody outside was to be told of %s", a.Kind)
		}
	}
}

// settledSoon: at another facility discharges settle for three seconds. One that stands is mailed after that.
func (s *scene) settledSoon() {
	s.Helper()
	const window = 3 * time.Second
	p := &plan{scene: s, stay: s.stay("home"), reader: "corrected-reader", there: "corrected-asked"}
	p.stay.Facility = s.facility + "B"
	p.settles(p.stay.Facility, window.String())
	s.send(p.stay)
	p.e = s.encounter(p.stay, "finished")
	s.transition(p.e, "active")
	p.opened = s.alert(p.e, "transition-opened", "raised")
	p.await(func() error {
		var detail struct {
			Deliveries []struct {
				Channel string     `json:"channel"`
				State   string     `json:"state"`
				DoneAt  *time.Time `json:"done_at"`
			} `json:"deliveries"`
		}
		if err := s.auditor.Get(s.ctx, "notification", "/alerts/"+p.opened.ID, &detail); err != nil {
			return err
		}
		mails := 0
		for _, d := range detail.Deliveries {
			if d.Channel != "email" || d.State != "delivered" {
				continue
			}
			if mails++; d.DoneAt.Sub(p.opened.ReceivedAt) < window {
				s.Errorf("a mail left the house %s after the discharge was heard of", d.DoneAt.Sub(p.opened.ReceivedAt))
			}
		}
		if mails == 0 {
			return fmt.Errorf("nobody was mailed: %+v", detail)
		}
		return nil
	})
}

const house = `protocols:
  - {code: house-settle, version: "%[1]s", from: 2000-01-01, kind: addon, title: Wait for the discharge to be taken back, when: "true", settle: %[1]s, tasks: [{task: copd-check}]}
`

// settles has everything about a facility's discharges settle before it leaves the house: a protocol from a
// folder, looked at and put in force from the command line.
func (p *plan) settles(facility, window string) {
	p.Helper()
	first := p.stay
	if facility != p.facility {
		first = p.scene.stay("home")
		first.Facility = facility
	}
	p.send(first, 1) // a development feed makes the facility as it meets it
	p.encounter(first, "in-progress")
	p.await(func() error {
		var known struct{ Version int }
		return p.auditor.Get(p.ctx, "discharge", "/protocols?facility="+url.QueryEscape(facility), &known)
	})
	folder := p.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "house.yaml"), fmt.Appendf(nil, house, window), 0o600); err != nil {
		p.Fatal(err)
	}
	p.handoff("protocol", "test", folder)
	p.handoff("protocol", "preview", folder, "--facility", facility)
	p.handoff("protocol", "activate", folder, "--facility", facility, "--from", p.base.Format(time.RFC3339), "--replan", "--reason", "settle")
}

// handoff runs a command of the program against the running system.
func (s *scene) handoff(args ...string) {
	s.Helper()
	programs, err := system.Build()
	if err != nil {
		s.Fatal(err)
	}
	token, err := s.sys.Token(s.ctx, "admin", api.DemoOrg)
	if err != nil {
		s.Fatal(err)
	}
	if args[1] != "test" {
		args = append(args, "--url="+s.sys.API("discharge")[0])
	}
	cmd := exec.CommandContext(s.ctx, filepath.Join(programs, "handoff"), args...)
	cmd.Env = append(os.Environ(), "HANDOFF_TOKEN="+token)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("handoff %v: %v\n%s", args, err, out)
	}
}
