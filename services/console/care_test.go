package console

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// goesRound notes what the focus comes to, and how it shows.
const goesRound = `window.seen = []; window.unseen = []
document.addEventListener("focusin", (e) => {
	const el = e.target, how = getComputedStyle(el), row = el.closest(".row")
	seen.push(el)
	if (el.matches(".skip")) return // it comes into sight a moment later
	const marks = (s) => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 || s.boxShadow !== "none"
	if (!marks(how) && !(row && marks(getComputedStyle(row)))) unseen.push("its focus does not show: " + el.outerHTML.slice(0, 140))
	const box = el.getBoundingClientRect()
	if (box.bottom < 1 || box.top > innerHeight) unseen.push("it has the focus out of sight: " + el.outerHTML.slice(0, 140))
}); document.activeElement?.blur(); 0`

// missed lists what a mouse can reach and the focus did not.
const missed = `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
	.filter((el) => el.checkVisibility({ visibilityProperty: true }) && !el.disabled && !el.closest("dialog:not([open])") && el.getClientRects().length && !seen.includes(el) &&
		!(el.type === "radio" && seen.some((s) => s.type === "radio" && s.name === el.name))) // arrows go through the rest
	.map((el) => el.outerHTML.slice(0, 140))`

// Everything of every main view is reached with the Tab key alone, shows that it has the focus, and lets go of it.
func TestTheKeyboardAloneReachesEverything(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: -90 * time.Minute, medicines: 90 * time.Minute})
	s.told(st)
	mine := st.tasks[0]
	mine.Owner, mine.State, mine.Version = "pat", "accepted", 2
	s.tell(store.Discharge, events.TaskAssigned{Work: events.Work{Task: mine, By: "pat"}})
	r := s.refer(st)
	s.plans("Joseph Obi", 3*time.Hour)
	s.alert(st, "urgent", "role:lead")
	b := s.browse(1280, 900, false)
	b.signIn("pat")
	for _, path := range []string{
		"/", "/?group=patient", "/alerts?show=open", "/referrals", "/referrals/" + r.ID.String(), "/census", "/huddle", "/handover", "/feeds", "/feeds/connect", "/operations",
		"/episodes/" + st.encounter.ID.String(), "/episodes/" + st.encounter.ID.String() + "?for=family",
	} {
		b.visit(path)
		b.do(chromedp.WaitVisible(chromedp.CSS("h1")))
		js[chromedp.Void](b, goesRound)
		n := js[int](b, missed+`.length`)
		b.do(chromedp.KeyEvent("\t"))
		if first := js[string](b, `document.activeElement.className`); first != "skip" {
			t.Errorf("%s: the first stop of the keyboard is %q, not the way past the navigation", path, first)
		}
		b.until(`((box) => box.top >= 0 && box.height > 0)(document.activeElement.getBoundingClientRect())`)
		b.do(chromedp.KeyEvent(strings.Repeat("\t", n+3)))
		for _, what := range js[[]string](b, missed) {
			t.Errorf("%s: the keyboard does not reach %s", path, what)
		}
		for _, what := range js[[]string](b, `[...new Set(unseen)]`) {
			t.Errorf("%s: %s", path, what)
		}
		if js[bool](b, `seen.length < 3 || seen.slice(-3).every((el) => el === seen.at(-1))`) {
			t.Errorf("%s: the keyboard is caught", path)
		}
	}
}

