package console

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	hweb "github.com/handoff-care/handoff/pkg/web"
	"github.com/handoff-care/handoff/services/console/internal/page"
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

func TestPeopleAreAddedChangedAndToldOfNothingAnyMore(t *testing.T) {
	s := open(t)
	s.facility()
	ada := s.browse(1280, 900, false, "409")
	ada.signIn("ada")
	ada.visit("/admin/people")
	ada.says("Zoe Lind Does not work here any more")
	ada.says("On the roster of Mercy Hospital, 4N")
	ada.click("#new-person summary")
	ada.fits("the form of a person")
	js[chromedp.Void](ada, `(() => {
		const f = document.querySelector("#new-person form")
		f.elements.id.value = "nia"; f.elements.name.value = "Nia Okafor"; f.elements.email.value = "nia@example.org"
		f.querySelector("[value=liaison]").checked = true
		f.requestSubmit(f.querySelector(".main"))
	})()`)
	ada.says("Added. They can be told from the next alert on.")
	ada.says("Nia Okafor Clinical liaison Signs in as nia · nia@example.org, what is urgent or critical")
	ada.click("#new-person summary")
	js[chromedp.Void](ada, `(() => {
		const f = document.querySelector("#new-person form")
		f.elements.id.value = "nia"; f.elements.name.value = "Somebody else"
		f.requestSubmit(f.querySelector(".main"))
	})()`)
	ada.says("There is somebody with this sign-in name already.")
	ada.visit("/admin/people")
	js[chromedp.Void](ada, `(() => {
		const f = document.querySelector("#p-nia form")
		f.querySelector("[value=lead]").checked = true; f.elements.email_from.value = "critical"
		f.requestSubmit(f.querySelector(".main"))
	})()`)
	ada.says("Nia Okafor Clinical liaison, Liaison lead")
	ada.says("what is critical only")
	ada.click(`#p-dana summary[aria-label="Dana Whitfield does not work here any more"]`)
	ada.says("They stand on 1 roster.")
	ada.accessible("before somebody is told of nothing")
	ada.click(`#p-dana [value="stop"]`)
	ada.says("They are told of nothing any more.")
	ada.says("Dana Whitfield Does not work here any more")
	s.peers.mu.Lock()
	s.peers.shown.directory.rosters = []map[string]any{{"facility": "NORTH", "unit": "", "members": []any{"dana"}}}
	s.peers.mu.Unlock()
	ada.visit("/admin")
	ada.says("North General, all of it Dana Whitfield Nobody on this roster works here any more")
	ada.visit("/admin/people")
	ada.click(`#p-dana [value="again"]`)
	ada.says("They are told of things again")
	ada.visit("/admin/people?q=lead")
	ada.until(`document.querySelectorAll(".person").length === 3`)
	ada.visit("/admin/people?q=nobody+like+this")
	ada.says("Nobody has a name or a role like this.")
	s.looks("ada", "/admin/people", "people")

	dana := s.browse(390, 844, true)
	dana.signIn("dana")
	dana.visit("/admin/people")
	dana.says("What each role may do")
	dana.click(`main > section:last-of-type details:first-of-type summary`)
	dana.says("Do tasks, and write down what was asked for")
	if js[bool](dana, `!!document.querySelector("main form[method=post]")`) {
		t.Error("a liaison is offered to change people")
	}
}

func TestARuleIsChangedAndSaysWhoWouldBeTold(t *testing.T) {
	s := open(t)
	s.facility()
	ada := s.browse(1280, 900, false)
	ada.signIn("ada")
	ada.visit("/admin/told")
	ada.until(`document.querySelectorAll("#told-where optgroup").length === 2`)
	ada.set("#told-kind", "transition-opened")
	js[chromedp.Void](ada, `{ const w = document.querySelector("#told-where"); w.value = [...w.options].find((o) => o.text === "Mercy Hospital, 4N, Cardiology").value }`)
	ada.click(".ask-told .main")
	ada.says("At once: Dana Whitfield")
	ada.says("On the screen, by email")
	ada.says("Why: roster of unit 4N of Mercy Hospital")
	ada.says("Zoe Lind, on the screen: not active")
	ada.says("After 30 minutes: Every liaison lead")
	ada.says("Lea Novak, Pat Kowalski")
	ada.says("After 30 minutes more: operations are told that nobody answered")
	at := js[string](ada, `location.pathname + location.search`)
	s.looks("lea", at, "told")
	ada.set("#told-owner", "sam")
	ada.click(".ask-told .main")
	ada.says("At once: Sam Rivera")

	ada.visit("/admin")
	js[chromedp.Void](ada, `(() => {
		const f = document.querySelector("form[action='/admin/rules']")
		f.closest("details").open = true
		f.querySelectorAll("[name=target]")[1].value = "lea"
		f.querySelectorAll("[name=target]")[2].value = ""
		f.requestSubmit(f.querySelector(".main"))
	})()`)
	ada.says("The rule is saved.")
	ada.says("A patient left: follow-up is needed Your own rule The people of the unit, else Lea Novak")
	ada.accessible("rules of one's own")
	js[chromedp.Void](ada, `document.querySelector("form[action='/admin/rules'] [name=shipped]").click()`)
	ada.says("The rule is as shipped again.")
	ada.says("The people of the unit, else the people of the hospital, else every clinical liaison")
}

// Whatever a permission may be called, the page has words for it: nobody reads codes.
func TestThereAreWordsForEverythingARoleMayDo(t *testing.T) {
	want, got := hweb.Permissions(), page.Powers()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
