package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// set fills in a field, as a person does.
func (b *tab) set(selector, value string) {
	b.t.Helper()
	b.until(`document.querySelector(` + quoted(selector) + `)`)
	js[chromedp.Void](b, `{ const el = document.querySelector(`+quoted(selector)+`); el.value = `+quoted(value)+`; el.dispatchEvent(new Event("change", { bubbles: true })) }`)
}

func TestWhatWasAskedForHasATimeAndAnAnswer(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	s.told(st)
	page, tr := "/episodes/"+st.encounter.ID.String(), st.tr.ID.String()
	b, other := s.browse(1280, 1000, false, "409"), s.browse(390, 844, true, "409", "422")
	b.signIn("dana")
	b.visit(page)
	b.says("Nobody has asked for anything that has to be answered in time")
	other.signIn("sam")
	other.visit(page)
	other.says("Somebody asked for …")
	zone, _ := time.LoadLocation("America/New_York")
	ago := func(d time.Duration) string { return time.Now().Add(-d).In(zone).Format("2006-01-02T15:04") }

	b.click("#ask summary") // by keyboard: it is a summary
	b.accessible("the form of a request")
	b.fits("the form of a request")
	b.shot("request-form")
	b.set("#asked-what", "authorization-requested expedited ")
	b.set("#asked-at", ago(50*time.Hour))
	b.until(`document.querySelector("#asked-about option:nth-child(2)").text === "Home health"`)
	js[chromedp.Void](b, `document.querySelector("#asked-about").selectedIndex = 1; 0`)
	b.click("#ask .main")
	b.notes("Written down. The time to answer runs.")
	b.says("The payer’s agreement, urgent Waiting for an answer")
	b.says("written down by Dana Whitfield · for home health")
	b.says("1 request waits for an answer")
	b.until(`document.activeElement.id === "requests-h"`) // where the keyboard goes on
	if got := s.peers.toldOf(tr); got["event"] != "authorization-requested" || got["urgency"] != "expedited" || got["referral_id"] == nil {
		t.Errorf("discharge was told %v", got)
	}
	b.click("#ask-1 .runs summary")
	b.says("7 calendar days later, at the end of the day")
	b.accessible("why it is due")

	other.click("#ask summary") // he looks at how it was before
	other.set("#asked-what", "records-requested standard ")
	other.click("#ask .main")
	other.notes("Somebody wrote something down a moment before you.")
	other.says("The payer’s agreement, urgent")
	other.click("#ask-1 > .how-to summary")
	other.click(`#ask-1 button[value="information-requested"]`)
	other.notes("Written down.")
	other.says("Waiting for information")
	other.accessible("a request on a phone in the dark")
	other.click("#ask-1 > .how-to summary")
	other.fits("a request on a phone in the dark")
	other.shot("request-form-phone")

	b.visit(page)
	b.click("#ask-1 > .how-to summary")
	b.set("#at-1", ago(60*time.Hour))
	b.click(`#ask-1 button[value="authorization-decided:approved"]`)
	b.notes("This was not written down: The request was received only later.")
	b.click("#ask-1 > .how-to summary")
	b.click(`#ask-1 button[value="authorization-decided:approved"]`)
	b.says("The payer’s agreement, urgent Approved")
	b.says("Answered in time")
	b.says("Nothing waits for an answer.")
	b.click("#ask-1 .take-back button") // Was a mistake: “Approved”
	b.notes("Taken back.")
	b.says("The payer’s agreement, urgent Waiting for information")

	b.click("#ask summary")
	b.set("#asked-what", "grievance-received standard hospital")
	b.set("#asked-at", ago(300*time.Hour))
	b.set("#asked-answer", "grievance-resolved:answered-in-writing")
	b.set("#asked-answered", ago(20*time.Hour))
	b.click("#ask .main")
	b.notes("Written down, with its answer.")
	b.says("A complaint about the hospital Answered in writing")
	b.says("Answered too late")
	b.click("#ask summary")
	b.set("#asked-what", "records-requested standard ")
	b.set("#asked-at", ago(400*time.Hour))
	b.click("#ask .main")
	b.says("Not answered in time")
	s.looks("dana", page, "requests")

	ada := s.browse(1280, 900, false) // may see it, and not change it
	ada.signIn("pat")
	ada.visit(page)
	ada.says("A complaint about the hospital")
}

