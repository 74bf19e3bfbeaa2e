package story

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
	"github.com/handoff-care/handoff/cmd/handoff/internal/story/stays"
	"github.com/handoff-care/handoff/pkg/hl7"
)

const minute = time.Minute

// correction is one way in which a hospital takes back or betters what it has told, and what must
// become of a discharge to a nursing facility on which people have worked.
type correction struct {
	tell       func(p *plan, id string) []byte
	stay       string   // state of the encounter
	transition string   // and of the transition
	tasks      string   // what becomes of open tasks: cancelled, moved to another patient, re-dated
	why        string   // the reason that tasks, and those who were told, are given
	open       []string // the open tasks afterwards, where they are others
	referral   string   // state of the one that asked a facility
	recalled   string   // the reason that it, and whoever was asked, is given
	another    bool     // the patient is another one afterwards
}

// stillOpen are the tasks of the shape that nobody has done.
var stillOpen = []string{"arrival-check", "facility-check-in", "facility-review", "handoff-packet"}

// corrections are all kinds. Each message is written 45 minutes into a stay that ended after 30.
var corrections = map[string]correction{
	"admission cancelled": {
		tell: step(stays.Step{Trigger: "A11", After: 45 * minute}), stay: "cancelled", transition: "cancelled",
		tasks: "cancelled", why: "admission-cancelled", referral: "withdrawn", recalled: "admission-cancelled",
	},
	"discharge cancelled": {
		tell: step(stays.Step{Trigger: "A13", After: 45 * minute}), stay: "in-progress", transition: "planning",
		tasks: "cancelled", why: "discharge-cancelled", referral: "withdrawn", recalled: "discharge-cancelled",
	},
	"discharge time changed": {
		tell: step(stays.Step{Trigger: "A08", After: 45 * minute, Discharged: 5 * minute}), stay: "finished", transition: "active",
		tasks: "re-dated", why: "discharge-time-changed", open: stillOpen, referral: "sent", recalled: "discharge-time-changed",
	},
	"disposition changed": {
		tell: step(stays.Step{Trigger: "A08", After: 45 * minute, Disposition: "02", Discharged: 30 * minute}), stay: "finished", transition: "active",
		tasks: "cancelled", why: "disposition-changed", open: []string{"arrival-check", "handoff-packet"}, referral: "withdrawn", recalled: "no-longer-needed",
	},
	"class changed": {
		tell: step(stays.Step{Trigger: "A08", After: 45 * minute, Class: "O", Discharged: 30 * minute}), stay: "finished", transition: "cancelled",
		tasks: "cancelled", why: "not-applicable", referral: "withdrawn", recalled: "not-applicable",
	},
	"visit deleted": {
		tell: step(stays.Step{Trigger: "A23", After: 45 * minute}), stay: "entered-in-error", transition: "cancelled",
		tasks: "cancelled", why: "entered-in-error", referral: "withdrawn", recalled: "entered-in-error",
	},
	"person deleted": {
		tell: person("A29", false), stay: "entered-in-error", transition: "cancelled",
		tasks: "cancelled", why: "entered-in-error", referral: "withdrawn", recalled: "entered-in-error",
	},
	"death learned late": {
		tell: person("A31", true), stay: "finished", transition: "expired",
		tasks: "cancelled", why: "expired", referral: "withdrawn", recalled: "deceased",
	},
	"patient merged": {
		tell: other("A40", func(p *plan) string { return "MRG|" + p.stay.Person.MRN + "^^^" + p.stay.Facility + "^MR\r" }), stay: "finished", transition: "active",
		tasks: "moved", why: "patient-changed", open: stillOpen, referral: "sent", recalled: "patient-changed", another: true,
	},
	"visit moved": {
		tell: other("A45", func(p *plan) string {
			visit := p.stay.Visit + "^^^" + p.stay.Facility + "^VN"
			return "MRG|" + p.stay.Person.MRN + "^^^" + p.stay.Facility + "^MR||||" + visit + "\rPV1|1|I|||||||||||||||||" + visit + "\r"
		}), stay: "finished", transition: "active",
		tasks: "moved", why: "patient-changed", open: stillOpen, referral: "sent", recalled: "patient-changed", another: true,
	},
}

// step is a message of the stay itself.
func step(st stays.Step) func(*plan, string) []byte {
	return func(p *plan, id string) []byte { return p.stay.Tell(id, st).Body }
}

// person is a message of the stay's patient alone.
func person(trigger string, dead bool) func(*plan, string) []byte {
	return func(p *plan, id string) []byte {
		return alone(p.stay, id, stays.Step{Trigger: trigger, After: 45 * minute, Dead: dead}, "")
	}
}

// other is a message of another patient of the facility, with more segments.
func other(trigger string, more func(*plan) string) func(*plan, string) []byte {
	return func(p *plan, id string) []byte {
		return alone(p.other, id, stays.Step{Trigger: trigger, After: 45 * minute}, more(p))
	}
}

// alone is a message without its visit.
func alone(stay *stays.Stay, id string, st stays.Step, more string) []byte {
	var kept strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(string(stay.Tell(id, st).Body), "\r", "\n")) {
		if name, _, _ := strings.Cut(line, "|"); slices.Contains([]string{"MSH", "EVN", "PID", "PD1"}, name) {
			kept.WriteString(line)
		}
	}
	return []byte(strings.ReplaceAll(kept.String(), "\n", "\r") + more)
}

