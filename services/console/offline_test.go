package console

import (
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/store"
)

// away are the complaints of a browser whose connection is cut.
var away = []string{"net::ERR", "Failed to load resource", "status of 409", "due to access control checks"}

// worker waits until the page's service worker has everything and looks after the page.
func (b *tab) worker() {
	b.t.Helper()
	b.until(`navigator.serviceWorker.ready.then(() => window.served = true), window.served`)
	for began := time.Now(); !js[bool](b, `navigator.serviceWorker.controller?.state === "activated"`); {
		if time.Since(began) > patience {
			b.stuck("the service worker does not look after the page")
		}
		b.do(chromedp.Reload()) // the page was under way when the worker began
	}
}

// kept waits until the page has been kept with what it says now.
func (b *tab) kept(words string) {
	b.t.Helper()
	b.until(`vault.get("page", location.pathname + location.search).then(p => window.inVault = p?.html ?? ""), window.inVault?.includes(` + quoted(words) + `)`)
}

// dump is everything that a browser holds of the console, as text: what is in its databases - bytes as
// latin1, keys as what they export - and in its caches.
const dump = `(async () => {
	const out = [];
	for (const { name } of await indexedDB.databases()) {
		const db = await new Promise((ok, no) => { const r = indexedDB.open(name); r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); });
		for (const store of db.objectStoreNames) {
			const of = db.transaction(store).objectStore(store);
			const read = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); });
			const values = await read(of.getAll()), keys = await read(of.getAllKeys());
			for (const [i, v] of values.entries()) {
				const seen = JSON.stringify(v, (k, x) => x instanceof ArrayBuffer ? new TextDecoder("latin1").decode(x) : ArrayBuffer.isView(x) ? "iv" : x);
				out.push(["db", store, String(keys[i]), seen].join(" "));
				if (v?.key instanceof CryptoKey) out.push("export " + await crypto.subtle.exportKey("raw", v.key).then(() => "possible", (e) => e.name));
			}
		}
		db.close();
	}
	for (const name of await caches.keys()) {
		const cache = await caches.open(name);
		for (const r of await cache.keys()) out.push("cache " + new URL(r.url).pathname + " " + await (await cache.match(r)).clone().text());
	}
	out.push("local " + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }));
	return out;
})()`

// holds is what a browser holds, but for the files of the console.
func (b *tab) holds() []string {
	b.t.Helper()
	return slices.DeleteFunc(js[[]string](b, dump), func(s string) bool { return strings.HasPrefix(s, "cache /static/") })
}

func TestTheConsoleCanBeInstalled(t *testing.T) {
	s := open(t)
	c := s.client()
	res, body := c.send("GET", "/manifest.webmanifest", nil)
	var m struct {
		Name, Display, Start string
		Icons                []struct{ Src, Sizes, Type, Purpose string }
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil || m.Name != "handoff" || m.Display != "standalone" || res.Header.Get("Content-Type") != "application/manifest+json" {
		t.Fatalf("manifest: %v %s", err, body)
	}
	for _, i := range m.Icons {
		res, body := c.send("GET", i.Src, nil)
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != i.Type || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s answers %d, %v", i.Src, res.StatusCode, res.Header)
		}
		if i.Type != "image/png" {
			continue
		}
		if pic, err := png.DecodeConfig(strings.NewReader(body)); err != nil || fmt.Sprintf("%dx%d", pic.Width, pic.Height) != i.Sizes {
			t.Errorf("%s is %dx%d, %v, not %s", i.Src, pic.Width, pic.Height, err, i.Sizes)
		}
	}
	res, body = c.send("GET", "/sw.js", nil)
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/javascript") || res.Header.Get("Cache-Control") != "no-cache" || !strings.Contains(body, "/static/app.js?v=") {
		t.Errorf("the worker: %v %.200s", res.Header, body)
	}
	b := s.browse(390, 844, false)
	b.signIn("dana")
	b.worker()
	for _, name := range js[[]string](b, `caches.keys().then(async ([name, ...more]) => more.length ? ["more than one cache"] : (await (await caches.open(name)).keys()).map(r => new URL(r.url).pathname + new URL(r.url).search))`) {
		if res, _ := c.send("GET", name, nil); res.StatusCode != 200 || !strings.Contains(name, "?v=") && !strings.HasPrefix(name, "/offline") {
			t.Errorf("the device keeps %s, which answers %d", name, res.StatusCode)
		}
	}
}

