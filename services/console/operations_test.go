package console

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// set changes what the other services say.
func (s *stage) set(change func(*running)) {
	s.peers.mu.Lock()
	defer s.peers.mu.Unlock()
	change(&s.peers.running)
}

func TestAParkedKeyIsTriedOutBeforeItIsReplayed(t *testing.T) {
	s := open(t)
	s.facility()
	s.set(func(r *running) { r.broken = true })
	b := s.browse(1280, 1000, false)
	b.signIn("olu")
	b.visit("/operations")
	b.click(`[aria-label="Show ` + parkedKey.String() + `"]`)
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("no provider has this id")`)
	b.until(`document.querySelectorAll("#sheet .waiting li").length === 2 && document.querySelector("#sheet .waiting").innerText.includes("waits")`)
	b.click("#try-parked")
	b.until(`document.querySelector("#parked-result").innerText.includes("It would fail again")`)
	b.accessible("a parked key that would fail again")
	b.shot("parked-fails")
	s.set(func(r *running) { r.broken = false })
	b.click("#try-parked")
	b.until(`document.querySelector("#parked-result").innerText.includes("Nothing was changed by this trial") && document.querySelector("#parked-result").innerText.includes("1 × referral drafted")`)
	if s.peers.running.replays != 0 {
		t.Error("a trial changed something")
	}
	b.click("#replay-parked")
	b.until(`document.querySelector("#parked-result").innerText.includes("Replayed: 2 events in order")`)
	b.notes("Replayed: 2 events")
	b.accessible("a replayed key")
	b.shot("parked-replayed")
	if s.peers.running.replays != 1 {
		t.Errorf("replayed %d times", s.peers.running.replays)
	}
}

func TestTheLedgerIsVerifiedOnTheScreen(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(390, 844, true)
	b.signIn("olu")
	b.visit("/operations")
	b.click(`form[action="/operations/ledger"] button.main`)
	b.until(`document.querySelector("#proof").innerText.includes("17 rows verified, unbroken")`)
	js[chromedp.Void](b, `document.querySelector("#span").value = ""; 0`)
	b.click(`form[action="/operations/ledger"] button.main`)
	b.until(`document.querySelector("#proof").innerText.includes("1,204 rows verified, unbroken")`)
	b.accessible("the ledger holds")
	b.shot("ledger-holds")
	s.set(func(r *running) { r.broken = true })
	b.click(`form[action="/operations/ledger"] button.main`)
	b.until(`document.querySelector("#proof").innerText.includes("row 101 to row 104")`)
	b.accessible("the ledger is broken")
	b.shot("ledger-broken")
	if js[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
		t.Error("the page has to be scrolled sideways")
	}
}

func TestEveryNumberOfALawLeadsToWhatItCounts(t *testing.T) {
	s := open(t)
	s.facility()
	for _, control := range []string{"M1", "M2", "M3", "M4"} {
		s.quarantine(control)
	}
	b := s.browse(1280, 1000, false)
	b.signIn("ivo")
	b.visit("/operations")
	b.click(`#figures a[href="/operations/conservation/admission/0"]`)
	b.says("It balances")
	b.says("1,200 applied")
	b.click(`a.part[href*="quarantined"]`)
	b.until(`document.querySelectorAll("#rows-of tbody tr").length === 2 && document.querySelector("#rows-of").innerText.includes("It names no patient")`)
	first := js[string](b, `document.querySelector("#rows-of tbody th").innerText`)
	b.click(`#rows-of .more a`)
	b.until(`document.querySelector("#rows-of tbody th")?.innerText !== ` + quoted(first))
	b.click(`#rows-of tbody th a`)
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet .hl7").innerText.includes("ADT^A03")`)
	s.looks("olu", "/operations/conservation/admission/0?side=right&name=quarantined", "conservation")
}
