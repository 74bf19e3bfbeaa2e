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

// titles is what the list shows, in order, headings too.
const titles = `[...document.querySelectorAll("#rows h2")].map(h => h.innerText).join("|")`

func (b *tab) shows(want string) {
	b.t.Helper()
	b.until(titles + ` === ` + fmt.Sprintf("%q", want))
}

// press presses keys one after the other.
func (b *tab) press(keys string) {
	b.t.Helper()
	for _, k := range keys {
		b.do(chromedp.KeyEvent(string(k)))
	}
}

// walk puts the keyboard on a row, and presses the key again where nothing came of it, as people do.
func (b *tab) walk() {
	b.t.Helper()
	for began := time.Now(); ; {
		b.press("j")
		if js[bool](b, `new Promise((done) => {
			let looks = 50
			const look = () => document.activeElement?.closest("#rows > .row") ? done(true) : looks-- ? setTimeout(look, 20) : done(false)
			look()
		})`) {
			return
		}
		if time.Since(began) > patience {
			b.stuck("no row has the keyboard")
		}
	}
}

// find looks for a patient.
func (b *tab) find(text string) {
	b.t.Helper()
	b.click("#find")
	js[chromedp.Void](b, `document.querySelector("#find").value = ""`)
	b.press(text)
	b.do(chromedp.KeyEvent("\r"))
}

func TestADayByKeyboard(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	row := `document.querySelector("#t-` + st.tasks[0].ID.String() + `")`
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	b.until(row + ` !== null`) // a key that comes before the row does nothing
	b.press("?")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("Take back what I did last")`)
	b.accessible("the help")
	b.shot("keys")
	b.do(chromedp.KeyEvent("\x1b"))
	b.until(`!document.querySelector("#sheet").open`)
	b.walk()
	b.until(row + `.contains(document.activeElement)`)
	b.press("c")
	b.until(row + `.querySelector(".owner").innerText === "Yours"`)
	b.press("s")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet .nth")`)
	b.accessible("putting off")
	b.press("2") // in three hours
	b.until(`!document.querySelector("#sheet").open && ` + row + `.innerText.includes("Put off until")`)
	b.until(row + `.contains(document.activeElement)`)
	b.press("u")
	b.until(`!` + row + `.innerText.includes("Put off until") && document.querySelector("#toasts").innerText.includes("Taken back: Put off")`)
	b.press("d")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet .nth")`)
	b.press("1")
	b.until(`!document.querySelector("#sheet").open && !` + row)
	if got := s.peers.task(st.tasks[0].ID); got.State != "completed" || got.Outcome != "reached" {
		t.Errorf("discharge was told %s with outcome %q", got.State, got.Outcome)
	}
	b.press("u")
	b.until(row + `?.querySelector(".owner").innerText === "Yours"`)
	b.press("h")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.match(/Taken back\./g)?.length === 2`)
	b.accessible("what I did today")
	b.do(chromedp.KeyEvent("\x1b"))
	b.until(`!document.querySelector("#sheet").open`)
	b.press("jr")
	b.until(row + `.querySelector(".owner").innerText === "Unclaimed"`)
	b.press("/")
	b.until(`document.activeElement.id === "find"`)
	js[chromedp.Void](b, `document.activeElement.value = ""`) // the driver types what a person's browser would not
	b.press("cdr")                                            // is typed, and does nothing
	if v := js[string](b, `document.activeElement.value`); v != "cdr" {
		t.Errorf("the search says %q", v)
	}
	if got := s.peers.task(st.tasks[0].ID); got.Owner != "" {
		t.Errorf("typing claimed the task for %q", got.Owner)
	}
}

func TestManyTasksAreClaimedAtOnceAndGivenBackAtOnce(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour, medicines: 2 * time.Hour, "Book the visit": 3 * time.Hour})
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	b.shows(call + "|" + medicines + "|Book the visit")
	s.peers.hold() // Sam is quicker at one of them, and nobody has heard of it yet
	for _, task := range st.tasks {
		if task.Title == medicines {
			task.Owner, task.State, task.Version = "sam", "accepted", 2
			s.peers.put(task)
		}
	}
	b.press("X")
	b.until(`document.querySelector("#chosen")?.innerText === "3" && !document.querySelector("#bulk").hidden`)
	b.accessible("selected rows")
	b.shot("selected")
	b.click(`#bulk [data-bulk="c"]`)
	b.until(`document.querySelector("#toasts").innerText.includes("Yours now: 2 tasks. Sam Rivera took this a moment before you")`)
	b.until(`[...document.querySelectorAll("#rows .owner")].map(o => o.innerText).sort().join() === "With Sam Rivera,Yours,Yours" && document.querySelector("#bulk").hidden`)
	s.peers.release()
	b.press("u")
	b.until(`[...document.querySelectorAll("#rows .owner")].map(o => o.innerText).sort().join() === "Unclaimed,Unclaimed,With Sam Rivera"`)
	b.until(`document.querySelector("#toasts").innerText.includes("Taken back: 2 tasks")`)
}

