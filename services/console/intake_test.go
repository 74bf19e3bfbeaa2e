package console

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/handoff-care/handoff/pkg/events"
)

func TestTheReceivingSideAnswersFromItsPhone(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(390, 844, false, "409 (Conflict)")
	b.signIn("ines")
	b.until(`location.pathname === "/intake"`)
	b.live()
	b.says("Nothing waits for an answer")
	b.until(`[...document.querySelectorAll("nav a")].map(a => a.innerText).join() === "Requests"`)
	free := "#open-" + events.Derive("maple").String()
	b.until(`document.querySelector("form.free")._htmx?.initialized`)
	js[chromedp.Void](b, `document.querySelector("`+free+`").value = "4"; 0`)
	b.click("form.free button")
	b.notes("Noted. The hospitals’ search goes by it now.")
	b.says("Said just now")

	id := s.asks()
	b.says("81 years, woman") // pushed
	b.says("From Mercy Hospital")
	s.looks("ines", "/intake", "intake")
	b.click("#q-" + id.String() + "-" + events.Derive("maple").String()[:8] + " a")
	b.says("Seen, to be answered")
	b.says("Medicare")
	b.says("isolation")
	s.looks("ines", "/intake/"+id.String(), "intake-request")
	b.live()
	b.until(`document.querySelector("form[action$='/question']")._htmx?.initialized`)
	js[chromedp.Void](b, `document.querySelector("#note").value = "Does the wound need a vacuum dressing?"; 0`)
	b.click(`form[action$="/question"] button`)
	b.notes("Asked. The answer shows here.")
	b.says("Does the wound need a vacuum dressing?")

	js[chromedp.Void](b, `document.querySelector("#start").value = "2026-12-01T14:30"; document.querySelector("#bed").value = "Room 12"; 0`)
	s.peers.mu.Lock()
	s.peers.shown.taken = true
	s.peers.mu.Unlock()
	b.click(`form[action$="/accept"] button`)
	b.notes("This request is not open any more")
	s.peers.mu.Lock()
	s.peers.shown.taken = false
	s.peers.mu.Unlock()
	js[chromedp.Void](b, `document.querySelector("#start").value = "2026-12-01T14:30"; document.querySelector("#bed").value = "Room 12"; 0`)
	b.click(`form[action$="/accept"] button`)
	b.notes("Thank you. The hospital knows")
	b.says("You take the patient")
	b.says("Room 12")
	s.peers.mu.Lock()
	if at := s.peers.shown.request["start_at"]; at != "2026-12-01T14:30:00-05:00" {
		t.Errorf("referral was told %v", at)
	}
	s.peers.mu.Unlock()
	b.click(`form[action$="/arrived"] button`)
	b.says("The patient is with you")
	s.peers.mu.Lock()
	if !slices.Equal(slices.Compact(slices.Clone(s.peers.shown.said))[:3], []string{"seen", "question", "accept"}) {
		t.Errorf("said %v", s.peers.shown.said)
	}
	s.peers.mu.Unlock()
}

// Somebody of another facility is shown nothing, whatever address they type.
func TestTheReceivingSideOpensNothingElse(t *testing.T) {
	s := open(t)
	s.facility()
	id := s.asks()
	st := s.discharge("Maria Santos", false, nil)
	ines, ivy := s.client(), s.client()
	ines.signIn("ines")
	ivy.signIn("ivy")
	_, page := ines.send("GET", "/intake", nil)
	if !strings.Contains(page, "Mercy Hospital") {
		t.Error("what was asked is not shown")
	}
	zone, _ := time.LoadLocation("America/New_York")
	if by := time.Now().In(zone).Format("MST") + " at the hospital"; !strings.Contains(page, by) || strings.Contains(page, "UTC at the hospital") {
		t.Error("it is not said in the hospital’s time by when to answer")
	}
	if _, page := ivy.send("GET", "/intake", nil); strings.Contains(page, "Mercy Hospital") || !strings.Contains(page, "You speak for no place yet.") {
		t.Error("another facility is shown a request, or not told why it has none")
	}
	for _, path := range []string{"/intake/" + id.String(), "/live/intake/" + id.String() + "/x"} {
		if res, _ := ivy.send("GET", path, nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d to another facility", path, res.StatusCode)
		}
	}
	for _, path := range []string{"/census", "/huddle", "/referrals", "/episodes/" + st.encounter.ID.String(), "/worklist/more", "/handover", "/operations"} {
		if res, page := ines.send("GET", path, nil); res.StatusCode != http.StatusForbidden || strings.Contains(page, "Santos") {
			t.Errorf("%s answers %d to the receiving side", path, res.StatusCode)
		}
	}
	if s.peers.askedFor(st.encounter.Patient) {
		t.Error("a name was asked for")
	}
}
