package console

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

const (
	call      = "Call the patient or caregiver"
	medicines = "Reconcile the medicines"
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
	s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute, medicines: 6 * 24 * time.Hour})
	b.until(`document.querySelectorAll("#rows > .row").length === 2 && document.querySelector("#rows").innerText.includes("Maria Santos")`)
	b.until(`window.mark === 1 && document.querySelector("#rows > .row h2").innerText === "Call the patient or caregiver"`)
	b.until(`document.querySelector("#filters").innerText.replace(/\s+/g, " ").includes("All 2")`) // the counts follow
	s.discharge("Joseph Obi", false, map[string]time.Duration{call: -3 * time.Hour})
	b.until(`document.querySelector("#rows > .row").innerText.includes("Joseph Obi")`) // the most urgent is first
	b.shot("worklist-live")
}

func TestOfTwoWhoClaimOneWinsAndTheOtherIsToldByWhom(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	row := "#t-" + st.tasks[0].ID.String()
	dana, sam := s.browse(1280, 900, false), s.browse(1280, 900, true, "409 (Conflict)")
	dana.signIn("dana")
	sam.signIn("sam")
	dana.live()
	sam.live()
	s.peers.hold() // what follows from the claim is not heard yet: both see the task unclaimed
	dana.click(row + " .acts .main")
	dana.until(`document.querySelector("` + row + ` .owner").innerText === "Yours"`)
	sam.click(row + " .acts .main")
	sam.until(`document.querySelector("#toasts").innerText.includes("Dana Whitfield took this a moment before you")`)
	sam.until(`document.querySelector("` + row + ` .owner").innerText === "With Dana Whitfield"`)
	sam.shot("claim-lost-dark")
	s.peers.release()
	dana.click("#toasts .undo")
	dana.until(`document.querySelector("` + row + ` .owner").innerText === "Unclaimed"`)
	sam.until(`document.querySelector("` + row + ` .owner").innerText === "Unclaimed"`) // pushed
}

func TestATaskIsDoneWithItsOutcomeAndOpenedAgain(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	row := "#t-" + st.tasks[0].ID.String()
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	b.click(row + " .acts .main") // its undo must not be what is offered after the task is done
	b.until(`document.querySelector("` + row + ` .owner").innerText === "Yours"`)
	b.click(row + ` [data-key="d"]`)
	b.do(chromedp.WaitVisible(chromedp.CSS("#sheet .outcomes")))
	b.accessible("the outcome dialog")
	b.shot("done-sheet")
	b.click(`#sheet button[value="no-answer"]`)
	b.until(`document.querySelector("` + row + `").innerText.includes("1 attempt") && !document.querySelector("#sheet").open`)
	b.click(row + ` [data-key="d"]`)
	b.click(`#sheet button[value="reached"]`)
	b.until(`!document.querySelector("` + row + `") && document.querySelector("#toasts .undo")`)
	if got := s.peers.task(st.tasks[0].ID); got.State != "completed" || got.Outcome != "reached" {
		t.Errorf("discharge was told %s with outcome %q", got.State, got.Outcome)
	}
	b.shot("done-toast")
	b.click("#toasts .undo")
	b.until(`document.querySelector("` + row + `")`)
	b.visit("/?view=done")
	b.live()
	b.do(chromedp.WaitVisible(chromedp.CSS(".empty")))
	b.visit("/?view=mine")
	b.until(`document.querySelector("` + row + ` .owner").innerText === "Yours"`)
}

func TestAPushDoesNotOpenTheDialogThatIsClosing(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	b.click("#t-" + st.tasks[0].ID.String() + ` [data-key="d"]`)
	b.until(`document.querySelector("#sheet").open`)
	js[chromedp.Void](b, `document.querySelector("#sheet").addEventListener("close", () => window.gone = true)
		document.querySelector("#sheet").close() // its close event comes later than what follows
		document.dispatchEvent(new CustomEvent("htmx:after:swap"))`)
	b.until(`window.gone && !document.querySelector("#sheet").open && !document.querySelector("#sheet-body").firstElementChild`)
}

func TestAnOlderPushDoesNotTakeBackANewerAnswer(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	row := "#t-" + st.tasks[0].ID.String()
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	js[chromedp.Void](b, `window.before = document.querySelector("`+row+`").outerHTML`)
	b.click(row + " .acts .main")
	b.until(`document.querySelector("` + row + ` .owner").innerText === "Yours"`)
	text := js[string](b, `htmx.swap({ sourceElement: document.body, swap: "none", text:
		'<hx-partial hx-target="`+row+`" hx-swap="outerMorph">' + window.before + '</hx-partial>' }).then(() => document.querySelector("`+row+` .owner").innerText)`)
	if text != "Yours" {
		t.Errorf("what was pushed late says %q", text)
	}
}

