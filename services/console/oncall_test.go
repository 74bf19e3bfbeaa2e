package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestWhoIsOnCallIsSeenAndChanged(t *testing.T) {
	s := open(t)
	s.facility()
	ada, late := s.browse(1280, 900, false), s.browse(1280, 900, false, "412")
	ada.signIn("ada")
	ada.visit("/admin/oncall")
	ada.says("Mercy Hospital, 4N Told at any time: Dana Whitfield, every clinical liaison")
	late.signIn("ada")
	late.visit("/admin/oncall")
	late.says("Put somebody on call")

	ada.click(`summary[aria-label="Put somebody on call, Mercy Hospital, 4N"]`)
	ada.accessible("putting somebody on call")
	ada.fits("putting somebody on call")
	ada.shot("oncall-form")
	js[chromedp.Void](ada, `(() => {
		const f = document.querySelector(".call form[action='/admin/oncall']")
		f.querySelector("[name=member][value=sam]").checked = true
		for (const d of ["mon", "tue", "wed", "thu", "fri"]) f.querySelector("[name=day][value=" + d + "]").checked = true
		f.requestSubmit(f.querySelector("[value=weekly]"))
	})()`)
	ada.says("Saved. Whoever is on call is told")
	ada.says("On call now: Sam Rivera until")
	ada.says("7:00 AM")
	ada.says("Besides, at any time: Dana Whitfield, every clinical liaison")
	ada.says("Nobody on call")
	ada.says("7:00 AM on") // as far as anybody looks ahead
	ada.says("Alerts go to the next line of their rule then.")
	ada.click(`summary[aria-label="1 shift, Mercy Hospital, 4N"]`)
	ada.says("Monday, Tuesday, Wednesday, Thursday, Friday, 7:00 PM to 7:00 AM on the next day")

	js[chromedp.Void](late, `(() => {
		const f = document.querySelector(".call form[action='/admin/oncall']")
		f.closest("details").open = true
		f.querySelector("[name=member][value=lea]").checked = true
		f.querySelector("[name=day][value=sun]").checked = true
		f.requestSubmit(f.querySelector("[value=weekly]"))
	})()`)
	late.says("Somebody changed these shifts while you were looking.")

	zone, _ := time.LoadLocation("America/New_York")
	in := func(d time.Duration) string { return time.Now().Add(d).In(zone).Format("2006-01-02T15:04") }
	js[chromedp.Void](ada, `(() => {
		const f = [...document.querySelectorAll(".call form[action='/admin/oncall']")].at(-1)
		f.closest("details").open = true
		f.querySelector("[name=member][value=lea]").checked = true
		f.elements.from.value = "`+in(-time.Hour)+`"; f.elements.until.value = "`+in(10*time.Hour)+`"
		f.requestSubmit(f.querySelector("[value=dated]"))
	})()`)
	ada.says("On call now: Lea Novak")
	ada.click(`summary[aria-label="2 shifts, Mercy Hospital, 4N"]`)
	ada.says("In place of the weekly ones")
	ada.accessible("the shifts")
	ada.shot("oncall-shifts")
	ada.visit("/admin")
	ada.says("On call now: Lea Novak")
	js[chromedp.Void](ada, `(() => { // who answers at any time is changed, who is on call stays
		const f = document.querySelector("form[action='/admin/rosters']")
		f.closest("details").open = true
		for (const m of f.querySelectorAll("[name=member]")) m.checked = false
		f.requestSubmit(f.querySelector(".main"))
	})()`)
	ada.says("The roster is saved.")
	ada.visit("/admin/oncall")
	ada.says("On call now: Lea Novak")
	s.looks("ada", "/admin/oncall", "oncall")
	ada.click(`summary[aria-label="2 shifts, Mercy Hospital, 4N"]`)
	ada.click(`.shifts li:last-child button`)
	ada.says("The shift is taken away.")
	ada.says("On call now: Sam Rivera")

	dana := s.browse(390, 844, true)
	dana.signIn("dana")
	dana.visit("/handover")
	dana.click(`main a[href="/admin/oncall"]`)
	dana.says("On call now: Sam Rivera")
	dana.click(`summary[aria-label="The next 7 days, Mercy Hospital, 4N"]`)
	dana.says("Nobody")
	if js[bool](dana, `!!document.querySelector("main form[method=post]")`) {
		t.Error("a liaison is offered to change who is on call")
	}
	dana.accessible("on call on a phone in the dark")
	dana.fits("on call on a phone in the dark")
}

func TestAShiftThatMakesNoSenseIsRefused(t *testing.T) {
	s := open(t)
	s.facility()
	c := s.client()
	c.signIn("ada")
	for words, form := range map[string]url.Values{
		"Say which hospital.":                {"do": {"weekly"}},
		"Choose at least one person or role": {"facility": {"MERCY"}, "do": {"weekly"}, "day": {"mon"}},
		"Choose the days of the week":        {"facility": {"MERCY"}, "do": {"weekly"}, "member": {"sam"}, "start": {"07:00"}, "end": {"19:00"}},
		"Say from when until when.":          {"facility": {"MERCY"}, "do": {"dated"}, "member": {"sam"}, "from": {"2100-01-01T07:00"}},
		"It ends before it begins.":          {"facility": {"MERCY"}, "do": {"dated"}, "member": {"sam"}, "from": {"2100-01-01T07:00"}, "until": {"2100-01-01T06:00"}},
		"That is over already.":              {"facility": {"MERCY"}, "do": {"dated"}, "member": {"sam"}, "from": {"2020-01-01T07:00"}, "until": {"2020-01-01T16:00"}},
		"This shift is not there any more.":  {"facility": {"MERCY"}, "unit": {"4N"}, "do": {"remove"}, "n": {"3"}},
	} {
		res, body := c.send("POST", "/admin/oncall", form)
		if res.StatusCode < 400 || !strings.Contains(body, words) {
			t.Errorf("%v: %d, and the page does not say %q", form, res.StatusCode, words)
		}
	}
	res, body := c.send("POST", "/admin/oncall", url.Values{"facility": {"NORTH"}, "do": {"weekly"}, "member": {"sam"}, "day": {"mon", "tue"}, "start": {"07:00"}, "end": {"19:00"}})
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "North General, all of it") {
		t.Errorf("a roster of its own: %d", res.StatusCode)
	}
}

// Only notification knows where this hospital is: somebody said so with its roster.
func TestAShiftBeginsInTheZoneThatItsRosterShows(t *testing.T) {
	s := open(t)
	c := s.client()
	c.signIn("ada")
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.send("POST", "/admin/oncall", url.Values{"facility": {"MERCY"}, "unit": {"4N"}, "do": {"dated"}, "member": {"sam"}, "from": {"2100-01-01T19:00"}, "until": {"2100-01-02T07:00"}})
	sent := s.peers.shown.directory.rosters[0]
	if from := sent["shifts"].([]any)[0].(map[string]any)["from"]; from != "2100-01-01T19:00:00-05:00" || sent["zone"] != "America/New_York" {
		t.Errorf("at seven in New York: from %v, in the zone %v", from, sent["zone"])
	}
}
