package console

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// listed waits until a row is there, or gone.
func (b *tab) listed(row string, there bool) {
	b.t.Helper()
	not := map[bool]string{true: "", false: "!"}[there]
	b.until(not + `document.querySelector("` + row + `")`)
}

// cursor puts the keyboard on the first row of a list, and presses the key again where nothing came of it.
func (b *tab) cursor() {
	b.t.Helper()
	for began := time.Now(); ; {
		b.press("j")
		if js[bool](b, `new Promise((done) => {
			let looks = 50
			const look = () => document.activeElement?.closest(".rows > .row") ? done(true) : looks-- ? setTimeout(look, 20) : done(false)
			look()
		})`) {
			return
		}
		if time.Since(began) > patience {
			b.stuck("no row has the keyboard")
		}
	}
}

const sheet = `document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes`

func TestAnAlertIsHandedOverByKeyboardAndTakenBack(t *testing.T) {
	s := open(t)
	s.facility()
	dana, sam := s.browse(1280, 900, false), s.browse(390, 844, true)
	dana.signIn("dana")
	sam.signIn("sam")
	sam.visit("/alerts")
	sam.live()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	a := s.alert(st, "urgent", "dana")
	row := "#a-" + a.ID.String()
	dana.visit("/alerts")
	dana.live()
	dana.listed(row, true)
	dana.cursor()
	dana.press("?")
	dana.until(sheet + `("Mute for myself")`)
	dana.do(chromedp.KeyEvent("\u001b"))
	dana.until(`!document.querySelector("#sheet").open`)
	dana.cursor()
	dana.press("h")
	dana.until(sheet + `("To whom?")`)
	dana.accessible("handing an alert over")
	dana.shot("alert-hand-over")
	if js[bool](dana, `document.querySelector("#sheet").innerText.includes("Zoe Lind")`) {
		t.Error("an alert can be handed to somebody who has left")
	}
	dana.click(`#sheet button[value="sam"]`)
	dana.notes("Handed over. They are told now.")
	dana.listed(row, false)
	sam.listed(row, true) // pushed
	sam.says("From Dana Whitfield: my shift ends")
	sam.says("Handed over, not yet taken on")
	sam.shot("alert-handed-phone-dark")
	dana.press("u")
	dana.notes("Taken back: Handed over")
	dana.listed(row, true)
	sam.listed(row, false) // pushed
}

func TestAMutedAlertIsSeenAmongWhatIsMutedAndHeardAgain(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	a := s.alert(st, "urgent", "role:liaison")
	row := "#a-" + a.ID.String()
	dana, sam := s.browse(1280, 900, false), s.browse(1280, 900, false)
	dana.signIn("dana")
	sam.signIn("sam")
	dana.visit("/alerts")
	dana.live()
	dana.cursor()
	dana.press("m")
	dana.until(sheet + `("Only you are left alone")`)
	dana.accessible("muting an alert")
	dana.shot("alert-mute")
	dana.click(`#sheet button[value="kind shift"]`)
	dana.notes("Muted for you. Others are told as before.")
	dana.listed(row, false)
	dana.says("You have muted 1 thing.")
	sam.visit("/alerts")
	sam.listed(row, true)
	dana.visit("/alerts?show=muted")
	dana.live()
	dana.listed(row, true)
	dana.says("Every alert like “A patient left: follow-up is needed” until")
	s.looks("dana", "/alerts?show=muted", "alerts-muted")
	dana.click(".mutes button")
	dana.notes("You hear of it again.")
	dana.says("Nothing is muted.")
	dana.visit("/alerts")
	dana.listed(row, true)
}