func TestWhatSomebodyHasWorkedOnSinceIsNotTakenBack(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	b := s.browse(1280, 900, false, "409 (Conflict)")
	b.signIn("dana")
	b.live()
	b.click("#rows > .row .acts .main")
	b.until(`document.querySelector("#rows .owner").innerText === "Yours"`)
	now := s.peers.task(st.tasks[0].ID)
	now.Attempts, now.Version = 1, now.Version+1
	s.peers.put(now)
	s.tell(store.Discharge, events.TaskAttempted{Work: events.Work{Task: now, By: "sam"}})
	b.until(`document.querySelector("#rows").innerText.includes("1 attempt")`)
	b.press("u")
	b.until(`document.querySelector("#toasts").innerText.includes("Somebody has worked on this since")`)
	if got := s.peers.task(st.tasks[0].ID); got.Owner != "dana" {
		t.Errorf("the task went back to %q all the same", got.Owner)
	}
}

func TestACallIsRecordedWithItsNextAttempt(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 40 * time.Hour})
	row := "#t-" + st.tasks[0].ID.String()
	b := s.browse(390, 844, true)
	b.signIn("dana")
	b.live()
	b.click(row + ` [data-key="d"]`)
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("next try ")`)
	b.accessible("the call form")
	b.shot("call-phone-dark")
	b.do(chromedp.SendKeys(chromedp.CSS("#note"), "The daughter answers after five."))
	b.click(`#sheet button[value="left-message"]`)
	b.until(`!document.querySelector("#sheet").open && document.querySelector("` + row + `").innerText.includes("1 attempt") && document.querySelector("` + row + `").innerText.includes("Next try")`)
	said := s.peers.said()
	next, err := time.Parse(time.RFC3339, fmt.Sprint(said["next_at"]))
	if err != nil || !next.After(time.Now()) || next.After(time.Now().Add(24*time.Hour)) || said["outcome"] != "left-message" || said["channel"] != "phone" || said["note"] != "The daughter answers after five." {
		t.Errorf("discharge was told %v", said)
	}
	b.click(row + ` [data-key="d"]`)
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("What was done so far: 1 entry")`)
	js[chromedp.Void](b, `document.querySelector("#next").value = "none"`)
	b.click(`#sheet button[value="no-answer"]`)
	b.until(`!document.querySelector("#sheet").open && document.querySelector("` + row + `").innerText.includes("2 attempts")`)
	if said := s.peers.said(); said["next_at"] != nil {
		t.Errorf("nothing was to be set, and discharge was told %v", said)
	}
}

func TestPatientsAreFoundByNameAndNumber(t *testing.T) {
	s := open(t)
	s.facility()
	maria := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	s.discharge("Joseph Obi", false, map[string]time.Duration{medicines: time.Hour})
	hidden := s.discharge("Mariana Kessler", true, map[string]time.Duration{call: time.Hour})
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.live()
	b.find("maria")
	b.until(`document.querySelector("h1").innerText === "One stay found" && document.querySelector(".stays").innerText.includes("Maria Santos")`)
	b.until(`document.activeElement === document.querySelector("h1")`)
	b.accessible("what was found")
	b.shot("found")
	if at := js[string](b, `location.href`); strings.Contains(at, "maria") {
		t.Errorf("the name is in the address: %s", at)
	}
	b.click("#t-" + maria.tasks[0].ID.String() + " .acts .main")
	b.until(`document.querySelector(".stays .owner").innerText === "Yours"`)
	for _, number := range []string{hidden.mrn(), "V" + hidden.mrn()} {
		b.find(number)
		b.until(`document.querySelector("h1").innerText === "One stay found" && document.querySelector(".stays").innerText.includes("Confidential patient")`)
		b.visit("/")
	}
	b.find("nobody")
	b.until(`document.querySelector("h1").innerText === "Nobody found"`)
	b.accessible("nobody found")
}