func TestWithoutAConnectionTheListIsShownAsItWasLastKnown(t *testing.T) {
	s := open(t)
	s.facility()
	s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	b := s.browse(390, 844, false, away...)
	b.signIn("dana")
	b.live()
	b.worker()
	s.discharge("Joseph Obi", false, map[string]time.Duration{medicines: 30 * time.Minute}) // pushed: it was never in the page's text
	b.until(`document.querySelector("#rows").innerText.includes("Joseph Obi")`)
	b.kept("Joseph Obi")
	held := strings.Join(b.holds(), "\n")
	if strings.Contains(held, "Obi") || strings.Contains(held, "Santos") || !strings.Contains(held, "export InvalidAccessError") || !strings.Contains(held, "db page /") {
		t.Fatalf("the device holds what can be read, or nothing: %s", held)
	}
	s.cut()
	b.until(`!document.querySelector("#known").hidden && /^Not connected\. This is how things were (today|yesterday|\w+day.*) at \d{1,2}:\d\d.[AP]M\./.test(document.querySelector("#known").innerText)`)
	b.accessible("the list, not connected")
	b.shot("offline-open-phone")
	b.visit("/")
	b.until(`document.documentElement.dataset.known && document.querySelector("#rows").innerText.includes("Joseph Obi") && document.querySelector("#rows").innerText.includes("Maria Santos")`)
	b.until(`!document.querySelector("#known").hidden && /^Not connected\. This is how things were (today|yesterday|\w+day.*) at \d{1,2}:\d\d.[AP]M\./.test(document.querySelector("#known").innerText)`)
	b.until(`document.querySelector("#rows time[data-show=due]").innerText.startsWith("Due in")`) // scripts run
	b.shot("offline-again-phone")
	b.visit("/?view=overdue") // never opened here
	b.until(`document.querySelector("h1").innerText === "Not connected" && document.querySelector("#known-pages a")?.innerText === "Worklist"`)
	b.accessible("what the device knows")
	b.shot("offline-unknown-phone")
	b.click("#known-pages a")
	b.until(`document.querySelector("#rows").innerText.includes("Joseph Obi")`)
	s.discharge("Ada Lind", false, map[string]time.Duration{call: time.Hour})
	s.mend()
	b.live()
	b.until(`document.querySelector("#known").hidden && document.querySelector("#rows").innerText.includes("Ada Lind")`)
}

func TestAfterSigningOutNothingIsLeftOnTheDevice(t *testing.T) {
	for name, leave := range map[string]func(b *tab, s *stage){
		"signing out": func(b *tab, _ *stage) { b.click(".me form button") },
		"signing out without a connection": func(b *tab, s *stage) {
			s.cut()
			b.click(".me form button")
		},
		"15 minutes without a person": func(b *tab, _ *stage) { b.sleeps() },
		"15 minutes without a person or a connection": func(b *tab, s *stage) {
			s.cut()
			b.sleeps()
		},
		"opening a kept page too late": func(b *tab, s *stage) {
			js[chromedp.Void](b, `(async () => {
				const db = await new Promise((ok) => { const r = indexedDB.open("handoff"); r.onsuccess = () => ok(r.result) });
				const of = db.transaction("lock", "readwrite").objectStore("lock"), ask = of.get("session");
				await new Promise((ok) => { ask.onsuccess = () => { of.put({ ...ask.result, seen: Date.now() - 16 * 60e3 }, "session").onsuccess = ok } });
				db.close();
			})()`)
			s.cut()
			b.visit("/")
		},
		"the session's end at the server": func(b *tab, s *stage) {
			if _, err := s.db.System.Exec(t.Context(), `DELETE FROM session`); err != nil {
				t.Fatal(err)
			}
			b.visit("/alerts")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.facility()
			st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
			b := s.browse(390, 844, false, away...)
			b.signIn("dana")
			b.live()
			b.worker()
			b.visit("/episodes/" + st.encounter.ID.String())
			b.live()
			b.kept("Maria Santos")
			leave(b, s)
			b.until(`location.pathname === "/login" && document.readyState === "complete" || document.querySelector("h1")?.innerText === "Not connected" && !document.querySelector("#signed-out").hidden`)
			if text := js[string](b, `document.body.innerText`); strings.Contains(text, "Santos") {
				t.Errorf("the page says %s", text)
			}
			b.until(`!window.left ? (` + dump + `.then(l => window.left = l), false) : !window.left.some(s => s.startsWith("db lock") || s.startsWith("db page") || s.startsWith("db queue")) || (window.left = null)`)
			for _, held := range b.holds() {
				if strings.HasPrefix(held, "db lock") || strings.HasPrefix(held, "db page") || strings.HasPrefix(held, "db queue") || strings.Contains(held, "Santos") {
					t.Errorf("the device holds %.200s", held)
				}
			}
			b.visit("/episodes/" + st.encounter.ID.String())
			b.until(`document.querySelector("h1")?.innerText && !document.body.innerText.includes("Santos")`)
			s.mend()
			b.visit("/")
			b.until(`location.pathname === "/login" && document.querySelector("#sign-in")`) // the server has heard of it, too
		})
	}
}

