package referral

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/referral/internal/directory"
	"github.com/handoff-care/handoff/services/referral/internal/store"
)

// asked drafts a referral and asks providers for it.
func (w *world) asked(providers ...events.ID) store.View {
	w.t.Helper()
	s := goingTo("snf")
	w.discharge(s.opened())
	return w.send(w.the(s.Encounter), providers...)
}

func TestOneAcceptanceWins(t *testing.T) {
	w := newWorld(t)
	names := []string{"Cedar Grove Care Center", "Lakeside Rehabilitation and Nursing", "Prairie View Health Center", "Maple Court Nursing Home"}
	var providers []events.ID
	for _, n := range names {
		providers = append(providers, w.provider(n))
	}
	v := w.asked(providers...)
	token := w.token(demoOrg, web.Liaison)
	answers := make([]reply, 40)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range answers {
		all.Go(func() {
			<-start
			answers[i] = w.askAs(token, "POST", "/referrals/"+v.ID.String()+"/accept", whose(providers[i%len(providers)]), "If-Match", etag(v.Version))
		})
	}
	close(start)
	all.Wait()

	final := w.detail(v.ID)
	var won int
	for _, a := range answers {
		switch a.Status {
		case 200:
			won++
		case 409:
			var lost struct {
				Winner events.ID `json:"winner"`
			}
			a.into(t, &lost)
			if lost.Winner != final.ProviderID || lost.Winner.IsZero() {
				t.Errorf("told that %s won, but it is %s", lost.Winner, final.ProviderID)
			}
		default:
			t.Errorf("%d: %s", a.Status, a.Text)
		}
	}
	if won != 1 {
		t.Errorf("%d acceptances won", won)
	}
	var accepted, withdrawn int
	for _, o := range final.Offers {
		switch {
		case o.State == "accepted" && o.Provider == final.ProviderID:
			accepted++
		case o.State == "withdrawn" && o.Reason == "another-accepted":
			withdrawn++
		}
	}
	if accepted != 1 || withdrawn != len(providers)-1 {
		t.Errorf("offers %+v", final.Offers)
	}
	w.balanced()
}