func TestFiltersAreKeptUnderANameOfOnesOwn(t *testing.T) {
	s := open(t)
	s.facility()
	s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	s.dischargeTo(other{"03", "low", "5S"}, "Joseph Obi", map[string]time.Duration{medicines: 2 * time.Hour})
	b := s.browse(1280, 1000, false)
	b.signIn("dana")
	for query, want := range map[string]string{
		"?risk=high": call, "?risk=low": medicines, "?to=03": medicines, "?to=06": call, "?facility=MERCY&unit=5S": medicines, "?protocol=snf": medicines,
		"?protocol=home": "", "?risk=high&to=03": "", "?view=unclaimed&risk=low": medicines, "?group=patient": "Maria Santos|" + call + "|Joseph Obi|" + medicines,
		"?group=due": "Within 4 hours|" + call + "|" + medicines, "?risk=nonsense": "",
	} {
		b.visit("/" + query)
		b.shows(want)
	}
	b.visit("/")
	b.live()
	b.press("f")
	b.until(`document.querySelector("#panel").open`)
	js[chromedp.Void](b, `document.querySelector("#by-facility").value = "MERCY"; document.querySelector("#by-facility").dispatchEvent(new Event("change", { bubbles: true }))`)
	b.until(`document.querySelector("#by-unit") && document.querySelector("#panel").open && location.search === "?facility=MERCY"`)
	b.live() // and with it the scripts
	js[chromedp.Void](b, `document.querySelector("#by-unit").value = "5S"; document.querySelector("#by-unit").dispatchEvent(new Event("change", { bubbles: true }))`)
	b.shows(medicines)
	b.accessible("the filters")
	b.shot("filters")
	b.do(chromedp.SendKeys(chromedp.CSS("#filter-name"), "My unit"))
	b.click(".keep button")
	b.until(`document.querySelector(".kept a")?.innerText === "My unit" && document.querySelector(".kept a").ariaCurrent === "page"`)
	b.visit("/")
	b.shows(call + "|" + medicines)
	b.live()
	b.click(".kept a")
	b.shows(medicines)
	b.live()
	sam := s.browse(1280, 900, false)
	sam.signIn("sam")
	sam.shows(call + "|" + medicines)
	if n := js[int](sam, `document.querySelectorAll(".kept a").length`); n != 0 {
		t.Error("a filter of somebody else's is shown")
	}
	b.click(".keep form button")
	b.until(`!document.querySelector(".kept")`)
}

func TestAGroupedListIsLive(t *testing.T) {
	s := open(t)
	s.facility()
	first := s.discharge("Maria Santos", false, map[string]time.Duration{call: 3 * time.Hour, medicines: 50 * time.Hour})
	b := s.browse(1280, 900, true)
	b.signIn("dana")
	b.visit("/?group=patient")
	b.live()
	b.shows("Maria Santos|" + call + "|" + medicines)
	s.discharge("Joseph Obi", false, map[string]time.Duration{"Book the visit": time.Hour})
	b.shows("Joseph Obi|Book the visit|Maria Santos|" + call + "|" + medicines)
	b.accessible("by patient")
	b.shot("grouped-dark")
	for _, task := range first.tasks {
		task.State, task.Reason, task.Version = "cancelled", "discharge-cancelled", 2
		s.tell(store.Discharge, events.TaskCancelled{Work: events.Work{Task: task}})
	}
	b.shows("Joseph Obi|Book the visit")
}