// sleeps lets the device's clock run on past the time for which nobody was there.
func (b *tab) sleeps() {
	b.t.Helper()
	js[chromedp.Void](b, `(() => { const real = Date.now.bind(Date); Date.now = () => real() + 16 * 60e3 })()`)
}

func TestTheServerTellsTheBrowserToForget(t *testing.T) {
	s := open(t)
	for why, want := range map[string]string{"": `"cache", "storage"`, "bye": `"cache", "storage"`, "idle": `"cache"`} {
		c := s.client()
		c.signIn("dana")
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if res, _ := c.send("POST", "/logout", url.Values{"why": {why}}); res.Header.Get("Clear-Site-Data") != want {
			t.Errorf("signing out (%q) says %q", why, res.Header.Get("Clear-Site-Data"))
		}
	}
}

func TestWhatIsPressedWithoutAConnectionIsSentOnceAndInOrder(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 40 * time.Hour})
	id := st.tasks[0].ID
	row := `document.querySelector("#t-` + id.String() + `")`
	b := s.browse(390, 844, false, away...)
	b.signIn("dana")
	b.live()
	b.worker()
	b.kept("Maria Santos")
	s.cut()
	b.click("#t-" + id.String() + " .acts .main")
	b.until(row + `.querySelector(".waiting")?.innerText === "Waiting to be sent: Claim" && document.querySelector("#toasts").innerText.includes("Waiting to be sent: Claim, ` + call + `")`)
	b.click("#toasts .dismiss")
	b.click("#t-" + id.String() + ` [data-key="d"]`)
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("the next try is set when this is sent")`)
	b.accessible("the form without a connection")
	b.shot("offline-form-phone")
	b.do(chromedp.SendKeys(chromedp.CSS("#note"), "The daughter answers after five."))
	b.click(`#sheet button[value="left-message"]`)
	b.until(`!document.querySelector("#sheet").open && ` + row + `.querySelectorAll(".waiting").length === 2 && document.querySelector("#known").innerText.includes("2 things are waiting to be sent.")`)
	b.shot("offline-waiting-phone")
	if held := strings.Join(b.holds(), "\n"); strings.Contains(held, "daughter") || strings.Contains(held, "Claim") || strings.Count(held, "db queue") != 2 {
		t.Errorf("what waits can be read, or is not kept: %s", held)
	}
	b.visit("/") // and what waits outlives the page
	b.until(`document.documentElement.dataset.known && ` + row + `.querySelectorAll(".waiting").length === 2`)
	s.mend()
	b.until(row + `.innerText.includes("1 attempt") && ` + row + `.querySelectorAll(".waiting").length === 0 && ` + row + `.querySelector(".owner").innerText === "Yours"`)
	b.until(`document.querySelector("#known").hidden`)
	if got := s.peers.task(id); got.Owner != "dana" || got.Attempts != 1 || got.Version != 3 {
		t.Errorf("the task: owner %q, %d attempts, version %d", got.Owner, got.Attempts, got.Version)
	}
	if said := s.peers.said(); said["note"] != "The daughter answers after five." || said["next_at"] == nil {
		t.Errorf("discharge was told %v", said)
	}
	var order []string
	for _, sent := range s.sent() {
		if path, key, _ := strings.Cut(sent, " "); strings.Contains(path, "/tasks/") {
			order = append(order, path[strings.LastIndex(path, "/")+1:])
			if key == "" {
				t.Errorf("%s went without a key", path)
			}
		}
	}
	if strings.Join(order, " ") != "claim attempt" {
		t.Errorf("what came over the line: %v", order)
	}
}

