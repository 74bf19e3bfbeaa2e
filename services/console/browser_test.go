package console

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe/axe.min.js
var axe string

// patience is how long a page may take to get somewhere. It is long because the machine may be busy.
const patience = 60 * time.Second

// tab is one browser window with cookies of its own.
type tab struct {
	t   testing.TB
	s   *stage
	ctx context.Context
}

// chromium finds the browser, or fails the test and says what to install.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("the browser tests need Chromium: apt-get install -y chromium")
	return ""
}

// browser is the one Chromium of this test binary; TestMain ends it.
var browser struct {
	sync.Mutex
	ctx  context.Context
	stop func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	if browser.stop != nil {
		browser.stop()
	}
	os.Exit(code)
}

func (b *tab) chromium() context.Context {
	b.t.Helper()
	browser.Lock()
	defer browser.Unlock()
	if browser.ctx != nil {
		return browser.ctx
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(b.t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en-US"))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	b.must(chromedp.Do(ctx))
	browser.ctx, browser.stop = ctx, func() { cancel(); stop() }
	return ctx
}

// browse opens a window. Scripts that break, refusals of the security policy and requests that fail make
// the test fail, but for complaints that contain one of the expected texts.
func (s *stage) browse(width, height int64, dark bool, expected ...string) *tab {
	s.t.Helper()
	b := &tab{t: s.t, s: s}
	ctx, cancel := chromedp.NewContext(b.chromium(), chromedp.WithNewBrowserContext())
	s.t.Cleanup(cancel)
	b.ctx = ctx
	b.must(chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			s.t.Errorf("a script broke: %v", e.ExceptionDetails)
		case *log.EventEntryAdded:
			text := e.Entry.Text + " " + e.Entry.URL
			if e.Entry.Level == log.EntryLevelError && !slices.ContainsFunc(expected, func(s string) bool { return strings.Contains(text, s) }) {
				s.t.Errorf("the browser complains: %s", text)
			}
		}
	}))
	b.screen(width, height, dark)
	_, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "America/New_York"})
	b.must(err)
	return b
}

// screen gives the window another size and scheme; the page in it stays.
func (b *tab) screen(width, height int64, dark bool) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600})
	b.must(err)
	b.media("", "prefers-color-scheme", map[bool]string{false: "light", true: "dark"}[dark])
}

// media shows the page as for a medium ("" or "print") to somebody who prefers something.
func (b *tab) media(medium, feature, value string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: medium, Features: []*emulation.MediaFeature{{Name: feature, Value: value}}})
	b.must(err)
}

// screens are what every view is looked at on: the third is a desktop at 200 % zoom.
var screens = []struct {
	name string
	w, h int64
	dark bool
}{{"desktop-light", 1280, 900, false}, {"desktop-dark", 1280, 900, true}, {"zoomed", 640, 450, false}, {"phone-light", 390, 844, false}, {"phone-dark", 390, 844, true}}

// looksRight looks at the page that is open on every screen: nothing keeps anybody out, nothing is cut off.
func (b *tab) looksRight(name string) {
	b.t.Helper()
	for _, s := range screens {
		b.screen(s.w, s.h, s.dark)
		b.accessible(s.name + " " + name)
		b.shot(name + "-" + s.name)
		b.fits(s.name + " " + name)
	}
}

// fits finds what has to be scrolled sideways, or is cut off.
func (b *tab) fits(where string) {
	b.t.Helper()
	for _, what := range js[[]string](b, `(() => {
		const bad = [], wide = document.documentElement.clientWidth
		if (document.documentElement.scrollWidth > wide) bad.push("the page is " + document.documentElement.scrollWidth + " wide, its window " + wide)
		for (const el of document.querySelectorAll("body *")) {
			if (!el.checkVisibility() || el.closest(".quietly, .skip, svg, dialog:not([open])")) continue
			const how = getComputedStyle(el)
			if (how.overflowX === "hidden" && how.clipPath !== "inset(50%)" && how.textOverflow !== "ellipsis" && el.scrollWidth > el.clientWidth + 1) bad.push("cut off: " + el.outerHTML.slice(0, 120))
			let held = el.parentElement
			while (held && !/auto|scroll/.test(getComputedStyle(held).overflowX)) held = held.parentElement
			const box = el.getBoundingClientRect()
			if (!held && box.width && (box.right > wide + 1 || box.left < -1)) bad.push("beside the window: " + el.outerHTML.slice(0, 120))
		}
		return bad.slice(0, 5)
	})()`) {
		b.t.Errorf("%s: %s", where, what)
	}
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// do runs steps, each for as long as a page may take.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	for _, step := range steps {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		err := chromedp.Do(ctx, step)
		cancel()
		if err != nil {
			b.stuck("a step: " + err.Error())
		}
	}
}

func (b *tab) stuck(on string) {
	b.t.Helper()
	b.shot("stuck")
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	b.t.Fatalf("the page did not get there: %s\nit says:\n%s", on, text)
}

// until waits for an expression to be true in the page.
func (b *tab) until(expression string) {
	b.t.Helper()
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
			b.stuck(errors.Join(errors.New(expression), err).Error())
		case <-tick.C:
		}
	}
}

// js evaluates an expression.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	b.must(err)
	return v
}

// visit opens a page of the console.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.s.url + path))
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
func (b *tab) click(selector string) {
	b.t.Helper()
	text, err := json.Marshal(selector)
	b.must(err)
	for began := time.Now(); ; {
		b.until(ready + "(" + string(text) + ")")
		b.do(chromedp.Click(chromedp.CSS(selector)))
		hit, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`window.hit ?? "another page"`))
		if err != nil || hit != "missed" {
			return
		}
		if time.Since(began) > patience {
			b.stuck("clicking " + selector)
		}
	}
}

// signIn goes through the whole sign-in as who.
func (b *tab) signIn(who string) {
	b.t.Helper()
	b.visit("/")
	b.click("#sign-in")
	b.click("#" + who)
	b.until(`document.querySelector("header.top")`)
}

func (b *tab) live() { b.t.Helper(); b.until(`document.querySelector("#live").dataset.state === "on"`) }

// accessible runs axe over the page: WCAG 2.2 A and AA.
func (b *tab) accessible(where string) {
	b.t.Helper()
	js[chromedp.Void](b, axe+`;0`)
	for _, p := range js[[]string](b, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
		r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 160) + " — " + n.failureSummary.replaceAll("\n", " "))))`) {
		b.t.Errorf("%s: %s", where, p)
	}
}

// shot keeps a picture of the whole page where HANDOFF_SHOTS says.
func (b *tab) shot(name string) {
	dir := os.Getenv("HANDOFF_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		b.t.Logf("no picture of %s: %v", name, err)
	}
}
