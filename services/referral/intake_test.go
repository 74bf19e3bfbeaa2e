package referral

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

const (
	cedar = "Cedar Grove Care Center"
	lake  = "Lakeside Rehabilitation and Nursing"
)

// seat lets a person speak for a provider; the answer asks as them.
func (w *world) seat(subject, name string) func(method, path, body string) reply {
	w.t.Helper()
	w.must(200, "PUT", "/providers/"+w.provider(name).String()+"/people", body(map[string]any{"people": []string{subject}}))
	token := w.tokenOf(subject, demoOrg, web.Intake)
	return func(method, path, body string) reply { return w.askAs(token, method, path, body) }
}

func (w *world) requests(as func(method, path, body string) reply, show string) (list []store.Request) {
	w.t.Helper()
	var page web.List[store.Request]
	a := as("GET", "/intake/referrals?show="+show, "")
	if a.Status != 200 {
		w.t.Fatalf("%d %s", a.Status, a.Text)
	}
	a.into(w.t, &page)
	return page.Items
}

func TestTheReceivingSideSeesWhatIsAskedOfItAndNothingElse(t *testing.T) {
	w := newWorld(t)
	lin, ada := w.seat("lin", cedar), w.seat("ada", lake)
	s := goingTo("snf")
	old := 97
	s.Age = &old
	w.discharge(s.opened())
	v := w.send(w.the(s.Encounter), w.provider(cedar))
	mine := w.requests(lin, "new")
	if len(mine) != 1 || mine[0].ID != v.ID || mine[0].Need != "snf" || mine[0].State != "sent" || *mine[0].Patient.Age != 90 || mine[0].Patient.ZIP3 != "606" {
		t.Fatalf("%+v", mine)
	}
	one := lin("GET", "/intake/referrals/"+v.ID.String(), "")
	for _, secret := range []string{s.Encounter.String(), s.Patient.String(), s.ID.String(), `"age":97`} {
		if strings.Contains(one.Text, secret) {
			t.Errorf("the request gives %s away: %s", secret, one.Text)
		}
	}
	for _, other := range []func(method, path, body string) reply{ada, func(m, p, b string) reply { return w.askAs(w.tokenOf("eve", demoOrg, web.Intake), m, p, b) }} {
		for _, show := range []string{"new", "coming", "past"} {
			if list := w.requests(other, show); len(list) > 0 {
				t.Errorf("somebody else's facility sees %+v", list)
			}
		}
		for _, path := range []string{"", "/seen", "/accept", "/decline", "/question", "/arrived"} {
			method := "POST"
			if path == "" {
				method = "GET"
			}
			if a := other(method, "/intake/referrals/"+v.ID.String()+path, map[string]string{"POST": `{"reason":"no-bed","note":"x"}`}[method]); a.Status != 404 {
				t.Errorf("%s %s: %d %s", method, path, a.Status, a.Text)
			}
		}
		if a := other("PUT", "/intake/providers/"+w.provider(cedar).String()+"/capacity", `{"open_beds":3}`); a.Status != 404 {
			t.Errorf("capacity of another provider: %d", a.Status)
		}
	}
	for _, path := range []string{"/referrals", "/referrals/" + v.ID.String(), "/providers", "/reports/providers?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z"} {
		if a := lin("GET", path, ""); a.Status != 403 {
			t.Errorf("the receiving side is answered %d at %s", a.Status, path)
		}
	}
	if a := w.ask("GET", "/intake/referrals", ""); a.Status != 403 {
		t.Errorf("a lead is answered %d at the receiving side's door", a.Status)
	}
}

