package notification

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/run"
	"github.com/handoff-care/handoff/pkg/web"
)

// person is somebody who signs in.
func (b *bench) person(id string, roles ...web.Role) web.Principal {
	return web.Principal{Subject: id, Org: b.org, Roles: roles}
}

// inbox is what a person's list shows.
func (b *bench) inbox(who web.Principal, query string) []alertView {
	b.t.Helper()
	var out alerts
	if code := b.call(who, http.MethodGet, "/alerts?state=raised&"+query, nil, &out); code != 200 {
		b.t.Fatalf("inbox: %d", code)
	}
	return out.Items
}

// rows are an alert's rows of a decision, as "recipient: reason".
func (b *bench) rows(id events.ID, decision string) (list []string) {
	b.t.Helper()
	d := b.detail(id)
	for _, r := range append(d.Thread, d.Why...) {
		if r.Decision == decision {
			list = append(list, r.Recipient+" "+r.Channel+": "+r.Reason)
		}
	}
	slices.Sort(list)
	return list
}

func TestAHandedOverAlertIsTheirsToTakeOnAndGoesFurtherIfTheyDoNot(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "", "role:liaison")
	b.told(opened(stay("one")))
	id := b.alerts("")[0].ID
	at := "/alerts/" + id.String()
	dana, ann, lea := b.person("dana", web.Liaison), b.person("ann", web.Liaison), b.person("lea", web.Lead)
	b.call(dana, "POST", at+"/acknowledge", nil, nil)
	var now alertView
	if code := b.call(dana, "POST", at+"/hand-over", map[string]string{"to": "ann", "reason": "end-of-shift"}, &now); code != 200 {
		t.Fatal(code)
	}
	if now.State != "raised" || now.AcknowledgedBy != "" || now.EscalatesAt == nil || now.EscalatesTo != "role:lead" || now.HandedOver == nil || now.HandedOver.By != "dana" || !slices.Equal(now.Recipients, []string{"ann"}) {
		t.Errorf("handed over: %+v", now)
	}
	if len(b.inbox(ann, "inbox=true")) != 1 || len(b.inbox(dana, "inbox=true")) != 0 {
		t.Error("it is not in the inbox it was given to, or still in the other")
	}
	if diff := cmp.Diff([]string{"ann console: handed over", "ann email: handed over"}, b.since(id, now.Version, "selected")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ann : end-of-shift"}, b.rows(id, "handed-over")); diff != "" {
		t.Error(diff)
	}
	if b.announced("care.alert.handed-over.v1") != 1 {
		t.Error("it was not announced once")
	}
	b.fire(time.Now().Add(5 * time.Hour)) // ann does not answer
	if len(b.inbox(lea, "inbox=true")) != 1 {
		t.Error("nobody was told that it was not taken on")
	}
	b.balanced()
}

// since are rows of a decision from a version of the alert on.
func (b *bench) since(id events.ID, version int, decision string) (list []string) {
	b.t.Helper()
	for _, r := range b.detail(id).Why {
		if r.Decision == decision && r.Version >= version {
			list = append(list, r.Recipient+" "+r.Channel+": "+r.Reason)
		}
	}
	slices.Sort(list)
	return list
}

func TestWhatAPersonDidLastCanBeTakenBackUntilSomethingElseHappens(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "", "role:liaison")
	b.told(opened(stay("one")))
	fresh := b.alerts("")[0]
	at := "/alerts/" + fresh.ID.String()
	dana, ann := b.person("dana", web.Liaison), b.person("ann", web.Liaison)
	for path, in := range map[string]any{
		"/acknowledge": nil, "/resolve": map[string]string{"reason": "duplicate"}, "/hand-over": map[string]string{"to": "ann", "reason": "busy"},
	} {
		var done, back alertView
		if code := b.call(dana, "POST", at+path, in, &done); code != 200 {
			t.Fatalf("%s: %d", path, code)
		}
		if code := b.call(ann, "POST", at+"/take-back", nil, nil); code != http.StatusConflict {
			t.Errorf("somebody else takes back %s: %d", path, code)
		}
		if code := b.call(dana, "POST", at+"/take-back", nil, &back); code != 200 {
			t.Fatalf("take back %s: %d", path, code)
		}
		want := fresh
		want.Version = back.Version
		if diff := cmp.Diff(want, back); diff != "" {
			t.Errorf("after %s and back: %s", path, diff)
		}
	}
	if diff := cmp.Diff([]string{"ann console: taken-back"}, b.rows(fresh.ID, "corrected")); diff != "" {
		t.Errorf("who was handed it: %s", diff)
	}
	b.call(dana, "POST", at+"/resolve", map[string]string{"reason": "handled"}, nil)
	done := stay("one")
	done.State, done.Version = "completed", 3
	b.told(events.TransitionCompleted{Of: events.Of{Transition: done}})
	if code := b.call(dana, "POST", at+"/take-back", nil, nil); code != http.StatusConflict {
		t.Errorf("an alert without a cause is raised again: %d", code)
	}
	b.balanced()
}

