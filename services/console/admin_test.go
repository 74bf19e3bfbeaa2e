package console

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestWhoAnswersForWhatIsShownAndChanged(t *testing.T) {
	s := open(t)
	s.facility()
	ada := s.browse(1280, 900, false)
	ada.signIn("ada")
	ada.visit("/admin")
	ada.says("Mercy Hospital, 4N")
	ada.says("Dana Whitfield, every clinical liaison")
	ada.says("After 30 minutes: Every liaison lead")
	ada.says("Zoe Lind")
	ada.says("Not any more")
	s.looks("ada", "/admin", "admin")

	js[chromedp.Void](ada, `(() => {
		const f = [...document.querySelectorAll("form[action='/admin/rosters']")].at(-1)
		f.closest("details").open = true
		f.facility.value = "NORTH"
		f.querySelector("[value=lea]").checked = true
		f.requestSubmit(f.querySelector(".main"))
	})()`)
	ada.says("The roster is saved.")
	ada.says("North General, all of it Lea Novak")
	js[chromedp.Void](ada, `(() => {
		const f = document.querySelector("form[action='/admin/policies']")
		f.closest("details").open = true
		f.querySelectorAll("[name=after]")[1].value = "20m0s"
		f.querySelectorAll("[name=target]")[1].value = "role:operations"
		f.requestSubmit()
	})()`)
	ada.says("After 20 minutes: Everybody in operations")
	ada.accessible("administration after a change")

	dana := s.browse(390, 844, true)
	dana.signIn("dana")
	dana.visit("/admin")
	dana.says("Mercy Hospital, 4N")
	if js[bool](dana, `!!document.querySelector("main form")`) {
		t.Error("a liaison is offered to change who answers for what")
	}
}
