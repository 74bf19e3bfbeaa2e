package story

import (
	"context"
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
	b.do(chromedp.Navigate(url+"/"), chromedp.WaitVisible(chromedp.CSS("#sign-in")), chromedp.Click(chromedp.CSS("#sign-in")),
		chromedp.WaitVisible(chromedp.CSS(`a[href*="login_hint=maria.santos"]`)), chromedp.Click(chromedp.CSS(`a[href*="login_hint=maria.santos"]`)))
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	b.do(chromedp.Navigate(url + "/?facility=" + s.facility))
	b.until(`document.querySelector("#live")?.dataset.state === "on"`)
	b.until(`(window.mark = 1) && document.querySelectorAll("#rows > .row").length === 0`)

	stay := s.stay("discharge cancelled")
	s.send(stay, 1, 2)
	name := stay.Person.Given
	b.until(`window.mark === 1 && document.querySelectorAll("#rows > .row").length > 0 && document.querySelector("#rows").innerText.includes("` + name + `")`)

	// All tasks of the discharge have arrived when their number has not changed for a second.
	b.until(`(() => {
		const n = document.querySelectorAll("#rows > .row").length
		if (n !== window.rows) { window.rows = n; window.since = Date.now() }
		return Date.now() - window.since > 1000
	})()`)
	b.click("#rows > .row .acts .main")
	// More tasks of the same discharge may arrive meanwhile and stand before the one that was claimed.
	b.until(`[...document.querySelectorAll("#rows .owner")].some(o => o.innerText === "Yours")`)
	b.click(`#rows > .row [data-key="d"]`)
	b.until(`document.querySelector("#sheet").open`)
	b.click(`#sheet button[value="reached"]`)
	b.until(`!document.querySelector("#sheet").open && document.querySelector("#toasts .undo")`)
	b.click("#toasts .undo")
	b.until(`[...document.querySelectorAll("#rows .owner")].some(o => o.innerText === "Yours")`)

	b.click("#rows > .row .acts .why")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("Counted from")`)
	b.click("#sheet .close button")
	b.click("#rows > .row .who a")
	b.until(`document.querySelector("h1").innerText.includes("` + name + `") && document.querySelector("#live").dataset.state === "on"`)
	b.click(`.line a[href*="/messages/"]`)
	b.until(`document.querySelector("#sheet .hl7")?.innerText.includes("PID|")`)
	b.click("#sheet .close button")
	b.click(".card a.why")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("Selected")`)
	b.click("#sheet .close button")

	s.send(stay, 3)
	b.until(`document.querySelector("#episode").innerText.includes("the discharge was cancelled")`)
	b.do(chromedp.Navigate(url + "/?facility=" + s.facility))
	b.until(`document.querySelector("#live")?.dataset.state === "on" && document.querySelectorAll("#rows > .row").length === 0`)
}

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
		ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
		err := chromedp.Do(ctx, step)
		cancel()
		if err != nil {
			b.Fatalf("%v\n%s", err, b.page())
		}
	}
}

func (b *browser) click(selector string) {
	b.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// until waits for an expression to be true in the page.
func (b *browser) until(expression string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
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