// Whoever looks at the same stay sees it at once, and loses nothing of what they are writing.
func TestARequestIsSeenByWhoeverLooksOn(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	page, now := "/episodes/"+st.encounter.ID.String(), time.Now()
	b, other := s.browse(1280, 1000, false), s.browse(1280, 1000, false)
	b.signIn("dana")
	b.visit(page)
	other.signIn("sam")
	other.visit(page)
	other.until(`document.querySelector("#live").dataset.state === "on"`)
	other.click("#ask summary")
	other.set("#asked-what", "records-requested standard ")

	b.click("#ask summary")
	b.set("#asked-what", "authorization-requested expedited ")
	b.click("#ask .main")
	b.notes("Written down. The time to answer runs.")
	asked := events.Request{
		Encounter: st.encounter.ID, Transition: st.tr.ID, Patient: st.encounter.Patient, Facility: "MERCY", N: 1, Urgency: "expedited", Version: 1,
		Said: []events.RequestWord{{Event: "authorization-requested", At: now, By: "dana"}},
	}
	s.tell(store.Discharge, events.RequestReceived{Asked: events.Asked{Request: asked}})
	other.says("The payer’s agreement, urgent Waiting for an answer")
	other.says("1 request waits for an answer")
	other.says("The payer’s agreement was asked for urgent, by Dana Whitfield")
	other.until(`document.querySelector("#ask").open && document.querySelector("#asked-what").value === "records-requested standard "`)
	other.accessible("a request that somebody else wrote down")
	other.click("#ask .main") // it is the list as it is now that he decides on
	other.notes("Written down. The time to answer runs.")
	other.says("2 requests wait for an answer")

	s.peers.undo(st.tr.ID.String(), 1)
	s.tell(store.Discharge, events.RequestCorrected{Asked: events.Asked{Request: asked}, Undone: asked.Said[0], By: "dana"})
	other.says("Was a mistake: “The payer’s agreement was asked for”")
	other.says("1 request waits for an answer")
}

// Without scripts it is done too, and what makes no sense is refused in words.
func TestARequestThatMakesNoSenseIsRefused(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	page := "/episodes/" + st.encounter.ID.String()
	c := s.client()
	c.signIn("dana")
	for words, form := range map[string]url.Values{
		"Choose what was asked for.":           {"version": {"0"}},
		"This time is still to come.":          {"version": {"0"}, "what": {"records-requested standard "}, "at": {"2100-01-01T10:00"}},
		"This is not a time":                   {"version": {"0"}, "what": {"records-requested standard "}, "at": {"yesterday"}},
		"say when it was asked for, what the":  {"version": {"0"}, "what": {"records-requested standard "}, "answer": {"records-provided:provided"}},
		"This is no answer to what was asked":  {"version": {"0"}, "what": {"records-requested standard "}, "at": {"2026-11-01T10:00"}, "answer": {"appeal-decided:upheld"}, "answered": {"2026-11-02T10:00"}},
		"Somebody wrote something down a mome": {"version": {"7"}, "what": {"records-requested standard "}},
	} {
		res, body := c.send("POST", page+"/requests", form)
		if res.StatusCode < 400 || !strings.Contains(body, words) {
			t.Errorf("%v: %d, and the page does not say %q", form, res.StatusCode, words)
		}
	}
	res, body := c.send("POST", page+"/requests", url.Values{"version": {"0"}, "what": {"records-requested standard "}})
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "Waiting for an answer") {
		t.Errorf("%d", res.StatusCode)
	}
	for _, said := range []string{"", "authorization-requested", "party"} {
		if res, body := c.send("POST", page+"/requests/1", url.Values{"version": {"1"}, "said": {said}}); res.StatusCode != 422 || !strings.Contains(body, "Say what happened.") {
			t.Errorf("%q: %d", said, res.StatusCode)
		}
	}
}