func TestAReferralIsCarriedFromDraftToArrivalAndItsHistoryIsKept(t *testing.T) {
	w := newWorld(t)
	cedar, lakeside := w.provider("Cedar Grove Care Center"), w.provider("Lakeside Rehabilitation and Nursing")
	v := w.asked(cedar, lakeside)
	w.do(v, "acknowledge", whose(cedar))
	w.do(v, "offer", whose(cedar))
	w.do(v, "decline", `{"provider_id":"`+lakeside.String()+`","reason":"We are full of joy, not of beds","note":"called twice"}`)
	w.do(v, "accept", whose(cedar))
	w.do(v, "book", `{"start_at":"2026-03-03T15:00:00-06:00"}`)
	w.do(v, "no-show", `{"reason":"transport"}`)
	w.do(v, "book", `{"start_at":"2026-03-04T21:00:00Z"}`)
	w.do(v, "arrive", "")

	var lines web.List[store.Line]
	w.must(200, "GET", "/referrals/"+v.ID.String()+"/history", "").into(t, &lines)
	var got []string
	for i, l := range lines.Items {
		if l.Version != i+1 {
			t.Errorf("version %d in place %d", l.Version, i+1)
		}
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s by %s: %s %s %s", l.Action, l.By, l.State, l.Reason, l.Note)))
	}
	want := []string{
		"draft by : drafted",
		"send by maria: sent",
		"acknowledge by maria: acknowledged",
		"offer by maria: offered",
		"decline by maria: offered other We are full of joy, not of beds: called twice",
		"accept by maria: accepted",
		"book by maria: booked",
		"no-show by maria: no-show transport",
		"book by maria: booked",
		"arrive by maria: arrived",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, e := range w.facts() {
		if head, err := e.Head(); err != nil || strings.Contains(string(head), "joy") || strings.Contains(string(head), "twice") {
			t.Errorf("a person's words travel in %s (%v)", e.Fact.Type(), err)
		}
	}
	w.balanced()
}

func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t)
	cedar, kidney := w.provider("Cedar Grove Care Center"), w.provider("Midtown Kidney Center")
	s := goingTo("snf")
	w.discharge(s.opened())
	drafted := w.the(s.Encounter)
	sent := w.asked(cedar)
	for _, c := range []struct {
		name   string
		status int
		of     store.View
		action string
		body   string
		match  string
	}{
		{"accepting what nobody was asked for", 409, drafted, "accept", whose(cedar), `"1"`},
		{"asking nobody", 422, drafted, "send", `{}`, `"1"`},
		{"asking a provider that does not exist", 422, drafted, "send", `{"providers":["` + events.NewID().String() + `"]}`, `"1"`},
		{"asking a provider without the licence", 422, drafted, "send", `{"providers":["` + kidney.String() + `"]}`, `"1"`},
		{"asking one provider twice", 422, drafted, "send", `{"providers":["` + cedar.String() + `","` + cedar.String() + `"]}`, `"1"`},
		{"an old version", 412, sent, "acknowledge", whose(cedar), `"1"`},
		{"no version", 428, sent, "acknowledge", whose(cedar), ``},
		{"a version that is none", 400, sent, "acknowledge", whose(cedar), `"x"`},
		{"an answer of a provider that was not asked", 422, sent, "offer", whose(kidney), `"2"`},
		{"declining without a reason", 422, sent, "decline", whose(cedar), `"2"`},
		{"booking what is not accepted", 409, sent, "book", `{"start_at":"2026-03-03T15:00:00Z"}`, `"2"`},
		{"asking again while the answer is awaited", 409, sent, "send", `{"providers":["` + cedar.String() + `"]}`, `"2"`},
		{"a member that does not exist", 422, sent, "accept", `{"providor_id":""}`, `"2"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.ask("POST", "/referrals/"+c.of.ID.String()+"/"+c.action, c.body, "If-Match", c.match)
			if a.Status != c.status || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
				t.Errorf("%d %s: %s", a.Status, a.Header.Get("Content-Type"), a.Text)
			}
		})
	}
	w.must(404, "GET", "/referrals/"+events.NewID().String(), "")
	w.must(404, "GET", "/referrals/"+events.NewID().String()+"/history", "")
	w.must(422, "GET", "/referrals?state=lost", "")
}

func TestARepeatedRequestHasOneEffect(t *testing.T) {
	w := newWorld(t)
	v := w.asked(w.provider("Cedar Grove Care Center"))
	path := "/referrals/" + v.ID.String() + "/acknowledge"
	first := w.must(200, "POST", path, "", "If-Match", etag(v.Version), "Idempotency-Key", "k1")
	again := w.must(200, "POST", path, "", "If-Match", etag(v.Version), "Idempotency-Key", "k1")
	if first.Text != again.Text || first.Header.Get("ETag") != `"3"` {
		t.Errorf("%s\n%s", first.Text, again.Text)
	}
	w.must(409, "POST", "/referrals/"+v.ID.String()+"/offer", "", "If-Match", etag(v.Version), "Idempotency-Key", "k1")
	w.balanced()
}

func TestWhoMaySeeAndDoWhat(t *testing.T) {
	w := newWorld(t)
	cedar := w.provider("Cedar Grove Care Center")
	v := w.asked(cedar)
	other := w.token(events.Derive("org", "other"), web.Lead)
	for _, c := range []struct {
		who, method, path, body string
		status                  int
	}{
		{other, "GET", "/referrals/" + v.ID.String(), "", 404},
		{other, "GET", "/referrals/" + v.ID.String() + "/history", "", 404},
		{other, "POST", "/referrals/" + v.ID.String() + "/accept", whose(cedar), 404},
		{other, "GET", "/providers/" + cedar.String(), "", 404},
		{w.token(demoOrg, web.Auditor), "GET", "/referrals/" + v.ID.String(), "", 200},
		{w.token(demoOrg, web.Auditor), "POST", "/referrals/" + v.ID.String() + "/accept", whose(cedar), 403},
		{w.token(demoOrg, web.Intake), "POST", "/providers", `{"name":"X","needs":["snf"]}`, 403},
	} {
		if a := w.askAs(c.who, c.method, c.path, c.body); a.Status != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, a.Status, c.status)
		}
	}
	var page web.List[store.View]
	w.askAs(other, "GET", "/referrals", "").into(t, &page)
	if len(page.Items) != 0 {
		t.Errorf("another organization sees %d referrals", len(page.Items))
	}
	anonymous := w.askAs("", "GET", "/referrals", "")
	if anonymous.Status != http.StatusUnauthorized {
		t.Errorf("%d for nobody", anonymous.Status)
	}
}

func TestListsArePagedNewestFirst(t *testing.T) {
	w := newWorld(t)
	for range 7 {
		w.discharge(goingTo("snf").opened())
	}
	var seen []store.View
	path := "/referrals?state=drafted,sent&need=snf&facility=MERCY&limit=3"
	for next := path; next != ""; {
		var page web.List[store.View]
		w.must(200, "GET", next, "").into(t, &page)
		seen = append(seen, page.Items...)
		next = ""
		if page.Next != nil {
			next = path + "&cursor=" + *page.Next
		}
	}
	sorted := slices.IsSortedFunc(seen, func(a, b store.View) int { return b.CreatedAt.Compare(a.CreatedAt) })
	if len(seen) != 7 || !sorted {
		t.Errorf("%d referrals, newest first: %v", len(seen), sorted)
	}
	for facility, want := range map[string]int{"": 7, "MERCY": 7, "ELSEWHERE": 0} {
		var counts struct{ States map[string]int }
		w.must(200, "GET", "/referrals/counts?facility="+facility, "").into(t, &counts)
		if counts.States["drafted"] != want {
			t.Errorf("counted in %q: %v", facility, counts.States)
		}
	}
}

func TestProvidersAreAddedAndChangedWithTheirVersion(t *testing.T) {
	w := newWorld(t)
	var p, q provider
	w.must(201, "POST", "/providers", `{"name":" New House ","needs":["snf"],"ccn":"145999","zip":"60601","rating":3.5,"agreement_until":"2030-12-31"}`).into(t, &p)
	if p.Name != "New House" || p.Version != 1 || p.Active == nil || !*p.Active || p.Rating == nil || *p.Rating != 3.5 {
		t.Errorf("added %+v", p)
	}
	w.must(409, "POST", "/providers", `{"name":"Another name","needs":["snf"],"ccn":"145999"}`)
	w.must(422, "POST", "/providers", `{"name":"Wrong","needs":["spa"]}`)
	w.must(428, "PUT", "/providers/"+p.ID.String(), `{"name":"New House","needs":["snf"],"ccn":"145999"}`)
	w.must(412, "PUT", "/providers/"+p.ID.String(), `{"name":"New House","needs":["snf"],"ccn":"145999"}`, "If-Match", `"7"`)
	w.must(422, "PUT", "/providers/"+p.ID.String(), `{"name":"New House","needs":["snf"],"ccn":"145998"}`, "If-Match", `"1"`)
	w.must(200, "PUT", "/providers/"+p.ID.String(), `{"name":"Newer House","needs":["snf","hospice"],"ccn":"145999","active":false}`, "If-Match", `"1"`).into(t, &q)
	if q.Version != 2 || q.Name != "Newer House" || q.Rating != nil || *q.Active {
		t.Errorf("changed %+v", q)
	}
	var page web.List[provider]
	w.must(200, "GET", "/providers?need=hospice&limit=500", "").into(t, &page)
	if !slices.ContainsFunc(page.Items, func(x provider) bool { return x.ID == p.ID }) {
		t.Errorf("not among the hospices: %+v", page.Items)
	}
}

func TestFreePlacesAreDatedWhenTheyAreReported(t *testing.T) {
	w := newWorld(t)
	var p, kept, moved provider
	w.must(201, "POST", "/providers", `{"name":"House","needs":["snf"],"open_beds":0}`).into(t, &p)
	if p.CapacityAt == nil || time.Since(*p.CapacityAt) > time.Minute {
		t.Fatalf("reported %v", p.CapacityAt)
	}
	old := `"capacity_at":"2026-01-01T00:00:00Z"`
	put := func(version, body string, into *provider) {
		w.must(200, "PUT", "/providers/"+p.ID.String(), `{"name":"House","needs":["snf"],`+body+`}`, "If-Match", version).into(t, into)
	}
	put(`"1"`, `"open_beds":0,`+old, &kept)
	put(`"2"`, `"open_beds":3,`+old, &moved)
	if kept.CapacityAt.Year() != 2026 || kept.CapacityAt.Month() != time.January || time.Since(*moved.CapacityAt) > time.Minute {
		t.Errorf("kept %v, moved %v", kept.CapacityAt, moved.CapacityAt)
	}
}

func TestAnImportKeepsTheGoodLinesAndNamesTheBadOnes(t *testing.T) {
	w := newWorld(t)
	file := "\ufeffCMS Certification Number (CCN),Provider Name,Provider Address,City/Town,State,ZIP Code,Telephone Number,Number of Certified Beds,Provider Type,Overall Rating\n" +
		"145001,FIRST HOME,1 A STREET,CHICAGO,IL,60601,3125550000,99,Medicare and Medicaid,4\n" +
		"145002,SECOND HOME,2 A STREET,CHICAGO,IL,60602,3125550000,many,Medicare,4\n" +
		"145003,THIRD HOME,3 A STREET,CHICAGO,IL,60603,3125550000,50,Medicare,\n" +
		"145001,FIRST HOME AGAIN,1 A STREET,CHICAGO,IL,60601,3125550000,99,Medicare,4\n"
	var got imported
	w.must(200, "POST", "/providers/import", file, "Content-Type", "text/csv; charset=utf-8").into(t, &got)
	want := imported{Lines: 4, Stored: 2, Changed: 2, Errors: []directory.LineError{
		{Line: 3, Text: `beds: "many" is no number`}, {Line: 5, Text: "is the same provider as line 2"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	w.must(200, "POST", "/providers/import", file, "Content-Type", "text/csv").into(t, &got)
	if got.Stored != 2 || got.Changed != 0 {
		t.Errorf("again: %+v", got)
	}
	var p provider
	w.must(200, "GET", "/providers/"+w.provider("FIRST HOME").String(), "").into(t, &p)
	if diff := cmp.Diff([]string{"snf"}, p.Needs); diff != "" || *p.Beds != 99 || *p.Rating != 4 || !slices.Equal(p.Payers, []string{"medicaid", "medicare"}) {
		t.Errorf("%+v", p)
	}
	w.must(400, "POST", "/providers/import", file)
	w.must(422, "POST", "/providers/import", "a,b\n1,2\n", "Content-Type", "text/csv")
}

func TestEveryMetricIsExported(t *testing.T) {
	w := newWorld(t)
	w.discharge(goingTo("snf").opened())
	families, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			switch {
			case m.Histogram != nil:
				got[f.GetName()] = float64(m.Histogram.GetSampleCount())
			case m.Gauge != nil && m.Label[0].GetValue() == "drafted":
				got[f.GetName()] = m.Gauge.GetValue()
			}
		}
	}
	want := map[string]float64{"handoff_referral_match_seconds": 1, "handoff_referral_match_candidates": 1, "handoff_referral_referrals": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
