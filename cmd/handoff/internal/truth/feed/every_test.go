package feed

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/course"
	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/picture"
	"github.com/handoff-care/handoff/cmd/handoff/internal/truth/rig"
	"github.com/handoff-care/handoff/pkg/hl7/mllp"
	"github.com/handoff-care/handoff/pkg/web"
)

// sent is one message of the feed, and what must become of it.
type sent struct {
	trigger string
	body    []byte
	code    string // MSA-1
	state   string
	reason  string
}

func (s sent) hash() string {
	sum := sha256.Sum256(s.body)
	return hex.EncodeToString(sum[:])
}

// restWithin is how long everything may take to come to rest on a slow machine.
const restWithin = 5 * time.Minute

// ignored are the triggers that say nothing of a patient's way (hl7.md §1), with the reason.
var ignored = map[string]string{
	"A19": "query", "A20": "bed-status", "A56": "trigger-not-handled", "A57": "trigger-not-handled", "A58": "trigger-not-handled", "A59": "trigger-not-handled",
}

// expected is what a generated message must come to.
func expected(by *course.Sender, m course.Message) sent {
	s := sent{trigger: m.Trigger, body: m.Body, code: "AA", state: "applied"}
	switch {
	case by.VisitField != "PV1-19" && (m.Trigger == "A42" || m.Trigger == "A50"): // of a visit's number, which this sender has none of
		s.state, s.reason = "quarantined", "no-visit"
	case ignored[m.Trigger] != "":
		s.state, s.reason = "ignored", ignored[m.Trigger]
	case strings.HasSuffix(m.Control, "-NOPID"):
		s.state, s.reason = "quarantined", "no-patient-id"
	}
	return s
}

// triggers are A01 to A62.
func triggers() (list []string) {
	for n := 1; n <= 62; n++ {
		list = append(list, fmt.Sprintf("A%02d", n))
	}
	return list
}

// generated are stories of every plot by every sender, and as many more as it takes to have told of every
// event; each is told on one connection, in order.
func generated(t *testing.T, base time.Time) (stories [][]sent) {
	t.Helper()
	told := map[string]int{}
	all := len(course.Plots()) * len(course.Senders)
	for n := 0; n < all || len(told) < 62 && n < 20*all; n++ {
		c := course.Make(5, n, picture.Tag('e', n), base)
		if n >= all && !slices.ContainsFunc(c.Messages, func(m course.Message) bool { return told[m.Trigger] == 0 }) {
			continue
		}
		var story []sent
		for _, m := range c.Messages {
			told[m.Trigger]++
			story = append(story, expected(c.Sender, m))
		}
		stories = append(stories, story)
	}
	if got := slices.Sorted(maps.Keys(told)); !slices.Equal(got, triggers()) {
		t.Fatalf("the feed tells %v, want every event from A01 to A62", got)
	}
	return stories
}

// spoiled are messages that cannot be used, made of the first that a plain sender tells of their trigger:
// what contract.md's table of answers says of each.
var spoiled = []struct {
	what, trigger string
	change        func(string) string
	code          string
	state, reason string
}{
	{"a merge of nothing", "A40", without("MRG", 1), "AA", "quarantined", "no-prior-id"},
	{"a visit moved from nowhere", "A45", without("MRG", 1), "AA", "quarantined", "no-visit"},
	{"a link of one patient", "A24", without("PID", 2), "AA", "quarantined", "single-patient"},
	{"a swap of one bed", "A17", without("PID", 2), "AA", "quarantined", "single-patient"},
	{"nobody is named", "A03", without("PID", 1), "AA", "quarantined", "no-patient-id"},
	{"no event", "A08", func(m string) string {
		return strings.ReplaceAll(strings.ReplaceAll(m, "ADT^A08^ADT_A01", "ADT"), "EVN|A08", "EVN|")
	}, "AA", "quarantined", "no-trigger"},
	{"another event type", "A08", func(m string) string { return strings.Replace(m, "ADT^A08^ADT_A01", "ADT^Z99", 1) }, "AA", "ignored", "trigger-not-handled"},
	{"not ADT", "A08", func(m string) string { return strings.Replace(m, "ADT^A08^ADT_A01", "ORU^R01", 1) }, "AR", "rejected", "not-adt"},
	{"no message type", "A08", func(m string) string { return strings.Replace(m, "ADT^A08^ADT_A01", "", 1) }, "AE", "rejected", "no-message-type"},
}

// without cuts a message off at the n-th segment of a name: what is left lacks it and what follows.
func without(name string, n int) func(string) string {
	return func(m string) string {
		lines, seen := strings.SplitAfter(m, "\r"), 0
		for i, l := range lines {
			if strings.HasPrefix(l, name+"|") {
				if seen++; seen == n {
					return strings.Join(lines[:i], "")
				}
			}
		}
		return m
	}
}

func spoil(t *testing.T, stories [][]sent) (list []sent) {
	t.Helper()
	for i, s := range spoiled {
		var good []byte
		for _, story := range stories {
			for _, m := range story {
				if good == nil && m.trigger == s.trigger && m.state == "applied" && bytes.Contains(m.body, []byte("|NORTHLAKE|")) {
					good = m.body
				}
			}
		}
		head := strings.SplitN(string(good), "|", 11)
		if len(head) < 11 {
			t.Fatalf("%s: no sender tells %s plainly", s.what, s.trigger)
		}
		head[9] = fmt.Sprintf("SPOILED-%d", i)
		body := s.change(strings.Join(head, "|"))
		if len(body) == len(strings.Join(head, "|")) {
			t.Fatalf("%s: nothing was changed", s.what)
		}
		trigger := s.trigger
		if s.state == "ignored" {
			trigger = "Z99"
		}
		if s.reason == "no-trigger" || s.code != "AA" {
			trigger = ""
		}
		list = append(list, sent{trigger: trigger, body: []byte(body), code: s.code, state: s.state, reason: s.reason})
	}
	return list
}

