package console

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/handoff-care/handoff/pkg/events"
	"github.com/handoff-care/handoff/services/console/internal/store"
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

func TestChartsGoOverTheHourAndTheDayAndCanBeRead(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 1000, false)
	b.signIn("olu")
	b.visit("/operations")
	b.until(`document.querySelectorAll(".charts .u-wrap canvas").length === 5`)
	b.until(`document.querySelector("[data-chart=lag]").innerText.includes("Notification of discharge")`)
	b.click(`section[aria-labelledby="c-latency"] summary`)
	b.until(`document.querySelector("#t-latency table").innerText.includes("Taken on by a person") && document.querySelector("#t-latency").innerText.includes("20 ms")`)
	b.click(`a[href="/operations?span=day"]`)
	b.until(`location.search === "?span=day" && document.querySelectorAll(".charts .u-wrap canvas").length === 5`)
	b.until(`document.querySelector("#t-messages tbody tr")`)
	b.visit("/operations?span=day") // survives
	b.until(`document.querySelectorAll(".charts .u-wrap canvas").length === 5`)
	b.accessible("the charts of the day")
	b.shot("charts-day")
}

func TestAMessagesWayIsDrawnForThoseAllowed(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute})
	m, err := store.New(s.db).Episode(t.Context(), s.org, st.encounter.ID)
	if err != nil {
		t.Fatal(err)
	}
	var left store.Entry
	for _, e := range m.Entries {
		if e.Type == (events.EncounterDischarged{}).Type() {
			left = e
		}
	}
	heard, err := store.New(s.db).Heard(t.Context(), s.org, st.encounter.ID)
	if err != nil || time.Since(heard[left.ID]) > time.Minute {
		t.Errorf("that it was put on the pages is not written down: %v, %v", heard, err)
	}
	s.set(func(r *running) { r.message, r.received = left.Cause, time.Now().Add(-time.Second) })
	path := "/episodes/" + st.encounter.ID.String() + "/messages/" + left.Cause.String()
	for _, width := range []int64{1280, 390} {
		b := s.browse(width, 900, width < 600)
		b.signIn("dana")
		b.visit(path)
		b.until(`document.querySelectorAll(".way tbody tr").length >= 4`)
		for _, words := range []string{"Encounter discharged", "Transition opened, task created", "Alert raised"} {
			if !js[bool](b, `document.querySelector(".way").innerText.includes(`+quoted(words)+`)`) {
				t.Errorf("the way does not say %q", words)
			}
		}
		b.accessible("a message's way")
		b.shot(fmt.Sprint("way-", width))
		if js[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
			t.Error("the page has to be scrolled sideways")
		}
	}
	olu := s.browse(1280, 900, false, "403")
	olu.signIn("olu")
	olu.visit(path)
	olu.says("Your role does not open this page")
}

func TestAFeedIsMadeAndItsFirstMessageAwaited(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 1000, false, "409 (Conflict)")
	b.signIn("ada") // an administrator: also hospitals
	b.visit("/feeds/connect")
	b.until(`document.querySelector("form[action='/feeds/new']")._htmx?.initialized`)
	fill := func(values string) {
		js[chromedp.Void](b, `Object.entries(`+values+`).forEach(([id, v]) => { document.getElementById(id).value = v }); 0`)
	}
	fill(`{"feed-name": "North ADT", hospital: "", code: "MERCY", called: "North General", zone: "America/Chicago"}`)
	b.click("form[action='/feeds/new'] button.main")
	b.notes("A hospital of this code is here already")
	fill(`{code: "NORTH2"}`)
	b.click("form[action='/feeds/new'] button.main")
	b.until(`document.querySelector("#key")?.innerText === "hk_test_0123456789abcdef" && document.querySelector("#made").innerText.includes("Waiting for its first message")`)
	b.accessible("a feed that was made")
	b.shot("feed-made")
	s.peers.mu.Lock()
	if got := fmt.Sprint(s.peers.running.hospitals, s.peers.running.made); got != "[map[code:NORTH2 name:North General zone:America/Chicago]] map[facilities:[NORTH2] name:North ADT]" {
		t.Errorf("admission was asked for %s", got)
	}
	s.peers.running.heard = true
	s.peers.mu.Unlock()
	b.until(`document.querySelector("#first.come")?.innerText.includes("The first message has come")`)
	b.shot("feed-heard")

	ivo := s.browse(390, 844, true, "422")
	ivo.signIn("ivo") // an interface engineer: feeds of the hospitals there are
	ivo.visit("/feeds/connect")
	ivo.until(`document.querySelector("form[action='/feeds/new']")._htmx?.initialized && !document.querySelector("#code")`)
	js[chromedp.Void](ivo, `document.querySelector("#feed-name").value = "Mercy MLLP"; document.querySelector("input[value=certificate]").checked = true; 0`)
	ivo.click("form[action='/feeds/new'] button.main")
	ivo.notes("Name the sender’s certificate")
	js[chromedp.Void](ivo, `document.querySelector("#certificates").value = "adt.mercy.example\n"; 0`)
	ivo.click("form[action='/feeds/new'] button.main")
	ivo.until(`document.querySelector("#made").innerText.includes("with the certificate adt.mercy.example")`)
	ivo.accessible("a feed known by its certificate")
	ivo.shot("feed-certificate")
	if js[bool](ivo, `document.documentElement.scrollWidth > innerWidth`) {
		t.Error("the page has to be scrolled sideways")
	}
	olu := s.browse(1280, 900, false)
	olu.signIn("olu")
	olu.visit("/feeds/connect")
	olu.until(`document.querySelector("h1") && !document.querySelector("form[action='/feeds/new']")`)
}

func TestAFeedsQualityAndRhythmAreShown(t *testing.T) {
	s := open(t)
	s.facility()
	b := s.browse(1280, 1000, false)
	b.signIn("ivo")
	b.visit("/feeds")
	b.click(`a[aria-label="How it does: Mercy ADT"]`)
	b.until(`document.querySelector("[data-chart=rhythm] canvas")`)
	b.says("7 of 100 (7%)")
	b.says("Ask the hospital for PD1-4")
	b.says("99 of 100 answered within 20 ms")
	s.looks("olu", "/feeds/"+events.Derive("feed").String(), "feed")
}
