package story

import (
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// onScreen is the main job as a liaison sees it: Chromium signs in, a patient leaves, the tasks appear
// without a reload, one is taken, done and opened again, the page tells why and down to the hospital's
// message; the discharge is cancelled and the tasks go.
func onScreen(s *scene) {
	b := s.browser()
	url := strings.TrimSuffix(s.sys.API("console")[0], "/api/console")
	b.do(chromedp.Navigate(url + "/"))
	b.click("#sign-in")
	b.click(`a[href*="login_hint=maria.santos"]`)
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	b.do(chromedp.Navigate(url + "/?facility=" + s.facility))
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	b.until(`(window.mark = 1) && document.querySelectorAll("#rows > .row").length === 0`)

	stay := s.stay("discharge cancelled")
	s.send(stay, 1, 2)
	name := stay.Person.Given
	b.until(`window.mark === 1 && document.querySelectorAll("#rows > .row").length > 0 && document.querySelector("#rows").innerText.includes("` + name + `")`)

	// More tasks of the same discharge may arrive meanwhile and stand before this one.
	row := "#" + b.text(`document.querySelector("#rows > .row:has([data-key=c])").id`)
	note := `#toasts [data-for="` + strings.TrimPrefix(row, "#t-") + `"] `
	b.click(row + " [data-key=c]")
	b.until(`document.querySelector("` + row + ` .owner").innerText === "Yours"`)
	b.click(row + " [data-key=d]")
	b.until(`document.querySelector("#sheet").open`)
	b.click(`#sheet button[value="reached"]`)
	b.until(`!document.querySelector("#sheet").open && document.querySelector('` + note + `').innerText.includes("Done")`)
	b.click(note + ".undo")
	b.until(`document.querySelector("` + row + ` .owner").innerText === "Yours"`)

	b.click(row + " .acts .why")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("Counted from")`)
	b.click("#sheet .close button")
	b.click(row + " .who a")
	b.until(`document.querySelector("h1").innerText.includes("` + name + `") && document.querySelector("#live").dataset.state === "on"`)
	b.click(`.line a[href*="/messages/"]`)
	b.until(`document.querySelector("#sheet .hl7")?.innerText.includes("PID|")`)
	b.click("#sheet .close button")
	b.click(".card a.why")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("It goes to every clinical liaison")`)
	b.click("#sheet .close button")

	s.send(stay, 3)
	b.until(`document.querySelector("#episode").innerText.includes("the discharge was cancelled")`)
	b.do(chromedp.Navigate(url + "/?facility=" + s.facility))
	b.until(`document.querySelector("#live")?.dataset.state === "on" && document.querySelectorAll("#rows > .row").length === 0`)
}

// patience is how long a page may take to get somewhere. It is long because the machine may be busy.
const patience = 60 * time.Second

// browser is a window of Chromium.
type browser struct {
	*scene
	ctx context.Context
}

func (s *scene) browser() *browser {
	s.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if path, err = exec.LookPath("google-chrome"); err != nil {
			s.Fatal("the browser story needs Chromium: apt-get install -y chromium")
		}
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WindowSize(1280, 900))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(alloc)
	s.Cleanup(func() { cancel(); stop() })
	if err := chromedp.Do(ctx); err != nil {
		s.Fatal(err)
	}
	return &browser{s, ctx}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	for _, step := range steps {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		err := chromedp.Do(ctx, step)
		cancel()
		if err != nil {
			b.Fatalf("%v\n%s", err, b.page())
		}
	}
}

// ready is true of an element that a click will reach: there, wired by htmx, at the same place in two
// looks, with nothing before it. It also notes whether the next click reaches it.
const ready = `((selector) => {
	const el = document.querySelector(selector)
	const wired = el?.hasAttribute("hx-get") || el?.hasAttribute("hx-post") ? el : el?.form?.hasAttribute("hx-post") ? el.form : null
	const box = el?.getClientRects()[0]
	if (document.readyState !== "complete" || !box?.width || el.disabled || (wired && !wired._htmx?.initialized)) return false
	const x = box.x + box.width / 2, y = box.y + box.height / 2, place = [selector, box.x, box.y, box.width, box.height].join()
	if (window.place !== place) { window.place = place; return false }
	const at = document.elementFromPoint(x, y)
	if (!at) { el.scrollIntoView({ block: "center" }); return false }
	if (!el.contains(at)) return false
	window.hit = "missed"
	addEventListener("click", (e) => { window.hit = el.contains(e.target) ? "hit" : "missed" }, { capture: true, once: true })
	return true
})`

// click clicks an element as soon as a click will reach it. Where the page moved under the pointer at
// that very moment, it clicks again.
func (b *browser) click(selector string) {
	b.Helper()
	text, err := json.Marshal(selector)
	if err != nil {
		b.Fatal(err)
	}
	for began := time.Now(); ; {
		b.until(ready + "(" + string(text) + ")")
		b.do(chromedp.Click(chromedp.CSS(selector)))
		hit, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`window.hit ?? "another page"`))
		if err != nil || hit != "missed" {
			return
		}
		if time.Since(began) > patience {
			b.Fatalf("no click reaches %s\n%s", selector, b.page())
		}
	}
}

// text evaluates an expression that is a text.
func (b *browser) text(expression string) string {
	b.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.Fatalf("%s: %v\n%s", expression, err, b.page())
	}
	return text
}

// until waits for an expression to be true in the page.
func (b *browser) until(expression string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if yes {
			return
		}
		select {
		case <-ctx.Done():
			b.Fatalf("the page did not get there: %s (%v)\n%s", expression, err, b.page())
		case <-tick.C:
		}
	}
}

func (b *browser) page() string {
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	return text
}
