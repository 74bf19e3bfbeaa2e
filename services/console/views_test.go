package console

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func quoted(text string) string {
	b, _ := json.Marshal(text) // a string: cannot fail
	return string(b)
}

// says waits until the view says a text.
func (b *tab) says(text string) {
	b.t.Helper()
	b.until(`document.querySelector("main").innerText.replace(/\s+/g, " ").includes(` + quoted(text) + `)`)
}

// unsays waits until the view does not say a text any more.
func (b *tab) unsays(text string) {
	b.t.Helper()
	b.until(`!document.querySelector("main").innerText.replace(/\s+/g, " ").includes(` + quoted(text) + `)`)
}

// notes waits for a passing note that says a text.
func (b *tab) notes(text string) {
	b.t.Helper()
	b.until(`document.querySelector("#toasts").innerText.includes(` + quoted(text) + `)`)
}

// looks opens a page on every screen and in every light: nothing that axe finds wrong, nothing to be
// scrolled sideways, a picture of each.
func (s *stage) looks(who, path, name string) {
	s.t.Helper()
	for _, screen := range []struct {
		name string
		w, h int64
		dark bool
	}{{"desktop-light", 1280, 900, false}, {"desktop-dark", 1280, 900, true}, {"phone-light", 390, 844, false}, {"phone-dark", 390, 844, true}} {
		b := s.browse(screen.w, screen.h, screen.dark)
		b.signIn(who)
		b.visit(path)
		b.do(chromedp.WaitVisible(chromedp.CSS("h1")))
		b.accessible(screen.name + " " + name)
		b.shot(name + "-" + screen.name)
		if js[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
			s.t.Errorf("%s %s has to be scrolled sideways", screen.name, name)
		}
	}
}

func TestAnAlertAppearsIsTakenOnAndSettled(t *testing.T) {
	s := open(t)
	s.facility()
	dana, sam := s.browse(1280, 900, false), s.browse(1280, 900, true)
	dana.signIn("dana")
	sam.signIn("sam")
	for _, b := range []*tab{dana, sam} {
		b.visit("/alerts")
		b.live()
		b.says("Nothing needs you right now")
	}
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	a := s.alert(st, "urgent", "role:liaison")
	row := "#a-" + a.ID.String()
	for _, b := range []*tab{dana, sam} {
		b.until(`document.querySelector("` + row + `")?.innerText.includes("Maria Santos")`) // pushed
		b.says("Told: every clinical liaison")
	}
	dana.click(row + " .why")
	dana.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("on the roster of unit 4N")`)
	dana.accessible("why an alert was raised")
	dana.click("#sheet .close button")
	s.peers.mu.Lock()
	if !slices.Contains(s.peers.shown.seen, a.ID.String()) {
		t.Error("that the alert was opened is not noted")
	}
	s.peers.mu.Unlock()

	s.peers.hold() // what follows from it is not heard yet: both see the alert open
	dana.click(row + " .acts .main")
	dana.until(`document.querySelector("` + row + ` .owner").innerText === "Yours"`)
	sam.click(row + " .acts .main")
	sam.notes("Dana Whitfield took this on a moment before you")
	sam.until(`document.querySelector("` + row + ` .owner").innerText === "With Dana Whitfield"`)
	s.peers.settle()
	sam.until(`!document.querySelector("` + row + `")`) // pushed: it is in good hands

	dana.visit("/alerts?show=taken")
	dana.live()
	dana.click(row + " .acts button")
	dana.notes("Nothing is left to do about it")
	dana.says("Nobody is seeing to an alert now")
	s.alert(st, "critical", "dana")
	s.looks("dana", "/alerts", "alerts")
	s.looks("dana", "/alerts?show=taken", "alerts-empty")
}
