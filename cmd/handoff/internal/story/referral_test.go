package story

import (
	"net/url"
	"strconv"
	"time"

	"github.com/handoff-care/handoff/cmd/handoff/internal/story/api"
)

// receiving is the facility of a provider of the demonstration directory.
const receiving = "CEDARGROVE"

// arrival: the hospital asks a nursing facility, which accepts; the patient is admitted there under
// another record number, but with the identifier that both know.
func arrival(s *scene) {
	stay := s.stay("nursing facility")
	stay.Person.Shared = "HIE" + stay.Person.MRN
	s.send(stay)
	e := s.encounter(stay, "finished")
	r := s.candidates(s.referral(e, "drafted"))
	provider := s.provider(receiving)
	act := func(action string, body any) {
		s.Helper()
		path := "/referrals/" + r.ID + "/" + action
		if err := s.liaison.Post(s.ctx, "referral", path, body, &r, "If-Match", strconv.Quote(strconv.Itoa(r.Version))); err != nil {
			s.Fatal(err)
		}
	}
	act("send", map[string]any{"providers": []string{provider}})
	act("offer", map[string]any{"provider_id": provider})
	act("accept", map[string]any{"provider_id": provider})
	act("book", map[string]any{"start_at": s.base.Add(2 * time.Hour)})
	if r.State != "booked" {
		s.Fatalf("the referral is %s, want booked", r.State)
	}

	there := s.stay("home")
	there.Facility, there.Base = receiving, s.base.Add(45*time.Minute)
	there.Person.Shared = stay.Person.Shared
	there.Person.Family, there.Person.Given, there.Person.Born = stay.Person.Family, stay.Person.Given, stay.Person.Born
	s.send(there, 1)
	if got := s.encounter(there, "in-progress"); got.PatientID == e.PatientID {
		s.Errorf("two hospitals' patients were made one, %s; linked is what they are", got.PatientID)
	}
	s.referral(e, "arrived")

	// Somebody else's admission there closes nothing.
	other := s.stay("nursing facility")
	other.Person.Shared = "HIE" + other.Person.MRN
	s.send(other)
	s.referral(s.encounter(other, "finished"), "drafted")
}

func (s *scene) provider(facility string) string {
	s.Helper()
	list, err := api.List[api.Provider](s.ctx, s.liaison, "referral", "/providers", "facility", url.QueryEscape(facility))
	if err != nil || len(list) != 1 {
		s.Fatalf("providers at %s: %+v, %v", facility, list, err)
	}
	return list[0].ID
}

// anotherOrganization: whoever belongs to another organization finds nothing, by list, by search or
// by id.
func anotherOrganization(s *scene) {
	stay := s.stay("nursing facility")
	s.send(stay)
	e := s.encounter(stay, "finished")
	t := s.transition(e, "active")
	r := s.referral(e, "drafted")
	a := s.alert(e, "transition-opened", "raised")
	task := s.tasks(e)["handoff-report"]

	auditor, engineer, liaison := api.NewIn(s.sys, "auditor", "elsewhere"), api.NewIn(s.sys, "interface", "elsewhere"), api.NewIn(s.sys, "liaison", "elsewhere")
	screen, err := api.NewIn(s.sys, "auditor", "elsewhere").Watch(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(screen.Close)
	for path, service := range map[string]string{
		"/messages": "admission", "/encounters": "admission", "/facilities": "admission", "/feeds": "admission", "/transitions": "discharge",
		"/transitions?encounter=" + e.ID: "discharge", "/tasks": "discharge", "/referrals": "referral", "/providers": "referral",
		"/alerts": "notification", "/ledger": "notification", "/people": "notification", "/rosters": "notification",
	} {
		var list struct{ Items []map[string]any }
		if err := auditor.Get(s.ctx, service, path, &list); err != nil || len(list.Items) > 0 {
			s.Errorf("%s%s: %v, %v", service, path, list.Items, err)
		}
	}
	found, err := api.Search[api.Encounter](s.ctx, engineer, "admission", "/encounters/search", map[string]any{"facility": stay.Facility, "visit": stay.Visit})
	if err != nil || len(found) > 0 {
		s.Errorf("a search finds %+v, %v", found, err)
	}
	for path, service := range map[string]string{
		"/encounters/" + e.ID: "admission", "/encounters/" + e.ID + "/history": "admission", "/patients/" + e.PatientID: "admission",
		"/transitions/" + t.ID: "discharge", "/tasks/" + task.ID: "discharge", "/referrals/" + r.ID: "referral", "/alerts/" + a.ID: "notification",
	} {
		if err := liaison.Get(s.ctx, service, path, nil); api.Status(err) != 404 {
			s.Errorf("%s%s: %v, want 404", service, path, err)
		}
	}
	for _, path := range []string{"/tasks/" + task.ID + "/claim"} {
		if err := liaison.Post(s.ctx, "discharge", path, nil, nil); api.Status(err) != 404 {
			s.Errorf("discharge%s: %v, want 404", path, err)
		}
	}
	for _, service := range []string{"admission", "discharge", "referral", "notification"} {
		var account api.Reconciled
		if err := auditor.Get(s.ctx, service, "/reconcile", &account); err != nil {
			s.Error(err)
		}
		for _, law := range account.Laws {
			if law.Left != 0 || law.Right != 0 {
				s.Errorf("%s counts others' things: %+v", service, law)
			}
		}
	}
	s.rest()
	if seen := screen.Seen(); len(seen) > 0 {
		s.Errorf("a stranger's screen shows %+v", seen)
	}
}

// refusal is what a problem document says beside its text.
func refusal(err error) map[string]any {
	if p := api.Refusal(err); p != nil {
		return p.Body
	}
	return nil
}