func TestAPushLeavesTheKeyboardWhereItIs(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute, medicines: 3 * time.Hour})
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	b.walk()
	b.until(`document.querySelector("#rows > .row").contains(document.activeElement)`)
	b.do(chromedp.KeyEvent("c")) // claims the row that has the cursor
	b.until(`document.querySelector("#rows > .row .owner").innerText === "Yours"`)
	b.until(`document.querySelector("#filters").innerText.replace(/\s+/g, " ").includes("Mine 1")`)
	at := `document.activeElement.closest(".row")?.id`
	before := js[string](b, at)
	for _, task := range st.tasks { // somebody else's work on both rows
		now := s.peers.task(task.ID)
		now.Attempts, now.Version = 3, now.Version+1
		s.tell(store.Discharge, events.TaskAttempted{Work: events.Work{Task: now, By: "sam"}})
	}
	s.discharge("Joseph Obi", false, map[string]time.Duration{call: time.Minute})
	b.until(`document.querySelector("#rows").innerText.match(/3 attempts/g)?.length === 2 && document.querySelector("#rows > .row").innerText.includes("Joseph Obi")`)
	if after := js[string](b, at); before == "" || after != before {
		t.Errorf("the keyboard was in %s and is in %s", before, after)
	}
}

func TestABrokenStreamComesBackAndShowsWhatItMissed(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 900, false, "ERR_INCOMPLETE_CHUNKED_ENCODING")
	b.signIn("dana")
	b.live()
	js[chromedp.Void](b, `window.mark = 1; document.addEventListener("htmx:sse:before:connection", () => window.again = 1)`)
	s.server.CloseClientConnections()
	s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	b.until(`window.again && window.mark && document.querySelector("#rows").innerText.includes("Maria Santos")`)
	b.live()
}

func TestWhoeverIsAwayIsWarnedAndSignedOut(t *testing.T) {
	s := open(t)
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	js[chromedp.Void](b, `window.now = Date.now; Date.now = () => now.call(Date) + 13.5 * 60e3`)
	b.until(`document.querySelector("#idle").open`)
	b.accessible("the warning before sign-out")
	b.shot("idle-warning")
	b.click("#idle-stay")
	b.until(`!document.querySelector("#idle").open`)
	js[chromedp.Void](b, `Date.now = () => now.call(Date) + 30 * 60e3`)
	b.until(`location.pathname === "/login" && document.body.innerText.includes("You were signed out because nothing happened")`)
	b.visit("/")
	b.until(`location.pathname === "/login"`)
}

func TestFiltersShowWhatTheySay(t *testing.T) {
	s := open(t)
	s.facility()
	s.discharge("Maria Santos", false, map[string]time.Duration{call: -2 * time.Hour, medicines: 9 * 24 * time.Hour})
	other := s.discharge("Joseph Obi", false, map[string]time.Duration{"Book the visit": 10 * 24 * time.Hour})
	mine := other.tasks[0]
	mine.Owner, mine.State, mine.Version = "dana", "accepted", 2
	s.tell(store.Discharge, events.TaskAssigned{Work: events.Work{Task: mine, By: "dana"}})
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	for view, want := range map[string]string{
		"": call + "|" + medicines + "|Book the visit", "mine": "Book the visit", "unclaimed": call + "|" + medicines, "overdue": call, "today": call, "done": "",
	} {
		b.visit("/?view=" + view)
		if got := js[string](b, `[...document.querySelectorAll("#rows h2")].map(h => h.innerText).join("|")`); got != want {
			t.Errorf("view %q shows %q, want %q", view, got, want)
		}
	}
	b.visit("/?facility=NORTH")
	b.do(chromedp.WaitVisible(chromedp.CSS(".empty")))
}

func TestConfidentialPatientsHaveNoNameHere(t *testing.T) {
	s := open(t)
	s.facility()
	hidden := s.discharge("Ruth Kessler", true, map[string]time.Duration{call: 90 * time.Minute})
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	b.until(`document.querySelector("#rows").innerText.includes("Confidential patient")`)
	b.visit("/episodes/" + hidden.encounter.ID.String())
	b.until(`document.querySelector("h1").innerText === "Confidential patient"`)
	if html := js[string](b, `document.documentElement.outerHTML`); strings.Contains(html, "Kessler") {
		t.Error("the name is in the page")
	}
	if s.peers.askedFor(hidden.encounter.Patient) {
		t.Error("the name was asked for")
	}
}

// A push may bring the claimed row before the claim's own answer: the button that was pressed is gone then, and
// the note with its way back must come all the same.
func TestAPushThatIsFirstHidesNoNote(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	row := "#t-" + st.tasks[0].ID.String()
	js[bool](b, `document.addEventListener("htmx:before:request", (e) => {
		const ask = e.detail.ctx.fetch ?? fetch
		e.detail.ctx.fetch = async (...args) => { const answer = await ask(...args); document.querySelector("`+row+` .acts").remove(); return answer }
	}) === undefined`)
	b.click(row + " [data-key=c]")
	b.until(`document.querySelector("#toasts .toast .undo")`)
}