func TestAMuteIsOnesOwnAndNeverHoldsBackWhatIsPassedUp(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	b.roster("MERCY", "", "ann", "bob")
	against := stay("one")
	against.Disposition = "07" // urgent
	b.told(opened(against))
	ann, bob, lea := b.person("ann", web.Liaison), b.person("bob", web.Liaison), b.person("lea", web.Lead)
	id := b.inbox(ann, "inbox=true")[0].ID
	mute := map[string]any{"scope": "kind", "until": time.Now().Add(8 * time.Hour), "reason": "covered"}
	var muted alertView
	if code := b.call(ann, "POST", "/alerts/"+id.String()+"/mute", mute, &muted); code != 200 || muted.Muted == nil || muted.Muted.Scope != "kind" {
		t.Fatalf("%d %+v", code, muted)
	}
	two := stay("two")
	two.Disposition = "07"
	b.told(opened(two))
	if n := len(b.inbox(ann, "inbox=true")); n != 0 {
		t.Errorf("ann still sees %d", n)
	}
	if list := b.inbox(ann, "muted=true"); len(list) != 2 || list[0].Muted == nil {
		t.Errorf("what is muted is not shown as such: %+v", list)
	}
	if n := len(b.inbox(bob, "inbox=true")); n != 2 {
		t.Errorf("bob sees %d: a mute is one's own", n)
	}
	second := b.inbox(bob, "inbox=true")[0].ID
	if got := b.rows(second, "suppressed"); len(got) != 2 { // ann's, who muted it, and bob's, from critical on
		t.Errorf("suppressed: %q", got)
	}
	b.fire(time.Now().Add(31 * time.Minute))
	if n := len(b.inbox(lea, "inbox=true")); n != 2 {
		t.Errorf("the lead was told of %d of 2", n)
	}
	if n := len(b.inbox(ann, "inbox=true")); n != 2 {
		t.Errorf("ann hears of %d that were passed up", n)
	}
	var list struct{ Items []muteView }
	b.call(ann, "GET", "/mutes", nil, &list)
	if len(list.Items) != 1 {
		t.Fatalf("%+v", list.Items)
	}
	lift := "/mutes/" + list.Items[0].ID.String() + "/lift"
	if code := b.call(bob, "POST", lift, nil, nil); code != 404 {
		t.Errorf("somebody else lifts it: %d", code)
	}
	if code := b.call(ann, "POST", lift, nil, nil); code != 200 {
		t.Errorf("lift: %d", code)
	}
	b.told(opened(stay("three")))
	if n := len(b.inbox(ann, "inbox=true")); n != 3 {
		t.Errorf("after lifting ann sees %d of 3", n)
	}
	b.balanced()
}

func TestWhatCannotBeSaidAboutAnAlertIsRefused(t *testing.T) {
	b := newBench(t, run.Config{})
	b.people()
	secret := stay("one")
	secret.Sensitive = true
	b.told(opened(secret))
	at := "/alerts/" + b.alerts("")[0].ID.String()
	tomorrow, far := time.Now().Add(20*time.Hour), time.Now().Add(25*time.Hour)
	for name, c := range map[string]struct {
		path string
		in   any
		code int
	}{
		"no such reason":              {"/resolve", map[string]string{"reason": "because"}, 422},
		"to nobody":                   {"/hand-over", map[string]string{"to": "", "reason": "busy"}, 422},
		"to no role":                  {"/hand-over", map[string]string{"to": "role:nobody", "reason": "busy"}, 422},
		"to somebody who left":        {"/hand-over", map[string]string{"to": "eve", "reason": "busy"}, 422},
		"confidential, to another":    {"/hand-over", map[string]string{"to": "lea", "reason": "busy"}, 422},
		"to oneself":                  {"/hand-over", map[string]string{"to": "me", "reason": "busy"}, 422},
		"muted for too long":          {"/mute", map[string]any{"scope": "kind", "until": far, "reason": "known"}, 422},
		"muted until the past":        {"/mute", map[string]any{"scope": "thread", "until": time.Now().Add(-time.Hour), "reason": "known"}, 422},
		"confidential, within a role": {"/hand-over", map[string]string{"to": "ann", "reason": "busy"}, 200},
		"muted for what may be":       {"/mute", map[string]any{"scope": "kind", "until": tomorrow, "reason": "known"}, 200},
	} {
		if code := b.call(b.as(web.Liaison), "POST", at+c.path, c.in, nil); code != c.code {
			t.Errorf("%s: %d, want %d", name, code, c.code)
		}
	}
	for _, d := range b.detail(b.alerts("")[0].ID).Deliveries {
		if d.Channel != "console" {
			t.Errorf("a confidential alert left the console: %+v", d)
		}
	}
}
