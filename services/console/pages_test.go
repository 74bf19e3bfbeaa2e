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

// told adds what the other services say of a stay: a referral, an alert.
func (s *stage) told(st stay) events.Alert {
	s.t.Helper()
	now := time.Now()
	a := events.Alert{
		ID: events.NewID(), Encounter: st.encounter.ID, Transition: st.tr.ID, Facility: "MERCY", Unit: "4N", Kind: "transition-opened", Cause: events.NewID(),
		State: "raised", Severity: "routine", Version: 1, Recipients: []string{"dana", "role:lead"}, OccurredAt: now, ReceivedAt: now, RaisedAt: now,
	}
	s.tell(store.Notification, events.AlertRaised{Notice: events.Notice{Alert: a}})
	r := events.Referral{ID: events.NewID(), Encounter: st.encounter.ID, Transition: st.tr.ID, Patient: st.encounter.Patient, Need: "home-health", State: "sent", Version: 2, Candidates: 7, Offers: []events.Offer{{Provider: events.NewID(), State: "sent"}}}
	s.tell(store.Referral, events.ReferralDrafted{Search: events.Search{Referral: r}}, events.ReferralSent{Search: events.Search{Referral: r}})
	return a
}

func TestAnEpisodeTellsItsStoryAndWhy(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute, medicines: 6 * 24 * time.Hour})
	s.told(st)
	b := s.browse(1280, 1000, false)
	b.signIn("dana")
	b.live()
	b.click(".who a")
	b.until(`document.querySelector("h1").innerText === "Maria Santos"`)
	b.live()
	for _, words := range []string{"Arrived", "Left the hospital", "Transition of care opened", "2 tasks made", "Alert raised", "Asked for a place", "born March 2, 1945"} {
		if !strings.Contains(js[string](b, `document.querySelector("#episode").innerText`), words) {
			t.Errorf("the page does not say %q", words)
		}
	}
	b.shot("episode")
	b.click(".row .acts .why")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("business day 2")`)
	b.accessible("why a task is due")
	b.shot("episode-why")
	b.click("#sheet .close button")
	b.click(".card a.why")
	b.until(`document.querySelector("#sheet").open && document.querySelector("#sheet").innerText.includes("On the roster of unit 4N")`)
	b.shot("episode-told")
	b.click("#sheet .close button")
	b.click(`.line a[href*="/messages/"]`)
	b.until(`document.querySelector("#sheet .hl7").innerText.includes("ADT^A03")`)
	b.until(`document.querySelector("#sheet .segments").innerText.includes("Numbers") && document.querySelector("#sheet .segments").innerText.includes("M-1, MERCY, MR")`)
	b.accessible("the message in words")
	b.shot("episode-message")
	b.click("#sheet .close button")

	cancelled := st.tasks[0]
	cancelled.State, cancelled.Reason, cancelled.Version = "cancelled", "discharge-cancelled", 2
	s.tell(store.Discharge, events.TaskCancelled{Work: events.Work{Task: cancelled}})
	b.until(`document.querySelector("#episode").innerText.includes("Cancelled: the discharge was cancelled")`) // live
	b.until(`document.querySelector("#t-` + cancelled.ID.String() + `").dataset.tone === "none"`)              // no colour of what presses
	b.until(`[...document.querySelectorAll(".line li")].some(l => l.innerText.includes("Correction"))`)
}

func TestAJourneyIsDrawnAndCanBeLaidOnTheTable(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: 90 * time.Minute, medicines: 6 * 24 * time.Hour})
	s.told(st)
	moved := st.encounter
	moved.State, moved.DischargedAt, moved.Disposition, moved.Unit = "in-progress", nil, "", "ICU"
	s.tellAt(store.Admission, time.Now().Add(-50*time.Hour), events.EncounterTransferred{About: events.About{Encounter: moved}})
	b := s.browse(1280, 1000, false)
	b.signIn("dana")
	b.visit("/episodes/" + st.encounter.ID.String())
	b.live()
	b.until(`document.querySelectorAll(".journey .stretch").length === 3 && document.querySelector(".stretches").innerText.includes("Inpatient, ICU")`)
	b.until(`document.querySelectorAll(".journey .mark-at").length === 3`) // two tasks, one alert
	b.accessible("the journey")
	b.shot("journey")
	b.click(`a[href$="?for=family"]`)
	b.until(`document.querySelector(".family h1")?.innerText === "Maria Santos"`)
	text := js[string](b, `document.querySelector("main").innerText`)
	for _, words := range []string{"Came to the hospital", "Moved to ICU", "Left the hospital", "Went home, with home health care", "A call from the team", "the follow-up team sees to it"} {
		if !strings.Contains(text, words) {
			t.Errorf("the family's page does not say %q", words)
		}
	}
	for _, words := range []string{"risk", "LACE", "Alert", "dana"} {
		if strings.Contains(text, words) {
			t.Errorf("the family's page says %q", words)
		}
	}
	b.accessible("the family's page")
	b.shot("family")
	b.click(`a[lang="es"]`)
	b.until(`document.documentElement.lang === "es"`)
	text = js[string](b, `document.querySelector("main").innerText`)
	for _, words := range []string{"Llegó al hospital", "Se trasladó a ICU", "Volvió a casa, con atención médica en el hogar", "Una llamada del equipo", "Se encarga el equipo de seguimiento"} {
		if !strings.Contains(text, words) {
			t.Errorf("the family's page in Spanish does not say %q: %s", words, text)
		}
	}
	b.accessible("the family's page in Spanish")
	b.shot("family-es")
	b.visit("/episodes/" + st.encounter.ID.String() + "?for=family")
	b.until(`document.documentElement.lang === "es" && document.title.includes("Para la familia")`) // as it was chosen before
	b.click(`a[lang="en"]`)
	b.until(`document.documentElement.lang === "en"`)
	hidden := s.discharge("Ruth Kessler", true, map[string]time.Duration{call: time.Hour})
	b.visit("/episodes/" + hidden.encounter.ID.String() + "?for=family")
	b.until(`document.querySelector("h1").innerText === "Confidential patient"`)
}

func TestOperationsShowWhatTheServicesSayOfThemselves(t *testing.T) {
	s := open(t)
	s.facility()
	for i := range 12 {
		s.discharge(fmt.Sprint("Patient ", i), false, map[string]time.Duration{call: time.Duration(i) * time.Hour})
	}
	b := s.browse(1280, 1000, false)
	b.signIn("olu")
	b.visit("/operations")
	b.until(`document.querySelectorAll(".u-wrap canvas").length >= 1`)
	text := js[string](b, `document.querySelector("main").innerText`)
	for _, words := range []string{"received = kept + rejected", "✓ balances", "90,210", "no provider has this id", "Message to screen"} {
		if !strings.Contains(text, words) {
			t.Errorf("the page does not say %q", words)
		}
	}
	b.shot("operations")
	b.click(`[aria-label^="Replay"]`)
	b.until(`document.querySelector("#toasts").innerText.includes("Replayed: 2 events")`)
	b.accessible("operations after a replay")
}

func TestTheOutboxShowsWhatWouldHaveLeft(t *testing.T) {
	s := open(t)
	b := s.browse(1280, 900, false)
	b.signIn("dana")
	b.visit("/outbox")
	b.until(`document.querySelector(".mail").innerText.includes("dana@example.org")`)
	b.shot("outbox")
}

// Every page, in every light, on every screen: nothing that axe finds wrong.
func TestPagesAreAccessible(t *testing.T) {
	s := open(t)
	s.facility()
	st := s.discharge("Maria Santos", false, map[string]time.Duration{call: -90 * time.Minute, medicines: 90 * time.Minute, "Book the visit": 9 * time.Hour, "Send the discharge information": 50 * time.Hour})
	s.told(st)
	s.discharge("Ruth Kessler", true, map[string]time.Duration{call: 20 * time.Hour})
	claimed := st.tasks[0]
	claimed.Owner, claimed.State, claimed.Version, claimed.Attempts = "dana", "accepted", 2, 1
	s.tell(store.Discharge, events.TaskAssigned{Work: events.Work{Task: claimed, By: "dana"}})
	b := s.browse(1280, 900, false, "/nowhere")
	b.visit("/login")
	b.looksRight("login")
	b.signIn("dana")
	for name, path := range map[string]string{"worklist": "/", "empty": "/?view=done", "episode": "/episodes/" + st.encounter.ID.String(), "missing": "/nowhere", "outbox": "/outbox"} {
		b.visit(path)
		b.do(chromedp.WaitVisible(chromedp.CSS("h1")))
		b.looksRight(name)
	}
	olu := s.browse(1280, 900, false)
	olu.signIn("olu")
	olu.visit("/operations")
	olu.until(`document.querySelectorAll(".u-wrap canvas").length >= 1`)
	olu.looksRight("operations")
}
