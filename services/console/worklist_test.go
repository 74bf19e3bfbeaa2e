package console

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func TestADischargedPatientAppearsWithoutReload(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	b.do(chromedp.WaitVisible(chromedp.CSS(".empty")))
	b.shot("worklist-empty")
	js[chromedp.Void](b, `window.mark = 1`)
	s.discharge("Maria Santos", false, map[string]time.Duration{"Call the patient or caregiver": 90 * time.Minute, "Reconcile the medicines": 6 * 24 * time.Hour})
	b.until(`document.querySelectorAll("#rows > .row").length === 2 && document.querySelector("#rows").innerText.includes("Maria Santos")`)
	b.until(`window.mark === 1 && document.querySelector("#rows > .row h2").innerText === "Call the patient or caregiver"`)
	b.shot("worklist-live")
}