func TestTheReceivingSideAsksAndAccepts(t *testing.T) {
	w := newWorld(t)
	lin, ada := w.seat("lin", cedar), w.seat("ada", lake)
	s := goingTo("snf")
	w.discharge(s.opened())
	v := w.send(w.the(s.Encounter), w.provider(cedar), w.provider(lake))
	path := "/intake/referrals/" + v.ID.String()
	say := func(as func(method, path, body string) reply, status int, action, text string) (r store.Request) {
		t.Helper()
		a := as("POST", path+"/"+action, text)
		if a.Status != status {
			t.Fatalf("%s: %d, want %d: %s", action, a.Status, status, a.Text)
		}
		if status == 200 {
			a.into(t, &r)
		}
		return r
	}
	if r := say(lin, 200, "seen", ""); r.State != "acknowledged" {
		t.Errorf("%+v", r)
	}
	say(lin, 200, "seen", "") // again: nothing happens
	if n := w.detail(v.ID).Version; n != v.Version+1 {
		t.Errorf("version %d", n)
	}
	say(lin, 422, "question", `{}`)
	if r := say(lin, 200, "question", `{"note":"Does the wound need a vacuum dressing?"}`); !r.Question || len(r.Talk) != 1 {
		t.Errorf("%+v", r)
	}
	w.do(v, "reply", body(map[string]any{"provider_id": w.provider(cedar), "note": "No."}))
	if r := w.requests(lin, "new"); r[0].Question {
		t.Error("the question stands although it was answered")
	}
	say(ada, 422, "decline", `{}`)
	if r := say(ada, 200, "question", `{"note":"Which weight?"}`); len(r.Talk) != 1 {
		t.Errorf("one facility reads another's questions: %+v", r.Talk)
	}
	start := time.Now().Add(20 * time.Hour).UTC().Truncate(time.Second)
	r := say(lin, 200, "accept", fmt.Sprintf(`{"start_at":%q,"bed":"Room 12, window"}`, start.Format(time.RFC3339)))
	if r.State != "accepted" || r.Search != "booked" || r.Bed != "Room 12, window" || !r.StartAt.Equal(start) || len(r.Talk) != 2 || !r.Talk[1].Answer {
		t.Errorf("%+v", r)
	}
	lost := ada("POST", path+"/accept", `{}`)
	if lost.Status != 409 || strings.Contains(lost.Text, w.provider(cedar).String()) || strings.Contains(lost.Text, "Cedar") {
		t.Errorf("who came second is told %d %s", lost.Status, lost.Text)
	}
	if list := w.requests(ada, "past"); len(list) != 1 || list[0].State != "withdrawn" || list[0].Reason != "another-accepted" || list[0].StartAt != nil || list[0].Bed != "" {
		t.Errorf("%+v", list)
	}
	if list := w.requests(lin, "coming"); len(list) != 1 {
		t.Errorf("%+v", list)
	}
	say(ada, 409, "arrived", "")
	if r := say(lin, 200, "arrived", ""); r.Search != "arrived" {
		t.Errorf("%+v", r)
	}
	if list := w.requests(lin, "coming"); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	for _, e := range w.facts() {
		if doc := body(e.Fact); strings.Contains(doc, "vacuum") || strings.Contains(doc, "Room 12") {
			t.Errorf("somebody's words travel in %s", e.Fact.Type())
		}
	}
	w.balanced()
}

// What a facility says of its free places decides at once who is asked next.
func TestCapacityIsUsedByTheMatch(t *testing.T) {
	w := newWorld(t)
	lin := w.seat("lin", cedar)
	id := w.provider(cedar)
	a := lin("PUT", "/intake/providers/"+id.String()+"/capacity", `{"open_beds":0}`)
	if a.Status != 200 || !strings.Contains(a.Text, `"open_beds":0`) || !strings.Contains(a.Text, `"capacity_at":"20`) {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	s := goingTo("snf")
	w.discharge(s.opened())
	why := map[events.ID]string{}
	for _, c := range w.detail(w.the(s.Encounter).ID).Excluded {
		why[c.ProviderID] = strings.Join(c.Reasons, "; ")
	}
	if why[id] != "capacity: reported full within 24 hours" {
		t.Errorf("excluded: %q", why[id])
	}
	if a := lin("PUT", "/intake/providers/"+id.String()+"/capacity", `{"open_beds":-1}`); a.Status != 422 {
		t.Errorf("%d %s", a.Status, a.Text)
	}
}

func TestHowProvidersAnsweredIsReported(t *testing.T) {
	w := newWorld(t)
	from := time.Now().Add(-time.Minute).UTC()
	ids := []events.ID{w.provider(cedar), w.provider(lake)}
	for i := range 3 {
		s := goingTo("snf")
		w.discharge(s.opened())
		v := w.do(w.the(s.Encounter), "send", body(map[string]any{"providers": ids, "hours": 1}))
		if i < 2 {
			w.do(v, "decline", body(map[string]any{"provider_id": ids[0], "reason": "no-bed"}))
			w.do(v, "accept", whose(ids[1]))
		} else {
			w.ring(v, *v.Offers[0].Until)
		}
	}
	ask := func(facility string, from time.Time) (out struct{ Items []store.Responsiveness }) {
		w.must(200, "GET", "/reports/providers?facility="+facility+"&from="+from.Format(time.RFC3339)+"&to="+from.Add(time.Hour).Format(time.RFC3339), "").into(t, &out)
		return out
	}
	got := ask("MERCY", from)
	if len(got.Items) != 2 {
		t.Fatalf("%+v", got)
	}
	for _, r := range got.Items {
		want := store.Responsiveness{ProviderID: r.ProviderID, Name: r.Name, Asked: 3, Answered: 2, Silent: 1, MedianS: r.MedianS, SlowS: r.SlowS}
		if r.ProviderID == ids[0] {
			want.Declined = 2
		} else {
			want.Accepted = 2
		}
		if r != want || r.MedianS == nil || *r.MedianS < 0 || *r.MedianS > 60 {
			t.Errorf("%+v", r)
		}
	}
	if len(ask("NORTH", from).Items)+len(ask("MERCY", from.Add(-2*time.Hour)).Items) != 0 {
		t.Error("another hospital or time has figures")
	}
	w.must(422, "GET", "/reports/providers?from=2026-01-01T00:00:00Z&to=2020-01-01T00:00:00Z", "")
}
