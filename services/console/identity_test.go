package console

import (
	"testing"

	"github.com/handoff-care/handoff/pkg/events"
)

func TestTwoRecordsAreSaidToBeOnePersonAndThatIsTakenBack(t *testing.T) {
	s := open(t)
	s.facility()
	lea := s.browse(1280, 900, false)
	lea.signIn("lea")
	lea.visit("/identity")
	row := "#p-" + events.Derive("pair", "one").String()
	lea.says("Maria Santos and Marie Santos")
	lea.says("Of 100 such pairs about 90 are one person.")
	lea.says("From 4.5 on two are linked without asking; below 0.0 nobody is asked.")
	lea.says("Look closely: given names differ.")
	lea.says("Speaks strongly for one person")
	lea.says("Mercy Hospital: 1 stay, no open tasks, no open alerts.")
	lea.says("Confidential patient and Patient") // of such a pair neither is named
	s.looks("lea", "/identity", "identity")
	lea.cursor()
	lea.press("?")
	lea.until(sheet + `("never ask again")`)
	lea.click("#sheet .close button")
	lea.until(`!document.querySelector("#sheet").open && document.activeElement.closest("` + row + `")`) // the keyboard is where it was
	lea.press("y")
	lea.notes("They are one person now.")
	lea.until(`document.querySelector("` + row + `").innerText.includes("Undo this decision")`)
	lea.press("u")
	lea.notes("Taken back: They are one person now.")
	lea.until(`document.querySelector("` + row + ` [data-key=n]")`)

	other := s.browse(1280, 900, true, "409 (Conflict)")
	other.signIn("ivo")
	other.visit("/identity")
	other.says("Maria Santos and Marie Santos")
	lea.click(row + ` [data-key=n]`)
	lea.notes("They are not the same, and nobody is asked again.")
	other.click(row + ` [data-key=y]`)
	other.notes("Somebody has decided on this pair since you looked")
	other.says("Lea Novak said: not the same")
	lea.visit("/identity?show=rejected")
	lea.says("Maria Santos and Marie Santos")
	lea.click(row + " .decide button")
	lea.notes("The decision is taken back.")

	dana := s.browse(390, 844, false)
	dana.signIn("dana")
	dana.visit("/identity")
	dana.says("Maria Santos and Marie Santos")
	if js[bool](dana, `!!document.querySelector(".decide")`) {
		t.Error("a liaison is offered to decide")
	}
}
