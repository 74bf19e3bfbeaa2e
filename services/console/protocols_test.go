package console

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/handoff-care/handoff/pkg/events"
)

func TestAProtocolIsChangedLookedAtPutInForceAndTakenBack(t *testing.T) {
	s := open(t)
	s.facility()
	s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	lea := s.browse(1280, 900, false, "409 (Conflict)")
	lea.signIn("lea")
	lea.visit("/protocols")
	lea.says("In force now: As shipped")
	lea.click(`main a[href="/protocols/shipped"]`)
	lea.says("2 of 2 tests pass")
	lea.says("No test looks at snf@2026.1.")

	change := func(old, text string) {
		t.Helper()
		lea.until(`document.querySelector("#text")`)
		js[chromedp.Void](lea, `(() => { const f = document.querySelector("#text"); f.closest("details").open = true; f.value = f.value.replace(`+quoted(old)+`, `+quoted(text)+`); f.form.requestSubmit() })()`)
	}
	change("kind: base", "kind: basis")
	lea.says("1 mistake: it cannot be used like this")
	lea.until(`document.querySelector("#line-4 .wrong").innerText.includes("kind \"basis\" is none of base")`)
	lea.accessible("a mistake in a protocol")
	lea.shot("protocol-wrong")
	change("kind: basis", "kind: base # the same")
	lea.says("No mistake was found.")
	lea.until(`document.querySelector("#title")`)
	js[chromedp.Void](lea, `document.querySelector("#title").value = "A second call"; 0`)
	lea.click(`button[formaction$="/keep"]`)
	lea.says("Set 1: A second call")

	js[chromedp.Void](lea, `document.querySelector("#reason").value = "asked for by the ward"; 0`)
	lea.click(`form[action$="/activate"] .main`)
	lea.notes("Nobody has looked at what this set would do.")
	js[chromedp.Void](lea, `document.querySelector("form[data-preview]").scrollIntoView({ block: "center" })`) // from under the page's head
	lea.click(`form[data-preview] button`)
	lea.says("40 discharges, 7 would have other tasks. Tasks: 120 today, 127 then.")
	lea.says("0.7 more")
	lea.says("Maria Santos")
	lea.says("would get “Second call”")
	lea.accessible("a preview")
	lea.shot("protocol-preview")
	js[chromedp.Void](lea, `document.querySelector("#reason").value = "to see what comes of it"; 0`)
	lea.click(`button[formaction="/protocols/shadow"]`)
	lea.says("Being tried: Set 1: A second call")
	lea.says("12 stays")
	lea.click(`main a[href^="/protocols/"][href*="-"]`)
	lea.until(`document.querySelector("#reason")`)
	js[chromedp.Void](lea, `document.querySelector("#reason").value = "asked for by the ward"; 0`)
	lea.click(`form[action$="/activate"] .main`)
	lea.says("In force now: Set 1: A second call")
	lea.says("Lea Novak put in force, everywhere: Set 1: A second call")
	s.looks("lea", "/protocols", "protocols")
	s.looks("lea", "/protocols/shipped", "protocol")
	js[chromedp.Void](lea, `document.querySelector("#back-reason").closest("details").open = true; document.querySelector("#back-reason").value = "too many calls"; 0`)
	lea.click(`form[action="/protocols/rollback"] button`)
	lea.says("In force now: As shipped")
	lea.says("too many calls")
}

func TestADecisionThatIsSentAgainIsMadeOnce(t *testing.T) {
	s := open(t)
	lea := s.client()
	lea.signIn("lea")
	lea.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for path, version := range map[string]string{"/protocols/rollback": "1", "/rules/rollback": "0"} {
		form, key := url.Values{"version": {version}, "reason": {"too many calls"}, "sure": {"true"}}, events.NewID().String()
		for range 2 {
			if res, said := lea.send("POST", path, form, "Idempotency-Key", key); res.StatusCode != http.StatusSeeOther {
				t.Errorf("%s answers %d: %s", path, res.StatusCode, said)
			}
		}
		if res, _ := lea.send("POST", path, form); res.StatusCode != http.StatusPreconditionFailed {
			t.Errorf("%s is decided again, on a book that somebody decided on since: %d", path, res.StatusCode)
		}
	}
	if len(s.peers.shown.acts) != 1 || len(s.peers.shown.rules.acts) != 1 {
		t.Errorf("decided: %v %v", s.peers.shown.acts, s.peers.shown.rules.acts)
	}
}
