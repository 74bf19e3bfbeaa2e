package console

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/handoff-care/handoff/pkg/events"
)

func TestTheListIsShownChosenFromAndAskedInWaves(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 1000, false)
	b.signIn("dana")
	st := s.dischargeTo(other{"03", "high", "4N"}, "Maria Santos", map[string]time.Duration{call: 90 * time.Minute})
	r := s.refer(st)
	path := "/referrals/" + r.ID.String()
	s.looks("dana", path+"/choices", "choices")
	b.visit(path + "/choices?lang=es")
	b.says("Su elección de atención después del hospital")
	b.says("4.5 de 5 estrellas")
	b.says("El orden no es una recomendación")
	b.accessible("the list in Spanish")
	b.visit(path + "/choices?lang=en")
	b.says("Your choice of care after the hospital")
	b.says("For Maria Santos")
	b.says("Takes your insurance")
	b.says("14 Maple Lane, Chicago, IL")
	if n := js[int](b, `document.querySelectorAll(".offered > li").length`); n != 2 {
		t.Errorf("%d places to choose from", n)
	}

	b.visit(path)
	b.live()
	b.says("Nothing is written down yet")
	b.says("81 years, woman") // what those who are asked see
	b.says("The payer’s agreement")
	b.says("Answer to an urgent request")
	b.click("#choose summary")
	b.until(`document.querySelector("#choose form")._htmx?.initialized`)
	js[chromedp.Void](b, `document.querySelector("#by-to").value = "patient"; document.querySelector("#choose input[value='`+events.Derive("river").String()+`']").checked = true; 0`)
	b.click("#choose form button")
	b.notes("The choice is written down.")
	b.says("Said by the patient, written down by Dana Whitfield")
	s.looks("sam", path, "referral-plan")

	for _, id := range []string{"maple", "river"} {
		b.click("#c-" + events.Derive(id).String() + " input")
	}
	js[chromedp.Void](b, `document.querySelector("#by-size").value = "1"; document.querySelector("#by-hours").value = "4"; 0`)
	b.click(`form[action$="/send"] button`)
	b.notes("Asked. The answers show here.")
	b.says("Asked next Riverside")
	b.says("answer by")
	s.peers.mu.Lock()
	sent := s.peers.shown.sent
	s.peers.mu.Unlock()
	if sent["wave_size"] != 1.0 || sent["hours"] != 4.0 || len(sent["providers"].([]any)) != 2 {
		t.Errorf("referral was told %v", sent)
	}

	s.peers.wonders("maple", "Which weight?")
	b.says("Which weight?") // pushed
	b.until(`document.querySelector("form[action$='/reply']")._htmx?.initialized`)
	js[chromedp.Void](b, `document.querySelector("form[action$='/reply'] textarea").value = "82 kg."; 0`)
	b.click(`form[action$="/reply"] button`)
	b.notes("Answered. They see it now.")
	b.says("82 kg.")
	s.looks("lea", path, "referral-waves")
	s.looks("sam", "/referrals", "referrals-waves")
	s.peers.mu.Lock()
	defer s.peers.mu.Unlock()
	if got := strings.Join(s.peers.shown.deeds, " "); !slices.Equal(s.peers.shown.deeds, []string{"choose", "send", "reply"}) {
		t.Errorf("referral was told %s", got)
	}
}