// The way past the navigation leads to the page; a dialog has the focus while it is open and gives it back.
func TestTheKeyboardPassesTheNavigationAndComesBackFromDialogs(t *testing.T) {
	s := open(t)
	s.facility()
	s.discharge("Maria Santos", false, map[string]time.Duration{call: -90 * time.Minute, medicines: 90 * time.Minute})
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	b.do(chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r"))
	b.until(`document.activeElement.id === "main"`)
	b.walk()
	b.until(`document.activeElement.closest("#rows > .row:first-child")`)
	for _, key := range []string{"s", "w", "d", "?"} {
		b.press(key)
		b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").contains(document.activeElement)`)
		b.do(chromedp.KeyEvent(strings.Repeat("\t", 25)))
		b.until(`document.querySelector("#sheet").contains(document.activeElement) || document.activeElement === document.body`) // not the page behind it
		b.do(chromedp.KeyEvent("\x1b"))
		b.until(`!document.querySelector("#sheet").open && document.activeElement.closest("#rows > .row:first-child")`)
	}
}

// Whoever asked for less motion sees none.
func TestNothingMovesForWhoeverWantsItStill(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	b := s.browse(1280, 900, false)
	b.media("", "prefers-reduced-motion", "reduce")
	b.signIn("dana")
	b.live()
	b.click("#t-" + st.tasks[0].ID.String() + " .acts .main")
	b.until(`document.querySelector("#toasts .toast")`)
	if moving := js[[]string](b, `[...document.querySelectorAll("*")].filter((el) => { const s = getComputedStyle(el)
		return s.animationName !== "none" || (s.transitionProperty !== "none" && s.transitionDuration.split(",").some((d) => parseFloat(d) > 0)) || s.scrollBehavior === "smooth" })
		.map((el) => el.outerHTML.slice(0, 100))`); len(moving) > 0 {
		t.Errorf("still moving: %s", moving)
	}
}

// On paper there is what people carry: rows with their times, and nothing to click.
func TestWhatIsCarriedIsPrintedWithoutTheConsole(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: -90 * time.Minute, medicines: 90 * time.Minute})
	r := s.refer(st)
	b := s.browse(794, 1123, false)
	b.signIn("pat")
	for path, says := range map[string]string{
		"/": "Maria Santos", "/huddle": call, "/handover": "Handover", "/referrals/" + r.ID.String(): "Maple Court", "/episodes/" + st.encounter.ID.String() + "?for=family": "What comes next",
	} {
		b.visit(path)
		b.media("", "prefers-color-scheme", "dark")
		b.says(says)
		b.media("print", "prefers-color-scheme", "dark")
		for _, what := range js[[]string](b, `[...document.querySelectorAll("button, .button, nav, header.top, .toasts, .filters, input, select")].filter((el) => el.checkVisibility()).map((el) => el.outerHTML.slice(0, 120))`) {
			t.Errorf("%s: on paper there is %s", path, what)
		}
		if ground := js[string](b, `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector("h1")).color`); ground != "rgb(255, 255, 255)rgb(28, 42, 49)" {
			t.Errorf("%s: paper is %s", path, ground)
		}
		b.shot("printed-" + strings.Trim(strings.ReplaceAll(path[:min(len(path), 10)], "/", "-"), "-"))
		b.media("", "prefers-color-scheme", "light")
	}
}

// Where a page cannot be shown, it says what to do.
func TestErrorsSayWhatToDo(t *testing.T) {
	s := open(t)
	c := s.client()
	c.signIn("dana")
	for path, want := range map[string][]string{
		"/nowhere":                             {"404", "There is no page at this address.", "Start from the worklist", `href="/"`},
		"/operations":                          {"403", "Your role does not open this page.", "ask your administrator", `href="/"`},
		"/episodes/" + events.NewID().String(): {"404", "Nothing is known of this stay", "search for the patient", `href="/"`},
	} {
		res, body := c.send("GET", path, nil)
		for _, words := range want {
			if !strings.Contains(body, words) && fmt.Sprint(res.StatusCode) != words {
				t.Errorf("%s (%d) does not say %q", path, res.StatusCode, words)
			}
		}
	}
	for why, words := range map[string]string{"idle": "You were signed out because nothing happened for 15 minutes.", "refused": "Please try again."} {
		if _, body := s.client().send("GET", "/login?why="+why, nil); !strings.Contains(body, words) || !strings.Contains(body, "Sign in") {
			t.Errorf("signed out (%s), the page does not say %q", why, words)
		}
	}
}

// People of another organization are told nothing of this one's patients.
func TestAnotherOrganizationSeesNothing(t *testing.T) {
	s := open(t)
	s.facility()
	elsewhere := events.NewID()
	s.issuer.of("eve", elsewhere)
	b := s.browse(1280, 900, false, "404 (Not Found)")
	b.signIn("eve")
	b.live()
	dana := s.browse(1280, 900, false)
	dana.signIn("dana")
	dana.live()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	dana.says("Maria Santos") // it is out
	b.says("No open tasks.")
	if text := js[string](b, `document.documentElement.outerHTML`); strings.Contains(text, "Santos") || strings.Contains(text, call) {
		t.Error("another organization's people see a patient of this one")
	}
	b.visit("/episodes/" + st.encounter.ID.String())
	b.says("Nothing is known of this stay")
}

// A tab that was left open shows nothing once its session has ended, also in another tab of the same browser.
func TestATabWhoseSessionEndedShowsNothing(t *testing.T) {
	s := open(t)
	s.facility()
	s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	b := s.browse(1280, 900, false, "ERR_INCOMPLETE_CHUNKED_ENCODING")
	b.signIn("dana")
	b.live()
	b.says("Maria Santos")
	js[chromedp.Void](b, `fetch("/logout", { method: "POST", redirect: "manual" }).then(() => 0)`) // as another tab does
	s.discharge("Joseph Obi", false, map[string]time.Duration{call: time.Minute})
	b.until(`location.pathname === "/login" && !document.body.innerText.includes("Santos") && !document.body.innerText.includes("Obi")`)
	b.visit("/")
	b.until(`document.readyState === "complete" && location.pathname === "/login"`)
	if text := js[string](b, `document.body.innerText`); strings.Contains(text, "Santos") {
		t.Error("asking for the page again shows the patient")
	}
}