// plan is a discharge to a nursing facility with everything that hangs on one: a task done, a task somebody
// has taken, a facility asked, and mails at both ends.
type plan struct {
	*scene
	stay, other   *stays.Stay // other: of another patient, who has nothing yet
	e             api.Encounter
	before        map[string]api.Task
	referral      api.Referral
	opened, asked api.Alert
	reader, there string // whom both ends mail to
}

const done, taken = "handoff-report", "handoff-packet"

func (s *scene) prepare() *plan {
	s.Helper()
	p := &plan{scene: s, stay: s.stay("nursing facility"), other: s.stay("home"), reader: "corrected-reader", there: "corrected-asked"}
	p.hire()
	s.send(p.stay)
	p.e = s.encounter(p.stay, "finished")
	s.transition(p.e, "active")
	s.complete(s.tasks(p.e)[done])
	if err := s.liaison.Post(s.ctx, "discharge", "/tasks/"+s.tasks(p.e)[taken].ID+"/claim", nil, nil); err != nil {
		s.Fatal(err)
	}
	p.before = s.tasks(p.e)
	p.referral = s.referral(p.e, "drafted")
	if err := s.liaison.Post(s.ctx, "referral", "/referrals/"+p.referral.ID+"/send", map[string]any{"providers": []string{s.provider(receiving)}}, &p.referral,
		"If-Match", strconv.Quote(strconv.Itoa(p.referral.Version))); err != nil {
		s.Fatal(err)
	}
	p.opened, p.asked = s.alert(p.e, "transition-opened", "raised"), s.alert(p.e, "referral-asked", "raised")
	p.mailed(p.opened, p.reader, 1)
	p.mailed(p.asked, p.there, 1)
	return p
}

// hire has somebody at the hospital and somebody at the receiving facility who read mails.
func (p *plan) hire() {
	p.Helper()
	admin := api.New(p.sys, "admin")
	body := map[string]any{"people": []map[string]any{
		{"id": p.reader, "name": "Reader", "roles": []string{"liaison"}, "email": p.reader + "@example.org", "email_from": "routine"},
		{"id": p.there, "name": "Asked", "roles": []string{"intake"}, "email": p.there + "@example.org", "email_from": "routine"},
	}}
	if err := admin.Do(p.ctx, "PUT", "notification", "/people", body, nil); err != nil {
		p.Fatal(err)
	}
	body = map[string]any{"rosters": []map[string]any{
		{"facility": p.facility, "members": []string{"role:liaison", p.reader}}, {"facility": receiving, "members": []string{p.there}},
	}}
	if err := admin.Do(p.ctx, "PUT", "notification", "/rosters", body, nil); err != nil {
		p.Fatal(err)
	}
}

// thread is an alert as it is shown by itself: what was decided about it, and what was sent.
type thread struct {
	api.Alert
	Thread     []api.Told `json:"thread"`
	Deliveries []struct {
		Recipient string `json:"recipient"`
		Channel   string `json:"channel"`
		State     string `json:"state"`
	} `json:"deliveries"`
}

func (s *scene) thread(a api.Alert) (t thread) {
	s.Helper()
	if err := s.auditor.Get(s.ctx, "notification", "/alerts/"+a.ID, &t); err != nil {
		s.Fatal(err)
	}
	return t
}

// mailed waits until somebody was sent so many mails on an alert's thread.
func (p *plan) mailed(a api.Alert, who string, n int) {
	p.Helper()
	p.await(func() error {
		got := 0
		for _, d := range p.thread(a).Deliveries {
			if d.Recipient == who && d.Channel == "email" && d.State == "delivered" {
				got++
			}
		}
		if got != n {
			return fmt.Errorf("%s was sent %d mails of %s, want %d", who, got, a.Kind, n)
		}
		return nil
	})
}

// corrected is the story of one kind of correction.
func corrected(kind string) func(*scene) {
	return func(s *scene) {
		p, c := s.prepare(), corrections[kind]
		p.correct(c, 1)
		p.encounterAfter(c)
		p.tasksAfter(c)
		p.referralAfter(c)
		p.toldAfter(c)
		p.rest()
		before := p.everything()
		p.correct(c, 2) // by a second system of the hospital
		p.rest()
		if after := p.everything(); after != before {
			p.Errorf("told again, it is not as it was:\n%s\nbefore:\n%s", after, before)
		}
		p.balanced()
	}
}

func (p *plan) correct(c correction, n int) {
	p.Helper()
	id := fmt.Sprintf("%sC%d", p.stay.Prefix, n)
	if r := p.raw(c.tell(p, id)); r.Code != hl7.AA {
		p.Fatalf("the correction was answered %s %s", r.Code, r.Text)
	}
	if m := p.found(id, 1)[0]; m.State != "applied" {
		p.Fatalf("the correction is %s: %s", m.State, m.Reason)
	}
}

func (p *plan) encounterAfter(c correction) {
	p.Helper()
	p.await(func() error {
		now := p.encounter(p.stay, c.stay)
		if now.ID != p.e.ID || (now.PatientID != p.e.PatientID) != c.another {
			return fmt.Errorf("the stay is %+v; it was %+v", now, p.e)
		}
		t := p.transition(p.e, c.transition)
		if t.PatientID != now.PatientID || c.transition == "cancelled" && t.Reason != c.why {
			return fmt.Errorf("the transition is %+v, want of patient %s, for %q", t, now.PatientID, c.why)
		}
		p.e = now
		return nil
	})
}