func TestAShiftIsHandedOver(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: -time.Hour, medicines: 20 * time.Hour})
	for i, task := range st.tasks {
		task.Owner, task.State, task.Version, task.Attempts = "lea", "accepted", 2, i
		s.peers.put(task)
		s.tell(store.Discharge, events.TaskAssigned{Work: events.Work{Task: task, By: "lea"}})
	}
	dana := s.browse(1280, 900, false)
	dana.signIn("dana")
	b := s.browse(1280, 900, false)
	b.signIn("lea")
	b.visit("/handover")
	b.until(`document.querySelector("main").innerText.includes("2 tasks are in your hands, 1 of them is overdue")`)
	b.until(`document.querySelector(".owed").innerText.includes("The daughter is there after five.")`)
	b.accessible("the handover")
	b.shot("handover")
	// Those of the directory who may work on tasks, whether they have signed in or not.
	b.until(`["dana", "sam"].every(who => document.querySelector("#to option[value=" + who + "]")) && !["zoe", "ivo"].some(who => document.querySelector("#to option[value=" + who + "]"))`)
	js[chromedp.Void](b, `document.querySelector("#to").value = "dana"`)
	b.click(`form[action="/bulk/assign"] button`)
	b.until(`document.querySelector("#toasts").innerText.includes("Handed over: 2 tasks") && document.querySelectorAll(".owed .owner").length === 2 && [...document.querySelectorAll(".owed .owner")].every(o => o.innerText === "With Dana Whitfield")`)
	dana.visit("/?view=mine")
	dana.shows(call + "|" + medicines)
	b.click("#toasts .undo")
	b.until(`[...document.querySelectorAll(".owed .owner")].every(o => o.innerText === "Yours")`)
}

// Show more brings rows that a later push may bring again: no row is there twice, and none is lost when the
// connection is.
func TestRowsThatWereShownMoreOfAreThereOnceAndStay(t *testing.T) {
	s := open(t)
	s.facility()
	due := map[string]time.Duration{}
	for i := range 60 {
		due[fmt.Sprintf("Task %02d", i)] = time.Duration(i+1) * time.Hour
	}
	st := s.discharge("Maria Santos", false, due)
	b := s.browse(1280, 900, false, "ERR_INCOMPLETE_CHUNKED_ENCODING")
	b.signIn("dana")
	b.live()
	b.until(`document.querySelectorAll("#rows > .row").length === 50`)
	b.click("#more a")
	b.until(`document.querySelectorAll("#rows > .row").length === 60`)
	b.live()
	for _, task := range st.tasks {
		if task.Title == "Task 00" {
			task.State, task.Version = "completed", 2
			s.tell(store.Discharge, events.TaskCompleted{Work: events.Work{Task: task, By: "sam"}})
		}
	}
	b.until(`document.querySelector("#rows h2").innerText === "Task 01"`)
	b.until(`document.querySelectorAll("#rows > .row").length === 59 && new Set([...document.querySelectorAll("#rows > .row")].map(r => r.id)).size === 59`)
	js[chromedp.Void](b, `window.again = 0; document.addEventListener("htmx:sse:after:connection", () => window.again = 1)`)
	s.server.CloseClientConnections()
	s.discharge("Joseph Obi", false, map[string]time.Duration{"Task before all": time.Minute})
	b.until(`window.again && document.querySelector("#rows h2").innerText === "Task before all"`)
	b.until(`document.querySelectorAll("#rows > .row").length === 60 && document.querySelector("#rows > .row:last-child h2").innerText === "Task 59"`)
}

func TestPagesOfPatientsGoThroughEveryPatientOnce(t *testing.T) {
	s := open(t)
	s.facility()
	want := 45
	for i := range want {
		s.discharge(fmt.Sprint("Patient ", i), false, map[string]time.Duration{call: time.Duration(i%7) * time.Hour, medicines: time.Duration(50-i) * time.Hour})
	}
	c := s.client()
	c.signIn("dana")
	seen := map[string]int{}
	for at := "/?group=patient"; at != ""; {
		_, html := c.send("GET", at, nil)
		for _, part := range strings.Split(html, `<li id="p-`)[1:] {
			seen[part[:36]]++
		}
		if rows := strings.Count(html, `<li id="t-`); rows != 2*strings.Count(html, `<li id="p-`) {
			t.Errorf("%s has %d rows", at, rows)
		}
		_, rest, more := strings.Cut(html, `hx-get="/worklist/more`)
		at = ""
		if more {
			query, _, _ := strings.Cut(rest, `"`)
			at = "/worklist/more" + strings.ReplaceAll(query, "&amp;", "&")
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("patient %s is on %d pages", id, n)
		}
	}
	if len(seen) != want {
		t.Errorf("%d patients on the pages, want %d", len(seen), want)
	}
}