// TestAFeedWithEveryEvent: every event of hl7.md's list, and what cannot be used, over real MLLP to all five
// services: each message is answered as contract.md says and comes to the end it says; each stay has
// the plan it demands; the books balance.
func TestAFeedWithEveryEvent(t *testing.T) {
	r := rig.Start(t)
	admin := r.Token(rig.DemoOrg, "admin", web.Admin)
	for i := range course.Senders {
		s := &course.Senders[i]
		facility := map[string]any{"code": s.Code, "name": s.Name, "zone": s.Zone, "aliases": []string{s.OID}}
		if err := r.Call(t.Context(), admin, "POST", "/admission/facilities", facility, nil); err != nil {
			t.Fatal(err)
		}
	}
	stories := generated(t, time.Now())
	stories = append(stories, spoil(t, stories))
	start := time.Now()
	tell(t, r, stories)
	r.Rest(restWithin)
	again(t, r, stories)
	r.Rest(restWithin)
	n := 0
	for _, s := range stories {
		n += len(s)
	}
	t.Logf("%d messages of %d stories: at rest after %s", n, len(stories), time.Since(start).Round(100*time.Millisecond))

	outcomes(t, r, stories)
	d := look(r, rig.DemoOrg)
	findings := d.findings()
	for _, f := range findings[:min(len(findings), 20)] {
		t.Error(f)
	}
	t.Logf("%d stays, %d transitions, %d tasks, %d referrals; %d findings", len(d.stays), len(d.transitions), len(d.tasks), len(d.referrals), len(findings))
	for state, least := range map[string]int{"active": 60, "planning": 5, "expired": 5, "cancelled": 10} {
		if got := d.states()[state]; got < least {
			t.Errorf("%d transitions are %s: the feed proves nothing of them", got, state)
		}
	}
	d.lies(t)
	r.Balanced("the feed", rig.DemoOrg)
	r.NothingParked(rig.DemoOrg)
}

// connections is how many lines the hospital has.
const connections = 8

// tell sends stories over MLLP, each in its order on one connection.
func tell(t *testing.T, r *rig.Rig, stories [][]sent) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), restWithin)
	defer cancel()
	work := make(chan []sent)
	var wg sync.WaitGroup
	for range connections {
		client := mllp.NewClient(r.MLLP, mllp.ClientOptions{Attempts: 1, Reply: time.Minute})
		wg.Go(func() {
			defer client.Close()
			for story := range work {
				for _, m := range story {
					reply, err := client.Send(ctx, m.body)
					if err != nil || string(reply.Code) != m.code {
						t.Errorf("%s was answered %q (%s, %v), want %s: %.200q", m.trigger, reply.Code, reply.Text, err, m.code, m.body)
					}
				}
			}
		})
	}
	for _, s := range stories {
		work <- s
	}
	close(work)
	wg.Wait()
}

// again tells some stories a second time, as after replies that were lost: the same reply, no effect.
func again(t *testing.T, r *rig.Rig, stories [][]sent) {
	t.Helper()
	before := facts(t, r)
	var some [][]sent
	for i := 0; i < len(stories); i += 5 {
		some = append(some, stories[i])
	}
	tell(t, r, some)
	r.Rest(restWithin)
	if after := facts(t, r); after != before {
		t.Errorf("%d facts were told, %d after repetitions", before, after)
	}
}

// facts counts what the services have told each other.
func facts(t *testing.T, r *rig.Rig) (n int64) {
	t.Helper()
	for _, s := range rig.Services[:4] {
		var m int64
		if err := r.DB.QueryRow(t.Context(), `SELECT count(*) FROM `+s+`.event_log`).Scan(&m); err != nil {
			t.Fatal(err)
		}
		n += m
	}
	return n
}

// message is what became of a message, as the API shows it.
type message struct {
	Trigger string `json:"trigger"`
	State   string `json:"state"`
	Reason  string `json:"reason"`
	Reply   string `json:"reply"`
	Hash    string `json:"hash"`
	Copies  int    `json:"copies"`
}

// outcomes: every message that was sent is there once, in the final state it must have, with a reason where
// it was not applied; and no other.
func outcomes(t *testing.T, r *rig.Rig, stories [][]sent) {
	t.Helper()
	found, told := map[string]message{}, map[string]int{}
	for _, m := range rig.All[message](r, r.Token(rig.DemoOrg, "auditor", web.Auditor), "/admission/messages") {
		if _, twice := found[m.Hash]; twice {
			t.Errorf("%s is there twice", m.Trigger)
		}
		found[m.Hash] = m
	}
	n := 0
	for _, story := range stories {
		for _, want := range story {
			n++
			got := found[want.hash()]
			if got.State != want.state || got.Reason != want.reason || got.Reply != want.code || want.trigger != "" && got.Trigger != want.trigger {
				t.Errorf("%s is %+v, want %s %q, answered %s", want.trigger, got, want.state, want.reason, want.code)
			}
			told[cmp.Or(want.trigger, "-")+" "+got.State]++
		}
	}
	if len(found) != n {
		t.Errorf("%d messages are there, %d were sent", len(found), n)
	}
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(told)) {
		lines = append(lines, fmt.Sprintf("%s %d", k, told[k]))
	}
	t.Log(strings.Join(lines, ", "))
}
