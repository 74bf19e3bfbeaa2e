package console

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestRulesAreChangedLookedAtPutInForceAndTakenBack(t *testing.T) {
	s := open(t)
	s.facility()
	s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	lea := s.browse(1280, 900, false, "409 (Conflict)", "422", "412")
	lea.signIn("lea")
	lea.visit("/protocols")
	lea.click(`main a[href="/rules"]`)
	lea.says("In force now: As shipped")
	lea.says("1 pack is in force")
	lea.click(`.packs details:last-of-type summary`)
	lea.says("What begins on 2026-10-13 14:02 Home-health start of care within 48 hours: due 2026-10-15 14:02")
	lea.accessible("the packs")
	lea.click(`main a[href="/rules/shipped"]`)
	lea.says("No mistake was found. 63 examples were computed, and all are true.")
	lea.says("Different from what is in force Nothing.")
	lea.visit("/rules/shipped?file=packs%2Fhome-health.yaml")

	change := func(old, text string) {
		t.Helper()
		lea.until(`document.querySelector("#text")`)
		js[chromedp.Void](lea, `(() => { const f = document.querySelector("#text"); f.closest("details").open = true; f.value = f.value.replace(`+quoted(old)+`, `+quoted(text)+`); f.form.requestSubmit() })()`)
	}
	change("hours: 48", "hours: two")
	lea.says("1 mistake: it cannot be used like this")
	lea.until(`document.querySelector("#line-4 .wrong").innerText.includes("into int")`)
	lea.accessible("a mistake in a rule")
	lea.fits("a mistake in a rule")
	change("hours: two", "hours: 24")
	lea.says("24 hours instead of 48 hours")
	lea.says("called “Home-health start of care within a day”, before “Home-health start of care within 48 hours”")
	js[chromedp.Void](lea, `document.querySelector("#title").value = "A day, as agreed"; 0`)
	lea.click(`button[formaction$="/keep"]`)
	lea.says("Set 1: A day, as agreed")

	put := `form[action$="/activate"]:not([data-closes])`
	lea.until(`document.querySelector(` + quoted(put) + `)?._htmx?.initialized`)
	js[chromedp.Void](lea, `document.querySelector("#reason").value = "agreed with the agencies"; 0`)
	lea.click(put + ` .main`)
	lea.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("Put these rules in force?") && document.querySelector("#sheet").innerText.includes("times are counted by “Set 1: A day, as agreed”")`)
	lea.accessible("the question")
	lea.shot("rules-question")
	lea.click(`#sheet form[data-closes] .main`)
	lea.notes("Nobody has looked at what these rules would change.")
	lea.click(`form[action$="/preview"] .main`)
	lea.says("Clocks: 0 more, 1 fewer, 6 due at another time. No stays with another score of risk.")
	lea.says("Home-health start of care within a day: 3 open clocks and 4 open tasks run by version 2018.1, and keep it.")
	lea.says("Maria Santos")
	lea.accessible("a preview of rules")
	lea.shot("rules-preview")
	lea.click(put + ` .main`)
	lea.until(`document.querySelector("#sheet").open`)
	lea.click(`#sheet form[data-closes] .main`)
	lea.says("In force now: Set 1: A day, as agreed")
	lea.says("put in force by Lea Novak: agreed with the agencies")
	lea.says("Not as shipped")
	s.looks("lea", "/rules", "rules")
	s.looks("lea", "/rules/shipped?file=packs%2Fhome-health.yaml", "ruleset")

	js[chromedp.Void](lea, `document.querySelector("#back-reason").closest("details").open = true; document.querySelector("#back-reason").value = "the agencies cannot"; 0`)
	lea.click(`form[action="/rules/rollback"] button`)
	lea.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("times are counted by “As shipped” again")`)
	lea.click(`#sheet form[data-closes] .main`)
	lea.says("In force now: As shipped")
	lea.says("Lea Novak went back to: As shipped")

	olu := s.browse(390, 844, true)
	olu.signIn("olu")
	olu.visit("/rules/shipped")
	olu.says("What would it change?")
	if js[bool](olu, `!!document.querySelector("form[action$='/activate'], form[action$='/rollback'], button[formaction$='/keep']")`) {
		t.Error("operations are offered to put rules in force")
	}
}