func TestAnAnswerThatIsLostIsAskedForAgainAndHasOneEffect(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 40 * time.Hour})
	id := st.tasks[0].ID
	row := `document.querySelector("#t-` + id.String() + `")`
	b := s.browse(390, 844, false, away...)
	b.signIn("dana")
	b.live()
	for i, press := range []struct {
		action string
		does   func()
		want   string
	}{
		{"/claim", func() { b.click("#t-" + id.String() + " .acts .main") }, row + `.querySelector(".owner").innerText === "Yours"`},
		{"/attempt", func() {
			b.click("#t-" + id.String() + ` [data-key="d"]`)
			b.click(`#sheet button[value="no-answer"]`)
		}, row + `.innerText.includes("1 attempt")`},
		{"/snooze", func() {
			b.click("#t-" + id.String() + ` [data-key="s"]`)
			b.click(`#sheet button[value="3h"]`)
		}, row + `.innerText.includes("Put off until")`},
		{"/undo", func() { b.press("u") }, `!` + row + `.innerText.includes("Put off until")`},
	} {
		s.loses(func(r *http.Request) bool {
			return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, press.action)
		})
		press.does()
		s.keys(press.action, 2) // its effect may be on the screen before it is asked for again
		b.until(press.want + ` && !document.querySelector(".waiting") && !document.querySelector("#sheet").open`)
		js[chromedp.Void](b, `document.querySelectorAll(".toast").forEach((t) => t.remove())`) // it would lie before the next button
		if got := s.peers.task(id); got.Version != i+2 {
			t.Errorf("after %s the task is at version %d, want %d: it had more than one effect", press.action, got.Version, i+2)
		}
		if keys := s.keys(press.action, 2); len(keys) != 2 || keys[0] != keys[1] || keys[0] == "" {
			t.Errorf("%s was sent with the keys %v", press.action, keys)
		}
	}
}

func TestWhoWasFirstIsToldKindlyWhenTheConnectionIsBack(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour, medicines: 2 * time.Hour})
	sam := s.browse(1280, 900, false, away...)
	sam.signIn("sam")
	sam.live()
	b := s.browse(390, 844, true, away...)
	b.signIn("dana")
	b.live()
	b.shows(call + "|" + medicines)
	task := st.tasks[0]
	for _, x := range st.tasks {
		if x.Title == call {
			task = x
		}
	}
	s.cut()
	b.click("#rows > .row:nth-child(1) .acts .main")
	b.click("#toasts .dismiss")
	b.click("#rows > .row:nth-child(2) .acts .main")
	b.until(`document.querySelectorAll(".waiting").length === 2`)
	b.shot("offline-waiting-phone-dark")
	task.Owner, task.State, task.Version = "sam", "accepted", 2 // Sam, elsewhere, with a connection
	s.peers.put(task)
	s.tell(store.Discharge, events.TaskAssigned{Work: events.Work{Task: task, By: "sam"}})
	s.mend()
	b.until(`document.querySelector("#toasts").innerText.includes("Sam Rivera took this a moment before you")`)
	b.until(`[...document.querySelectorAll("#rows .owner")].map(o => o.innerText).join() === "With Sam Rivera,Yours" && !document.querySelector(".waiting")`)
	b.shot("offline-conflict-phone-dark")
	if names := js[[]string](b, `vault.names("queue")`); len(names) != 0 {
		t.Errorf("the queue still holds %v", names)
	}
}

func TestWhatWaitsCanBeTakenBack(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	b := s.browse(390, 844, false, away...)
	b.signIn("dana")
	b.live()
	s.cut()
	b.click("#rows > .row .acts .main")
	b.until(`document.querySelector("#toasts .undo")`)
	b.click("#toasts .undo")
	b.until(`document.querySelectorAll(".waiting").length === 2`) // whether the claim arrived nobody knows: both go out
	s.mend()
	b.until(`!document.querySelector(".waiting") && document.querySelector("#toasts").innerText.includes("Taken back")`)
	b.until(`document.querySelector("#rows .owner").innerText === "Unclaimed"`)
	if got := s.peers.task(st.tasks[0].ID); got.Owner != "" || got.Version != 3 {
		t.Errorf("the task: owner %q, version %d", got.Owner, got.Version)
	}
}

func TestWhoSignsOutIsAskedAboutWhatWaits(t *testing.T) {
	s := open(t)
	s.facility()
	s.discharge("Maria Santos", false, map[string]time.Duration{call: time.Hour})
	b := s.browse(390, 844, false, away...)
	b.signIn("dana")
	b.live()
	b.worker()
	s.cut()
	b.click("#rows > .row .acts .main")
	b.until(`document.querySelector(".waiting")`)
	b.click(".me form button")
	b.until(`document.querySelector("#unsent").open && document.querySelector("#unsent").innerText.includes("1 thing: still waiting")`)
	b.accessible("signing out with something unsent")
	b.shot("unsent-phone")
	b.click(`#unsent form[action="/logout"] button`)
	b.until(`document.querySelector("h1")?.innerText === "Not connected" && !document.querySelector("#unsent-note").hidden`)
	if left := b.holds(); slices.ContainsFunc(left, func(s string) bool { return strings.HasPrefix(s, "db queue") }) {
		t.Errorf("the device holds %v", left)
	}
}
